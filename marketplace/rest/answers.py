"""What leaves through /api/: JSON and nothing else, with a tag by which a program sees that nothing has changed."""

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from ninja.renderers import BaseRenderer
from pydantic_core import to_json

from marketplace.middleware import Handler
from marketplace.rest.errors import JSON, PREFIX, plain_problem
from marketplace.rest.parser import MOST_BYTES

_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


class JsonRenderer(BaseRenderer):
    media_type = JSON

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return to_json(data)


def json_only(get_response: Handler) -> Handler:
    """Refusals that never reached an operation (no such address, a method it lacks, a body too large) in the API's own shape."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return get_response(request)
        response = _refused(request) or _with_head(get_response, request)
        if response.status_code >= 400 and not _is_json(response):
            response = _in_shape(response)
        return _tagged(request, response)

    return middleware


def _refused(request: HttpRequest) -> HttpResponse | None:
    """By what its head says, before any of it is read: too long, or in a script nobody needs."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()) or not _is_utf8(request):
        return plain_problem(400)
    most = settings.MAX_REQUEST_BYTES if request.content_type == "multipart/form-data" else MOST_BYTES
    return plain_problem(413) if len(length) > 19 or int(length) > most else None


def _is_utf8(request: HttpRequest) -> bool:
    """Django would read a form by any codec of Python's."""
    return (request.content_params or {}).get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def _with_head(get_response: Handler, request: HttpRequest) -> HttpResponse:
    """Whatever can be read answers HEAD too: as GET, and the server leaves the body out."""
    if request.method != "HEAD":
        return get_response(request)
    request.method = "GET"
    try:
        return get_response(request)
    finally:
        request.method = "HEAD"


def _is_json(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith(JSON)


def _in_shape(response: HttpResponse) -> HttpResponse:
    shaped = plain_problem(response.status_code)
    for name in _KEPT:
        if response.has_header(name):
            shaped[name] = response[name]
    return shaped


def _tagged(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same for whoever may see it; kept by the program itself only, and asked about each time."""
    patch_vary_headers(response, ("Authorization", "Cookie", "X-API-Key"))
    if response.streaming or not _is_json(response):
        return response
    response["Cache-Control"] = "private, no-cache"
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    response["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    conditional = get_conditional_response(request, etag=response["ETag"], response=response)
    # Other conditions than If-None-Match are for writes, and those have `version`.
    return conditional if conditional and conditional.status_code == 304 else response
