"""A notification as a mail: made when it is sent, from what the notification's row says and nothing else."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from messaging.events import KINDS, Mail
from messaging.models import Notification
from messaging.selectors import mail_of, unsubscribe_url_for


@dataclass(frozen=True)
class Letter:
    """`unsubscribe_url` is empty where the mail cannot be switched off."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str


def letter_for(notification: Notification) -> Letter:
    """The words in plain text and in HTML; addresses in them are absolute."""
    kind = KINDS.get(notification.kind)
    unsubscribe_url = (
        "" if mail_of(notification.kind) == Mail.ALWAYS else unsubscribe_url_for(notification.user, notification.kind)
    )
    words = {
        "notification": notification,
        "recipient": notification.user,
        "action": kind.action if kind else _("Open it"),
        "url": settings.SITE_URL + notification.url,
        "unsubscribe_url": unsubscribe_url,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
    }
    with timezone.override(ZoneInfo(notification.user.time_zone)):
        text = render_to_string("messaging/email/letter.txt", words)
        html = render_to_string("messaging/email/letter.html", words)
    return Letter(notification.subject, text.strip() + "\n", html, unsubscribe_url)
