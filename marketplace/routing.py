"""Who opens a socket: the session of a cookie, on a page of this site, or a token among the socket's subprotocols."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from channels.routing import URLRouter
from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.urls import re_path

from accounts.models import User
from accounts.session_backend import group_of_session, user_of_session
from accounts.tokens import InvalidToken, verify_jwt
from messaging.routing import websocket_urlpatterns

TOKEN = "jwt."  # noqa: S105 (what the subprotocol begins with that carries one)
routes = URLRouter([*websocket_urlpatterns, re_path("", WebsocketDenier.as_asgi())])


@dataclass(frozen=True)
class SignIn:
    """What a socket was opened with. It may end while the socket is open, so `find` is asked again and again."""

    find: Callable[[], User | None]
    group: str | None = None  # hears of its end


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    scope["sign_in"] = _sign_in(scope)
    await (routes if scope["sign_in"] else WebsocketDenier())(scope, receive, send)


def _sign_in(scope: Any) -> SignIn | None:
    """How this one signs in; none where the socket may not be opened. What it looks at is not kept as long as the socket."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    token = next((each.removeprefix(TOKEN) for each in scope["subprotocols"] if each.startswith(TOKEN)), None)
    origin = headers.get(b"origin")  # a browser always says it, and sends somebody's cookies unasked; a program does neither
    if not (_is_own(origin, headers.get(b"host", "")) if origin is not None else token is not None):
        return None
    if token is not None:
        return SignIn(lambda: _by_token(token))
    key = parse_cookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    return SignIn(lambda: user_of_session(key), group_of_session(key))


def _is_own(origin: str, host: str) -> bool:
    try:
        return bool(OriginValidator(None, _origins(host)).validate_origin(urlsplit(origin)))
    except ValueError:  # no address at all, or a port that is none
        return False


def _origins(host: str) -> list[str]:
    """Whose pages may open a socket with the person's cookie: this site's, by its whole origin, as for forms."""
    scheme = urlsplit(settings.SITE_URL).scheme
    is_ours = validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    trusted = [origin.replace("://*.", "://.") for origin in settings.CSRF_TRUSTED_ORIGINS]
    return [settings.SITE_URL, *trusted, *([f"{scheme}://{host}"] if is_ours else [])]


def _by_token(token: str) -> User | None:
    try:
        return verify_jwt(token)
    except InvalidToken:
        return None
