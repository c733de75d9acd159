"""Money on its way out: payouts to freelancers, refunds to clients, returns of money that fits no order."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.encryption import EncryptedTextField
from marketplace.money import CURRENCY_CHOICES, money_field
from marketplace.uploads import private_storage
from orders.models.payment import PaymentMethod
from orders.states import DisbursementState


class PayoutAccount(models.Model):
    """Where a person wants to be paid. Never changed: an edit archives it and makes a new one, so that history stays true."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(  # None: the payer of money that fits no order
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="payout_accounts"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=PaymentMethod.Kind.choices)
    currency = models.CharField(_("currency"), max_length=5, choices=CURRENCY_CHOICES)
    holder = models.CharField(_("account holder"), max_length=120)
    account = EncryptedTextField(_("account number or address"))
    masked = models.CharField(max_length=60)  # what pages show of it
    routing = models.CharField(_("bank and routing"), max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payout account")
        ordering = ["-is_active", "created_at"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.holder} {self.masked}"


class PayoutBatch(models.Model):
    """Payouts and refunds of one currency that are approved and exported together."""

    number = models.PositiveIntegerField(unique=True)
    currency = models.CharField(max_length=5)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payout_batches")
    created_at = models.DateTimeField()
    exported_at = models.DateTimeField(null=True, blank=True)
    exported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="payout_batches_exported"
    )

    class Meta:
        verbose_name = _("payout batch")
        verbose_name_plural = _("payout batches")
        ordering = ["-number"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"#{self.number} {self.currency}"


class Disbursement(models.Model):
    """One amount to be sent to one person.

    A payout comes out of a freelancer's balance, a refund out of what is refundable to a client, a return out of suspense. A
    refund of an order under DIRECT custody is owed by the freelancer (`payer`) and touches no ledger.
    """

    class Kind(models.TextChoices):
        PAYOUT = "payout", _("Payout")
        REFUND = "refund", _("Refund")
        RETURN = "return", _("Return to the payer")

    class Reason(models.TextChoices):
        PAYOUT = "payout", _("Payout")
        DECLINED = "declined", _("The order was declined")
        LATE = "late", _("The work was late")
        CANCELLED = "cancelled", _("Cancelled by both sides")
        PARTIAL = "partial", _("Paid in part and cancelled")
        SETTLED = "settled", _("Settled in a dispute")
        RULED = "ruled", _("Ruled by a moderator")
        SURPLUS = "surplus", _("More was paid than was due")
        ORPHAN = "orphan", _("The payment fits no order")

    State = DisbursementState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    person = models.ForeignKey(  # who gets it; None for a return to an unknown payer
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="disbursements"
    )
    payer = models.ForeignKey(  # DIRECT: the freelancer who owes it; None: the platform
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="refunds_owed"
    )
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="disbursements")
    statement_line = models.ForeignKey(
        "orders.StatementLine", on_delete=models.PROTECT, null=True, blank=True, related_name="disbursements"
    )
    account = models.ForeignKey(  # None until the person has said where to
        PayoutAccount, on_delete=models.PROTECT, null=True, blank=True, related_name="disbursements"
    )
    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, null=True, blank=True, related_name="disbursements")
    amount = money_field()
    currency = models.CharField(max_length=5)
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in DisbursementState], default=DisbursementState.REQUESTED
    )
    version = models.PositiveIntegerField(default=1)  # number of its last event
    not_before = models.DateTimeField(null=True, blank=True)  # a ruling may be appealed until then
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="disbursements_approved"
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    reference = models.CharField(max_length=120, blank=True)  # of the bank or wallet, when sent
    proof = models.FileField(upload_to="disbursements/", storage=private_storage, max_length=120, blank=True)
    proof_name = models.CharField(max_length=160, blank=True)
    proof_type = models.CharField(max_length=100, blank=True)
    failure = models.TextField(max_length=1000, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("disbursement")
        ordering = ["created_at", "id"]
        default_permissions = ("view",)
        permissions = [("pay_out", _("Can approve and send payouts and refunds"))]
        indexes = [
            models.Index(fields=["state", "created_at"], name="orders_disbursement_desk"),
            models.Index(fields=["person", "-created_at"], name="orders_disbursement_person"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="orders_disbursement_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(kind="payout", order__isnull=True, payer__isnull=True, person__isnull=False)
                | models.Q(kind="refund", order__isnull=False, person__isnull=False)
                | models.Q(kind="return", payer__isnull=True, statement_line__isnull=False),
                name="orders_disbursement_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["requested", "failed", "withdrawn"])
                | models.Q(payer__isnull=False)
                | models.Q(approved_by__isnull=False, account__isnull=False),
                name="orders_disbursement_approved",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["sent", "confirmed"])
                | (models.Q(sent_at__isnull=False) & ~models.Q(reference="")),
                name="orders_disbursement_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class DisbursementEvent(models.Model):
    """One step of a disbursement. Written once, never changed."""

    disbursement = models.ForeignKey(Disbursement, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    action = models.CharField(max_length=10)
    to_state = models.CharField(max_length=10)
    actor = models.ForeignKey(  # None: it arose with a step of the order
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="disbursement_events"
    )
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("disbursement event")
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["disbursement", "number"], name="orders_disbursementevent_number")]

    def __str__(self) -> str:
        return f"{self.number}. {self.action}"


class Receipt(models.Model):
    """The number of an order's receipt: one sequence for the whole site, without gaps."""

    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="receipt")
    number = models.PositiveIntegerField(unique=True)
    issued_at = models.DateTimeField()

    class Meta:
        verbose_name = _("receipt")
        ordering = ["number"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return str(self.number)
