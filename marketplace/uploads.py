"""Files from strangers: what they really are, and pictures made safe by drawing them afresh."""

import hashlib
import io
import re
import struct
import threading
import unicodedata
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath, PurePosixPath
from typing import Any

import filetype
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, UnidentifiedImageError

from marketplace.exceptions import DomainError

IMAGE_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_PIXELS = 25_000_000
MAX_RATIO = 4  # longer side to shorter; WebP ends at 16383 pixels
PREVIEW = (640, 1280)  # the widest and the highest a preview gets
AT_ONCE = 1  # pictures that a process draws at a time: one takes a core for seconds, and some 16 bytes of memory a pixel
MOST_WAITING = 4  # for their turn, each with its request and a connection to the database
LONGEST_WAIT = 10  # seconds
_QUICK = 1  # the effort for what one or two people download once
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pillow has names of its own for some damage; the rest comes as it happens inside its readers.
_DAMAGED = (
    UnidentifiedImageError,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_room = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)
_desk = threading.BoundedSemaphore(AT_ONCE)


class UploadError(DomainError):
    code = "invalid_file"


class Busy(UploadError):
    """The file may be fit: there was no time to look."""

    code = "busy"


@dataclass(frozen=True)
class CheckedFile:
    """A file ready to be kept.

    `content` to store under the random `stored_name`, the name people see, its true type, its size in bytes, and the SHA-256 of
    what was handed in (before any re-encoding).
    """

    content: "ContentFile[bytes]"
    stored_name: str
    display_name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class CheckedPicture:
    """A public picture ready to be kept: WebP files by the width they were asked for; `width` and `height` of the widest."""

    files: dict[int, bytes]
    width: int
    height: int


@dataclass(frozen=True)
class Preview:
    """A small WebP of a picture, to show in its place."""

    content: "ContentFile[bytes]"
    stored_name: str
    width: int
    height: int


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


@contextmanager
def drawing() -> Iterator[None]:
    """Around all that opens and encodes a stranger's picture: one's own turn. Busy when too many wait, or one for too long."""
    with ExitStack() as held:
        for semaphore, wait in ((_room, 0), (_desk, LONGEST_WAIT)):
            if not semaphore.acquire(timeout=wait):
                raise Busy(_("Many pictures are being worked on just now. Wait a minute, then add this one again."))
            held.callback(semaphore.release)
        yield


def open_image(data: bytes, *, least: int | None = None) -> Image.Image:
    """Decode PNG, JPEG or WebP: first frame, upright, no metadata. UploadError for anything else and for decompression bombs.

    Who needs no more than `least` pixels a side may get a smaller picture than there is, at less cost.
    """
    media_type = sniff(data)
    if media_type not in IMAGE_TYPES:
        raise UploadError(_("This is not a PNG, JPEG or WebP picture, whatever its name says."))
    _check_parts(data, media_type)
    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=list(IMAGE_TYPES.values()))
        if picture.width * picture.height > MAX_PIXELS:
            raise UploadError(_("This picture has too many pixels: at most 25 million."))
        if least:
            picture.draft(None, (least, least))
        picture.load()
        turn = _TURNS.get(_orientation(picture))
        picture = _afresh(picture)  # the first lets go of its memory
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
        raise UploadError(_("This picture has too many pixels: at most 25 million.")) from bomb
    except _DAMAGED as broken:
        raise UploadError(_("This picture is damaged and cannot be read.")) from broken
    return picture.transpose(turn) if turn is not None else picture


# Parts: a small file of endless ones keeps a decoder busy for hours, for each scan of a JPEG goes over all of its pixels again.
_SEGMENT = re.compile(rb"\xff[\xc0-\xc7\xc9-\xcf\xda-\xef\xfe]")  # of a JPEG: those that have a length
_SEGMENT_OR_END = re.compile(rb"\xff[\xc0-\xc7\xc9-\xcf\xd9-\xef\xfe]")


def _parts_of_jpeg(data: bytes) -> Iterator[int]:
    """The segments up to the end (phones put films behind it); what stands between them before the first scan counts a little."""
    place, has_scan = 2, False
    while found := (_SEGMENT_OR_END if has_scan else _SEGMENT).search(data, place):
        marker = data[found.start() + 1]
        if marker == 0xD9:
            return
        yield from range(found.start() if has_scan else place, found.start() + 1, 16)
        has_scan |= marker == 0xDA
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


def _parts_of_png(data: bytes) -> Iterator[int]:
    place = 8
    while place < len(data) and data[place + 4 : place + 8] != b"IEND":
        yield place
        place += 12 + int.from_bytes(data[place : place + 4], "big")


_PARTS: dict[str, tuple[Callable[[bytes], Iterator[int]], int]] = {
    "image/jpeg": (_parts_of_jpeg, 256),
    "image/png": (_parts_of_png, 20_000),
}


def _check_parts(data: bytes, media_type: str) -> None:
    if media_type in _PARTS:
        parts, most = _PARTS[media_type]
        if next(islice(parts(data), most, None), None) is not None:
            raise UploadError(_("This picture is made of too many parts. Save it again with another program."))


def _orientation(picture: Image.Image) -> int:
    """How the camera was held, by EXIF; 1 (upright) when the picture does not say or its EXIF is damaged."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, ValueError, TypeError, LookupError, OSError, struct.error):
        return 1
    return value if isinstance(value, int) else 1


def _afresh(picture: Image.Image) -> Image.Image:
    """The pixels alone on a new image: comments, profiles and positions stay behind."""
    mode = "RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB"
    if picture.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off at white
        picture = picture.point(lambda level: level / 256).convert("L")
    fresh = picture.convert(mode)
    fresh.info = {}
    return fresh


def encode_image(picture: Image.Image, format: str = "WEBP", *, effort: int = 4) -> bytes:
    """The picture as a file. `effort`, from 0 to 6, is how long WebP looks for a smaller one."""
    out = io.BytesIO()
    if format == "JPEG" and picture.mode != "RGB":
        picture = picture.convert("RGB")
    picture.save(out, format, quality=84, method=effort, compress_level=4)
    return out.getvalue()


def check_picture(upload: "UploadedFile[Any]", *, widths: Sequence[int]) -> CheckedPicture:
    """A public picture as WebP in these widths (pixels), never wider than the original. UploadError when it is no fit picture."""
    data = check_size(upload)
    with drawing():
        return picture_in_widths(open_image(data, least=max(widths)), widths=widths)


def picture_in_widths(picture: Image.Image, *, widths: Sequence[int], effort: int = 4) -> CheckedPicture:
    if max(picture.size) > MAX_RATIO * min(picture.size):
        raise UploadError(_("This picture is too narrow: the longer side may be four times the shorter one at most."))
    files: dict[int, bytes] = {}
    for width in sorted(widths, reverse=True):
        if picture.width > width:
            picture = picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS)
        if not files:
            size = picture.size
        files[width] = encode_image(picture, effort=effort)
    return CheckedPicture(files, *size)


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


def private_storage() -> Storage:
    """Where files live that only their parties may have. A callable, so that migrations do not freeze the place."""
    return storages["private"]


@contextmanager
def discard_files_on_error() -> Iterator[ExitStack]:
    """Give the stack a callback that deletes each file kept; they run when the block fails: no file stays without its row."""
    with ExitStack() as undo:
        yield undo
        undo.pop_all()


def discard_on_error(undo: ExitStack, field: FieldFile, stored_name: str) -> None:
    """Called before a row's file is written: a full disk leaves no half of it either."""
    undo.callback(field.storage.delete, field.field.generate_filename(field.instance, stored_name))
