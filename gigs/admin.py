"""Gigs for moderators: the shelf to arrange, gigs to look at and to pause."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from gigs.models import Category, Gig, GigImage, Requirement
from gigs.services import pause_gig, release_gig
from marketplace.exceptions import DomainError
from marketplace.read_only import ReadOnly


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["__str__", "slug", "position", "escrow_fee_pct"]
    list_filter = [("parent", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["parent"]
    ordering = ["parent__position", "parent_id", "position", "name"]
    prepopulated_fields = {"slug": ["name"]}
    search_fields = ["name", "slug"]

    def get_readonly_fields(self, request: HttpRequest, obj: Category | None = None) -> list[str]:
        return ["slug"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Category | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}


class RequirementInline(ReadOnly, admin.TabularInline):
    model = Requirement
    extra = 0
    fields = ["position", "question", "kind", "choices", "is_required"]


class GigImageInline(ReadOnly, admin.TabularInline):
    model = GigImage
    extra = 0
    fields = ["position", "name", "width", "height"]


@admin.register(Gig)
class GigAdmin(admin.ModelAdmin):
    """Moderators may move a gig to another category and pause it; what it promises is its freelancer's word."""

    actions = ["pause", "release"]
    date_hierarchy = "created_at"
    fields = [
        "title",
        "freelancer",
        "category",
        "description",
        "price",
        "currency",
        "delivery_days",
        "revisions_included",
        "auto_approve_days",
        "is_active",
        "paused_by_staff_at",
        "archived_at",
        "created_at",
        "updated_at",
    ]
    inlines = [RequirementInline, GigImageInline]
    list_display = ["title", "freelancer", "category", "price", "currency", "is_active", "archived_at", "created_at"]
    list_filter = [
        "is_active",
        ("paused_by_staff_at", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
        "currency",
        ("category", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["freelancer", "category__parent"]
    search_fields = ["title", "freelancer__full_name", "freelancer__handle", "freelancer__email", "=id"]
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Gig | None = None) -> list[str]:
        return [str(name) for name in self.fields or [] if name != "category"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Gig | None = None) -> bool:
        return False

    @admin.action(description=gettext_lazy("Pause the chosen gigs"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Gig]) -> None:
        paused = _change(request, queryset.filter(paused_by_staff_at__isnull=True), pause_gig)
        messages.success(request, ngettext("%(n)d gig paused.", "%(n)d gigs paused.", paused) % {"n": paused})

    @admin.action(description=gettext_lazy("Put the chosen gigs back that a moderator paused"), permissions=["change"])
    def release(self, request: HttpRequest, queryset: QuerySet[Gig]) -> None:
        back = _change(request, queryset.filter(paused_by_staff_at__isnull=False), release_gig)
        messages.success(request, ngettext("%(n)d gig put back.", "%(n)d gigs put back.", back) % {"n": back})


def _change(request: HttpRequest, gigs: QuerySet[Gig], service: Callable[..., Gig]) -> int:
    """How many of the gigs the service changed; why it refused the others is said."""
    changed = 0
    for gig in gigs:
        try:
            service(actor=request.user, gig=gig)
        except DomainError as refusal:
            messages.error(request, f"{gig}: {refusal.message}")
        else:
            changed += 1
    return changed
