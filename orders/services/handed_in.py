"""Files that were handed in before the step they are for, as files of messages are: made ready to be kept with the order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.uploads import CheckedFile, UploadError, check_receipt, display_name, random_name
from messaging.models import Attachment
from messaging.selectors import list_handed_in
from orders.exceptions import FileGone, FileRedrawn


def take_work(*, actor: User, file_ids: Sequence[UUID]) -> list[CheckedFile]:
    """Files for a delivery or as evidence, each once and in this order, byte for byte as the actor has handed them in.

    They stay where they were handed in, too, until they are discarded there. Raises FileGone; FileRedrawn for a picture that was
    drawn afresh, because it was not handed in with `as_it_is`; UploadError for one larger than MAX_UPLOAD_BYTES.
    """
    rows = _find(actor, list(dict.fromkeys(file_ids)))
    for row in rows:
        if row.preview:
            words = _("“%(name)s” was handed in for a message and drawn afresh. Hand it in again as work, to be kept as it is.")
            raise FileRedrawn(words % {"name": row.name})
        if row.size > settings.MAX_UPLOAD_BYTES:
            words = _("“%(name)s” is too large: at most %(limit)d MB.")
            raise UploadError(words % {"name": row.name, "limit": settings.MAX_UPLOAD_BYTES // 1024**2})
        if not row.file.storage.exists(str(row.file.name)):
            raise _gone(row)
    return [
        CheckedFile(
            content=_Kept(row),
            stored_name=random_name(PurePath(row.name).suffix.lower()[:10]),
            display_name=display_name(row.name),
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
        )
        for row in rows
    ]


def take_receipt(*, actor: User, file_id: UUID) -> CheckedFile:
    """A receipt that the actor has handed in, checked and drawn afresh like any other.

    Its SHA-256 is that of the file they had, so that one used before is known again. Raises FileGone, and UploadError for what is
    no receipt.
    """
    (row,) = _find(actor, [file_id])
    return replace(check_receipt(_upload(row)), sha256=row.sha256)


class _Kept(File):  # type: ignore[type-arg]
    """Opened when it is copied, and copied piece by piece: ten files of ten megabytes need not be in memory for one request."""

    def __init__(self, row: Attachment) -> None:
        super().__init__(None, row.name)
        self.row, self.size = row, row.size

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        try:
            stored = self.row.file.storage.open(str(self.row.file.name))
        except FileNotFoundError as gone:  # discarded a moment ago
            raise _gone(self.row) from gone
        with stored:
            yield from stored.chunks(chunk_size)


def _find(actor: User, file_ids: Sequence[UUID]) -> list[Attachment]:
    rows = list_handed_in(actor, file_ids)
    missing = next((str(file_id) for file_id in file_ids if file_id not in {row.pk for row in rows}), None)
    if missing:
        words = _("The file %(name)s is not here any more, or was sent in a message. Hand it in again.")
        raise FileGone(words % {"name": missing})
    return rows


def _upload(row: Attachment) -> SimpleUploadedFile:
    try:
        with row.file.open("rb") as stored:
            return SimpleUploadedFile(row.name, stored.read(), row.content_type)
    except FileNotFoundError as gone:
        raise _gone(row) from gone


def _gone(row: Attachment) -> FileGone:
    return FileGone(_("The file “%(name)s” is not here any more. Hand it in again.") % {"name": row.name})
