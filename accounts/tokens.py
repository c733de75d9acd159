"""Tokens that say who is calling, for programs without a session's cookie: JWT, signed with HMAC-SHA-256 and nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuthSession, User
from accounts.selectors import find_active, find_by_verified_email, find_signed_in
from marketplace.exceptions import DomainError

ALGORITHM = "HS256"
LEEWAY = 30  # seconds that the clocks of two machines may differ
LIFETIME = timedelta(minutes=15)


class InvalidToken(DomainError):
    """Not a token of somebody who may come in. What is wrong with it is not said."""

    code = "invalid_token"


@dataclass(frozen=True)
class Verified:
    """`session_id` is None for a token that somebody else made with the shared secret."""

    user: User
    session_id: UUID | None


def make_jwt(user: User, *, session: AuthSession | None = None, lifetime: timedelta = LIFETIME) -> str:
    """A token for this person, signed with the newest secret; with a session it ends when that does."""
    now = timezone.now()
    claims = {
        "sub": str(user.pk),
        "sid": str(session.pk) if session else "",
        "iat": now,
        "exp": now + lifetime,
        "aud": settings.JWT_AUDIENCE,
        "iss": settings.JWT_ISSUER,
    }
    return jwt.encode({name: value for name, value in claims.items() if value}, settings.JWT_SECRETS[0], algorithm=ALGORITHM)


def verify_jwt(token: str) -> User:
    """The active person a token was made for; see `verify`."""
    return verify(token).user


def verify(token: str) -> Verified:
    """Whose token this is and by which sign-in, by any of the secrets. InvalidToken for everything else, without a reason."""
    try:
        claims = _claims(token)
        session_id = UUID(claims["sid"]) if "sid" in claims else None
        user = _person(claims, session_id)
    except (jwt.InvalidTokenError, ValueError, TypeError, LookupError, AttributeError, OverflowError):  # claims may be anything
        user = None
    if user is None:
        raise InvalidToken(_("This token is not valid (any more). Get a new one."))
    return Verified(user, session_id)


def _claims(token: str) -> dict[str, Any]:
    """What the token says, which is true now. jwt.InvalidTokenError where none of the secrets has signed it."""
    for secret in settings.JWT_SECRETS:
        try:
            return jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                audience=settings.JWT_AUDIENCE or None,
                issuer=settings.JWT_ISSUER or None,
                leeway=LEEWAY,
                options={"require": ["exp", "iat"]},
            )
        except jwt.InvalidSignatureError:
            continue
    raise jwt.InvalidSignatureError


def _person(claims: dict[str, Any], session_id: UUID | None) -> User | None:
    """Whom the claims name, in one query. A token without a session must be younger than the person's password."""
    if "sub" in claims:
        user_id = UUID(claims["sub"])
        if session_id:
            return find_signed_in(user_id, session_id)
        user = find_active(user_id)
    elif settings.JWT_TRUST_EMAIL and session_id is None:
        user = find_by_verified_email(claims["email"])
    else:
        return None
    changed = user.password_changed_at if user else None
    return None if changed and int(claims["iat"]) < int(changed.timestamp()) else user
