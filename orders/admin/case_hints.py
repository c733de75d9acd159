"""What a moderator should know of a case at once. Hints help to decide; nothing is ever decided by one."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.models import Dispute
from orders.selectors.disputes import silent_parties
from orders.states import Custody


def hints_of(dispute: Dispute) -> list[str]:
    """Sentences about who kept silent, what was late and what never came."""
    return list(_hints(dispute))


def _hints(dispute: Dispute) -> Iterator[str]:
    order, overdue = dispute.order, -dispute.frozen.get("due_at", 0.0)
    if dispute.evidence_until:
        for person in silent_parties(dispute):
            yield _("%(name)s did not answer in the time for statements.") % {"name": person}
    if overdue > 0:
        days = timedelta(seconds=overdue).days
        yield ngettext(
            "The delivery was overdue when the dispute was opened, by %(days)d whole day.",
            "The delivery was overdue when the dispute was opened, by %(days)d whole days.",
            days,
        ) % {"days": days}
    if not order.ever_delivered:
        yield _("Nothing was ever delivered.")
    if order.custody == Custody.DIRECT:
        yield _("The client paid %(name)s directly: this site holds nothing. A refund would be theirs to send.") % {
            "name": order.freelancer
        }
    if dispute.appealed_at:
        yield _("This is an appeal. Your ruling is final, and nothing waits for it any more.")
