"""The case's page and its steps as the two sides use them, and who is turned away."""

import io
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from conftest import SignIn
from orders.models import Dispute, Evidence, Order
from orders.services import settlements
from orders.services.evidence import add_evidence
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import STATEMENT, answered, case_for, disputed, everything, ruled
from orders.tests.factories import a_file, order_in

STEPS = ["open", "answer", "evidence", "offer", "accept", "withdraw", "appeal"]
ANSWER = "It is what was agreed, and the three colours stand in the second file."


@pytest.fixture
def delivered(buyer: User, freelancer: User) -> Order:
    return order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)


@pytest.fixture
def order(delivered: Order, buyer: User) -> Order:
    return disputed(delivered, buyer)


def url(step: str, order: Order) -> str:
    return reverse(f"orders:dispute_{step}" if step else "orders:dispute", args=[order.pk])


def page(client: Client, order: Order) -> str:
    response = client.get(url("", order))
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, step: str, order: Order, **fields: object) -> HttpResponse:
    order.refresh_from_db()
    return client.post(url(step, order), {"seen": order.version, **fields})


def the_case(order: Order) -> Dispute:
    return order.disputes.latest("number")


# --- Opening --------------------------------------------------------------------------------------------------------
def test_an_order_without_a_dispute_offers_to_open_one_and_says_what_happens_then(delivered: Order, buyer: User, sign_in: SignIn):
    shown = page(sign_in(buyer), delivered)
    assert 'id="do-open_dispute"' in shown
    assert "within 72 hours" in shown and "5 days from now the case goes on without an answer" in shown and "14 days" in shown


