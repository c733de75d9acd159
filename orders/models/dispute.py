"""A disagreement on an order, from the opening statement to the ruling. Rows stay."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.money import money_field
from marketplace.uploads import private_storage
from orders.states import Status


class Dispute(models.Model):
    """One dispute. Amounts are in the order's currency; `frozen` are the seconds each of the order's clocks had left."""

    class Reason(models.TextChoices):
        NOT_DELIVERED = "not_delivered", _("The work was not delivered")
        NOT_AS_AGREED = "not_as_agreed", _("The work is not what was agreed")
        UNRESPONSIVE = "unresponsive", _("The other side does not answer")
        BEYOND_SCOPE = "beyond_scope", _("More is asked than was agreed")
        PAYMENT = "payment", _("A payment is not confirmed")
        FRAUD = "fraud", _("Fraud or stolen work")
        REVERSAL = "reversal", _("The payment was taken back")
        OTHER = "other", _("Something else")

    class State(models.TextChoices):
        OPEN = "open", _("Opened by a moderator, both sides are asked")
        AWAITING_RESPONSE = "awaiting_response", _("Waiting for the other side's statement")
        EVIDENCE = "evidence", _("Evidence is collected")
        UNDER_REVIEW = "under_review", _("A moderator decides")
        RESOLVED = "resolved", _("Ruled")
        SETTLED = "settled", _("Settled by the parties")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    AFTER_COMPLETION = (Reason.FRAUD, Reason.REVERSAL, Reason.NOT_DELIVERED, Reason.OTHER)  # once the order is complete

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="disputes")
    number = models.PositiveSmallIntegerField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="disputes_opened")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    state = models.CharField(max_length=20, choices=State.choices)
    status_before = models.CharField(max_length=20)
    payment_status_before = models.CharField(max_length=20)
    frozen = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    answer_reminded_at = models.DateTimeField(null=True, blank=True)
    evidence_until = models.DateTimeField(null=True, blank=True)
    rule_by = models.DateTimeField(null=True, blank=True)
    moderator = models.ForeignKey(  # who has the case
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="cases"
    )
    taken_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    freelancer_amount = money_field(null=True, blank=True)  # as it ended, before the fee; the rest went back to the client
    appeal_until = models.DateTimeField(null=True, blank=True)  # after a ruling: until then the losing side may appeal
    appealed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="appeals"
    )
    appealed_at = models.DateTimeField(null=True, blank=True)
    appeal_reason = models.TextField(max_length=4000, blank=True)

    class Meta:
        verbose_name = _("dispute")
        ordering = ["opened_at"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["state", "rule_by"], name="orders_dispute_desk")]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="orders_dispute_number"),
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(state__in=["open", "awaiting_response", "evidence", "under_review"]),
                name="orders_dispute_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "awaiting_response", "evidence", "under_review"], closed_at__isnull=True)
                | models.Q(state="withdrawn", closed_at__isnull=False)
                | models.Q(state__in=["resolved", "settled"], closed_at__isnull=False, freelancer_amount__gte=0),
                name="orders_dispute_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} #{self.number}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_by_party(self) -> bool:
        """Whether one of the two sides opened it, not staff."""
        return self.opened_by_id in (self.order.client_id, self.order.freelancer_id)

    @property
    def is_about_payment(self) -> bool:
        """Whether a DIRECT payment was not confirmed when it was opened: the work has not begun."""
        return self.status_before == Status.PAYMENT_SUBMITTED


class DisputeStatement(models.Model):
    """What one side says, once. The other side reads it when both are in or the time to answer is over."""

    AT_LEAST = 50  # characters, of who opens

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="statements")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="dispute_statements")
    text = models.TextField(max_length=8000)
    wanted_amount = money_field(null=True, blank=True)  # what the author thinks the freelancer should get
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("statement")
        ordering = ["created_at", "id"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["dispute", "author"], name="orders_disputestatement_once")]

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.author_id}"


class Evidence(models.Model):
    """A file or a note of a party or moderator, seen by everybody on the case or by staff alone."""

    class Audience(models.TextChoices):
        ALL = "all", _("Both sides and moderators")
        STAFF = "staff", _("Moderators only")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="evidence")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="evidence")
    audience = models.CharField(max_length=5, choices=Audience.choices)
    note = models.TextField(max_length=2000)
    file = models.FileField(upload_to="evidence/", storage=private_storage, max_length=120, blank=True)
    name = models.CharField(max_length=160, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveIntegerField(default=0)  # bytes
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["created_at", "id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name or self.note[:40]


class SettlementOffer(models.Model):
    """What a side would settle for: the freelancer's part, before the fee. A side's new offer replaces its last one."""

    class State(models.TextChoices):
        OPEN = "open", _("Stands")
        REPLACED = "replaced", _("Replaced")
        ACCEPTED = "accepted", _("Accepted")
        LAPSED = "lapsed", _("No longer stands")

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="offers")
    offered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="settlement_offers")
    freelancer_amount = money_field()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("settlement offer")
        ordering = ["created_at", "id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["dispute", "offered_by"], condition=models.Q(state="open"), name="orders_settlementoffer_one_open"
            ),
            models.CheckConstraint(condition=models.Q(freelancer_amount__gte=0), name="orders_settlementoffer_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id}: {self.freelancer_amount}"


class Ruling(models.Model):
    """A moderator's decision with its reason. After an appeal there is a second one; both stay."""

    REASON_AT_LEAST = 100  # characters

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="rulings")
    number = models.PositiveSmallIntegerField()
    moderator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rulings")
    freelancer_amount = money_field()  # before the fee
    client_amount = money_field()
    reason = models.TextField(max_length=8000)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("ruling")
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["dispute", "number"], name="orders_ruling_number")]

    def __str__(self) -> str:
        return f"{self.dispute_id} #{self.number}"


class StaffNote(models.Model):
    """What moderators tell each other about a case. The parties never see it."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="staff_notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="staff_notes")
    text = models.TextField(max_length=4000)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("staff note")
        ordering = ["created_at", "id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.text[:40]
