"""The accounts a person is paid to."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.password_first import password_first
from orders.bank_accounts import AccountRefused
from orders.payout_forms import PayoutAccountForm
from orders.selectors.payouts import get_payout_account_of, list_payout_accounts_of
from orders.services.payout_accounts import archive_payout_account, save_payout_account
from orders.views.way_back import way_back, with_added


@login_required
@require_safe
def account_list(request: SignedInRequest) -> HttpResponse:
    accounts = list(list_payout_accounts_of(request.user))
    context = {
        "in_use": [account for account in accounts if account.is_active],
        "archived": [account for account in accounts if not account.is_active],
    }
    return render(request, "orders/payouts/accounts.html", context)


@login_required
@sensitive_post_parameters("account")
@require_http_methods(["GET", "HEAD", "POST"])
@password_first
def account_create(request: SignedInRequest) -> HttpResponse:
    back = way_back(request, reverse("orders:payout_account_list"))
    posted = request.POST if request.method == "POST" else None
    form = PayoutAccountForm(posted, initial={"currency": request.GET.get("currency", ""), "holder": request.user.full_name})
    if form.is_valid():
        try:
            account = save_payout_account(actor=request.user, **form.cleaned_data)
        except AccountRefused as refusal:
            form.add_error(refusal.field, refusal.message)
        else:
            messages.success(
                request, _("Saved: %(masked)s. Choose it now wherever money is to be sent.") % {"masked": account.masked}
            )
            return redirect(with_added(back, account))
    return render(request, "orders/payouts/account_form.html", {"form": form, "back": back}, status=422 if form.is_bound else 200)


@login_required
@require_POST
def account_archive(request: SignedInRequest, account_id: UUID) -> HttpResponse:
    account = get_payout_account_of(request.user, account_id)
    try:
        archive_payout_account(actor=request.user, account_id=account.pk)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(masked)s is no longer used.") % {"masked": account.masked})
    return redirect("orders:payout_account_list")
