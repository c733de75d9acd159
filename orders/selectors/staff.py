"""Which moderators there are, by what they may do."""

from django.db.models import Q, QuerySet

from accounts.models import User


def list_staff(permission: str) -> QuerySet[User]:
    """Active staff with this permission (VERIFY, RESOLVE, PAY_OUT), by their own, their group's, or as superusers."""
    app_label, codename = permission.split(".")
    by_group = Q(groups__permissions__codename=codename, groups__permissions__content_type__app_label=app_label)
    by_person = Q(user_permissions__codename=codename, user_permissions__content_type__app_label=app_label)
    return User.objects.filter(is_active=True, is_staff=True).filter(by_group | by_person | Q(is_superuser=True)).distinct()
