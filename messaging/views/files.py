"""Files of messages: handed in by the page's script, and given to the two people of the conversation alone."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.http import private_file
from messaging import services
from messaging.frames import file_frame
from messaging.selectors import get_attachment_for

STATUSES = {"too_fast": 429, "busy": 503}


@require_POST
@login_required
def upload(request: SignedInRequest) -> HttpResponse:
    """Take one file for a message that is still being written; the answer is the file as it stands in a message."""
    file = request.FILES.get("file")
    if file is None:
        return JsonResponse({"code": "invalid_file", "message": _("Choose a file.")}, status=422)
    try:
        attachment = services.hand_in(actor=request.user, upload=file)
    except DomainError as refusal:
        return JsonResponse({"code": refusal.code, "message": refusal.message}, status=STATUSES.get(refusal.code, 422))
    return JsonResponse(file_frame(attachment), status=201)


@require_safe
@login_required
def file(request: SignedInRequest, attachment_id: UUID) -> FileResponse:
    found = get_attachment_for(request.user, attachment_id)
    return private_file(found.file, name=found.name, content_type=found.content_type, inline=bool(found.preview))


@require_safe
@login_required
def preview(request: SignedInRequest, attachment_id: UUID) -> FileResponse:
    found = get_attachment_for(request.user, attachment_id)
    return private_file(found.preview, name=found.name, content_type="image/webp", inline=True)
