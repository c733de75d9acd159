"""Who is calling: the person behind a request to the API, by which of the four ways, and what it may do."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.utils import check_csrf

from accounts.exceptions import CsrfFailed, NotSignedIn
from accounts.models import Scope, User
from accounts.selectors import find_key
from accounts.services import note_key_use
from accounts.tokens import InvalidToken, verify

__all__ = ["SAFE", "Caller", "CsrfFailed", "How", "NotSignedIn", "Scope", "identify", "not_signed_in"]

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_ASKED = "_caller"  # where a request keeps the answer


class How(StrEnum):
    BEARER = "bearer"
    COOKIE = "cookie"
    SESSION = "session"
    KEY = "key"


@dataclass(frozen=True)
class Caller:
    """`scopes` is None for everything; `session_id` is the sign-in of a program, `key_id` its API key."""

    user: User
    how: How
    scopes: frozenset[Scope] | None = None
    session_id: UUID | None = None
    key_id: UUID | None = None

    def may(self, scope: Scope) -> bool:
        return self.scopes is None or scope in self.scopes

    @property
    def name(self) -> str:
        """Whose answers are kept: the person’s, or those of one of their keys."""
        return f"key:{self.key_id}" if self.key_id else f"user:{self.user.pk}"


def identify(request: HttpRequest) -> Caller | None:
    """Who sent this request, None where nothing is shown; asked once a request. `request.user` is that person from then on.

    `Authorization: Bearer`, `X-API-Key`, the cookie JWT_COOKIE_NAME, the session: the first that is shown decides, also when it
    is wrong, which is NotSignedIn. CsrfFailed where a browser's cookie would change something without its token.
    """
    if not hasattr(request, _ASKED):
        caller = _identify(request)
        if caller:
            request.user = caller.user  # for whatever asks the request itself, such as the audit log
        setattr(request, _ASKED, caller)
    caller = getattr(request, _ASKED)
    return caller


def _identify(request: HttpRequest) -> Caller | None:
    shown: list[tuple[str | None, Callable[[HttpRequest, str], Caller | None]]] = [
        (request.headers.get("Authorization"), _by_bearer),
        (request.headers.get("X-API-Key"), _by_key),
        (request.COOKIES.get(settings.JWT_COOKIE_NAME) or None, _by_cookie),  # an empty one is how a browser forgets it
        (request.COOKIES.get(settings.SESSION_COOKIE_NAME), _by_session),
    ]
    return next((ask(request, value) for value, ask in shown if value is not None), None)


def _by_bearer(request: HttpRequest, header: str) -> Caller:
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise not_signed_in()
    return _by_token(token.strip(), How.BEARER)


def _by_token(token: str, how: How) -> Caller:
    try:
        verified = verify(token)
    except InvalidToken:
        raise not_signed_in() from None
    return Caller(verified.user, how, session_id=verified.session_id)


def _by_key(request: HttpRequest, plain: str) -> Caller:
    key = find_key(plain)
    if key is None:
        raise not_signed_in()
    note_key_use(key=key, now=timezone.now())
    return Caller(key.user, How.KEY, frozenset(Scope(name) for name in key.scopes), key_id=key.pk)


def _by_cookie(request: HttpRequest, token: str) -> Caller:
    caller = _by_token(token, How.COOKIE)
    _check_csrf(request)
    return caller


def _by_session(request: HttpRequest, _cookie: str) -> Caller | None:
    """The person of the session; a visitor may have a session too, and is nobody."""
    was_signed_in = SESSION_KEY in request.session
    user = request.user
    if not isinstance(user, User):
        if was_signed_in:
            raise not_signed_in()
        return None
    _check_csrf(request)
    return Caller(user, How.SESSION)


def _check_csrf(request: HttpRequest) -> None:
    if request.method not in SAFE and check_csrf(request):
        raise CsrfFailed(_("Send the value of the CSRF cookie as the header X-CSRFToken, from a page of this site."))


def not_signed_in() -> NotSignedIn:
    """The one sentence for everybody who may not come in."""
    return NotSignedIn(_("You are not signed in, or not any more. Sign in again, or show another token or key."))
