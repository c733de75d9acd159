"""Who people are."""

import uuid
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

HANDLE_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{1,28})[a-z0-9]$"
validate_handle = RegexValidator(HANDLE_PATTERN, _("Use 3 to 30 small letters, digits and hyphens."))


@cache
def known_time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def validate_time_zone(name: str) -> None:
    if name not in known_time_zones():
        raise ValidationError(_("%(name)s is not a time zone of the IANA list."), params={"name": name})


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person with a normalised e-mail, a usable handle and a hashed password."""
        user = self.model(email=email.strip().lower(), **fields)
        user.handle = user.handle or f"user-{uuid.uuid4().hex[:10]}"
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person; the same one may buy and sell. `is_active=False` is deletion: the rows stay, nobody signs in."""

    class Tier(models.TextChoices):
        FREE = "free", _("Free")
        PRO = "pro", _("Pro")
        ENTERPRISE = "enterprise", _("Enterprise")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    full_name = models.CharField(_("full name"), max_length=120)
    handle = models.CharField(
        _("handle"),
        max_length=30,
        validators=[validate_handle],
    )
    bio = models.TextField(_("bio"), blank=True, max_length=4000)
    avatar = models.ImageField(_("picture"), upload_to="avatars/", blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    tier = models.CharField(
        _("tier"),
        max_length=10,
        choices=Tier.choices,
        default=Tier.FREE,
        help_text=_("What the site keeps of this person's sales may depend on it."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    password_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="accounts_user_unique_email", violation_error_message=_("This e-mail is taken.")
            ),
            models.UniqueConstraint(
                Lower("handle"), name="accounts_user_unique_handle", violation_error_message=_("This handle is taken.")
            ),
            models.CheckConstraint(condition=models.Q(tier__in=["free", "pro", "enterprise"]), name="accounts_user_tier"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.handle

    def set_password(self, raw_password: str | None) -> None:
        """As in Django; every way of changing a password comes through here or through the next."""
        super().set_password(raw_password)
        self.password_changed_at = timezone.now()

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self.password_changed_at = timezone.now()

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.handle

    def get_absolute_url(self) -> str:
        return reverse("person", args=[self.handle])

    @property
    def is_admin(self) -> bool:
        return self.is_staff

    @property
    def avatar_url(self) -> str:
        """The address of a square picture: the uploaded one, else a drawn initial."""
        return self.avatar.url if self.avatar else reverse("accounts:initial", args=[self.handle])


class UserStats(models.Model):
    """Counters of a person, in a narrow row of their own. Ratings as a freelancer and as a client are kept apart."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="stats")
    orders_completed = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)
    rating_count = models.PositiveIntegerField(default=0)
    client_rating_sum = models.PositiveIntegerField(default=0)
    client_rating_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("counters of people")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.rating_count}"

    @property
    def rating(self) -> float | None:
        """Mean rating as a freelancer, 1 to 5; None before the first review."""
        return self.rating_sum / self.rating_count if self.rating_count else None

    @property
    def client_rating(self) -> float | None:
        return self.client_rating_sum / self.client_rating_count if self.client_rating_count else None
