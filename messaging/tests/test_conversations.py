"""What is sent is kept once, numbered without a gap, and told to both sides."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection, connections
from django.http import Http404
from django.utils import timezone

from accounts.tests.factories import UserFactory
from messaging import services
from messaging.exceptions import AccountIsNew, MessageRefused, NotReachable, SentOtherwise, TooFast, TooLate
from messaging.models import Attachment, Block, Conversation, Message, Notification, OutgoingMail, Participation
from messaging.models.conversation import EARLIER, MOST_CHARACTERS
from messaging.selectors import (
    find_side,
    get_message_of,
    get_message_to,
    get_side_for,
    list_inbox,
    list_messages,
    list_sides_behind,
    may_write,
    search_messages,
)
from messaging.selectors.waiting import count_waiting
from messaging.services.conversations import MOST_FILES, MOST_KEPT, NEW_MAY_OPEN, PER_WINDOW


def say(sender, receiver, words="Hello", **more) -> Message:
    return services.send_message(
        actor=sender, receiver_id=receiver.pk, content=words, **{"client_id": f"device-{uuid.uuid4()}", **more}
    )


@pytest.fixture
def pushed(monkeypatch, django_capture_on_commit_callbacks):
    """What was pushed, as (group, event), instead of pushing it."""
    sent = []
    monkeypatch.setattr(
        "messaging.services.conversations.publish", lambda groups, event: sent.extend((group, event) for group in groups)
    )
    return sent


# --- Sending --------------------------------------------------------------------------------------------------------
def test_the_first_message_opens_the_one_conversation_of_the_two(buyer, freelancer):
    first = say(buyer, freelancer, "Do you draw owls?")
    second = say(freelancer, buyer, "I do.")
    assert first.conversation == second.conversation == Conversation.objects.get()
    assert (first.seq, second.seq) == (1, 2)
    assert first.conversation.started_by == buyer
    assert [(m.sender, m.receiver, m.content) for m in list_messages(find_side(buyer, freelancer.pk))] == [
        (buyer, freelancer, "Do you draw owls?"),
        (freelancer, buyer, "I do."),
    ]


def test_what_is_sent_again_is_the_same_message(buyer, freelancer):
    first = say(buyer, freelancer, client_id="device-1-00001")
    again = say(buyer, freelancer, client_id="device-1-00001")
    assert (again.pk, Message.objects.count(), Conversation.objects.get().last_seq) == (first.pk, 1, 1)


def test_two_people_may_choose_the_same_client_id(buyer, freelancer):
    say(buyer, freelancer, client_id="device-1-00001")
    say(freelancer, buyer, client_id="device-1-00001")
    assert Message.objects.count() == 2


def test_a_client_id_belongs_to_one_receiver(buyer, freelancer, stranger):
    say(buyer, freelancer, client_id="device-1-00001")
    with pytest.raises(SentOtherwise):
        say(buyer, stranger, client_id="device-1-00001")
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "client_id"),
    [
        ("", "device-1-00001"),
        (" \r\n ", "device-1-00001"),
        ("x" * 5001, "device-1-00001"),
        ("a\x00b", "device-1-00001"),
        ("turned \u202e round", "device-1-00001"),
        ("Hello", ""),
        ("Hello", "short"),
        ("Hello", "x" * 65),
        ("Hello", "dévice-00001"),
        ("Hello", "device\n00001"),
        ("Hello", "device\x0000001"),
    ],
)
def test_what_is_no_message_is_refused_and_leaves_nothing(buyer, freelancer, words, client_id):
    with pytest.raises(MessageRefused):
        say(buyer, freelancer, words, client_id=client_id)
    assert (Message.objects.count(), Conversation.objects.count(), Notification.objects.count()) == (0, 0, 0)


def test_words_are_kept_as_written_but_for_their_edges(buyer, freelancer):
    assert say(buyer, freelancer, "  <b>Größe</b>\r\nمرحبا 👩🏽‍🎨 \n").content == "<b>Größe</b>\nمرحبا 👩🏽‍🎨"
    assert len(say(buyer, freelancer, "é" * 5000).content) == 5000


def test_nobody_writes_to_themselves_to_nobody_or_to_who_has_left(buyer, freelancer):
    freelancer.is_active = False
    freelancer.save()
    for receiver in (buyer.pk, freelancer.pk, uuid.uuid4()):
        with pytest.raises(NotReachable):
            services.send_message(actor=buyer, receiver_id=receiver, content="Hello", client_id="device-1-00001")
    assert Conversation.objects.count() == 0


def test_an_order_must_be_one_of_these_two(buyer, freelancer, stranger, monkeypatch):
    order = uuid.uuid4()
    monkeypatch.setattr("messaging.deals.deals.is_between", lambda pk, people: pk == order and stranger in people)
    with pytest.raises(MessageRefused, match="order"):
        say(buyer, freelancer, order_id=order)
    assert Message.objects.count() == 0


def test_whoever_writes_too_fast_is_told_to_wait_and_the_others_are_not(buyer, freelancer):
    cache.clear()
    for _n in range(PER_WINDOW):
        say(buyer, freelancer)
    with pytest.raises(TooFast):
        say(buyer, freelancer)
    say(freelancer, buyer)
    assert Message.objects.count() == PER_WINDOW + 1


def test_a_new_account_opens_few_conversations_a_day_and_an_older_one_more(buyer):
    people = UserFactory.create_batch(NEW_MAY_OPEN + 2)
    for person in people[:NEW_MAY_OPEN]:
        say(buyer, person)
    with pytest.raises(AccountIsNew):
        say(buyer, people[-1])
    say(buyer, people[0], "Who is known may be written to.")
    say(people[-2], buyer, "So may who wrote first.")
    say(buyer, people[-2])
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        say(buyer, people[-1])


# --- Blocked --------------------------------------------------------------------------------------------------------
def test_neither_side_writes_over_a_block_unless_an_order_runs(buyer, freelancer, monkeypatch):
    say(buyer, freelancer)
    Block.objects.create(blocker=freelancer, blocked=buyer, created_at=timezone.now())
    for sender, receiver in ((buyer, freelancer), (freelancer, buyer)):
        assert not may_write(sender, receiver)
        with pytest.raises(NotReachable):
            say(sender, receiver)
    monkeypatch.setattr("messaging.deals.deals.have_running", lambda people: True)
    say(buyer, freelancer)
    assert Message.objects.count() == 2


def test_a_message_that_is_there_is_answered_even_after_a_block(buyer, freelancer):
    first = say(buyer, freelancer, client_id="device-1-00001")
    Block.objects.create(blocker=freelancer, blocked=buyer, created_at=timezone.now())
    assert say(buyer, freelancer, client_id="device-1-00001") == first


# --- Files ----------------------------------------------------------------------------------------------------------
def a_file(uploader, **fields) -> Attachment:
    return Attachment.objects.create(
        **{"uploader": uploader, "file": "messages/x.pdf", "name": "x.pdf", "content_type": "application/pdf"}
        | {"size": 3, "sha256": "0" * 64, "created_at": timezone.now()}
        | fields
    )


def test_files_go_with_the_message_in_the_order_they_were_named(buyer, freelancer):
    one, two = a_file(buyer, name="one.pdf"), a_file(buyer, name="two.pdf")
    message = say(buyer, freelancer, "", file_ids=[two.pk, one.pk])
    assert [file.name for file in message.attachments.all()] == ["two.pdf", "one.pdf"]


def test_a_file_of_somebody_else_or_of_another_message_is_refused_whole(buyer, freelancer, stranger):
    theirs, used, good = a_file(stranger), a_file(buyer), a_file(buyer)
    say(buyer, freelancer, file_ids=[used.pk])
    for bad in ([theirs.pk], [used.pk], [good.pk, uuid.uuid4()]):
        with pytest.raises(MessageRefused, match="file"):
            say(buyer, freelancer, "Look", file_ids=bad)
    good.refresh_from_db()
    assert (Message.objects.count(), good.message, Conversation.objects.get().last_seq) == (1, None, 1)
    with pytest.raises(MessageRefused, match=str(MOST_FILES)):
        say(buyer, freelancer, file_ids=[a_file(buyer).pk for _n in range(MOST_FILES + 1)])


# --- Seen and told --------------------------------------------------------------------------------------------------
def test_both_sides_hear_of_a_message_with_all_of_it(buyer, freelancer, pushed):
    message = say(buyer, freelancer, "Hello")
    assert [group for group, _event in pushed] == [f"person.{freelancer.pk.hex}", f"person.{buyer.pk.hex}"]
    event = pushed[0][1]
    assert event == pushed[1][1]
    assert event["type"] == "message.new"
    assert (event["message"]["id"], event["message"]["seq"], event["message"]["content"]) == (str(message.pk), 1, "Hello")


def test_only_the_first_unread_message_is_a_notification_and_none_is_a_mail(buyer, freelancer):
    for words in ("One", "Two", "Three"):
        say(buyer, freelancer, words)
    told = Notification.objects.get()
    assert (told.user, told.kind, told.subject, told.body) == (freelancer, "messaging.written", f"{buyer} writes to you", "One")
    assert told.url == Conversation.objects.get().get_absolute_url()
    assert OutgoingMail.objects.count() == 0


def test_a_muted_conversation_tells_nothing(buyer, freelancer):
    side = find_side(freelancer, say(buyer, freelancer).sender_id)
    services.mark_seen(actor=freelancer, conversation_id=side.conversation_id, read=1)
    services.arrange(actor=freelancer, conversation_id=side.conversation_id, muted=True)
    say(buyer, freelancer)
    assert Notification.objects.count() == 1
    assert count_waiting(freelancer) == (0, 0)


def test_who_answers_has_read_what_stood_before_and_the_bell_knows(buyer, freelancer):
    message = say(buyer, freelancer, "One")
    say(buyer, freelancer, "Two")
    assert Notification.objects.get(user=freelancer).read_at is None
    say(freelancer, buyer, "Three")
    assert Notification.objects.get(user=freelancer).read_at is not None
    assert find_side(freelancer, buyer.pk).unread == 0
    say(buyer, freelancer, "Four")
    assert [told.body for told in Notification.objects.filter(user=freelancer, read_at=None)] == ["Four"]
    services.mark_seen(actor=freelancer, conversation_id=message.conversation_id, read=4)
    assert Notification.objects.filter(user=freelancer, read_at=None).count() == 0


def test_reading_moves_forward_only_and_never_beyond_the_last_message(buyer, freelancer, pushed):
    conversation = [say(buyer, freelancer) for _n in range(3)][-1].conversation_id
    pushed.clear()
    seen = [services.mark_seen(actor=freelancer, conversation_id=conversation, read=n).read_seq for n in (2, 1, 0, 99)]
    assert seen == [2, 2, 2, 3]
    assert len(pushed) == 4  # two steps forward, told to both sides
    assert pushed[-1][1] == {
        "type": "message.read",
        "conversation": str(conversation),
        "reader": str(freelancer.pk),
        "delivered_seq": 3,
        "read_seq": 3,
    }
    assert Notification.objects.get().read_at is not None


def test_what_was_read_was_delivered_and_not_the_other_way_round(buyer, freelancer):
    conversation = [say(buyer, freelancer) for _n in range(3)][-1].conversation_id
    side = services.mark_seen(actor=freelancer, conversation_id=conversation, delivered=2)
    assert (side.delivered_seq, side.read_seq) == (2, 0)
    side = services.mark_seen(actor=freelancer, conversation_id=conversation, read=3)
    assert (side.delivered_seq, side.read_seq) == (3, 3)


def test_whoever_answers_has_read_what_stood_before(buyer, freelancer):
    say(buyer, freelancer)
    say(freelancer, buyer)
    assert [find_side(freelancer, buyer.pk).unread, find_side(buyer, freelancer.pk).unread] == [0, 1]


def test_a_stranger_sees_and_marks_nothing(buyer, freelancer, stranger):
    message = say(buyer, freelancer)
    for attempt in (
        lambda: get_side_for(stranger, message.conversation_id),
        lambda: get_message_of(stranger, message.pk),
        lambda: get_message_of(freelancer, message.pk),
        lambda: get_message_to(stranger, message.pk),
        lambda: get_message_to(buyer, message.pk),
        lambda: services.mark_seen(actor=stranger, conversation_id=message.conversation_id, read=1),
        lambda: services.arrange(actor=stranger, conversation_id=message.conversation_id, muted=True),
    ):
        with pytest.raises(Http404):
            attempt()
    assert search_messages(stranger, "Hello") == []
    assert list_sides_behind(stranger, {message.conversation_id: 0}) == []


# --- Changed --------------------------------------------------------------------------------------------------------
def test_a_message_is_corrected_and_the_first_words_are_kept_for_moderators(buyer, freelancer, pushed):
    message = say(buyer, freelancer, "Helo")
    services.change_message(actor=buyer, message_id=message.pk, content="Hello")
    changed = services.change_message(actor=buyer, message_id=message.pk, content="Hello!")
    assert (changed.content, changed.original.split(EARLIER), changed.seq) == ("Hello!", ["Helo", "Hello"], 1)
    assert pushed[-1][1]["type"] == "message.changed"
    assert pushed[-1][1]["message"]["edited_at"]


def test_the_same_words_again_change_nothing_and_changing_has_an_end_but_deleting_has_none(buyer, freelancer, pushed):
    message = say(buyer, freelancer, "x" * MOST_CHARACTERS)
    pushed.clear()
    same = services.change_message(actor=buyer, message_id=message.pk, content="x" * MOST_CHARACTERS)
    assert (same.original, same.edited_at, pushed) == ("", None, [])
    with pytest.raises(TooLate, match="too often"):
        for number in range(10):
            services.change_message(actor=buyer, message_id=message.pk, content=str(number) * MOST_CHARACTERS)
    message.refresh_from_db()
    assert len(message.original.split(EARLIER)) == MOST_KEPT // MOST_CHARACTERS
    assert services.change_message(actor=buyer, message_id=message.pk, content=None).content == ""


@pytest.mark.parametrize("words", ["\u200b", "\ufeff\ufeff", "\u00ad", "\u3164", "\u2800", "\u200d"])
def test_words_that_show_nothing_are_no_message(buyer, freelancer, words):
    with pytest.raises(MessageRefused, match="Write something"):
        say(buyer, freelancer, words)
    message = say(buyer, freelancer)
    with pytest.raises(MessageRefused, match="Write something"):
        services.change_message(actor=buyer, message_id=message.pk, content=words)


def test_a_deleted_message_keeps_its_number_and_says_nothing(buyer, freelancer, pushed):
    message = say(buyer, freelancer, "Secret", file_ids=[a_file(buyer).pk])
    gone = services.change_message(actor=buyer, message_id=message.pk, content=None)
    assert (gone.content, gone.original, gone.seq) == ("", "Secret", 1)
    frame = pushed[-1][1]["message"]
    assert (frame["deleted"], frame["content"], frame["files"]) == (True, "", [])
    assert "Secret" not in str(frame)


def test_only_its_writer_changes_a_message_and_only_for_a_quarter_of_an_hour(buyer, freelancer):
    message = say(buyer, freelancer, "Hello")
    with pytest.raises(TooLate):
        services.change_message(actor=freelancer, message_id=message.pk, content="Bye")
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)), pytest.raises(TooLate):
        services.change_message(actor=buyer, message_id=message.pk, content=None)
    services.change_message(actor=buyer, message_id=message.pk, content=None)
    with pytest.raises(TooLate):
        services.change_message(actor=buyer, message_id=message.pk, content="Back again")
    message.refresh_from_db()
    assert (message.content, message.original) == ("", "Hello")


def test_every_earlier_wording_is_kept(buyer, freelancer):
    message = say(buyer, freelancer, "One")
    for words in ("Two", "Three", None):
        message = services.change_message(actor=buyer, message_id=message.pk, content=words)
    assert message.original.split(EARLIER) == ["One", "Two", "Three"]


def test_a_correction_is_a_message_too_and_a_deletion_is_not(buyer, freelancer):
    message = say(buyer, freelancer, "Hello")
    Block.objects.create(blocker=freelancer, blocked=buyer, created_at=timezone.now())
    with pytest.raises(NotReachable):
        services.change_message(actor=buyer, message_id=message.pk, content="You will hear from me all the same")
    services.change_message(actor=buyer, message_id=message.pk, content=None)


def test_deleted_words_are_gone_from_the_bell_too(buyer, freelancer):
    message = say(buyer, freelancer, "Secret")
    services.change_message(actor=buyer, message_id=message.pk, content=None)
    assert list(Notification.objects.values_list("body", flat=True)) == [""]


def test_reading_a_conversation_reads_no_other_news_that_leads_there(buyer, freelancer):
    message = say(buyer, freelancer)
    url = message.conversation.get_absolute_url()
    other = Notification.objects.create(user=freelancer, kind="messaging.report_decided", subject="Decided", url=url)
    services.mark_seen(actor=freelancer, conversation_id=message.conversation_id, read=1)
    other.refresh_from_db()
    assert other.read_at is None


# --- The inbox ------------------------------------------------------------------------------------------------------
def test_the_inbox_has_the_latest_first_with_its_last_message_and_what_is_unread(buyer, freelancer, stranger):
    say(freelancer, buyer, "First")
    say(stranger, buyer, "Second")
    say(freelancer, buyer, "Third")
    rows = list_inbox(buyer)
    assert [(row.side.other, row.last.content, row.side.unread) for row in rows] == [
        (freelancer, "Third", 2),
        (stranger, "Second", 1),
    ]
    assert count_waiting(buyer)[1] == 2


def test_the_inbox_is_walked_in_pages_and_asks_as_often_for_many_as_for_one(buyer, django_assert_num_queries):
    say(UserFactory(), buyer)
    with django_assert_num_queries(3):
        list_inbox(buyer)
    for person in UserFactory.create_batch(35):
        say(person, buyer)
    with django_assert_num_queries(3):
        page = list_inbox(buyer)
    last = page[29].side
    rest = list_inbox(buyer, before=(last.last_at, last.pk))
    assert (len(page), len(rest)) == (31, 6)
    assert len({row.side.pk for row in page[:30] + rest}) == 36


def test_what_is_archived_comes_back_with_the_next_message(buyer, freelancer):
    conversation = say(freelancer, buyer).conversation_id
    services.arrange(actor=buyer, conversation_id=conversation, archived=True)
    assert (list_inbox(buyer), len(list_inbox(buyer, tab="archived")), len(list_inbox(freelancer))) == ([], 1, 1)
    say(freelancer, buyer)
    assert len(list_inbox(buyer)) == 1


def test_unread_is_a_filter(buyer, freelancer, stranger):
    conversation = say(freelancer, buyer).conversation_id
    say(stranger, buyer)
    services.mark_seen(actor=buyer, conversation_id=conversation, read=1)
    assert [row.side.other for row in list_inbox(buyer, tab="unread")] == [stranger]


def test_ones_messages_are_searched_and_nobody_elses(buyer, freelancer, stranger):
    say(buyer, freelancer, "About the Owl")
    say(freelancer, stranger, "Another owl")
    assert [message.content for message in search_messages(buyer, "owl")] == ["About the Owl"]


def test_going_back_and_catching_up_go_by_number(buyer, freelancer):
    cache.clear()
    for n in range(1, 26):
        say(buyer, freelancer, str(n))
    side = find_side(freelancer, buyer.pk)
    assert [message.seq for message in list_messages(side, limit=3)] == [23, 24, 25]
    assert [message.seq for message in list_messages(side, before=23, limit=3)] == [20, 21, 22]
    assert [message.seq for message in list_messages(side, after=20, limit=3)] == [21, 22, 23]
    behind = list_sides_behind(freelancer, {side.conversation_id: 20})
    assert [(row.conversation_id, row.last_seq) for row in behind] == [(side.conversation_id, 25)]
    assert list_sides_behind(freelancer, {side.conversation_id: 25}) == []


# --- Races ----------------------------------------------------------------------------------------------------------
def at_once(*calls) -> list[BaseException]:
    """Run the calls in a thread each, all starting together; what went wrong."""
    gate = threading.Barrier(len(calls))

    def run(call):
        try:
            gate.wait()
            call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(run, call) for call in calls]
    return [fault for future in futures if (fault := future.exception())]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_fifty_writers_at_once_leave_no_gap_and_no_double(buyer, freelancer):
    cache.clear()
    pairs = [(buyer, freelancer), (freelancer, buyer)]
    calls = [lambda n=n: say(*pairs[n % 2], str(n), client_id=f"device-{n:05}") for n in range(50)]
    assert at_once(*calls) == []
    assert Conversation.objects.count() == 1
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 51))
    assert sorted(Message.objects.values_list("content", flat=True), key=int) == [str(n) for n in range(50)]
    assert set(Participation.objects.values_list("last_seq", flat=True)) == {50}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("said_before", [0, 1])
def test_one_message_sent_by_ten_tabs_at_once_is_one_message(buyer, freelancer, said_before):
    cache.clear()
    for _message in range(said_before):
        say(freelancer, buyer)
    assert at_once(*[lambda: say(buyer, freelancer, client_id="device-1-00001") for _n in range(10)]) == []
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, said_before + 2))
    assert Conversation.objects.get().last_seq == said_before + 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_new_account_opens_as_few_conversations_at_once_as_one_after_the_other(buyer):
    people = UserFactory.create_batch(NEW_MAY_OPEN + 6)
    faults = at_once(*[lambda person=person: say(buyer, person) for person in people])
    assert [type(fault) for fault in faults] == [AccountIsNew] * 6
    assert Conversation.objects.filter(started_by=buyer).count() == NEW_MAY_OPEN


@pytest.mark.django_db(transaction=True)
def test_two_who_write_first_to_each_other_share_one_conversation(buyer, freelancer):
    cache.clear()
    if connection.vendor == "sqlite":
        say(buyer, freelancer)
        say(freelancer, buyer)
    else:
        assert at_once(lambda: say(buyer, freelancer), lambda: say(freelancer, buyer)) == []
    assert (Conversation.objects.count(), Participation.objects.count()) == (1, 2)
    assert sorted(Message.objects.values_list("seq", flat=True)) == [1, 2]
