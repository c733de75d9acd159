"""The case of an order, for its two parties: its page, evidence and pack. Its steps stand with all others in `steps`."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.http import private_file, private_zip
from orders.dispute_forms import EvidenceForm
from orders.selectors import get_party_order
from orders.selectors.disputes import get_evidence_for, get_pack_case_for, latest_dispute
from orders.services.evidence import add_evidence as keep_evidence
from orders.services.evidence_pack import pack_name, stream_pack
from orders.views.dispute_page import render_case_page


@login_required
@require_safe
def case(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return render_case_page(request, order_id)


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
def pack(request: SignedInRequest, order_id: UUID) -> StreamingHttpResponse:
    """All of the case that this person may see, as one ZIP, sent while it is made."""
    dispute = get_pack_case_for(request.user, order_id)
    chunks = stream_pack(viewer=request.user, dispute=dispute)
    return private_zip(request, chunks, name=pack_name(dispute))
