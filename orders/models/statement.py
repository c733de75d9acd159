"""Bank statements as they were imported, line by line, and what became of each line."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.money import money_field


class BankStatement(models.Model):
    """One imported file of one platform account. Importing it again adds a row here and no lines."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment_method = models.ForeignKey("orders.PaymentMethod", on_delete=models.PROTECT, related_name="statements")
    file_name = models.CharField(max_length=160)
    sha256 = models.CharField(max_length=64)
    imported_by = models.ForeignKey(  # None: from the command line
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="statements_imported"
    )
    imported_at = models.DateTimeField()
    lines_read = models.PositiveIntegerField(default=0)
    lines_new = models.PositiveIntegerField(default=0)
    lines_unreadable = models.PositiveIntegerField(default=0)
    percent_read = models.PositiveSmallIntegerField(default=0)
    is_complete = models.BooleanField(default=False)  # read and matched to the end; importing the file again finishes it

    class Meta:
        verbose_name = _("bank statement")
        ordering = ["-imported_at"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.file_name


class StatementLine(models.Model):
    """One entry of an account, kept once by `key`: the bank's own id, or its content and which of the identical ones it is."""

    class State(models.TextChoices):
        OPEN = "open", _("To be looked at")
        CONFIRMED = "confirmed", _("Confirmed for an order")
        SUSPENSE = "suspense", _("In suspense")
        RETURNED = "returned", _("Sent back to the payer")
        ASSIGNED = "assigned", _("Found its order later")
        IGNORED = "ignored", _("No payment of a client")

    class Light(models.TextChoices):
        GREEN = "green", _("Fits")
        AMBER = "amber", _("Fits in part")
        RED = "red", _("Fits no open order")
        NONE = "none", _("No deposit")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="lines")
    payment_method = models.ForeignKey("orders.PaymentMethod", on_delete=models.PROTECT, related_name="statement_lines")
    key = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    booked_on = models.DateField()
    amount = money_field()  # always positive; `kind` says which way it went
    currency = models.CharField(max_length=5)
    kind = models.CharField(max_length=10)  # orders.statements.Kind
    bank_id = models.CharField(max_length=120, blank=True)
    text = models.TextField(blank=True)
    payer_name = models.CharField(max_length=200, blank=True)
    payer_account = models.CharField(max_length=120, blank=True)
    raw = models.TextField(blank=True)
    light = models.CharField(max_length=5, choices=Light.choices, default=Light.NONE)
    reasons = models.JSONField(default=list)  # codes with facts, best first; words are made when shown
    order = models.ForeignKey(  # the order it fits, or was confirmed for
        "orders.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="statement_lines"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="statement_lines_decided"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("statement line")
        ordering = ["booked_on", "position"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["state", "light", "booked_on"], name="orders_statementline_desk"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["payment_method", "key"], name="orders_statementline_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="orders_statementline_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(state="open", decided_at__isnull=True)
                | (~models.Q(state="open") & models.Q(decided_at__isnull=False)),
                name="orders_statementline_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount} {self.currency}"


class UnreadableLine(models.Model):
    """A line of a file that could not be read, with the reason. It is nobody's money until a person has looked at it."""

    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="unreadable")
    position = models.PositiveIntegerField()
    raw = models.TextField()
    reason = models.CharField(max_length=500)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="unreadable_lines_resolved"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("unreadable line")
        ordering = ["position", "id"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["statement", "position"], name="orders_unreadableline_once")]

    def __str__(self) -> str:
        return self.reason
