"""The pages of conversations: what each person finds there, and that every form works without script."""

import json
import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import UserFactory
from messaging import services
from messaging.models import Attachment, Message, Participation
from messaging.selectors import find_side, get_side_for
from messaging.templatetags.conversations import linked
from messaging.tests.test_conversations import say

INBOX = reverse("messaging:inbox")
HTMX = {"HTTP_HX_REQUEST": "true"}
JSON = {"HTTP_ACCEPT": "application/json"}


def page_of(message: Message) -> str:
    return message.conversation.get_absolute_url()


def to(name: str, one: object) -> str:
    return reverse(f"messaging:{name}", args=[getattr(one, "pk", one)])


def written(words="Hello", **fields) -> dict:
    return {"content": words, "client_id": f"page-{uuid.uuid4()}", **fields}


def words_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<template.*?</template>|<[^>]+>", " ", response.content.decode(), flags=re.DOTALL))


# --- The inbox --------------------------------------------------------------------------------------------------------
def test_the_inbox_shows_ones_conversations_the_latest_first_with_what_is_unread(buyer, freelancer, stranger, sign_in):
    say(buyer, freelancer, "An owl?")
    say(stranger, buyer, "One")
    say(stranger, buyer, "Two")
    say(freelancer, stranger, "Not for the buyer")
    response = sign_in(buyer).get(INBOX)
    assert [row.side.other for row in response.context["rows"]] == [stranger, freelancer]
    page = words_of(response)
    assert "2 unread messages" in page
    assert "You: An owl?" in page
    assert "Not for the buyer" not in page


@pytest.mark.parametrize(
    ("tab", "title"),
    [
        ("", "Nobody has written yet"),
        ("unread", "Everything is read"),
        ("orders", "Nothing about orders yet"),
        ("archived", "Nothing put away"),
    ],
)
def test_an_empty_list_says_why_and_what_to_do(buyer, sign_in, tab, title):
    assert title in words_of(sign_in(buyer).get(INBOX, {"tab": tab}))


def test_the_tabs_choose(buyer, freelancer, stranger, sign_in):
    read, unread = say(buyer, freelancer), say(stranger, buyer)
    services.arrange(actor=buyer, conversation_id=read.conversation_id, archived=True)
    client = sign_in(buyer)

    def shown(tab: str) -> list:
        return [row.side.conversation for row in client.get(INBOX, {"tab": tab}).context["rows"]]

    assert [shown(tab) for tab in ("", "unread", "archived", "orders")] == [
        [unread.conversation],
        [unread.conversation],
        [read.conversation],
        [],
    ]


def test_the_search_finds_ones_own_messages_and_leads_to_them(buyer, freelancer, stranger, sign_in):
    messages = [say(buyer, freelancer, f"owl {n}" if n == 3 else f"line {n}") for n in range(1, 5)]
    say(freelancer, stranger, "an owl of others")
    response = sign_in(buyer).get(INBOX, {"q": "OWL"})
    (found,) = response.context["found"]
    assert found == {"message": messages[2], "href": f"{page_of(messages[2])}#message-{messages[2].pk}"}
    assert "Nothing found" in words_of(sign_in(stranger).get(INBOX, {"q": "eagle"}))


def test_the_search_asks_as_many_questions_for_thirty_messages_as_for_one(buyer, sign_in, django_assert_num_queries):
    client = sign_in(buyer)
    say(UserFactory(), buyer, "an owl")
    client.get(INBOX)
    with django_assert_num_queries(4):  # person, messages, their conversations, the header's numbers
        client.get(INBOX, {"q": "owl"})
    for _n in range(29):
        say(UserFactory(), buyer, "an owl")
    with django_assert_num_queries(4):
        client.get(INBOX, {"q": "owl"})


def test_a_message_far_back_is_found_with_what_was_said_around_it(buyer, freelancer, sign_in, monkeypatch):
    monkeypatch.setattr("messaging.services.conversations.PER_WINDOW", 1_000)  # Redis has a clock of its own
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for n in range(120):
            clock.shift(11)
            say(buyer, freelancer, f"line {n}")
    client = sign_in(freelancer)
    (found,) = client.get(INBOX, {"q": "line 10"}).context["found"][-1:]
    shown = client.get(found["href"].split("#")[0]).context
    assert found["message"] in [bubble.message for bubble in shown["bubbles"]]
    assert shown["later"] == shown["bubbles"][-1].message.seq


