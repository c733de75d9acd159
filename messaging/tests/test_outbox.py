"""Sending what is due: once, again after failures, and never forever."""

from datetime import timedelta
from io import StringIO
from smtplib import SMTPServerDisconnected
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from accounts.tests.factories import UserFactory
from messaging.models import Message, Notification, OutgoingMail
from messaging.notifications import UNREAD
from messaging.selectors.contact import UNREAD_FOR
from messaging.services import opt_out, retry_mail, send_due_mail
from messaging.services.digests import send_digests
from messaging.services.mail import LEASE, MAX_ATTEMPTS, PAUSES, _claim
from messaging.services.old_news import KEPT_FOR, discard_old_news
from messaging.tests.factories import due_mail
from messaging.tests.test_conversations import say


class BrokenFor(EmailBackend):
    """A mail server that breaks the connection for these addresses."""

    addresses: frozenset[str] = frozenset()

    def send_messages(self, messages):
        if self.addresses & {address for message in messages for address in message.to}:
            raise SMTPServerDisconnected("Connection unexpectedly closed")
        return super().send_messages(messages)


@pytest.fixture
def broken_for(settings, monkeypatch):
    def break_for(*addresses: str) -> None:
        settings.EMAIL_BACKEND = f"{__name__}.BrokenFor"
        monkeypatch.setattr(BrokenFor, "addresses", frozenset(addresses))

    return break_for


def state_of(row: OutgoingMail) -> tuple:
    row.refresh_from_db()
    return row.attempts, row.sent_at, row.next_attempt_at, row.last_error


def recipients() -> list[str]:
    return [address for message in mail.outbox for address in message.to]


def test_what_is_due_is_sent_oldest_first_and_once(buyer, freelancer, stranger):
    now = timezone.now()
    second = due_mail(buyer, next_attempt_at=now - timedelta(minutes=1))
    due_mail(freelancer, next_attempt_at=now - timedelta(minutes=2))
    later = due_mail(stranger, next_attempt_at=now + timedelta(seconds=1))
    assert send_due_mail(now=now) == 2
    assert send_due_mail(now=now) == 0
    assert recipients() == [freelancer.email, buyer.email]
    attempts, sent_at, next_attempt_at, last_error = state_of(second)
    assert (attempts, next_attempt_at, last_error) == (1, None, "")
    assert now <= sent_at < now + timedelta(seconds=10)
    assert state_of(later) == (0, None, later.next_attempt_at, "")


def test_a_sweep_sends_no_more_than_its_limit(buyer):
    for _ in range(3):
        due_mail(buyer)
    assert send_due_mail(now=timezone.now(), limit=2) == 2
    assert OutgoingMail.objects.filter(sent_at__isnull=True).count() == 1


def test_the_message_is_signed_off_with_a_one_click_way_out(buyer):
    row = due_mail(buyer)
    send_due_mail(now=timezone.now())
    message = mail.outbox[0]
    assert message.extra_headers["Message-ID"] == f"<notification-{row.notification_id}@localhost>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.extra_headers["List-Unsubscribe"].startswith("<http://localhost:8000/mail/unsubscribe/")
    assert "\n\nWords.\n\n" in message.body
    assert "<p>Words.</p>" in message.alternatives[0].content


def test_words_that_are_taken_back_while_the_mail_before_is_sent_do_not_go_out(buyer, freelancer, settings, monkeypatch):
    first, second = due_mail(buyer), due_mail(freelancer)

    def take_back(_backend, messages):
        Notification.objects.filter(pk=second.notification_id).update(body="")
        return send(_backend, messages)

    send = EmailBackend.send_messages
    monkeypatch.setattr(EmailBackend, "send_messages", take_back)
    assert send_due_mail(now=timezone.now()) == 2
    assert ["Words." in message.body for message in mail.outbox] == [True, False]
    assert state_of(first)[0] == 1


def test_one_refused_message_never_stops_the_others(buyer, freelancer, stranger, broken_for):
    broken_for(buyer.email)
    now = timezone.now()
    refused = due_mail(buyer, next_attempt_at=now - timedelta(minutes=3))
    due_mail(freelancer)
    due_mail(stranger, subject="two\nlines")
    due_mail(UserFactory(email="last@example.com"))
    assert send_due_mail(now=timezone.now()) == 2
    assert recipients() == [freelancer.email, "last@example.com"]
    attempts, sent_at, _again, error = state_of(refused)
    assert (attempts, sent_at, error) == (1, None, "SMTPServerDisconnected: Connection unexpectedly closed")


