"""Placing and reading orders by programs: who sees what, and at which cost."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer, with_key
from accounts.tests.factories import UserFactory
from conftest import SignIn
from gigs.tests.factories import GigFactory, RequirementFactory
from orders.api.addresses import ADDRESSES
from orders.models import Order
from orders.proposal_forms import STEP_FORMS
from orders.selectors import gig_terms, list_actions_for
from orders.selectors.disputes import latest_dispute, list_case_steps
from orders.selectors.orders import get_order_page_for
from orders.selectors.proposals import list_steps_for
from orders.selectors.whole import get_whole_order_for
from orders.services import disputes, lifecycle, payments
from orders.services.evidence import add_evidence
from orders.services.receipts import issue_receipts
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.factories import deliver, hand_in_proof, method_for, order_in, place, place_many
from orders.tests.programs import a_proof, body_of, read, status_of
from orders.tests.programs import place as place_by_program
from orders.tests.situations import PAIRS, STORY, order_as
from orders.tests.stories import STORIES, Cast, a_payout_account, declined, refund_of

pytestmark = pytest.mark.django_db
P, D = Custody.PLATFORM, Custody.DIRECT


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)


def wanted(gig: Any, custody: Custody = P, **more: object) -> dict[str, object]:
    return {"gig_id": str(gig.pk), "payment_method_id": str(method_for(gig, custody).pk), **more}


@pytest.fixture
def gig(freelancer: User) -> Any:
    return GigFactory(freelancer=freelancer, price=Decimal("120"), currency="EUR")


# --- Placing --------------------------------------------------------------------------------------------------------
def test_anyone_sees_how_a_gig_can_be_paid_and_no_account(gig: Any):
    direct, platform = method_for(gig, D), method_for(gig, P)
    shown = Client().get(f"/api/gigs/{gig.pk}/payment-methods").json()
    assert [(item["id"], item["custody"], item["label"]) for item in shown["items"]] == [
        (str(platform.pk), "PLATFORM", platform.label),
        (str(direct.pk), "DIRECT", direct.label),
    ]
    assert {*shown["items"][0]} == {"id", "label", "kind", "custody", "currency", "is_reversible", "pay_window_hours"}


def test_the_methods_of_a_hidden_gig_are_its_owners(gig: Any, freelancer: User, stranger: User):
    gig.is_active = False
    gig.save()
    url = f"/api/gigs/{gig.pk}/payment-methods"
    assert [program.get(url).status_code for program in (Client(), bearer(stranger), bearer(freelancer))] == [404, 404, 200]


def test_who_orders_reads_where_to_pay(gig: Any, buyer: User):
    answer = place_by_program(bearer(buyer), **wanted(gig))
    shown, order = answer.json(), Order.objects.get()
    assert (answer.status_code, shown["id"], shown["role"], shown["version"]) == (201, str(order.pk), "client", 1)
    assert shown["pay_to"] == {
        "kind": "bank",
        "holder": "Marketplace Escrow",
        "account": "DE75512108001245126199",
        "routing": "SOGEDEFFXXX",
        "instructions": "",
        "amount": "120.00",
        "currency": "EUR",
        "reference": order.payment_reference,
        "pay_by": shown["pay_by"],
    }
    assert [action["action"] for action in shown["actions"]] == ["submit_payment", "cancel"]
    submit = shown["actions"][0]
    assert submit["url"].endswith(f"/api/orders/{order.pk}/submit-payment")
    assert (submit["method"], submit["needs"]) == ("PATCH", ["proof_reference", "payer_name", "amount", "paid_at"])


def test_one_key_places_one_order(gig: Any, buyer: User):
    body, program = wanted(gig), bearer(buyer)
    answers = [place_by_program(program, key="order-1", **body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Order.objects.count() == 1
    other = place_by_program(program, key="order-1", **wanted(gig))
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert Order.objects.count() == 1


def test_a_gig_that_changed_since_its_terms_were_read_is_409(gig: Any, buyer: User):
    body = wanted(gig)
    terms = Client().get(f"/api/gigs/{gig.pk}/payment-methods").json()["terms"]
    assert terms == gig_terms(gig)
    gig.price = Decimal("150")
    gig.save()
    answer = place_by_program(bearer(buyer), **body, terms=terms)
    assert (answer.status_code, answer.json()["code"]) == (409, "gig_changed")
    assert not Order.objects.exists()


def test_the_questions_of_a_gig_are_answered_by_their_ids(gig: Any, buyer: User):
    colour = RequirementFactory(gig=gig, question="Which colour?", kind="choice", choices=["Teal", "Red"])
    more = RequirementFactory(gig=gig, question="Anything else?", is_required=False)
    answers = [{"question_id": colour.pk, "answer": "Teal"}]
    shown = place_by_program(bearer(buyer), **wanted(gig, answers=answers)).json()
    assert shown["answers"] == [{"question": "Which colour?", "answer": "Teal"}, {"question": more.question, "answer": ""}]


def unanswered(gig: Any) -> dict[str, object]:
    RequirementFactory(gig=gig, question="Which colour?")
    return {}


def answered_wrongly(gig: Any) -> dict[str, object]:
    row = RequirementFactory(gig=gig, question="Which colour?", kind="choice", choices=["Teal", "Red"])
    return {"answers": [{"question_id": row.pk, "answer": "Blue"}]}


def answered_twice(gig: Any) -> dict[str, object]:
    row = RequirementFactory(gig=gig, question="Which colour?")
    return {"answers": [{"question_id": row.pk, "answer": "Teal"}] * 2}


def unknown_question(gig: Any) -> dict[str, object]:
    return {"answers": [{"question_id": 2**62, "answer": "Teal"}]}


def another_currency(gig: Any) -> dict[str, object]:
    return {"payment_method_id": str(method_for(GigFactory(currency="KES"), P).pk)}


def hidden(gig: Any) -> dict[str, object]:
    gig.is_active = False
    gig.save()
    return {}


def nowhere(_gig: Any) -> dict[str, object]:
    return {"gig_id": str(uuid.uuid4())}


@pytest.mark.parametrize(
    ("change", "code", "about"),
    [
        (unanswered, "answers_incomplete", "answers"),
        (answered_wrongly, "answers_incomplete", "answers"),
        (answered_twice, "invalid", "answers.1.question_id"),
        (unknown_question, "invalid", "answers.0.question_id"),
        (another_currency, "payment_method_not_usable", "payment_method_id"),
        (hidden, "gig_not_orderable", "gig_id"),
        (nowhere, "gig_not_orderable", "gig_id"),
        (lambda _gig: {"gig_id": "one"}, "invalid", "gig_id"),
        (lambda _gig: {"hurry": True}, "invalid", "hurry"),
    ],
)
def test_what_cannot_be_ordered_is_refused_by_field(change: Any, code: str, about: str, gig: Any, buyer: User):
    body = {**wanted(gig), **change(gig)}
    answer = place_by_program(bearer(buyer), **body)
    assert (answer.status_code, answer.json()["code"], [*answer.json()["fields"]]) == (422, code, [about])
    assert not Order.objects.exists()


def test_nobody_orders_from_themselves_unnamed_or_with_a_key_for_reading(gig: Any, freelancer: User, buyer: User):
    body = wanted(gig)
    programs = (bearer(freelancer), Client(), with_key(buyer, "read"))
    assert [place_by_program(program, **body).status_code for program in programs] == [422, 401, 403]
    assert not Order.objects.exists()


# --- Who reads what -------------------------------------------------------------------------------------------------
@pytest.fixture
def whole(buyer: User, freelancer: User, moderator: User) -> Order:
    """Delivered once, changes asked, delivered again, with its receipt issued."""
    order = deliver(order_in(Status.REVISION_REQUESTED, client=buyer, freelancer=freelancer, verifier=moderator))
    issue_receipts(now=timezone.now())
    return order


def addresses(order: Order) -> list[str]:
    file, proof = order.deliveries.first().files.get(), order.proofs.get()
    base = f"/api/orders/{order.pk}"
    return [base, f"{base}/events", f"{base}/receipt", f"{base}/files/{file.pk}", f"{base}/proofs/{proof.pk}/receipt"]


def test_an_order_is_read_by_its_sides_and_by_moderators_without_a_key(
    whole: Order, buyer: User, freelancer: User, moderator: User, stranger: User, sign_in: SignIn
):
    programs = {
        "client": bearer(buyer),
        "freelancer": bearer(freelancer),
        "client's key": with_key(buyer, "read"),
        "client's session": sign_in(buyer),
        "moderator": bearer(moderator),
        "moderator's session": sign_in(moderator),
        "moderator's key": with_key(moderator, "read", "orders"),
        "stranger": bearer(stranger),
        "nobody": Client(),
    }
    for url in addresses(whole):
        answers = {name: status_of(program, url) for name, program in programs.items()}
        let_in = dict.fromkeys([*programs][:6], 200)
        assert answers == {**let_in, "moderator's key": 404, "stranger": 404, "nobody": 401}, url


def test_what_is_missing_is_404(whole: Order, buyer: User, freelancer: User):
    other = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    base, program = f"/api/orders/{other.pk}", bearer(buyer)
    file, proof = whole.deliveries.first().files.get(), whole.proofs.get()
    missing = [
        f"/api/orders/{uuid.uuid4()}",
        f"{base}/receipt",
        f"{base}/files/{file.pk}",
        f"{base}/proofs/{proof.pk}/receipt",
        f"/api/orders/{other.pk}/nothing",
    ]
    assert [status_of(program, url) for url in missing] == [404] * 5


def test_a_file_and_a_receipt_come_as_they_were(whole: Order, buyer: User):
    shown = read(bearer(buyer), whole).json()
    delivered = bearer(buyer).get(shown["deliveries"][1]["files"][0]["url"])
    assert (body_of(delivered), delivered.headers["Content-Disposition"]) == (b"the work", 'attachment; filename="logo.zip"')
    receipt = bearer(buyer).get(shown["proofs"][0]["receipt"]["url"])
    assert (body_of(receipt)[:4], receipt.headers["Content-Type"]) == (b"\x89PNG", "image/png")


def test_a_proof_without_a_receipt_has_none_to_download(order: Order, buyer: User):
    proof = hand_in_proof(order, receipt=None).proofs.get()
    assert read(bearer(buyer), order, "proofs", str(proof.pk), "receipt").status_code == 404


def test_where_to_pay_is_told_to_the_client_while_it_is_due(order: Order, buyer: User, freelancer: User, moderator: User):
    assert [read(bearer(user), order).json()["pay_to"] for user in (freelancer, moderator)] == [None, None]
    assert read(bearer(buyer), order).json()["pay_to"]["account"] == order.deposit_address
    hand_in_proof(order)
    later = read(bearer(buyer), order)
    assert later.json()["pay_to"] is None
    assert order.deposit_address not in later.content.decode()


def test_the_client_is_not_told_what_the_freelancer_earns(whole: Order, buyer: User, freelancer: User, moderator: User):
    pages = [read(bearer(user), whole).json()["money"] for user in (buyer, freelancer, moderator)]
    assert [page["freelancer_earns"] for page in pages] == [None, "108.00", "108.00"]
    assert {(page["price"], page["held"], page["fee"], page["fee_percent"]) for page in pages} == {
        ("120.00", "120.00", "12.00", "10")
    }


def test_neither_side_reads_what_is_not_theirs(whole: Order, buyer: User, freelancer: User, moderator: User):
    """Accounts to pay out to, the other's statement and evidence for moderators, moderators' own notes."""
    for person in (buyer, freelancer):
        a_payout_account(person)
    order = disputes.open_dispute(
        actor=buyer, order_id=whole.pk, seen=whole.version, reason="not_as_agreed", statement=f"SECRET OF THE CLIENT {STORY}"
    )
    case = latest_dispute(order)
    add_evidence(actor=buyer, dispute_id=case.pk, note="FOR MODERATORS", audience="staff")
    case.staff_notes.create(author=moderator, text="NOTE OF STAFF", created_at=timezone.now())
    for user in (buyer, freelancer):
        words = "".join(bearer(user).get(url).content.decode() for url in addresses(order)[:3])
        hidden_words = [
            "SECRET OF THE CLIENT",
            "FOR MODERATORS",
            "NOTE OF STAFF",
            "254712345678",
            "5678",
            "@example.com",
            "sha256$",
        ]
        assert [word for word in hidden_words if word in words] == []


def test_what_a_moderator_noted_of_a_statement_is_not_in_the_history(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer, verifier=moderator)
    payments.enter_payment(
        action=Action.RECORD_PAYMENT,
        actor=moderator,
        order_id=order.pk,
        seen=order.version,
        transaction_reference="ST-1",
        payer_name="Amara Okafor",
        amount=Decimal("120"),
        paid_at=order.created_at,
        note="Line 7 of March.",
    )
    events = read(bearer(buyer), order, "events").json()["items"]
    assert [(event["action"], event["by"], event["text"]) for event in events] == [
        ("place_order", "client", ""),
        ("record_payment", "moderator", ""),
    ]
    assert "Line 7" not in read(bearer(buyer), order).content.decode()


def test_a_moderator_is_never_the_one_whose_turn_it_is(order: Order, buyer: User, moderator: User):
    mine, theirs = (read(bearer(user), order).json() for user in (buyer, moderator))
    assert (mine["next"]["turn"], theirs["next"]["turn"], theirs["role"], theirs["actions"]) == ("you", "them", "moderator", [])


def test_a_moderator_may_check_a_payment(order: Order, moderator: User):
    hand_in_proof(order)
    offered = read(bearer(moderator), order).json()["actions"]
    assert [action["action"] for action in offered] == ["confirm_payment", "reject_payment", "record_partial"]


def test_a_key_for_reading_may_do_nothing(order: Order, buyer: User):
    assert read(with_key(buyer, "read"), order).json()["actions"] == []
    assert [action["action"] for action in read(with_key(buyer, "read", "orders"), order).json()["actions"]] == [
        "submit_payment",
        "cancel",
    ]


# --- What may be done, in every situation ---------------------------------------------------------------------------
TOLD = [(story, custody) for story in STORIES for custody in story.custodies]


@pytest.mark.once
@pytest.mark.parametrize(("story", "custody"), TOLD, ids=[f"{story.name}-{custody}" for story, custody in TOLD])
def test_an_order_offers_what_its_pages_offer(story: Any, custody: Custody, buyer: User, freelancer: User, moderator: User):
    with time_machine.travel(timezone.now(), tick=False):
        told, when = story.tell(Cast(buyer, freelancer, moderator, custody))
        with time_machine.travel(when or timezone.now(), tick=False):
            for user in (buyer, freelancer):
                order = Order.objects.get(pk=told.pk)
                shown = read(bearer(user), order).json()
                offered = {action["action"] for action in shown["actions"]}
                of_table = {action["action"] for action in shown["actions"] if f"/orders/{order.pk}/" in action["url"]}
                assert of_table - {"add_evidence"} == _on_pages(user, order)
                assert of_table - {"add_evidence"} <= set(list_actions_for(user, order))
                if shown["next"]["turn"] == "you":
                    assert _asked_for(story, custody, user == freelancer) in offered


# The step that asks for itself, by how the name of the situation begins.
ASKED_FOR = {
    **dict.fromkeys(("pay", "again", "rest"), "submit_payment"),
    "direct check": "confirm_payment",
    "start": "start_work",
    "paused": "resume",
    "check": "approve",
    **dict.fromkeys(("work", "revise"), "submit_work"),
    "their cancellation": "accept_cancellation",
    "their extension": "accept_extension",
    "their pause": "grant_pause",
    "statement of mine": "answer_dispute",
    "evidence": "add_evidence",
    "offer of theirs": "accept_settlement",
    "refund account": "name_refund_account",
    "refund failed": "name_refund_account",
    "refund sent": "confirm_refund",
    "owed": "mark_refund_sent",
    "owed, sent": "confirm_refund",
}


def _asked_for(story: Any, custody: Custody, is_freelancer: bool) -> str:
    key = (story.direct_keys or story.keys if custody == D else story.keys)[is_freelancer]
    if (key, is_freelancer) == ("work, late", False):
        return "cancel_late"
    return ASKED_FOR[max((name for name in ASKED_FOR if key.startswith(name)), key=len)]


def _on_pages(user: User, order: Order) -> set[str]:
    """The forms of the order's page and of its case, and the two steps that are no form there."""
    case = latest_dispute(order)
    if case:
        case.order = order
    listed = list_steps_for(user, order)
    is_sent = order.disbursements.exclude(reason="surplus").filter(state="sent").exists()
    others = {Action.ATTACH_RECEIPT, Action.CONFIRM_REFUND} if is_sent else {Action.ATTACH_RECEIPT}
    of_order = {action for action in listed if action in STEP_FORMS or action in others}
    return {str(action) for action in of_order | set(list_case_steps(user, order, case)) if action in ADDRESSES}


