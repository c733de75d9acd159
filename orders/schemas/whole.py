"""The whole of an order, as its reader may see it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import Field

from accounts.models import User
from marketplace.money import plain_amount
from marketplace.rest.schemas import Shown, ShownInstant
from orders.models import Disbursement, Order
from orders.schemas.orders import KindName, OrderBrief, brief_of
from orders.schemas.rows import (
    ActionShown,
    OrderDelivery,
    OrderDispute,
    OrderProof,
    OrderProposal,
    OrderRefund,
    delivery_shown,
    dispute_of_order,
    proof_shown,
    proposal_shown,
    refund_of_order,
)
from orders.selectors import revisions_left, side_of
from orders.selectors.proposals import open_proposal
from orders.states import Custody, DisbursementState, PaymentStatus, Role, Status

IN_ESCROW = frozenset({PaymentStatus.PARTIALLY_FUNDED, PaymentStatus.FUNDS_HELD, PaymentStatus.DISPUTED})
INSTANTS = (
    *("pay_by", "confirmed_at", "accept_by", "started_at", "due_at", "paused_at", "paused_until"),
    *("submitted_at", "auto_approve_at", "completed_at", "hold_until", "cancelled_at", "expired_at"),
)


class DealShown(Shown):
    """What was promised when the order was placed."""

    description: str
    delivery_days: int
    revisions_included: int
    revisions_left: int
    auto_approve_days: int
    hold_days: int


class MoneyShown(Shown):
    """Where the money is, in the order’s currency."""

    price: str
    paid: str = Field(description="Of the price, confirmed so far.")
    due: str
    held: str = Field(description="By the platform for this order, now.")
    fee_percent: str
    fee: str
    freelancer_earns: str | None = Field(None, description="Of the price, after the fee; not told to the client.")
    paid_into: str = Field(description="What the account is called.")
    transaction_reference: str | None = Field(description="Of the payment that was confirmed.")
    receipt_number: int | None


class PayTo(Shown):
    """Where, how much and under which reference the client pays now."""

    kind: KindName
    holder: str
    account: str
    routing: str
    instructions: str = Field(description="Markdown.")
    amount: str
    currency: str
    reference: str
    pay_by: ShownInstant


class AnswerShown(Shown):
    question: str
    answer: str


class OrderShown(OrderBrief):
    """The whole order, as this reader may see it."""

    deal: DealShown
    answers: list[AnswerShown]
    money: MoneyShown
    pay_to: PayTo | None = Field(description="For the client, as long as something is to be paid.")
    proofs: list[OrderProof] = Field(description="Newest first.")
    deliveries: list[OrderDelivery] = Field(description="Newest first.")
    proposal: OrderProposal | None = Field(description="The one that waits for an answer.")
    refunds: list[OrderRefund]
    dispute: OrderDispute | None
    pay_by: ShownInstant
    confirmed_at: ShownInstant | None
    accept_by: ShownInstant | None
    started_at: ShownInstant | None
    due_at: ShownInstant | None
    paused_at: ShownInstant | None
    paused_until: ShownInstant | None
    submitted_at: ShownInstant | None
    auto_approve_at: ShownInstant | None
    completed_at: ShownInstant | None
    hold_until: ShownInstant | None
    cancelled_at: ShownInstant | None
    expired_at: ShownInstant | None
    actions: list[ActionShown] = Field(description="What you may do now. A guard may still refuse it.")


def order_shown(order: Any, user: User, actions: list[ActionShown]) -> OrderShown:
    """Of an order as `get_whole_order_for` finds it."""
    side = side_of(user, order)
    pays_now = side == Role.CLIENT and order.status == Status.PENDING_PAYMENT
    proposal, dispute = open_proposal(order), max(order.disputes.all(), key=lambda row: row.number, default=None)
    return OrderShown(
        **brief_of(order, side),
        **{name: getattr(order, name) for name in INSTANTS},
        deal=_deal(order),
        answers=[AnswerShown(question=row.question, answer=row.answer) for row in order.answers.all()],
        money=_money(order, side),
        pay_to=_pay_to(order) if pays_now else None,
        proofs=[proof_shown(proof, order) for proof in _newest_first(order.proofs.all(), by="attempt")],
        deliveries=_deliveries(order),
        proposal=proposal_shown(proposal, order) if proposal else None,
        refunds=[refund_of_order(row) for row in order.disbursements.all() if _is_shown_refund(row)],
        dispute=dispute_of_order(dispute) if dispute else None,
        actions=actions,
    )


def _newest_first(rows: Iterable[Any], *, by: str) -> list[Any]:
    return sorted(rows, key=lambda row: -getattr(row, by))


def _is_shown_refund(row: Disbursement) -> bool:
    return row.kind == Disbursement.Kind.REFUND and row.state != DisbursementState.WITHDRAWN


def _deliveries(order: Order) -> list[OrderDelivery]:
    revisions = {revision.delivery_id: revision for revision in order.revision_requests.all()}
    newest_first = _newest_first(order.deliveries.all(), by="number")
    return [delivery_shown(delivery, revisions.get(delivery.pk)) for delivery in newest_first]


def _deal(order: Order) -> DealShown:
    names = ("delivery_days", "revisions_included", "auto_approve_days", "hold_days")
    return DealShown(
        **{name: getattr(order, name) for name in names},
        description=order.gig_description,
        revisions_left=revisions_left(order),
    )


def _money(order: Any, side: Role) -> MoneyShown:
    fee = order.fee_on(order.expected_amount)
    is_held = order.custody == Custody.PLATFORM and order.payment_status in IN_ESCROW
    amounts = {
        "price": order.expected_amount,
        "paid": order.funded_amount,
        "due": order.amount_due,
        "held": order.funded_amount if is_held else Decimal(0),
        "fee": fee,
        **({} if side == Role.CLIENT else {"freelancer_earns": order.expected_amount - fee}),
    }
    return MoneyShown(
        **{name: plain_amount(amount, order.currency) for name, amount in amounts.items()},
        fee_percent=f"{order.escrow_fee_pct.normalize():f}",
        paid_into=order.pay_to_label,
        transaction_reference=order.txid or None,
        receipt_number=order.receipt_number,
    )


def _pay_to(order: Any) -> PayTo:
    return PayTo(
        kind=order.pay_to_kind,
        holder=order.pay_to_holder,
        account=order.deposit_address,
        routing=order.pay_to_routing,
        instructions=order.payment_instructions,
        amount=plain_amount(order.amount_due, order.currency),
        currency=order.currency,
        reference=order.payment_reference,
        pay_by=order.pay_by,
    )
