import pytest
from django.core import mail

from marketplace.mail import MailNotSent, send_message

MESSAGE = {
    "message_id": "notification-7",
    "recipient": "amara@example.com",
    "subject": "Ein Grüßchen",
    "text": "Words & more.",
    "html": "<p>Words &amp; more.</p>",
    "unsubscribe_url": "https://market.example/mail/unsubscribe/token/",
}


def test_a_message_has_both_bodies_and_the_one_click_headers_of_rfc_8058():
    send_message(**MESSAGE)
    sent = mail.outbox[0].message()
    assert [part.get_content_type() for part in sent.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert (sent["To"], mail.outbox[0].subject) == ("amara@example.com", "Ein Grüßchen")
    assert sent["List-Unsubscribe"] == "<https://market.example/mail/unsubscribe/token/>"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["Message-ID"] == "<notification-7@localhost>"
    assert sent["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("field", ["recipient", "subject", "unsubscribe_url", "message_id"])
@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\nBcc: all@example.com"])
def test_a_line_break_in_a_header_is_refused(field, line_break):
    with pytest.raises(MailNotSent, match="line break"):
        send_message(**{**MESSAGE, field: MESSAGE[field] + line_break})
    assert mail.outbox == []


def test_a_server_that_does_not_answer_is_told_apart_from_a_bug(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(MailNotSent, match="ConnectionRefusedError"):
        send_message(**MESSAGE)
