"""One POST address for every step of docs/orders.md that a party takes on the order's page."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from orders.exceptions import OrderMoved
from orders.forms import FORMS, StepForm
from orders.models import Order
from orders.selectors import get_party_order
from orders.services import lifecycle, payments
from orders.states import Action
from orders.views.order_page import render_order_page

# What each step calls, and what is said when it is done; `%(amount)s` is what was understood of the amount typed.
STEPS: dict[Action, tuple[Callable[..., Order], str | Promise]] = {
    Action.SUBMIT_PAYMENT: (payments.submit_payment, _("Your proof of %(amount)s is handed in. You are told what comes of it.")),
    Action.CANCEL: (lifecycle.cancel, _("The order is cancelled.")),
    Action.CONFIRM_PAYMENT: (payments.confirm_payment, _("You have confirmed %(amount)s. You can start the work.")),
    Action.REJECT_PAYMENT: (payments.reject_payment, _("The proof is sent back with your words.")),
    Action.START_WORK: (lifecycle.start_work, _("Started. The delivery time runs from now.")),
    Action.SUBMIT_WORK: (lifecycle.submit_work, _("Delivered. The client is told to check it.")),
    Action.APPROVE: (lifecycle.approve, _("Approved. The order is complete.")),
    Action.REQUEST_REVISION: (lifecycle.request_revision, _("Your points are with the freelancer.")),
}
FIELD_OF = {"reference_used": "transaction_reference", "amount_mismatch": "received_amount", "invalid_amount": "amount"}


@login_required
@require_POST
def submit_payment(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.SUBMIT_PAYMENT)


@login_required
@require_POST
def cancel(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.CANCEL)


@login_required
@require_POST
def confirm_payment(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.CONFIRM_PAYMENT)


@login_required
@require_POST
def reject_payment(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.REJECT_PAYMENT)


@login_required
@require_POST
def start_work(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.START_WORK)


@login_required
@require_POST
def submit_work(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.SUBMIT_WORK)


@login_required
@require_POST
def approve(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.APPROVE)


@login_required
@require_POST
def request_revision(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.REQUEST_REVISION)


def _take(request: SignedInRequest, order_id: UUID, action: Action) -> HttpResponse:
    """Read the step's form, call its service, say what came of it."""
    order = get_party_order(request.user, order_id)
    service, done = STEPS[action]
    form = FORMS[action](request.POST, request.FILES, order=order)
    if not form.is_valid():
        return render_order_page(request, order_id, refused=form, status=422)
    try:
        service(actor=request.user, order_id=order_id, **form.wishes())
    except DomainError as refusal:
        return _refused(request, order_id, form, refusal)
    messages.success(request, str(done) % form.read_back())
    return redirect(order)


def _refused(request: SignedInRequest, order_id: UUID, form: StepForm, refusal: DomainError) -> HttpResponse:
    """Back to the page as it is now; with the form again where the person has written something."""
    field = FIELD_OF.get(refusal.code)
    if field in form.fields or form.typed():
        form.add_error(field if field in form.fields else None, refusal.message)
        return render_order_page(request, order_id, refused=form, status=409 if isinstance(refusal, OrderMoved) else 422)
    messages.error(request, refusal.message)
    return redirect("orders:detail", order_id)
