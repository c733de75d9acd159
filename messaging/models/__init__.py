from messaging.models.contact import ContactSettings, Webhook, WebhookDelivery
from messaging.models.conversation import Attachment, Block, Conversation, Message, MessageReport, Participation
from messaging.models.notification import MailOptOut, Notification, OutgoingMail

__all__ = [
    "Attachment",
    "Block",
    "ContactSettings",
    "Conversation",
    "MailOptOut",
    "Message",
    "MessageReport",
    "Notification",
    "OutgoingMail",
    "Participation",
    "Webhook",
    "WebhookDelivery",
]
