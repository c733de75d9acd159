from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from messaging.selectors.waiting import count_waiting


def unread(request: HttpRequest) -> dict[str, object]:
    """`unread_count` of notifications and `unread_conversations`, asked for in one go when a page shows them."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"unread_count": 0, "unread_conversations": 0}
    counts = SimpleLazyObject(lambda: count_waiting(user))
    return {
        "unread_count": SimpleLazyObject(lambda: counts[0]),
        "unread_conversations": SimpleLazyObject(lambda: counts[1]),
    }
