"""Tokens that say who is calling, for programs without a session's cookie: JWT, signed with HMAC-SHA-256 and nothing else."""

from datetime import timedelta
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.selectors import find_active
from marketplace.exceptions import DomainError

ALGORITHM = "HS256"
LEEWAY = 30  # seconds that the clocks of two machines may differ
LIFETIME = timedelta(minutes=15)


class InvalidToken(DomainError):
    """Not a token of somebody who may come in. What is wrong with it is not said."""

    code = "invalid_token"


def make_jwt(user: User, *, lifetime: timedelta = LIFETIME) -> str:
    """A token for this person, signed with the newest secret."""
    now = timezone.now()
    claims = {"sub": str(user.pk), "iat": now, "exp": now + lifetime, "aud": settings.JWT_AUDIENCE, "iss": settings.JWT_ISSUER}
    return jwt.encode({name: value for name, value in claims.items() if value}, settings.JWT_SECRETS[0], algorithm=ALGORITHM)


def verify_jwt(token: str) -> User:
    """The active person a token was made for, by any of the secrets. InvalidToken for everything else, without a reason."""
    for secret in settings.JWT_SECRETS:
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                audience=settings.JWT_AUDIENCE or None,
                issuer=settings.JWT_ISSUER or None,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub"]},
            )
            user = find_active(UUID(claims["sub"]))
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError):
            break
        if user:
            return user
        break
    raise InvalidToken(_("This token is not valid (any more). Get a new one."))
