"""Orders and disputes at the moments at which their steps are due: what stands in each address, and what is posted to it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.money import plain_amount
from orders.models import Dispute, Order
from orders.services import disputes, payouts, proposals, settlements
from orders.services.evidence import add_evidence
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import REASON, STATEMENT, case_for, disputed, reviewed, ruled
from orders.tests.factories import a_file, order_in
from orders.tests.situations import order_as, seen

Due = dict[str, tuple[dict[str, Any], dict[str, Any]]]  # by the address's name
HALF = Decimal(50)


def steps_due(client: User, freelancer: User, moderator: User) -> Due:
    """What bends or ends a running order, and the opening of a dispute about it."""
    sides = {"client": client, "freelancer": freelancer}
    days, why = {"days": 2}, "We have moved house."

    def running() -> Order:
        return order_in(Status.IN_PROGRESS, verifier=moderator, **sides)

    untaken = order_in(Status.PAYMENT_CONFIRMED, verifier=moderator, **sides)
    Order.objects.filter(pk=untaken.pk).update(accept_by=timezone.now() - timedelta(hours=1))
    late, fresh = running(), running()
    Order.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=2))
    asking = proposals.ask_pause(actor=freelancer, **seen(running()), **days, question="Which colour?")
    paused = proposals.ask_pause(actor=freelancer, **seen(running()), **days, question="Which colour?")
    paused = proposals.grant_pause(actor=client, **seen(paused))
    longer = proposals.propose_extension(actor=freelancer, **seen(running()), **days, reason=why)
    ending = proposals.propose_cancellation(actor=client, **seen(running()), freelancer_amount=HALF, reason=why)
    in_part = order_as(Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED, Custody.PLATFORM, moderator=moderator, **sides)
    owed = order_as(Status.CANCELLED, PaymentStatus.REFUND_DUE, Custody.DIRECT, moderator=moderator, **sides)
    refund = owed.disbursements.get()
    payouts.refund_sent(actor=freelancer, row_id=refund.pk, seen=refund.version, reference="BACK-1")
    sure, parting = {"sure": "on"}, {"freelancer_amount": "50", "reason": why, "shown": plain_amount(HALF, "EUR")}
    return {
        f"orders:{step}": ({"order_id": order.pk}, {"seen": order.version, **form})
        for step, order, form in [
            ("cancel_partial", in_part, sure),
            ("decline", untaken, sure),
            ("ask_pause", fresh, {**days, "question": "Which colour?"}),
            ("grant_pause", asking, {}),
            ("resume", paused, {}),
            ("propose_extension", fresh, {**days, "reason": why}),
            ("accept_extension", longer, {}),
            ("cancel_late", late, sure),
            ("propose_cancellation", fresh, parting),
            ("accept_cancellation", ending, sure),
            ("decline_proposal", longer, {}),
            ("withdraw_proposal", longer, {}),
            ("confirm_refund", owed, {}),
            ("dispute_open", fresh, {"reason": "not_delivered", "statement": STATEMENT}),
        ]
    }


def cases_due(client: User, freelancer: User, moderator: User) -> Due:
    """The two sides' part of a dispute, and the case desk."""
    sides = {"client": client, "freelancer": freelancer}

    def running() -> Order:
        return order_in(Status.IN_PROGRESS, verifier=moderator, **sides)

    def completed() -> Order:
        return order_in(Status.COMPLETED, verifier=moderator, **sides)

    asked = settlements.offer_settlement(actor=client, **seen(disputed(running(), client)), freelancer_amount=HALF)
    shown = {"note": "The sketch that was agreed.", "audience": "all"}
    file = add_evidence(actor=client, dispute_id=_case_of(asked).pk, **shown, file=a_file("sketch.zip"))
    add_evidence(actor=client, dispute_id=_case_of(asked).pk, note="For you alone.", audience="staff", file=a_file("secret.zip"))
    lost = ruled(case_for(moderator, client, freelancer), moderator)
    fraud = {"reason": "fraud", "statement": STATEMENT}
    from_staff = disputes.dispute_completed(actor=moderator, **seen(completed()), **fraud)
    colleague = UserFactory(email="colleague@example.com", is_staff=True, is_superuser=True)
    mine, free, done = case_for(moderator, client, freelancer), reviewed(disputed(running(), client)), completed()
    parts = {"rule-freelancer_amount": "50", "rule-client_amount": "70", "rule-reason": REASON, "confirmed": "yes"}
    sure = {"sure": "on"}
    on_the_page = {
        "dispute": (asked, {}),
        "dispute_pack": (asked, {}),
        "dispute_answer": (asked, {"statement": STATEMENT}),
        "dispute_evidence": (asked, shown | {"note": "And the answer to it."}),
        "dispute_offer": (asked, {"freelancer_amount": "60"}),
        "dispute_accept": (asked, sure),
        "dispute_withdraw": (asked, sure),
        "dispute_appeal": (lost, {"reason": "The second file was not opened."}),
    }
    at_the_desk = {
        "case": (mine, {}),
        "take": (free, {"take-seen": free.version}),
        "hand_over": (mine, {"hand-seen": mine.version, "hand-to": colleague.pk, "hand-note": "I am away."}),
        "note": (mine, {"note-text": "Both were polite."}),
        "evidence": (mine, shown),
        "rule": (mine, {"rule-seen": mine.version, **parts}),
        "withdraw": (from_staff, {"seen": from_staff.version, **sure}),
    }
    return {
        **{f"orders:{name}": ({"order_id": of.pk}, {"seen": of.version, **form}) for name, (of, form) in on_the_page.items()},
        **{f"admin:orders_dispute_{name}": ({"dispute_id": _case_of(of).pk}, form) for name, (of, form) in at_the_desk.items()},
        "admin:orders_dispute_open": ({"order_id": done.pk}, {"seen": done.version, **fraud}),
        "orders:evidence_file": ({"evidence_id": file.pk}, {}),
    }


def _case_of(order: Order) -> Dispute:
    return order.disputes.latest("number")
