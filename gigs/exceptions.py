"""What a gig refuses."""

from marketplace.exceptions import DomainError


class GigError(DomainError):
    code = "gig_refused"


class GigArchived(GigError):
    code = "gig_archived"


class GigChanged(GigError):
    """Someone saved the gig since it was opened."""

    code = "gig_changed"


class GigPausedByStaff(GigError):
    """Only a moderator may put this gig back."""

    code = "gig_paused_by_staff"


class PictureCount(GigError):
    code = "picture_count"


class QuestionsRefused(GigError):
    code = "questions_refused"


class TooManyGigs(GigError):
    code = "too_many_gigs"


class TooManyNewGigs(GigError):
    """As many were made within a day as may be, those put away since too."""

    code = "too_many_gigs_today"
