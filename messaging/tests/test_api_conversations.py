"""The inbox by the API: what lies in it, how far each side has read, and who is blocked."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.tests.api import bearer
from accounts.tests.factories import UserFactory
from messaging import services
from messaging.models import Block, Notification, Participation
from messaging.selectors import find_side
from messaging.tests.test_api_messages import code, post, queries_of, send
from messaging.tests.test_conversations import a_file, say
from orders.states import Status
from orders.tests.factories import order_in

pytestmark = pytest.mark.django_db


def others(answer) -> list[str]:
    return [row["other"]["handle"] for row in answer.json()["items"]]


# --- The inbox ------------------------------------------------------------------------------------------------------
def test_the_inbox_has_the_latest_first_with_its_last_message_and_how_far_both_are(buyer, freelancer, stranger):
    say(stranger, buyer, "First")
    say(freelancer, buyer, "Second")
    last = say(freelancer, buyer, "Third", file_ids=[a_file(freelancer).pk])
    services.mark_seen(actor=buyer, conversation_id=last.conversation_id, delivered=2, read=1)
    answer = bearer(buyer).get("/api/conversations")
    assert others(answer) == ["jose", "li-wei"]
    (message,) = bearer(buyer).get(f"/api/messages/{freelancer.pk}", {"limit": 1}).json()["items"]
    assert message["files"][0]["name"] == "x.pdf"
    conversation = str(last.conversation_id)
    assert answer.json()["items"][0] == {
        "id": conversation,
        "other": {"id": str(freelancer.pk), "handle": "jose", "name": "José Ñíguez"},
        "last_message": message,
        "last_seq": 2,
        "last_at": message["created_at"],
        "unread": 1,
        "muted": False,
        "archived": False,
        "mine": {"conversation": conversation, "reader": str(buyer.pk), "delivered_seq": 2, "read_seq": 1},
        "theirs": {"conversation": conversation, "reader": str(freelancer.pk), "delivered_seq": 2, "read_seq": 2},
    }


def test_each_tab_has_its_own(buyer, freelancer, stranger):
    unread, read = say(freelancer, buyer), say(stranger, buyer)
    away = say(UserFactory(handle="away"), buyer)
    services.mark_seen(actor=buyer, conversation_id=read.conversation_id, read=1)
    services.arrange(actor=buyer, conversation_id=away.conversation_id, archived=True)
    program = bearer(buyer)
    tabs = {tab: others(program.get("/api/conversations", {"tab": tab})) for tab in ("all", "unread", "orders", "archived")}
    assert tabs == {"all": ["li-wei", "jose"], "unread": ["jose"], "orders": [], "archived": ["away"]}
    assert code(program.get("/api/conversations", {"tab": "spam"})) == (422, "invalid")
    assert unread.conversation_id != read.conversation_id


def test_what_is_said_about_an_order_names_it_and_goes_on_over_a_block_while_it_runs(buyer, freelancer, stranger, moderator):
    order = str(order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, verifier=moderator).pk)
    say(stranger, buyer)
    refused = send(stranger, buyer, order_id=order)
    assert (code(refused), list(refused.json()["fields"])) == ((422, "message_refused"), ["order_id"])
    services.block(actor=freelancer, user=buyer)
    answer = send(buyer, freelancer, order_id=order)
    assert (answer.status_code, answer.json()["order"]) == (201, order)
    assert others(bearer(buyer).get("/api/conversations", {"tab": "orders"})) == ["jose"]
    assert bearer(buyer).get(f"/api/conversations/{freelancer.pk}").json()["may_write"] is True


def test_the_inbox_is_walked_in_parts_and_each_conversation_comes_once(buyer):
    now = timezone.now()
    with time_machine.travel(now, tick=False):  # all at one instant: the id decides
        people = UserFactory.create_batch(5)
        for person in people:
            say(person, buyer)
        program, walked, cursor = bearer(buyer), [], ""
        while cursor is not None:
            part = program.get("/api/conversations", {"limit": 2, **({"cursor": cursor} if cursor else {})})
            walked += others(part)
            cursor = part.json()["next"]
    assert walked == [person.handle for person in reversed(people)]


def test_the_inbox_asks_as_often_for_thirty_conversations_as_for_one(buyer, freelancer):
    say(freelancer, buyer, file_ids=[a_file(freelancer).pk])
    program = bearer(buyer)
    paths = [f"/api/conversations?limit=100&tab={tab}" for tab in ("all", "unread")]
    assert [queries_of(program, path) for path in paths] == [5, 5]
    assert queries_of(program, f"/api/conversations/{freelancer.pk}") == 7
    for person in UserFactory.create_batch(29):
        say(person, buyer, file_ids=[a_file(person).pk])
    assert [queries_of(program, path) for path in paths] == [5, 5]
    assert len(others(program.get(paths[0]))) == 30


# --- One conversation -----------------------------------------------------------------------------------------------
def test_one_conversation_says_whether_the_two_can_write(buyer, freelancer):
    say(buyer, freelancer)
    here = f"/api/conversations/{freelancer.pk}"
    shown = bearer(buyer).get(here).json()
    (row,) = bearer(buyer).get("/api/conversations").json()["items"]
    assert shown == row | {"may_write": True, "blocked": False}
    services.block(actor=freelancer, user=buyer)
    assert bearer(buyer).get(here).json() == row | {"may_write": False, "blocked": False}
    services.block(actor=buyer, user=freelancer)
    assert bearer(buyer).get(here).json() == row | {"may_write": False, "blocked": True}


def test_nobody_elses_conversation_is_there(buyer, freelancer, stranger):
    say(buyer, freelancer)
    for caller, other in ((stranger, buyer), (stranger, freelancer), (buyer, stranger), (buyer, buyer)):
        before = list(Participation.objects.order_by("pk").values())
        for method, last, body in (
            ("get", "", None),
            ("patch", "", {"muted": True}),
            ("post", "/read", {"seq": 1}),
            ("post", "/delivered", {"seq": 1}),
        ):
            path = f"conversations/{other.pk}{last}"
            answer = bearer(caller).get(f"/api/{path}") if method == "get" else post(bearer(caller), path, body, method=method)
            assert code(answer) == (404, "not_found")
        assert list(Participation.objects.order_by("pk").values()) == before
    assert code(bearer(buyer).get(f"/api/conversations/{uuid.uuid4()}")) == (404, "not_found")


# --- How far one is -------------------------------------------------------------------------------------------------
def test_marks_move_forward_only_and_never_beyond_the_last_message(buyer, freelancer):
    for _n in range(3):
        message = say(buyer, freelancer)
    program, here = bearer(freelancer), f"conversations/{buyer.pk}"
    steps = [("delivered", 2), ("read", 1), ("delivered", 1), ("read", 0), ("read", 2**53 - 1), ("delivered", 2)]
    seen = [post(program, f"{here}/{mark}", {"seq": seq}).json() for mark, seq in steps]
    assert [(row["delivered_seq"], row["read_seq"]) for row in seen] == [(2, 0), (2, 1), (2, 1), (2, 1), (3, 3), (3, 3)]
    assert seen[-1] == {
        "conversation": str(message.conversation_id),
        "reader": str(freelancer.pk),
        "delivered_seq": 3,
        "read_seq": 3,
    }
    assert Notification.objects.get(user=freelancer).read_at is not None
    theirs = bearer(buyer).get(f"/api/conversations/{freelancer.pk}").json()["theirs"]
    assert theirs == seen[-1]


@pytest.mark.parametrize("mark", ["read", "delivered"])
@pytest.mark.parametrize("asked", [{}, {"seq": -1}, {"seq": 2**53}, {"seq": "1"}, {"seq": 1.5}, {"seq": True}, {"seq": None}])
def test_a_mark_is_a_number(buyer, freelancer, mark, asked):
    say(buyer, freelancer)
    answer = post(bearer(freelancer), f"conversations/{buyer.pk}/{mark}", asked)
    assert (code(answer), list(answer.json()["fields"])) == ((422, "invalid"), ["seq"])
    side = find_side(freelancer, buyer.pk)
    assert (side.delivered_seq, side.read_seq) == (0, 0)


# --- How it lies there ----------------------------------------------------------------------------------------------
def test_a_conversation_is_muted_and_put_away_and_only_what_is_named_changes(buyer, freelancer):
    say(freelancer, buyer)
    program, here = bearer(buyer), f"conversations/{freelancer.pk}"
    steps = [{"muted": True}, {"archived": True, "muted": None}, {}, {"archived": False}, {"muted": False}]
    answers = [post(program, here, step, method="patch").json() for step in steps]
    states = [(row["muted"], row["archived"]) for row in answers]
    assert states == [(True, False), (True, True), (True, True), (True, False), (False, False)]
    assert program.get(f"/api/{here}").json() == answers[-1]
    theirs = find_side(freelancer, buyer.pk)
    assert (theirs.muted, theirs.archived) == (False, False)


def test_a_muted_conversation_does_not_wait_and_an_archived_one_comes_back(buyer, freelancer):
    say(freelancer, buyer)
    program = bearer(buyer)
    post(program, f"conversations/{freelancer.pk}", {"muted": True, "archived": True}, method="patch")
    assert program.get("/api/notifications/count").json()["conversations"] == 0
    say(freelancer, buyer)
    assert others(program.get("/api/conversations")) == ["jose"]


@pytest.mark.parametrize("asked", [{"muted": "on"}, {"archived": 1}, {"hidden": True}, []])
def test_how_it_lies_is_yes_or_no(buyer, freelancer, asked):
    say(freelancer, buyer)
    assert code(post(bearer(buyer), f"conversations/{freelancer.pk}", asked, method="patch")) == (422, "invalid")
    side = find_side(buyer, freelancer.pk)
    assert (side.muted, side.archived) == (False, False)


# --- Blocking -------------------------------------------------------------------------------------------------------
def test_a_block_is_made_and_taken_back_any_number_of_times(buyer, freelancer):
    here = f"/api/blocks/{freelancer.pk}"
    for _twice in range(2):
        answer = bearer(buyer).put(here)
        assert (answer.status_code, answer.content) == (204, b"")
    assert [(row.blocker, row.blocked) for row in Block.objects.all()] == [(buyer, freelancer)]
    for _twice in range(2):
        assert bearer(buyer).delete(here).status_code == 204
    assert Block.objects.count() == 0


def test_a_block_of_the_other_side_is_neither_shown_nor_taken_back(buyer, freelancer):
    services.block(actor=freelancer, user=buyer)
    assert bearer(buyer).get("/api/blocks").json() == {"items": [], "next": None}
    assert bearer(buyer).delete(f"/api/blocks/{freelancer.pk}").status_code == 204
    assert Block.objects.count() == 1


def test_nobody_blocks_themselves_or_nobody(buyer):
    gone = UserFactory(is_active=False)
    for nobody in (buyer.pk, gone.pk, uuid.uuid4()):
        assert code(bearer(buyer).put(f"/api/blocks/{nobody}")) == (404, "not_found")
        assert code(bearer(buyer).delete(f"/api/blocks/{nobody}")) == (404, "not_found")
    assert Block.objects.count() == 0


def test_who_has_left_is_still_blocked_and_can_be_unblocked(buyer, freelancer):
    services.block(actor=buyer, user=freelancer)
    freelancer.is_active = False
    freelancer.save(update_fields=["is_active"])
    (row,) = bearer(buyer).get("/api/blocks").json()["items"]
    assert row["person"]["id"] == str(freelancer.pk)
    assert bearer(buyer).delete(f"/api/blocks/{freelancer.pk}").status_code == 204
    assert Block.objects.count() == 0


def test_the_blocked_are_listed_latest_first_with_as_many_queries_for_thirty_as_for_one(buyer, freelancer):
    services.block(actor=buyer, user=freelancer)
    program = bearer(buyer)
    assert queries_of(program, "/api/blocks?limit=100") == 2
    people = UserFactory.create_batch(29)
    for number, person in enumerate(people):
        with time_machine.travel(timezone.now() + timedelta(seconds=number)):
            services.block(actor=buyer, user=person)
    assert queries_of(program, "/api/blocks?limit=100") == 2
    first = program.get("/api/blocks", {"limit": 20}).json()
    rest = program.get("/api/blocks", {"limit": 20, "cursor": first["next"]}).json()
    walked = [row["person"]["handle"] for row in first["items"] + rest["items"]]
    assert walked == [*(person.handle for person in reversed(people)), "jose"]
    assert rest["next"] is None