def test_the_step_of_a_refund_is_named_by_the_order(buyer: User, freelancer: User, moderator: User):
    """A program that reads `next` finds its step, and takes it where it is told to."""
    cast = Cast(buyer, freelancer, moderator, P)
    order = declined(cast)
    (named,) = read(bearer(buyer), order).json()["actions"]
    assert (named["action"], named["method"], named["needs"]) == ("name_refund_account", "PATCH", ["account_id"])
    assert named["url"].endswith(f"/api/refunds/{order.disbursements.get().pk}/account")
    account = {"account_id": str(a_payout_account(buyer).pk)}
    assert bearer(buyer).patch(named["url"], account, content_type="application/json").status_code == 200
    for nobodys in (bearer(freelancer), bearer(moderator), with_key(buyer, "read")):
        assert read(nobodys, order).json()["actions"] == []
    refund_of(order, "send", cast)
    (named,) = read(bearer(buyer), order).json()["actions"]
    assert (named["action"], named["method"], named["needs"]) == ("confirm_refund", "POST", [])
    assert bearer(buyer).post(named["url"], content_type="application/json").json()["state"] == "confirmed"
    assert read(bearer(buyer), order).json()["actions"] == []


def test_a_refund_of_a_direct_order_is_sent_and_confirmed_by_the_actions_of_the_order(buyer: User, freelancer: User):
    order = order_as(Status.CANCELLED, PaymentStatus.REFUND_DUE, D, client=buyer, freelancer=freelancer)
    refund = order.disbursements.get()
    (named,) = read(bearer(freelancer), order).json()["actions"]
    assert (named["action"], named["method"], named["needs"]) == ("mark_refund_sent", "POST", ["reference"])
    assert named["url"].endswith(f"/api/refunds/{refund.pk}/sent")
    assert read(with_key(freelancer, "read"), order).json()["actions"] == []
    sent = bearer(freelancer).post(named["url"], {"reference": "BACK 1"}, content_type="application/json")
    assert sent.status_code == 200
    (named,) = read(bearer(buyer), order).json()["actions"]  # once, and as a step of the order
    assert (named["action"], named["method"]) == ("confirm_refund", "PATCH")
    assert named["url"].endswith(f"/api/orders/{order.pk}/confirm-refund")
    assert bearer(buyer).patch(named["url"]).json()["payment_status"] == "REFUNDED"


