"""What the steps of an order do to its money: into escrow, out of it at the end, back into it for a dispute.

Under DIRECT custody nothing touches the ledger; what the freelancer owes back is still a refund row, with them as payer.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import record_completed_order as count_for_freelancer
from gigs.services import record_completed_order as count_for_gig
from marketplace.money import from_minor
from orders import ledger
from orders.exceptions import AlreadyPaidOut
from orders.models import Disbursement, DisbursementEvent, LedgerTransfer, Order, PaymentProof
from orders.services.telling import tell_of_disbursement
from orders.states import Custody, DisbursementAction, DisbursementState, PaymentStatus

Kind = LedgerTransfer.Kind
ENDINGS = (Kind.RELEASE, Kind.REFUND, Kind.SPLIT)


def take_deposit(
    *,
    order: Order,
    proof: PaymentProof,
    received: Decimal,
    actor: User,
    now: datetime,
    source: ledger.Place | None = None,
) -> None:
    """Book what arrived (order's currency): up to what is due into escrow, the rest as surplus to be refunded.

    It comes from outside, or from `source`, where it was booked before (suspense).
    """
    part = min(received, order.amount_due)
    surplus = received - part
    order.funded_amount += part
    if surplus:
        _owe_refund(order, surplus, Disbursement.Reason.SURPLUS, None, now)
    if order.custody == Custody.DIRECT:
        return
    payer = source or ledger.outside(order.currency)
    moves = {
        Kind.ASSIGN if source else Kind.DEPOSIT: {payer: -part, ledger.escrow(order): part},
        Kind.SURPLUS: {payer: -surplus, ledger.refundable(order.client_id, order.currency): surplus},
    }
    for kind, lines in moves.items():
        if any(lines.values()):
            ledger.post(
                kind=kind,
                key=_key(order, kind),
                lines=lines,
                now=now,
                actor=actor,
                order=order,
                event_number=order.version + 1,
                proof=proof,
                statement_line=proof.statement_line,
            )


def finish_escrow(
    *,
    order: Order,
    freelancer_amount: Decimal,
    reason: Disbursement.Reason,
    actor: User | None,
    now: datetime,
    not_before: datetime | None = None,
) -> PaymentStatus:
    """Divide all that was paid: `freelancer_amount` (before the fee) to the freelancer, the rest back to the client.

    Returns the payment status this leads to. The client's part becomes a refund row for `reason`, not sent before `not_before`.
    """
    client_amount = order.funded_amount - freelancer_amount
    if freelancer_amount < 0 or client_amount < 0:
        raise ValueError(f"{freelancer_amount} is no part of {order.funded_amount}.")
    if client_amount:
        _owe_refund(order, client_amount, reason, not_before, now)
    if order.custody == Custody.DIRECT:
        return PaymentStatus.REFUND_DUE if client_amount else PaymentStatus.PAID_DIRECT
    fee = order.fee_on(freelancer_amount)
    kind = Kind.SPLIT if freelancer_amount and client_amount else Kind.REFUND if client_amount else Kind.RELEASE
    lines = {
        ledger.escrow(order): -order.funded_amount,
        ledger.balance(order.freelancer_id, order.currency): freelancer_amount - fee,
        ledger.fees(order.currency): fee,
        ledger.refundable(order.client_id, order.currency): client_amount,
    }
    ledger.post(kind=kind, key=_key(order, kind), lines=lines, now=now, actor=actor, order=order, event_number=order.version + 1)
    return {Kind.SPLIT: PaymentStatus.SPLIT, Kind.REFUND: PaymentStatus.REFUNDED, Kind.RELEASE: PaymentStatus.RELEASED}[kind]


def complete(
    *,
    order: Order,
    freelancer_amount: Decimal,
    actor: User | None,
    now: datetime,
    reason: Disbursement.Reason = Disbursement.Reason.SETTLED,
    not_before: datetime | None = None,
) -> PaymentStatus:
    """End an order as done: divide the money, start the hold (at least until `not_before`), count it for gig and freelancer."""
    if order.completed_at is None:
        order.completed_at = now
        count_for_freelancer(freelancer=order.freelancer)
        count_for_gig(gig_id=order.gig_id)
    order.auto_approve_at = order.due_at = order.paused_at = order.paused_until = None
    order.hold_until = max(now + timedelta(days=order.hold_days), not_before or now)
    return finish_escrow(
        order=order, freelancer_amount=freelancer_amount, reason=reason, actor=actor, now=now, not_before=not_before
    )


def reclaim_escrow(*, order: Order, actor: User, now: datetime) -> None:
    """Undo the last division for a dispute or an appeal: everything back into escrow, the refund row withdrawn.

    Raises AlreadyPaidOut when a part has left the platform (or the freelancer, under DIRECT) and NotEnoughMoney never, as long as
    holds keep released money on the balance.
    """
    refund = order.disbursements.exclude(reason=Disbursement.Reason.SURPLUS).exclude(state=DisbursementState.WITHDRAWN).first()
    if refund:
        if refund.state in (DisbursementState.SENT, DisbursementState.CONFIRMED):
            raise AlreadyPaidOut(_("A part of this money has been sent already."))
        refund.state = DisbursementState.WITHDRAWN
        note_disbursement(refund, DisbursementAction.WITHDRAW, actor, now)
    if order.custody == Custody.DIRECT:
        return
    last = order.transfers.filter(kind__in=ENDINGS).latest("id")
    back = {
        ledger.Place(ledger.Kind(e.account.kind), last.currency, e.account.order_id, e.account.user_id): -from_minor(
            e.amount, last.currency
        )
        for e in last.entries.select_related("account")
    }
    ledger.post(
        kind=Kind.RECLAIM,
        key=_key(order, Kind.RECLAIM),
        lines=back,
        now=now,
        actor=actor,
        order=order,
        event_number=order.version + 1,
    )


def _owe_refund(
    order: Order, amount: Decimal, reason: Disbursement.Reason, not_before: datetime | None, now: datetime
) -> Disbursement:
    refund = Disbursement(
        kind=Disbursement.Kind.REFUND,
        reason=reason,
        person=order.client,
        payer=order.freelancer if order.custody == Custody.DIRECT else None,
        order=order,
        amount=amount,
        currency=order.currency,
        not_before=not_before,
        version=0,
        created_at=now,
    )
    note_disbursement(refund, DisbursementAction.REQUEST, None, now)
    return refund


def note_disbursement(row: Disbursement, action: DisbursementAction, actor: User | None, now: datetime, note: str = "") -> None:
    """Save a disbursement after a step, append its event, and tell the people concerned."""
    row.version += 1
    row.save()
    DisbursementEvent.objects.create(
        disbursement=row, number=row.version, action=action, to_state=row.state, actor=actor, note=note, created_at=now
    )
    tell_of_disbursement(row, action, actor=actor)


def _key(order: Order, kind: str) -> str:
    """The event that moves the money and what it does: no step posts the same twice."""
    return f"{order.pk}:{order.version + 1}:{kind}"
