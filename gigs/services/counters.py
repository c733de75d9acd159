"""What is counted of a gig, in a row of its own."""

from uuid import UUID

from django.db import transaction
from django.db.models import F

from gigs.models import Gig, GigStats


@transaction.atomic(savepoint=False)
def record_completed_order(*, gig_id: UUID) -> None:
    """Count one more completed order of a gig."""
    counters = GigStats.objects.filter(gig=gig_id)
    if not counters.update(orders_completed=F("orders_completed") + 1):
        GigStats.objects.get_or_create(gig_id=gig_id)
        counters.update(orders_completed=F("orders_completed") + 1)


def forget_completed_order(*, gig: Gig) -> None:
    """Count one completed order less: it was cancelled after all."""
    GigStats.objects.filter(gig=gig).update(orders_completed=F("orders_completed") - 1)


@transaction.atomic
def record_rating(*, gig: Gig, rating: int) -> None:
    """Add a published rating (1 to 5) to the gig's average."""
    GigStats.objects.get_or_create(gig=gig)
    GigStats.objects.filter(gig=gig).update(rating_sum=F("rating_sum") + rating, rating_count=F("rating_count") + 1)
