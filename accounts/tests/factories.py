from functools import cache

import factory
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission

from accounts.models import User


class UserFactory(factory.django.DjangoModelFactory):
    """A person with a verified e-mail and the password `a long password`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    handle = factory.Sequence(lambda n: f"person-{n}")

    @classmethod
    def _create(cls, model_class, *args, **fields):
        user = model_class.objects.create_user(password=fields.pop("password", "a long password"), **fields)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


def an_administrator(**fields: object) -> User:
    """A member of staff who may do everything, with the second factor that a public site asks of staff."""
    person = UserFactory(is_staff=True, is_superuser=True, **fields)
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    return person


def a_moderator(**fields: object) -> User:
    """Staff who may verify payments and resolve disputes, and nothing else."""
    person = UserFactory(is_staff=True, **fields)
    holds = User.user_permissions.through  # `set` would have the audit log ask for the name of each permission
    holds.objects.bulk_create(holds(user_id=person.pk, permission_id=power) for power in _powers())
    return person


@cache
def _powers() -> list[int]:
    """The permissions of the app of orders. Migrations have written them, so they stay from test to test."""
    return list(Permission.objects.filter(content_type__app_label="orders").values_list("pk", flat=True))
