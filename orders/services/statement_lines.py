"""What becomes of the entries of a bank statement: each decided by a moderator, on its own, through the steps of its order."""

import datetime
from datetime import datetime as Instant
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from orders import ledger
from orders.exceptions import LineRefused, OrderMoved
from orders.models import (
    Disbursement,
    LedgerTransfer,
    Order,
    PaymentProof,
    StatementLine,
    UnreadableLine,
)
from orders.references import is_comparable, normalize_reference
from orders.selectors import VERIFY, is_party, may
from orders.services.escrow import note_disbursement
from orders.services.payments import confirm_payment, enter_payment, record_partial
from orders.services.payout_accounts import keep_account
from orders.statements import Kind
from orders.states import Action, Custody, DisbursementAction, DisbursementState, Status

State = StatementLine.State


@transaction.atomic
def confirm_line(*, actor: User, line_id: UUID, order_id: UUID | None = None, seen: int | None = None) -> StatementLine:
    """The entry is the payment of its order, or of `order_id`: enter it where the client has not, and confirm what arrived.

    Less than due is recorded as a part, more becomes a refund, an expired order is opened again. Over FOUR_EYES_OVER the first
    call signs and the entry stays open. `seen` is the version of the order on the page. Raises LineRefused, and as
    `confirm_payment`.
    """
    line = _lock(actor, line_id, State.OPEN, confirming=order_id or _fits(line_id))
    return _pay_in(actor, line, _order_of(line, order_id), seen, State.CONFIRMED)


@transaction.atomic
def assign_suspense(*, actor: User, line_id: UUID, order_id: UUID, seen: int | None = None) -> StatementLine:
    """Money in suspense has found its order: from there into the order's escrow. Otherwise as `confirm_line`."""
    line = _lock(actor, line_id, State.SUSPENSE, confirming=order_id)
    return _pay_in(actor, line, _order_of(line, order_id), seen, State.ASSIGNED)


def _pay_in(actor: User, line: StatementLine, order: Order, seen: int | None, reached: State) -> StatementLine:
    _refuse_party(actor, order)
    if order.currency != line.currency:
        raise LineRefused(_("This payment is in %(ours)s, the order in %(theirs)s.") % _currencies(line, order))
    if seen is not None and order.version != seen:
        raise OrderMoved(_("Someone was faster: this order has moved on. Look at it again before you decide."))
    order = _with_proof(actor, line, order)
    step: dict[str, Any] = {"actor": actor, "order_id": order.pk, "seen": order.version}
    arrived: dict[str, Any] = {"received_amount": line.amount, "statement_line": line}
    if line.amount < order.amount_due:
        order = record_partial(**step, **arrived)
    else:
        order = confirm_payment(**step, **arrived, more_arrived=True)
    line.order = order
    if order.status == Status.PAYMENT_SUBMITTED:  # signed; a second moderator confirms
        line.save(update_fields=["order"])
        return line
    return _decide(line, actor, reached)


def _currencies(line: StatementLine, order: Order) -> dict[str, str]:
    return {"ours": line.currency, "theirs": order.currency}


def _with_proof(actor: User, line: StatementLine, order: Order) -> Order:
    """The order with a proof that can be confirmed: the one being checked, or one entered from this entry."""
    status = Status(order.status)
    if status == Status.PAYMENT_SUBMITTED:
        proof = order.proofs.get(state=PaymentProof.State.SUBMITTED)
        if proof.statement_line_id not in (None, line.pk):
            raise LineRefused(_("Another entry is being confirmed for this order. Decide that one first."))
        return order
    steps = {Status.PENDING_PAYMENT: Action.RECORD_PAYMENT, Status.EXPIRED: Action.REOPEN}
    if status not in steps:
        raise LineRefused(_("This order does not wait for money. Put the payment into suspense, then send it back."))
    return enter_payment(
        action=steps[status],
        actor=actor,
        order_id=order.pk,
        seen=order.version,
        transaction_reference=_reference_of(line),
        payer_name=line.payer_name[:120],
        amount=line.amount,
        paid_at=_noon(line),
        statement_line=line,
    )


def _reference_of(line: StatementLine) -> str:
    """The bank's own reference of the entry, else one that no other entry has."""
    if is_comparable(normalize_reference(line.bank_id)):
        return line.bank_id
    return f"{line.booked_on:%Y%m%d}-{line.key[:16].upper()}"


def _noon(line: StatementLine) -> Instant:
    """Statements know days: the middle of it, or now where that is still to come."""
    return min(timezone.now(), Instant.combine(line.booked_on, datetime.time(12), datetime.UTC))


@transaction.atomic
def link_line(*, actor: User, line_id: UUID) -> StatementLine:
    """The entry is the payment of its order that was confirmed by hand before: note that. No money moves."""
    line = _lock(actor, line_id, State.OPEN)
    order = _order_of(line, None)
    proof = _confirmed_by_hand(line, order).select_for_update().first()
    if proof is None:
        raise LineRefused(_("No payment of this amount was confirmed for the order without a statement."))
    proof.statement_line = line
    proof.save(update_fields=["statement_line"])
    return _decide(line, actor, State.CONFIRMED)


def _confirmed_by_hand(line: StatementLine, order: Order) -> QuerySet[PaymentProof]:
    """Payments of the order that were booked without an entry, of this entry's amount."""
    return PaymentProof.objects.filter(
        order=order,
        order__custody=Custody.PLATFORM,
        state=PaymentProof.State.VERIFIED,
        statement_line=None,
        verified_amount=line.amount,
    )


