"""The one place that hands a message to the mail server."""

from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives


class MailNotSent(Exception):
    """The mail server did not take the message; the text says why."""


def send_message(*, message_id: str, recipient: str, subject: str, text: str, html: str, unsubscribe_url: str) -> None:
    """Send one message now, over the network: never inside a transaction. Raises MailNotSent.

    `message_id` is the same each time one message is tried again, so that a mailbox can tell a repetition. `unsubscribe_url`
    answers the one-click POST of RFC 8058; it is empty for mail that cannot be switched off.
    """
    headers = {
        "Message-ID": f"<{message_id}@{urlsplit(settings.SITE_URL).hostname}>",
        "Auto-Submitted": "auto-generated",
    }
    if unsubscribe_url:
        headers |= {"List-Unsubscribe": f"<{unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    if any(mark in line for line in (recipient, subject, *headers.values()) for mark in "\r\n"):
        raise MailNotSent("A line of the message's head contains a line break.")
    message = EmailMultiAlternatives(subject=subject, body=text, to=[recipient], headers=headers)
    message.attach_alternative(html, "text/html")
    try:
        message.send()
    except (SMTPException, OSError, ValueError) as failure:  # ValueError: an address that cannot be written as a header
        raise MailNotSent(f"{type(failure).__name__}: {failure}") from failure
