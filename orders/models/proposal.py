"""What one side asks of the other while an order runs: to cancel it, to extend it, to pause it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.money import money_field

MOST_PAUSED_DAYS = 14  # of one order, in all


class Proposal(models.Model):
    """One request of a party. At most one is open on an order; all stay."""

    class Kind(models.TextChoices):
        CANCELLATION = "cancellation", _("Cancel the order")
        EXTENSION = "extension", _("More time")
        PAUSE = "pause", _("Pause the clock")

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for an answer")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Overtaken by events")

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="proposals")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=15, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposals")
    reason = models.TextField(max_length=2000)  # a pause: the question the client has to answer
    freelancer_amount = money_field(null=True, blank=True)  # cancellation: what the freelancer keeps, before the fee
    new_due_at = models.DateTimeField(null=True, blank=True)  # extension
    days = models.PositiveSmallIntegerField(null=True, blank=True)  # pause: at most so long
    respond_by = models.DateTimeField()
    created_at = models.DateTimeField()
    answered_by = models.ForeignKey(  # None while open, and when a clock answered
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="proposals_answered"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(max_length=2000, blank=True)

    class Meta:
        verbose_name = _("proposal")
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="orders_proposal_number"),
            models.UniqueConstraint(fields=["order"], condition=models.Q(state="open"), name="orders_proposal_one_open"),
            models.CheckConstraint(
                condition=models.Q(kind="cancellation", freelancer_amount__gte=0)
                | models.Q(kind="extension", new_due_at__isnull=False)
                | models.Q(kind="pause", days__range=(1, MOST_PAUSED_DAYS)),
                name="orders_proposal_terms",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", answered_at__isnull=True)
                | (~models.Q(state="open") & models.Q(answered_at__isnull=False)),
                name="orders_proposal_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} #{self.number} {self.kind}"


class Reminder(models.Model):
    """A reminder of a clock that was sent, so that it is sent once. `clock_at` is the instant it reminded of."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="reminders")
    clock = models.CharField(max_length=40)
    clock_at = models.DateTimeField()
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = _("reminder")
        ordering = ["sent_at", "id"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["order", "clock", "clock_at"], name="orders_reminder_once")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.clock}"
