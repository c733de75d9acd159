"""What a person's own programs are told: signed, once, again after failures, and never forever."""

import hashlib
import hmac
import json
import re
import socket
import uuid
from datetime import timedelta
from functools import partial
from io import StringIO
from threading import Barrier, Thread

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.http import Http404
from django.utils import timezone

from accounts.tests.factories import UserFactory
from marketplace import outbound
from marketplace.tests.tls_server import NAME, TlsServer
from messaging.exceptions import TooFast
from messaging.models import Message, Notification, OutgoingMail, Webhook, WebhookDelivery
from messaging.services import change_message, deliveries
from messaging.services.deliveries import FAILS_FOR, HELD, LEASE, MAX_ATTEMPTS, PAUSES, deliver_webhooks
from messaging.services.old_news import KEPT_FOR, discard_old_news
from messaging.services.webhooks import (
    MOST_WEBHOOKS,
    News,
    WebhookRefused,
    add_webhook,
    delete_webhook,
    queue,
    retell,
    switch_webhook,
    try_webhook,
)
from messaging.tests.test_conversations import at_once, say

URL = "https://hooks.example.com/in"
PAGE = settings.BASE_DIR / "docs/webhooks.md"
ALL = ["message", "notification", "order"]


class Receiver:
    """Stands in for `outbound.post`: keeps what it was sent, and answers by address."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, outbound.Answer | outbound.NotAnswered] = {}

    def __call__(self, url, *, body, headers):
        self.sent.append((url, headers, body))
        answer = self.answers.get(url, outbound.Answer(200, "ok"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _url, _headers, body in self.sent]


@pytest.fixture
def receiver():
    return Receiver()


def told(user, type="message.new", hears="message", **data) -> None:
    queue(hears=hears, news=[News(user.pk, type, "A subject", data)])


def sweep(receiver, at=None) -> int:
    return deliver_webhooks(now=at or timezone.now(), post=receiver)


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


# --- What is queued ---------------------------------------------------------------------------------------------------
def test_what_a_webhook_hears_of_waits_for_it_in_full(buyer):
    webhook = add_webhook(actor=buyer, url=URL, hears=["message"])
    told(buyer, words="Größe 🦉")
    row = only()
    body = json.loads(row.body)
    assert body == {
        "id": str(row.pk),
        "type": "message.new",
        "created_at": row.created_at.isoformat(),
        "data": {"words": "Größe 🦉"},
    }
    assert (row.webhook, row.type, row.subject, row.is_sent, row.attempts) == (webhook, "message.new", "A subject", False, 0)
    assert row.next_attempt_at <= timezone.now()


def test_only_what_it_hears_of_and_only_its_owners(buyer, freelancer):
    add_webhook(actor=buyer, url=URL, hears=["order"])
    add_webhook(actor=freelancer, url=URL, hears=["message"])
    told(buyer)
    assert not WebhookDelivery.objects.exists()
    queue(hears="order", news=[News(user.pk, "order.updated", "", {"to": user.handle}) for user in (buyer, freelancer)])
    assert json.loads(only().body)["data"] == {"to": "amara"}


def test_one_that_is_switched_off_hears_of_nothing(buyer):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    switch_webhook(actor=buyer, webhook_id=webhook.pk, on=False)
    told(buyer)
    assert not WebhookDelivery.objects.exists()


def test_who_has_no_webhook_costs_one_question_however_many_they_are(buyer, freelancer, django_assert_num_queries):
    with django_assert_num_queries(1):
        queue(hears="order", news=[News(user.pk, "order.updated", "", {}) for user in (buyer, freelancer)])
    assert not WebhookDelivery.objects.exists()


def test_a_long_subject_is_cut_and_many_webhooks_cost_no_more_questions(buyer, django_assert_num_queries):
    for number in range(MOST_WEBHOOKS):
        add_webhook(actor=buyer, url=f"{URL}/{number}", hears=ALL)
    with django_assert_num_queries(3 if connection.vendor == "postgresql" else 2):  # there it locks them
        queue(hears="order", news=[News(buyer.pk, "order.updated", "x" * 999, {})])
    assert set(WebhookDelivery.objects.values_list("subject", flat=True)) == {"x" * 200}


# --- What is sent -----------------------------------------------------------------------------------------------------
def test_what_is_due_is_sent_once_signed_and_kept_with_its_answer(buyer, receiver):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    assert (sweep(receiver), sweep(receiver)) == (1, 0)
    ((url, headers, body),) = receiver.sent
    row = only()
    assert (url, body, headers["X-Delivery"]) == (URL, row.body.encode(), str(row.pk))
    assert (headers["Content-Type"], headers["User-Agent"]) == ("application/json", f"webhooks/1 (+{settings.SITE_URL})")
    at, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["X-Signature"]).groups()
    assert abs(int(at) - timezone.now().timestamp()) < 60
    assert signature == hmac.new(webhook.secret.encode(), f"{at}.{row.body}".encode(), hashlib.sha256).hexdigest()
    assert (row.is_sent, row.next_attempt_at, row.attempts) == (True, None, 1)
    assert row.sent_at is not None
    assert (row.metadata["status"], row.metadata["answer"]) == (200, "ok")


def test_to_one_webhook_one_after_the_other_the_oldest_first(buyer, receiver):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    for number in range(5):
        told(buyer, type=f"n.{number}")
    assert sweep(receiver) == 5
    assert receiver.types == [f"n.{number}" for number in range(5)]


@pytest.mark.parametrize("status", [199, 301, 302, 400, 410, 500])
def test_every_answer_but_a_2xx_is_a_failure_and_is_shown(buyer, receiver, status):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    receiver.answers[URL] = outbound.Answer(status, "no")
    now = timezone.now()
    assert sweep(receiver, now) == 0
    row = only()
    assert (row.is_sent, row.attempts, row.metadata["status"], row.metadata["answer"]) == (False, 1, status, "no")
    assert now + PAUSES[0] <= row.next_attempt_at <= now + PAUSES[0] * 1.1 + timedelta(seconds=5)
    webhook.refresh_from_db()
    assert webhook.failing_since is not None


def test_a_failure_is_tried_again_after_growing_pauses_for_a_day_and_then_given_up_with_the_webhook(buyer, receiver):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    receiver.answers[URL] = outbound.NotAnswered("The name of this address is not known.")
    start = now = timezone.now()
    pauses = []
    while (due := only().next_attempt_at) is not None:
        pauses.append(max(due, start) - now)
        now = max(due, start)
        sweep(receiver, now)
        assert len(pauses) <= MAX_ATTEMPTS
    assert len(receiver.sent) == MAX_ATTEMPTS
    assert all(planned <= pause <= planned * 1.11 for planned, pause in zip(PAUSES, pauses[1:], strict=True))
    assert FAILS_FOR <= now - start < FAILS_FOR * 1.2
    webhook.refresh_from_db()
    assert (only().metadata["error"], webhook.disabled_at is not None) == ("The name of this address is not known.", True)


def test_the_owner_is_told_once_that_a_webhook_was_switched_off_and_nothing_waits_any_more(buyer, receiver):
    url = f"{URL}?token=x"  # which is not for mail
    webhook = add_webhook(actor=buyer, url=url, hears=ALL)
    for _ in range(3):
        told(buyer)
    receiver.answers[url] = outbound.Answer(500, "")
    now = timezone.now()
    sweep(receiver, now)
    sweep(receiver, now + FAILS_FOR + timedelta(minutes=5))
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert not WebhookDelivery.objects.filter(next_attempt_at__isnull=False).exists()
    notification = Notification.objects.get()
    assert (notification.user, notification.kind, notification.url) == (
        buyer,
        "messaging.webhook_stopped",
        f"/settings/webhooks/{webhook.pk}/",
    )
    assert "hooks.example.com " in notification.body
    assert "token" not in notification.body
    assert OutgoingMail.objects.get().recipient == buyer.email


def test_one_that_answers_again_has_nothing_held_against_it(buyer, receiver):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    receiver.answers[URL] = outbound.Answer(503, "")
    now = timezone.now()
    sweep(receiver, now)
    del receiver.answers[URL]
    assert sweep(receiver, now + 2 * PAUSES[0]) == 1
    webhook.refresh_from_db()
    assert (webhook.failing_since, webhook.disabled_at) == (None, None)
    told(buyer)
    receiver.answers[URL] = outbound.Answer(503, "")
    sweep(receiver, now + 2 * FAILS_FOR)
    webhook.refresh_from_db()
    assert webhook.disabled_at is None


def test_who_does_not_answer_is_asked_once_a_minute_however_much_waits_and_delays_nobody_else(buyer, freelancer, receiver):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    add_webhook(actor=freelancer, url=URL + "/other", hears=ALL)
    for _ in range(20):
        told(buyer)
    told(freelancer)
    receiver.answers[URL] = outbound.NotAnswered("No answer within 10 seconds.")
    now = timezone.now()
    assert sweep(receiver, now) == 1
    assert [url for url, _headers, _body in receiver.sent].count(URL) == 1
    sweep(receiver, now + HELD - timedelta(seconds=1))
    assert len(receiver.sent) == 2
    sweep(receiver, now + HELD + timedelta(seconds=5))
    assert len(receiver.sent) == 3


def test_one_delivery_that_is_always_refused_does_not_hold_the_others_back_for_good(buyer, receiver, monkeypatch):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer, type="refused")
    told(buyer, type="taken")
    now = timezone.now()
    receiver.answers[URL] = outbound.Answer(400, "")
    sweep(receiver, now)
    del receiver.answers[URL]
    assert sweep(receiver, now + HELD + timedelta(seconds=1)) >= 1
    assert WebhookDelivery.objects.get(type="taken").is_sent
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_a_claimed_delivery_is_nobody_elses_until_the_lease_runs_out(buyer, receiver):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    now = timezone.now()
    row, same_row = only(), only()
    assert (deliveries._claim(row, now), deliveries._claim(same_row, now)) == (True, False)
    assert sweep(receiver, now + LEASE - timedelta(seconds=5)) == 0
    assert sweep(receiver, now + LEASE) == 1
    assert only().attempts == 2


def test_a_worker_that_comes_back_too_late_changes_nothing(buyer):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    now = timezone.now()
    late = only()
    deliveries._claim(late, now)
    other = only()
    deliveries._claim(other, now + LEASE)
    assert not deliveries._note(late, {"status": 500, "answer": ""}, now + LEASE)
    assert (only().next_attempt_at, only().metadata) == (now + 2 * LEASE, {})
    assert deliveries._note(other, {"status": 200, "answer": ""}, now + LEASE)
    assert not deliveries._note(late, {"status": 500, "answer": ""}, now)
    assert (only().is_sent, only().metadata["status"]) == (True, 200)
    assert Webhook.objects.get().failing_since is None


def test_one_that_stops_its_worker_each_time_is_given_up(buyer, receiver):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    WebhookDelivery.objects.update(attempts=MAX_ATTEMPTS)
    assert sweep(receiver) == 0
    assert (receiver.sent, only().next_attempt_at) == ([], None)


@pytest.mark.parametrize("fate", ["switched off", "left"])
def test_what_waited_when_its_webhook_or_its_owner_went_is_not_sent(buyer, receiver, fate):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    if fate == "left":
        buyer.is_active = False
        buyer.save()
    else:
        Webhook.objects.filter(pk=webhook.pk).update(disabled_at=timezone.now())
    assert sweep(receiver) == 0
    assert (receiver.sent, only().next_attempt_at) == ([], None)


def test_the_command_is_the_same_sweep(buyer, receiver, monkeypatch):
    add_webhook(actor=buyer, url="https://127.0.0.1/in", hears=ALL)  # put there past the form: refused where it leads
    told(buyer)
    out = StringIO()
    call_command("deliver_webhooks", stdout=out)
    call_command("deliver_webhooks", stdout=out, verbosity=0)
    assert out.getvalue() == "0 taken\n"
    assert "private network" in only().metadata["error"]


def test_a_delivery_reaches_a_real_server_over_tls(buyer, tmp_path, monkeypatch):
    server = TlsServer()
    running = server.start(tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, *_a, **_o: [(2, 1, 6, "", ("127.0.0.1", port))])
    webhook = add_webhook(actor=buyer, url=server.url, hears=ALL)
    told(buyer, words="Größe")
    assert deliver_webhooks(now=timezone.now(), post=partial(outbound.post, may_reach=server.reach, context=server.trust)) == 1
    (request,) = server.requests
    running.shutdown()
    running.server_close()
    assert (request.headers["Host"], request.body) == (f"{NAME}:{server.port}", only().body.encode())
    verify = example()
    assert verify(webhook.secret, request.headers["X-Signature"], request.body)
    assert not verify("another secret", request.headers["X-Signature"], request.body)


# --- What was taken back ----------------------------------------------------------------------------------------------
@pytest.fixture
def said(buyer, freelancer) -> Message:
    """A message of the freelancer's that waits to be told to the buyer's webhook, as such and by the bell."""
    add_webhook(actor=buyer, url=URL, hears=ALL)
    return say(freelancer, buyer, "My password is owl")


def take_back(message, content="") -> None:
    """As `change_message` does."""
    now = timezone.now()
    message.content, message.edited_at, message.deleted_at = content, now if content else None, None if content else now
    message.save()
    retell(message=message)


def test_words_that_were_taken_back_leave_no_more(buyer, freelancer, said, receiver):
    other = say(freelancer, buyer, "Another one")
    names = set(WebhookDelivery.objects.values_list("pk", flat=True))
    take_back(said)
    assert sweep(receiver) == 4
    bodies = [json.loads(body) for _url, _headers, body in receiver.sent]
    assert [body["type"] for body in bodies] == ["message.new", "messaging.written", "message.new", "message.changed"]
    gone = {"id": str(said.pk), "seq": 1, "content": "", "deleted": True, "files": []}
    assert [bodies[at]["data"]["message"] | gone for at in (0, 3)] == [bodies[at]["data"]["message"] for at in (0, 3)]
    assert (bodies[1]["data"]["body"], bodies[1]["data"]["subject"]) == ("", f"{freelancer} writes to you")
    assert bodies[2]["data"]["message"]["content"] == other.content
    assert {body["id"] for body in bodies[:3]} == {str(name) for name in names}
    assert not any("owl" in body for body in WebhookDelivery.objects.values_list("body", flat=True))


def test_words_that_were_corrected_leave_as_they_are_now(buyer, said, receiver):
    take_back(said, "My password is no business of yours")
    take_back(said, "Größe 🦉")
    sweep(receiver)
    told = [body.decode() for _url, _headers, body in receiver.sent]
    assert [body.count("Größe 🦉") for body in told] == [1, 0, 1, 1]
    assert not any("password" in body for body in told)


def test_only_who_hears_of_messages_is_told_of_a_change(buyer, freelancer, said):
    add_webhook(actor=buyer, url=f"{URL}/bell", hears=["notification"])
    add_webhook(actor=freelancer, url=URL, hears=ALL)
    off = add_webhook(actor=buyer, url=f"{URL}/off", hears=ALL)
    switch_webhook(actor=buyer, webhook_id=off.pk, on=False)
    take_back(said)
    assert WebhookDelivery.objects.get(type="message.changed").webhook.url == URL


def test_what_was_told_already_stays_and_the_change_is_told_after_it(buyer, said, receiver):
    sweep(receiver)
    take_back(said)
    assert sweep(receiver) == 1
    assert receiver.types == ["message.new", "messaging.written", "message.changed"]
    assert "owl" in WebhookDelivery.objects.get(type="message.new").body


def test_a_worker_that_read_the_words_before_they_were_taken_back_sends_the_others(buyer, said, receiver, monkeypatch):
    """Between its look at what is due and its claim."""
    claim = deliveries._claim

    def claim_late(delivery, now):
        monkeypatch.setattr(deliveries, "_claim", claim)
        take_back(said)
        return claim(delivery, now)

    monkeypatch.setattr(deliveries, "_claim", claim_late)
    assert sweep(receiver) == 3
    assert not any(b"owl" in body for _url, _headers, body in receiver.sent)


def test_taking_words_back_costs_one_question_where_nobody_has_a_webhook(buyer, freelancer, django_assert_num_queries):
    message = say(freelancer, buyer)
    with django_assert_num_queries(1):
        retell(message=message)


def test_what_was_changed_is_told_by_the_page_too(said, freelancer, receiver):
    change_message(actor=freelancer, message_id=said.pk, content=None)
    assert sweep(receiver) == 3
    assert not any(b"owl" in body for _url, _headers, body in receiver.sent)


# --- Having one -------------------------------------------------------------------------------------------------------
def test_each_has_a_secret_of_its_own_that_does_not_lie_readable_in_the_database(buyer):
    one = add_webhook(actor=buyer, url=URL, hears=ALL)
    other = add_webhook(actor=buyer, url=URL + "/2", hears=ALL)
    assert len({one.secret, other.secret}) == 2
    assert len(one.secret) >= 43  # of 32 random bytes
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM messaging_webhook")
        assert {one.secret, other.secret} & {secret for (secret,) in cursor.fetchall()} == set()


def test_nobody_has_the_same_address_twice_or_more_than_a_few(buyer, freelancer):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    add_webhook(actor=freelancer, url=URL, hears=ALL)
    with pytest.raises(WebhookRefused):
        add_webhook(actor=buyer, url=URL, hears=["order"])
    for number in range(1, MOST_WEBHOOKS):
        add_webhook(actor=buyer, url=f"{URL}/{number}", hears=ALL)
    with pytest.raises(WebhookRefused):
        add_webhook(actor=buyer, url=f"{URL}/more", hears=ALL)
    assert Webhook.objects.filter(user=buyer).count() == MOST_WEBHOOKS


def test_a_test_is_sent_whatever_it_hears_of_and_not_again_at_once(buyer, receiver):
    webhook = add_webhook(actor=buyer, url=URL, hears=["order"])
    try_webhook(actor=buyer, webhook_id=webhook.pk)
    with pytest.raises(TooFast):
        try_webhook(actor=buyer, webhook_id=webhook.pk)
    assert sweep(receiver) == 1
    assert receiver.types == ["webhook.test"]
    switch_webhook(actor=buyer, webhook_id=webhook.pk, on=False)
    with pytest.raises(WebhookRefused):
        try_webhook(actor=buyer, webhook_id=webhook.pk)


def test_off_drops_what_waits_and_on_begins_anew(buyer, receiver):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer, type="before")
    Webhook.objects.update(failing_since=timezone.now() - 2 * FAILS_FOR)
    switch_webhook(actor=buyer, webhook_id=webhook.pk, on=False)
    switch_webhook(actor=buyer, webhook_id=webhook.pk, on=True)
    told(buyer, type="after")
    assert sweep(receiver) == 1
    assert receiver.types == ["after"]
    webhook.refresh_from_db()
    assert (webhook.failing_since, webhook.disabled_at) == (None, None)


def test_deleting_takes_its_deliveries_along(buyer):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    delete_webhook(actor=buyer, webhook_id=webhook.pk)
    assert (Webhook.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


def test_nobody_touches_anothers(buyer, stranger):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    for act in (try_webhook, delete_webhook, partial(switch_webhook, on=False)):
        with pytest.raises(Http404):
            act(actor=stranger, webhook_id=webhook.pk)
    webhook.refresh_from_db()
    assert (webhook.disabled_at, WebhookDelivery.objects.count()) == (None, 0)


def test_an_answer_that_no_database_keeps_is_noted_without_what_it_cannot_keep(buyer, receiver):
    add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    receiver.answers[URL] = outbound.NotAnswered("No connection: \0\0garbage")
    assert sweep(receiver) == 0
    assert only().metadata["error"] == "No connection: garbage"


def test_what_comes_while_a_webhook_fails_waits_a_minute_before_it_is_tried(buyer, receiver):
    webhook = add_webhook(actor=buyer, url=URL, hears=ALL)
    Webhook.objects.filter(pk=webhook.pk).update(failing_since=timezone.now())
    told(buyer)
    assert only().next_attempt_at > timezone.now() + HELD - timedelta(seconds=5)


def test_what_is_over_goes_after_a_month_also_where_a_webhook_is_switched_off(buyer, freelancer, receiver, monkeypatch):
    monkeypatch.setattr("accounts.services.old_access.BATCH", 2)
    off = add_webhook(actor=freelancer, url=URL, hears=ALL)
    for _ in range(4):
        told(freelancer)
    switch_webhook(actor=freelancer, webhook_id=off.pk, on=False)
    add_webhook(actor=buyer, url=URL, hears=ALL)
    told(buyer)
    sweep(receiver)
    told(buyer, type="waits")
    now = timezone.now()
    assert discard_old_news(now=now + KEPT_FOR - timedelta(minutes=1)) == 0
    assert discard_old_news(now=now + KEPT_FOR) == 5
    assert only().type == "waits"
    assert discard_old_news(now=now + KEPT_FOR) == 0


def test_one_worker_at_a_time_is_at_the_webhooks_so_that_the_others_keep_the_clocks(buyer, monkeypatch):
    sweeps = []
    monkeypatch.setattr(deliveries, "deliver_webhooks", lambda now: sweeps.append(deliveries.deliver_in_turn(now=now)) or 7)
    assert deliveries.deliver_in_turn(now=timezone.now()) == 7
    assert sweeps == [0]
    assert deliveries.deliver_in_turn(now=timezone.now()) == 7


# --- Several workers --------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_send_each_delivery_once(receiver, monkeypatch):
    monkeypatch.setattr("messaging.services.webhooks.wake", lambda _command: None)
    for number in range(10):
        user = UserFactory(email=f"p{number}@example.com")
        add_webhook(actor=user, url=f"{URL}/{number}", hears=ALL)
        for _ in range(3):
            told(user)
    start, taken = Barrier(4), []

    def work() -> None:
        start.wait()
        taken.append(sweep(receiver))
        connections.close_all()

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (sum(taken), len(receiver.sent)) == (30, 30)
    assert len({headers["X-Delivery"] for _url, headers, _body in receiver.sent}) == 30
    assert set(WebhookDelivery.objects.values_list("is_sent", "attempts")) == {(True, 1)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_goes_while_something_is_told_to_it_fails_nobodys_step(monkeypatch):
    monkeypatch.setattr("messaging.services.webhooks.wake", lambda _command: None)
    user = UserFactory()
    webhook = add_webhook(actor=user, url=URL, hears=ALL)

    def go() -> None:
        delete_webhook(actor=user, webhook_id=webhook.pk)
        connections.close_all()

    leaver = Thread(target=go)
    with transaction.atomic():
        told(user)
        leaver.start()
        leaver.join(0.5)  # it waits for the step to end
        assert leaver.is_alive()
    leaver.join()
    assert (Webhook.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_requests_at_the_same_time_make_no_webhook_too_many_and_no_second_test(buyer, monkeypatch):
    monkeypatch.setattr("messaging.services.webhooks.wake", lambda _command: None)
    for number in range(MOST_WEBHOOKS - 1):
        webhook = add_webhook(actor=buyer, url=f"{URL}/{number}", hears=ALL)
    adding = [partial(add_webhook, actor=buyer, url=f"{URL}/new/{number}", hears=ALL) for number in range(4)]
    assert [type(fault) for fault in at_once(*adding)] == [WebhookRefused] * 3
    assert Webhook.objects.count() == MOST_WEBHOOKS
    trying = partial(try_webhook, actor=buyer, webhook_id=webhook.pk)
    assert [type(fault) for fault in at_once(*[trying] * 4)] == [TooFast] * 3
    assert only().type == "webhook.test"


# --- The documentation ------------------------------------------------------------------------------------------------
def example():
    """The function `verify` of docs/webhooks.md, run as it stands there."""
    page = PAGE.read_text()
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)  # noqa: S102
    return names["verify"]


def test_the_example_of_the_documentation_tells_a_delivery_from_a_forgery():
    verify, body, secret = example(), b'{"id": 1}', uuid.uuid4().hex
    now = int(timezone.now().timestamp())
    good = deliveries.sign(secret, now, body)
    assert verify(secret, good, body)
    forged = [
        (secret, good, body + b" "),
        ("another", good, body),
        (secret, good[:-1] + ("0" if good[-1] != "0" else "1"), body),
        (secret, good.replace(f"t={now}", f"t={now + 1}"), body),
        (secret, deliveries.sign(secret, now - 600, body), body),
        (secret, "", body),
        (secret, "t=,v1=", body),
        (secret, "v1=é", body),
    ]
    assert [verify(*one) for one in forged] == [False] * len(forged)


def test_the_documentation_has_figures_to_try_another_program_with():
    figures = re.search(r"```\nsecret +(\S+)\nbody +(.+)\nX-Signature +(t=(\d+),\S+)\n```", PAGE.read_text())
    secret, body, signature, at = figures.groups()
    assert deliveries.sign(secret, int(at), body.encode()) == signature
    with time_machine.travel(int(at)):
        assert example()(secret, signature, body.encode())


def test_the_documentation_has_the_pauses_of_the_code():
    page = PAGE.read_text()
    in_words = {60: "1 minute", 300: "5 minutes", 1800: "30 minutes", 7200: "2 hours", 21600: "6 hours", 28800: "8 hours"}
    assert ", ".join(in_words[int(pause.total_seconds())] for pause in PAUSES) in " ".join(page.split())
