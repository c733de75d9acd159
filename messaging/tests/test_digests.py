"""Mail about what nobody has read: late enough, seldom enough, and never at night."""

from datetime import UTC, datetime, time, timedelta
from io import StringIO
from threading import Thread

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

from accounts.tests.factories import UserFactory
from messaging import services
from messaging.letters import letter_for
from messaging.models import Attachment, Block, ContactSettings, Notification, OutgoingMail, Participation
from messaging.selectors import find_side
from messaging.selectors.contact import AT_MOST_EVERY, OLD_NEWS, UNREAD_FOR, is_quiet
from messaging.selectors.waiting import count_waiting
from messaging.services.contact import choose_contact
from messaging.services.digests import CHARACTERS, SHOWN, send_digests
from messaging.tests.test_conversations import at_once, say

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOON + UNREAD_FOR
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def noon():
    cache.clear()
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def told(kind="messaging.unread") -> list[Notification]:
    return list(Notification.objects.filter(kind=kind).order_by("pk"))


def mails() -> list[str]:
    return list(OutgoingMail.objects.order_by("pk").values_list("recipient", flat=True))


# --- When -------------------------------------------------------------------------------------------------------------
def test_what_nobody_has_read_for_five_minutes_is_mailed_once(buyer, freelancer):
    say(buyer, freelancer, "Do you draw owls?")
    assert [send_digests(now=at) for at in (LATER - timedelta(seconds=1), LATER, LATER + MINUTE)] == [0, 1, 0]
    assert mails() == [freelancer.email]
    (notification,) = told()
    assert notification.url == find_side(buyer, freelancer.pk).conversation.get_absolute_url()


def test_what_was_read_in_time_is_not_mailed(buyer, freelancer):
    message = say(buyer, freelancer)
    services.mark_seen(actor=freelancer, conversation_id=message.conversation_id, read=1)
    assert send_digests(now=LATER) == 0


def test_what_a_device_has_and_nobody_has_read_is_mailed(buyer, freelancer):
    message = say(buyer, freelancer)
    services.mark_seen(actor=freelancer, conversation_id=message.conversation_id, delivered=1)
    assert send_digests(now=LATER) == 1


def test_somebody_who_goes_on_writing_does_not_put_the_mail_off(buyer, freelancer, noon):
    for minute in range(5):
        noon.move_to(NOON + minute * MINUTE)
        say(buyer, freelancer, str(minute))
    assert send_digests(now=LATER) == 1


def test_one_conversation_is_mailed_about_once_an_hour_and_then_only_what_is_new(buyer, freelancer, noon):
    say(buyer, freelancer, "first")
    send_digests(now=LATER)
    noon.move_to(LATER + MINUTE)
    say(buyer, freelancer, "second")
    assert [send_digests(now=LATER + pause) for pause in (10 * MINUTE, AT_MOST_EVERY - MINUTE, AT_MOST_EVERY)] == [0, 0, 1]
    assert "second" in told()[1].body
    assert "first" not in told()[1].body


def test_two_conversations_are_two_mails(buyer, freelancer, stranger):
    say(buyer, freelancer)
    say(stranger, freelancer)
    assert send_digests(now=LATER) == 2
    assert mails() == [freelancer.email] * 2


@pytest.mark.parametrize("how", ["muted", "archived"])
def test_a_muted_or_archived_conversation_is_not_mailed(buyer, freelancer, how):
    message = say(buyer, freelancer)
    services.arrange(actor=freelancer, conversation_id=message.conversation_id, **{how: True})
    assert send_digests(now=LATER) == 0
    services.arrange(actor=freelancer, conversation_id=message.conversation_id, **{how: False})
    assert send_digests(now=LATER) == 1


def test_nothing_is_mailed_of_somebody_one_has_blocked_or_to_who_has_left(buyer, freelancer, stranger):
    say(buyer, freelancer)
    say(buyer, stranger)
    Block.objects.create(blocker=freelancer, blocked=buyer, created_at=NOON)
    stranger.is_active = False
    stranger.save()
    assert send_digests(now=LATER) == 0


def test_words_of_somebody_whose_account_was_closed_are_not_mailed(buyer, freelancer):
    say(buyer, freelancer, "Click here")
    buyer.is_active = False
    buyer.save()
    assert send_digests(now=LATER) == 0


def test_who_has_refused_these_mails_gets_none_and_the_bell_says_it(buyer, freelancer):
    services.opt_out(user=freelancer, kind="messaging.unread")
    say(buyer, freelancer)
    assert send_digests(now=LATER) == 1
    assert (len(told()), mails()) == (1, [])


def test_what_waits_since_long_ago_is_no_news_any_more(buyer, freelancer):
    say(buyer, freelancer)
    assert send_digests(now=NOON + OLD_NEWS) == 0


