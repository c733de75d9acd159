"""Money on its way out: payouts, refunds and returns, step by step. Approving moves nothing; sending takes it off the ledger.

Every step locks the row (and its order first), wants the version the person saw, and appends an event.
"""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import format_money, validate_amount
from marketplace.uploads import CheckedFile, discard_files_on_error, discard_on_error
from orders import ledger
from orders.exceptions import ActionNotAllowed, DisbursementRefused, NotEnoughMoney, PayoutOpen, SecondModeratorNeeded, TooEarly
from orders.models import Disbursement, LedgerTransfer, Order, PayoutAccount
from orders.selectors import PAY_OUT, may, needs_two_people
from orders.selectors.payouts import (
    RESERVING,
    STATE_LABELS,
    is_owed_by_freelancer,
    payout_minimum,
    spoken_for,
)
from orders.services.change import Detail, change_order_status
from orders.services.escrow import note_disbursement
from orders.states import DISBURSEMENT_STEPS, Action, DisbursementAction, DisbursementState

Kind, State, Step = Disbursement.Kind, DisbursementState, DisbursementAction
NOT_GONE = frozenset({State.REQUESTED, State.FAILED})  # where another account can still be named


@transaction.atomic
def request_payout(*, actor: User, account_id: UUID, amount: Decimal) -> Disbursement:
    """Ask for a part of the available balance, in the account's currency.

    Raises DisbursementRefused (not an account of theirs in use, less than the minimum, another request open), NotEnoughMoney.
    """
    account = _own_account(actor, account_id)
    amount = validate_amount(amount, account.currency)
    if amount < payout_minimum(account.currency):
        least = format_money(payout_minimum(account.currency), account.currency)
        raise DisbursementRefused(_("Ask for at least %(least)s at once.") % {"least": least}, code="below_minimum")
    now = timezone.now()
    _reserve(actor, account.currency, amount, now)
    row = Disbursement(
        kind=Kind.PAYOUT,
        reason=Disbursement.Reason.PAYOUT,
        person=actor,
        account=account,
        amount=amount,
        currency=account.currency,
        version=0,
        created_at=now,
    )
    note_disbursement(row, Step.REQUEST, actor, now)
    return row


def _own_account(actor: User, account_id: UUID, currency: str | None = None) -> PayoutAccount:
    accounts = PayoutAccount.objects.filter(owner=actor, is_active=True)
    account = accounts.filter(pk=account_id).first()
    if account is None or (currency and account.currency != currency):
        raise DisbursementRefused(_("Choose one of your own accounts, in the currency of the money."))
    return account


def _reserve(person: User, currency: str, amount: Decimal, now: datetime, *, but: UUID | None = None) -> None:
    """Whoever asks for money of a balance takes turns on its row."""
    balance = ledger.amount_in(ledger.balance(person.pk, currency), lock=True)
    taken = Disbursement.objects.filter(kind=Kind.PAYOUT, person=person, currency=currency, state__in=RESERVING)
    if (taken.exclude(pk=but) if but else taken).exists():
        raise PayoutOpen(_("You have asked for a payout already. Withdraw it first, or wait until it is sent."))
    available = balance - spoken_for(person, currency, now, but=but)
    if amount > available:
        words = _("Available are %(available)s. The rest is still clearing, or on its way to you.")
        raise NotEnoughMoney(words % {"available": format_money(available, currency)})


@transaction.atomic
def approve(*, actor: User, row_id: UUID, seen: int) -> Disbursement:
    """Staff have checked that it may be sent. Raises TooEarly before `not_before`, DisbursementRefused without an account."""
    row = _locked(row_id, seen, DISBURSEMENT_STEPS[Step.APPROVE][0])
    _only_staff(actor, row)
    _only_of_the_platform(row)
    if row.account_id is None:
        raise DisbursementRefused(_("The person has not said yet where the money goes."))
    now = timezone.now()
    _refuse_early(row, now)
    row.approved_by = actor
    return _step(row, Step.APPROVE, actor, now)


