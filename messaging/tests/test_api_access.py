"""Every operation of conversations, files and notifications: who may call it, and that a refusal changes nothing."""

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.tests.api import bearer, with_key
from marketplace.api import api
from messaging import services
from messaging.models import Attachment, Block, Message, MessageReport, Notification, Participation
from messaging.tests.test_attachments import picture
from messaging.tests.test_conversations import say

pytestmark = pytest.mark.django_db
ROWS = (Message, Participation, Block, MessageReport, Notification, Attachment)
FILE = "a file"  # the body of what is no JSON


class Operation(NamedTuple):
    """An address of the buyer's, with what is sent there and what each caller is answered."""

    method: str
    path: str
    body: Any
    buyer: int
    freelancer: int
    stranger: int
    scope: str


def reads(path: str, *answers: int) -> Operation:
    return Operation("get", path, None, *answers, scope="read")


def writes(method: str, path: str, body: Any, *answers: int) -> Operation:
    return Operation(method, path, body, *answers, scope="messages")


# `freelancer` calls the same addresses, in which they stand themselves: nobody talks to themselves.
OPERATIONS = [
    writes("post", "messages", {"receiver_id": "{freelancer}", "content": "Hello"}, 201, 404, 201),
    reads("messages?q=Hello", 200, 200, 200),
    reads("messages/{freelancer}", 200, 404, 200),
    writes("patch", "conversations/{freelancer}/messages/{mine}", {"content": "Bye"}, 200, 404, 404),
    writes("patch", "conversations/{freelancer}/messages/{theirs}", {"content": "Bye"}, 403, 404, 404),
    writes("delete", "conversations/{freelancer}/messages/{mine}", None, 204, 404, 404),
    writes("delete", "conversations/{freelancer}/messages/{theirs}", None, 403, 404, 404),
    writes("post", "conversations/{freelancer}/messages/{theirs}/report", {"reason": "spam"}, 201, 404, 404),
    writes("post", "conversations/{freelancer}/messages/{mine}/report", {"reason": "spam"}, 403, 404, 404),
    reads("conversations", 200, 200, 200),
    reads("conversations/{freelancer}", 200, 404, 404),
    writes("patch", "conversations/{freelancer}", {"muted": True}, 200, 404, 404),
    writes("post", "conversations/{freelancer}/read", {"seq": 1}, 200, 404, 404),
    writes("post", "conversations/{freelancer}/delivered", {"seq": 1}, 200, 404, 404),
    reads("blocks", 200, 200, 200),
    writes("put", "blocks/{freelancer}", None, 204, 404, 204),
    writes("delete", "blocks/{freelancer}", None, 204, 404, 204),
    writes("post", "attachments", FILE, 201, 201, 201),
    reads("attachments/{sent}", 200, 200, 404),
    reads("attachments/{loose}", 200, 404, 404),
    reads("attachments/{sent}/preview", 200, 200, 404),
    reads("notifications", 200, 200, 200),
    reads("notifications/count", 200, 200, 200),
    writes("post", "notifications/read", {}, 200, 200, 200),
    writes("post", "notifications/{told}/read", None, 200, 404, 404),
]
NAMES = [f"{one.method} {one.path}" for one in OPERATIONS]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
Call = Callable[[Client, Operation], Any]


@pytest.fixture
def call(buyer: User, freelancer: User) -> Call:
    """Call an operation of a world in which the two have talked, about a picture, and the buyer has handed in another file."""
    theirs = say(freelancer, buyer, "Hello")
    sent = services.hand_in(actor=buyer, upload=SimpleUploadedFile("photo.jpg", picture((64, 64))))
    mine = say(buyer, freelancer, "Look", file_ids=[sent.pk])
    loose = services.hand_in(actor=buyer, upload=SimpleUploadedFile("work.zip", b"the work"))
    told = Notification.objects.get(user=buyer)
    ids = {"freelancer": freelancer.pk, "mine": mine.pk, "theirs": theirs.pk, "sent": sent.pk, "loose": loose.pk, "told": told.pk}

    def ask(client: Client, operation: Operation) -> Any:
        path = f"/api/{operation.path.format(**ids)}"
        if operation.body == FILE:
            return client.post(path, {"file": SimpleUploadedFile("new.zip", b"new work")})
        body = {name: ids["freelancer"] if name == "receiver_id" else value for name, value in (operation.body or {}).items()}
        if operation.method == "get":
            answer = client.get(path)
            b"".join(answer)  # a file is closed when it has been read
            return answer
        return getattr(client, operation.method)(path, body or {}, content_type="application/json")

    return ask


