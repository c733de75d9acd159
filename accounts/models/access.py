"""How programs come in: sign-ins with their refresh tokens, and API keys. Of a secret only its SHA-256 digest is here."""

import uuid

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.encryption import EncryptedTextField

LONGEST_NAME = 60  # characters


class Scope(models.TextChoices):
    """What an API key opens beside what everybody may see."""

    READ = "read", _("Read everything of mine")
    ORDERS = "orders", _("Order, pay, deliver and decide")
    MESSAGES = "messages", _("Write messages")
    GIGS = "gigs", _("Offer and change gigs")


class AuthSession(models.Model):
    """A program somebody signed in to: one family of refresh tokens. It counts while its stamp is the person's stamp of now."""

    class End(models.TextChoices):
        SIGNED_OUT = "signed_out", _("signed out")
        REUSED = "reused", _("a refresh token was used twice")
        EVERYWHERE = "everywhere", _("signed out everywhere")
        CROWDED_OUT = "crowded_out", _("newer sign-ins took its place")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="auth_sessions")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, choices=End.choices, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    stamp = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("sign-in of a program")
        verbose_name_plural = _("sign-ins of programs")
        default_permissions = ()
        ordering = ["-last_used_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, end_reason="")
                | Q(revoked_at__isnull=False, end_reason__in=["signed_out", "reused", "everywhere", "crowded_out"]),
                name="accounts_authsession_end_has_a_reason",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="accounts_authsession_lasts"),
        ]
        indexes = [
            models.Index(
                fields=["user", "-last_used_at"], condition=Q(revoked_at__isnull=True), name="accounts_authsession_list"
            ),
            models.Index(fields=["expires_at"], name="accounts_authsession_over"),
            models.Index(fields=["revoked_at"], condition=Q(revoked_at__isnull=False), name="accounts_authsession_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.user_agent or '?'} ({self.ip or '?'})"


class RefreshToken(models.Model):
    """One token of a family. Used once; a second use, but for a retry at once, tells that somebody else has it too."""

    session = models.ForeignKey(AuthSession, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("refresh token")
        default_permissions = ()
        indexes = [models.Index(fields=["used_at"], condition=Q(used_at__isnull=False), name="accounts_refreshtoken_used")]

    def __str__(self) -> str:
        return str(self.pk)


class ApiKey(models.Model):
    """A key of a person's own program. It opens what its scopes say until it is revoked; shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    prefix = models.CharField(max_length=12, unique=True)  # by which people and the database know it again
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()  # values of Scope
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        default_permissions = ()
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="accounts_apikey_opens_something"),
            models.CheckConstraint(condition=~Q(name=""), name="accounts_apikey_has_a_name"),
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(revoked_at__isnull=True), name="accounts_apikey_one_of_a_name"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], condition=Q(revoked_at__isnull=True), name="accounts_apikey_list")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.shown})"

    @property
    def shown(self) -> str:
        """The beginning of the key, by which its owner knows it again."""
        return f"hsk_{self.prefix}"


class EmailCode(models.Model):
    """The code that a person has to give back to prove the address they registered with. Keyed digest: it is short."""

    address = models.OneToOneField(EmailAddress, on_delete=models.CASCADE, related_name="+", primary_key=True)
    digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("code to prove an address")
        default_permissions = ()
        indexes = [models.Index(fields=["created_at"], name="accounts_emailcode_over")]

    def __str__(self) -> str:
        return str(self.address_id)


class KeptAnswer(models.Model):
    """The first answer to a write with an Idempotency-Key. Encrypted, because answers say where money goes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # of what was asked
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # None: the write still runs, in a transaction nobody sees
    content_type = models.CharField(max_length=100, blank=True)
    body = EncryptedTextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("kept answer")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="accounts_keptanswer_once"),
            models.CheckConstraint(
                condition=Q(status__isnull=True) | Q(status__gte=100, status__lt=600), name="accounts_keptanswer_status"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="accounts_keptanswer_over")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.key}"
