"""The two numbers in the header of every page."""

from django.db.models import Count, F, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from messaging.models import Notification, Participation


def count_waiting(user: User) -> tuple[int, int]:
    """In one query: notifications not opened, and conversations with something unread (muted ones do not count)."""
    told = Notification.objects.filter(user=OuterRef("pk"), read_at__isnull=True)
    written = Participation.objects.filter(user=OuterRef("pk"), last_seq__gt=F("read_seq"), muted=False)
    notifications, conversations = User.objects.filter(pk=user.pk).values_list(_count(told), _count(written))[0]
    return notifications, conversations


def _count(rows: QuerySet[Model]) -> Coalesce:
    return Coalesce(Subquery(rows.order_by().values("user").annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)