def send(*, actor: User, row_id: UUID, seen: int, reference: str, proof: CheckedFile | None = None) -> Disbursement:
    """The money has left the platform's account with this reference: take it off the ledger.

    Raises SecondModeratorNeeded over FOUR_EYES_OVER for who approved it, DisbursementRefused when it is sent already.
    """
    with discard_files_on_error() as undo, transaction.atomic():
        row = _locked(row_id, seen, DISBURSEMENT_STEPS[Step.SEND][0])
        _only_staff(actor, row)
        _only_of_the_platform(row)
        if needs_two_people(row.amount, row.currency) and row.approved_by_id == actor.pk:
            raise SecondModeratorNeeded(_("You have approved this amount. Somebody else must send it."))
        now = timezone.now()
        if proof:
            discard_on_error(undo, row.proof, proof.stored_name)
        _note_sending(row, reference, proof, now)
        _post(row, Step.SEND, actor, now)
        return _step(row, Step.SEND, actor, now, note=row.reference)


def refund_sent(*, actor: User, row_id: UUID, seen: int, reference: str, proof: CheckedFile | None = None) -> Disbursement:
    """The freelancer of a DIRECT order has sent back what they owe. The client confirms it; nothing touches the ledger."""
    with discard_files_on_error() as undo, transaction.atomic():
        row = _locked(row_id, seen, NOT_GONE)
        if row.payer_id != actor.pk:
            raise ActionNotAllowed(_("This refund is not yours to send."))
        now = timezone.now()
        _refuse_early(row, now)
        if proof:
            discard_on_error(undo, row.proof, proof.stored_name)
        _note_sending(row, reference, proof, now)
        return _step(row, Step.SEND, actor, now, note=row.reference)


@transaction.atomic
def confirm(*, actor: User, row_id: UUID, seen: int) -> Disbursement:
    """It has arrived: said by the person, or by staff who know.

    A refund that an order waits for is confirmed on the order, by its client or by staff who also resolve disputes.
    """
    row = _locked(row_id, seen, DISBURSEMENT_STEPS[Step.CONFIRM][0])
    if row.person_id != actor.pk:
        _only_staff(actor, row)
    if is_owed_by_freelancer(row) and row.order:
        if row.person_id == actor.pk:
            raise DisbursementRefused(_("The order waits for this refund: confirm it on the order's page."))
        confirm_refund(actor=actor, order_id=row.order.pk, seen=row.order.version)
        return Disbursement.objects.get(pk=row.pk)
    return _step(row, Step.CONFIRM, actor, timezone.now())


def confirm_refund(*, actor: User, order_id: UUID, seen: int) -> Order:
    """The client of a DIRECT order has their money back (row 25): the refund row and the order are settled."""

    def effect(order: Order, now: datetime) -> Detail:
        owed = order.disbursements.select_for_update(of=("self",)).exclude(reason=Disbursement.Reason.SURPLUS)
        row = owed.filter(state=State.SENT).first()
        if row is None:
            raise DisbursementRefused(_("The freelancer has not marked this refund as sent yet."))
        _step(row, Step.CONFIRM, actor, now)
        return Detail(data={"amount": str(row.amount)})

    return change_order_status(order_id=order_id, action=Action.CONFIRM_REFUND, actor=actor, seen=seen, effect=effect)


@transaction.atomic
def fail(*, actor: User, row_id: UUID, seen: int, note: str) -> Disbursement:
    """It could not be sent, or came back: what was sent is on the ledger again. The person reads the note."""
    if not note.strip():
        raise DisbursementRefused(_("Write what went wrong: the person reads it and may have to name another account."))
    row = _locked(row_id, seen, DISBURSEMENT_STEPS[Step.FAIL][0])
    _only_staff(actor, row)
    now = timezone.now()
    if row.state == State.SENT and row.payer_id is None:
        _post(row, Step.FAIL, actor, now)
    row.failure = note.strip()
    return _step(row, Step.FAIL, actor, now, note=row.failure)


@transaction.atomic
def retry(*, actor: User, row_id: UUID, seen: int, account_id: UUID | None = None) -> Disbursement:
    """Ask for it again after it failed, to another account of the person's own where one is given. By the person or staff.

    Raises NotEnoughMoney where the balance has been asked for otherwise since.
    """
    row = _locked(row_id, seen, DISBURSEMENT_STEPS[Step.RETRY][0])
    if row.person_id != actor.pk:
        _only_staff(actor, row)
    now = timezone.now()
    if account_id:
        row.account = _own_account(row.person or actor, account_id, row.currency)
    elif row.account and row.account.owner and not row.account.is_active:
        raise DisbursementRefused(_("That account is no longer in use. Choose another one first."))
    if row.kind == Kind.PAYOUT and row.person:
        _reserve(row.person, row.currency, row.amount, now, but=row.pk)
    row.approved_by, row.batch, row.sent_at, row.reference = None, None, None, ""
    return _step(row, Step.RETRY, actor, now)


