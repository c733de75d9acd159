"""The accounts clients pay into: the platform's own, and those of freelancers."""

from django.db import transaction

from accounts.models import User
from orders.models import PaymentMethod
from orders.states import Custody


@transaction.atomic
def save_payment_method(*, actor: User, method: PaymentMethod) -> PaymentMethod:
    """Keep a freelancer's own account. Orders placed before keep the account they were promised."""
    method.owner, method.custody = actor, Custody.DIRECT
    method.save()
    return method


def archive_payment_method(*, actor: User, method: PaymentMethod) -> None:
    """Offer the account no longer; running orders keep it."""
    if method.owner_id == actor.pk:
        method.is_active = False
        method.save(update_fields=["is_active", "updated_at"])


@transaction.atomic
def save_platform_method(*, actor: User, method: PaymentMethod) -> PaymentMethod:
    """Keep an account of the platform's own. Orders placed before keep the account they were promised."""
    method.owner, method.custody = None, Custody.PLATFORM
    method.save()
    return method


def set_method_active(*, actor: User, method: PaymentMethod, active: bool) -> None:
    """A moderator offers an account again, or no longer; nothing else about it changes."""
    method.is_active = active
    method.save(update_fields=["is_active", "updated_at"])
