"""The style guide, and the site's answers when something goes wrong."""

import sqlite3
import sys

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_safe
from psycopg_pool import PoolTimeout, TooManyRequests

from marketplace.context_processors import site
from marketplace.rest.errors import PREFIX, plain_problem
from marketplace.styleguide import sample_context

log = structlog.get_logger(__name__)
RETRY_AFTER = 5  # seconds, after which a busy database may have room again
_NO_ROOM = (PoolTimeout, TooManyRequests)
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    return render(request, "marketplace/styleguide.html", sample_context())


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    response = _answer(request, 400)
    if isinstance(exception, MultiPartParserError):
        _log_in_a_line(response, "form.unreadable", request, exception)
    return response


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Where the database is too busy, 503: nothing is broken, and a little later there is room."""
    fault = _busy(sys.exc_info()[1])
    if not fault:
        return _answer(request, 500)
    response = _answer(request, 503)
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"  # as it is said here, nobody reads the session in order to say it
    _log_in_a_line(response, "database.busy", request, fault)
    return response


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    """Rendered without the request, so that neither a session nor the database can break the page about what is broken."""
    if request.path.startswith(PREFIX):
        return plain_problem(status)
    return HttpResponse(render_to_string(f"{status}.html", site(request)), status=status)


def _busy(fault: BaseException | None) -> BaseException | None:
    """What the database's own library said, if it was that no connection is free, or that others write for too long."""
    while fault and not isinstance(fault, _NO_ROOM) and getattr(fault, "sqlite_errorcode", 0) & 0xFF not in _LOCKED:
        fault = fault.__cause__
    return fault


def _log_in_a_line(response: HttpResponse, event: str, request: HttpRequest, fault: BaseException) -> None:
    """In place of Django's line with a traceback, which says no more."""
    log.warning(event, method=request.method, path=request.path, fault=str(fault))
    response._has_been_logged = True  # type: ignore[attr-defined]