def test_older_conversations_follow_by_the_last_row_seen(buyer, sign_in):
    others = [UserFactory() for _n in range(32)]
    for other in others:
        say(other, buyer)
    client = sign_in(buyer)
    first = client.get(INBOX)
    assert len(first.context["rows"]) == 30
    address = re.search(r'href="(\?before=[^"]+)"', first.content.decode())[1].replace("&amp;", "&")
    second = client.get(INBOX + address)
    assert {row.side.other for row in second.context["rows"]} == {*others[:2]}
    assert second.context["older"] is None


@pytest.mark.parametrize(
    "query",
    [
        *("tab=all", "before=x", "before=,1", "before=2026-11-21,1", "before=2026-99-99T00:00:00Z,1", "q=%00"),
        *("before=0001-01-01T00:00:00%2B14:00,1", "before=9999-12-31T23:59:59-14:00,1", "before=2026-11-21T00:00:00Z,1e3"),
    ],
)
def test_a_senseless_address_shows_the_inbox(buyer, freelancer, sign_in, query):
    say(freelancer, buyer)
    assert len(sign_in(buyer).get(f"{INBOX}?{query}").context["rows"]) == 1


def test_the_inbox_asks_as_many_questions_for_thirty_rows_as_for_one(buyer, sign_in, django_assert_num_queries):
    client = sign_in(buyer)
    say(UserFactory(), buyer)
    client.get(INBOX)
    with django_assert_num_queries(5):  # person, sides, last messages, their files, the header's numbers
        client.get(INBOX)
    for _n in range(29):
        say(UserFactory(), buyer)
    with django_assert_num_queries(5):
        client.get(INBOX)


def test_the_header_counts_conversations_with_something_unread(buyer, freelancer, stranger, sign_in):
    say(freelancer, buyer)
    say(freelancer, buyer)
    muted = say(stranger, buyer)
    services.arrange(actor=buyer, conversation_id=muted.conversation_id, muted=True)
    assert "Messages: 1 unread conversation " in words_of(sign_in(buyer).get(reverse("messaging:notifications")))


# --- A conversation ---------------------------------------------------------------------------------------------------
def test_a_conversation_is_shown_to_its_two_and_to_nobody_else(buyer, freelancer, stranger, moderator, sign_in):
    message = say(buyer, freelancer, "Between us")
    for person, status in ((buyer, 200), (freelancer, 200), (stranger, 404), (moderator, 404)):
        assert sign_in(person).get(page_of(message)).status_code == status
    assert "/accounts/login/" in Client().get(page_of(message)).headers["Location"]


def test_reading_the_page_marks_nothing_and_the_button_does(buyer, freelancer, sign_in):
    message = say(buyer, freelancer)
    client = sign_in(freelancer)
    client.get(page_of(message))
    assert find_side(freelancer, buyer.pk).unread == 1
    assert client.post(to("seen", message.conversation), {"read": "1"}).status_code == 302
    assert find_side(freelancer, buyer.pk).unread == 0


def test_ones_own_messages_say_how_far_the_other_side_has_them(buyer, freelancer, sign_in):
    messages = [say(buyer, freelancer) for _n in range(3)]
    services.mark_seen(actor=freelancer, conversation_id=messages[0].conversation_id, delivered=2, read=1)
    bubbles = sign_in(buyer).get(page_of(messages[0])).context["bubbles"]
    assert [bubble.state for bubble in bubbles] == ["read", "delivered", "sent"]
    theirs = sign_in(freelancer).get(page_of(messages[0])).context["bubbles"]
    assert [bubble.state for bubble in theirs] == ["", "", ""]


def test_a_line_stands_before_the_first_unread_message(buyer, freelancer, sign_in):
    messages = [say(buyer, freelancer) for _n in range(3)]
    services.mark_seen(actor=freelancer, conversation_id=messages[0].conversation_id, read=1)
    bubbles = sign_in(freelancer).get(page_of(messages[0])).context["bubbles"]
    assert [bubble.is_first_unread for bubble in bubbles] == [False, True, False]
    assert not any(bubble.is_first_unread for bubble in sign_in(buyer).get(page_of(messages[0])).context["bubbles"])


def test_days_and_times_are_the_readers(buyer, freelancer, sign_in):
    freelancer.time_zone = "Asia/Tokyo"
    freelancer.save()
    with time_machine.travel("2026-05-04T23:30:00Z", tick=False):
        message = say(buyer, freelancer)
    assert "Mon 4 May 2026" in words_of(sign_in(buyer).get(page_of(message)))
    tokyo = words_of(sign_in(freelancer).get(page_of(message)))
    assert "Tue 5 May 2026" in tokyo
    assert "08:30" in tokyo


