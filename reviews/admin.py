"""Reviews, to read. What people wrote about each other is changed by nobody."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from marketplace.read_only import ReadOnly
from reviews.models import Review


@admin.register(Review)
class ReviewAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["order", "author", "recipient", "rating", "created_at", "published_at"]
    list_filter = ["rating", "by_client"]
    list_select_related = ["order", "author", "recipient"]
    search_fields = ["order__payment_reference", "author__email", "recipient__email"]
    date_hierarchy = "created_at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        """Without what is still secret about an order of one's own: staff who trade learn it when everyone does."""
        own = Q(order__client=request.user.pk) | Q(order__freelancer=request.user.pk)
        return super().get_queryset(request).exclude(own, published_at__isnull=True)
