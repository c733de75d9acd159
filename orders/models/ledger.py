"""The double-entry ledger. Rows are only ever added: the database itself refuses to change or delete one (see migrations)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerAccount(models.Model):
    """Where money can be. Amounts everywhere in the ledger are whole minor units of the account's currency (cents, satoshi)."""

    class Kind(models.TextChoices):
        OUTSIDE = "outside", _("The world outside")
        ESCROW = "escrow", _("Escrow of an order")
        BALANCE = "balance", _("Balance of a freelancer")
        REFUNDABLE = "refundable", _("To be refunded to a client")
        FEES = "fees", _("Fees of the platform")
        SUSPENSE = "suspense", _("Money that fits no order")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    currency = models.CharField(max_length=5)
    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_accounts"
    )  # of an escrow
    user = models.ForeignKey(  # of a balance (freelancer) or what is refundable (client)
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_accounts"
    )
    balance = models.BigIntegerField(
        null=True, blank=True
    )  # kept for what belongs to an order or a person; None: sum the entries

    class Meta:
        verbose_name = _("ledger account")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["order"], name="orders_ledgeraccount_order"),
            models.UniqueConstraint(fields=["user", "kind", "currency"], name="orders_ledgeraccount_user"),
            models.UniqueConstraint(
                fields=["kind", "currency"],
                condition=models.Q(order__isnull=True, user__isnull=True),
                name="orders_ledgeraccount_platform",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="escrow", order__isnull=False, user__isnull=True, balance__gte=0)
                | models.Q(kind__in=["balance", "refundable"], order__isnull=True, user__isnull=False, balance__gte=0)
                | models.Q(kind__in=["outside", "fees", "suspense"], order__isnull=True, user__isnull=True, balance__isnull=True),
                name="orders_ledgeraccount_owner",  # and nobody's money is ever less than nothing
            ),
        ]

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.get_kind_display(), self.order or self.user, self.currency) if part)


class LedgerTransfer(models.Model):
    """One movement of money of one currency, and why. Its entries sum to zero. `key` lets no retry post it twice."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", _("Deposit")
        RELEASE = "release", _("Release to the freelancer")
        REFUND = "refund", _("Refund to the client")
        SPLIT = "split", _("Split between both")
        RECLAIM = "reclaim", _("Back into escrow for a dispute")
        SURPLUS = "surplus", _("Money over what was due")
        ORPHAN = "orphan", _("Money that fits no order")
        ASSIGN = "assign", _("Found money put where it belongs")
        PAYOUT = "payout", _("Sent to the freelancer")
        REPAYMENT = "repayment", _("Sent to the client or payer")
        BOUNCE = "bounce", _("Came back")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=80, unique=True)
    currency = models.CharField(max_length=5)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="transfers")
    event_number = models.PositiveIntegerField(null=True, blank=True)  # of the order's event that moved it
    proof = models.ForeignKey("orders.PaymentProof", on_delete=models.PROTECT, null=True, blank=True, related_name="transfers")
    statement_line = models.ForeignKey(
        "orders.StatementLine", on_delete=models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    disbursement = models.ForeignKey(
        "orders.Disbursement", on_delete=models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    actor = models.ForeignKey(  # None: the clock
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_transfers"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("ledger transfer")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(  # every deposit points at what proves it
                condition=~models.Q(kind__in=["deposit", "surplus", "orphan"])
                | models.Q(proof__isnull=False)
                | models.Q(statement_line__isnull=False),
                name="orders_ledgertransfer_deposit_proven",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=["payout", "repayment", "bounce"]) | models.Q(disbursement__isnull=False),
                name="orders_ledgertransfer_sent_proven",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class LedgerEntry(models.Model):
    """One line of a transfer: `amount` minor units into (+) or out of (−) an account."""

    transfer = models.ForeignKey(LedgerTransfer, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="entries")
    amount = models.BigIntegerField()

    class Meta:
        verbose_name = _("ledger entry")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="orders_ledgerentry_not_zero"),
            models.UniqueConstraint(fields=["transfer", "account"], name="orders_ledgerentry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.amount}"
