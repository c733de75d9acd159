"""Proofs of payment: handed in, confirmed, rejected; and the accounts freelancers are paid into."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import format_money, validate_amount
from marketplace.uploads import CheckedFile, discard_files_on_error
from orders import ledger
from orders.exceptions import AmountMismatch, OrderMoved, ProofRefused, ReferenceUsed, SecondModeratorNeeded
from orders.models import CLOCK_SKEW, Order, OrderEvent, PaymentMethod, PaymentProof, StatementLine
from orders.references import is_comparable, normalize_reference
from orders.selectors import needs_two_signatures
from orders.services.change import Detail, change_order_status
from orders.services.escrow import take_deposit
from orders.states import Action, Custody

REVIEW_WITHIN = timedelta(hours=24)
PAY_AGAIN_WITHIN = timedelta(hours=24)
REST_WITHIN = timedelta(hours=72)
ACCEPT_WITHIN = timedelta(hours=24)
LIVE = (PaymentProof.State.SUBMITTED, PaymentProof.State.VERIFIED)


def submit_payment(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    transaction_reference: str,
    payer_name: str,
    amount: Decimal,
    paid_at: datetime,
    receipt: CheckedFile,
) -> Order:
    """Hand in a proof (row 2). `amount` is in the order's currency, `paid_at` an aware instant.

    Raises ProofRefused (no usable reference, paid in the future), ReferenceUsed (on a live proof of the same payment method). The
    same receipt file used before is accepted; the verifier sees it.
    """
    normalized = normalize_reference(transaction_reference)
    if not is_comparable(normalized):
        raise ProofRefused(_("Write the transaction reference with the letters A to Z and digits your bank or wallet shows."))
    if paid_at > timezone.now() + CLOCK_SKEW:
        raise ProofRefused(_("The payment date lies in the future."))
    with discard_files_on_error() as undo:

        def effect(order: Order, now: datetime) -> Detail:
            proof = PaymentProof(
                order=order,
                payment_method_id=order.payment_method_id,
                attempt=order.proofs.count() + 1,
                transaction_reference=transaction_reference,
                normalized_reference=normalized,
                payer_name=payer_name,
                amount=validate_amount(amount, order.currency),
                paid_at=paid_at,
                receipt_name=receipt.display_name,
                receipt_type=receipt.content_type,
                receipt_size=receipt.size,
                receipt_sha256=receipt.sha256,
                submitted_at=now,
            )
            _refuse_used_reference(proof)
            proof.receipt.save(receipt.stored_name, receipt.content, save=False)
            undo.callback(proof.receipt.delete, save=False)
            _save_live(proof)
            order.proof_submitted_at, order.ever_submitted_proof = now, True
            order.review_due_at = now + REVIEW_WITHIN
            return Detail(proof=proof, data={"attempt": proof.attempt})

        said = (normalized, payer_name, amount.normalize(), paid_at, receipt.sha256)
        return change_order_status(
            order_id=order_id, action=Action.SUBMIT_PAYMENT, actor=actor, seen=seen, effect=effect, said=said
        )


def _refuse_used_reference(proof: PaymentProof) -> None:
    used = PaymentProof.objects.filter(
        payment_method_id=proof.payment_method_id, normalized_reference=proof.normalized_reference, state__in=LIVE
    )
    if used.exists():
        raise ReferenceUsed(
            _("This transaction reference was handed in for another order. Check it, or ask a moderator for help.")
        )


def _save_live(proof: PaymentProof) -> None:
    """Save, and read the database's own refusal of a reference that another transaction took a moment ago."""
    try:
        with transaction.atomic():
            proof.save(force_insert=True)
    except IntegrityError:
        _refuse_used_reference(proof)
        raise