def test_earlier_messages_follow_by_number_as_a_page_and_as_a_part(buyer, freelancer, sign_in, monkeypatch):
    monkeypatch.setattr("messaging.services.conversations.PER_WINDOW", 1_000)  # Redis has a clock of its own
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for n in range(1, 61):
            clock.shift(11)
            message = say(buyer, freelancer, f"line {n}.")
    client = sign_in(freelancer)
    assert client.get(page_of(message)).context["earlier"] == 11
    page = client.get(page_of(message), {"before": 11})
    assert [bubble.message.seq for bubble in page.context["bubbles"]] == [*range(1, 11)]
    assert (page.context["earlier"], page.context["later"]) == (0, 10)
    part = client.get(page_of(message), {"before": 11, "part": "earlier"}, **HTMX).content.decode()
    assert "<html" not in part
    assert part.count('class="bubble ') == 10
    assert len(client.get(page_of(message), {"after": 10}).context["bubbles"]) == 50


@pytest.mark.parametrize("query", ["before=0", "before=x", "after=-1", "order=x", "before=99999999999999999999", "part=x"])
def test_a_senseless_place_in_a_conversation_shows_its_end(buyer, freelancer, sign_in, query):
    message = say(buyer, freelancer)
    response = sign_in(buyer).get(f"{page_of(message)}?{query}")
    assert [bubble.message for bubble in response.context["bubbles"]] == [message]


def test_a_conversation_asks_as_many_questions_for_thirty_messages_as_for_one(
    buyer, freelancer, sign_in, django_assert_num_queries
):
    message = say(buyer, freelancer)
    client = sign_in(freelancer)
    client.get(page_of(message))
    with django_assert_num_queries(8) as one:
        client.get(page_of(message))
    for n in range(29):
        say(buyer if n % 2 else freelancer, freelancer if n % 2 else buyer)
    with django_assert_num_queries(len(one)):
        client.get(page_of(message))


def test_peoples_words_are_text_and_their_addresses_links(buyer, freelancer, sign_in):
    message = say(buyer, freelancer, "<img src=x onerror=alert(1)> (see https://example.com/a?b=1&c=2).\njavascript:alert(1)")
    page = sign_in(freelancer).get(page_of(message)).content.decode()
    assert "<img src=x" not in page
    assert '(see <a href="https://example.com/a?b=1&amp;c=2" rel="nofollow ugc noopener noreferrer">' in page
    assert 'href="javascript' not in page


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        ("https://a.example", ["https://a.example"]),
        ("see HTTP://a.example/x, and https://b.example/?q=1!", ["HTTP://a.example/x", "https://b.example/?q=1"]),
        ('"https://a.example/x"', ["https://a.example/x"]),
        ("https://a.example/<b>", ["https://a.example/"]),
        ("ftp://a.example mailto:a@b.example data:x www.a.example", []),
        ("https://", []),
    ],
)
def test_only_web_addresses_become_links(words, addresses):
    assert re.findall(r'href="([^"]*)"', linked(words)) == addresses


def test_the_patterns_of_the_script_are_made_without_asking_the_database(buyer, freelancer, sign_in):
    page = sign_in(buyer).get(reverse("messaging:write", args=[freelancer.handle])).content.decode()
    assert page.count("<template data-pattern") == 4
    assert reverse("orders:detail", args=[uuid.UUID(int=1)]) in page
    assert to("file", uuid.UUID(int=2)) in page


# --- Writing ------------------------------------------------------------------------------------------------------------
def test_the_first_message_opens_the_conversation(buyer, freelancer, sign_in):
    client, address = sign_in(buyer), reverse("messaging:write", args=[freelancer.handle])
    assert "Nothing has been said yet" in words_of(client.get(address))
    response = client.post(address, written("Do you draw owls?"))
    message = Message.objects.get()
    assert (message.sender, message.receiver, message.content) == (buyer, freelancer, "Do you draw owls?")
    assert response.headers["Location"] == f"{page_of(message)}#message-{message.pk}"
    assert client.get(address, {"write": "on"}).headers["Location"] == f"{page_of(message)}?write=on"


