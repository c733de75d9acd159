"""How a person wants to be reached when they are away, and the programs that are told in their place."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.encryption import EncryptedTextField


class ContactSettings(models.Model):
    """One row a person, made when they first change something. Times of day are in the person's own time zone."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contact_settings")
    shows_presence = models.BooleanField(_("show when I am online"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)

    class Meta:
        verbose_name = _("contact settings")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="messaging_contactsettings_quiet_whole",
            )
        ]

    def __str__(self) -> str:
        return str(self.user_id)


class Webhook(models.Model):
    """An address of a person's own that hears of what happens to them, signed with a secret only they know."""

    class Hears(models.TextChoices):
        MESSAGE = "message", _("Messages to me")
        NOTIFICATION = "notification", _("What the bell tells me")
        ORDER = "order", _("Every change of my orders")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(_("address"), max_length=500)
    secret = EncryptedTextField()
    hears = models.JSONField(default=list)  # values of Hears
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)  # after a day of failures, or by its owner

    class Meta:
        verbose_name = _("webhook")
        default_permissions = ("view",)
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["user", "url"], name="messaging_webhook_once")]

    def __str__(self) -> str:
        """The host alone: the rest of the address may be a token, and this stands in the audit log."""
        return urlsplit(self.url).hostname or ""


class WebhookDelivery(models.Model):
    """One thing to be told to one webhook. The row is the truth; the worker only looks for rows that are due."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    type = models.CharField(max_length=60)  # message.new, order.updated, the kind of a notification
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()  # the JSON that is sent, byte for byte what is signed
    metadata = models.JSONField(default=dict, blank=True)  # the last answer: its status and beginning, or the error
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # None: sent, or given up
    is_sent = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        default_permissions = ("view",)
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_sent=False, sent_at__isnull=True)
                | Q(is_sent=True, sent_at__isnull=False, next_attempt_at__isnull=True),
                name="messaging_webhookdelivery_sent_is_done",
            )
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="messaging_webhook_due"),
            models.Index(fields=["webhook", "-created_at"], name="messaging_webhook_log"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"
