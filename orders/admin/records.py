"""The record of orders: to read, never to write. What happens to an order happens through its steps."""

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from marketplace.money import format_money
from marketplace.read_only import ReadOnly
from orders.admin.clocks import CLOCK_FIELDS, StuckClockFilter
from orders.models import Delivery, Order, OrderEvent, RequirementAnswer, RevisionRequest


def signed_in(request: HttpRequest) -> User:
    """Who it is: nobody else passes the door of the admin."""
    return cast(User, request.user)


class Rows(ReadOnly, admin.TabularInline):
    """Rows of an order on its page."""

    template = "admin/orders/record_inline.html"
    extra = 0


class EventInline(Rows):
    model = OrderEvent
    fields = ["number", "created_at", "action", "actor", "role", "from_status", "to_status", "payment_status", "note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        return super().get_queryset(request).select_related("actor")


class AnswerInline(Rows):
    model = RequirementAnswer
    fields = ["question", "answer"]


class DeliveryInline(Rows):
    model = Delivery
    fields = ["number", "note", "links", "created_at"]
    show_change_link = True


class RevisionInline(Rows):
    model = RevisionRequest
    fields = ["number", "items", "created_at"]


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["payment_reference", "gig_title", "client", "freelancer", "amount", "status", "payment_status", "created_at"]
    list_filter = ["status", "payment_status", "custody", StuckClockFilter, "created_at"]
    list_select_related = ["client", "freelancer"]
    list_per_page = 25
    show_full_result_count = False  # counting all orders a second time takes as long as all the rest of a large list
    search_fields = ["payment_reference", "gig_title", "client__email", "freelancer__email", "txid"]
    search_help_text = _("Payment reference, gig, e-mail of either side, or transaction id")
    inlines = [EventInline, AnswerInline, DeliveryInline, RevisionInline]
    readonly_fields = ["page", "amount", "fee", "proof_links"]
    fieldsets = [
        (None, {"fields": ["page", "gig_title", "client", "freelancer", "status", "payment_status", "proof_links"]}),
        (
            _("Promised when it was placed"),
            {
                "fields": [
                    *("amount", "fee", "custody", "payment_reference"),
                    *("pay_to_label", "pay_to_holder", "deposit_address", "pay_to_routing", "is_reversible"),
                    *("delivery_days", "revisions_included", "auto_approve_days", "hold_days"),
                ]
            },
        ),
        (
            _("Facts"),
            {"fields": ["txid", "ever_submitted_proof", "ever_delivered", "proofs_rejected", "version"]},
        ),
        (
            _("Instants"),
            {
                "fields": [
                    *("created_at", "pay_by", "proof_submitted_at", "review_due_at", "confirmed_at", "accept_by", "started_at"),
                    *("due_at", "submitted_at", "auto_approve_at", "completed_at", "hold_until", "cancelled_at"),
                ]
            },
        ),
        (_("Clocks"), {"fields": CLOCK_FIELDS}),
    ]

    @admin.display(description=_("amount"), ordering="expected_amount")
    def amount(self, order: Order) -> str:
        return format_money(order.expected_amount, order.currency)

    @admin.display(description=_("fee"))
    def fee(self, order: Order) -> str:
        return f"{order.escrow_fee_pct.normalize():f} %"

    @admin.display(description=_("on the site"))
    def page(self, order: Order) -> SafeString:
        return format_html('<a href="{}">{}</a>', order.get_absolute_url(), order.payment_reference)

    @admin.display(description=_("payment proofs"), empty_value="-")
    def proof_links(self, order: Order) -> SafeString:
        rows = (
            (reverse("admin:orders_paymentproof_verify", args=[proof.pk]), proof.attempt, proof, proof.get_state_display())
            for proof in order.proofs.all()
        )
        return format_html_join(SafeString("<br>"), '<a href="{}">{}. {}</a> ({})', rows)


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "order", "number", "action", "actor", "role", "from_status", "to_status"]
    list_filter = ["action", "role"]
    list_select_related = ["order", "actor"]
    list_per_page = 50
    search_fields = ["order__payment_reference", "actor__email"]
    ordering = ["-created_at", "-pk"]


class PartsOfOrders(ReadOnly, admin.ModelAdmin):
    """Rows of many orders, found by the reference of theirs."""

    list_select_related = ["order"]
    list_per_page = 50
    search_fields = ["order__payment_reference"]
    ordering = ["-pk"]


@admin.register(RequirementAnswer)
class RequirementAnswerAdmin(PartsOfOrders):
    list_display = ["order", "question", "answer"]


@admin.register(Delivery)
class DeliveryAdmin(PartsOfOrders):
    list_display = ["order", "number", "note", "created_at"]
    readonly_fields = ["file_links"]

    @admin.display(description=_("files"), empty_value="-")
    def file_links(self, delivery: Delivery) -> SafeString:
        rows = ((reverse("orders:delivery_file", args=[file.pk]), file.name, file.sha256) for file in delivery.files.all())
        return format_html_join(SafeString("<br>"), '<a href="{}">{}</a> <code>{}</code>', rows)


@admin.register(RevisionRequest)
class RevisionRequestAdmin(PartsOfOrders):
    list_display = ["order", "number", "items", "created_at"]
