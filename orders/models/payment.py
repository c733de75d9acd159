"""Where money goes, and what clients hand in to show that it went there."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.money import CURRENCY_CHOICES, money_field
from marketplace.uploads import private_storage
from orders.states import CUSTODY_LABELS, Custody

CLOCK_SKEW = timedelta(minutes=10)  # how far ahead of this site's clock a payment may be dated


class PaymentMethod(models.Model):
    """An account to pay into. PLATFORM: the operator's, kept in admin. DIRECT: a freelancer's own (`owner`)."""

    class Kind(models.TextChoices):
        BANK = "bank", _("Bank transfer")
        MOBILE = "mobile", _("Mobile money")
        CASH = "cash", _("Cash deposit")
        COIN = "coin", _("Coin address")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    custody = models.CharField(_("custody"), max_length=10, choices=[(c.value, CUSTODY_LABELS[c]) for c in Custody])
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="payment_methods"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    label = models.CharField(_("label"), max_length=80)
    account_holder = models.CharField(_("account holder"), max_length=120)
    account_number = models.CharField(_("account number or address"), max_length=120)
    routing = models.CharField(
        _("bank and routing"),
        max_length=120,
        blank=True,
        help_text=_("BIC, sort code, branch or coin network, if a payer needs it."),
    )
    instructions = models.TextField(_("instructions"), max_length=4000, blank=True)
    currency = models.CharField(_("currency"), max_length=5, choices=CURRENCY_CHOICES)
    pay_window_hours = models.PositiveSmallIntegerField(
        _("hours to pay"), default=72, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )
    is_reversible = models.BooleanField(
        _("reversible"), default=False, help_text=_("The payer can take the money back, for example a card or wallet payment.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    csv_mapping = models.JSONField(default=dict, blank=True)  # how to read this account's CSV statements (orders.statements)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("payment method")
        ordering = ["label", "id"]
        default_permissions = ("add", "change", "view")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(custody=Custody.PLATFORM, owner__isnull=True)
                | models.Q(custody=Custody.DIRECT, owner__isnull=False),
                name="orders_paymentmethod_custody_owner",
                violation_error_message=_("A platform account has no owner; a direct one has."),
            ),
            models.CheckConstraint(condition=models.Q(pay_window_hours__range=(1, 720)), name="orders_paymentmethod_window"),
        ]

    def __str__(self) -> str:
        return self.label


class PaymentProof(models.Model):
    """One attempt of a client to show a payment. At most one of an order is being checked; all attempts stay. Two may be verified
    where a first payment was only a part. A moderator may enter one for a line of a bank statement (`entered_by`, no receipt).
    One that a program handed in may get its receipt afterwards.

    Within a payment method a normalised reference stands on one live proof only, and once verified it is burned for ever.
    """

    class State(models.TextChoices):
        SUBMITTED = "submitted", _("Being checked")
        VERIFIED = "verified", _("Verified")
        REJECTED = "rejected", _("Rejected")

    LIVE = (State.SUBMITTED, State.VERIFIED)  # its reference proves this payment and no other

    class Reason(models.TextChoices):
        NOT_FOUND = "not_found", _("The payment was not found")
        WRONG_AMOUNT = "wrong_amount", _("The amount is wrong")
        WRONG_ACCOUNT = "wrong_account", _("It went to the wrong account")
        UNREADABLE = "unreadable", _("The receipt cannot be read")
        DUPLICATE = "duplicate", _("The same payment was handed in before")
        NAME_MISMATCH = "name_mismatch", _("The payer's name does not match")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="proofs")
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="proofs")
    attempt = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.SUBMITTED)
    transaction_reference = models.CharField(max_length=120)
    normalized_reference = models.CharField(max_length=120)
    payer_name = models.CharField(max_length=120)
    amount = money_field()  # in the order's currency, as the client claims
    paid_at = models.DateTimeField()
    receipt = models.FileField(upload_to="receipts/", storage=private_storage, max_length=120, blank=True)
    receipt_name = models.CharField(max_length=160, blank=True)
    receipt_type = models.CharField(max_length=40, blank=True)
    receipt_size = models.PositiveIntegerField(default=0)  # bytes
    receipt_sha256 = models.CharField(max_length=64, db_index=True, blank=True)
    statement_line = models.OneToOneField(  # the entry on the account that proves it
        "orders.StatementLine", on_delete=models.PROTECT, null=True, blank=True, related_name="payment_proof"
    )
    entered_by = models.ForeignKey(  # the moderator, where it was not the client
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="proofs_entered"
    )
    submitted_at = models.DateTimeField()
    first_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="proofs_first_confirmed"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="proofs_decided"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    verified_amount = money_field(null=True, blank=True)
    rejection_reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    rejection_note = models.TextField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("payment proof")
        ordering = ["attempt"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["submitted_at"], name="orders_proof_queue", condition=models.Q(state="submitted")),
            models.Index(fields=["normalized_reference"], name="orders_proof_reference"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order", "attempt"], name="orders_paymentproof_attempt"),
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(state="submitted"), name="orders_paymentproof_one_checked"
            ),
            models.UniqueConstraint(
                fields=["payment_method", "normalized_reference"],
                condition=models.Q(state__in=["submitted", "verified"]),
                name="orders_paymentproof_reference_once",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="orders_paymentproof_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(receipt="", receipt_sha256="") | (~models.Q(receipt="") & ~models.Q(receipt_sha256="")),
                name="orders_paymentproof_receipt_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(state="submitted", decided_at__isnull=True)
                | (
                    models.Q(state="verified", decided_at__isnull=False, decided_by__isnull=False)
                    & models.Q(verified_amount__isnull=False)
                )
                | (models.Q(state="rejected", decided_at__isnull=False) & ~models.Q(rejection_reason="")),
                name="orders_paymentproof_decided",
            ),
        ]

    def __str__(self) -> str:
        return self.transaction_reference
