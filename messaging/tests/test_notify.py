import pytest
from django.core import mail
from django.db import transaction
from django.template import TemplateDoesNotExist
from huey.contrib.djhuey import HUEY
from redis.exceptions import ConnectionError as RedisIsDown

from messaging.events import KINDS, Kind
from messaging.letters import letter_for
from messaging.models import Notification, OutgoingMail
from messaging.services import Telling, notify, notify_all, opt_out
from messaging.tests.factories import NOON, tell


def test_a_notification_carries_the_words_the_severity_and_the_address(buyer, thing):
    notification = tell(buyer, thing)
    assert (notification.user, notification.kind, notification.severity) == (buyer, "tests.thing", "action")
    assert notification.subject == "News of a logo for Amara"
    assert notification.body == ("a logo at 12:00 UTC, see http://localhost:8000/orders/ on Handsel.\n\nSecond paragraph.")
    assert (notification.url, notification.read_at) == ("/orders/", None)


def test_instants_are_written_in_the_recipients_time_zone(buyer, thing):
    buyer.time_zone = "Africa/Nairobi"
    assert tell(buyer, thing).body.startswith("a logo at 15:00 EAT,")


def test_a_long_subject_with_line_breaks_becomes_one_line_of_200_characters(buyer, thing):
    notification = tell(buyer, thing, title="very\r\nBcc: all@example.com\n" + "long " * 60)
    assert notification.subject.startswith("News of very Bcc: all@example.com long long")
    assert (len(notification.subject), notification.subject[-1]) == (200, "…")


def test_the_mail_has_the_plain_words_unescaped_and_the_html_words_escaped(buyer, thing):
    notification = tell(buyer, thing, title="<b>Tom & Co</b>")
    letter = letter_for(notification)
    assert (notification.mail.recipient, letter.subject) == (buyer.email, "News of <b>Tom & Co</b> for Amara")
    assert letter.text.startswith("Hello Amara,\n\n<b>Tom & Co</b> at 12:00 UTC")
    assert "\n\nhttp://localhost:8000/orders/\n\n" in letter.text
    assert "No more mail of this kind: http://localhost:8000/mail/unsubscribe/" in letter.text
    assert "<b>Tom" not in letter.html
    assert "&lt;b&gt;Tom &amp; Co&lt;/b&gt;" in letter.html
    assert 'href="http://localhost:8000/orders/"' in letter.html
    assert "See it" in letter.html
    assert "{" not in letter.html and "{" not in letter.text


def test_facts_stand_below_the_words_with_instants_of_the_recipients_zone(buyer, thing):
    buyer.time_zone = "Africa/Nairobi"
    words = {"title": "a logo", "when": NOON}
    (row,) = notify_all(tellings=[Telling(buyer, thing, "/", words, [("Order", "Tom & Co"), ("Until", NOON)])])
    row.refresh_from_db()
    assert row.facts == [["Order", "Tom & Co"], ["Until", "Mon 4 May 2026, 15:00 EAT"]]
    html = letter_for(row).html
    assert "Tom &amp; Co" in html and "Mon 4 May 2026, 15:00 EAT" in html


def test_a_kind_that_is_gone_can_still_be_mailed(buyer):
    letter = letter_for(Notification(user=buyer, kind="tests.gone", subject="Old news", body="Words.", url="/"))
    assert "Open it" in letter.html and "Words." in letter.text


def test_a_mail_is_due_at_once(buyer, thing, django_capture_on_commit_callbacks):
    row = tell(buyer, thing).mail
    assert row.next_attempt_at is not None
    assert (row.attempts, row.sent_at, row.last_error) == (0, None, "")


def test_the_mail_leaves_after_the_commit_and_not_before(buyer, thing, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = tell(buyer, thing).mail
        assert mail.outbox == []
    assert [message.subject for message in mail.outbox] == ["News of a logo for Amara"]
    row.refresh_from_db()
    assert (row.attempts, row.next_attempt_at, row.last_error) == (1, None, "")
    assert row.sent_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_tells_nobody(buyer, thing):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(buyer, thing)
        raise ZeroDivisionError
    assert (Notification.objects.count(), OutgoingMail.objects.count(), mail.outbox) == (0, 0, [])


def test_who_opted_out_is_told_on_the_site_only(buyer, freelancer, thing):
    opt_out(user=buyer, kind=thing)
    tell(buyer, thing)
    tell(freelancer, thing)
    assert list(buyer.notifications.values_list("kind", flat=True)) == ["tests.thing"]
    assert list(OutgoingMail.objects.values_list("recipient", flat=True)) == [freelancer.email]


def test_somebody_who_left_gets_no_mail(buyer, thing):
    buyer.is_active = False
    buyer.save()
    tell(buyer, thing)
    assert OutgoingMail.objects.count() == 0


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example", "orders/", ""])
def test_an_address_elsewhere_is_a_programming_error(buyer, thing, url):
    with pytest.raises(ValueError, match="page of this site"):
        tell(buyer, thing, url=url)
    assert Notification.objects.count() == 0


def test_an_unknown_kind_is_a_programming_error(buyer):
    with pytest.raises(KeyError):
        notify(recipient=buyer, kind="tests.nobody_registered_this", url="/", context={})
    assert Notification.objects.count() == 0


def test_a_kind_without_words_is_a_programming_error(buyer, monkeypatch):
    monkeypatch.setitem(KINDS, "tests.wordless", Kind("tests.wordless", "Wordless", "info", "See it"))
    with pytest.raises(TemplateDoesNotExist):
        notify(recipient=buyer, kind="tests.wordless", url="/", context={})
    assert Notification.objects.count() == 0


def test_a_queue_that_cannot_be_reached_fails_no_request_and_loses_no_mail(
    buyer, thing, monkeypatch, django_capture_on_commit_callbacks
):
    def refuse(*args, **kwargs):
        raise RedisIsDown("Connection refused")

    monkeypatch.setattr(HUEY, "enqueue", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        row = tell(buyer, thing).mail
    row.refresh_from_db()
    assert (row.attempts, row.sent_at, mail.outbox) == (0, None, [])
    assert row.next_attempt_at is not None
