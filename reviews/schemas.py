"""What of reviews the API takes and gives."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from accounts.schemas import PersonBrief, brief
from marketplace.rest.schemas import Asked, Page, Shown, ShownInstant, Text, whole
from reviews.forms import COMMENT_LENGTH
from reviews.models import Review
from reviews.selectors import ReviewPanel


class NewReview(Asked):
    rating: Annotated[int, whole(1, 5)] = Field(examples=[5])
    comment: Annotated[str, Text(COMMENT_LENGTH)] = Field(examples=["Just what we needed, and in time."])


class NewReply(Asked):
    text: Annotated[str, Text(COMMENT_LENGTH)] = Field(examples=["Thank you, it was a pleasure."])


class ReviewShown(Shown):
    """What one side of an order said about the other."""

    id: int
    gig_id: UUID
    by: Literal["client", "freelancer"] = Field(description="What its author was on that order.")
    author: PersonBrief
    recipient: PersonBrief
    rating: int = Field(ge=1, le=5)
    comment: str
    reply: str | None = Field(description="What the recipient answered.")
    replied_at: ShownInstant | None
    published_at: ShownInstant | None = Field(description="Null as long as only its author sees it.")


class ReviewPage(Page[ReviewShown]):
    """A part of a list of reviews."""


class OrderReviews(Shown):
    """The reviews of one order, as one of its two sides may see them."""

    mine: ReviewShown | None
    theirs: ReviewShown | None = Field(
        description="Null until it is published: when both have written, or the time to write is over."
    )
    can_review: bool
    closes_at: ShownInstant | None = Field(description="When the time to write is over; null before the order is completed.")


def review_shown(review: Review) -> ReviewShown:
    return ReviewShown(
        id=review.pk,
        gig_id=review.gig_id,
        by="client" if review.by_client else "freelancer",
        author=brief(review.author),
        recipient=brief(review.recipient),
        rating=review.rating,
        comment=review.comment,
        reply=review.reply or None,
        replied_at=review.replied_at,
        published_at=review.published_at,
    )


def panel_shown(panel: ReviewPanel) -> OrderReviews:
    mine, theirs = ((review_shown(review) if review else None) for review in (panel.mine, panel.theirs))
    return OrderReviews(mine=mine, theirs=theirs, can_review=panel.can_review, closes_at=panel.closes_at)
