"""Files from strangers: what they really are, and pictures made safe by drawing them afresh."""

import hashlib
import io
import re
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any

import filetype
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, UnidentifiedImageError

from marketplace.exceptions import DomainError

IMAGE_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_PIXELS = 25_000_000
MAX_RATIO = 4  # longer side to shorter; WebP ends at 16383 pixels
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


class UploadError(DomainError):
    code = "invalid_file"


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


def open_image(data: bytes) -> Image.Image:
    """Decode PNG, JPEG or WebP: first frame, upright, no metadata. UploadError for anything else and for decompression bombs."""
    if sniff(data) not in IMAGE_TYPES:
        raise UploadError(_("This is not a PNG, JPEG or WebP picture, whatever its name says."))
    try:
        picture = Image.open(io.BytesIO(data), formats=list(IMAGE_TYPES.values()))
        if picture.width * picture.height > MAX_PIXELS:
            raise UploadError(_("This picture has too many pixels: at most 25 million."))
        picture.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
        raise UploadError(_("This picture has too many pixels: at most 25 million.")) from bomb
    except _DAMAGED as broken:
        raise UploadError(_("This picture is damaged and cannot be read.")) from broken
    turn = _TURNS.get(_orientation(picture))
    return _afresh(picture.transpose(turn) if turn is not None else picture)


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
    fresh = Image.new(mode, picture.size)
    fresh.paste(picture.convert(mode))
    return fresh


def encode_image(picture: Image.Image, format: str = "WEBP", *, effort: int = 4) -> bytes:
    """The picture as a file. `effort`, from 0 to 6, is how long WebP looks for a smaller one."""
    out = io.BytesIO()
    if format == "JPEG":
        picture = picture.convert("RGB")
    picture.save(out, format, quality=84, method=effort)
    return out.getvalue()


def check_picture(upload: "UploadedFile[Any]", *, widths: Sequence[int]) -> CheckedPicture:
    """A public picture as WebP in these widths (pixels), never wider than the original. UploadError when it is no fit picture."""
    return picture_in_widths(open_image(check_size(upload)), widths=widths)


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
    last = PurePosixPath(name.replace("\\", "/")).name
    return re.sub(r"[^-\w.]", "", last[-120:].strip().replace(" ", "_")).lstrip(".") or "file"


def check_receipt(upload: "UploadedFile[Any]") -> CheckedFile:
    """A receipt: PNG, JPEG or WebP re-encoded without metadata, or a PDF kept as it is. UploadError otherwise."""
    data = check_size(upload)
    content_type = sniff(data)
    digest = hashlib.sha256(data).hexdigest()
    name = display_name(upload.name or "receipt")
    if content_type == "application/pdf":
        if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-2048:]:
            raise UploadError(_("This PDF is damaged. Save it again, or hand in a picture of it."))
        return CheckedFile(ContentFile(data), random_name(".pdf"), name, content_type, len(data), digest)
    if content_type not in IMAGE_TYPES:
        raise UploadError(_("Hand in the receipt as PNG, JPEG, WebP or PDF. This file is none of them, whatever its name says."))
    format = IMAGE_TYPES[content_type]
    encoded = encode_image(open_image(data), format)
    return CheckedFile(ContentFile(encoded), random_name(f".{format.lower()}"), name, content_type, len(encoded), digest)


def check_attachment(upload: "UploadedFile[Any]") -> CheckedFile:
    """A file of work, of any type: kept byte for byte, only ever offered as a download."""
    data = check_size(upload)
    name = display_name(upload.name or "file")
    suffix = PurePath(name).suffix.lower()[:10]
    digest = hashlib.sha256(data).hexdigest()
    return CheckedFile(ContentFile(data), random_name(suffix), name, sniff(data) or "application/octet-stream", len(data), digest)


def private_storage() -> Storage:
    """Where files live that only their parties may have. A callable, so that migrations do not freeze the place."""
    return storages["private"]


@contextmanager
def discard_files_on_error() -> Iterator[ExitStack]:
    """Give the stack a callback that deletes each file kept; they run when the block fails: no file stays without its row."""
    with ExitStack() as undo:
        yield undo
        undo.pop_all()