@transaction.atomic
def suspend_line(*, actor: User, line_id: UUID, note: str = "") -> StatementLine:
    """The money came in and fits no order: it waits in suspense until it is assigned or sent back."""
    line = _lock(actor, line_id, State.OPEN)
    if line.order and _confirmed_by_hand(line, line.order).exists():
        raise LineRefused(_("A payment of this amount was confirmed by hand for the order. Link the entry to it instead."))
    now = timezone.now()
    ledger.post(
        kind=LedgerTransfer.Kind.ORPHAN,
        key=f"{line.pk}:{LedgerTransfer.Kind.ORPHAN}",
        lines={ledger.outside(line.currency): -line.amount, ledger.suspense(line.currency): line.amount},
        now=now,
        actor=actor,
        statement_line=line,
    )
    return _decide(line, actor, State.SUSPENSE, note)


@transaction.atomic
def return_line(
    *, actor: User, line_id: UUID, kind: str, holder: str, account: str, routing: str = "", note: str = ""
) -> Disbursement:
    """Send the money of an entry back to where it came from: a disbursement that is approved and sent like any other.

    An entry that is still open goes into suspense first, and is refused as `suspend_line` refuses it.
    """
    if StatementLine.objects.filter(pk=line_id, state=State.OPEN).exists():
        suspend_line(actor=actor, line_id=line_id)
    line = _lock(actor, line_id, State.SUSPENSE)
    now = timezone.now()
    row = Disbursement(
        kind=Disbursement.Kind.RETURN,
        reason=Disbursement.Reason.ORPHAN,
        statement_line=line,
        account=keep_account(owner=None, kind=kind, currency=line.currency, holder=holder, account=account, routing=routing),
        amount=line.amount,
        currency=line.currency,
        version=0,
        created_at=now,
    )
    note_disbursement(row, DisbursementAction.REQUEST, actor, now, note)
    _decide(line, actor, State.RETURNED, note)
    return row


@transaction.atomic
def ignore_line(*, actor: User, line_id: UUID, note: str) -> StatementLine:
    """The entry is no payment of a client, for the reason in `note`. Nothing is booked."""
    if not note.strip():
        raise LineRefused(_("Write why this is no payment of a client."))
    return _decide(_lock(actor, line_id, State.OPEN, deposit=False), actor, State.IGNORED, note)


@transaction.atomic
def resolve_unreadable(*, actor: User, row_id: int, note: str) -> UnreadableLine:
    """A person has looked at what could not be read, and says in `note` what it is."""
    check_moderator(actor)
    if not note.strip():
        raise LineRefused(_("Write what this line is and what you did about it."))
    row = UnreadableLine.objects.select_for_update().get(pk=row_id)
    if row.resolved_at:
        raise LineRefused(_("Someone was faster: this line is resolved."))
    row.resolved_by, row.resolved_at, row.note = actor, timezone.now(), note
    row.save(update_fields=["resolved_by", "resolved_at", "note"])
    return row


# --- What every decision shares -------------------------------------------------------------------------------------
def _fits(line_id: UUID) -> UUID | None:
    return StatementLine.objects.values_list("order_id", flat=True).get(pk=line_id)


def check_moderator(actor: User) -> None:
    if not may(actor, VERIFY):
        raise LineRefused(_("Only moderators who verify payments work with bank statements."))


def _lock(actor: User, line_id: UUID, wanted: State, *, deposit: bool = True, confirming: UUID | None = None) -> StatementLine:
    """The entry, locked, in the state the step needs. Nobody decides about money of an order they are a party to."""
    check_moderator(actor)
    line = (
        StatementLine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("order", "payment_method")
        .get(pk=line_id)
    )
    if line.order is not None:
        _refuse_party(actor, line.order)
    if line.state == State.RETURNED and _came_back(line):
        line.state = State.SUSPENSE
        line.save(update_fields=["state"])
    if line.state != wanted:
        raise LineRefused(_("Someone was faster: this entry is “%(state)s” now.") % {"state": line.get_state_display()})
    _refuse_bound(line, confirming)
    if deposit and line.kind != Kind.CREDIT:
        raise LineRefused(_("This entry is no deposit: nothing came in that could be confirmed."))
    return line


def _refuse_bound(line: StatementLine, order_id: UUID | None) -> None:
    """An entry with which a payment is being confirmed is confirmed for that order, or set free by rejecting the proof."""
    bound = PaymentProof.objects.filter(statement_line=line, state=PaymentProof.State.SUBMITTED).select_related("order").first()
    if bound and bound.order_id != order_id:
        raise LineRefused(
            _("This entry is being confirmed for order %(reference)s. Reject the payment there first.")
            % {"reference": bound.order.payment_reference}
        )


def _came_back(line: StatementLine) -> bool:
    """Whether it was to be sent back and that was withdrawn: the money is in suspense as before."""
    return not line.disbursements.exclude(state=DisbursementState.WITHDRAWN).exists()


def _refuse_party(actor: User, order: Order) -> None:
    if is_party(actor, order):
        raise LineRefused(_("You are a party to this order. Another moderator must decide about its money."))


def _order_of(line: StatementLine, order_id: UUID | None) -> Order:
    wanted = order_id or line.order_id
    order = Order.objects.select_for_update(of=("self",)).filter(pk=wanted).first() if wanted else None
    if order is None:
        raise LineRefused(_("Choose the order this payment is for."))
    if order.custody == Custody.DIRECT:
        raise LineRefused(_("This order is paid to the freelancer directly. Send the payment back."))
    return order


def _decide(line: StatementLine, actor: User, state: State, note: str = "") -> StatementLine:
    line.state, line.decided_by, line.decided_at = state, actor, timezone.now()
    line.note = note or line.note
    line.save(update_fields=["state", "decided_by", "decided_at", "note", "order"])
    return line
