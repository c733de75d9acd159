"""A freelancer's own accounts: where clients of DIRECT orders pay."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.password_first import password_first
from orders.method_forms import PaymentMethodForm
from orders.selectors import get_payment_method_of, list_payment_methods_of
from orders.services.methods import archive_payment_method, save_payment_method


@login_required
@require_safe
def method_list(request: SignedInRequest) -> HttpResponse:
    methods = list(list_payment_methods_of(request.user))
    context = {
        "offered": [method for method in methods if method.is_active],
        "archived": [method for method in methods if not method.is_active],
    }
    return render(request, "orders/methods/list.html", context)


@login_required
@sensitive_post_parameters("account_number")
@require_http_methods(["GET", "HEAD", "POST"])
@password_first
def method_create(request: SignedInRequest) -> HttpResponse:
    form = PaymentMethodForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        method = save_payment_method(actor=request.user, method=form.instance)
        messages.success(request, _("“%(label)s” is offered to clients from now on.") % {"label": method.label})
        return redirect("orders:method_list")
    return render(request, "orders/methods/form.html", {"form": form, "method": None})


@login_required
@sensitive_post_parameters("account_number")
@require_http_methods(["GET", "HEAD", "POST"])
@password_first
def method_edit(request: SignedInRequest, method_id: UUID) -> HttpResponse:
    method = get_payment_method_of(request.user, method_id)
    if not method.is_active:
        messages.warning(request, _("“%(label)s” is no longer offered, so it stays as it is.") % {"label": method.label})
        return redirect("orders:method_list")
    form = PaymentMethodForm(request.POST if request.method == "POST" else None, instance=method)
    if form.is_valid():
        save_payment_method(actor=request.user, method=form.instance)
        messages.success(request, _("Saved. Orders already placed keep the account they were promised."))
        return redirect("orders:method_list")
    return render(request, "orders/methods/form.html", {"form": form, "method": method})


@login_required
@require_POST
def method_archive(request: SignedInRequest, method_id: UUID) -> HttpResponse:
    method = get_payment_method_of(request.user, method_id)
    archive_payment_method(actor=request.user, method=method)
    messages.success(request, _("“%(label)s” is no longer offered. Running orders keep it.") % {"label": method.label})
    return redirect("orders:method_list")
