"""Signing programs in, keeping them signed in, and signing them out."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.models import EmailAddress
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.exceptions import EmailUnverified, InvalidRefreshToken, OtpRequired, OtpWrong, SignInFailed
from accounts.models import ApiKey, AuthSession, RefreshToken, User
from accounts.selectors import find_by_verified_email, stamp_of
from accounts.selectors.access import digest_of, is_stamp, list_factor_ids
from accounts.tokens import LIFETIME, make_jwt
from marketplace.realtime import RECHECK, group_of, publish

IDLE = timedelta(days=30)  # a sign-in that is not used so long is over
LONGEST = timedelta(days=90)  # and after this every one
RETRY = timedelta(seconds=10)  # in which the same refresh token may come again: an answer was lost, or two tabs asked at once
MOST_SESSIONS = 50  # of one person; a program that signs in anew each time pushes out its own oldest


@dataclass(frozen=True)
class WrongCodes:
    """Somebody who knows this person's password has been wrong about their second factor again and again, last from here."""

    user: User
    user_agent: str
    ip: str | None


# Apps above this one hear, in the transaction, of a sign-in that ended because its refresh token was used twice, of a new key,
# and of wrong codes.
AccessNews = AuthSession | ApiKey | WrongCodes
AccessWatcher = Callable[[AccessNews], None]
access_watchers: list[AccessWatcher] = []


@dataclass(frozen=True)
class Tokens:
    """What a program gets. `expires_in` is the time the access token is good for, in seconds."""

    access: str
    refresh: str
    expires_in: int
    session: AuthSession


# --- Signing in -----------------------------------------------------------------------------------------------------
def sign_in(*, email: str, password: str, otp: str = "", user_agent: str = "", ip: str | None = None) -> Tokens:
    """Sign a program in with what its person would type into the sign-in page.

    SignInFailed in one sentence for unknown addresses, wrong passwords and closed accounts. Only with the right password:
    EmailUnverified, OtpRequired, OtpWrong. How often it may be tried is the caller's to limit.
    """
    user = _find_by_password(email, password)
    if not EmailAddress.objects.filter(user=user, verified=True).exists():
        raise EmailUnverified(_("Prove your e-mail address first: type in the code from the mail, or ask for a new one."))
    stamp = stamp_of(user)  # of the password just checked: if it changes meanwhile, this sign-in is none
    if list_factor_ids(user):
        _check_second_factor(user, otp)
    return _open_session(user, stamp, user_agent, ip)


def _find_by_password(email: str, password: str) -> User:
    """The active person. For unknown addresses a password is hashed too, so that the answer takes as long."""
    user = authenticate(None, email=email, password=password)
    # For its own pages allauth lays a closed account aside in the thread: the next sign-in there must not find it.
    AuthenticationBackend.unstash_authenticated_user()
    if not isinstance(user, User):
        raise SignInFailed(_("This e-mail address and password do not belong together, or the account is closed."))
    return user


def _check_second_factor(user: User, otp: str) -> None:
    """Take the code of the authenticator app, or use up a recovery code."""
    if not otp:
        raise OtpRequired(
            _(
                "This account has a second factor: send the code of the authenticator app, or a recovery code, as `otp`. "
                "A passkey works on the site alone."
            )
        )
    if not _takes(user, otp):
        raise OtpWrong(_("This code is not right, or was used already. Type in the one your app shows now."))


@transaction.atomic
def _takes(user: User, otp: str) -> bool:
    types = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    for factor in Authenticator.objects.select_for_update().filter(user=user, type__in=types).order_by("pk"):
        if not _is_used_up(factor) and factor.wrap().validate_code(otp):
            factor.record_usage()
            return True
    return False


def _is_used_up(factor: Authenticator) -> bool:
    """Whether the code that the app shows now was used. allauth notes it in the cache alone, which may forget."""
    if factor.type != Authenticator.Type.TOTP or factor.last_used_at is None:
        return False
    return int(factor.last_used_at.timestamp()) // app_settings.TOTP_PERIOD in yield_hotp_counters_from_time()


@transaction.atomic
def warn_of_wrong_codes(*, email: str, user_agent: str = "", ip: str | None = None) -> None:
    """Tell the person with this address of somebody who signs in with their password and fails at the second factor."""
    user = find_by_verified_email(email)
    if user:
        _tell(WrongCodes(user, _short(user_agent), ip))


