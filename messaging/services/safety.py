"""Blocking somebody, reporting a message, and what moderators decide about it."""

from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.exceptions import DomainError
from messaging.exceptions import NotReachable, TooFast
from messaging.models import Block, Message, MessageReport
from messaging.models.conversation import EARLIER, LONGEST_NOTE, SHORTEST_REASON
from messaging.notifications import REPORT_DECIDED
from messaging.presence import part
from messaging.selectors.reports import get_report_for
from messaging.services.notifications import notify

MOST_OPEN = 20  # reports of one person that wait


# --- Blocking -------------------------------------------------------------------------------------------------------
@transaction.atomic
def block(*, actor: User, user: User) -> None:
    """From now on neither can write to the other, but for orders of the two that run, nor see whether they are here.

    Repeating it changes nothing.
    """
    if actor == user:
        raise NotReachable(_("You cannot block yourself."))
    Block.objects.get_or_create(blocker=actor, blocked=user, defaults={"created_at": timezone.now()})
    part(actor, user)


@transaction.atomic
def unblock(*, actor: User, user: User) -> None:
    """Take back the actor's own block; one of the other side stays. Repeating it changes nothing."""
    Block.objects.filter(blocker=actor, blocked=user).delete()


# --- Reporting ------------------------------------------------------------------------------------------------------
@transaction.atomic
def report(*, actor: User, message_id: UUID, reason: str, note: str = "") -> MessageReport:
    """Ask the moderators to look at a message that was sent to the actor; its words as first sent are kept with it.

    Once a person and message, and at most MOST_OPEN that wait. Http404 for any other message.
    """
    if reason not in MessageReport.Reason.values or len(note) > LONGEST_NOTE:
        raise DomainError(_("Say in a few words what is wrong with this message."), code="report_refused")
    message = get_object_or_404(Message.objects.select_for_update(no_key=True), pk=message_id, receiver=actor)
    mine = MessageReport.objects.filter(reporter=actor)
    if mine.filter(message=message).exists():
        raise DomainError(_("You have reported this message already."), code="already_reported")
    if mine.filter(decision="").count() >= MOST_OPEN:
        raise TooFast(_("%(most)d reports of yours wait for a moderator. Wait until they are looked at.") % {"most": MOST_OPEN})
    return MessageReport.objects.create(
        message=message,
        reporter=actor,
        reason=reason,
        note=note.strip(),
        words=EARLIER.join(filter(None, [message.original, message.content])),
        created_at=timezone.now(),
    )


@transaction.atomic
def decide(*, actor: User, report_id: int, decision: str, note: str) -> MessageReport:
    """Say as a moderator whether a report is right, and why; the reporter is told in these words. Nobody is punished by it.

    Http404 without the permission and for conversations of the actor's own. DomainError for a decision that gives no reason, or
    that comes second.
    """
    get_report_for(actor, report_id)
    row = MessageReport.objects.select_for_update(of=("self",)).select_related("message__conversation").get(pk=report_id)
    if row.decision:
        said = {"name": row.decided_by, "decision": row.get_decision_display()}
        raise DomainError(_("%(name)s has decided it already: %(decision)s.") % said, code="already_decided")
    if decision not in MessageReport.Decision.values or len(note.strip()) < SHORTEST_REASON:
        raise DomainError(
            _("Choose a decision, and give a reason of at least %(least)d characters.") % {"least": SHORTEST_REASON},
            code="reason_missing",
        )
    row.decision, row.decision_note, row.decided_by, row.decided_at = decision, note.strip(), actor, timezone.now()
    row.save(update_fields=["decision", "decision_note", "decided_by", "decided_at"])
    notify(
        recipient=row.reporter,
        kind=REPORT_DECIDED,
        url=row.message.conversation.get_absolute_url(),
        context={"report": row},
    )
    return row
