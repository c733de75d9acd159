"""Every refusal of a review, with a sentence that says what to do and a stable code."""

from marketplace.exceptions import DomainError


class ReviewNotPossible(DomainError):
    """The order is not completed, or the person is not one of its two sides."""

    code = "review_not_possible"


class ReviewClosed(DomainError):
    """The time to write is over."""

    code = "review_closed"


class AlreadyReviewed(DomainError):
    code = "already_reviewed"


class ReplyNotPossible(DomainError):
    """Not the recipient, or the review is not published."""

    code = "reply_not_possible"


class AlreadyReplied(DomainError):
    code = "already_replied"
