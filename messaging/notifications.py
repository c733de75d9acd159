"""What people are told about their conversations. The words stand in `templates/messaging/email/`."""

from django.utils.translation import gettext_lazy as _

from messaging.events import Kind, Mail, register

WRITTEN = "messaging.written"
UNREAD = "messaging.unread"
WEBHOOK_STOPPED = "messaging.webhook_stopped"
REPORT_DECIDED = "messaging.report_decided"
SIGNED_OUT = "messaging.token_reused"
KEY_MADE = "messaging.key_made"
CODES_WRONG = "messaging.codes_wrong"
QUOTING = (WRITTEN, UNREAD)  # what people wrote to each other stands in these

register(
    _("Conversations"),
    Kind(WRITTEN, _("Somebody writes to me"), "info", _("Read it"), mail=Mail.NEVER),
    Kind(UNREAD, _("Messages to me are not read for five minutes"), "info", _("Read and answer")),
    Kind(WEBHOOK_STOPPED, _("A webhook of mine does not answer any more"), "problem", _("Look at it")),
    Kind(REPORT_DECIDED, _("A moderator has decided about a message I reported"), "info", _("Open the conversation")),
)
register(
    _("My account"),
    Kind(SIGNED_OUT, _("A program was signed out for safety"), "problem", _("See where I am signed in"), mail=Mail.ALWAYS),
    Kind(
        CODES_WRONG,
        _("Somebody with my password fails at my second factor"),
        "problem",
        _("Change my password"),
        mail=Mail.ALWAYS,
    ),
    Kind(KEY_MADE, _("A new API key is made"), "info", _("See my keys"), mail=Mail.ALWAYS),
)
