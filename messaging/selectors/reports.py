"""Reported messages, as moderators see them: with what was said around them, and nothing else of anybody's conversations."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.shortcuts import get_object_or_404

from accounts.models import User
from accounts.selectors import has_needed_factor
from messaging.models import Attachment, Message, MessageReport

MODERATE = "messaging.moderate_messages"
AROUND = 10  # messages before and after the reported one
TABS = {"open": "", "upheld": "upheld", "dismissed": "dismissed"}  # the decision of the reports in each


@dataclass(frozen=True)
class ReportRecord:
    """What else was reported of one person's messages, and what they reported themselves; the latest first."""

    person: User
    against: list[MessageReport]
    made: list[MessageReport]

    @property
    def against_upheld(self) -> int:
        return sum(report.decision == MessageReport.Decision.UPHELD for report in self.against)

    @property
    def made_upheld(self) -> int:
        return sum(report.decision == MessageReport.Decision.UPHELD for report in self.made)


def may_moderate(user: User | AnonymousUser) -> bool:
    """Whether they decide about reported messages: staff with the permission and the second factor it needs."""
    return user.is_staff and user.has_perm(MODERATE) and has_needed_factor(user)


def list_reports_for(user: User | AnonymousUser) -> QuerySet[MessageReport]:
    """Every report but those of conversations of the moderator's own; none without the permission."""
    if not may_moderate(user):
        return MessageReport.objects.none()
    rows = MessageReport.objects.exclude(Q(message__sender=user) | Q(message__receiver=user))
    return rows.select_related("message__sender", "reporter", "decided_by")


def list_reports_in(user: User | AnonymousUser, tab: str) -> QuerySet[MessageReport]:
    """Those of one tab of the desk: the open ones longest waiting first, the others latest first."""
    return list_reports_for(user).filter(decision=TABS[tab]).order_by("-decided_at", "created_at", "pk")


def search_reports(user: User | AnonymousUser, words: str) -> QuerySet[MessageReport]:
    """By the e-mail or the handle of either side, in any state."""
    sender = Q(message__sender__email__iexact=words) | Q(message__sender__handle__iexact=words)
    receiver = Q(message__receiver__email__iexact=words) | Q(message__receiver__handle__iexact=words)
    return list_reports_for(user).filter(sender | receiver).order_by("-created_at")


def get_report_for(user: User, report_id: int) -> MessageReport:
    """One of those; Http404 otherwise."""
    return get_object_or_404(list_reports_for(user), pk=report_id)


def list_around(report: MessageReport) -> list[Message]:
    """The reported message with those before and after it, in the order they were said."""
    seq = report.message.seq
    near = Message.objects.filter(conversation=report.message.conversation_id, seq__range=(seq - AROUND, seq + AROUND))
    return list(near.select_related("sender").prefetch_related("attachments").order_by("seq"))


def get_reported_file(user: User, attachment_id: UUID) -> Attachment:
    """A file of a message that the moderator sees around a report; Http404 otherwise."""
    seq = OuterRef("message__seq")
    beside = {"message__conversation": OuterRef("message__conversation"), "message__seq__range": (seq - AROUND, seq + AROUND)}
    return get_object_or_404(Attachment, Exists(list_reports_for(user).filter(**beside)), pk=attachment_id)


def record_of(person: User, *, but: MessageReport) -> ReportRecord:
    """What the person has to do with other reports."""
    others = MessageReport.objects.exclude(pk=but.pk).order_by("-created_at")
    return ReportRecord(person, list(others.filter(message__sender=person)), list(others.filter(reporter=person)))