def record_payment(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    transaction_reference: str,
    payer_name: str,
    amount: Decimal,
    paid_at: datetime,
    note: str = "",
    statement_line: StatementLine | None = None,
) -> Order:
    """A moderator has found the money on the platform's account before the client handed in a proof (row 2).

    Enters the proof in the client's place; the payment is then confirmed like any other. Raises as `submit_payment`.
    """
    return _enter_proof(
        Action.RECORD_PAYMENT, actor, order_id, seen, transaction_reference, payer_name, amount, paid_at, note, statement_line
    )


def reopen(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    transaction_reference: str,
    payer_name: str,
    amount: Decimal,
    paid_at: datetime,
    note: str = "",
    statement_line: StatementLine | None = None,
) -> Order:
    """Late money was found for an order that had expired (row 24): back to the check of its payment. Raises as `submit_payment`.

    Whether the freelancer still wants it is theirs to say: once it is confirmed they start, or decline and all is refunded.
    """
    return _enter_proof(
        Action.REOPEN, actor, order_id, seen, transaction_reference, payer_name, amount, paid_at, note, statement_line
    )


def _enter_proof(
    action: Action,
    actor: User,
    order_id: UUID,
    seen: int,
    transaction_reference: str,
    payer_name: str,
    amount: Decimal,
    paid_at: datetime,
    note: str,
    statement_line: StatementLine | None,
) -> Order:
    normalized = normalize_reference(transaction_reference)
    if not is_comparable(normalized):
        raise ProofRefused(_("Write the transaction reference with the letters A to Z and digits the statement shows."))

    def effect(order: Order, now: datetime) -> Detail:
        proof = PaymentProof(
            order=order,
            payment_method_id=order.payment_method_id,
            attempt=order.proofs.count() + 1,
            transaction_reference=transaction_reference,
            normalized_reference=normalized,
            payer_name=payer_name,
            amount=validate_amount(amount, order.currency),
            paid_at=paid_at,
            statement_line=statement_line,
            entered_by=actor,
            submitted_at=now,
        )
        _refuse_used_reference(proof)
        _save_live(proof)
        order.proof_submitted_at, order.ever_submitted_proof = now, True
        order.review_due_at, order.expired_at = now + REVIEW_WITHIN, None
        return Detail(note=note, proof=proof, data={"attempt": proof.attempt})

    said = (normalized, payer_name, amount.normalize(), paid_at)
    return change_order_status(order_id=order_id, action=action, actor=actor, seen=seen, effect=effect, said=said)


def confirm_payment(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    received_amount: Decimal,
    proof_id: UUID | None = None,
    more_arrived: bool = False,
    statement_line: StatementLine | None = None,
) -> Order:
    """The money is there (row 5): the verifier has re-typed the received amount, in the order's currency, and it is what was due.

    Where `more_arrived` the surplus becomes a refund. Over FOUR_EYES_OVER a PLATFORM payment needs two moderators: the first call
    signs, the second confirms. Raises AmountMismatch, SecondModeratorNeeded, and OrderMoved when `proof_id` is given and another
    proof is live by now.
    """
    first = _is_first_of_two(order_id, actor, seen, received_amount)
    action = Action.SIGN_PAYMENT if first else Action.CONFIRM_PAYMENT

    def effect(order: Order, now: datetime) -> Detail:
        proof = _live_proof(order, proof_id)
        if received_amount < order.amount_due or (received_amount > order.amount_due and not more_arrived):
            raise AmountMismatch(_due_and_typed(order, received_amount))
        _check_entry(proof, statement_line)
        if action == Action.SIGN_PAYMENT:
            return _sign(proof, actor, received_amount)
        _check_signatures(order, proof, actor, received_amount)
        _verify(order, proof, received_amount, statement_line, actor, now)
        order.txid, order.confirmed_at, order.review_due_at = proof.transaction_reference, now, None
        order.accept_by = now + ACCEPT_WITHIN
        return Detail(proof=proof, data={"received": str(received_amount)})

    return change_order_status(
        order_id=order_id, action=action, actor=actor, seen=seen, effect=effect, said=_received(received_amount, statement_line)
    )