def test_a_double_press_is_one_message(buyer, freelancer, sign_in):
    message = say(freelancer, buyer)
    client, form = sign_in(buyer), written("Once")
    for _press in range(2):
        assert client.post(to("send", message.conversation), form).status_code == 302
    assert Message.objects.filter(content="Once").count() == 1


def test_each_page_names_its_message_anew(buyer, freelancer, sign_in):
    message, client = say(buyer, freelancer), sign_in(buyer)
    names = {re.search(r'name="client_id" value="([^"]+)"', client.get(page_of(message)).content.decode())[1] for _n in range(2)}
    assert len(names) == 2


def test_a_refused_message_is_shown_again_with_its_words(buyer, freelancer, sign_in):
    message = say(buyer, freelancer)
    response = sign_in(buyer).post(to("send", message.conversation), written("turned \u202e round"))
    assert response.status_code == 422
    assert "Remove the invisible characters" in words_of(response)
    assert "turned" in response.content.decode()
    assert Message.objects.count() == 1


def test_nobody_writes_into_a_conversation_of_others(buyer, freelancer, stranger, sign_in):
    message = say(buyer, freelancer)
    assert sign_in(stranger).post(to("send", message.conversation), written()).status_code == 404
    assert Message.objects.count() == 1


def test_there_is_no_writing_to_oneself_to_nobody_or_to_who_has_left(buyer, freelancer, sign_in):
    freelancer.is_active = False
    freelancer.save()
    for handle in (buyer.handle, freelancer.handle, "nobody-here", "no%00body"):
        assert sign_in(buyer).get(f"/messages/with/{handle}/").status_code == 404


def test_a_script_gets_the_message_as_on_a_socket_and_its_refusals_as_json(buyer, freelancer, sign_in):
    client, address = sign_in(buyer), reverse("messaging:write", args=[freelancer.handle])
    sent = client.post(address, written("By script, to a@example.com", warned="on"), **JSON)
    assert (sent.status_code, sent.json()["content"], sent.json()["seq"]) == (200, "By script, to a@example.com", 1)
    refused = client.post(address, written("  "), **JSON)
    assert (refused.status_code, refused.json()["code"]) == (422, "message_refused")
    unreadable = client.post(address, written("x", file_ids="nonsense"), **JSON)
    assert (unreadable.status_code, unreadable.json()["code"]) == (422, "unknown_file")


def test_a_text_that_leads_away_is_warned_about_once_and_then_sent(buyer, freelancer, sign_in):
    message, client = say(freelancer, buyer), sign_in(buyer)
    form = written("Write to amara@example.com, and pay me outside")
    warned = client.post(to("send", message.conversation), form)
    assert warned.status_code == 422
    assert "an e-mail address, an offer to pay outside this site" in words_of(warned)
    assert "amara@example.com" in warned.content.decode()
    assert Message.objects.count() == 1
    client.post(to("send", message.conversation), {**form, "warned": "on"})
    assert Message.objects.get(sender=buyer).content == form["content"]


def test_an_answer_that_refuses_to_leave_is_sent_without_a_word(buyer, freelancer, sign_in):
    message = say(freelancer, buyer, "Pay me outside the platform")
    assert sign_in(buyer).post(to("send", message.conversation), written("No. I only work on here.")).status_code == 302


def test_an_order_of_others_is_refused_on_the_page(buyer, freelancer, sign_in):
    message = say(buyer, freelancer)
    response = sign_in(buyer).post(to("send", message.conversation), written(order=str(uuid.uuid4())))
    assert (response.status_code, Message.objects.count()) == (422, 1)


def test_without_script_the_page_that_is_read_reloads_itself_and_the_one_to_write_in_does_not(buyer, freelancer, sign_in):
    message, client = say(freelancer, buyer), sign_in(buyer)
    reload = '<noscript><meta http-equiv="refresh" content="15"></noscript>'
    assert reload in client.get(page_of(message)).content.decode()
    assert reload not in client.get(page_of(message), {"write": "on"}).content.decode()
    assert reload not in client.post(to("send", message.conversation), written("")).content.decode()


# --- Changing, arranging ----------------------------------------------------------------------------------------------
def test_ones_own_message_can_be_corrected_and_deleted_for_a_while(buyer, freelancer, sign_in):
    message, client = say(buyer, freelancer, "Helo"), sign_in(buyer)
    assert to("change", message) in client.get(page_of(message)).content.decode()
    assert "Helo" in client.get(to("change", message)).content.decode()
    client.post(to("change", message), {"content": "Hello"})
    assert "Hello" in words_of(client.get(page_of(message)))
    assert client.post(to("delete", message)).status_code == 302
    assert "This message was deleted." in words_of(client.get(page_of(message)))
    assert client.post(to("change", message), {"content": "Back"}).status_code == 422