@pytest.mark.parametrize(("status", "payment", "custody"), PAIRS)
def test_the_order_is_read_as_its_page_reads_it(
    status: Status, payment: PaymentStatus, custody: Custody, buyer: User, freelancer: User, moderator: User
):
    """Row by row and column by column, whichever database wrote them."""
    made = order_as(status, payment, custody, client=buyer, freelancer=freelancer, moderator=moderator)
    whole, page = get_whole_order_for(buyer, made.pk), get_order_page_for(buyer, made.pk)
    assert columns(whole) == columns(page)
    assert (whole.client, whole.freelancer, str(whole.client)) == (buyer, freelancer, str(buyer))
    for name in ("answers", "proofs", "proposals", "deliveries", "revision_requests", "disbursements", "disputes"):
        found = [[columns(row) for row in getattr(order, name).all()] for order in (whole, page)]
        assert found[0] == found[1], name
    files = [[columns(file) for delivery in order.deliveries.all() for file in delivery.files.all()] for order in (whole, page)]
    assert files[0] == files[1]


def columns(row: Any) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_the_whole_order_is_found_for_whom_the_order_is_found(order: Order, moderator: User, stranger: User, freelancer: User):
    assert get_whole_order_for(moderator, order.pk).receipt_number is None
    assert get_whole_order_for(freelancer, order.pk, as_party=True).pk == order.pk
    for user, as_party in ((stranger, False), (moderator, True)):
        with pytest.raises(Http404):
            get_whole_order_for(user, order.pk, as_party=as_party)


