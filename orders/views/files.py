"""Files that only the parties of an order and the moderators may have."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from marketplace.http import private_file
from orders.qr import TEXTS, as_svg, code_for
from orders.selectors import get_delivery_file_for, get_order_for, get_proof_for


@login_required
@require_safe
def qr(request: HttpRequest, order_id: UUID, what: str) -> HttpResponse:
    order = get_order_for(request.user, order_id)
    if what not in TEXTS or (what in ("payment", "amount") and not order.amount_due):
        raise Http404
    response = HttpResponse(as_svg(code_for(order, what)), content_type="image/svg+xml")
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_safe
def receipt(request: HttpRequest, proof_id: UUID) -> FileResponse:
    proof = get_proof_for(request.user, proof_id)
    inline = request.GET.get("inline") == "1"
    return private_file(proof.receipt, name=proof.receipt_name, content_type=proof.receipt_type, inline=inline)


@login_required
@require_safe
def delivery_file(request: HttpRequest, file_id: UUID) -> FileResponse:
    file = get_delivery_file_for(request.user, file_id)
    return private_file(file.file, name=file.name, content_type=file.content_type)
