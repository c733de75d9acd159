"""What the receipt of an order says: to the client what they paid and got back, to the freelancer the fee and the rest too."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import Http404

from accounts.models import User
from marketplace.money import from_minor
from orders.models import Disbursement, LedgerAccount, LedgerEntry, LedgerTransfer, Order, PaymentProof, Receipt
from orders.selectors.orders import list_visible_orders
from orders.states import DisbursementState


@dataclass(frozen=True)
class Posting:
    """One movement of the order's money on the ledger; `amount` is all that moved."""

    transfer: LedgerTransfer
    amount: Decimal


@dataclass(frozen=True)
class ReceiptCopy:
    """One side's copy. `fee` and `earned` are None where they are not this reader's to see, or nothing was released."""

    order: Order
    payments: list[PaymentProof]
    refunds: list[Disbursement]
    postings: list[Posting]
    fee: Decimal | None
    earned: Decimal | None

    @property
    def paid(self) -> Decimal:
        return sum((proof.verified_amount or Decimal(0) for proof in self.payments), Decimal(0))

    @property
    def refunded(self) -> Decimal:
        """What goes or went back to the client."""
        return sum((row.amount for row in self.refunds), Decimal(0))

    @property
    def kept(self) -> Decimal:
        return self.paid - self.refunded


def list_without_receipt() -> QuerySet[Order]:
    """Orders whose payment is confirmed and that have no receipt yet, first confirmed first."""
    issued = Receipt.objects.filter(order=OuterRef("pk"))
    return Order.objects.filter(~Exists(issued), confirmed_at__isnull=False).order_by("confirmed_at", "pk")


def get_receipt_for(user: User, order_id: UUID) -> ReceiptCopy:
    """The reader's copy of an order's receipt, in a constant number of queries; Http404 until issued and for strangers."""
    entries = LedgerEntry.objects.select_related("account")
    orders = (
        list_visible_orders(user)
        .filter(receipt__isnull=False)
        .select_related("receipt")
        .prefetch_related(
            Prefetch("proofs", PaymentProof.objects.filter(state=PaymentProof.State.VERIFIED).order_by("attempt")),
            Prefetch("disbursements", Disbursement.objects.exclude(state=DisbursementState.WITHDRAWN)),
            Prefetch("transfers", LedgerTransfer.objects.prefetch_related(Prefetch("entries", entries))),
        )
    )
    order = orders.filter(pk=order_id).first()
    if order is None:
        raise Http404
    transfers = list(order.transfers.all())
    fee, earned = (_sum(transfers, kind, order.currency) for kind in (LedgerAccount.Kind.FEES, LedgerAccount.Kind.BALANCE))
    sees_fee = user.pk != order.client_id and bool(fee or earned)
    return ReceiptCopy(
        order,
        list(order.proofs.all()),
        list(order.disbursements.all()),
        [_posting(transfer) for transfer in transfers],
        fee if sees_fee else None,
        earned if sees_fee else None,
    )


def _sum(transfers: list[LedgerTransfer], kind: str, currency: str) -> Decimal:
    units = (entry.amount for transfer in transfers for entry in transfer.entries.all() if entry.account.kind == kind)
    return from_minor(sum(units), currency)


def _posting(transfer: LedgerTransfer) -> Posting:
    moved = sum(entry.amount for entry in transfer.entries.all() if entry.amount > 0)
    return Posting(transfer, from_minor(moved, transfer.currency))
