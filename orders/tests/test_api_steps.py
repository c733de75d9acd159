"""Every step of a deal, by programs alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer, with_key
from accounts.tests.factories import UserFactory
from conftest import SignIn
from gigs.tests.factories import GigFactory
from marketplace.uploads import Busy
from messaging.services import hand_in
from orders.models import Order, PaymentProof
from orders.schemas.steps import RejectPayment
from orders.selectors.reconciliation import reconcile
from orders.states import Custody, PaymentStatus, Role, Status
from orders.tests.factories import hand_in_proof, method_for, order_in, picture
from orders.tests.programs import a_proof, body_of, form, place, read, step, work_of

pytestmark = pytest.mark.django_db
P, D = Custody.PLATFORM, Custody.DIRECT


def state(answer: Any) -> tuple[int, str, str]:
    said = answer.json()
    return answer.status_code, said["status"], said["payment_status"]


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def breaches() -> list[object]:
    return [result for result in reconcile(now=timezone.now()) if result.rows]


# --- Whole deals ----------------------------------------------------------------------------------------------------
def test_a_platform_deal_is_done_by_programs_alone(buyer: User, freelancer: User, moderator: User):
    client, seller, desk = bearer(buyer), bearer(freelancer), bearer(moderator)
    gig = GigFactory(freelancer=freelancer, price=Decimal("120"), currency="EUR", revisions_included=1)
    placed = place(client, gig_id=str(gig.pk), payment_method_id=str(method_for(gig, P).pk))
    assert state(placed) == (201, "PENDING_PAYMENT", "AWAIT_DEPOSIT")
    order = Order.objects.get(pk=placed.json()["id"])

    assert state(step(client, order, "submit-payment", **a_proof())) == (200, "PAYMENT_SUBMITTED", "AWAIT_DEPOSIT")
    added = client.post(f"/api/orders/{order.pk}/receipt", {"file": picture()})
    assert added.json()["proofs"][0]["receipt"]["content_type"] == "image/png"
    assert state(step(desk, order, "confirm-payment", amount="120.00")) == (200, "PAYMENT_CONFIRMED", "FUNDS_HELD")
    assert state(step(seller, order, "start")) == (200, "IN_PROGRESS", "FUNDS_HELD")
    work = {"note": "Here it is.", "links": ["https://example.com/logo"], "file_ids": [work_of(freelancer)]}
    assert state(step(seller, order, "submit-work", **work)) == (200, "SUBMITTED", "FUNDS_HELD")
    asked = step(client, order, "revision", items=["Rounder.", "Greener."], note="Thank you so far.")
    assert state(asked) == (200, "REVISION_REQUESTED", "FUNDS_HELD")
    assert asked.json()["deliveries"][0]["revision"]["items"] == ["Rounder.", "Greener.", "Thank you so far."]
    again = step(seller, order, "submit-work", note="Rounder now.", file_ids=[work_of(freelancer, content=b"better")])
    assert state(again) == (200, "SUBMITTED", "FUNDS_HELD")
    assert state(step(client, order, "approve")) == (200, "COMPLETED", "RELEASED")

    delivered = read(client, order).json()["deliveries"]
    assert [delivery["number"] for delivery in delivered] == [2, 1]
    assert body_of(client.get(delivered[0]["files"][0]["url"])) == b"better"
    assert breaches() == []


def test_a_direct_deal_is_done_by_programs_alone(buyer: User, freelancer: User):
    client, seller = bearer(buyer), bearer(freelancer)
    gig = GigFactory(freelancer=freelancer, price=Decimal("120"), currency="EUR")
    placed = place(client, gig_id=str(gig.pk), payment_method_id=str(method_for(gig, D).pk))
    order = Order.objects.get(pk=placed.json()["id"])

    handed_in = form(client, order, "submit-payment", **a_proof(version=1, receipt=picture()))
    assert state(handed_in) == (200, "PAYMENT_SUBMITTED", "AWAIT_DEPOSIT")
    proof = handed_in.json()["proofs"][0]
    assert body_of(seller.get(proof["receipt"]["url"])).startswith(b"\x89PNG")
    refused = step(seller, order, "reject-payment", reason="not_found", note="I looked; it is not there.")
    assert state(refused) == (200, "PENDING_PAYMENT", "AWAIT_DEPOSIT")
    assert refused.json()["proofs"][0]["rejection_reason"] == "not_found"
    step(client, order, "submit-payment", **a_proof())
    assert state(step(seller, order, "confirm-payment", amount="120")) == (200, "PAYMENT_CONFIRMED", "PAID_DIRECT")
    step(seller, order, "start")
    asked = step(seller, order, "pause", question="Which of the two?", days=3)
    assert asked.json()["proposal"]["kind"] == "pause"
    assert step(client, order, "grant-pause", answer="The first.").json()["paused_at"] is not None
    assert step(client, order, "resume").json()["paused_at"] is None
    later = step(seller, order, "extend", days=2, reason="I was ill.").json()["proposal"]["new_due_at"]
    assert step(client, order, "accept-extension", version=fresh(order).version).json()["due_at"] == later
    step(seller, order, "submit-work", note="Here.", links=["https://example.com/logo"])
    assert state(step(client, order, "approve")) == (200, "COMPLETED", "PAID_DIRECT")
    assert breaches() == []


def test_what_was_paid_in_part_is_refunded_when_the_client_leaves(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, verifier=moderator)
    in_part = step(bearer(moderator), order, "record-partial", amount="50.00")
    assert (state(in_part), in_part.json()["money"]["held"]) == ((200, "PENDING_PAYMENT", "PARTIALLY_FUNDED"), "50.00")
    left = step(bearer(buyer), order, "cancel-partial", note="Too dear after all.")
    assert state(left) == (200, "CANCELLED", "REFUNDED")
    assert [(row["amount"], row["needs_account"]) for row in left.json()["refunds"]] == [("50.00", True)]
    assert left.json()["money"]["held"] == "0.00"


def test_two_sides_part_and_divide_the_money(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    asked = step(bearer(buyer), order, "propose-cancellation", freelancer_amount="50", reason="It does not fit.")
    terms = asked.json()["proposal"]
    assert (terms["proposed_by"], terms["freelancer_amount"], terms["client_gets_back"]) == ("client", "50.00", "70.00")
    assert state(step(bearer(freelancer), order, "accept-cancellation", version=fresh(order).version)) == (
        200,
        "CANCELLED",
        "SPLIT",
    )
    assert breaches() == []


def test_a_request_can_be_declined_and_taken_back(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    step(bearer(freelancer), order, "extend", days=2, reason="I was ill.")
    assert step(bearer(buyer), order, "decline-proposal", answer="No need.").json()["proposal"] is None
    step(bearer(freelancer), order, "extend", days=4, reason="I am ill again.")
    assert step(bearer(freelancer), order, "withdraw-proposal").json()["proposal"] is None
    assert [row.state for row in order.proposals.order_by("number")] == ["declined", "withdrawn"]


# --- Who, when ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Taken:
    """One step as it is due: its body, whose it is, an order that is ready for it, and a party whose it never is."""

    name: str
    by: Role
    status: Status
    body: dict[str, object] = field(default_factory=dict)
    never: Role | None = None
    custody: Custody = P
    ready: Callable[[Order], Order] | None = None


C, F, V = Role.CLIENT, Role.FREELANCER, Role.VERIFIER


@dataclass
class World:
    people: dict[Role, User]
    stranger: User

    def order(self, taken: Taken, status: Status | None = None) -> Order:
        client, freelancer = self.people[C], self.people[F]
        verifier = self.people[V] if taken.custody == P else None
        order = order_in(status or taken.status, client=client, freelancer=freelancer, verifier=verifier, custody=taken.custody)
        return order if status or not taken.ready else taken.ready(order)


@pytest.fixture
def world(buyer: User, freelancer: User, moderator: User, stranger: User) -> World:
    return World({C: buyer, F: freelancer, V: moderator}, stranger)


def test_an_api_key_takes_steps_with_the_scope_for_it(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    answer = step(with_key(buyer, "read"), order, "approve")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert fresh(order).status == Status.SUBMITTED
    assert step(with_key(buyer, "read", "orders"), order, "approve").status_code == 200


# --- Moderators -----------------------------------------------------------------------------------------------------
@pytest.fixture
def paid(buyer: User, freelancer: User, moderator: User) -> Order:
    return order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, verifier=moderator)


def test_a_moderator_confirms_with_a_session_too(paid: Order, moderator: User, sign_in: SignIn):
    assert state(step(sign_in(moderator), paid, "confirm-payment", amount="120")) == (200, "PAYMENT_CONFIRMED", "FUNDS_HELD")


@pytest.mark.parametrize("name", ["confirm-payment", "record-partial", "reject-payment"])
def test_a_moderators_powers_never_come_with_a_key(name: str, paid: Order, moderator: User):
    body = {"reason": "not_found", "note": "No."} if name == "reject-payment" else {"amount": "120.00"}
    assert step(with_key(moderator, "read", "orders"), paid, name, **body).status_code == 404
    assert fresh(paid).version == paid.version


def test_over_the_limit_two_moderators_confirm(paid: Order, moderator: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    second = UserFactory(is_staff=True, is_superuser=True)
    assert state(step(bearer(moderator), paid, "confirm-payment", amount="120")) == (200, "PAYMENT_SUBMITTED", "AWAIT_DEPOSIT")
    alone = step(bearer(moderator), paid, "confirm-payment", amount="120")
    assert (alone.status_code, alone.json()["code"]) == (409, "second_moderator_needed")
    assert (alone.json()["status"], alone.json()["version"]) == ("PAYMENT_SUBMITTED", paid.version + 1)
    assert state(step(bearer(second), paid, "confirm-payment", amount="120")) == (200, "PAYMENT_CONFIRMED", "FUNDS_HELD")


def test_a_proof_that_was_replaced_since_is_not_confirmed(paid: Order, moderator: User):
    answer = step(bearer(moderator), paid, "confirm-payment", amount="120", proof_id=str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (409, "order_moved")
    assert fresh(paid).status == Status.PAYMENT_SUBMITTED


def test_more_than_was_due_is_confirmed_where_it_is_said(paid: Order, moderator: User):
    refused = step(bearer(moderator), paid, "confirm-payment", amount="125.50")
    assert (refused.status_code, refused.json()["code"], [*refused.json()["fields"]]) == (422, "amount_mismatch", ["amount"])
    answer = step(bearer(moderator), paid, "confirm-payment", amount="125.50", more_arrived=True)
    assert [row["amount"] for row in answer.json()["refunds"]] == ["5.50"]


def test_after_three_rejections_the_freelancer_of_a_direct_order_decides_no_more(buyer: User, freelancer: User):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer, custody=D)
    for _ in range(3):
        order = hand_in_proof(order)
        order = Order.objects.get(
            pk=step(bearer(freelancer), order, "reject-payment", reason="not_found", note="No.").json()["id"]
        )
    hand_in_proof(order)
    answer = step(bearer(freelancer), order, "reject-payment", reason="not_found", note="No.")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_step")
    assert fresh(order).proofs_rejected == 3


# --- The proof and its receipt --------------------------------------------------------------------------------------
@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)


@pytest.mark.parametrize("key", ["", "one"])
def test_a_receipt_handed_in_before_is_named_by_its_id(order: Order, buyer: User, key: str):
    receipt = hand_in(actor=buyer, upload=picture())
    answer = step(bearer(buyer), order, "submit-payment", key=key, **a_proof(receipt_id=str(receipt.pk)))
    assert answer.json()["proofs"][0]["receipt"]["name"] == "receipt.png"
    assert order.proofs.get().receipt_sha256 == receipt.sha256


def test_the_receipt_of_somebody_else_cannot_be_named(order: Order, buyer: User, freelancer: User):
    receipt = hand_in(actor=freelancer, upload=picture())
    answer = step(bearer(buyer), order, "submit-payment", **a_proof(receipt_id=str(receipt.pk)))
    assert (answer.status_code, answer.json()["code"], [*answer.json()["fields"]]) == (422, "file_gone", ["receipt_id"])
    assert not order.proofs.exists()


FORMS: dict[str, tuple[dict[str, object], str]] = {
    "a receipt twice over": ({"receipt": picture(), "receipt_id": str(uuid4())}, "receipt_id"),
    "another file": ({"photo": picture()}, "photo"),
    "two files": ({"receipt": [picture(), picture("red")]}, "receipt"),
    "no number": ({"version": "one"}, "version"),
    "a field nobody knows": ({"payer": "Amara"}, "payer"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_form_is_read_as_strictly_as_json(case: str, order: Order, buyer: User):
    changes, about = FORMS[case]
    answer = form(bearer(buyer), order, "submit-payment", **a_proof(**changes))
    assert (answer.status_code, [*answer.json()["fields"]]) == (422, [about])
    assert not order.proofs.exists()


def test_a_file_that_is_no_receipt_is_refused_by_name(order: Order, buyer: User):
    file = picture(name="receipt.png")
    file.seek(0)
    file.write(b"MZ" * 40)
    file.seek(0)
    answer = form(bearer(buyer), order, "submit-payment", **a_proof(receipt=file))
    assert (answer.status_code, answer.json()["code"], [*answer.json()["fields"]]) == (422, "invalid_file", ["receipt"])
    assert not order.proofs.exists()


def test_a_form_without_its_boundary_cannot_be_read(order: Order, buyer: User):
    answer = bearer(buyer).patch(f"/api/orders/{order.pk}/submit-payment", b"x", content_type="multipart/form-data")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_when_too_many_pictures_are_drawn_it_says_when_to_come_again(order: Order, buyer: User, monkeypatch: Any):
    def busy(_upload: object) -> None:
        raise Busy("Many pictures are being worked on just now.")

    monkeypatch.setattr("orders.api.proofs.check_receipt", busy)
    answer = form(bearer(buyer), order, "submit-payment", **a_proof(receipt=picture()))
    assert (answer.status_code, [*answer.json()["fields"]], answer["Retry-After"]) == (429, ["receipt"], "60")
    assert fresh(order).version == order.version


def test_a_receipt_comes_once_while_the_proof_is_checked(order: Order, buyer: User):
    url, program = f"/api/orders/{order.pk}/receipt", bearer(buyer)
    early = program.post(url, {"file": picture()})
    assert (early.status_code, early.json()["code"], early.json()["status"]) == (409, "receipt_refused", "PENDING_PAYMENT")
    step(program, order, "submit-payment", **a_proof())
    assert [action["action"] for action in read(program, order).json()["actions"]][:1] == ["attach_receipt"]
    answers = [
        program.post(url, {"file": picture()}),
        program.post(url, {"file": picture()}),
        program.post(url, {"file": picture("red")}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert fresh(order).version == 3


def test_only_the_client_adds_the_receipt(order: Order, buyer: User, freelancer: User, stranger: User, moderator: User):
    step(bearer(buyer), order, "submit-payment", **a_proof())
    programs = (bearer(freelancer), bearer(stranger), bearer(moderator), Client())
    answers = [program.post(f"/api/orders/{order.pk}/receipt", {"file": picture()}) for program in programs]
    assert [answer.status_code for answer in answers] == [403, 404, 404, 401]
    assert order.proofs.get().receipt_sha256 == ""


def test_a_reference_counts_once(order: Order, buyer: User, freelancer: User):
    step(bearer(buyer), order, "submit-payment", **a_proof(proof_reference="TX 1"))
    other = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    Order.objects.filter(pk=other.pk).update(payment_method=order.payment_method)
    answer = step(bearer(buyer), other, "submit-payment", **a_proof(proof_reference="tx-1"))
    assert (answer.status_code, answer.json()["code"], [*answer.json()["fields"]]) == (422, "reference_used", ["proof_reference"])


# --- Limits ---------------------------------------------------------------------------------------------------------
TO_PAY, AT_WORK = (Status.PENDING_PAYMENT, C, "submit-payment"), (Status.IN_PROGRESS, F, "submit-work")
TO_PART = (Status.IN_PROGRESS, C, "propose-cancellation")
LIMITS: dict[str, tuple[Status, Role, str, dict[str, object], str]] = {
    "a reference nobody can compare": (*TO_PAY, a_proof(proof_reference="—"), "proof_reference"),
    "a payment of long ago": (*TO_PAY, a_proof(paid_at="1999-12-31T00:00:00Z"), "paid_at"),
    "a payment of tomorrow": (*TO_PAY, a_proof(paid_at="9001-01-01T00:00:00Z"), "paid_at"),
    "a payment at no place": (*TO_PAY, a_proof(paid_at="2026-01-05T09:30:00"), "paid_at"),
    "half a cent": (*TO_PAY, a_proof(amount="120.005"), "amount"),
    "a number for an amount": (*TO_PAY, a_proof(amount=120), "amount"),
    "nothing paid": (*TO_PAY, a_proof(amount="0"), "amount"),
    "a version in words": (*TO_PAY, a_proof(version="1"), "version"),
    "a long note": (Status.PENDING_PAYMENT, C, "cancel", {"note": "x" * 1001}, "note"),
    "an unknown field": (Status.PENDING_PAYMENT, C, "cancel", {"why": "x"}, "why"),
    "no such version": (Status.PENDING_PAYMENT, C, "cancel", {"version": 0}, "version"),
    "no work at all": (*AT_WORK, {"note": "Here."}, "file_ids"),
    "no note": (*AT_WORK, {"links": ["https://example.com"]}, "note"),
    "a link that runs": (*AT_WORK, {"note": "Here.", "links": ["javascript:alert(1)"]}, "links.0"),
    "a link that hides its host": (
        *(*AT_WORK, {"note": "Here.", "links": ["https://bank.example@evil.example/"]}, "links.0"),
    ),
    "six links": (*AT_WORK, {"note": "Here.", "links": ["https://example.com"] * 6}, "links"),
    "a file that is not theirs": (*AT_WORK, {"note": "Here.", "file_ids": [str(uuid4())]}, "file_ids"),
    "eleven files": (*AT_WORK, {"note": "Here.", "file_ids": [str(uuid4())] * 11}, "file_ids"),
    "no days": (Status.IN_PROGRESS, F, "extend", {"days": 0, "reason": "x"}, "days"),
    "61 days": (Status.IN_PROGRESS, F, "extend", {"days": 61, "reason": "x"}, "days"),
    "a pause of 15 days": (Status.IN_PROGRESS, F, "pause", {"days": 15, "question": "x"}, "days"),
    "all of the money": (*TO_PART, {"freelancer_amount": "120", "reason": "x"}, "freelancer_amount"),
    "less than nothing": (*TO_PART, {"freelancer_amount": "-1", "reason": "x"}, "freelancer_amount"),
    "no points": (Status.SUBMITTED, C, "revision", {"items": []}, "items"),
    "21 points": (Status.SUBMITTED, C, "revision", {"items": ["x"] * 21}, "items"),
    "a long point": (Status.SUBMITTED, C, "revision", {"items": ["x" * 501]}, "items.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", LIMITS)
def test_what_a_form_refuses_is_refused_by_field(case: str, world: World):
    status, side, name, body, about = LIMITS[case]
    order = world.order(Taken(name, side, status))
    answer = step(bearer(world.people[side]), order, name, **body)
    assert (answer.status_code, [*answer.json()["fields"]]) == (422, [about])
    assert fresh(order).version == order.version


def test_a_note_is_one_of_twenty_points(world: World):
    order = world.order(Taken("revision", C, Status.SUBMITTED))
    answer = step(bearer(world.people[C]), order, "revision", items=["x"] * 20, note="And one more.")
    assert answer.status_code == 422
    assert fresh(order).version == order.version
    assert step(bearer(world.people[C]), order, "revision", items=["x"] * 19, note="And one more.").status_code == 200


def test_a_picture_that_was_drawn_afresh_is_no_work(world: World):
    order = world.order(Taken("submit-work", F, Status.IN_PROGRESS))
    drawn = hand_in(actor=world.people[F], upload=picture())
    answer = step(bearer(world.people[F]), order, "submit-work", note="Here.", file_ids=[str(drawn.pk)])
    assert (answer.status_code, answer.json()["code"], [*answer.json()["fields"]]) == (422, "file_redrawn", ["file_ids"])
    assert fresh(order).version == order.version


def test_every_reason_to_reject_a_proof_can_be_sent():
    assert RejectPayment.model_json_schema()["properties"]["reason"]["enum"] == PaymentProof.Reason.values


EARLY: dict[str, tuple[Status, Role, str, dict[str, object], str]] = {
    "the freelancer still has time to start": (Status.PAYMENT_CONFIRMED, C, "decline", {}, "too_early"),
    "the delivery is not late": (Status.IN_PROGRESS, C, "cancel-late", {}, "too_early"),
    "nothing is paused": (Status.IN_PROGRESS, C, "resume", {}, "proposal_refused"),
    "nothing was asked": (Status.IN_PROGRESS, C, "accept-extension", {"version": 4}, "proposal_refused"),
}


@pytest.mark.parametrize("case", EARLY)
def test_what_the_order_is_not_ready_for_is_409(case: str, world: World):
    status, side, name, body, code = EARLY[case]
    order = world.order(Taken(name, side, status))
    answer = step(bearer(world.people[side]), order, name, **body)
    said = answer.json()
    assert (answer.status_code, said["code"], said["status"], said["version"]) == (409, code, status, order.version)
    assert fresh(order).version == order.version


def test_revisions_beyond_what_the_order_includes_are_409(world: World):
    order = world.order(Taken("revision", C, Status.SUBMITTED))
    step(bearer(world.people[C]), order, "revision", items=["Rounder."])
    step(bearer(world.people[F]), order, "submit-work", note="Rounder.", links=["https://example.com"])
    answer = step(bearer(world.people[C]), order, "revision", items=["Squarer."])
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (409, "no_revisions_left", "SUBMITTED")


def test_a_refund_of_a_direct_order_is_confirmed_once_it_was_sent(world: World):
    order = world.order(Taken("decline", F, Status.PAYMENT_CONFIRMED, custody=D))
    step(bearer(world.people[F]), order, "decline")
    early = step(bearer(world.people[C]), order, "confirm-refund")
    assert (early.status_code, early.json()["code"], early.json()["status"]) == (409, "disbursement_refused", "CANCELLED")
    never = step(bearer(world.people[F]), order, "confirm-refund")
    assert (never.status_code, never.json()["code"]) == (403, "not_your_step")
    assert fresh(order).payment_status == PaymentStatus.REFUND_DUE


# --- Once -----------------------------------------------------------------------------------------------------------
def test_work_that_is_sent_twice_under_one_key_is_delivered_once(world: World):
    order, seller = world.order(Taken("submit-work", F, Status.IN_PROGRESS)), bearer(world.people[F])
    work = {"note": "Here.", "file_ids": [work_of(world.people[F])]}
    answers = [step(seller, order, "submit-work", key="delivery-1", **work) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    other = step(seller, order, "submit-work", key="delivery-1", note="Something else.", links=["https://example.com"])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert order.deliveries.count() == 1


def test_a_step_that_came_too_early_may_be_tried_again_under_its_key(world: World):
    order, client = world.order(Taken("cancel-late", C, Status.IN_PROGRESS)), bearer(world.people[C])
    assert step(client, order, "cancel-late", key="late").status_code == 409
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        assert step(bearer(world.people[C]), order, "cancel-late", key="late").json()["status"] == "CANCELLED"


def test_first_the_body_is_read_then_whose_step_it_is_and_then_whether_it_is_time(world: World):
    order = world.order(Taken("start", F, Status.PAYMENT_CONFIRMED))
    client, seller = bearer(world.people[C]), bearer(world.people[F])
    answers = [step(client, order, "start", unknown=True), step(client, order, "start"), step(seller, order, "start", version=99)]
    assert [answer.status_code for answer in answers] == [422, 403, 409]
    assert fresh(order).status == Status.PAYMENT_CONFIRMED


def test_a_proof_with_its_receipt_is_handed_in_once_under_one_key(order: Order, buyer: User):
    proof = a_proof()
    answers = [form(bearer(buyer), order, "submit-payment", key="proof-1", **proof, receipt=picture()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert order.proofs.get().receipt_name == "receipt.png"
    other = form(bearer(buyer), order, "submit-payment", key="proof-1", **proof, receipt=picture("red"))
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
