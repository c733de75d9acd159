"""The case desk: the queue, the page of a case, and every decision taken at it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import SignIn
from orders.models import Dispute, LedgerTransfer, Order
from orders.selectors.disputes import record_of
from orders.services import disputes, rulings
from orders.services.evidence import add_evidence
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import (
    REASON,
    STATEMENT,
    answered,
    case_for,
    disputed,
    everything,
    money,
    reviewed,
    ruled,
    taken,
)
from orders.tests.factories import order_in

QUEUE = "/admin/orders/dispute/"
ACTIONS = ["take", "hand_over", "note", "evidence", "rule", "withdraw"]


@pytest.fixture
def second(db: None) -> User:
    user = UserFactory(full_name="Second Moderator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="resolve_dispute"))
    return user


@pytest.fixture
def waiting(buyer: User, freelancer: User) -> Order:
    """Under review, taken by nobody."""
    return reviewed(disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer))


@pytest.fixture
def mine(moderator: User, buyer: User, freelancer: User) -> Order:
    return case_for(moderator, buyer, freelancer)


def the_case(order: Order) -> Dispute:
    return order.disputes.latest("number")


def url(name: str, order: Order) -> str:
    return reverse(f"admin:orders_dispute_{name}", args=[the_case(order).pk])


def shown(client: Client, order: Order) -> str:
    response = client.get(url("case", order))
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, name: str, order: Order, prefix: str = "", **fields: object) -> HttpResponse:
    order.refresh_from_db()
    prefix = f"{prefix}-" if prefix else ""
    fields = {"seen": order.version, **fields}
    return client.post(
        url(name, order), {name if name == "confirmed" else f"{prefix}{name}": value for name, value in fields.items()}
    )


def listed(client: Client, **query: str) -> list[Order]:
    return [row["case"].order for row in client.get(QUEUE, query).context["rows"]]


# --- The queue ------------------------------------------------------------------------------------------------------
def test_the_queue_is_by_deadline(buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    orders = [reviewed(disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)) for _ in range(3)]
    Order.objects.filter(pk=orders[2].pk).update(dispute_by=timezone.now() - timedelta(days=1))
    assert listed(sign_in(moderator), tab="unassigned") == [orders[2], orders[0], orders[1]]


def test_each_case_stands_in_the_tab_of_whose_turn_it_is(
    waiting: Order, moderator: User, second: User, buyer: User, freelancer: User, sign_in: SignIn
):
    early = disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)
    mine, theirs = case_for(moderator, buyer, freelancer), case_for(second, buyer, freelancer)
    closed = ruled(case_for(moderator, buyer, freelancer), moderator)
    client = sign_in(moderator)
    tabs = {tab: listed(client, tab=tab) for tab in ("mine", "unassigned", "waiting", "others", "closed")}
    assert tabs == {"mine": [mine], "unassigned": [waiting], "waiting": [early], "others": [theirs], "closed": [closed]}
    counts = [tab["count"] for tab in client.get(QUEUE).context["tabs"]]
    assert counts == [1, 1, 1, 1, 1]


def test_a_case_is_found_by_reference_or_either_mail(waiting: Order, moderator: User, sign_in: SignIn):
    client = sign_in(moderator)
    for search in (waiting.payment_reference.lower(), waiting.client.email, waiting.freelancer.email):
        assert listed(client, q=search) == [waiting]
    assert listed(client, q="nobody@example.com") == []


def test_the_queue_costs_the_same_at_one_and_at_many(
    waiting: Order, buyer: User, freelancer: User, moderator: User, sign_in: SignIn, django_assert_num_queries: Callable
):
    client = sign_in(moderator)
    listed(client)
    for _ in range(5):
        reviewed(disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer))
    with django_assert_num_queries(10):
        assert len(listed(client, tab="unassigned")) == 6


# --- Who may ---------------------------------------------------------------------------------------------------------
def test_the_desk_is_for_moderators_who_are_no_party(
    mine: Order, moderator: User, buyer: User, freelancer: User, stranger: User, client: Client, sign_in: SignIn
):
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["verify_payment", "view_dispute", "view_order"]))
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    assert sign_in(moderator).get(url("case", mine)).status_code == 200
    assert sign_in(clerk).get(url("case", mine)).status_code == 403
    assert sign_in(clerk).get(QUEUE).status_code == 403
    assert sign_in(freelancer).get(url("case", mine)).status_code == 404
    assert listed(sign_in(freelancer)) == []
    for person in (buyer, stranger):
        assert sign_in(person).get(url("case", mine)).status_code == 302
    assert client.get(url("case", mine)).status_code == 302


@pytest.mark.parametrize("name", ACTIONS)
def test_nobody_else_acts_at_the_desk(mine: Order, buyer: User, freelancer: User, stranger: User, sign_in: SignIn, name: str):
    clerk = UserFactory(is_staff=True)
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    before = everything()
    answers = [sign_in(person).post(url(name, mine)).status_code for person in (freelancer, clerk, buyer, stranger)]
    assert answers == [404, 403, 302, 302]
    assert everything() == before


@pytest.mark.parametrize("name", ACTIONS)
def test_a_decision_is_posted(mine: Order, moderator: User, sign_in: SignIn, name: str):
    assert sign_in(moderator).get(url(name, mine)).status_code == 405


# --- The page ---------------------------------------------------------------------------------------------------------
def test_the_page_shows_the_whole_case(buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    order = answered(
        disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer), freelancer, wanted_amount=Decimal(100)
    )
    add_evidence(actor=buyer, dispute_id=the_case(order).pk, note="For your eyes.", audience="staff")
    rulings.add_staff_note(actor=moderator, dispute_id=the_case(order).pk, text="Seen before.")
    page = shown(sign_in(moderator), order)
    for words in (STATEMENT, "It is what was agreed.", "For your eyes.", "Seen before.", "Here it is.", "logo.zip", "100.00"):
        assert words in page
    assert "Not yet to be ruled" in page and "rule-title" not in page


def test_the_page_shows_what_came_of_their_other_cases(mine: Order, moderator: User, buyer: User, freelancer: User):
    ruled(case_for(moderator, buyer, freelancer), moderator, "0", "120")
    ruled(case_for(moderator, buyer, freelancer), moderator, "60", "60")
    other = disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)
    disputes.withdraw_dispute(actor=buyer, order_id=other.pk, seen=other.version)
    record = record_of(freelancer, but=the_case(mine))
    assert (len(record.cases), record.open, record.won, record.lost, record.divided, record.withdrawn) == (3, 0, 0, 1, 1, 1)
    assert record_of(buyer, but=the_case(mine)).won == 1


def test_silence_is_a_hint_and_no_ruling(mine: Order, moderator: User, freelancer: User, sign_in: SignIn):
    page = shown(sign_in(moderator), mine)
    assert f"{freelancer} did not answer in the time for statements." in page
    assert the_case(mine).is_open and money(mine) == {"escrow": Decimal(120)}


# --- Taking and handing over ----------------------------------------------------------------------------------------------
def test_a_case_is_taken_and_handed_over(waiting: Order, moderator: User, second: User, sign_in: SignIn):
    client = sign_in(moderator)
    assert post(client, "take", waiting, "take").status_code == 302
    assert the_case(waiting).moderator == moderator
    response = post(client, "hand_over", waiting, "hand", to=second.pk, note="You know music.")
    assert response.status_code == 302
    assert the_case(waiting).moderator == second
    assert "You know music." in shown(client, waiting)


def test_a_stale_page_takes_nothing(waiting: Order, moderator: User, sign_in: SignIn):
    before = everything()
    response = sign_in(moderator).post(url("take", waiting), {"take-seen": waiting.version - 1})
    assert response.status_code == 200 and "Someone was faster" in response.content.decode()
    assert everything() == before


def test_a_case_is_not_handed_to_a_party_or_a_stranger(waiting: Order, moderator: User, freelancer: User, sign_in: SignIn):
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    taken(waiting, moderator)
    response = post(sign_in(moderator), "hand_over", waiting, "hand", to=freelancer.pk, note="Here.")
    assert response.status_code == 200
    assert the_case(waiting).moderator == moderator


# --- Ruling ---------------------------------------------------------------------------------------------------------------
def amounts(freelancer: str = "33.33", client: str = "86.67", **changes: object) -> dict[str, object]:
    return {"freelancer_amount": freelancer, "client_amount": client, "reason": REASON, **changes}


def test_a_ruling_is_shown_before_it_counts(mine: Order, moderator: User, sign_in: SignIn):
    client = sign_in(moderator)
    before = everything()
    page = post(client, "rule", mine, "rule", **amounts()).content.decode()
    assert everything() == before
    for amount in ("-120.00", "30.00", "3.33", "86.67"):
        assert amount in page
    assert 'name="confirmed"' in page and 'name="rule-freelancer_amount" value="33.33"' in page
    assert post(client, "rule", mine, "rule", **amounts(confirmed="yes")).status_code == 302
    assert money(mine) == {"balance": Decimal("30"), "fees": Decimal("3.33"), "refundable": Decimal("86.67")}
    mine.refresh_from_db()
    assert (mine.status, mine.payment_status) == (Status.COMPLETED, PaymentStatus.SPLIT)


@pytest.mark.parametrize(
    "wrong", [{"freelancer": "60", "client": "60.01"}, {"client": "all"}, {"reason": "Too short."}, {"freelancer": ""}]
)
@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes"}])
def test_a_wrong_ruling_keeps_what_was_typed(
    mine: Order, moderator: User, sign_in: SignIn, wrong: dict[str, str], confirmed: dict[str, str]
):
    before = everything()
    response = post(sign_in(moderator), "rule", mine, "rule", **amounts(**wrong, **confirmed))
    page = response.content.decode()
    assert response.status_code == 200 and "to put right" in page
    assert wrong.get("reason", REASON)[:20] in page
    assert everything() == before


def test_only_who_has_the_case_is_offered_the_ruling(mine: Order, second: User, sign_in: SignIn):
    client = sign_in(second)
    assert "rule-title" not in shown(client, mine)
    before = everything()
    post(client, "rule", mine, "rule", **amounts(confirmed="yes"))
    assert everything() == before


def test_the_words_of_a_ruling_are_not_lost_when_a_colleague_took_the_case(
    mine: Order, moderator: User, second: User, sign_in: SignIn
):
    rulings.take_case(actor=second, order_id=mine.pk, seen=mine.version, note="You are on leave.")
    before = everything()
    page = post(sign_in(moderator), "rule", mine, "rule", **amounts(confirmed="yes")).content.decode()
    assert REASON in page and "Take the case first" in page
    assert everything() == before


def test_a_direct_ruling_posts_no_line(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT)
    page = post(sign_in(moderator), "rule", order, "rule", **amounts("20", "100")).content.decode()
    assert "the platform does not hold this money" in page and "owed by" in page
    assert not LedgerTransfer.objects.exists()


def test_a_payment_that_never_came_can_be_ruled_so(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    client = sign_in(moderator)
    assert "rule-not_paid" in shown(client, order)
    assert post(client, "rule", order, "rule", **amounts("0", "0", not_paid="on", confirmed="yes")).status_code == 302
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.AWAIT_DEPOSIT)


# --- Notes, evidence, staff's own disputes -----------------------------------------------------------------------------------
def test_notes_and_evidence_of_moderators(mine: Order, moderator: User, buyer: User, sign_in: SignIn):
    client = sign_in(moderator)
    assert client.post(url("note", mine), {"note-text": "Look at the metadata."}).status_code == 302
    response = client.post(url("evidence", mine), {"note": "The file’s metadata.", "audience": "all"})
    assert response.status_code == 302
    theirs = sign_in(buyer).get(reverse("orders:dispute", args=[mine.pk])).content.decode()
    assert "The file’s metadata." in theirs and "Look at the metadata." not in theirs


def test_a_moderator_disputes_a_completed_order_and_takes_it_back(
    buyer: User, freelancer: User, moderator: User, second: User, sign_in: SignIn
):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    address = reverse("admin:orders_dispute_open", args=[order.pk])
    client = sign_in(moderator)
    assert client.get(address).status_code == 200
    assert client.post(address, {"seen": order.version, "reason": "fraud", "statement": "Short."}).status_code == 200
    assert not order.disputes.exists()
    wishes = {"seen": order.version, "reason": "reversal", "statement": STATEMENT}
    assert client.post(address, wishes).status_code == 302
    assert the_case(order).opened_by == moderator
    assert post(sign_in(second), "withdraw", order, note="The bank was wrong.", sure="on").status_code == 302
    order.refresh_from_db()
    assert (order.payment_status, the_case(order).state) == (PaymentStatus.RELEASED, Dispute.State.WITHDRAWN)


def test_only_moderators_who_are_no_party_open_one(
    buyer: User, freelancer: User, moderator: User, stranger: User, sign_in: SignIn
):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    address = reverse("admin:orders_dispute_open", args=[order.pk])
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    clerk = UserFactory(is_staff=True)
    wishes = {"seen": order.version, "reason": "reversal", "statement": STATEMENT}
    answers = [sign_in(person).post(address, wishes).status_code for person in (freelancer, clerk, stranger)]
    assert answers == [404, 403, 302]
    assert not order.disputes.exists()
