"""What every file from a stranger is asked: its size, what its bytes are, and by which name it may be shown."""

import unicodedata
import uuid
from pathlib import PurePosixPath
from typing import Any

import filetype
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError


class UploadError(DomainError):
    code = "invalid_file"


def check_size(upload: "UploadedFile[Any]", *, limit: int | None = None) -> bytes:
    """The bytes of the upload; UploadError when it is empty or larger than `limit` bytes (default MAX_UPLOAD_BYTES)."""
    limit = limit or settings.MAX_UPLOAD_BYTES
    if not upload.size:
        raise UploadError(_("This file is empty. Choose it again."))
    if upload.size > limit:
        raise UploadError(_("This file is too large: at most %(limit)d MB.") % {"limit": limit // 1024**2})
    upload.seek(0)
    return bytes(upload.read())


def sniff(data: bytes) -> str:
    """The media type the bytes themselves show, or "" when they show none."""
    media_type = filetype.guess_mime(data) or ""
    return "image/png" if media_type == "image/apng" else media_type  # of an animated PNG the first frame counts


def random_name(suffix: str) -> str:
    return f"{uuid.uuid4().hex}{suffix}"


def display_name(name: str) -> str:
    """The last part of the name someone gave a file, fit to show and to offer for download."""
    last = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).name)
    return "".join(filter(_is_shown, last[-120:].strip().replace(" ", "_"))).lstrip(".") or "file"


def _is_shown(character: str) -> bool:
    """Letters, their accents and vowel signs, digits, and three marks; not the letters that Unicode made to show nothing."""
    is_letter = character.isalnum() and character not in "\u115f\u1160\u3164\uffa0"
    return is_letter or character in "-_." or unicodedata.category(character) in ("Mn", "Mc")