def record_partial(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    received_amount: Decimal,
    proof_id: UUID | None = None,
    statement_line: StatementLine | None = None,
) -> Order:
    """Less than what was due has arrived (row 7): the part is held in escrow and the client is asked for the rest, for 72 hours.

    Signatures as in `confirm_payment`. Raises AmountMismatch for what is no part of the amount due.
    """
    first = _is_first_of_two(order_id, actor, seen, received_amount)
    action = Action.SIGN_PAYMENT if first else Action.RECORD_PARTIAL

    def effect(order: Order, now: datetime) -> Detail:
        proof = _live_proof(order, proof_id)
        if not 0 < received_amount < order.amount_due:
            raise AmountMismatch(
                _("Due are %(due)s, you typed %(typed)s. That is no part of it: confirm the payment instead.")
                % _amounts(order, received_amount)
            )
        _check_entry(proof, statement_line)
        if action == Action.SIGN_PAYMENT:
            return _sign(proof, actor, received_amount)
        _check_signatures(order, proof, actor, received_amount)
        _verify(order, proof, received_amount, statement_line, actor, now)
        order.review_due_at, order.pay_by = None, now + REST_WITHIN
        return Detail(proof=proof, data={"received": str(received_amount), "due": str(order.amount_due)})

    return change_order_status(
        order_id=order_id,
        action=action,
        actor=actor,
        seen=seen,
        effect=effect,
        said=("part", *_received(received_amount, statement_line)),
    )


def _received(amount: Decimal, line: StatementLine | None) -> tuple[object, ...]:
    """What makes two confirmations the same one: the amount, and the entry of the statement it came with."""
    return amount.normalize(), line and line.pk


def _due_and_typed(order: Order, typed: Decimal) -> str:
    if typed > order.amount_due:
        words = _("Due are %(due)s, you typed %(typed)s. If that much arrived, say so below: the rest is refunded.")
    elif order.custody == Custody.PLATFORM:
        words = _("Due are %(due)s, you typed %(typed)s. If only that arrived, record it as a part.")
    else:
        words = _("Due are %(due)s, you typed %(typed)s. If that is what arrived, reject the proof as a wrong amount.")
    return words % _amounts(order, typed)


def _amounts(order: Order, typed: Decimal) -> dict[str, str]:
    return {"due": format_money(order.amount_due, order.currency), "typed": format_money(typed, order.currency)}


def _check_entry(proof: PaymentProof, line: StatementLine | None) -> None:
    """A proof that stands for an entry of a statement is confirmed with that entry, so that the entry counts once."""
    if proof.statement_line_id and (line is None or line.pk != proof.statement_line_id):
        raise ProofRefused(_("This payment was signed from an entry of a bank statement. Confirm it there, or reject it first."))


def _sign(proof: PaymentProof, actor: User, received: Decimal) -> Detail:
    proof.first_confirmed_by = actor
    proof.save(update_fields=["first_confirmed_by"])
    return Detail(proof=proof, data={"received": str(received)})


def _check_signatures(order: Order, proof: PaymentProof, actor: User, received: Decimal) -> None:
    if proof.first_confirmed_by_id == actor.pk:
        raise SecondModeratorNeeded(_("You have signed this payment. A second moderator must confirm it."))
    if proof.first_confirmed_by_id is None:
        if needs_two_signatures(order, received):
            raise SecondModeratorNeeded(_("A payment of this size is confirmed by two moderators: one signs, another confirms."))
        return
    signed = Decimal(order.events.filter(action=Action.SIGN_PAYMENT, proof=proof).latest("number").data["received"])
    if signed != received:
        raise AmountMismatch(
            _("%(signed)s was signed by the first moderator, you typed %(typed)s. Talk to each other, or reject the proof.")
            % {"signed": format_money(signed, order.currency), "typed": format_money(received, order.currency)}
        )


