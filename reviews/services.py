"""The only writer of reviews."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import record_rating as count_for_person
from gigs.services import record_rating as count_for_gig
from messaging.services import notify
from orders.models import Order
from reviews.exceptions import AlreadyReplied, AlreadyReviewed, ReplyNotPossible, ReviewClosed, ReviewNotPossible
from reviews.models import Review
from reviews.notifications import INVITED, RECEIVED, REPLIED
from reviews.selectors import writing_closes_at


@transaction.atomic
def write_review(*, actor: User, order: Order, rating: int, comment: str) -> Review:
    """Review the other side of a completed order, once, with 1 to 5 stars.

    It stays hidden until the other side has written too or the time to write is over; the second of the two publishes both here.
    Repeating the same words is quiet success. Raises ReviewNotPossible, ReviewClosed, AlreadyReviewed.
    """
    order = _lock(order)
    closes_at = writing_closes_at(order)
    if closes_at is None or actor.pk not in (order.client_id, order.freelancer_id):
        raise ReviewNotPossible(_("The two sides of an order can review each other once it is completed."))
    mine = Review.objects.filter(order=order, author=actor).first()
    if mine and (mine.rating, mine.comment) == (rating, comment):
        return mine
    if mine:
        raise AlreadyReviewed(_("You have reviewed this order already. A review cannot be changed."))
    now = timezone.now()
    if now >= closes_at:  # after it nobody could write without knowing what the other wrote
        raise ReviewClosed(_("The time to review this order is over."))
    review = _create(actor, order, rating, comment, closes_at)
    hidden = list(_list_hidden(order))
    if len(hidden) == 2:
        _publish(hidden, now)
        review.refresh_from_db()
    else:
        _tell(review.recipient, INVITED, review)
    return review


def _create(actor: User, order: Order, rating: int, comment: str, closes_at: datetime) -> Review:
    by_client = actor.pk == order.client_id
    return Review.objects.create(
        order=order,
        gig=order.gig,
        author=actor,
        recipient=order.freelancer if by_client else order.client,
        by_client=by_client,
        rating=rating,
        comment=comment,
        publish_at=closes_at,
    )


def publish_due_reviews(*, now: datetime, limit: int = 500) -> int:
    """Publish what was written on orders whose time to write is over at `now`; returns how many reviews became public.

    Any number of workers may do this at once, each order in a transaction of its own: a review is published and counted once.
    """
    due = Review.objects.filter(published_at__isnull=True, publish_at__lte=now).order_by("publish_at", "pk")
    published = 0
    for order_id in dict.fromkeys(due.values_list("order_id", flat=True)[:limit]):
        with transaction.atomic():
            order = Order.objects.select_for_update().get(pk=order_id)
            published += _publish(list(_list_hidden(order).filter(publish_at__lte=now)), now)
    return published


@transaction.atomic
def reply_to_review(*, actor: User, review: Review, text: str) -> Review:
    """Answer a published review about oneself in public, once. Repeating the same words is quiet success.

    Raises ReplyNotPossible, AlreadyReplied.
    """
    review = Review.objects.select_for_update(of=("self",)).select_related("author", "recipient", "order").get(pk=review.pk)
    if actor.pk != review.recipient_id or review.published_at is None:
        raise ReplyNotPossible(_("Only the person a published review is about can reply to it."))
    if review.reply == text:
        return review
    if review.reply:
        raise AlreadyReplied(_("You have replied to this review already. A reply cannot be changed."))
    review.reply, review.replied_at = text, timezone.now()
    review.save(update_fields=["reply", "replied_at"])
    _tell(review.author, REPLIED, review)
    return review


def _lock(order: Order) -> Order:
    """The order's row serialises its two writers, so that the second always sees the first."""
    return Order.objects.select_for_update(of=("self",)).select_related("client", "freelancer", "gig").get(pk=order.pk)


def _list_hidden(order: Order) -> QuerySet[Review]:
    return Review.objects.filter(order=order, published_at__isnull=True).select_related("author", "recipient", "gig", "order")


def _publish(reviews: list[Review], now: datetime) -> int:
    """Make them public and count them. In the order of the people's ids, as the counters' rows are locked on the way."""
    published = 0
    for review in sorted(reviews, key=lambda review: review.recipient_id):
        if not Review.objects.filter(pk=review.pk, published_at__isnull=True).update(published_at=now):
            continue
        published += 1
        count_for_person(recipient=review.recipient, rating=review.rating, as_freelancer=review.by_client)
        if review.by_client:
            count_for_gig(gig=review.gig, rating=review.rating)
        _tell(review.recipient, RECEIVED, review)
    return published


def _tell(recipient: User, kind: str, review: Review) -> None:
    url = reverse("reviews:write", args=[review.order_id])
    notify(recipient=recipient, kind=kind, url=url, context={"review": review, "order": review.order})
