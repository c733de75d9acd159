"""Files of messages: handed in before the message is sent, and gone again when nothing holds them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum, Window
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.cache import count
from marketplace.uploads import check_attachment, check_shown_file, discard_files_on_error, discard_on_error
from messaging.exceptions import TooFast
from messaging.models import Attachment, Message

MOST_BYTES = 20 * 1024**2  # of one file
MOST_AN_HOUR = 100  # files of one person, the refused ones too: each is work
MOST_BYTES_A_DAY = 500 * 1024**2  # of one person, sent or not
HOUR, DAY = 3600, timedelta(days=1)
KEPT_FOR = DAY  # a file that was never sent; and one of a deleted message, which can be reported until then
BATCH = 100


def hand_in(
    *, actor: User, upload: "UploadedFile[Any]", as_it_is: bool = False, before_row: Callable[[], None] = lambda: None
) -> Attachment:
    """Keep a file for a message that is still being written; until that is sent it is the actor's alone.

    Pictures are drawn afresh and get a preview; other types stay as they are, to be downloaded. So do pictures that are handed in
    `as_it_is`: work for a delivery or evidence, which is kept byte for byte. Raises UploadError, and TooFast beyond what one
    person may hand in within an hour or a day. `before_row` is called when all that is slow is done.
    """
    _slow_down(actor)
    _check_room(actor)
    file, preview = (check_attachment(upload), None) if as_it_is else check_shown_file(upload, limit=MOST_BYTES)
    row = Attachment(
        uploader=actor,
        name=file.display_name,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
        created_at=timezone.now(),
    )
    with discard_files_on_error() as undo:
        discard_on_error(undo, row.file, file.stored_name)
        row.file.save(file.stored_name, file.content, save=False)
        if preview:
            row.width, row.height = preview.width, preview.height
            discard_on_error(undo, row.preview, preview.stored_name)
            row.preview.save(preview.stored_name, preview.content, save=False)
        before_row()
        with transaction.atomic():
            _check_room(User.objects.select_for_update(no_key=True).get(pk=actor.pk))
            row.save(force_insert=True)
    return row


def _slow_down(actor: User) -> None:
    hour = int(time.time()) // HOUR
    if count(f"files:{actor.pk}:{hour}", HOUR) > MOST_AN_HOUR:
        words = _("You have added %(most)d files within an hour. Try again in %(time)s.")
        raise TooFast(words % {"most": MOST_AN_HOUR, "time": _time_until(datetime.fromtimestamp((hour + 1) * HOUR, UTC))})


def _check_room(actor: User) -> None:
    """Before the work, and again while no other file of theirs can come in between."""
    today = Attachment.objects.filter(uploader=actor, created_at__gt=timezone.now() - DAY)
    since_then = today.annotate(together=Window(Sum("size"), order_by=F("created_at").desc()))
    full = since_then.filter(together__gte=MOST_BYTES_A_DAY).order_by("-created_at").values_list("created_at", flat=True).first()
    if full:
        words = _("You have added %(most)d MB within a day. Try again in %(time)s.")
        raise TooFast(words % {"most": MOST_BYTES_A_DAY // 1024**2, "time": _time_until(full + DAY)})


def _time_until(instant: datetime) -> str:
    """Rounded down, so a minute is added: never earlier than it is true."""
    return timeuntil(instant + timedelta(minutes=1))


def discard_loose_files(*, now: datetime) -> int:
    """Delete the files that no message was sent with for a day, and those of messages deleted a day ago and never reported.

    Returns how many. Any number of workers may do this at once; a file that is being sent just then stays.
    """
    discarded = 0
    while batch := _discard_some(_list_discardable(now - KEPT_FOR)):
        discarded += batch
    return discarded


def _list_discardable(before: datetime) -> QuerySet[Attachment]:
    unsent = Q(message__isnull=True, created_at__lt=before)
    deleted = Q(message__deleted_at__lt=before, message__reports__isnull=True)
    return Attachment.objects.filter(unsent | deleted).order_by("created_at")


@transaction.atomic
def _discard_some(due: QuerySet[Attachment]) -> int:
    rows = list(due.select_for_update(of=("self",), skip_locked=True)[:BATCH])
    about = Message.objects.filter(pk__in=[row.message_id for row in rows]).order_by("pk")
    held = list(about.select_for_update(no_key=True, skip_locked=True))  # whoever reports one just now holds it
    rows = list(due.filter(Q(message__isnull=True) | Q(message__in=held), pk__in=[row.pk for row in rows]))
    for row in rows:
        for file in filter(None, (row.file, row.preview)):
            transaction.on_commit(_deletion_of(file), robust=True)
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _deletion_of(file: FieldFile) -> Callable[[], None]:
    """A function with a name, for Django's log to tell of where the store fails: the others go on."""

    def delete_file() -> None:
        file.delete(save=False)

    return delete_file
