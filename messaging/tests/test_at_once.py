"""Saying something in one statement, where the database can, leaves what saying it step by step leaves."""

import uuid

import pytest
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from messaging import services
from messaging.models import Block, Conversation, Message, Notification, Participation
from messaging.services.at_once import say_at_once
from messaging.services.webhooks import add_webhook
from messaging.tests.test_conversations import say

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite changes one table in a statement"),
]


def try_at_once(sender, receiver, *, client_id="device-1-00001"):
    return say_at_once(sender=sender, receiver_id=receiver.pk, content="Hello", client_id=client_id, order_id=None)


@pytest.fixture
def talk(buyer, freelancer) -> Conversation:
    return say(freelancer, buyer, "Do you have a minute?").conversation


def rows(talk: Conversation, told: set[int]) -> list[dict[str, object]]:
    """All that saying something writes, but for ids and instants."""
    talk.refresh_from_db()
    message = Message.objects.get(conversation=talk, seq=talk.last_seq)
    assert message.created_at <= timezone.now()
    sides = Participation.objects.filter(conversation=talk).order_by("user")
    assert {side.last_at for side in sides} == {message.created_at}
    fields = ["sender", "receiver", "order", "content", "edited_at", "deleted_at", "original"]
    new = Notification.objects.exclude(pk__in=told).values("user", "kind", "severity", "subject", "body", "url", "read_at")
    return [
        model_to_dict(message, fields),
        *(model_to_dict(side, exclude=["last_at", "id"]) for side in sides),
        {"seq": message.seq, "last_seq": talk.last_seq, "told": list(new)},
    ]


@pytest.mark.parametrize("has_read", [True, False])
@pytest.mark.parametrize("is_muted", [True, False])
@pytest.mark.parametrize("is_archived", [True, False])
def test_it_leaves_the_rows_that_the_steps_leave(talk, buyer, freelancer, monkeypatch, has_read, is_muted, is_archived):
    services.arrange(actor=freelancer, conversation_id=talk.pk, muted=is_muted, archived=is_archived)
    if not has_read:
        say(buyer, freelancer, "One moment.")
    told = set(Notification.objects.values_list("pk", flat=True))
    left = []
    for is_at_once in (True, False):
        point = transaction.savepoint()
        if not is_at_once:
            monkeypatch.setattr("messaging.services.conversations.say_at_once", lambda **_said: None)
        say(buyer, freelancer, "I do.\nWhat is it?")
        left.append(rows(talk, told))
        transaction.savepoint_rollback(point)
    assert left[0] == left[1]
    assert left[0][-1]["told"] == [] or not is_muted


def test_it_is_the_way_a_message_between_two_who_talk_goes(talk, buyer, freelancer, django_assert_num_queries):
    services.mark_seen(actor=buyer, conversation_id=talk.pk, read=1)
    say(buyer, freelancer)
    with django_assert_num_queries(3):  # a savepoint, the statement, the savepoint's end
        say(buyer, freelancer)


def test_it_says_nothing_where_the_steps_might_refuse_or_have_more_to_do(talk, buyer, freelancer, stranger):
    def is_said(client_id="device-1-00001", receiver=freelancer) -> bool:
        with transaction.atomic():
            said = try_at_once(buyer, receiver, client_id=client_id)
            transaction.set_rollback(True)
        return said is not None

    assert is_said()
    assert not is_said(receiver=stranger)
    assert not is_said(receiver=buyer)
    say(buyer, freelancer, client_id="device-1-00007")
    assert not is_said(client_id="device-1-00007")
    for blocker, blocked in ((buyer, freelancer), (freelancer, buyer)):
        block = Block.objects.create(blocker=blocker, blocked=blocked, created_at=timezone.now())
        assert not is_said()
        block.delete()
    for person in (buyer, freelancer):
        type(person).objects.filter(pk=person.pk).update(is_active=False)
        assert not is_said()
        type(person).objects.filter(pk=person.pk).update(is_active=True)
    webhook = add_webhook(actor=freelancer, url="https://hooks.example/in", hears=["message"])
    assert not is_said()
    services.webhooks.switch_webhook(actor=freelancer, webhook_id=webhook.pk, on=False)
    assert is_said()
    assert Message.objects.filter(conversation=talk).count() == 2


def test_a_message_about_an_order_of_others_leaves_nothing(talk, buyer, freelancer, monkeypatch):
    monkeypatch.setattr("messaging.deals.deals.is_between", lambda _order, _people: False)
    with pytest.raises(services.conversations.MessageRefused, match="order"):
        say(buyer, freelancer, order_id=uuid.uuid4())
    assert Message.objects.count() == 1
    talk.refresh_from_db()
    assert talk.last_seq == 1
