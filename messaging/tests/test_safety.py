"""Blocking, reporting, and what moderators decide."""

import uuid

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.http import Http404

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.exceptions import DomainError
from messaging import services
from messaging.exceptions import NotReachable, TooFast
from messaging.models import Block, MessageReport, Notification, OutgoingMail
from messaging.models.conversation import EARLIER
from messaging.selectors import get_message_to, has_blocked, is_blocked_between, may_write
from messaging.services.safety import MOST_OPEN
from messaging.tests.test_conversations import at_once, say

WHY = "This is what the rules of the site forbid."


@pytest.fixture
def moderator(moderator: User) -> User:
    moderator.user_permissions.set([Permission.objects.get(codename="moderate_messages")])
    return moderator


@pytest.fixture
def reported(buyer, freelancer) -> MessageReport:
    """The buyer reports a message of the freelancer."""
    message = say(freelancer, buyer, "Pay me outside")
    return services.report(actor=buyer, message_id=message.pk, reason="off_platform", note="Twice.")


# --- Blocking -------------------------------------------------------------------------------------------------------
def test_a_block_is_made_and_taken_back_any_number_of_times(buyer, freelancer):
    for _twice in range(2):
        services.block(actor=buyer, user=freelancer)
    assert (Block.objects.count(), may_write(buyer, freelancer), may_write(freelancer, buyer)) == (1, False, False)
    for _twice in range(2):
        services.unblock(actor=buyer, user=freelancer)
    assert (Block.objects.count(), may_write(buyer, freelancer)) == (0, True)


def test_nobody_takes_back_the_block_of_the_other_side(buyer, freelancer):
    services.block(actor=buyer, user=freelancer)
    services.unblock(actor=freelancer, user=buyer)
    assert (has_blocked(buyer, freelancer), is_blocked_between(freelancer, buyer)) == (True, True)


def test_nobody_blocks_themselves(buyer):
    with pytest.raises(NotReachable):
        services.block(actor=buyer, user=buyer)
    assert Block.objects.count() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_block_pressed_in_five_tabs_at_once_is_one(buyer, freelancer):
    assert at_once(*[lambda: services.block(actor=buyer, user=freelancer)] * 5) == []
    assert Block.objects.count() == 1


# --- Reporting ------------------------------------------------------------------------------------------------------
def test_a_report_keeps_who_why_and_the_words(reported, buyer):
    assert (reported.reporter, reported.reason, reported.note) == (buyer, "off_platform", "Twice.")
    assert reported.words == "Pay me outside"
    assert (reported.decision, reported.decided_by) == ("", None)


@pytest.mark.parametrize("then", ["Something else entirely", None], ids=["changed", "deleted"])
def test_a_report_keeps_every_wording_up_to_then_whatever_becomes_of_it_after(buyer, freelancer, then):
    before, after = say(freelancer, buyer, "Pay me outside"), say(freelancer, buyer, "To this account")
    services.change_message(actor=freelancer, message_id=before.pk, content=then)
    first = services.report(actor=buyer, message_id=before.pk, reason="scam")
    second = services.report(actor=buyer, message_id=after.pk, reason="scam")
    services.change_message(actor=freelancer, message_id=after.pk, content=then)
    second.refresh_from_db()
    assert first.words.split(EARLIER) == ["Pay me outside", *filter(None, [then])]
    assert second.words == "To this account"


def test_only_a_message_sent_to_oneself_can_be_reported(buyer, freelancer, stranger):
    message = say(freelancer, buyer)
    for who, pk in ((freelancer, message.pk), (stranger, message.pk), (buyer, uuid.uuid4())):
        with pytest.raises(Http404):
            services.report(actor=who, message_id=pk, reason="spam")
    assert MessageReport.objects.count() == 0


def test_a_message_is_reported_once(reported, buyer):
    with pytest.raises(DomainError) as refusal:
        services.report(actor=buyer, message_id=reported.message_id, reason="abuse")
    assert (refusal.value.code, MessageReport.objects.count()) == ("already_reported", 1)


@pytest.mark.parametrize(("reason", "note"), [("no_such_reason", ""), ("", ""), ("spam", "x" * 2001)])
def test_a_report_without_a_reason_or_with_a_novel_is_refused(buyer, freelancer, reason, note):
    with pytest.raises(DomainError, match="few words"):
        services.report(actor=buyer, message_id=say(freelancer, buyer).pk, reason=reason, note=note)
    assert MessageReport.objects.count() == 0


