"""Pages of a list nobody counts to the end."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import IntegerField, QuerySet, Subquery

COUNT_LIMIT = 1000


class CappedCount(Subquery):
    """How many rows a query with a limit has, as a column beside each row of another."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


class CappedPaginator(Paginator):
    """Counts up to COUNT_LIMIT rows, in the page's own query, and has no pages beyond. `is_capped` when there are more rows."""

    object_list: QuerySet[Any]

    def get_page(self, number: Any) -> Page:
        """The page of this number; the first for nonsense, the last for a number beyond it."""
        try:
            place = max(1, int(number))
        except (TypeError, ValueError):
            place = 1
        bottom = (place - 1) * self.per_page
        if bottom >= COUNT_LIMIT:
            return super().get_page(place)
        rows = list(self.object_list.annotate(counted=CappedCount(self._limited))[bottom : bottom + self.per_page])
        if not rows and place > 1:
            return super().get_page(place)
        self._counted = rows[0].counted if rows else 0
        return Page(rows[: COUNT_LIMIT - bottom], place, self)

    @property
    def _limited(self) -> "QuerySet[Any]":
        return self.object_list.order_by().values("pk")[: COUNT_LIMIT + 1]

    @cached_property
    def _counted(self) -> int:
        return self._limited.count()

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        return min(self._counted, COUNT_LIMIT)

    @property
    def is_capped(self) -> bool:
        return self._counted > COUNT_LIMIT