def test_an_order_that_cannot_be_disputed_says_so(buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    shown = page(sign_in(buyer), order)
    assert "do-open_dispute" not in shown and "There is no dispute" in shown


def test_a_side_opens_a_dispute(delivered: Order, buyer: User, sign_in: SignIn):
    wishes = {"reason": "not_as_agreed", "statement": STATEMENT, "wanted_amount": "0"}
    response = post(sign_in(buyer), "open", delivered, **wishes)
    assert response.status_code == 302 and response["Location"] == url("", delivered)
    assert the_case(delivered).statements.get().wanted_amount == Decimal(0)
    assert Order.objects.get(pk=delivered.pk).status == Status.DISPUTED


def test_a_statement_that_is_too_short_keeps_its_words(delivered: Order, buyer: User, sign_in: SignIn):
    response = post(sign_in(buyer), "open", delivered, reason="other", statement="It is bad.", wanted_amount="80")
    shown = response.content.decode()
    assert response.status_code == 422
    assert "It is bad." in shown and 'value="80"' in shown
    assert not Dispute.objects.exists()


def test_a_completed_order_offers_its_own_form(buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    client = sign_in(buyer)
    assert 'id="do-dispute_completed"' in page(client, order)
    assert "do-dispute_completed" not in page(sign_in(freelancer), order)
    assert post(client, "open", order, reason="fraud", statement=STATEMENT).status_code == 302
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.DISPUTED)


def test_words_are_not_lost_when_the_order_has_moved(delivered: Order, buyer: User, freelancer: User, sign_in: SignIn):
    disputed(delivered, freelancer)
    wishes = {"seen": delivered.version, "reason": "other", "statement": STATEMENT + " My own words."}
    response = sign_in(buyer).post(url("open", delivered), wishes)
    assert response.status_code == 409
    assert "My own words." in response.content.decode()
    assert Dispute.objects.count() == 1


# --- The way through ------------------------------------------------------------------------------------------------
def test_neither_side_reads_the_other_before_both_have_written(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    assert STATEMENT in page(sign_in(buyer), order)
    theirs = page(sign_in(freelancer), order)
    assert STATEMENT not in theirs and 'id="do-answer_dispute"' in theirs
    assert post(sign_in(freelancer), "answer", order, statement=ANSWER).status_code == 302
    for person in (buyer, freelancer):
        shown = page(sign_in(person), order)
        assert STATEMENT in shown and ANSWER in shown and "do-answer_dispute" not in shown


def test_offers_are_made_shown_and_accepted(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    assert post(sign_in(freelancer), "offer", order, freelancer_amount="100").status_code == 302
    shown = page(sign_in(buyer), order)
    assert "100.00" in shown and url("accept", order) in shown
    assert url("accept", order) not in page(sign_in(freelancer), order)
    assert post(sign_in(buyer), "accept", order).status_code == 422  # without the tick
    assert the_case(order).is_open
    assert post(sign_in(buyer), "accept", order, sure="on").status_code == 302
    assert the_case(order).state == Dispute.State.SETTLED
    assert "You have settled" in page(sign_in(buyer), order)


@pytest.mark.parametrize("custody", Custody)
def test_an_offer_is_told_in_the_banner_and_stands_before_all_else(
    buyer: User, freelancer: User, custody: Custody, sign_in: SignIn
):
    order = answered(
        disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, custody=custody), buyer), freelancer
    )
    post(sign_in(freelancer), "offer", order, freelancer_amount="80")
    told = "José offers you 40.00\xa0EUR back: accept, or offer something else"
    client = sign_in(buyer)
    shown = page(client, order)
    assert shown.index(told) < shown.index("Accept this offer") < shown.index('id="statements"')
    for address in (order.get_absolute_url(), "/orders/"):
        assert told in client.get(address).content.decode()
    assert "offers you" not in page(sign_in(freelancer), order)
    post(client, "offer", order, freelancer_amount="20")  # something else: now it is the other side's to answer
    assert told not in page(client, order)
    assert "Amara offers you 20.00\xa0EUR: accept, or offer something else" in page(sign_in(freelancer), order)


def test_who_has_shown_evidence_is_not_asked_for_it_again(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    order = answered(order, freelancer)
    client = sign_in(buyer)
    assert "add your evidence" in page(client, order)
    client.post(url("evidence", order), {"note": "Our chat.", "audience": "all"})
    shown = page(client, order)
    assert "Your evidence is in: José can add theirs" in shown and "add your evidence" not in shown
    assert "add your evidence" in page(sign_in(freelancer), order)
    sign_in(freelancer).post(url("evidence", order), {"note": "My drafts.", "audience": "all"})
    assert "The evidence of both is in" in page(client, order)


def test_the_missing_statement_has_a_day_on_which_the_case_goes_on_without_it(order: Order, buyer: User, sign_in: SignIn):
    last = order.disputes.get().opened_at + timedelta(days=5)
    assert f"From {last:%a} {last.day} {last:%b %Y, %H:%M} UTC the case goes on without them." in page(sign_in(buyer), order)


def test_one_is_not_spoken_of_in_the_third_person(delivered: Order, buyer: User, freelancer: User, sign_in: SignIn):
    mine, theirs = (page(sign_in(person), delivered) for person in (freelancer, buyer))
    assert "What you should get of the 120.00\xa0EUR" in mine and "What José should get" not in mine
    assert "What José should get of the 120.00\xa0EUR" in theirs and "0 if everything is to go back to you." in theirs
    order = disputed(delivered, buyer)
    assert "What you get of the 120.00\xa0EUR" in page(sign_in(freelancer), order)
    assert "What José gets of the 120.00\xa0EUR" in page(sign_in(buyer), order)


def test_crossing_offers_say_that_they_have_met(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    post(sign_in(freelancer), "offer", order, freelancer_amount="50")
    response = sign_in(buyer).post(
        url("offer", order), {"seen": Order.objects.get(pk=order.pk).version, "freelancer_amount": "70"}, follow=True
    )
    assert "Your offers have met" in response.content.decode()
    assert the_case(order).freelancer_amount == 60


def test_an_offer_over_the_whole_is_refused_with_what_was_typed(order: Order, buyer: User, sign_in: SignIn):
    response = post(sign_in(buyer), "offer", order, freelancer_amount="500")
    assert response.status_code == 422 and 'value="500"' in response.content.decode()
    assert not the_case(order).offers.exists()


def test_the_opener_withdraws(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    assert url("withdraw", order) not in page(sign_in(freelancer), order)
    assert post(sign_in(freelancer), "withdraw", order, sure="on").status_code == 302
    assert the_case(order).is_open
    assert post(sign_in(buyer), "withdraw", order, sure="on").status_code == 302
    order.refresh_from_db()
    assert (order.status, the_case(order).state) == (Status.SUBMITTED, Dispute.State.WITHDRAWN)


def test_the_loser_appeals(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = ruled(case_for(moderator, buyer, freelancer), moderator)
    assert "do-appeal" not in page(sign_in(buyer), order)
    assert "do-appeal" in page(sign_in(freelancer), order)
    assert post(sign_in(freelancer), "appeal", order, reason="The second file was not opened.").status_code == 302
    assert the_case(order).appealed_by == freelancer


@pytest.mark.parametrize("custody", Custody)
def test_the_page_tells_both_sides_of_every_state(
    moderator: User, buyer: User, freelancer: User, custody: Custody, sign_in: SignIn
):
    order = case_for(moderator, buyer, freelancer, custody=custody)
    for person in (buyer, freelancer):
        assert "Ingrid Bø" in page(sign_in(person), order)
    order = ruled(order, moderator, "20", "100")
    for person in (buyer, freelancer):
        shown = page(sign_in(person), order)
        assert "20.00" in shown and "100.00" in shown and "one colour" in shown


# --- Evidence ---------------------------------------------------------------------------------------------------------
def test_evidence_is_added_with_its_file(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    file = SimpleUploadedFile("<b>chat.txt", b"We said three colours.")
    response = sign_in(buyer).post(url("evidence", order), {"note": "Our chat.", "audience": "all", "file": file})
    assert response.status_code == 302
    row = Evidence.objects.get()
    assert "Our chat." in page(sign_in(freelancer), order)
    answer = sign_in(freelancer).get(reverse("orders:evidence_file", args=[row.pk]))
    assert b"".join(answer) == b"We said three colours."
    assert answer["Content-Disposition"].startswith("attachment") and answer["X-Content-Type-Options"] == "nosniff"


def test_evidence_without_words_keeps_what_was_chosen(order: Order, buyer: User, sign_in: SignIn):
    response = sign_in(buyer).post(url("evidence", order), {"note": "", "audience": "staff"})
    assert response.status_code == 422 and not Evidence.objects.exists()


def test_what_is_for_moderators_the_other_side_never_sees(
    order: Order, buyer: User, freelancer: User, stranger: User, moderator: User, sign_in: SignIn
):
    row = add_evidence(
        actor=buyer, dispute_id=the_case(order).pk, note="My address book.", audience="staff", file=a_file("secret.txt")
    )
    address = reverse("orders:evidence_file", args=[row.pk])
    answers = [sign_in(person).get(address) for person in (buyer, freelancer, stranger, moderator)]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 200]
    assert [b"".join(answer) for answer in answers if answer.streaming] == [b"the work", b"the work"]
    assert "My address book." in page(sign_in(buyer), order)
    assert "My address book." not in page(sign_in(freelancer), order)


def test_a_moderator_who_is_a_party_is_a_party(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    row = add_evidence(actor=buyer, dispute_id=the_case(order).pk, note="Secret.", audience="staff", file=a_file())
    client = sign_in(freelancer)
    assert client.get(reverse("orders:evidence_file", args=[row.pk])).status_code == 404
    shown = page(client, order)
    assert "Secret." not in shown and STATEMENT not in shown
    archive = zipfile.ZipFile(io.BytesIO(b"".join(client.get(url("pack", order)))))
    assert not [name for name in archive.namelist() if name.startswith("evidence/")]
    assert STATEMENT not in archive.read("index.html").decode()


# --- Who is turned away -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_for_the_two_sides_alone(
    order: Order, stranger: User, moderator: User, client: Client, sign_in: SignIn, step: str
):
    before = everything()
    assert client.post(url(step, order)).status_code == 302
    assert sign_in(stranger).post(url(step, order)).status_code == 404
    assert sign_in(moderator).post(url(step, order)).status_code == 404
    assert everything() == before


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_posted(order: Order, buyer: User, sign_in: SignIn, step: str):
    assert sign_in(buyer).get(url(step, order)).status_code == 405


@pytest.mark.parametrize("step", [step for step in STEPS if step != "evidence"])
def test_a_step_in_the_wrong_state_changes_nothing(delivered: Order, buyer: User, freelancer: User, sign_in: SignIn, step: str):
    order = disputed(delivered, buyer)
    order = settlements.offer_settlement(actor=buyer, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(60))
    order = settlements.accept_settlement(actor=freelancer, order_id=order.pk, seen=order.version)
    before = everything()
    wishes = {"reason": "fraud", "statement": STATEMENT, "freelancer_amount": "10", "sure": "on", "note": "x"}
    assert post(sign_in(buyer), step, order, **wishes).status_code in (302, 422)
    assert everything() == before


def test_the_page_is_for_the_two_sides_alone(order: Order, stranger: User, moderator: User, client: Client, sign_in: SignIn):
    assert client.get(url("", order)).status_code == 302
    for person in (stranger, moderator):
        assert sign_in(person).get(url("", order)).status_code == 404


def test_the_number_of_queries_does_not_grow(order: Order, buyer: User, freelancer: User, sign_in: SignIn):
    """One of each, against thirty offers and as much evidence as the two may add."""
    client, people = sign_in(buyer), (buyer, freelancer)
    order = answered(order, freelancer)

    def grow(evidence: range, offers: range) -> int:
        nonlocal order
        for n in evidence:
            for person in people:
                add_evidence(actor=person, dispute_id=the_case(order).pk, note=f"Note {n}.", audience="all", file=a_file())
        for n in offers:
            for person, amount in zip(people, (n, 120 - n), strict=True):
                wishes = {"seen": order.version, "freelancer_amount": Decimal(amount)}
                order = settlements.offer_settlement(actor=person, order_id=order.pk, **wishes)
        with CaptureQueriesContext(connection) as queries:
            page(client, order)
        return len(queries)

    assert grow(range(1), range(1)) == grow(range(1, 9), range(1, 16))


def test_the_way_to_a_refund_stands_on_the_case(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = ruled(case_for(moderator, buyer, freelancer), moderator, "0", "120")
    assert "may appeal, once, until" in page(sign_in(buyer), order)
    Dispute.objects.update(appeal_until=timezone.now())
    assert "The time to appeal is over." in page(sign_in(buyer), order)
    address = reverse("orders:refund_account", args=[order.disbursements.get().pk])
    assert address in page(sign_in(buyer), order)
    assert address not in page(sign_in(freelancer), order)
