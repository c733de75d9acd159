"""The only writers of this app's rows. What other apps may call is named here."""

from messaging.services.attachments import discard_loose_files, hand_in
from messaging.services.conversations import arrange, change_message, mark_seen, send_message
from messaging.services.mail import retry_mail, send_due_mail
from messaging.services.notifications import (
    Telling,
    choose_mail,
    mark_all_read,
    mark_read,
    notify,
    notify_all,
    on_the_site_alone,
    opt_in,
    opt_out,
    overtake,
)
from messaging.services.safety import block, decide, report, unblock

__all__ = [
    "Telling",
    "arrange",
    "block",
    "change_message",
    "choose_mail",
    "decide",
    "discard_loose_files",
    "hand_in",
    "mark_all_read",
    "mark_read",
    "mark_seen",
    "notify",
    "notify_all",
    "on_the_site_alone",
    "opt_in",
    "opt_out",
    "overtake",
    "report",
    "retry_mail",
    "send_due_mail",
    "send_message",
    "unblock",
]
