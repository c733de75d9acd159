"""Everything that reaches a person: notifications, and the mail that carries them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """One thing a person was told, written in the same transaction as what it tells."""

    class Severity(models.TextChoices):
        INFO = "info", _("Information")
        ACTION = "action", _("Your turn")
        SUCCESS = "success", _("Good news")
        PROBLEM = "problem", _("Problem")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.INFO)
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    facts = models.JSONField(default=list, blank=True)  # what it is about at a glance: [[label, words], …]
    url = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("notification")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="messaging_notification_list"),
            models.Index(fields=["user"], name="messaging_notification_unread", condition=models.Q(read_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(severity__in=["info", "action", "success", "problem"]), name="messaging_notification_severity"
            )
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def tone(self) -> str:
        """How the design system shows it."""
        return {"action": "wait", "success": "ok"}.get(self.severity, self.severity)


class OutgoingMail(models.Model):
    """The mail of a notification, to be sent. The row is the truth; the worker only looks for rows that are due."""

    notification = models.OneToOneField(Notification, on_delete=models.CASCADE, related_name="mail")
    recipient = models.EmailField(max_length=254)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # None: sent, or given up
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outgoing mail")
        indexes = [
            models.Index(fields=["next_attempt_at"], name="messaging_mail_due", condition=models.Q(next_attempt_at__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sent_at__isnull=True) | models.Q(next_attempt_at__isnull=True),
                name="messaging_outgoingmail_sent_is_done",
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.notification.subject}"


class MailOptOut(models.Model):
    """A person does not want mail of this kind. The notification on the site still comes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_opt_outs")
    kind = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("mail opt-out")
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="messaging_mailoptout_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind}"
