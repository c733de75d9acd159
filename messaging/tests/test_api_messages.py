"""Messages by the API: the same as on the page and over the socket, through the same service."""

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.models import User
from accounts.tests.api import bearer
from accounts.tests.factories import UserFactory
from marketplace.sockets import in_thread
from messaging import services
from messaging.frames import message_frame
from messaging.models import Block, Message, MessageReport, Notification
from messaging.models.conversation import MOST_CHARACTERS
from messaging.services.conversations import NEW_MAY_OPEN, PER_WINDOW
from messaging.services.safety import MOST_OPEN
from messaging.tests.devices import Device, in_a_loop, schemas
from messaging.tests.test_conversations import a_file, at_once, say

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: Any = None, *, method: str = "post", **headers: str) -> Any:
    """What the API answers to this body as JSON."""
    return getattr(client, method)(f"/api/{path}", {} if body is None else body, content_type="application/json", headers=headers)


def send(sender: User, receiver: User | uuid.UUID, words: Any = "Hello", **more: Any) -> Any:
    receiver_id = receiver.pk if isinstance(receiver, User) else receiver
    return post(bearer(sender), "messages", {"receiver_id": receiver_id, "content": words, **more})


def seqs(answer: Any) -> list[int]:
    return [message["seq"] for message in answer.json()["items"]]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def queries_of(client: Client, path: str) -> int:
    """How many an answer takes; it is a good one."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(path).status_code == 200
    return len(asked)


# --- Sending --------------------------------------------------------------------------------------------------------
def test_a_message_is_sent_and_answered_as_the_stream_tells_it(buyer, freelancer, settings):
    answer = send(buyer, freelancer, " Größe? 👩🏽‍🎨\r\n", client_id="device-1-00001", order_id=None, file_ids=[a_file(buyer).pk])
    message = Message.objects.get()
    assert answer.status_code == 201
    assert (message.sender, message.receiver, message.content, message.seq) == (buyer, freelancer, "Größe? 👩🏽‍🎨", 1)
    frame = message_frame(message, list(message.attachments.all()))
    file = frame["files"][0]
    file["url"] = f"{settings.SITE_URL}/api/attachments/{file['id']}"
    frame["created_at"] = frame["created_at"].replace("+00:00", "Z")
    assert answer.json() == frame
    parts = schemas()["Parts of frames"]
    assert list(Draft202012Validator({**parts["message"], "$defs": parts}).iter_errors(answer.json())) == []


def test_a_message_without_a_client_id_gets_one_and_is_another_each_time(buyer, freelancer):
    names = [send(buyer, freelancer).json()["client_id"] for _twice in range(2)]
    assert [str(uuid.UUID(name)) for name in names] == names
    assert list(Message.objects.order_by("seq").values_list("client_id", flat=True)) == names
    assert names[0] != names[1]


def test_the_same_client_id_again_is_answered_as_the_first_time(buyer, freelancer):
    first = send(buyer, freelancer, "Hello", client_id="device-1-00001", file_ids=[a_file(buyer).pk])
    again = send(buyer, freelancer, " Hello\r\n", client_id="device-1-00001")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert Message.objects.get().content == "Hello"


def test_other_words_under_the_same_client_id_are_a_conflict(buyer, freelancer):
    first = send(buyer, freelancer, "Hello", client_id="device-1-00001").json()
    assert code(send(buyer, freelancer, "Hello?", client_id="device-1-00001")) == (409, "sent_otherwise")
    services.change_message(actor=buyer, message_id=first["id"], content="Good evening")
    assert send(buyer, freelancer, "Hello", client_id="device-1-00001").json()["content"] == "Good evening"  # as it is by now
    assert code(send(buyer, freelancer, "Good evening", client_id="device-1-00001")) == (409, "sent_otherwise")
    services.change_message(actor=buyer, message_id=first["id"], content=None)
    assert send(buyer, freelancer, "Hello", client_id="device-1-00001").json()["id"] == first["id"]
    assert Message.objects.get().content == ""


def test_a_client_id_of_a_message_to_somebody_else_is_a_conflict(buyer, freelancer, stranger):
    send(buyer, freelancer, client_id="device-1-00001")
    assert code(send(buyer, stranger, client_id="device-1-00001")) == (409, "sent_otherwise")
    assert Message.objects.get().receiver == freelancer


def test_a_retry_with_an_idempotency_key_says_it_once(buyer, freelancer):
    body = {"receiver_id": str(freelancer.pk), "content": "Hello"}
    first, again = [post(bearer(buyer), "messages", body, **{"Idempotency-Key": "one"}) for _twice in range(2)]
    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.json() == first.json()
    assert code(post(bearer(buyer), "messages", body | {"content": "Bye"}, **{"Idempotency-Key": "one"}))[0] == 409
    assert Message.objects.get().content == "Hello"


ORDER_OF_OTHERS, NO_FILE = str(uuid.uuid4()), str(uuid.uuid4())
REFUSED: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "no words": ({"content": ""}, "message_refused", ["content"]),
    "words that show nothing": ({"content": "\u200b \n"}, "message_refused", ["content"]),
    "words that turn the line round": ({"content": "a\u202eb"}, "message_refused", ["content"]),
    "too many words": ({"content": "x" * (MOST_CHARACTERS + 1)}, "invalid", ["content"]),
    "no text at all": ({"content": None}, "invalid", ["content"]),
    "a number": ({"content": 5}, "invalid", ["content"]),
    "a file that is not there": ({"file_ids": [NO_FILE]}, "message_refused", ["file_ids"]),
    "six files": ({"file_ids": [NO_FILE] * 6}, "invalid", ["file_ids"]),
    "an order of others": ({"order_id": ORDER_OF_OTHERS}, "message_refused", ["order_id"]),
    "a client_id that is short": ({"client_id": "seven77"}, "invalid", ["client_id"]),
    "a client_id that is long": ({"client_id": "x" * 65}, "invalid", ["client_id"]),
    "a client_id with a letter of elsewhere": ({"client_id": "Größe-00001"}, "invalid", ["client_id"]),
    "a receiver without hyphens": ({"receiver_id": uuid.uuid4().hex}, "invalid", ["receiver_id"]),
    "a field nobody knows": ({"recipient": "amara"}, "invalid", ["recipient"]),
}


@pytest.mark.parametrize(("asked", "expected", "fields"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_message_is_refused_by_its_field(buyer, freelancer, asked, expected, fields):
    body = {"receiver_id": str(freelancer.pk), "content": "Hello"} | asked
    answer = post(bearer(buyer), "messages", body)
    assert code(answer) == (422, expected)
    assert list(answer.json()["fields"]) == fields
    assert Message.objects.count() == 0


@pytest.mark.parametrize("words", ["\u200bHi", "x" * MOST_CHARACTERS, "x\u200d", "One\n\n\tTwo"])
def test_the_words_may_be_what_they_may_be_on_the_page(buyer, freelancer, words):
    assert send(buyer, freelancer, words).status_code == 201
    assert Message.objects.get().content == words


def test_there_is_nobody_to_write_to(buyer, freelancer):
    freelancer.is_active = False
    freelancer.save(update_fields=["is_active"])
    assert [code(send(buyer, nobody)) for nobody in (uuid.uuid4(), buyer, freelancer)] == [(404, "not_found")] * 3
    assert Message.objects.count() == 0


def test_over_a_block_nobody_writes_whoever_made_it_and_both_still_read(buyer, freelancer):
    say(buyer, freelancer)
    services.block(actor=freelancer, user=buyer)
    assert code(send(buyer, freelancer)) == (403, "not_reachable")
    assert code(send(freelancer, buyer)) == (403, "not_reachable")
    assert Message.objects.count() == 1
    assert seqs(bearer(buyer).get(f"/api/messages/{freelancer.pk}")) == [1]
    assert seqs(bearer(freelancer).get(f"/api/messages/{buyer.pk}")) == [1]


def test_who_blocks_somebody_new_is_not_written_to(buyer, stranger):
    services.block(actor=stranger, user=buyer)
    assert code(send(buyer, stranger)) == (403, "not_reachable")
    assert Message.objects.count() == 0


def test_to_somebody_who_has_left_nobody_writes_and_what_was_said_stays(buyer, freelancer):
    say(buyer, freelancer)
    freelancer.is_active = False
    freelancer.save(update_fields=["is_active"])
    assert code(send(buyer, freelancer)) == (403, "not_reachable")
    assert seqs(bearer(buyer).get(f"/api/messages/{freelancer.pk}")) == [1]
    assert code(bearer(freelancer).get(f"/api/messages/{buyer.pk}")) == (401, "not_signed_in")
    assert Message.objects.count() == 1


def test_who_writes_too_fast_is_told_when_to_go_on(buyer, freelancer):
    start = (timezone.now() + timedelta(minutes=1)).replace(second=3, microsecond=0)
    with time_machine.travel(start, tick=False):
        for _n in range(PER_WINDOW):
            say(buyer, freelancer)
        refused = send(buyer, freelancer)
    assert (code(refused), refused["Retry-After"]) == ((429, "too_fast"), "7")
    assert Message.objects.count() == PER_WINDOW
    with time_machine.travel(start + timedelta(seconds=7), tick=False):
        assert send(buyer, freelancer).status_code == 201


def test_a_new_account_writes_to_few_new_people_a_day(buyer, freelancer):
    for person in UserFactory.create_batch(NEW_MAY_OPEN):
        say(buyer, person)
    refused = send(buyer, freelancer)
    assert (code(refused), refused["Retry-After"]) == ((429, "new_account"), "86400")
    assert Message.objects.count() == NEW_MAY_OPEN


def test_more_than_sixty_a_minute_no_program_sends(buyer, freelancer, settings):
    settings.API_LIMITS = settings.API_LIMITS | {"message": 1}
    assert send(buyer, freelancer).status_code == 201
    refused = send(buyer, freelancer)
    assert code(refused) == (429, "too_many_requests")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert Message.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("said_before", [0, 1])
def test_two_programs_that_send_one_client_id_at_once_send_one_message(buyer, freelancer, said_before):
    cache.clear()
    for _message in range(said_before):
        say(freelancer, buyer)
    answers: list[Any] = []
    keys = iter(["one", "two", "three", "four"])  # a retry by another part of the program, so under another key

    def call() -> None:
        body = {"receiver_id": str(freelancer.pk), "content": "Hello", "client_id": "device-1-00001"}
        answers.append(post(bearer(buyer), "messages", body, **{"Idempotency-Key": next(keys)}))

    assert at_once(call, call, call, call) == []
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {answer.json()["id"] for answer in answers} == {str(Message.objects.get(sender=buyer).pk)}
    assert Message.objects.count() == said_before + 1


@pytest.mark.django_db(transaction=True)
@in_a_loop
async def test_a_socket_of_the_receiver_hears_what_was_sent_by_api(buyer, freelancer):
    theirs = await Device.of(freelancer)
    answer = await in_thread(lambda: send(buyer, freelancer, "Hello"))
    (frame,) = await theirs.hears_all()
    assert (frame["type"], frame["message"]["id"]) == ("message.new", answer.json()["id"])
    assert frame["message"] | {"created_at": answer.json()["created_at"]} == answer.json()
    await in_thread(lambda: post(bearer(freelancer), f"conversations/{buyer.pk}/read", {"seq": 1}))
    (seen,) = await theirs.hears_all()
    assert (seen["type"], seen["reader"], seen["read_seq"]) == ("message.read", str(freelancer.pk), 1)


# --- Reading --------------------------------------------------------------------------------------------------------
def test_a_conversation_is_read_newest_first_part_by_part(buyer, freelancer):
    for n in range(7):
        say(buyer, freelancer, str(n + 1))
    here = f"/api/messages/{buyer.pk}"
    first = bearer(freelancer).get(here, {"limit": 3})
    say(buyer, freelancer, "8")  # what comes in between moves nothing
    second = bearer(freelancer).get(here, {"limit": 3, "cursor": first.json()["next"]})
    last = bearer(freelancer).get(here, {"limit": 3, "cursor": second.json()["next"]})
    assert [seqs(part) for part in (first, second, last)] == [[7, 6, 5], [4, 3, 2], [1]]
    assert last.json()["next"] is None
    assert [message["content"] for message in first.json()["items"]] == ["7", "6", "5"]


def test_catching_up_leaves_no_gap_while_messages_come_in(buyer, freelancer):
    for n in range(4):
        say(buyer, freelancer, str(n))
    here, caught, cursor = f"/api/messages/{buyer.pk}", [], ""
    while cursor is not None:
        part = bearer(freelancer).get(here, {"after": 1, "limit": 2, **({"cursor": cursor} if cursor else {})})
        caught += seqs(part)
        cursor = part.json()["next"]
        if len(caught) < 5:
            say(freelancer, buyer, "Meanwhile")
            say(buyer, freelancer, "something new")
    assert caught == [2, 3, 4, 5, 6, 7, 8]
    assert Message.objects.count() == 8
    say(buyer, freelancer)
    assert seqs(bearer(freelancer).get(here, {"after": caught[-1]})) == [9]
    assert bearer(freelancer).get(here, {"after": 9}).json() == {"items": [], "next": None}
    assert bearer(freelancer).get(here, {"after": 2**53 - 1}).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "asked", [{"after": -1}, {"after": 2**53}, {"after": "x"}, {"limit": 0}, {"limit": 101}, {"cursor": "x"}]
)
def test_a_part_there_cannot_be_is_refused(buyer, freelancer, asked):
    say(buyer, freelancer)
    answer = bearer(buyer).get(f"/api/messages/{freelancer.pk}", asked)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, list(asked))


def test_a_cursor_backwards_is_none_forwards(buyer, freelancer):
    for _n in range(3):
        say(buyer, freelancer)
    here = f"/api/messages/{freelancer.pk}"
    back = bearer(buyer).get(here, {"limit": 1}).json()["next"]
    assert code(bearer(buyer).get(here, {"limit": 1, "cursor": back, "after": 0})) == (422, "invalid_cursor")


def test_with_somebody_one_never_wrote_with_there_is_nothing_and_with_nobody_a_404(buyer, freelancer, stranger):
    say(buyer, freelancer)
    for other in (buyer, freelancer):
        assert bearer(stranger).get(f"/api/messages/{other.pk}").json() == {"items": [], "next": None}
    assert [code(bearer(stranger).get(f"/api/messages/{pk}")) for pk in (uuid.uuid4(), stranger.pk)] == [(404, "not_found")] * 2
    UserFactory(handle="gone", is_active=False)
    assert bearer(stranger).get(f"/api/messages/{User.objects.get(handle='gone').pk}").status_code == 404


def test_a_deleted_message_says_nothing(buyer, freelancer):
    message = say(buyer, freelancer, "Secret", file_ids=[a_file(buyer).pk])
    services.change_message(actor=buyer, message_id=message.pk, content=None)
    (shown,) = bearer(freelancer).get(f"/api/messages/{buyer.pk}").json()["items"]
    assert (shown["content"], shown["files"], shown["deleted"], shown["seq"]) == ("", [], True, 1)


def test_reading_asks_as_often_for_thirty_messages_as_for_one(buyer, freelancer):
    say(freelancer, buyer, file_ids=[a_file(freelancer).pk])
    program = bearer(buyer)
    paths = [
        f"/api/messages/{freelancer.pk}?limit=100",
        f"/api/messages/{freelancer.pk}?after=0&limit=100",
        "/api/messages?q=Hello",
    ]
    assert [queries_of(program, path) for path in paths] == [4, 4, 3]  # one of each is who calls
    for _n in range(29):
        say(freelancer, buyer, file_ids=[a_file(freelancer).pk])
    assert [queries_of(program, path) for path in paths] == [4, 4, 3]
    assert len(seqs(program.get(paths[0]))) == 30


# --- Searching ------------------------------------------------------------------------------------------------------
def test_ones_own_messages_are_searched_part_by_part_and_nobody_elses(buyer, freelancer, stranger):
    for n in range(3):
        say(buyer, freelancer, f"About the Owl {n}")
    say(buyer, freelancer, "100%")
    say(freelancer, stranger, "Another owl")
    first = bearer(freelancer).get("/api/messages", {"q": "oWl", "limit": 2}).json()
    rest = bearer(freelancer).get("/api/messages", {"q": "oWl", "limit": 2, "cursor": first["next"]}).json()
    found = [message["content"] for message in first["items"] + rest["items"]]
    assert found == ["Another owl", "About the Owl 2", "About the Owl 1", "About the Owl 0"]
    assert [message["content"] for message in bearer(buyer).get("/api/messages", {"q": "%"}).json()["items"]] == ["100%"]
    assert bearer(stranger).get("/api/messages", {"q": "About"}).json() == {"items": [], "next": None}


@pytest.mark.parametrize("words", [{}, {"q": ""}, {"q": "  "}, {"q": "x" * 101}, {"q": "\u202e"}])
def test_a_search_wants_words(buyer, words):
    answer = bearer(buyer).get("/api/messages", words)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["q"])


# --- Correcting and deleting ----------------------------------------------------------------------------------------
def the_address(other: User, message: Message, last: str = "") -> str:
    return f"conversations/{other.pk}/messages/{message.pk}{last}"


def test_ones_own_message_is_corrected(buyer, freelancer):
    message = say(buyer, freelancer, "Helo", file_ids=[a_file(buyer).pk])
    answer = post(bearer(buyer), the_address(freelancer, message), {"content": "Hello"}, method="patch")
    message.refresh_from_db()
    assert (answer.status_code, message.content, message.original) == (200, "Hello", "Helo")
    assert (answer.json()["content"], len(answer.json()["files"])) == ("Hello", 1)
    assert answer.json()["edited_at"].endswith("Z")


def test_ones_own_message_is_deleted_any_number_of_times(buyer, freelancer):
    message = say(buyer, freelancer, "Secret")
    for _twice in range(2):
        answer = bearer(buyer).delete(f"/api/{the_address(freelancer, message)}")
        assert (answer.status_code, answer.content) == (204, b"")
    message.refresh_from_db()
    assert (message.content, message.original) == ("", "Secret")
    assert code(post(bearer(buyer), the_address(freelancer, message), {"content": "Back"}, method="patch")) == (409, "too_late")


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_only_its_writer_changes_a_message_and_only_for_a_quarter_of_an_hour(buyer, freelancer, stranger, method):
    message = say(buyer, freelancer, "Hello")

    def change(caller: User, other: User) -> Any:
        return post(bearer(caller), the_address(other, message), {"content": "Bye"}, method=method)

    assert code(change(freelancer, buyer)) == (403, "not_yours")
    nowhere = [(freelancer, freelancer), (buyer, buyer), (buyer, stranger), (stranger, buyer), (stranger, freelancer)]
    assert [code(change(*pair)) for pair in nowhere] == [(404, "not_found")] * 5
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        assert code(change(buyer, freelancer)) == (409, "too_late")
    message.refresh_from_db()
    assert (message.content, message.edited_at, message.deleted_at) == ("Hello", None, None)


def test_a_correction_is_writing_and_a_deletion_is_not(buyer, freelancer):
    message = say(buyer, freelancer, "Hello")
    Block.objects.create(blocker=freelancer, blocked=buyer, created_at=timezone.now())
    here = the_address(freelancer, message)
    assert code(post(bearer(buyer), here, {"content": "You will hear from me"}, method="patch")) == (403, "not_reachable")
    assert Message.objects.get().content == "Hello"
    assert bearer(buyer).delete(f"/api/{here}").status_code == 204
    assert Message.objects.get().content == ""


def test_a_correction_that_is_no_message_is_refused(buyer, freelancer):
    message = say(buyer, freelancer, "Hello")
    for words, expected in (("", "message_refused"), ("\u200b", "message_refused"), ("x" * 5001, "invalid"), (None, "invalid")):
        answer = post(bearer(buyer), the_address(freelancer, message), {"content": words}, method="patch")
        assert (code(answer), list(answer.json()["fields"])) == ((422, expected), ["content"])
    message.refresh_from_db()
    assert (message.content, message.original) == ("Hello", "")


# --- Reporting ------------------------------------------------------------------------------------------------------
def test_a_message_one_was_sent_is_reported_once(buyer, freelancer):
    message = say(freelancer, buyer, "Pay me outside")
    here = the_address(freelancer, message, "/report")
    answer = post(bearer(buyer), here, {"reason": "off_platform", "note": " Twice. "})
    report = MessageReport.objects.get()
    assert answer.status_code == 201
    assert answer.json() | {"created_at": ""} == {
        "message": str(message.pk),
        "reason": "off_platform",
        "note": "Twice.",
        "created_at": "",
    }
    assert (report.reporter, report.message, report.reason, report.note) == (buyer, message, "off_platform", "Twice.")
    assert code(post(bearer(buyer), here, {"reason": "scam"})) == (409, "already_reported")
    assert MessageReport.objects.get().reason == "off_platform"
    assert Notification.objects.filter(user=freelancer).count() == 0


def test_nobody_reports_their_own_message_or_one_of_others(buyer, freelancer, stranger):
    message = say(freelancer, buyer)
    asked = {"reason": "abuse"}
    assert code(post(bearer(freelancer), the_address(buyer, message, "/report"), asked)) == (403, "not_yours")
    for other in (buyer, freelancer):
        assert code(post(bearer(stranger), the_address(other, message, "/report"), asked)) == (404, "not_found")
    assert MessageReport.objects.count() == 0


@pytest.mark.parametrize("asked", [{}, {"reason": "boring"}, {"reason": "abuse", "note": "x" * 2001}, {"reason": None}])
def test_a_report_says_why(buyer, freelancer, asked):
    message = say(freelancer, buyer)
    assert code(post(bearer(buyer), the_address(freelancer, message, "/report"), asked)) == (422, "invalid")
    assert MessageReport.objects.count() == 0


def test_a_person_has_so_many_reports_open(buyer, freelancer):
    for _n in range(MOST_OPEN):
        services.report(actor=buyer, message_id=say(freelancer, buyer).pk, reason="spam")
    cache.clear()
    refused = post(bearer(buyer), the_address(freelancer, say(freelancer, buyer), "/report"), {"reason": "spam"})
    assert code(refused) == (429, "too_fast")
    assert 0 < int(refused["Retry-After"]) <= 86_400
    assert Counter(MessageReport.objects.values_list("reason", flat=True)) == {"spam": MOST_OPEN}
