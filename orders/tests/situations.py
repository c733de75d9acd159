"""An order in every allowed pair of status and payment status, under both custodies, reached by the services alone."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders.models import Order
from orders.services import disputes, lifecycle, payments, payouts, proposals, rulings, settlements
from orders.states import ALLOWED_PAYMENT_STATUS, DIRECT_ONLY, PLATFORM_ONLY, Custody, PaymentStatus, Status
from orders.tests.factories import hand_in_proof, order_in

STORY = "I have waited for the work for two weeks now and nothing that was agreed has come."
REASON = "Both sides have told their story and shown what they have. " * 3
HALF = Decimal(50)


@dataclass
class Cast:
    client: User
    freelancer: User
    moderator: User
    custody: Custody

    def order(self, status: Status) -> Order:
        verifier = self.moderator if self.custody == Custody.PLATFORM else None
        people = {"client": self.client, "freelancer": self.freelancer, "verifier": verifier}
        return order_in(status, custody=self.custody, **people)


def seen(order: Order) -> dict[str, object]:
    return {"order_id": order.pk, "seen": order.version}


def paid_in_part(cast: Cast) -> Order:
    order = cast.order(Status.PAYMENT_SUBMITTED)
    return payments.record_partial(actor=cast.moderator, **seen(order), received_amount=HALF)


def rest_shown(cast: Cast) -> Order:
    order = paid_in_part(cast)
    return hand_in_proof(order, amount=order.amount_due)


def expired(cast: Cast) -> Order:
    order = cast.order(Status.PENDING_PAYMENT)
    return lifecycle.expire(**seen(order), now=order.pay_by.replace(year=order.pay_by.year + 1))


def declined(cast: Cast) -> Order:
    order = cast.order(Status.PAYMENT_CONFIRMED)
    return lifecycle.decline(actor=cast.freelancer, **seen(order))


def parted(cast: Cast) -> Order:
    order = cast.order(Status.IN_PROGRESS)
    order = proposals.propose_cancellation(actor=cast.client, **seen(order), freelancer_amount=HALF, reason="We part as friends.")
    return proposals.accept_cancellation(actor=cast.freelancer, **seen(order))


def disputed(cast: Cast) -> Order:
    order = cast.order(Status.IN_PROGRESS)
    return disputes.open_dispute(actor=cast.client, **seen(order), reason="not_delivered", statement=STORY)


def disputed_later(cast: Cast) -> Order:
    order = cast.order(Status.COMPLETED)
    return disputes.dispute_completed(actor=cast.client, **seen(order), reason="fraud", statement=STORY)


def settled(start: Callable[[Cast], Order], freelancer_amount: Decimal) -> Callable[[Cast], Order]:
    def build(cast: Cast) -> Order:
        order = start(cast)
        order = settlements.offer_settlement(actor=cast.client, **seen(order), freelancer_amount=freelancer_amount)
        return settlements.accept_settlement(actor=cast.freelancer, **seen(order))

    return build


def paid_back(start: Callable[[Cast], Order]) -> Callable[[Cast], Order]:
    """Under DIRECT custody: the freelancer has sent the refund and the client has it."""

    def build(cast: Cast) -> Order:
        order = start(cast)
        refund = order.disbursements.get()
        payouts.refund_sent(actor=cast.freelancer, row_id=refund.pk, seen=refund.version, reference="BACK 1", proof=None)
        return payouts.confirm_refund(actor=cast.client, **seen(order))

    return build


def ruled(cast: Cast, freelancer_amount: Decimal = HALF) -> Order:
    """A dispute that a moderator has ruled: not a pair of its own, but the only one that can be appealed."""
    order = rulings.take_case(actor=cast.moderator, **seen(disputed(cast)))
    parts = {"freelancer_amount": freelancer_amount, "client_amount": order.expected_amount - freelancer_amount}
    return rulings.rule(actor=cast.moderator, **seen(order), **parts, reason=REASON)


NOTHING, ALL = Decimal(0), Decimal(120)
BUILD: dict[tuple[Status, PaymentStatus], Callable[[Cast], Order]] = {
    (Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED): paid_in_part,
    (Status.PAYMENT_SUBMITTED, PaymentStatus.PARTIALLY_FUNDED): rest_shown,
    (Status.DISPUTED, PaymentStatus.DISPUTED): disputed,
    (Status.COMPLETED, PaymentStatus.DISPUTED): disputed_later,
    (Status.COMPLETED, PaymentStatus.SPLIT): settled(disputed, HALF),
    (Status.COMPLETED, PaymentStatus.REFUNDED): settled(disputed_later, NOTHING),
    (Status.COMPLETED, PaymentStatus.REFUND_DUE): settled(disputed_later, NOTHING),
    (Status.CANCELLED, PaymentStatus.REFUNDED): declined,
    (Status.CANCELLED, PaymentStatus.REFUND_DUE): declined,
    (Status.CANCELLED, PaymentStatus.SPLIT): parted,
    (Status.EXPIRED, PaymentStatus.AWAIT_DEPOSIT): expired,
}
DIRECT_BUILD = {
    (Status.COMPLETED, PaymentStatus.REFUNDED): paid_back(settled(disputed_later, NOTHING)),
    (Status.CANCELLED, PaymentStatus.REFUNDED): paid_back(declined),
}
PAIRS = [
    (status, payment, custody)
    for status, allowed in ALLOWED_PAYMENT_STATUS.items()
    for payment in sorted(allowed)
    for custody in Custody
    if payment not in (DIRECT_ONLY if custody == Custody.PLATFORM else PLATFORM_ONLY)
]


def order_as(
    status: Status,
    payment_status: PaymentStatus,
    custody: Custody,
    *,
    client: User,
    freelancer: User,
    moderator: User | None = None,
) -> Order:
    """An order with this status and payment status. Its price is 120 EUR; what is split is split at 50."""
    moderator = moderator or UserFactory(is_staff=True, is_superuser=True)
    cast = Cast(client, freelancer, moderator, custody)
    pair = (status, payment_status)
    build = (DIRECT_BUILD.get(pair) if custody == Custody.DIRECT else None) or BUILD.get(pair)
    order = build(cast) if build else cast.order(status)
    assert (order.status, order.payment_status) == pair
    return order
