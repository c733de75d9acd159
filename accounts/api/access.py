"""The programs somebody is signed in to, and their API keys. No key manages either."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Status

from accounts.api.guesses import guessed
from accounts.exceptions import TooManyKeys, WrongPassword
from accounts.gates import caller_of, keeper, owner, person
from accounts.schemas import KeyPage, NewKey, NewKeyShown, SessionPage, key_shown, new_key_shown, session_shown
from accounts.selectors import list_auth_sessions, list_keys
from accounts.services import make_key, revoke_key, revoke_session
from marketplace.rest.counterparts import answers_for
from marketplace.rest.cursors import part_of
from marketplace.rest.errors import about, answer_with
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit
from marketplace.rest.throttles import slow_down

answer_with(409, TooManyKeys)
answers_for("accounts:sessions", "auth/sessions")
answers_for("accounts:keys", "auth/keys")
router = Router(tags=["auth"])


@router.get("auth/sessions", auth=owner, response=SessionPage)
def list_sessions(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> SessionPage:
    """The programs the caller is signed in to, the one used last first. Browsers stand on the site's own page."""
    found, after = part_of(list_auth_sessions(person(request)), order=("-last_used_at", "-id"), cursor=cursor, limit=limit)
    current = caller_of(request).session_id
    return SessionPage(items=[session_shown(session, current) for session in found], next=after)


@router.delete("auth/sessions/{uuid:session_id}", auth=owner, response={204: None})
def end_session(request: HttpRequest, session_id: UUID) -> Any:
    """Sign a program out."""
    revoke_session(actor=person(request), session_id=session_id)
    return Status(204, None)


@router.get("auth/keys", auth=owner, response=KeyPage)
def list_api_keys(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> KeyPage:
    """The caller's API keys, the newest first."""
    found, after = part_of(list_keys(person(request)), order=("-created_at", "-id"), cursor=cursor, limit=limit)
    return KeyPage(items=[key_shown(key) for key in found], next=after)


@router.post("auth/keys", auth=keeper, response={201: NewKeyShown})
def create_key(request: HttpRequest, asked: NewKey) -> Any:
    """Make an API key, which is shown this once. How many one may have depends on the tier; its owner hears of it by mail."""
    by = f"password:{person(request).pk}"
    slow_down("sign_in", by)
    with about(wrong_password="password", key_refused="name"), guessed(by, WrongPassword):  # noqa: S106
        key, plain = make_key(actor=person(request), name=asked.name, scopes=asked.scopes, password=asked.password)
    return Status(201, new_key_shown(key, plain))


@router.delete("auth/keys/{uuid:key_id}", auth=owner, response={204: None})
def revoke_api_key(request: HttpRequest, key_id: UUID) -> Any:
    """The key opens nothing any more."""
    revoke_key(actor=person(request), key_id=key_id)
    return Status(204, None)
