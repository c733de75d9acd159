"""Which reviews someone may see, and which they may write."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.models import User
from gigs.models import Gig
from orders.models import Order
from orders.states import Status
from reviews.models import Review


@dataclass(frozen=True)
class ReviewPanel:
    """The reviews of one order as one of its two sides may see them.

    `mine` is shown to its author at once, `theirs` only when published. `closes_at` (UTC) ends the writing and publishes what was
    written; None before the order is completed.
    """

    order: Order
    other: User
    mine: Review | None
    theirs: Review | None
    can_review: bool
    closes_at: datetime | None


def list_published() -> QuerySet[Review]:
    return Review.objects.filter(published_at__isnull=False).select_related("author", "recipient", "gig")


def list_reviews_of_gig(gig: Gig) -> QuerySet[Review]:
    return list_published().filter(gig=gig, by_client=True)


def list_reviews_of_person(person: User) -> QuerySet[Review]:
    return list_published().filter(recipient=person)


def writing_closes_at(order: Order) -> datetime | None:
    """Until when (UTC) both sides may write; at this instant what was written is published."""
    if order.status != Status.COMPLETED or order.completed_at is None:
        return None
    return order.completed_at + timedelta(days=settings.REVIEW_WINDOW_DAYS)


def review_panel_for(user: User, order: Order) -> ReviewPanel:
    """What the user, one of the two sides of the order, sees of its reviews and may still do. One query."""
    written = {review.author_id: review for review in Review.objects.filter(order=order).select_related("author", "recipient")}
    other = order.freelancer if user.pk == order.client_id else order.client
    mine, theirs = written.get(user.pk), written.get(other.pk)
    closes_at = writing_closes_at(order)
    return ReviewPanel(
        order=order,
        other=other,
        mine=mine,
        theirs=theirs if theirs and theirs.published_at else None,
        can_review=mine is None and closes_at is not None and timezone.now() < closes_at,
        closes_at=closes_at,
    )


def get_review_to_answer(user: User | AnonymousUser, review_id: int) -> Review:
    """A published review of the user; Http404 otherwise."""
    return get_object_or_404(list_published().select_related("order"), pk=review_id, recipient_id=user.pk)