def test_the_bell_says_it_once(buyer, freelancer, stranger, noon):
    say(buyer, freelancer)
    say(stranger, freelancer)
    assert count_waiting(freelancer)[0] == 2
    send_digests(now=LATER)
    assert count_waiting(freelancer)[0] == 2
    assert all(row.read_at for row in told("messaging.written"))
    noon.move_to(LATER + MINUTE)
    say(buyer, freelancer)
    send_digests(now=LATER + AT_MOST_EVERY)
    assert count_waiting(freelancer)[0] == 2
    conversation = find_side(buyer, freelancer.pk).conversation_id
    services.mark_seen(actor=freelancer, conversation_id=conversation, read=2)
    assert count_waiting(freelancer)[0] == 1


# --- Quiet hours ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("here", "start", "end", "quiet"),
    [
        *[("13:00", "13:00", "14:00", True), ("13:59", "13:00", "14:00", True), ("14:00", "13:00", "14:00", False)],
        *[("12:59", "13:00", "14:00", False), ("22:00", "22:00", "07:00", True), ("00:00", "22:00", "07:00", True)],
        *[("06:59", "22:00", "07:00", True), ("07:00", "22:00", "07:00", False), ("21:59", "22:00", "07:00", False)],
        ("03:00", "00:00", "06:00", True),
    ],
)
def test_quiet_is_from_the_first_time_up_to_the_second_also_over_midnight(here, start, end, quiet):
    clock = time.fromisoformat(here)
    now = datetime(2026, 5, 4, clock.hour, clock.minute, tzinfo=UTC) + timedelta(seconds=30 if quiet else 0)
    times = {"start": time.fromisoformat(start), "end": time.fromisoformat(end)}
    assert is_quiet(now, time_zone="UTC", **times) is quiet


@pytest.mark.parametrize(
    ("utc", "quiet"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC, so the night ends at 05:00 UTC, an hour sooner.
        *[("2026-03-28T20:59", False), ("2026-03-28T21:00", True), ("2026-03-29T00:59", True), ("2026-03-29T01:00", True)],
        *[("2026-03-29T04:59", True), ("2026-03-29T05:00", False), ("2026-03-29T19:59", False), ("2026-03-29T20:00", True)],
        # 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC, so the night ends at 06:00 UTC.
        *[("2026-10-24T20:00", True), ("2026-10-25T00:30", True), ("2026-10-25T01:30", True), ("2026-10-25T05:59", True)],
        *[("2026-10-25T06:00", False), ("2026-10-25T20:59", False), ("2026-10-25T21:00", True)],
    ],
)
def test_quiet_hours_follow_the_clock_on_the_wall_when_it_changes(utc, quiet):
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert is_quiet(now, time_zone="Europe/Berlin", start=time(22), end=time(7)) is quiet


def test_who_has_chosen_no_quiet_hours_has_none(buyer, freelancer):
    assert not is_quiet(NOON, time_zone="UTC", start=None, end=None)


def test_in_quiet_hours_the_mail_waits_and_comes_when_they_are_over(buyer, freelancer):
    freelancer.time_zone = "Asia/Tokyo"  # 21:00 at noon UTC
    freelancer.save()
    choose_contact(actor=freelancer, shows_presence=True, quiet_from=time(20), quiet_until=time(6))
    say(buyer, freelancer)
    assert [send_digests(now=NOON + hours * timedelta(hours=1)) for hours in (1, 5, 8.9, 9)] == [0, 0, 0, 1]


def test_the_quiet_hours_of_the_sender_are_nobody_elses(buyer, freelancer):
    choose_contact(actor=buyer, shows_presence=True, quiet_from=time(0), quiet_until=time(23, 59))
    say(buyer, freelancer)
    assert send_digests(now=LATER) == 1


# --- What it says -----------------------------------------------------------------------------------------------------
def test_the_mail_has_what_was_written_and_when_in_the_readers_zone(buyer, freelancer):
    freelancer.time_zone = "Europe/Berlin"
    freelancer.save()
    say(buyer, freelancer, "Do you draw <b>owls</b>?\nOr bats?")
    send_digests(now=LATER)
    (notification,) = told()
    assert notification.subject == f"{buyer} wrote to you"
    assert notification.body == "Mon 4 May, 14:00\nDo you draw <b>owls</b>?\nOr bats?"
    letter = letter_for(notification)
    assert "Do you draw &lt;b&gt;owls&lt;/b&gt;?" in letter.html
    assert "Do you draw <b>owls</b>?" in letter.text


def test_of_many_messages_the_first_are_shown_and_the_rest_counted(buyer, freelancer):
    for number in range(SHOWN + 3):
        say(buyer, freelancer, f"number {number}.")
    send_digests(now=LATER)
    (notification,) = told()
    assert notification.subject == f"{buyer} wrote {SHOWN + 3} messages to you"
    assert f"number {SHOWN - 1}." in notification.body
    assert f"number {SHOWN}." not in notification.body
    assert notification.body.endswith("… and 3 more.")


