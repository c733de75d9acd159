"""The ledger to look things up in. Nothing here is written by hand; corrections are steps of an order or of a payout."""

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.money import format_money, from_minor
from marketplace.read_only import ReadOnly
from orders.admin.records import Rows
from orders.models import LedgerAccount, LedgerEntry, LedgerTransfer


def shown(units: int | None, currency: str) -> str:
    return format_money(from_minor(units or 0, currency), currency)


class EntryInline(Rows):
    model = LedgerEntry
    verbose_name_plural = _("ledger entries")
    fields = ["account", "gets"]
    readonly_fields = ["gets"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        return super().get_queryset(request).select_related("account__order", "account__user")

    @admin.display(description=_("gets"))
    def gets(self, entry: LedgerEntry) -> str:
        return shown(entry.amount, entry.account.currency)


@admin.register(LedgerTransfer)
class LedgerTransferAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "kind", "order", "amount", "actor", "key"]
    list_filter = ["kind", "currency"]
    list_select_related = ["order", "actor"]
    list_per_page = 50
    search_fields = ["order__payment_reference", "key"]
    ordering = ["-created_at", "-id"]
    inlines = [EntryInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransfer]:
        return super().get_queryset(request).prefetch_related("entries")

    @admin.display(description=_("amount"))
    def amount(self, transfer: LedgerTransfer) -> str:
        return shown(sum(entry.amount for entry in transfer.entries.all() if entry.amount > 0), transfer.currency)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["kind", "currency", "order", "user", "holds"]
    list_filter = ["kind", "currency"]
    list_select_related = ["order", "user"]
    list_per_page = 50
    search_fields = ["order__payment_reference", "user__email"]
    ordering = ["kind", "currency", "id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerAccount]:
        return super().get_queryset(request).annotate(units=Sum("entries__amount"))

    @admin.display(description=_("holds"))
    def holds(self, account: LedgerAccount) -> str:
        return shown(account.units, account.currency)  # type: ignore[attr-defined]
