"""The numbered receipt of an order, as one side’s copy has it."""

from decimal import Decimal
from uuid import UUID

from pydantic import Field

from marketplace.money import plain_amount
from marketplace.rest.schemas import Shown, ShownInstant
from orders.models import Disbursement, PaymentProof
from orders.schemas.orders import CustodyName
from orders.schemas.rows import amount_or_none
from orders.selectors.receipts import Posting, ReceiptCopy
from orders.states import DisbursementState


class ReceiptPayment(Shown):
    amount: str
    reference: str
    confirmed_at: ShownInstant | None


class ReceiptRefund(Shown):
    amount: str
    reason: str
    state: str
    sent_at: ShownInstant | None
    reference: str | None


class ReceiptPosting(Shown):
    """A movement of the order’s money on the ledger."""

    number: int
    kind: str
    amount: str
    created_at: ShownInstant


class OrderReceipt(Shown):
    """Amounts are in `currency`. Fee and earnings are told to the freelancer, once something was released."""

    number: int
    issued_at: ShownInstant
    order_id: UUID
    payment_reference: str
    title: str
    custody: CustodyName
    client: str
    freelancer: str
    ordered_at: ShownInstant
    completed_at: ShownInstant | None
    cancelled_at: ShownInstant | None
    currency: str
    price: str
    paid_into: str
    payments: list[ReceiptPayment]
    refunds: list[ReceiptRefund]
    paid_less_refunds: str
    fee_percent: str | None
    fee: str | None
    freelancer_earned: str | None
    postings: list[ReceiptPosting] = Field(description="None under DIRECT custody, where this site held no money.")


def receipt_shown(copy: ReceiptCopy) -> OrderReceipt:
    order, is_told = copy.order, copy.earned is not None
    names = ("payment_reference", "custody", "completed_at", "cancelled_at", "currency")
    return OrderReceipt(
        **{name: getattr(order, name) for name in names},
        number=order.receipt.number,
        issued_at=order.receipt.issued_at,
        order_id=order.pk,
        title=order.gig_title,
        client=order.client.full_name,
        freelancer=order.freelancer.full_name,
        ordered_at=order.created_at,
        price=plain_amount(order.expected_amount, order.currency),
        paid_into=order.pay_to_label,
        payments=[_payment(proof, order.currency) for proof in copy.payments],
        refunds=[_refund(row) for row in copy.refunds],
        paid_less_refunds=plain_amount(copy.kept, order.currency),
        fee_percent=f"{order.escrow_fee_pct.normalize():f}" if is_told else None,
        fee=amount_or_none(copy.fee, order.currency),
        freelancer_earned=amount_or_none(copy.earned, order.currency),
        postings=[_posting(posting, order.currency) for posting in copy.postings],
    )


def _payment(proof: PaymentProof, currency: str) -> ReceiptPayment:
    amount = plain_amount(proof.verified_amount or Decimal(0), currency)
    return ReceiptPayment(amount=amount, reference=proof.transaction_reference, confirmed_at=proof.decided_at)


def _refund(row: Disbursement) -> ReceiptRefund:
    is_sent = row.sent_at is not None and row.state != DisbursementState.FAILED
    return ReceiptRefund(
        amount=plain_amount(row.amount, row.currency),
        reason=row.reason,
        state=row.state,
        sent_at=row.sent_at if is_sent else None,
        reference=(row.reference or None) if is_sent else None,
    )


def _posting(posting: Posting, currency: str) -> ReceiptPosting:
    made = posting.transfer
    return ReceiptPosting(
        number=made.pk, kind=made.kind, amount=plain_amount(posting.amount, currency), created_at=made.created_at
    )
