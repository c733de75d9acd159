"""What the admin only shows."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest


class ReadOnly:
    """For a ModelAdmin or an inline: nothing is added, changed or deleted by hand, not even by a superuser."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