def rows() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in ROWS]


def test_the_table_has_every_operation_of_this_app():
    paths = [(path, method) for path, methods in api.get_openapi_schema()["paths"].items() for method in methods]
    begin = ("messages", "conversations", "blocks", "attachments", "notifications")
    there = {(method, _shape(path)) for path, method in paths if path.removeprefix("/api/").startswith(begin)}
    assert there == {(one.method, _shape(f"/api/{one.path}")) for one in OPERATIONS}


def _shape(path: str) -> str:
    """The address with whatever names its ids."""
    parts = path.partition("?")[0].split("/")
    return "/".join("{}" if part.startswith("{") else part for part in parts)


@every_operation
@pytest.mark.parametrize("who", ["buyer", "freelancer", "stranger"])
def test_each_of_them_is_answered_what_is_theirs(call, buyer, freelancer, stranger, operation, who):
    caller = {"buyer": buyer, "freelancer": freelancer, "stranger": stranger}[who]
    before, expected = rows(), getattr(operation, who)
    answer = call(bearer(caller), operation)
    assert answer.status_code == expected
    if operation.method == "get" or expected >= 400:
        assert rows() == before


@every_operation
def test_a_moderator_is_a_stranger_here(call, moderator, operation):
    assert call(bearer(moderator), operation).status_code == operation.stranger


@every_operation
def test_nobody_who_does_not_say_who_they_are_comes_in(call, operation):
    before, answer = rows(), call(Client(), operation)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert rows() == before


@every_operation
def test_nobody_who_has_left_comes_in(call, buyer, operation):
    program = bearer(buyer)
    User.objects.filter(pk=buyer.pk).update(is_active=False)
    before, answer = rows(), call(program, operation)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert rows() == before


@every_operation
def test_a_key_opens_what_its_scope_says(call, buyer, operation):
    is_file = operation.path == "attachments" and operation.method == "post"  # those of an order come in by the same way
    others = {"read", "messages", "orders", "gigs"} - {operation.scope, "orders" if is_file else ""}
    key, wrong = with_key(buyer, operation.scope), with_key(buyer, *others)
    before, answer = rows(), call(wrong, operation)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert rows() == before
    assert call(key, operation).status_code == operation.buyer


@every_operation
def test_the_session_of_a_page_opens_the_same(call, buyer, sign_in, operation):
    assert call(sign_in(buyer), operation).status_code == operation.buyer


@every_operation
def test_over_a_block_all_but_writing_goes_on(call, buyer, freelancer, operation):
    services.block(actor=freelancer, user=buyer)
    is_writing = (operation.method, operation.path) == ("post", "messages") or operation.body == {"content": "Bye"}
    expected = 403 if is_writing else operation.buyer
    before, answer = rows(), call(bearer(buyer), operation)
    assert answer.status_code == expected
    if is_writing:
        assert rows() == before


@every_operation
def test_with_ids_of_nothing_there_is_nothing(call, buyer, operation):
    if "{" not in operation.path:
        return
    nowhere = operation._replace(path="/".join(_nothing(part) for part in operation.path.split("/")))
    before, answer = rows(), call(bearer(buyer), nowhere)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert rows() == before


def _nothing(part: str) -> str:
    return "2147483647" if part == "{told}" else str(uuid.uuid4()) if part.startswith("{") else part
