"""Reviews for programs."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Status

from accounts.gates import anyone, person, reader, trader, viewer
from accounts.selectors import get_person_by_id
from gigs.selectors import get_gig_for
from marketplace.exceptions import DomainError
from marketplace.rest.counterparts import answers_for
from marketplace.rest.cursors import part_of
from marketplace.rest.errors import Refusal, answer_with, status_of
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit
from orders.selectors import get_party_order
from reviews.exceptions import AlreadyReplied, AlreadyReviewed, ReplyNotPossible, ReviewClosed, ReviewNotPossible
from reviews.models import Review
from reviews.schemas import NewReply, NewReview, OrderReviews, ReviewPage, ReviewShown, panel_shown, review_shown
from reviews.selectors import (
    get_review_to_answer,
    list_reviews_of_gig,
    list_reviews_of_person,
    review_panel_for,
)
from reviews.services import reply_to_review, write_review

answer_with(409, AlreadyReplied, AlreadyReviewed, ReplyNotPossible, ReviewClosed, ReviewNotPossible)
answers_for("reviews:write", "orders/{order_id}/reviews")
NEWEST = ("-published_at", "-id")
router = Router(tags=["reviews"])


@router.post("orders/{uuid:order_id}/reviews", auth=trader, response={201: ReviewShown})
def write(request: HttpRequest, order_id: UUID, review: NewReview) -> Any:
    """Review the other side of a completed order, once (else 409).

    It stays hidden until both have written or the time to write is over.
    """
    order = get_party_order(person(request), order_id)
    try:
        written = write_review(actor=person(request), order=order, rating=review.rating, comment=review.comment)
    except DomainError as refusal:
        status = status_of(refusal)
        raise Refusal(status, refusal.code, refusal.message, status=order.status, version=order.version) from refusal
    return Status(201, review_shown(written))


@router.get("orders/{uuid:order_id}/reviews", auth=reader, response=OrderReviews)
def read_of_order(request: HttpRequest, order_id: UUID) -> OrderReviews:
    """Your own review of this order, the other side's once it is published, and whether you may still write."""
    return panel_shown(review_panel_for(person(request), get_party_order(person(request), order_id)))


@router.get("users/{uuid:user_id}/reviews", auth=anyone, response=ReviewPage)
def list_of_person(request: HttpRequest, user_id: UUID, cursor: Cursor = "", limit: Limit = 20) -> ReviewPage:
    """What people have said about somebody, newest first."""
    return _part(list_reviews_of_person(get_person_by_id(user_id)), cursor, limit)


@router.get("gigs/{uuid:gig_id}/reviews", auth=anyone, response=ReviewPage)
def list_of_gig(request: HttpRequest, gig_id: UUID, cursor: Cursor = "", limit: Limit = 20) -> ReviewPage:
    """What clients have said about a gig that you may see, newest first."""
    return _part(list_reviews_of_gig(get_gig_for(viewer(request), gig_id)), cursor, limit)


@router.post("reviews/{int:review_id}/reply", auth=trader, response=ReviewShown)
def reply(request: HttpRequest, review_id: int, words: NewReply) -> ReviewShown:
    """Answer a published review about yourself in public, once (else 409)."""
    review = get_review_to_answer(person(request), review_id)
    return review_shown(reply_to_review(actor=person(request), review=review, text=words.text))


def _part(reviews: QuerySet[Review], cursor: str, limit: int) -> ReviewPage:
    found, after = part_of(reviews, order=NEWEST, cursor=cursor, limit=limit)
    return ReviewPage(items=[review_shown(review) for review in found], next=after)
