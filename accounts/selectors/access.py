"""Which sign-ins of programs and which keys count at this moment."""

import hashlib
import re
from typing import Any, cast
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import ApiKey, AuthSession, User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
KEY_PATTERN = re.compile(r"hsk_(?P<prefix>[0-9a-f]{12})_[0-9a-f]{64}")

# Asked with every request of a program, so in one question and without the ORM, for which making it costs more than asking.
_SIGNED_IN = """
    SELECT u.*, s.stamp AS session_stamp, (
        SELECT {joined} FROM mfa_authenticator AS a WHERE a.user_id = u.id AND a.type IN ('totp', 'webauthn')
    ) AS factor_ids
    FROM accounts_authsession AS s JOIN accounts_user AS u ON u.id = s.user_id
    WHERE s.id = %s AND s.user_id = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND u.is_active
"""
_JOINED = {"postgresql": "string_agg(a.id::text, ',')", "sqlite": "group_concat(a.id)"}


def digest_of(secret: str) -> str:
    """How a token or key stands in the database. They are 256 random bits: nothing slower is needed."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


# --- The stamp ------------------------------------------------------------------------------------------------------
def stamp_of(user: User) -> str:
    """What the person's password and second factors are at this moment, as a fingerprint that tells neither."""
    return _stamp(user.password, list_factor_ids(user), settings.SECRET_KEY)


def list_factor_ids(user: User) -> list[int]:
    return list(Authenticator.objects.filter(user=user, type__in=FACTORS).order_by("pk").values_list("pk", flat=True))


def is_stamp(stamp: str, password: str, factor_ids: list[int]) -> bool:
    """Whether the stamp was made of this password and these factors, under the site's key or an earlier one."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(stamp, _stamp(password, factor_ids, key)) for key in keys)


def _stamp(password: str, factor_ids: list[int], key: str) -> str:
    text = "\n".join([password, *(str(number) for number in sorted(factor_ids))])
    return salted_hmac("accounts.access.stamp", text, secret=key, algorithm="sha256").hexdigest()


# --- Who is calling -------------------------------------------------------------------------------------------------
def find_signed_in(user_id: UUID, session_id: UUID) -> User | None:
    """The active person of a sign-in that has not ended: not revoked, not over, and with the password and factors of now."""
    pk, of_session = (User._meta.pk.get_db_prep_value(value, connection) for value in (user_id, session_id))
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    question = _SIGNED_IN.format(joined=_JOINED[connection.vendor])
    user: Any = next(iter(User.objects.raw(question, [of_session, pk, now])), None)  # with two columns a User has not
    if user is None or not is_stamp(user.session_stamp, user.password, _numbers(user.factor_ids)):
        return None
    return cast(User, user)


def _numbers(joined: str | None) -> list[int]:
    return [int(number) for number in joined.split(",")] if joined else []


def find_by_verified_email(email: str) -> User | None:
    """The active person who has proven this address, in any case; the database holds that only one has."""
    if "\x00" in email:  # PostgreSQL fails on it
        return None
    return User.objects.filter(is_active=True, emailaddress__email=email.lower(), emailaddress__verified=True).first()


def find_key(plain: str) -> ApiKey | None:
    """The key with its person, if it is not revoked and they are active."""
    match = KEY_PATTERN.fullmatch(plain)
    if not match:
        return None
    keys = ApiKey.objects.filter(prefix=match["prefix"], revoked_at__isnull=True, user__is_active=True)
    key = keys.select_related("user").first()
    return key if key and constant_time_compare(key.digest, digest_of(plain)) else None


# --- What a person has ----------------------------------------------------------------------------------------------
def list_auth_sessions(user: User) -> QuerySet[AuthSession]:
    """The programs this person is signed in to now, the one used last first."""
    factor_ids = list_factor_ids(user)
    stamps = [_stamp(user.password, factor_ids, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    live = AuthSession.objects.filter(user=user, user__is_active=True, revoked_at__isnull=True, stamp__in=stamps)
    live = live.filter(expires_at__gt=timezone.now())
    return live.order_by("-last_used_at", "-pk")


def list_keys(user: User) -> QuerySet[ApiKey]:
    """The person's keys that are not revoked, the newest first."""
    return ApiKey.objects.filter(user=user, revoked_at__isnull=True).order_by("-created_at", "-pk")
