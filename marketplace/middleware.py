from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

Handler = Callable[[HttpRequest], HttpResponse]


def request_size_limit(get_response: Handler) -> Handler:
    """Refuse a body over MAX_REQUEST_BYTES by its declared length, before any of it is read."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.MAX_REQUEST_BYTES:
            return render(request, "413.html", {"limit": settings.MAX_REQUEST_BYTES}, status=413)
        return get_response(request)

    return middleware


def private_pages(get_response: Handler) -> Handler:
    """Pages made for a signed-in person are kept by no cache, unless their view says otherwise.

    Only a request whose session was read can have such a page: all others pay nothing.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control") and request.session.accessed and request.user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response

    return middleware
