"""Proofs of payment: handed in, confirmed, rejected."""

from contextlib import ExitStack
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
from marketplace.uploads import CheckedFile, discard_files_on_error, discard_on_error
from orders import ledger
from orders.exceptions import (
    AmountMismatch,
    OrderMoved,
    ProofRefused,
    ReceiptRefused,
    ReferenceUsed,
    SecondModeratorNeeded,
)
from orders.models import CLOCK_SKEW, Order, OrderEvent, PaymentProof, StatementLine
from orders.references import is_comparable, normalize_reference
from orders.selectors import needs_two_signatures
from orders.services.change import Detail, change_order_status
from orders.services.escrow import take_deposit
from orders.states import Action, Custody, Status

REVIEW_WITHIN = timedelta(hours=24)
PAY_AGAIN_WITHIN = timedelta(hours=24)
REST_WITHIN = timedelta(hours=72)
ACCEPT_WITHIN = timedelta(hours=24)
RECEIPT = ("receipt", "receipt_name", "receipt_type", "receipt_size", "receipt_sha256")


def submit_payment(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    transaction_reference: str,
    payer_name: str,
    amount: Decimal,
    paid_at: datetime,
    receipt: CheckedFile | None = None,
) -> Order:
    """Hand in a proof (row 2). `amount` is in the order's currency, `paid_at` an aware instant. Without a receipt see
    `attach_receipt`.

    Raises ProofRefused (no usable reference, paid in the future), ReferenceUsed (on a live proof of the same payment method). The
    same receipt file used before is accepted; the verifier sees it.
    """
    proof = PaymentProof(
        transaction_reference=transaction_reference,
        payer_name=payer_name,
        amount=amount,
        paid_at=paid_at,
    )
    return _hand_in(Action.SUBMIT_PAYMENT, actor, order_id, seen, proof, receipt=receipt)


def enter_payment(
    *,
    action: Action,
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
    """A moderator has found money on the platform's account and enters the proof in the client's place.

    `action` is RECORD_PAYMENT where the client has handed in none (row 2), REOPEN where the order had expired (row 24). The
    payment is then confirmed like any other. Raises as `submit_payment`.
    """
    proof = PaymentProof(
        transaction_reference=transaction_reference,
        payer_name=payer_name,
        amount=amount,
        paid_at=paid_at,
        statement_line=statement_line,
        entered_by=actor,
    )
    return _hand_in(action, actor, order_id, seen, proof, note=note)


def _hand_in(
    action: Action,
    actor: User,
    order_id: UUID,
    seen: int,
    proof: PaymentProof,
    *,
    receipt: CheckedFile | None = None,
    note: str = "",
) -> Order:
    """Put a proof up for its check, as the next one of its order."""
    proof.normalized_reference = normalize_reference(proof.transaction_reference)
    if not is_comparable(proof.normalized_reference):
        raise ProofRefused(_("Write the transaction reference with the letters A to Z and digits your bank or wallet shows."))
    if proof.paid_at > timezone.now() + CLOCK_SKEW:
        raise ProofRefused(_("The payment date lies in the future."))
    digest = receipt.sha256 if receipt else ""
    said = (proof.normalized_reference, proof.payer_name, proof.amount.normalize(), proof.paid_at, digest)
    with discard_files_on_error() as undo:

        def effect(order: Order, now: datetime) -> Detail:
            proof.order, proof.payment_method_id, proof.submitted_at = order, order.payment_method_id, now
            proof.attempt = order.proofs.count() + 1
            proof.amount = validate_amount(proof.amount, order.currency)
            _refuse_used_reference(proof)
            if receipt:
                _put_receipt(proof, receipt, undo)
            _save_live(proof)
            order.proof_submitted_at, order.ever_submitted_proof = now, True
            order.review_due_at, order.expired_at = now + REVIEW_WITHIN, None
            return Detail(note=note, proof=proof, data={"attempt": proof.attempt})

        return change_order_status(order_id=order_id, action=action, actor=actor, seen=seen, effect=effect, said=said)


def attach_receipt(*, actor: User, order_id: UUID, receipt: CheckedFile, seen: int | None = None) -> Order:
    """Add the receipt to the client's proof that was handed in without one and is being checked (row 2). The same file again is
    quiet success. The same receipt file used before is accepted; the verifier sees it.

    It is a step of the table that moves no status: so it is an event of the order, whose number is its version, and whoever has
    opened the proof before must look at it again before they decide. It decides nothing itself, so that `seen` may be left out.
    Raises ReceiptRefused.
    """
    with discard_files_on_error() as undo, transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).select_related("client", "freelancer").order_by().get(pk=order_id)
        if actor.pk == order.client_id and _has_receipt(order, receipt):
            return order

        def effect(order: Order, now: datetime) -> Detail:
            proof = _live_proof(order, None)
            _put_receipt(proof, receipt, undo)
            proof.save(update_fields=RECEIPT)
            return Detail(proof=proof, data={"attempt": proof.attempt})

        return change_order_status(
            order_id=order_id,
            action=Action.ATTACH_RECEIPT,
            actor=actor,
            seen=order.version if seen is None else seen,
            effect=effect,
            said=(receipt.sha256,),
        )


def _has_receipt(order: Order, receipt: CheckedFile) -> bool:
    """Whether this very file stands on the proof that is being checked. Raises ReceiptRefused where it cannot be added."""
    proof = order.proofs.filter(state=PaymentProof.State.SUBMITTED, entered_by=None).first()
    if proof is None or order.status != Status.PAYMENT_SUBMITTED:
        raise ReceiptRefused(_("No proof of yours is being checked just now, so there is none to add a receipt to."))
    if proof.receipt and proof.receipt_sha256 != receipt.sha256:
        raise ReceiptRefused(_("The proof that is being checked has its receipt. Wait for what comes of it."))
    return bool(proof.receipt)


def _put_receipt(proof: PaymentProof, receipt: CheckedFile, undo: ExitStack) -> None:
    proof.receipt_name, proof.receipt_type = receipt.display_name, receipt.content_type
    proof.receipt_size, proof.receipt_sha256 = receipt.size, receipt.sha256
    discard_on_error(undo, proof.receipt, receipt.stored_name)
    proof.receipt.save(receipt.stored_name, receipt.content, save=False)


def _refuse_used_reference(proof: PaymentProof) -> None:
    used = PaymentProof.objects.filter(
        payment_method_id=proof.payment_method_id,
        normalized_reference=proof.normalized_reference,
        state__in=PaymentProof.LIVE,
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
