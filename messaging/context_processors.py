from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from messaging.selectors import count_unread


def unread(request: HttpRequest) -> dict[str, object]:
    """`unread_count`, asked for only when a page shows it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"unread_count": 0}
    return {"unread_count": SimpleLazyObject(lambda: count_unread(user))}