def test_what_could_be_sent_can_be_corrected(buyer, freelancer, sign_in):
    message = say(buyer, freelancer, "\u200fשלום\u200e 5 USD")
    assert sign_in(buyer).post(to("change", message), {"content": "\u200fשלום\u200e 6 USD"}).status_code == 302
    message.refresh_from_db()
    assert message.content == "\u200fשלום\u200e 6 USD"


def test_after_a_quarter_of_an_hour_the_page_offers_no_change_and_refuses_one(buyer, freelancer, sign_in):
    message, client = say(buyer, freelancer, "Helo"), sign_in(buyer)
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        page = re.sub(r"<template.*?</template>", "", client.get(page_of(message)).content.decode(), flags=re.DOTALL)
        assert to("change", message) not in page
        led_back = client.get(to("change", message), follow=True)
        assert led_back.redirect_chain == [(f"{page_of(message)}#message-{message.pk}", 302)]
        assert "within 15 minutes" in words_of(led_back)
        assert "within 15 minutes" in words_of(client.post(to("change", message), {"content": "Hello"}))
        assert "within 15 minutes" in words_of(client.post(to("delete", message), follow=True))
    message.refresh_from_db()
    assert message.content == "Helo"


def test_only_the_writer_changes_a_message(buyer, freelancer, stranger, sign_in):
    message = say(buyer, freelancer, "Mine")
    for person in (freelancer, stranger):
        for name in ("change", "delete"):
            assert sign_in(person).post(to(name, message), {"content": "Theirs"}).status_code == 404
    message.refresh_from_db()
    assert (message.content, message.deleted_at) == ("Mine", None)


def test_a_conversation_is_muted_and_put_away_for_oneself_alone(buyer, freelancer, stranger, sign_in):
    message, client = say(buyer, freelancer), sign_in(buyer)
    client.post(to("arrange", message.conversation), {"muted": "true"})
    assert client.post(to("arrange", message.conversation), {"archived": "true"}).headers["Location"] == INBOX
    mine, theirs = Participation.objects.get(user=buyer), Participation.objects.get(user=freelancer)
    assert (mine.muted, mine.archived, theirs.muted, theirs.archived) == (True, True, False, False)
    client.post(to("arrange", message.conversation), {"muted": "false"})
    assert get_side_for(buyer, message.conversation_id).muted is False
    assert get_side_for(buyer, message.conversation_id).archived is True
    assert sign_in(stranger).post(to("arrange", message.conversation), {"muted": "true"}).status_code == 404


@pytest.mark.parametrize("name", ["send", "seen", "arrange"])
def test_what_writes_takes_no_get(buyer, freelancer, sign_in, name):
    assert sign_in(buyer).get(to(name, say(buyer, freelancer).conversation)).status_code == 405


# --- Blocking and reporting -------------------------------------------------------------------------------------------
def test_a_blocked_person_is_not_written_to_until_they_are_let_in_again(buyer, freelancer, sign_in):
    message, client = say(buyer, freelancer), sign_in(buyer)
    client.post(reverse("messaging:block", args=[freelancer.handle]))
    page = words_of(client.get(page_of(message)))
    assert "You have blocked José Ñíguez" in page
    assert "data-chat-form" not in client.get(page_of(message)).content.decode()
    theirs = words_of(sign_in(freelancer).get(page_of(message)))
    assert "You cannot write to this person." in theirs
    assert "blocked" not in theirs
    assert client.post(to("send", message.conversation), written()).status_code == 422
    client.post(reverse("messaging:unblock", args=[freelancer.handle]))
    assert client.post(to("send", message.conversation), written()).status_code == 302


def test_a_message_one_was_sent_can_be_reported(buyer, freelancer, stranger, sign_in):
    message = say(freelancer, buyer, "Pay me outside")
    client = sign_in(buyer)
    assert "Pay me outside" in words_of(client.get(to("report", message)))
    assert client.post(to("report", message), {}).status_code == 422
    assert client.post(to("report", message), {"reason": "off_platform", "note": "Asked twice."}).status_code == 302
    report = message.reports.get()
    assert (report.reporter, report.reason, report.note, report.words) == (
        buyer,
        "off_platform",
        "Asked twice.",
        "Pay me outside",
    )
    for person in (freelancer, stranger):
        assert sign_in(person).get(to("report", message)).status_code == 404


