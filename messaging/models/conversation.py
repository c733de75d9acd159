"""What two people say to each other. The numbers of a conversation's messages run from 1 without a gap."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace.uploads import private_storage

MOST_CHARACTERS = 5_000
MOST_FILES = 5  # of one message
LONGEST_NOTE = 2_000  # characters that a report, or a decision about it, is explained with
SHORTEST_REASON = 20  # characters of what a moderator decides by
EARLIER = "\n———\n"  # between the wordings of a message that was changed


class Conversation(models.Model):
    """The one conversation of two people; `first` is the one with the smaller id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conversations_started")
    last_seq = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("conversation")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="messaging_conversation_one_per_pair"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="messaging_conversation_pair_in_order"),
            models.CheckConstraint(
                condition=Q(started_by=F("first")) | Q(started_by=F("second")),
                name="messaging_conversation_started_by",
            ),
        ]
        indexes = [models.Index(fields=["started_by", "created_at"], name="messaging_conversation_started")]

    def __str__(self) -> str:
        return str(self.pk)

    def get_absolute_url(self) -> str:
        return reverse("messaging:conversation", args=[self.pk])


class Participation(models.Model):
    """One side of a conversation: what this person has read of it, and how it lies in their inbox.

    `last_seq` and `last_at` are the conversation's, kept here so that an inbox of any size is one walk along an index.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="participations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="participations")
    other = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last_seq = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()
    delivered_seq = models.PositiveBigIntegerField(default=0)  # up to where a device of theirs has it
    read_seq = models.PositiveBigIntegerField(default=0)
    muted = models.BooleanField(default=False)  # no notification, no mail
    archived = models.BooleanField(default=False)  # until the next message
    mailed_seq = models.PositiveBigIntegerField(default=0)  # up to where a digest went out
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("side of a conversation")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="messaging_participation_once"),
            models.UniqueConstraint(fields=["user", "other"], name="messaging_participation_one_per_pair"),
            models.CheckConstraint(condition=~Q(user=F("other")), name="messaging_participation_of_two"),
            models.CheckConstraint(
                condition=Q(read_seq__lte=F("last_seq"), delivered_seq__lte=F("last_seq"), mailed_seq__lte=F("last_seq")),
                name="messaging_participation_seqs",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "archived", "-last_at", "-id"], name="messaging_inbox"),
            models.Index(fields=["user"], condition=Q(last_seq__gt=F("read_seq")), name="messaging_inbox_unread"),
            models.Index(fields=["last_at"], condition=Q(last_seq__gt=F("read_seq")), name="messaging_digest_due"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id}: {self.user_id}"

    @property
    def unread(self) -> int:
        """How many messages of the other side they have not read: whoever writes has read what stood before."""
        return self.last_seq - self.read_seq


class Message(models.Model):
    """One message. Its words may change or go within a short time; the row and its number stay."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="messages")
    seq = models.PositiveBigIntegerField()
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages_sent")
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages_received")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    content = models.TextField(blank=True)
    client_id = models.CharField(max_length=64)  # chosen by the sender's device: what is sent again is the same message
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    original = models.TextField(blank=True)  # every earlier wording, the first on top: for moderators, if reported

    class Meta:
        verbose_name = _("message")
        default_permissions = ("view",)
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="messaging_message_numbered"),
            models.UniqueConstraint(fields=["sender", "client_id"], name="messaging_message_sent_once"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="messaging_message_from_one"),
            models.CheckConstraint(condition=~Q(sender=F("receiver")), name="messaging_message_between_two"),
            models.CheckConstraint(condition=LessThanOrEqual(Length("content"), MOST_CHARACTERS), name="messaging_message_long"),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(content=""), name="messaging_message_deleted_says_nothing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.seq}"


class Attachment(models.Model):
    """A file handed in for a message. Until the message is sent it belongs to who handed it in, alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="attachments")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, blank=True, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    file = models.FileField(upload_to="messages/", storage=private_storage)
    preview = models.FileField(upload_to="messages/", storage=private_storage, blank=True)  # of a picture: a small one
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True, blank=True)  # of a picture's preview, pixels
    height = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("attachment")
        default_permissions = ()
        ordering = ["position", "created_at"]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(message__isnull=True), name="messaging_attachment_loose"),
        ]

    def __str__(self) -> str:
        return self.name


class Block(models.Model):
    """One person wants to hear nothing from another. Neither can write, but for orders of the two that run."""

    blocker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("block")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="messaging_block_once"),
            models.CheckConstraint(condition=~Q(blocker=F("blocked")), name="messaging_block_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id}: {self.blocked_id}"


class MessageReport(models.Model):
    """A person asks the moderators to look at a message they were sent."""

    class Reason(models.TextChoices):
        OFF_PLATFORM = "off_platform", _("Wants to be paid outside this site")
        SCAM = "scam", _("Fraud or a trick")
        ABUSE = "abuse", _("Insults or threats")
        SPAM = "spam", _("Unwanted advertising")
        OTHER = "other", _("Something else")

    class Decision(models.TextChoices):
        UPHELD = "upheld", _("The report is right")
        DISMISSED = "dismissed", _("Nothing wrong here")

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="reports")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports_made")
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    note = models.TextField(_("what happened"), blank=True)
    words = models.TextField()  # the message as it was first sent, kept whatever becomes of it
    created_at = models.DateTimeField()
    decision = models.CharField(_("decision"), max_length=20, choices=Decision.choices, blank=True)
    decision_note = models.TextField(_("reason of the decision"), blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reported message")
        default_permissions = ("view",)
        permissions = [("moderate_messages", "Can decide about reported messages")]
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["message", "reporter"], name="messaging_report_once"),
            models.CheckConstraint(
                condition=Q(decision="", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(decision="") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="messaging_report_decided_whole",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], condition=Q(decision=""), name="messaging_report_open")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.message_id}"