def _verify(order: Order, proof: PaymentProof, received: Decimal, line: StatementLine | None, actor: User, now: datetime) -> None:
    proof.statement_line = proof.statement_line or line
    _decide(proof, actor, now, state=PaymentProof.State.VERIFIED, verified_amount=received)
    was_found = proof.statement_line is not None and proof.statement_line.state == StatementLine.State.SUSPENSE
    source = ledger.suspense(order.currency) if was_found else None
    take_deposit(order=order, proof=proof, received=received, actor=actor, now=now, source=source)


def _is_first_of_two(order_id: UUID, actor: User, seen: int, received: Decimal) -> bool:
    """Whether this is the first of two confirmations, or repeats it. Of two at once one is refused: it has not seen the other."""
    if not settings.FOUR_EYES_OVER:
        return False
    if OrderEvent.objects.filter(order_id=order_id, number=seen + 1, action=Action.SIGN_PAYMENT, actor=actor).exists():
        return True
    unsigned = PaymentProof.objects.filter(state=PaymentProof.State.SUBMITTED, first_confirmed_by__isnull=True)
    order = Order.objects.filter(pk=order_id, proofs__in=unsigned).first()
    return order is not None and needs_two_signatures(order, received)


def _live_proof(order: Order, proof_id: UUID | None) -> PaymentProof:
    """The proof that is being checked; OrderMoved when it is not the one the verifier has looked at."""
    proof = order.proofs.get(state=PaymentProof.State.SUBMITTED)
    if proof_id and proof.pk != proof_id:
        raise OrderMoved(_("Someone was faster: the client has handed in another proof since. Look at that one."))
    return proof


def reject_payment(*, actor: User, order_id: UUID, seen: int, reason: str, note: str, proof_id: UUID | None = None) -> Order:
    """The proof does not hold (row 6): it is kept with the reason, and the client has 24 hours for another one.

    `reason` is one of PaymentProof.Reason. After three rejections only staff may decide.
    """
    if reason not in PaymentProof.Reason.values or not note.strip():
        raise ProofRefused(_("Choose a reason and write to the client what is wrong and what to do."))

    def effect(order: Order, now: datetime) -> Detail:
        proof = _live_proof(order, proof_id)
        proof.statement_line = None  # it is free to prove another payment
        _decide(proof, actor, now, state=PaymentProof.State.REJECTED, rejection_reason=reason, rejection_note=note)
        order.proofs_rejected += 1
        order.review_due_at, order.pay_by = None, max(order.pay_by, now + PAY_AGAIN_WITHIN)
        return Detail(note=note, proof=proof, data={"reason": reason, "attempt": proof.attempt})

    return change_order_status(
        order_id=order_id, action=Action.REJECT_PAYMENT, actor=actor, seen=seen, effect=effect, said=(reason, note)
    )


def _decide(proof: PaymentProof, actor: User, now: datetime, **decision: Any) -> None:
    proof.decided_by, proof.decided_at = actor, now
    for name, value in decision.items():
        setattr(proof, name, value)
    proof.save()


@transaction.atomic
def save_payment_method(*, actor: User, method: PaymentMethod) -> PaymentMethod:
    """Keep a freelancer's own account. Orders placed before keep the account they were promised."""
    method.owner, method.custody = actor, Custody.DIRECT
    method.save()
    return method


def archive_payment_method(*, actor: User, method: PaymentMethod) -> None:
    """Offer the account no longer; running orders keep it."""
    if method.owner_id == actor.pk:
        method.is_active = False
        method.save(update_fields=["is_active", "updated_at"])


@transaction.atomic
def save_platform_method(*, actor: User, method: PaymentMethod) -> PaymentMethod:
    """Keep an account of the platform's own. Orders placed before keep the account they were promised."""
    method.owner, method.custody = None, Custody.PLATFORM
    method.save()
    return method


def set_method_active(*, actor: User, method: PaymentMethod, active: bool) -> None:
    """A moderator offers an account again, or no longer; nothing else about it changes."""
    method.is_active = active
    method.save(update_fields=["is_active", "updated_at"])
