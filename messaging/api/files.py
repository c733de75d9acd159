"""Files: handed in before the message, the delivery or the evidence they are for, and given to who may see them."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpRequest
from ninja import File, Form, Status, UploadedFile

from accounts.gates import begin_writing, begins_itself, bringer, person, reader
from marketplace.http import private_file
from marketplace.rest.errors import about
from marketplace.rest.multipart import file_of
from marketplace.rest.routers import Router, file_answer
from messaging.api.refusals import HOUR, paced
from messaging.schemas import FileShown, Purpose, file_shown
from messaging.selectors import get_attachment_for
from messaging.services import hand_in

router = Router(tags=["files"])


@router.post("attachments", auth=bringer, response={201: FileShown})
@begins_itself
def upload(request: HttpRequest, file: UploadedFile = File(...), purpose: Purpose = Form("message")) -> Any:
    """Hand in a file, to be named by its id in a message, a delivery, a receipt or as evidence within a day.

    `message`: pictures are drawn afresh, without what the camera wrote into them, and get a preview. `work`: kept byte for byte,
    as deliveries and evidence want it.
    """
    file_of(request, "file")  # a second one would be lost without a word
    with about(invalid_file="file"), paced(HOUR):
        as_it_is, begin = purpose == "work", partial(begin_writing, request)
        row = hand_in(actor=person(request), upload=file, as_it_is=as_it_is, before_row=begin)
    return Status(201, file_shown(row))


@router.get("attachments/{uuid:file_id}", auth=reader, response={200: None}, url_name="attachment", openapi_extra=file_answer())
def file(request: HttpRequest, file_id: UUID) -> FileResponse:
    """The file: one's own until it is sent, then of both sides, until its message is deleted."""
    found = get_attachment_for(person(request), file_id)
    return private_file(found.file, name=found.name, content_type=found.content_type, inline=bool(found.preview))


@router.get(
    "attachments/{uuid:file_id}/preview",
    auth=reader,
    response={200: None},
    url_name="attachment_preview",
    openapi_extra=file_answer("image/webp"),
)
def preview(request: HttpRequest, file_id: UUID) -> FileResponse:
    """A small picture of a picture; 404 for any other file."""
    found = get_attachment_for(person(request), file_id)
    return private_file(found.preview, name=found.name, content_type="image/webp", inline=True)
