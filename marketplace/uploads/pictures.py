"""Pictures from strangers, made safe by drawing them afresh."""

import io
import re
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, UnidentifiedImageError

from marketplace.audit import who_asks
from marketplace.uploads.checks import UploadError, check_size, sniff

IMAGE_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_PIXELS = 25_000_000
MAX_RATIO = 4  # longer side to shorter; WebP ends at 16383 pixels
AT_ONCE = 1  # pictures that a process draws at a time: one takes a core for seconds, and some 16 bytes of memory a pixel
MOST_WAITING = 4  # for their turn, each with its request and a connection to the database
MOST_OF_ONE = 2  # drawn for one person or waiting, so that the others have a turn too
LONGEST_WAIT = 10  # seconds
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
_whose: Counter[str] = Counter()
_counting = threading.Lock()
_is_shut: ContextVar[bool] = ContextVar("drawing_is_shut", default=False)


class Busy(UploadError):
    """The file may be fit: there was no time to look."""

    code = "busy"


@dataclass(frozen=True)
class CheckedPicture:
    """A public picture ready to be kept: WebP files by the width they were asked for; `width` and `height` of the widest."""

    files: dict[int, bytes]
    width: int
    height: int


@contextmanager
def drawing() -> Iterator[None]:
    """Around all that opens and encodes a stranger's picture: one's own turn. Busy when too many wait, or one for too long."""
    if _is_shut.get():
        raise RuntimeError("A picture is drawn before the transaction that keeps it begins: others wait for its end.")
    with ExitStack() as held:
        held.enter_context(_place_of(who_asks()))
        for semaphore, wait in ((_room, 0), (_desk, LONGEST_WAIT)):
            if not semaphore.acquire(timeout=wait):
                raise Busy(_("Many pictures are being worked on just now. Wait a minute, then add this one again."))
            held.callback(semaphore.release)
        yield


@contextmanager
def no_drawing() -> Iterator[None]:
    """Around a transaction for whose end others wait: a picture takes seconds, so it is drawn before."""
    before = _is_shut.set(True)
    try:
        yield
    finally:
        _is_shut.reset(before)


@contextmanager
def _place_of(person: str) -> Iterator[None]:
    with _counting:
        if person and _whose[person] >= MOST_OF_ONE:
            raise Busy(_("Pictures of yours are being worked on just now. Wait until they are there, then add this one again."))
        _whose[person] += 1
    try:
        yield
    finally:
        with _counting:
            _whose[person] -= 1
            if not _whose[person]:
                del _whose[person]


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
