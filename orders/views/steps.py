"""One POST address for every step of docs/orders.md that a party takes, on the order's page or on that of its dispute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from orders.services import disputes, lifecycle, payments, proposals, rulings, settlements
from orders.states import Action, Status
from orders.views.dispute_page import CASE_FORMS, render_case_page
from orders.views.order_page import render_order_page

# What each step calls, and what is said when it is done; `%(amount)s` is what was understood of the amount typed.
STEPS: dict[Action, tuple[Callable[..., Order], str | Promise]] = {
    Action.SUBMIT_PAYMENT: (payments.submit_payment, _("Your proof of %(amount)s is handed in. You are told what comes of it.")),
    Action.ATTACH_RECEIPT: (payments.attach_receipt, _("The receipt is added. Whoever checks your payment sees it.")),
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
    Action.OPEN_DISPUTE: (disputes.open_dispute, _("The dispute is open. The money and all clocks of the order stand still.")),
    Action.DISPUTE_COMPLETED: (disputes.dispute_completed, _("The dispute is open. The money is frozen until it is decided.")),
    Action.ANSWER_DISPUTE: (disputes.answer_dispute, _("Your statement is in.")),
    Action.OFFER_SETTLEMENT: (settlements.offer_settlement, _("Your offer of %(amount)s for the freelancer is made.")),
    Action.ACCEPT_SETTLEMENT: (settlements.accept_settlement, _("Settled. The dispute is closed.")),
    Action.WITHDRAW_DISPUTE: (disputes.withdraw_dispute, _("The dispute is withdrawn. The order goes on where it stood.")),
    Action.APPEAL: (rulings.appeal, _("Your appeal is in. Another moderator decides.")),
}
FIELD_OF = {"reference_used": "transaction_reference", "amount_mismatch": "received_amount", "invalid_amount": "amount"}


@dataclass(frozen=True)
class Page:
    """Where steps are taken: its name, their forms, and how it shows one again that was refused."""

    name: str
    forms: Mapping[Action, type[StepForm]]
    render: Callable[..., HttpResponse]


ORDER = Page("orders:detail", STEP_FORMS, render_order_page)
CASE = Page("orders:dispute", CASE_FORMS, render_case_page)


def _step(action: Action, page: Page = ORDER) -> Callable[..., HttpResponse]:
    @login_required
    @require_POST
    def view(request: SignedInRequest, order_id: UUID) -> HttpResponse:
        return _take(request, order_id, action, page)

    return view


submit_payment = _step(Action.SUBMIT_PAYMENT)
attach_receipt = _step(Action.ATTACH_RECEIPT)
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
answer_dispute = _step(Action.ANSWER_DISPUTE, CASE)
offer_settlement = _step(Action.OFFER_SETTLEMENT, CASE)
accept_settlement = _step(Action.ACCEPT_SETTLEMENT, CASE)
withdraw_dispute = _step(Action.WITHDRAW_DISPUTE, CASE)
appeal = _step(Action.APPEAL, CASE)


@login_required
@require_POST
def open_dispute(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    is_complete = get_party_order(request.user, order_id).status == Status.COMPLETED
    return _take(request, order_id, Action.DISPUTE_COMPLETED if is_complete else Action.OPEN_DISPUTE, CASE)


def _take(request: SignedInRequest, order_id: UUID, action: Action, page: Page) -> HttpResponse:
    """Read the step's form, call its service, say what came of it."""
    order = get_party_order(request.user, order_id)
    service, done = STEPS[action]
    form = page.forms[action](request.POST, request.FILES, order=order)
    if not form.is_valid():
        return page.render(request, order_id, refused=form, status=422)
    if form.wants_a_look():
        return page.render(request, order_id, refused=form)
    try:
        after = service(actor=request.user, order_id=order_id, **form.wishes())
    except DomainError as refusal:
        return _refused(request, form, refusal, page)
    has_met = action == Action.OFFER_SETTLEMENT and after.dispute_by is None
    said = _("Your offers have met: the dispute is settled.") if has_met else done
    messages.success(request, str(said) % form.read_back())
    return redirect(page.name, order_id)


def _refused(request: SignedInRequest, form: StepForm, refusal: DomainError, page: Page) -> HttpResponse:
    """Back to the page as it is now; with the form again where the person has written something."""
    field = FIELD_OF.get(refusal.code)
    if field in form.fields or form.typed():
        form.add_error(field if field in form.fields else None, refusal.message)
        return page.render(request, form.order.pk, refused=form, status=409 if isinstance(refusal, OrderMoved) else 422)
    messages.error(request, refusal.message)
    return redirect(page.name, form.order.pk)
