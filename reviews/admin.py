"""Reviews, to read. What people wrote about each other is changed by nobody."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from reviews.models import Review


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ["order", "author", "recipient", "rating", "created_at", "published_at"]
    list_filter = ["rating", "by_client"]
    list_select_related = ["order", "author", "recipient"]
    search_fields = ["order__payment_reference", "author__email", "recipient__email"]
    date_hierarchy = "created_at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
