"""People: joining, what they say about themselves, closing an account, and their counters."""

from collections.abc import Callable
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.exceptions import CannotClose, EmailTaken, HandleReserved, HandleTaken, NameReserved, NotAllowed
from accounts.handles import candidates, handle_base, is_name_of_site, is_reserved
from accounts.models import User, UserStats
from accounts.selectors import is_last_administrator
from accounts.services.access import end_sessions
from accounts.services.keys import revoke_keys
from marketplace.uploads import discard_files_on_error

# Apps above this one name what keeps an account open: each function gives a sentence, or "" when it has nothing against it.
ClosingCheck = Callable[[User], str]
closing_checks: list[ClosingCheck] = []


def sign_up(*, email: str, password: str, full_name: str, time_zone: str = "UTC") -> User:
    """Create a person under a free handle made from their name. NameReserved, and EmailTaken if somebody was faster with this
    address.
    """
    check_name(full_name)
    user = User(email=email.strip().lower(), full_name=full_name, time_zone=time_zone)
    user.set_password(password)
    return enrol(user=user)


def check_name(full_name: str) -> None:
    """NameReserved if it would pass for the site itself: such names only administrators give, in the admin."""
    if is_name_of_site(full_name):
        raise NameReserved(_("This name is kept for the site itself. Write your own name."))


@transaction.atomic
def enrol(*, user: User) -> User:
    """Save a new person under the first free handle made from their name; two of the same name at once both get one."""
    base = handle_base(user.full_name)
    taken = set(User.objects.filter(handle__startswith=base).values_list("handle", flat=True)) if base else set()
    for handle in candidates(user.full_name, taken):
        user.handle = handle
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            if User.objects.filter(email__iexact=user.email).exists():
                raise EmailTaken(_("This e-mail is taken.")) from None
            continue
        UserStats.objects.create(user=user)
        return user
    raise HandleTaken(_("No free address for this name was found. Try again."))


@transaction.atomic
def update_profile(
    *,
    actor: User,
    full_name: str | None = None,
    handle: str | None = None,
    bio: str | None = None,
    time_zone: str | None = None,
) -> User:
    """Write what a person says about themselves; what is None stays.

    HandleTaken if somebody else has the handle; HandleReserved and NameReserved if the site keeps it for itself: such a one only
    administrators give, in the admin, and whoever has it keeps it.
    """
    user = User.objects.select_for_update().get(pk=actor.pk)
    told = {"full_name": full_name, "handle": handle and handle.lower(), "bio": bio, "time_zone": time_zone}
    named = {name: value for name, value in told.items() if value is not None}
    if not named:
        return user
    wanted = named.get("handle", user.handle)
    if wanted != user.handle and is_reserved(wanted):
        raise HandleReserved(_("This handle is kept for the site itself. Choose another."))
    if named.get("full_name", user.full_name) != user.full_name:
        check_name(named["full_name"])
    for name, value in named.items():
        setattr(user, name, value)
    try:
        with transaction.atomic():
            user.save(update_fields=[*named, "updated_at"])
    except IntegrityError:
        raise HandleTaken(_("Somebody else has this handle. Choose another.")) from None
    return user


def set_avatar(*, actor: User, picture: "ContentFile[bytes]") -> None:
    """Keep a checked, square picture as the person's own; the file it replaces goes after commit."""
    with discard_files_on_error() as undo:
        name = f"avatars/{picture.name}"
        undo.callback(default_storage.delete, name)
        _replace_avatar(actor, default_storage.save(name, picture))


def remove_avatar(*, actor: User) -> None:
    """Go back to the drawn initial."""
    _replace_avatar(actor, "")


@transaction.atomic
def _replace_avatar(actor: User, name: str) -> None:
    user = User.objects.select_for_update().get(pk=actor.pk)
    old = user.avatar.name
    user.avatar = name
    user.save(update_fields=["avatar", "updated_at"])
    if old:
        transaction.on_commit(lambda: default_storage.delete(old), robust=True)  # what is saved stays saved


@transaction.atomic
def deactivate_account(*, actor: User, user: User) -> None:
    """Close an account: nobody signs in, its public page is gone, its sessions and API keys end. Orders and money records
    stay.

    NotAllowed for anyone but the person and administrators. CannotClose for the only administrator, and for people who close
    their own account while something needs them; an administrator may close a fraudster's whatever runs.
    """
    if actor.pk != user.pk and not actor.is_superuser:
        raise NotAllowed(_("Only the person and administrators may close this account."))
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.is_active:
        return
    if is_last_administrator(user):
        raise CannotClose(_("This is the only administrator's account. Make somebody else an administrator first."))
    reasons = [reason for check in closing_checks if (reason := check(user))] if actor.pk == user.pk else []
    if reasons:
        raise CannotClose(" ".join(reasons))
    user.is_active = False
    user.save(update_fields=["is_active", "updated_at"])
    revoke_keys(user=user)
    transaction.on_commit(lambda: end_sessions(user=user))


@transaction.atomic
def reactivate_account(*, actor: User, user: User) -> None:
    """Open a closed account again. NotAllowed for anyone but administrators."""
    if not actor.is_superuser:
        raise NotAllowed(_("Only administrators may open a closed account again."))
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active", "updated_at"])


@transaction.atomic
def remove_second_factors(*, actor: User, user: User) -> None:
    """For somebody who lost phone, keys and recovery codes: the password alone opens the account. Administrators only."""
    if not actor.is_superuser:
        raise NotAllowed(_("Only administrators may remove somebody's second factors."))
    Authenticator.objects.filter(user=user).delete()
    transaction.on_commit(lambda: end_sessions(user=user))


def record_session_activity(*, session_key: str, ip: str, user_agent: str, at: datetime) -> None:
    """Note when and from where a session was last used, for its owner's list of sessions."""
    width = UserSession._meta.get_field("user_agent").max_length
    UserSession.objects.filter(session_key=session_key).update(last_seen_at=at, ip=ip, user_agent=user_agent[:width])


@transaction.atomic(savepoint=False)
def record_completed_order(*, freelancer: User) -> None:
    """Count one more completed order for a freelancer."""
    counters = UserStats.objects.filter(user=freelancer)
    if not counters.update(orders_completed=F("orders_completed") + 1):
        UserStats.objects.get_or_create(user=freelancer)
        counters.update(orders_completed=F("orders_completed") + 1)


def forget_completed_order(*, freelancer: User) -> None:
    """Count one completed order less: it was cancelled after all."""
    UserStats.objects.filter(user=freelancer).update(orders_completed=F("orders_completed") - 1)


@transaction.atomic
def record_rating(*, recipient: User, rating: int, as_freelancer: bool) -> None:
    """Add a published rating (1 to 5) to the person's average in the role they had."""
    UserStats.objects.get_or_create(user=recipient)
    prefix = "" if as_freelancer else "client_"
    UserStats.objects.filter(user=recipient).update(
        **{f"{prefix}rating_sum": F(f"{prefix}rating_sum") + rating, f"{prefix}rating_count": F(f"{prefix}rating_count") + 1}
    )
