"""The case of an order, for its two parties: one page, one POST address for each step."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.http import private_file
from orders.dispute_forms import CaseForm, EvidenceForm
from orders.exceptions import OrderMoved
from orders.models import Order
from orders.selectors import get_party_order
from orders.selectors.disputes import get_evidence_for, get_pack_case_for, latest_dispute
from orders.services import disputes, rulings, settlements
from orders.services.evidence import add_evidence as keep_evidence
from orders.services.evidence_pack import pack_name, stream_pack
from orders.states import Action, Status
from orders.views.dispute_page import STEP_FORMS, render_case_page

# What each step calls, and what is said when it is done; `%(amount)s` is what was understood of the amount typed.
STEPS: dict[Action, tuple[Callable[..., Order], str | Promise]] = {
    Action.OPEN_DISPUTE: (disputes.open_dispute, _("The dispute is open. The money and all clocks of the order stand still.")),
    Action.DISPUTE_COMPLETED: (disputes.dispute_completed, _("The dispute is open. The money is frozen until it is decided.")),
    Action.ANSWER_DISPUTE: (disputes.answer_dispute, _("Your statement is in.")),
    Action.OFFER_SETTLEMENT: (settlements.offer_settlement, _("Your offer of %(amount)s for the freelancer is made.")),
    Action.ACCEPT_SETTLEMENT: (settlements.accept_settlement, _("Settled. The dispute is closed.")),
    Action.WITHDRAW_DISPUTE: (disputes.withdraw_dispute, _("The dispute is withdrawn. The order goes on where it stood.")),
    Action.APPEAL: (rulings.appeal, _("Your appeal is in. Another moderator decides.")),
}


@login_required
@require_safe
def case(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return render_case_page(request, order_id)


@login_required
@require_POST
def open_dispute(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    order = get_party_order(request.user, order_id)
    is_complete = order.status == Status.COMPLETED
    return _take(request, order_id, Action.DISPUTE_COMPLETED if is_complete else Action.OPEN_DISPUTE)


@login_required
@require_POST
def answer(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.ANSWER_DISPUTE)


@login_required
@require_POST
def offer(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.OFFER_SETTLEMENT)


@login_required
@require_POST
def accept(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.ACCEPT_SETTLEMENT)


@login_required
@require_POST
def withdraw(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.WITHDRAW_DISPUTE)


@login_required
@require_POST
def appeal(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return _take(request, order_id, Action.APPEAL)


def _take(request: SignedInRequest, order_id: UUID, action: Action) -> HttpResponse:
    """Read the step's form, call its service, say what came of it."""
    order = get_party_order(request.user, order_id)
    service, done = STEPS[action]
    form = STEP_FORMS[action](request.POST, request.FILES, order=order)
    if not form.is_valid():
        return render_case_page(request, order_id, refused=form, status=422)
    try:
        after = service(actor=request.user, order_id=order_id, **form.wishes())
    except DomainError as refusal:
        return _refused(request, order_id, form, refusal)
    has_met = action == Action.OFFER_SETTLEMENT and after.dispute_by is None
    said = _("Your offers have met: the dispute is settled.") if has_met else done
    messages.success(request, str(said) % form.read_back())
    return redirect("orders:dispute", order_id)


def _refused(request: SignedInRequest, order_id: UUID, form: CaseForm, refusal: DomainError) -> HttpResponse:
    """Back to the page as it is now; with the form again where the person has written something."""
    if form.typed():
        form.add_error(None, refusal.message)
        return render_case_page(request, order_id, refused=form, status=409 if isinstance(refusal, OrderMoved) else 422)
    messages.error(request, refusal.message)
    return redirect("orders:dispute", order_id)


@login_required
@require_POST
def add_evidence(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    order = get_party_order(request.user, order_id)
    dispute = latest_dispute(order)
    form = EvidenceForm(request.POST, request.FILES)
    if dispute is None or not form.is_valid():
        return render_case_page(request, order_id, refused=form, status=422)
    try:
        keep_evidence(actor=request.user, dispute_id=dispute.pk, **form.cleaned_data)
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return render_case_page(request, order_id, refused=form, status=422)
    messages.success(request, _("Your evidence is added."))
    return redirect("orders:dispute", order_id)


@login_required
@require_safe
def evidence_file(request: SignedInRequest, evidence_id: UUID) -> FileResponse:
    row = get_evidence_for(request.user, evidence_id)
    return private_file(row.file, name=row.name, content_type=row.content_type)


@login_required
@require_safe
def pack(request: SignedInRequest, order_id: UUID) -> HttpResponseBase:
    """All of the case that this person may see, as one ZIP, sent while it is made."""
    dispute = get_pack_case_for(request.user, order_id)
    chunks = stream_pack(viewer=request.user, dispute=dispute)
    content = _one_by_one(chunks) if _is_asynchronous(request) else chunks
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{pack_name(dispute)}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _is_asynchronous(request: HttpRequest) -> bool:
    return isinstance(request, ASGIRequest)


async def _one_by_one(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Under ASGI Django would gather a plain iterator whole before it sends the first byte."""

    def take() -> bytes | None:
        return next(chunks, None)

    while (chunk := await sync_to_async(take)()) is not None:
        yield chunk
