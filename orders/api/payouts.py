"""People's money for programs: balance, payouts, refunds.

Accounts that money goes to are added on the website alone, which asks for the password first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Status

from accounts.callers import Scope
from accounts.gates import begin_writing, begins_itself, caller_of, person, reader, trader
from accounts.models import User
from marketplace.exceptions import DomainError
from marketplace.http import private_file
from marketplace.rest.counterparts import answers_for
from marketplace.rest.cursors import part_of
from marketplace.rest.errors import Refusal, about, answer_with, status_of
from marketplace.rest.routers import Router, file_answer
from marketplace.rest.schemas import Cursor, Limit
from marketplace.uploads import CheckedFile
from orders.exceptions import DisbursementRefused, PayoutOpen, TooEarly
from orders.models import Disbursement, Order
from orders.schemas.balance import BalanceMonthShown, BalanceShown, balance_shown, month_shown
from orders.schemas.payouts import (
    NewPayout,
    PayoutAccountPage,
    PayoutPage,
    PayoutShown,
    RefundAccount,
    RefundPage,
    RefundSending,
    RefundShown,
    Retry,
    Seen,
    SendTo,
    account_shown,
    payout_shown,
    refund_shown,
    send_to,
)
from orders.selectors import payouts as money
from orders.services import payouts
from orders.services.handed_in import take_receipt
from orders.states import DisbursementState

answer_with(409, PayoutOpen, TooEarly)
answers_for("orders:balance", "payouts")
answers_for("orders:payout_account_list", "payout-accounts")
MOVED = "disbursement_moved"
FIELDS = {"file_gone": "receipt_id", "invalid_file": "receipt_id"}  # that refusals are about
router = Router(tags=["money"])


# --- The balance ----------------------------------------------------------------------------------------------------
@router.get("balance", auth=reader, response=BalanceShown)
def balance(request: HttpRequest) -> BalanceShown:
    """What you have earned, by currency: how much of it is held, on hold, available, asked for and paid out."""
    user = person(request)
    return balance_shown(money.list_purses(user, timezone.now()), money.list_months_of(user))


@router.get("balance/{int:year}/{int:month}", auth=reader, response=BalanceMonthShown)
def balance_month(request: HttpRequest, year: int, month: int) -> BalanceMonthShown:
    """Every movement of your balance in one month of your time zone, by currency. 404 for a month without any."""
    try:
        bounds = money.month_bounds(year, month)
    except (ValueError, OverflowError) as no_month:
        raise Http404 from no_month
    statements = money.balance_statement(person(request), *bounds)
    if not statements:
        raise Http404
    return month_shown(year, month, statements)


@router.get("payout-accounts", auth=reader, response=PayoutAccountPage)
def list_payout_accounts(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> PayoutAccountPage:
    """Your accounts that money can be sent to, the oldest first, those no longer used among them."""
    accounts = money.list_payout_accounts_of(person(request))
    found, after = part_of(accounts, order=("created_at", "id"), cursor=cursor, limit=limit)
    return PayoutAccountPage(items=[account_shown(account) for account in found], next=after)


# --- Payouts --------------------------------------------------------------------------------------------------------
@router.get("payouts", auth=reader, response=PayoutPage)
def list_payouts(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> PayoutPage:
    """What you have asked for and what became of it, newest first."""
    found, after = part_of(money.list_payouts_of(person(request)), order=("-created_at", "id"), cursor=cursor, limit=limit)
    return PayoutPage(items=[_payout_shown(request, row) for row in found], next=after)


@router.post("payouts", auth=trader, response={201: PayoutShown})
def ask_for_payout(request: HttpRequest, payout: NewPayout) -> Any:
    """Ask for a part of the available balance. One request is open at a time; people of this site check and send it."""
    user = person(request)
    _check_account(user, payout.account_id, payout.currency)
    with about(invalid_amount="amount", not_enough_money="amount", below_minimum="amount"):
        row = payouts.request_payout(actor=user, account_id=payout.account_id, amount=Decimal(payout.amount))
    return Status(201, _payout_shown(request, row))


@router.get("payouts/{uuid:payout_id}", auth=reader, response=PayoutShown)
def read_payout(request: HttpRequest, payout_id: UUID) -> PayoutShown:
    """One of your payouts."""
    return _payout_shown(request, _payout(request, payout_id))


@router.get("payouts/{uuid:payout_id}/proof", auth=reader, response={200: None}, openapi_extra=file_answer())
def payout_proof(request: HttpRequest, payout_id: UUID) -> FileResponse:
    """The receipt of the transfer, where whoever sent it added one."""
    return _proof(_payout(request, payout_id))


@router.post("payouts/{uuid:payout_id}/withdraw", auth=trader, response=PayoutShown)
def withdraw_payout(request: HttpRequest, payout_id: UUID, step: Seen | None = None) -> PayoutShown:
    """Take back what you have asked for, before it is approved or after it failed."""
    return _payout_shown(request, _take(payouts.withdraw, request, _payout(request, payout_id), step))


@router.post("payouts/{uuid:payout_id}/confirm", auth=trader, response=PayoutShown)
def confirm_payout(request: HttpRequest, payout_id: UUID, step: Seen | None = None) -> PayoutShown:
    """It has arrived."""
    return _payout_shown(request, _take(payouts.confirm, request, _payout(request, payout_id), step))


@router.post("payouts/{uuid:payout_id}/retry", auth=trader, response=PayoutShown)
def retry_payout(request: HttpRequest, payout_id: UUID, step: Retry | None = None) -> PayoutShown:
    """Ask again for what did not go through, to another account if you name one."""
    row = _payout(request, payout_id)
    account_id = step.account_id if step else None
    if account_id:
        _check_account(person(request), account_id, row.currency)
    return _payout_shown(request, _take(payouts.retry, request, row, step, account_id=account_id))


# --- Refunds --------------------------------------------------------------------------------------------------------
@router.get("refunds", auth=reader, response=RefundPage)
def list_refunds(
    request: HttpRequest, role: Literal["client", "freelancer"] = "client", cursor: Cursor = "", limit: Limit = 20
) -> RefundPage:
    """What comes back to you as a client, newest first; or, as a freelancer, what you owe clients who paid you directly, oldest
    first.
    """
    user = person(request)
    rows, order = (
        (money.list_refunds_to(user), ("-created_at", "id"))
        if role == "client"
        else (money.list_refunds_owed_by(user), ("created_at", "id"))
    )
    found, after = part_of(rows, order=order, cursor=cursor, limit=limit)
    return RefundPage(items=[_refund_shown(request, row) for row in found], next=after)


@router.get("refunds/{uuid:refund_id}", auth=reader, response=RefundShown)
def read_refund(request: HttpRequest, refund_id: UUID) -> RefundShown:
    """A refund, for who gets it and for the freelancer who owes it."""
    user = person(request)
    return _refund_shown(request, _refund(user, refund_id))


@router.get("refunds/{uuid:refund_id}/proof", auth=reader, response={200: None}, openapi_extra=file_answer())
def refund_proof(request: HttpRequest, refund_id: UUID) -> FileResponse:
    """The receipt of the transfer, where whoever sent it added one."""
    return _proof(_refund(person(request), refund_id))


@router.get("refunds/{uuid:refund_id}/account", auth=trader, response=SendTo)
def read_refund_account(request: HttpRequest, refund_id: UUID) -> SendTo:
    """The whole account that you send a refund to which you owe. An API key needs the scope `orders` for it."""
    return send_to(_owed(request, refund_id))


@router.patch("refunds/{uuid:refund_id}/account", auth=trader, response=RefundShown)
def name_refund_account(request: HttpRequest, refund_id: UUID, where: RefundAccount) -> RefundShown:
    """Say where your refund goes, as long as it waits; one that did not go through is asked for again."""
    row = _mine(request, refund_id)
    _check_account(person(request), where.account_id, row.currency)
    service = payouts.retry if row.state == DisbursementState.FAILED else payouts.set_refund_account
    after = _take(service, request, row, where, account_id=where.account_id)
    return _refund_shown(request, after)


@router.post("refunds/{uuid:refund_id}/sent", auth=trader, response=RefundShown)
@begins_itself
def mark_refund_sent(request: HttpRequest, refund_id: UUID, sending: RefundSending) -> RefundShown:
    """You have sent back what you owe: the client is asked to confirm it. Nothing is sent by this site."""
    row = _owed(request, refund_id)
    proof = _receipt(person(request), sending.receipt_id)
    begin_writing(request)
    after = _take(payouts.refund_sent, request, row, sending, reference=sending.reference, proof=proof)
    return _refund_shown(request, after)


@router.post("refunds/{uuid:refund_id}/confirm", auth=trader, response=RefundShown)
def confirm_refund(request: HttpRequest, refund_id: UUID, step: Seen | None = None) -> RefundShown:
    """Your money is back. Where the order waits for it, this settles the order too."""
    row = _mine(request, refund_id)
    user = person(request)
    if row.order and money.is_owed_by_freelancer(row) and row.state == DisbursementState.SENT:
        _confirm_on_order(user, row.order, row, step)
        return _refund_shown(request, money.get_own_disbursement(user, row.pk))
    return _refund_shown(request, _take(payouts.confirm, request, row, step))


# --- What they share ------------------------------------------------------------------------------------------------
def _payout_shown(request: HttpRequest, row: Disbursement) -> PayoutShown:
    return payout_shown(row, may_act=caller_of(request).may(Scope.ORDERS))


def _refund_shown(request: HttpRequest, row: Disbursement) -> RefundShown:
    return refund_shown(row, person(request), may_act=caller_of(request).may(Scope.ORDERS))


def _payout(request: HttpRequest, payout_id: UUID) -> Disbursement:
    row = money.get_own_disbursement(person(request), payout_id)
    if row.kind != Disbursement.Kind.PAYOUT:
        raise Http404
    return row


def _refund(user: User, refund_id: UUID) -> Disbursement:
    """A refund to this person or owed by them; Http404 otherwise."""
    try:
        row = money.get_own_disbursement(user, refund_id)
    except Http404:
        return money.get_refund_owed_by(user, refund_id)
    if row.kind != Disbursement.Kind.REFUND:
        raise Http404
    return row


def _mine(request: HttpRequest, refund_id: UUID) -> Disbursement:
    row = _refund(person(request), refund_id)
    if row.person_id != person(request).pk:
        raise Refusal(403, "not_yours", _("Only the client who gets this refund can do this."))
    return row


def _owed(request: HttpRequest, refund_id: UUID) -> Disbursement:
    row = _refund(person(request), refund_id)
    if row.payer_id != person(request).pk:
        raise Refusal(403, "not_yours", _("Only the freelancer who owes this refund can do this."))
    return row


def _check_account(user: User, account_id: UUID, currency: str) -> None:
    if not money.list_payout_accounts_of(user, currency).filter(pk=account_id).exists():
        message = _("Choose one of your own accounts, in the currency of the money.")
        raise Refusal(422, "account_refused", message, fields={"account_id": message})


def _receipt(user: User, file_id: UUID | None) -> CheckedFile | None:
    with about(**FIELDS):
        return take_receipt(actor=user, file_id=file_id) if file_id else None


def _proof(row: Disbursement) -> FileResponse:
    return private_file(row.proof, name=row.proof_name, content_type=row.proof_type)


def _take(
    service: Callable[..., Disbursement], request: HttpRequest, row: Disbursement, step: Seen | None, **wishes: object
) -> Disbursement:
    """Take a step on the version the program saw; without one, on the row as it was just read."""
    seen = (step and step.version) or row.version
    with _told_where_it_is(row):
        return service(actor=person(request), row_id=row.pk, seen=seen, **wishes)


def _confirm_on_order(user: User, order: Order, row: Disbursement, step: Seen | None) -> None:
    """A step of the order, which has a version of its own."""
    with _told_where_it_is(row):
        if step and step.version not in (None, row.version):
            raise DisbursementRefused(_("This refund has moved on. Look at it again before you decide."), code=MOVED)
        payouts.confirm_refund(actor=user, order_id=order.pk, seen=order.version)


@contextmanager
def _told_where_it_is(row: Disbursement) -> Iterator[None]:
    """What cannot be done now is a 409 with the present state and version of the row."""
    try:
        yield
    except DomainError as refusal:
        if refusal.code != MOVED and status_of(refusal) != 409:
            raise
        row.refresh_from_db(fields=["state", "version"])
        raise Refusal(409, refusal.code, refusal.message, status=row.state, version=row.version) from refusal
