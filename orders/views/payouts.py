"""A person's money: balance, payouts, refunds."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.http import private_file
from orders.models import Disbursement
from orders.payment_files import csv_bytes
from orders.payout_forms import ChooseAccountForm, RequestPayoutForm, SeenForm, SentForm
from orders.selectors import get_party_order
from orders.selectors import payouts as money
from orders.selectors.receipts import get_receipt_for
from orders.services import payouts
from orders.states import DisbursementState as State
from orders.views.balance_page import STATEMENT_HEADER, account_labels, payout_rows, refund_rows, statement_rows, with_fee_words
from orders.views.way_back import added, url_to_add, way_back

PAGE_SIZE = 20


@login_required
@require_safe
def balance(request: SignedInRequest) -> HttpResponse:
    sent_out = Paginator(money.list_payouts_of(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    coming_back = Paginator(money.list_refunds_to(request.user), PAGE_SIZE).get_page(request.GET.get("refunds"))
    context = {
        "purses": money.list_purses(request.user, timezone.now()),
        "payouts": sent_out,
        "payout_rows": payout_rows(sent_out),
        "refunds": coming_back,
        "refund_rows": refund_rows(coming_back),
        "owed_rows": refund_rows(money.list_refunds_owed_by(request.user)),
        "months": money.list_months_of(request.user),
    }
    return render(request, "orders/payouts/balance.html", context)


@login_required
@require_safe
def balance_month(request: SignedInRequest, year: int, month: int) -> HttpResponse:
    statements = [with_fee_words(statement) for statement in money.balance_statement(request.user, *_bounds(year, month))]
    if not statements:
        raise Http404
    context = {"statements": statements, "start": _bounds(year, month)[0]}
    return render(request, "orders/payouts/month.html", context)


@login_required
@require_safe
def balance_csv(request: SignedInRequest) -> HttpResponse:
    """All of it, or with `?month=2026-11` one month."""
    wanted = request.GET.get("month", "")
    named = re.fullmatch(r"(\d{4})-(\d{1,2})", wanted, flags=re.ASCII)
    bounds = _bounds(int(named[1]), int(named[2])) if named else (None, None)
    rows = statement_rows(money.balance_statement(request.user, *bounds))
    response = HttpResponse(csv_bytes(STATEMENT_HEADER, rows), content_type="text/csv; charset=utf-8")
    name = f"balance-{bounds[0]:%Y-%m}" if bounds[0] else "balance"
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _bounds(year: int, month: int) -> tuple[Any, Any]:
    try:
        return money.month_bounds(year, month)
    except (ValueError, OverflowError) as no_month:
        raise Http404 from no_month


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_payout(request: SignedInRequest) -> HttpResponse:
    """Of the currency in `?currency=`, or the only one there is."""
    purses = {purse.currency: purse for purse in money.list_purses(request.user, timezone.now())}
    purse = purses.get(request.GET.get("currency", "")) or next(iter(purses.values()), None)
    if purse is None:
        messages.info(request, _("There is no money to pay out yet."))
        return redirect("orders:balance")
    accounts = list(money.list_payout_accounts_of(request.user, purse.currency))
    data = request.POST if request.method == "POST" else None
    form = RequestPayoutForm(data, accounts=accounts, currency=purse.currency, available=purse.available, initial=added(request))
    if form.is_valid():
        try:
            payouts.request_payout(actor=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Asked for. You are told when it is sent."))
            return redirect("orders:balance")
    context = {"form": form, "purse": purse, "accounts": accounts, "add_url": url_to_add(request, purse.currency)}
    return render(request, "orders/payouts/request.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def withdraw_payout(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    row = money.get_own_disbursement(request.user, row_id)
    return _take(request, row, payouts.withdraw, _("Withdrawn. The money is available on your balance."))


@login_required
@require_POST
def confirm_received(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    row = money.get_own_disbursement(request.user, row_id)
    return _take(request, row, payouts.confirm, _("Thank you. It is marked as arrived."))


def _take(request: SignedInRequest, row: Disbursement, service: Callable[..., Disbursement], done: str) -> HttpResponse:
    form = SeenForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This page was out of date. Look at it again before you decide."))
        return redirect("orders:balance")
    try:
        service(actor=request.user, row_id=row.pk, seen=form.cleaned_data["seen"])
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, done)
    return redirect("orders:balance")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose_account(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    """Where a refund goes, or a payout or refund that did not go through and is asked for again."""
    row = money.get_own_disbursement(request.user, row_id)
    back = way_back(request, reverse("orders:balance"))
    came_back = row.state == State.FAILED
    if not came_back and (row.state != State.REQUESTED or row.kind != Disbursement.Kind.REFUND):
        messages.info(request, _("The account of this can no longer be changed: it is on its way, or over."))
        return redirect(back)
    accounts = list(money.list_payout_accounts_of(request.user, row.currency))
    posted = request.POST if request.method == "POST" else None
    chosen = {"account_id": row.account_id} if row.account_id else {}
    form = ChooseAccountForm(posted, accounts=accounts, initial={"seen": row.version, **chosen, **added(request)})
    if form.is_valid():
        try:
            service = payouts.retry if came_back else payouts.set_refund_account
            service(actor=request.user, row_id=row.pk, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Noted. You are told when the money is sent."))
            return redirect(back)
    context = {"form": form, "row": row, "accounts": accounts, "came_back": came_back, "back": back}
    context["add_url"] = url_to_add(request, row.currency)
    return render(request, "orders/payouts/account.html", context, status=422 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def refund_sent(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    """The freelancer of a DIRECT order says that the client's money is on its way back."""
    row = money.get_refund_owed_by(request.user, row_id)
    posting = request.method == "POST"
    form = SentForm(request.POST if posting else None, request.FILES if posting else None, initial={"seen": row.version})
    if form.is_valid():
        try:
            payouts.refund_sent(actor=request.user, row_id=row.pk, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Marked as sent. The client is asked to confirm that it arrived."))
            return redirect("orders:balance")
    labels = account_labels(row.account.account, row.account.routing) if row.account else {}
    context = {"form": form, "row": row, "is_waiting": row.state in payouts.NOT_GONE, **labels}
    return render(request, "orders/payouts/refund_sent.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def confirm_refund(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    """The client of a DIRECT order has the money back. `seen` is the version of the order."""
    order = get_party_order(request.user, order_id)
    form = SeenForm(request.POST)
    try:
        payouts.confirm_refund(actor=request.user, order_id=order.pk, seen=form.cleaned_data["seen"] if form.is_valid() else 0)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Thank you. The refund is confirmed and the order is settled."))
    return redirect(order)


@login_required
@require_safe
def sent_proof(request: SignedInRequest, row_id: UUID) -> FileResponse:
    row = money.get_sent_proof_for(request.user, row_id)
    return private_file(row.proof, name=row.proof_name, content_type=row.proof_type)


@login_required
@require_safe
def receipt(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    copy = get_receipt_for(request.user, order_id)
    return render(request, "orders/payouts/receipt.html", {"copy": copy, "order": copy.order})