# --- Lists and history ----------------------------------------------------------------------------------------------
def test_the_list_has_both_sides_newest_first_or_the_one_that_is_asked_for(buyer: User, freelancer: User, stranger: User):
    bought = [order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer) for _ in range(2)]
    sold = order_in(Status.IN_PROGRESS, client=stranger, freelancer=buyer)
    order_in(Status.PENDING_PAYMENT, client=stranger, freelancer=freelancer)
    program = bearer(buyer)

    def listed(query: str = "") -> list[tuple[str, str]]:
        return [(item["id"], item["role"]) for item in program.get(f"/api/orders?{query}").json()["items"]]

    as_client = [(str(order.pk), "client") for order in reversed(bought)]
    as_freelancer = [(str(sold.pk), "freelancer")]
    assert listed() == as_freelancer + as_client
    assert listed("role=client") == as_client
    assert listed("role=freelancer") == as_freelancer
    assert listed("status=IN_PROGRESS") == as_freelancer
    assert listed("role=client&status=IN_PROGRESS") == []


def test_a_moderators_list_is_of_their_own_orders(order: Order, moderator: User):
    assert bearer(moderator).get("/api/orders").json() == {"items": [], "next": None}


@pytest.mark.parametrize("query", ["role=moderator", "status=GONE", "limit=0", "limit=101", "cursor=nonsense"])
def test_a_list_that_cannot_be_is_422(query: str, buyer: User):
    assert bearer(buyer).get(f"/api/orders?{query}").status_code == 422


