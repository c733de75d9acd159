"""The row of a gig, held for one change."""

from django.utils.translation import gettext as _

from accounts.models import User
from gigs.exceptions import GigArchived, GigError
from gigs.models import Gig


def lock(gig: Gig) -> Gig:
    return Gig.objects.select_for_update().get(pk=gig.pk)


def lock_own(actor: User, gig: Gig, *, archived: bool = False) -> Gig:
    fresh = lock(gig)
    if fresh.freelancer_id != actor.pk:
        raise GigError(_("This gig is not yours."), code="not_yours")
    if fresh.archived_at and not archived:
        raise GigArchived(_("This gig is archived. Restore it first."))
    return fresh