@transaction.atomic
def _open_session(user: User, stamp: str, user_agent: str, ip: str | None) -> Tokens:
    now = timezone.now()
    session = AuthSession.objects.create(
        user=user,
        created_at=now,
        last_used_at=now,
        expires_at=now + IDLE,
        user_agent=_short(user_agent),
        ip=ip,
        stamp=stamp,
    )
    User.objects.filter(pk=user.pk).update(last_login=now)
    live = AuthSession.objects.filter(user=user, revoked_at__isnull=True).order_by("-last_used_at", "-pk")
    _revoke(live.filter(pk__in=list(live.values_list("pk", flat=True)[MOST_SESSIONS:])), AuthSession.End.CROWDED_OUT, now)
    return _issue(session, now)


def _issue(session: AuthSession, now: datetime) -> Tokens:
    plain = secrets.token_urlsafe(32)
    RefreshToken.objects.create(session=session, digest=digest_of(plain), created_at=now)
    access = make_jwt(session.user, session=session)
    return Tokens(access, plain, int(LIFETIME.total_seconds()), session)


def _short(user_agent: str) -> str:
    return user_agent.replace("\x00", "")[: AuthSession._meta.get_field("user_agent").max_length]


# --- Staying signed in ----------------------------------------------------------------------------------------------
def refresh(*, token: str, user_agent: str = "", ip: str | None = None) -> Tokens:
    """New tokens for a refresh token, which is used up by it. InvalidRefreshToken, in one sentence, for every other.

    Sent again within RETRY it gets tokens once more; after that somebody else has it too, so its whole family ends and the
    person is told. Never inside another transaction, which would take that back with the refusal.
    """
    tokens = _rotate(token, _short(user_agent), ip, timezone.now())
    if tokens is None:
        raise InvalidRefreshToken(_("This sign-in is over. Sign in again."))
    return tokens


@transaction.atomic(durable=True)
def _rotate(token: str, user_agent: str, ip: str | None, now: datetime) -> Tokens | None:
    session = _lock_session_of(token)
    if session is None or not _counts(session, now):
        return None
    row = RefreshToken.objects.get(digest=digest_of(token))
    if row.used_at is None:
        # Its siblings, born of a retry, go with it: whoever holds one of them may be somebody else.
        RefreshToken.objects.filter(session=session, used_at__isnull=True).update(used_at=now)
    elif now - row.used_at > RETRY:
        _revoke(AuthSession.objects.filter(pk=session.pk), AuthSession.End.REUSED, now)
        _tell(session)
        return None
    session.last_used_at, session.expires_at = now, min(now + IDLE, session.created_at + LONGEST)
    session.user_agent, session.ip = user_agent, ip
    session.save(update_fields=["last_used_at", "expires_at", "user_agent", "ip"])
    return _issue(session, now)


def _lock_session_of(token: str) -> AuthSession | None:
    """The family of this token, whose members are used one after the other."""
    sessions = AuthSession.objects.select_for_update(of=("self",)).select_related("user")
    return sessions.filter(tokens__digest=digest_of(token)).first()


def _counts(session: AuthSession, now: datetime) -> bool:
    user = session.user
    is_open = session.revoked_at is None and session.expires_at > now and user.is_active
    return is_open and is_stamp(session.stamp, user.password, list_factor_ids(user))


def _tell(what: AccessNews) -> None:
    for watcher in access_watchers:
        watcher(what)


# --- Signing out ----------------------------------------------------------------------------------------------------
@transaction.atomic
def revoke(*, token: str) -> None:
    """Sign the program out that has this refresh token. Quiet for tokens that are none."""
    _revoke(AuthSession.objects.filter(tokens__digest=digest_of(token)), AuthSession.End.SIGNED_OUT, timezone.now())


@transaction.atomic
def revoke_session(*, actor: User, session_id: UUID) -> None:
    """Sign one of the actor's programs out. Http404 for somebody else's; repeating it changes nothing."""
    session = get_object_or_404(AuthSession, pk=session_id, user=actor)
    _revoke(AuthSession.objects.filter(pk=session.pk), AuthSession.End.SIGNED_OUT, timezone.now())


def end_sessions(*, user: User) -> None:
    """Sign the person out everywhere, browsers and programs."""
    for session in UserSession.objects.filter(user=user):
        session.end()
    _revoke(AuthSession.objects.filter(user=user), AuthSession.End.EVERYWHERE, timezone.now())
    publish(group_of(user.pk), {"type": RECHECK})  # sockets opened by a token have no session


def _revoke(sessions: "QuerySet[AuthSession]", reason: AuthSession.End, now: datetime) -> None:
    """End those that have not ended; the sockets their tokens opened are asked again who they are."""
    ended = list(sessions.filter(revoked_at__isnull=True).values_list("pk", "user"))
    if ended:
        rows = AuthSession.objects.filter(pk__in=[pk for pk, _user in ended], revoked_at__isnull=True)
        rows.update(revoked_at=now, end_reason=reason)
        for user_id in {user_id for _pk, user_id in ended}:
            publish(group_of(user_id), {"type": RECHECK})