def test_a_long_message_is_cut(buyer, freelancer):
    say(buyer, freelancer, "é" * 4000)
    send_digests(now=LATER)
    assert told()[0].body.count("é") == CHARACTERS - 1  # and an ellipsis
    assert "…" in told()[0].body


def test_files_are_counted(buyer, freelancer):
    files = [
        Attachment.objects.create(
            uploader=buyer, file=ContentFile(b"x", "a.pdf"), name="a.pdf", content_type="x/y", size=1, sha256="", created_at=NOON
        )
        for _ in range(2)
    ]
    say(buyer, freelancer, "", file_ids=[file.pk for file in files])
    send_digests(now=LATER)
    assert "(with 2 files)" in told()[0].body


def test_what_was_deleted_is_not_repeated_and_what_was_read_neither(buyer, freelancer):
    read, deleted = say(buyer, freelancer, "read"), say(buyer, freelancer, "deleted")
    services.mark_seen(actor=freelancer, conversation_id=read.conversation_id, read=1)
    services.change_message(actor=buyer, message_id=deleted.pk, content=None)
    assert send_digests(now=LATER) == 0
    say(buyer, freelancer, "left")
    Participation.objects.update(mailed_seq=0, mailed_at=None)
    assert send_digests(now=LATER + UNREAD_FOR) == 1
    assert told()[0].body.endswith("\nleft")
    assert not {"read", "deleted"} & set(told()[0].body.split())


@pytest.mark.parametrize("content", [None, "Never mind."])
def test_what_is_taken_back_after_the_digest_was_made_is_not_in_its_mail(buyer, freelancer, content):
    message = say(buyer, freelancer, "My password is owl")
    send_digests(now=LATER)
    services.change_message(actor=buyer, message_id=message.pk, content=content)
    assert services.send_due_mail(now=LATER) == 1
    assert "owl" not in str(mail.outbox[0].message())
    assert told()[0].body == ""


# --- The sweep --------------------------------------------------------------------------------------------------------
def test_thirty_conversations_cost_no_more_questions_than_two(freelancer, django_assert_max_num_queries):
    senders = [UserFactory() for _ in range(30)]
    for sender in senders[:2]:
        say(sender, freelancer)
    with django_assert_max_num_queries(14) as asked:
        assert send_digests(now=LATER) == 2
    few = len(asked)
    for sender in senders[2:]:
        say(sender, freelancer)
    with django_assert_max_num_queries(few):
        assert send_digests(now=LATER) == 28


def test_a_sweep_tells_no_more_than_its_limit(buyer, freelancer, stranger):
    say(buyer, freelancer)
    say(stranger, freelancer)
    assert (send_digests(now=LATER, limit=1), send_digests(now=LATER)) == (1, 1)


def test_the_command_is_the_same_sweep(buyer, freelancer, noon):
    say(buyer, freelancer)
    noon.move_to(LATER)
    out = StringIO()
    call_command("send_digests", stdout=out)
    call_command("send_digests", stdout=out, verbosity=0)
    assert out.getvalue() == "1 conversations told\n"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_tell_each_conversation_once(freelancer):
    for number in range(20):
        say(UserFactory(email=f"p{number}@example.com"), freelancer)
    OutgoingMail.objects.all().delete()
    assert at_once(*[lambda: send_digests(now=timezone.now() + UNREAD_FOR)] * 4) == []
    assert len(told()) == 20
    assert len({row.url for row in told()}) == 20


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_while_a_digest_is_made_is_not_in_it(buyer, freelancer):
    message = say(buyer, freelancer, "My password is owl")

    def make() -> None:
        send_digests(now=LATER)
        connections.close_all()

    maker = Thread(target=make)
    with transaction.atomic():
        services.change_message(actor=buyer, message_id=message.pk, content=None)
        maker.start()
        maker.join(0.5)  # it waits to hear what becomes of these words
        assert maker.is_alive()
    maker.join()
    assert not any("owl" in row.body for row in told())


# --- What a person has chosen -----------------------------------------------------------------------------------------
def test_a_choice_is_one_row_a_person(buyer):
    choose_contact(actor=buyer, shows_presence=False, quiet_from=time(22), quiet_until=time(7))
    choose_contact(actor=buyer, shows_presence=True, quiet_from=None, quiet_until=None)
    chosen = ContactSettings.objects.get(user=buyer)
    assert (chosen.shows_presence, chosen.quiet_from, chosen.quiet_until) == (True, None, None)


def test_who_hides_is_gone_from_the_eyes_of_others_at_once(buyer, monkeypatch):
    seen = []
    monkeypatch.setattr("messaging.presence.publish", lambda group, event: seen.append(event["state"]))
    cache.set(f"here:{buyer.pk.hex}", "here", 60)
    choose_contact(actor=buyer, shows_presence=False, quiet_from=None, quiet_until=None)
    assert seen == ["hidden"]
