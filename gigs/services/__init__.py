"""The only writers of gigs. What their pages, admin, API and other apps may call is named here."""

from gigs.services.counters import (
    forget_completed_order,
    record_completed_order,
    record_rating,
)
from gigs.services.offers import (
    GigChanges,
    GigTerms,
    archive_gig,
    create_gig,
    other_category,
    pause_gig,
    release_gig,
    restore_gig,
    resume_gig,
    update_gig,
)
from gigs.services.pictures import (
    add_images,
    move_image,
    remove_image,
)

__all__ = [
    "GigChanges",
    "GigTerms",
    "add_images",
    "archive_gig",
    "create_gig",
    "forget_completed_order",
    "move_image",
    "other_category",
    "pause_gig",
    "record_completed_order",
    "record_rating",
    "release_gig",
    "remove_image",
    "restore_gig",
    "resume_gig",
    "update_gig",
]