def test_the_list_is_walked_through_once_while_orders_come(buyer: User, freelancer: User):
    gig = GigFactory(freelancer=freelancer)
    method = method_for(gig, P)
    first = [str(place(buyer, gig, method).pk) for _ in range(5)]
    program, walked, cursor = bearer(buyer), [], ""
    while cursor is not None:
        part = program.get(f"/api/orders?limit=2&cursor={cursor}").json()
        walked += [item["id"] for item in part["items"]]
        cursor = part["next"]
        place_many(1, buyer, gig, method)
    assert walked == first[::-1]


def test_the_history_is_read_on_from_a_number_and_part_by_part(whole: Order, buyer: User):
    program = bearer(buyer)
    part = program.get(f"/api/orders/{whole.pk}/events?limit=3").json()
    rest = program.get(f"/api/orders/{whole.pk}/events?cursor={part['next']}").json()
    numbers = [event["number"] for event in part["items"] + rest["items"]]
    assert (numbers, rest["next"]) == ([*range(1, whole.version + 1)], None)
    since = program.get(f"/api/orders/{whole.pk}/events?after={whole.version - 1}").json()["items"]
    assert [(event["action"], event["by"], event["name"]) for event in since] == [("submit_work", "freelancer", "José Ñíguez")]
    assert program.get(f"/api/orders/{whole.pk}/events?after=-1").status_code == 422


