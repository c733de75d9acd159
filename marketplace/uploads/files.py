"""Files that one person hands to another: receipts, work, and what goes with a message."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image

from marketplace.uploads.checks import UploadError, check_size, display_name, random_name, sniff
from marketplace.uploads.pictures import IMAGE_TYPES, drawing, encode_image, open_image

PREVIEW = (640, 1280)  # the widest and the highest a preview gets
_QUICK = 1  # the effort for what one or two people download once


@dataclass(frozen=True)
class CheckedFile:
    """A file ready to be kept.

    `content` to store under the random `stored_name`, the name people see, its true type, its size in bytes, and the SHA-256 of
    what was handed in (before any re-encoding).
    """

    content: "File[bytes]"
    stored_name: str
    display_name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Preview:
    """A small WebP of a picture, to show in its place."""

    content: "ContentFile[bytes]"
    stored_name: str
    width: int
    height: int


def check_receipt(upload: "UploadedFile[Any]") -> CheckedFile:
    """A receipt: PNG, JPEG or WebP re-encoded without metadata, or a PDF kept as it is. UploadError otherwise."""
    data = check_size(upload)
    content_type = sniff(data)
    if content_type == "application/pdf":
        if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-2048:]:
            raise UploadError(_("This PDF is damaged. Save it again, or hand in a picture of it."))
        return _checked_file(data, upload.name or "receipt", content_type, ".pdf", handed_in=data)
    if content_type not in IMAGE_TYPES:
        raise UploadError(_("Hand in the receipt as PNG, JPEG, WebP or PDF. This file is none of them, whatever its name says."))
    with drawing():
        file, _picture = _drawn_afresh(data, upload.name or "receipt", content_type)
    return file


def check_attachment(upload: "UploadedFile[Any]", *, limit: int | None = None) -> CheckedFile:
    """A file of work, of any type: kept byte for byte, only ever offered as a download."""
    return _work(check_size(upload, limit=limit), upload.name or "file")


def check_shown_file(upload: "UploadedFile[Any]", *, limit: int) -> tuple[CheckedFile, Preview | None]:
    """A picture drawn afresh, with a preview of it; a file of any other type as `check_attachment` keeps it. UploadError."""
    data = check_size(upload, limit=limit)
    content_type = sniff(data)
    if content_type not in IMAGE_TYPES:
        return _work(data, upload.name or "file"), None
    with drawing():
        file, picture = _drawn_afresh(data, upload.name or "picture", content_type)
        picture.thumbnail(PREVIEW, Image.Resampling.LANCZOS)
        return file, Preview(ContentFile(encode_image(picture)), random_name(".webp"), *picture.size)


def _work(data: bytes, name: str) -> CheckedFile:
    suffix = PurePath(display_name(name)).suffix.lower()[:10]
    return _checked_file(data, name, sniff(data) or "application/octet-stream", suffix, handed_in=data)


def _drawn_afresh(data: bytes, name: str, content_type: str) -> tuple[CheckedFile, Image.Image]:
    picture, format = open_image(data), IMAGE_TYPES[content_type]
    encoded = encode_image(picture, format, effort=_QUICK)
    return _checked_file(encoded, name, content_type, f".{format.lower()}", handed_in=data), picture


def _checked_file(kept: bytes, name: str, content_type: str, suffix: str, *, handed_in: bytes) -> CheckedFile:
    digest = hashlib.sha256(handed_in).hexdigest()
    return CheckedFile(ContentFile(kept), random_name(suffix), display_name(name), content_type, len(kept), digest)
