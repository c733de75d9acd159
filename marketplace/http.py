"""Answers that several apps give: private files, and the public media of the embedded site."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

_MEDIA_TYPES = {".webp": "image/webp", ".png": "image/png", ".jpg": "image/jpeg"}


def private_file(file: FieldFile, *, name: str, content_type: str, inline: bool = False) -> FileResponse:
    """A file that only its parties may have: never cached by others, never sniffed, a PDF or unknown type only as a download."""
    if not file:
        raise Http404(_("There is no such file."))
    try:
        handle = file.open("rb")
    except FileNotFoundError as gone:
        raise Http404(_("This file is missing from the store.")) from gone
    shown = inline and content_type in {*_MEDIA_TYPES.values()}
    response = FileResponse(handle, as_attachment=not shown, filename=name, content_type=content_type)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response._csp_replace = {"default-src": ["'none'"], "sandbox": True}  # type: ignore[attr-defined]
    return response


def private_zip(request: HttpRequest, chunks: Iterator[bytes], *, name: str) -> StreamingHttpResponse:
    """A ZIP that only its reader may have, sent while it is made."""
    content = one_by_one(chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def one_by_one(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Under ASGI Django would gather a plain iterator whole before it sends the first byte."""

    def take() -> bytes | None:
        return next(chunks, None)

    while (chunk := await sync_to_async(take)()) is not None:
        yield chunk


@require_safe
def media(request: HttpRequest, path: str) -> FileResponse:
    """Public pictures (gig images, avatars) under names nobody reuses; behind nginx this address is served from the folder."""
    suffix = path[path.rfind(".") :] if "." in path else ""
    if suffix not in _MEDIA_TYPES:
        raise Http404
    try:
        handle = default_storage.open(path, "rb")
    except (OSError, ValueError) as missing:
        raise Http404 from missing
    response = FileResponse(handle, content_type=_MEDIA_TYPES[suffix])
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