def test_the_receipt_is_each_sides_copy(whole: Order, buyer: User, freelancer: User):
    mine, theirs = (read(bearer(user), whole, "receipt").json() for user in (buyer, freelancer))
    assert mine == theirs
    assert (mine["number"], mine["price"], mine["currency"], mine["fee"]) == (whole.receipt.number, "120.00", "EUR", None)
    assert [payment["amount"] for payment in mine["payments"]] == ["120.00"]
    assert [posting["kind"] for posting in mine["postings"]] == ["deposit"]
    lifecycle.approve(actor=buyer, order_id=whole.pk, seen=whole.version)
    mine, theirs = (read(bearer(user), whole, "receipt").json() for user in (buyer, freelancer))
    assert (mine["fee"], mine["freelancer_earned"]) == (None, None)
    assert (theirs["fee"], theirs["freelancer_earned"], theirs["fee_percent"]) == ("12.00", "108.00", "10")


def test_an_order_that_has_not_changed_is_not_sent_again(order: Order, buyer: User):
    program = bearer(buyer)
    tag = read(program, order).headers["ETag"]
    again = program.get(f"/api/orders/{order.pk}", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    program.patch(f"/api/orders/{order.pk}/submit-payment", a_proof(), content_type="application/json")
    assert program.get(f"/api/orders/{order.pk}", headers={"if-none-match": tag}).status_code == 200


# --- Cost -----------------------------------------------------------------------------------------------------------
def queries(program: Client, url: str) -> int:
    program.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert program.get(url).status_code == 200
    return len(asked)


def test_reading_an_order_costs_two_queries_whatever_it_has(order: Order, whole: Order, buyer: User):
    few = queries(bearer(buyer), f"/api/orders/{order.pk}")
    for n in range(2, 32):
        delivery = whole.deliveries.create(number=n + 10, note="More.", created_at=timezone.now())
        delivery.files.create(name="a.zip", file="deliveries/a.zip", content_type="x/y", size=1, sha256="0" * 64)
    assert queries(bearer(buyer), f"/api/orders/{whole.pk}") == few == 2  # who calls, and the order


def test_the_list_costs_the_same_at_one_and_at_thirty(buyer: User, freelancer: User):
    gig = GigFactory(freelancer=freelancer)
    method = method_for(gig, P)
    place(buyer, gig, method)
    one = queries(bearer(buyer), "/api/orders?limit=100")
    place_many(29, buyer, gig, method)
    assert queries(bearer(buyer), "/api/orders?limit=100") == one == 6


def test_the_history_costs_the_same_at_any_length(order: Order, whole: Order, buyer: User):
    assert (
        queries(bearer(buyer), f"/api/orders/{order.pk}/events") == queries(bearer(buyer), f"/api/orders/{whole.pk}/events") == 3
    )


def test_a_stranger_with_orders_of_their_own_is_still_a_stranger(whole: Order):
    other = UserFactory()
    order_in(Status.SUBMITTED, client=other, freelancer=UserFactory())
    assert [status_of(bearer(other), url) for url in addresses(whole)] == [404] * 5
