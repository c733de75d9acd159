"""Who may be seen."""

from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.shortcuts import get_object_or_404

from accounts.models import User


def list_people() -> QuerySet[User]:
    return User.objects.filter(is_active=True).select_related("stats")


def with_handle(people: QuerySet[User], handle: str) -> QuerySet[User]:
    """Those of the people who have this handle in any case, found through the index of its unique constraint."""
    return people.alias(small_handle=Lower("handle")).filter(small_handle=handle.lower())


def find_active(user_id: UUID) -> User | None:
    """Somebody who may come in. Asked with each frame of a socket, and for the ORM making the question costs more than asking."""
    pk = User._meta.pk.get_db_prep_value(user_id, connection)
    return next(iter(User.objects.raw("SELECT * FROM accounts_user WHERE id = %s AND is_active", [pk])), None)


def get_person(handle: str) -> User:
    """The active person of this handle, in any case; Http404 otherwise."""
    return get_object_or_404(with_handle(list_people(), handle))


def get_person_by_id(user_id: UUID) -> User:
    """The active person of this id; Http404 otherwise."""
    return get_object_or_404(list_people(), pk=user_id)


def get_initial_owner(handle: str) -> User:
    """Whose initial to draw, closed accounts included: their orders and reviews stay on other people's pages."""
    return get_object_or_404(with_handle(User.objects.only("full_name", "handle"), handle))


def with_verified_email(people: QuerySet[User]) -> QuerySet[User]:
    """Each person with `email_verified`: whether the address they sign in with was proven theirs."""
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), email__iexact=OuterRef("email"), verified=True)
    return people.annotate(email_verified=Exists(verified))


def has_needed_factor(user: User) -> bool:
    """Whether the second factor that staff need on this site is set up."""
    return not settings.STAFF_SECOND_FACTOR_REQUIRED or is_mfa_enabled(user)


def is_last_administrator(user: User) -> bool:
    """True when nobody else could manage the site without this person."""
    administrators = User.objects.filter(is_active=True, is_staff=True, is_superuser=True)
    return administrators.filter(pk=user.pk).exists() and not administrators.exclude(pk=user.pk).exists()
