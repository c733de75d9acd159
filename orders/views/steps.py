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
from orders.forms import StepForm
from orders.models import Order
from orders.proposal_forms import STEP_FORMS
from orders.selectors import get_party_order
from orders.services import lifecycle, payments, proposals
from orders.states import Action
from orders.views.order_page import render_order_page

# What each step calls, and what is said when it is done; `%(amount)s` is what was understood of the amount typed.
STEPS: dict[Action, tuple[Callable[..., Order], str | Promise]] = {
    Action.SUBMIT_PAYMENT: (payments.submit_payment, _("Your proof of %(amount)s is handed in. You are told what comes of it.")),
    Action.CANCEL: (lifecycle.cancel, _("The order is cancelled.")),
    Action.CONFIRM_PAYMENT: (payments.confirm_payment, _("You have confirmed %(amount)s. You can start the work.")),
    Action.REJECT_PAYMENT: (payments.reject_payment, _("The proof is sent back with your words.")),
    Action.CANCEL_PARTIAL: (lifecycle.cancel_partial, _("The order is cancelled. What you have paid is refunded.")),
    Action.START_WORK: (lifecycle.start_work, _("Started. The delivery time runs from now.")),
    Action.DECLINE: (lifecycle.decline, _("The order is cancelled. The client gets everything back.")),
    Action.SUBMIT_WORK: (lifecycle.submit_work, _("Delivered. The client is told to check it.")),
    Action.APPROVE: (lifecycle.approve, _("Approved. The order is complete.")),
    Action.REQUEST_REVISION: (lifecycle.request_revision, _("Your points are with the freelancer.")),
    Action.CANCEL_LATE: (lifecycle.cancel_late, _("The order is cancelled. You get everything back.")),
    Action.ASK_PAUSE: (proposals.ask_pause, _("Your question is with the client. You are told what they answer.")),
    Action.GRANT_PAUSE: (proposals.grant_pause, _("The delivery clock stands until the pause is over.")),
    Action.RESUME: (proposals.resume, _("The pause is over. The delivery clock runs again.")),
    Action.PROPOSE_EXTENSION: (proposals.propose_extension, _("Your request is with the other side. They have 48 hours.")),
    Action.ACCEPT_EXTENSION: (proposals.accept_extension, _("Agreed. The order has a new delivery day.")),
    Action.PROPOSE_CANCELLATION: (proposals.propose_cancellation, _("Your request is with the other side. They have 48 hours.")),
    Action.ACCEPT_CANCELLATION: (proposals.accept_cancellation, _("Agreed. The order is cancelled.")),
    Action.DECLINE_PROPOSAL: (proposals.decline_proposal, _("Declined. The order goes on as it was.")),
    Action.WITHDRAW_PROPOSAL: (proposals.withdraw_proposal, _("Your request is withdrawn.")),
}
FIELD_OF = {"reference_used": "transaction_reference", "amount_mismatch": "received_amount", "invalid_amount": "amount"}


def _step(action: Action) -> Callable[..., HttpResponse]:
    @login_required
    @require_POST
    def view(request: SignedInRequest, order_id: UUID) -> HttpResponse:
        return _take(request, order_id, action)

    return view


submit_payment = _step(Action.SUBMIT_PAYMENT)
cancel = _step(Action.CANCEL)
confirm_payment = _step(Action.CONFIRM_PAYMENT)
reject_payment = _step(Action.REJECT_PAYMENT)
cancel_partial = _step(Action.CANCEL_PARTIAL)
start_work = _step(Action.START_WORK)
decline = _step(Action.DECLINE)
submit_work = _step(Action.SUBMIT_WORK)
approve = _step(Action.APPROVE)
request_revision = _step(Action.REQUEST_REVISION)
cancel_late = _step(Action.CANCEL_LATE)
ask_pause = _step(Action.ASK_PAUSE)
grant_pause = _step(Action.GRANT_PAUSE)
resume = _step(Action.RESUME)
propose_extension = _step(Action.PROPOSE_EXTENSION)
accept_extension = _step(Action.ACCEPT_EXTENSION)
propose_cancellation = _step(Action.PROPOSE_CANCELLATION)
accept_cancellation = _step(Action.ACCEPT_CANCELLATION)
decline_proposal = _step(Action.DECLINE_PROPOSAL)
withdraw_proposal = _step(Action.WITHDRAW_PROPOSAL)


def _take(request: SignedInRequest, order_id: UUID, action: Action) -> HttpResponse:
    """Read the step's form, call its service, say what came of it."""
    order = get_party_order(request.user, order_id)
    service, done = STEPS[action]
    form = STEP_FORMS[action](request.POST, request.FILES, order=order)
    if not form.is_valid():
        return render_order_page(request, order_id, refused=form, status=422)
    if form.wants_a_look():
        return render_order_page(request, order_id, refused=form)
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