def test_the_pauses_grow_and_after_the_last_the_message_is_given_up_with_its_error(buyer, broken_for):
    broken_for(buyer.email)
    row = due_mail(buyer)
    now = row.next_attempt_at
    pauses = []
    while row.next_attempt_at:
        now = row.next_attempt_at
        assert send_due_mail(now=now) == 0
        row.refresh_from_db()
        if row.next_attempt_at:
            pauses.append(timedelta(minutes=round((row.next_attempt_at - now).total_seconds() / 60)))
    assert pauses == PAUSES
    assert (row.attempts, row.sent_at) == (MAX_ATTEMPTS, None)
    assert row.last_error == "SMTPServerDisconnected: Connection unexpectedly closed"


def test_a_given_up_message_can_be_tried_again_from_the_beginning(buyer, freelancer, broken_for):
    given_up = due_mail(buyer, next_attempt_at=None, attempts=MAX_ATTEMPTS, last_error="550 no such mailbox")
    sent = due_mail(freelancer, next_attempt_at=None, attempts=1, sent_at=timezone.now())
    waiting = due_mail(freelancer, attempts=2)
    assert retry_mail(mail_ids=[given_up.pk, sent.pk, waiting.pk]) == 1
    assert state_of(sent)[0] == 1
    assert state_of(waiting)[0] == 2
    assert send_due_mail(now=timezone.now()) == 2
    assert state_of(given_up)[0] == 1
    assert state_of(given_up)[3] == ""


def test_a_claimed_message_is_nobody_elses_until_the_lease_runs_out(buyer):
    row, same_row = due_mail(buyer), OutgoingMail.objects.select_related("notification__user").get()
    now = timezone.now()
    assert (_claim(row, now), _claim(same_row, now)) == (True, False)
    assert send_due_mail(now=now + LEASE - timedelta(seconds=1)) == 0
    assert send_due_mail(now=now + LEASE) == 1
    assert state_of(row)[0] == 2


def test_a_message_that_stops_its_worker_each_time_is_given_up(buyer):
    row = due_mail(buyer, attempts=MAX_ATTEMPTS)
    assert send_due_mail(now=timezone.now()) == 0
    assert state_of(row) == (MAX_ATTEMPTS, None, None, "Given up: the worker stopped during the last attempt.")


def test_what_waited_when_its_recipient_opted_out_is_not_sent(buyer):
    row = due_mail(buyer)
    opt_out(user=buyer, kind="tests.thing")
    assert send_due_mail(now=timezone.now()) == 0
    assert state_of(row) == (0, None, None, "Not sent: the recipient opted out or is no longer here.")
    assert mail.outbox == []


def test_the_command_is_the_same_sweep(buyer):
    due_mail(buyer)
    out = StringIO()
    call_command("send_mail_queue", stdout=out)
    call_command("send_mail_queue", stdout=out, verbosity=0)
    assert out.getvalue() == "1 sent\n"
    assert recipients() == [buyer.email]


def test_what_was_said_of_conversations_that_were_read_goes_after_a_month_with_its_mail_and_nothing_else(buyer, freelancer):
    say(freelancer, buyer)
    send_digests(now=timezone.now() + UNREAD_FOR)
    read = {"read_at": timezone.now()}
    for row in (due_mail(buyer), due_mail(freelancer)):
        Notification.objects.filter(pk=row.notification_id).update(**read)
    later = timezone.now() + KEPT_FOR
    assert discard_old_news(now=later) == 1  # that somebody wrote; nobody has read the other
    assert [row.kind for row in Notification.objects.filter(user=buyer)] == ["tests.thing", UNREAD]
    Notification.objects.filter(kind=UNREAD).update(**read)
    assert (discard_old_news(now=later - timedelta(minutes=1)), discard_old_news(now=later)) == (0, 1)
    assert set(OutgoingMail.objects.values_list("notification__kind", flat=True)) == {"tests.thing"}
    assert Message.objects.count() == 1


def test_the_command_discards_too(buyer):
    row = due_mail(buyer)
    Notification.objects.filter(pk=row.notification_id).update(
        kind=UNREAD, read_at=timezone.now(), created_at=timezone.now() - KEPT_FOR
    )
    out = StringIO()
    call_command("discard_old_news", stdout=out)
    call_command("discard_old_news", stdout=out, verbosity=0)
    assert out.getvalue() == "1 discarded\n"


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_send_each_message_once():
    for number in range(20):
        due_mail(UserFactory(email=f"p{number}@example.com"))
    start, sent = Barrier(4), []

    def work() -> None:
        start.wait()
        sent.append(send_due_mail(now=timezone.now()))
        connections.close_all()

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(sent) == 20
    assert sorted(recipients()) == sorted(f"p{number}@example.com" for number in range(20))
    assert set(OutgoingMail.objects.values_list("attempts", flat=True)) == {1}
    assert connection.vendor == "postgresql"
