"""Orders whose clock went wrong: found by a filter of the orders' list, with the error on the order's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orders.models import Order


class StuckClockFilter(admin.SimpleListFilter):
    """What `process_deadlines` could not do and tries again, those that failed most often first."""

    title = _("clock")
    parameter_name = "clock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stuck", _("Went wrong and is tried again"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() != "stuck":
            return queryset
        return queryset.filter(clock_failures__gt=0).order_by("-clock_failures", "next_clock_at")


CLOCK_FIELDS = ("next_clock_at", "reminded_until", "clock_failures", "clock_error")