def test_only_so_many_reports_of_one_person_wait(buyer, freelancer, stranger, moderator):
    cache.clear()
    messages = [say(freelancer, buyer) for _n in range(MOST_OPEN + 1)]
    reports = [services.report(actor=buyer, message_id=message.pk, reason="spam") for message in messages[:-1]]
    with pytest.raises(TooFast, match="20"):
        services.report(actor=buyer, message_id=messages[-1].pk, reason="spam")
    services.report(actor=stranger, message_id=say(freelancer, stranger).pk, reason="spam")
    services.decide(actor=moderator, report_id=reports[0].pk, decision="dismissed", note=WHY)
    services.report(actor=buyer, message_id=messages[-1].pk, reason="spam")


def test_who_is_reported_hears_nothing_and_loses_nothing(reported, freelancer, buyer, moderator):
    services.decide(actor=moderator, report_id=reported.pk, decision="upheld", note=WHY)
    freelancer.refresh_from_db()
    assert (freelancer.is_active, may_write(freelancer, buyer)) == (True, True)
    assert Notification.objects.filter(user=freelancer).count() == 0
    assert get_message_to(buyer, reported.message_id).content == "Pay me outside"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_report_pressed_in_five_tabs_at_once_is_one(buyer, freelancer):
    message = say(freelancer, buyer)
    faults = at_once(*[lambda: services.report(actor=buyer, message_id=message.pk, reason="spam")] * 5)
    assert [getattr(fault, "code", fault) for fault in faults] == ["already_reported"] * 4
    assert MessageReport.objects.count() == 1


# --- Deciding -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("decision", "said"), [("upheld", "you were right"), ("dismissed", "found nothing wrong")])
def test_the_reporter_is_told_what_was_decided_and_why(reported, buyer, moderator, decision, said):
    decided = services.decide(actor=moderator, report_id=reported.pk, decision=decision, note=f"  {WHY} ")
    assert (decided.decision, decided.decision_note, decided.decided_by) == (decision, WHY, moderator)
    told = Notification.objects.get(user=buyer, kind="messaging.report_decided")
    assert told.subject == "Your report about José Ñíguez is decided"
    assert said in told.body
    assert WHY in told.body
    assert told.url == reported.message.conversation.get_absolute_url()
    assert OutgoingMail.objects.get().recipient == buyer.email


@pytest.mark.parametrize(
    ("decision", "note"), [("upheld", ""), ("upheld", "Too short."), ("upheld", " " * 30), ("", WHY), ("banned", WHY)]
)
def test_a_decision_needs_a_kind_and_a_reason(reported, moderator, decision, note):
    with pytest.raises(DomainError, match="20") as refusal:
        services.decide(actor=moderator, report_id=reported.pk, decision=decision, note=note)
    reported.refresh_from_db()
    assert (refusal.value.code, reported.decision, OutgoingMail.objects.count()) == ("reason_missing", "", 0)


def test_a_report_is_decided_once(reported, moderator):
    services.decide(actor=moderator, report_id=reported.pk, decision="upheld", note=WHY)
    with pytest.raises(DomainError, match="Ingrid Bø has decided it already") as refusal:
        services.decide(actor=moderator, report_id=reported.pk, decision="dismissed", note=WHY)
    reported.refresh_from_db()
    assert (refusal.value.code, reported.decision, OutgoingMail.objects.count()) == ("already_decided", "upheld", 1)


def test_nobody_decides_without_the_permission_or_about_themselves(reported, moderator, stranger, buyer, freelancer):
    for party in (buyer, freelancer):
        party.is_staff = party.is_superuser = True
        party.save()
    stranger.user_permissions.set(moderator.user_permissions.all())  # not staff
    other_desk = UserFactory(is_staff=True)
    for who in (stranger, buyer, freelancer, other_desk):
        with pytest.raises(Http404):
            services.decide(actor=who, report_id=reported.pk, decision="dismissed", note=WHY)
    reported.refresh_from_db()
    assert reported.decision == ""


def test_a_moderator_without_the_second_factor_that_is_asked_for_decides_nothing(reported, moderator, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    with pytest.raises(Http404):
        services.decide(actor=moderator, report_id=reported.pk, decision="dismissed", note=WHY)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_moderators_at_once_one_decides(reported, moderator):
    colleague = UserFactory(is_staff=True)
    colleague.user_permissions.set(moderator.user_permissions.all())
    faults = at_once(
        lambda: services.decide(actor=moderator, report_id=reported.pk, decision="upheld", note=WHY),
        lambda: services.decide(actor=colleague, report_id=reported.pk, decision="dismissed", note=WHY),
    )
    assert [fault.code for fault in faults] == ["already_decided"]
    assert Notification.objects.filter(kind="messaging.report_decided").count() == 1
