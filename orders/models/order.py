"""One purchase of a gig, with everything it promised copied onto it, and the history of what happened to it."""

import uuid
from decimal import Decimal
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace.money import money_field, round_money
from orders.states import (
    ALLOWED_PAYMENT_STATUS,
    CUSTODY_LABELS,
    DIRECT_ONLY,
    PAYMENT_STATUS_LABELS,
    PLATFORM_ONLY,
    STATUS_LABELS,
    Custody,
    PaymentStatus,
    Status,
)

_ALLOWED_PAIRS = reduce(
    or_,
    (
        models.Q(status=status.value, payment_status__in=sorted(p.value for p in allowed))
        for status, allowed in ALLOWED_PAYMENT_STATUS.items()
    ),
)


class Order(models.Model):
    """A deal. Only `orders.services.change.change_order_status` writes `status`, `payment_status` and `version`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders_as_client")
    freelancer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders_as_freelancer")
    gig = models.ForeignKey("gigs.Gig", on_delete=models.PROTECT, related_name="orders")
    placement_key = models.UUIDField(default=uuid.uuid4)  # of the form that placed it, so that a double click places one order

    status = models.CharField(
        _("status"), max_length=20, choices=[(s.value, STATUS_LABELS[s]) for s in Status], default=Status.PENDING_PAYMENT
    )
    payment_status = models.CharField(
        _("payment status"),
        max_length=20,
        choices=[(p.value, PAYMENT_STATUS_LABELS[p]) for p in PaymentStatus],
        default=PaymentStatus.AWAIT_DEPOSIT,
    )
    version = models.PositiveIntegerField(default=1)  # number of the last event; forms carry the one the person saw

    # What was promised, copied when the order was placed.
    gig_title = models.CharField(max_length=120)
    gig_description = models.TextField()
    price = money_field()
    currency = models.CharField(max_length=5)
    delivery_days = models.PositiveSmallIntegerField()
    revisions_included = models.PositiveSmallIntegerField()
    auto_approve_days = models.PositiveSmallIntegerField()
    hold_days = models.PositiveSmallIntegerField()
    escrow_fee_pct = models.DecimalField(max_digits=5, decimal_places=2)  # percent of the price
    custody = models.CharField(max_length=10, choices=[(c.value, CUSTODY_LABELS[c]) for c in Custody])
    payment_method = models.ForeignKey("orders.PaymentMethod", on_delete=models.PROTECT, related_name="orders")
    pay_to_kind = models.CharField(max_length=10)
    pay_to_label = models.CharField(max_length=80)
    pay_to_holder = models.CharField(max_length=120)
    deposit_address = models.CharField(max_length=120)  # account number, wallet or coin address
    pay_to_routing = models.CharField(max_length=120, blank=True)
    payment_instructions = models.TextField(blank=True)
    is_reversible = models.BooleanField(default=False)
    expected_amount = money_field()
    funded_amount = money_field(default=0)  # of it verified so far; under PLATFORM custody what deposits brought into escrow
    payment_reference = models.CharField(max_length=20, unique=True)

    # Facts that stay true.
    txid = models.CharField(max_length=120, blank=True)
    ever_submitted_proof = models.BooleanField(default=False)
    ever_delivered = models.BooleanField(default=False)
    proofs_rejected = models.PositiveSmallIntegerField(default=0)

    # Instants (UTC): when it happened, and until when someone has time.
    created_at = models.DateTimeField()
    pay_by = models.DateTimeField()
    proof_submitted_at = models.DateTimeField(null=True, blank=True)
    review_due_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    accept_by = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    auto_approve_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    hold_until = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)  # the delivery clock stands since then
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_days = models.PositiveSmallIntegerField(default=0)  # granted so far, of 14
    updated_at = models.DateTimeField(auto_now=True)

    # When the next of its clocks fires; and how often that went wrong, so that one bad order never stops the others.
    proposal_by = models.DateTimeField(null=True, blank=True)  # of the open proposal
    dispute_by = models.DateTimeField(null=True, blank=True)  # when the open dispute moves on
    reminded_until = models.DateTimeField(null=True, blank=True)  # reminders of instants up to here are done
    next_clock_at = models.DateTimeField(null=True, blank=True)
    clock_failures = models.PositiveSmallIntegerField(default=0)
    clock_error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("order")
        ordering = ["-created_at"]
        default_permissions = ("view",)
        permissions = [
            ("verify_payment", _("Can verify payments into the platform's accounts")),
            ("resolve_dispute", _("Can resolve disputes")),
        ]
        indexes = [
            models.Index(fields=["client", "status", "-created_at"], name="orders_order_buying"),
            models.Index(fields=["freelancer", "status", "-created_at"], name="orders_order_selling"),
            models.Index(fields=["status", "proof_submitted_at"], name="orders_order_status"),
            models.Index(fields=["next_clock_at"], name="orders_order_clock", condition=models.Q(next_clock_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["client", "placement_key"], name="orders_order_placed_once"),
            models.CheckConstraint(condition=_ALLOWED_PAIRS, name="orders_order_status_pair"),
            models.CheckConstraint(condition=~models.Q(client=models.F("freelancer")), name="orders_order_two_people"),
            models.CheckConstraint(condition=models.Q(price__gt=0, expected_amount__gt=0), name="orders_order_amounts_positive"),
            models.CheckConstraint(
                condition=models.Q(escrow_fee_pct__gte=0, escrow_fee_pct__lte=100), name="orders_order_fee_percent"
            ),
            models.CheckConstraint(
                condition=models.Q(custody=Custody.PLATFORM.value) & ~models.Q(payment_status__in=sorted(DIRECT_ONLY))
                | models.Q(custody=Custody.DIRECT.value) & ~models.Q(payment_status__in=sorted(PLATFORM_ONLY)),
                name="orders_order_custody_money",
            ),
            models.CheckConstraint(
                condition=models.Q(funded_amount__gte=0, funded_amount__lte=models.F("expected_amount")),
                name="orders_order_funded_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment_reference} {self.gig_title}"

    def get_absolute_url(self) -> str:
        return reverse("orders:detail", args=[self.id])

    @property
    def amount_due(self) -> Decimal:
        """What is still to be paid, in the order's currency."""
        return self.expected_amount - self.funded_amount

    def fee_on(self, amount: Decimal) -> Decimal:
        """The platform's fee on what the freelancer gets, rounded half-even to the minor unit; the rest is all theirs."""
        return round_money(amount * self.escrow_fee_pct / Decimal(100), self.currency)


class RequirementAnswer(models.Model):
    """What the client answered to a question of the gig, with the question as it stood."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="answers")
    position = models.PositiveSmallIntegerField()
    question = models.CharField(max_length=300)
    answer = models.TextField(max_length=4000, blank=True)

    class Meta:
        verbose_name = _("answer")
        ordering = ["position"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["order", "position"], name="orders_requirementanswer_once")]

    def __str__(self) -> str:
        return self.question


class OrderEvent(models.Model):
    """One thing that happened to an order. Written once, never changed: the history of the money path."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    action = models.CharField(max_length=30)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20)
    payment_status = models.CharField(max_length=20)
    actor = models.ForeignKey(  # None: the clock
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="order_events"
    )
    role = models.CharField(max_length=1)
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)
    proof = models.ForeignKey("orders.PaymentProof", on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("order event")
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="orders_orderevent_number")]

    def __str__(self) -> str:
        return f"{self.number}. {self.action}"