@transaction.atomic
def withdraw(*, actor: User, row_id: UUID, seen: int) -> Disbursement:
    """Take back one's own payout before it is approved, or after it failed. A refund is never withdrawn by people."""
    row = _locked(row_id, seen, DISBURSEMENT_STEPS[Step.WITHDRAW][0])
    if row.kind != Kind.PAYOUT or row.person_id != actor.pk:
        raise ActionNotAllowed(_("Only who asked for a payout can take it back."))
    return _step(row, Step.WITHDRAW, actor, timezone.now())


@transaction.atomic
def set_refund_account(*, actor: User, row_id: UUID, seen: int, account_id: UUID) -> Disbursement:
    """The client says where a refund goes, as long as it waits for approval. It waits again, as after `retry`."""
    row = _locked(row_id, seen, frozenset({State.REQUESTED}))
    if row.kind != Kind.REFUND or row.person_id != actor.pk:
        raise ActionNotAllowed(_("Only who gets a refund can say where it goes."))
    row.account = _own_account(actor, account_id, row.currency)
    return _step(row, Step.RETRY, actor, timezone.now(), note=row.account.masked)


def _locked(row_id: UUID, seen: int, states: Collection[str]) -> Disbursement:
    """The row, held until commit; its order is held first, as every step of an order does."""
    order_id = Disbursement.objects.values_list("order_id", flat=True).get(pk=row_id)
    if order_id:
        Order.objects.select_for_update(of=("self",)).get(pk=order_id)
    rows = Disbursement.objects.select_for_update(of=("self",)).select_related("order", "account", "person", "payer")
    row = rows.get(pk=row_id)
    if row.version != seen or row.state not in states:
        raise DisbursementRefused(
            _("Someone was faster: this is now “%(state)s”. Look at it again before you decide.")
            % {"state": STATE_LABELS[DisbursementState(row.state)]},
            code="disbursement_moved",
        )
    return row


def _only_staff(actor: User, row: Disbursement) -> None:
    """Staff who pay out, and never for themselves or in a deal of their own."""
    parties = {row.person_id, row.payer_id}
    if row.order:
        parties |= {row.order.client_id, row.order.freelancer_id}
    if not may(actor, PAY_OUT) or actor.pk in parties:
        raise ActionNotAllowed(_("This money is not yours to decide about."))


def _only_of_the_platform(row: Disbursement) -> None:
    if row.payer_id:
        raise DisbursementRefused(_("The freelancer owes this refund and sends it themselves."))


def _refuse_early(row: Disbursement, now: datetime) -> None:
    if row.not_before and now < row.not_before:
        raise TooEarly(_("The ruling can still be appealed. Wait until that time is over."))


def _note_sending(row: Disbursement, reference: str, proof: CheckedFile | None, now: datetime) -> None:
    row.reference, row.sent_at = reference.strip(), now
    if not row.reference:
        raise DisbursementRefused(_("Write the reference that the bank or wallet gave you."))
    if proof:
        row.proof_name, row.proof_type = proof.display_name, proof.content_type
        row.proof.save(proof.stored_name, proof.content, save=False)


def _post(row: Disbursement, step: DisbursementAction, actor: User, now: datetime) -> None:
    """SEND takes the amount off the ledger, FAIL brings it back. The key lets no step of the row post twice."""
    back = step == Step.FAIL
    sent = LedgerTransfer.Kind.PAYOUT if row.kind == Kind.PAYOUT else LedgerTransfer.Kind.REPAYMENT
    amount = -row.amount if back else row.amount
    ledger.post(
        kind=LedgerTransfer.Kind.BOUNCE if back else sent,
        key=f"disbursement:{row.pk}:{row.version + 1}:{step}",
        lines={_place_of(row): -amount, ledger.outside(row.currency): amount},
        now=now,
        actor=actor,
        disbursement=row,
        order=row.order,
        statement_line=row.statement_line,
    )


def _place_of(row: Disbursement) -> ledger.Place:
    """Where the money stands until it is sent."""
    if row.kind == Kind.RETURN or row.person_id is None:
        return ledger.suspense(row.currency)
    of = ledger.balance if row.kind == Kind.PAYOUT else ledger.refundable
    return of(row.person_id, row.currency)


def _step(row: Disbursement, step: DisbursementAction, actor: User, now: datetime, note: str = "") -> Disbursement:
    row.state = DISBURSEMENT_STEPS[step][1]
    note_disbursement(row, step, actor, now, note)
    return row
