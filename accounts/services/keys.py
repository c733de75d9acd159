"""API keys: made, used and revoked."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.exceptions import KeyRefused, TooManyKeys, WrongPassword
from accounts.models import ApiKey, Scope, User
from accounts.models.access import LONGEST_NAME
from accounts.selectors import list_keys
from accounts.selectors.access import digest_of
from accounts.services.access import access_watchers

MOST_KEYS = {User.Tier.FREE: 3, User.Tier.PRO: 10, User.Tier.ENTERPRISE: 50}
NOTED_EVERY = timedelta(minutes=1)


def most_keys(user: User) -> int:
    """How many keys somebody of this tier may have at a time."""
    return MOST_KEYS[User.Tier(user.tier)]


def make_key(*, actor: User, name: str, scopes: Collection[str], password: str | None) -> tuple[ApiKey, str]:
    """A new key of the actor's, and the key itself, which is kept nowhere. They hear of it by mail.

    `password` is None where the page before this one has asked for it. WrongPassword, KeyRefused without a name, with one
    that is taken or with scopes there are not, TooManyKeys for their tier.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise KeyRefused(_("Give the key a name of at most %(most)d characters.") % {"most": LONGEST_NAME})
    if not scopes or not set(scopes) <= set(Scope.values):
        raise KeyRefused(_("Say what the key may do: one or more of %(scopes)s.") % {"scopes": ", ".join(Scope.values)})
    if password is not None and not actor.check_password(password):
        raise WrongPassword(_("This is not your password."))
    return _make(actor, name, [scope for scope in Scope.values if scope in scopes])


@transaction.atomic
def _make(actor: User, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    actor = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    most = most_keys(actor)
    if list_keys(actor).count() >= most:
        raise TooManyKeys(
            ngettext(
                "You have %(most)d key, as many as your account may have. Revoke it first.",
                "You have %(most)d keys, as many as your account may have. Revoke one first.",
                most,
            )
            % {"most": most}
        )
    if list_keys(actor).filter(name=name).exists():  # a page that is loaded again sends its form again
        raise KeyRefused(_("You have a key of this name already. Revoke it first, or choose another name."))
    prefix = secrets.token_hex(6)
    plain = f"hsk_{prefix}_{secrets.token_hex(32)}"
    key = ApiKey.objects.create(
        user=actor, name=name, prefix=prefix, digest=digest_of(plain), scopes=scopes, created_at=timezone.now()
    )
    for watcher in access_watchers:
        watcher(key)
    return key, plain


@transaction.atomic
def revoke_key(*, actor: User, key_id: UUID) -> None:
    """The key opens nothing any more. Http404 for somebody else's; repeating it changes nothing."""
    key = get_object_or_404(ApiKey.objects.select_for_update(), pk=key_id, user=actor)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])


def revoke_keys(*, user: User) -> None:
    """Not one key of this person's opens anything any more."""
    for key in list_keys(user):
        revoke_key(actor=user, key_id=key.pk)


def note_key_use(*, key: ApiKey, now: datetime) -> None:
    """Write down that the key is in use, at most once in NOTED_EVERY whoever asks."""
    if key.last_used_at is None or key.last_used_at <= now - NOTED_EVERY:
        is_due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - NOTED_EVERY)
        ApiKey.objects.filter(is_due, pk=key.pk).update(last_used_at=now)