# --- Files --------------------------------------------------------------------------------------------------------------
def test_files_go_with_the_form_and_only_the_two_may_have_them(buyer, freelancer, stranger, sign_in):
    client, address = sign_in(buyer), reverse("messaging:write", args=[freelancer.handle])
    client.post(address, written("", uploads=[SimpleUploadedFile("plan.txt", b"one"), SimpleUploadedFile("list.txt", b"two")]))
    message = Message.objects.get()
    assert [file.name for file in message.attachments.all()] == ["plan.txt", "list.txt"]
    file = message.attachments.all()[0]
    assert "plan.txt" in words_of(client.get(page_of(message)))
    for person, status in ((buyer, 200), (freelancer, 200), (stranger, 404)):
        response = sign_in(person).get(to("file", file))
        assert response.status_code == status
        if status == 200:
            assert (response.getvalue(), response.headers["Content-Disposition"]) == (b"one", 'attachment; filename="plan.txt"')


@pytest.mark.parametrize(("kept", "chosen", "answer"), [(0, 6, 422), (3, 3, 422), (6, 0, 422), (3, 2, 302)])
def test_too_many_files_are_refused_together_before_any_is_kept(buyer, freelancer, sign_in, kept, chosen, answer):
    handed_in = [services.hand_in(actor=buyer, upload=SimpleUploadedFile("kept.txt", b"kept")).pk for _n in range(kept)]
    files = {"file_ids": [*handed_in, *handed_in], "uploads": [SimpleUploadedFile("new.txt", b"new") for _n in range(chosen)]}
    address, form = reverse("messaging:write", args=[freelancer.handle]), written("With files", **files)
    response = sign_in(buyer).post(address, form)
    assert (response.status_code, Message.objects.count()) == (answer, answer == 302)
    assert Attachment.objects.count() == kept + chosen * (answer == 302)
    if answer == 422:
        assert [file.pk for file in response.context["kept"]] == handed_in[:5]
        assert "A message takes 5 files at most." in words_of(response)
        assert "With files" in response.content.decode()


def test_files_of_a_refused_message_are_kept_for_the_next_press(buyer, freelancer, sign_in):
    client, address = sign_in(buyer), reverse("messaging:write", args=[freelancer.handle])
    form = written("Write to amara@example.com")
    chosen = [SimpleUploadedFile(name, data) for name, data in (("plan.txt", b"one"), ("no.txt", b""), ("list.txt", b"two"))]
    refused = client.post(address, {**form, "uploads": chosen})
    assert "no.txt: This file is empty. Choose it again." in words_of(refused)
    kept = refused.context["kept"]
    file_ids = [str(file.pk) for file in kept]
    assert ([file.name for file in kept], Message.objects.count()) == (["plan.txt", "list.txt"], 0)
    assert client.post(address, {**form, "client_id": "", "file_ids": file_ids}).context["kept"] == kept
    assert client.post(address, {**form, "file_ids": file_ids}).context["kept"] == kept
    client.post(address, {**form, "warned": "on", "file_ids": file_ids})
    assert [file.name for file in Message.objects.get().attachments.all()] == ["plan.txt", "list.txt"]


def test_a_file_that_is_gone_is_said_to_be_and_the_words_stay(buyer, freelancer, sign_in):
    response = sign_in(buyer).post(
        reverse("messaging:write", args=[freelancer.handle]), written("With a file", file_ids=[str(uuid.uuid4())])
    )
    assert (response.status_code, Message.objects.count()) == (422, 0)
    assert "A file of this message is gone. Add it again." in words_of(response)
    assert "With a file" in response.content.decode()


def test_a_file_is_handed_in_by_script_before_the_message(buyer, freelancer, sign_in):
    client = sign_in(buyer)
    answer = client.post(reverse("messaging:upload"), {"file": SimpleUploadedFile("plan.txt", b"one")})
    assert answer.status_code == 201
    handed_in = json.loads(answer.content)
    assert (handed_in["name"], handed_in["size"], handed_in["preview"]) == ("plan.txt", 3, None)
    assert sign_in(freelancer).get(handed_in["url"]).status_code == 404
    for upload in ({}, {"file": SimpleUploadedFile("empty.txt", b"")}):
        assert client.post(reverse("messaging:upload"), upload).status_code == 422
