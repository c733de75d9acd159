"""Disputes in any state, reached by calling the services."""

from datetime import timedelta
from decimal import Decimal

from accounts.models import User
from messaging.models import Notification
from orders import ledger
from orders.models import (
    Disbursement,
    Dispute,
    DisputeStatement,
    Evidence,
    LedgerTransfer,
    Order,
    OrderEvent,
    PaymentProof,
    Ruling,
    SettlementOffer,
    StaffNote,
)
from orders.services import disputes, rulings
from orders.states import Custody, Status
from orders.tests.factories import order_in

STATEMENT = "We agreed on a logo in three colours. What came has one, and no answer to my three messages since."
REASON = "The delivery has one colour where the gig promised three; the freelancer was told so twice and did not answer at all."


def disputed(order: Order, by: User, **changes: object) -> Order:
    """The running order with a dispute that `by` has opened."""
    wishes = {"reason": "not_as_agreed", "statement": STATEMENT, **changes}
    return disputes.open_dispute(actor=by, order_id=order.pk, seen=order.version, **wishes)


def answered(order: Order, by: User, **changes: object) -> Order:
    wishes = {"statement": "It is what was agreed.", **changes}
    return disputes.answer_dispute(actor=by, order_id=order.pk, seen=order.version, **wishes)


def advanced(order: Order) -> Order:
    """One move of the clock, at its very instant."""
    return disputes.advance_dispute(order_id=order.pk, seen=order.version, now=order.dispute_by)


def reviewed(order: Order) -> Order:
    """All moves of the clock until a moderator decides."""
    while order.disputes.latest("number").state != Dispute.State.UNDER_REVIEW:
        order = advanced(order)
    return order


def taken(order: Order, by: User) -> Order:
    return rulings.take_case(actor=by, order_id=order.pk, seen=order.version)


def ruled(order: Order, by: User, freelancer: str = "0", client: str = "120", **changes: object) -> Order:
    wishes = {"freelancer_amount": Decimal(freelancer), "client_amount": Decimal(client), "reason": REASON, **changes}
    return rulings.rule(actor=by, order_id=order.pk, seen=order.version, **wishes)


def case_for(
    moderator: User, client: User, freelancer: User, *, custody: Custody = Custody.PLATFORM, status: Status = Status.SUBMITTED
) -> Order:
    """An order of 120 EUR whose dispute, opened by the client, this moderator has to rule."""
    order = order_in(status, client=client, freelancer=freelancer, custody=custody)
    if status == Status.PAYMENT_SUBMITTED:
        Order.objects.filter(pk=order.pk).update(review_due_at=order.created_at - timedelta(seconds=1))
    if status == Status.COMPLETED:
        wishes = {"reason": "fraud", "statement": STATEMENT}
        order = disputes.dispute_completed(actor=client, order_id=order.pk, seen=order.version, **wishes)
    else:
        order = disputed(order, client)
    return taken(reviewed(order), moderator)


def money(order: Order) -> dict[str, Decimal]:
    """What stands on every account an order's money can be on, but those with nothing."""
    places = {
        "escrow": ledger.escrow(order),
        "balance": ledger.balance(order.freelancer_id, order.currency),
        "refundable": ledger.refundable(order.client_id, order.currency),
        "fees": ledger.fees(order.currency),
    }
    return {name: amount for name, place in places.items() if (amount := ledger.amount_in(place))}


def everything() -> dict[str, object]:
    """All that a step about a dispute can leave behind, to see that a refused one leaves nothing."""
    rows = (Order, PaymentProof, Dispute, SettlementOffer, Disbursement)
    counted = (OrderEvent, LedgerTransfer, DisputeStatement, Evidence, Ruling, StaffNote, Notification)
    return {
        **{model.__name__: list(model.objects.order_by("pk").values()) for model in rows},
        **{model.__name__: model.objects.count() for model in counted},
    }
