"""Pictures of people: the one they upload, squared, and the initial drawn for everybody else."""

import hashlib
import unicodedata

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import escape
from PIL import Image, ImageOps

from marketplace.uploads import check_size, drawing, encode_image, open_image, random_name

SIDE = 512  # pixels
_LONGEST = 12  # code points: some names pile accents without end
_JOINERS = {"\u200d", "\ufe0f"}
# Paper and ink of one hue each, all above 7:1, so that the letter stays readable at 24 pixels on either colour scheme.
_COLOURS = (
    ("#dcebe0", "#164233"),
    ("#e3e6f4", "#2b3270"),
    ("#f3e3d8", "#6b2f10"),
    ("#f1e0ea", "#66204b"),
    ("#dfebf1", "#124560"),
    ("#ece8d3", "#4d4308"),
    ("#eadff3", "#4b2473"),
    ("#f4dedd", "#6f1d1b"),
)


def square_picture(upload: UploadedFile) -> "ContentFile[bytes]":
    """The middle square of an uploaded picture as WebP of 512 pixels, without metadata; UploadError for anything unfit."""
    data = check_size(upload)
    with drawing():
        square = ImageOps.fit(open_image(data, least=SIDE), (SIDE, SIDE), method=Image.Resampling.LANCZOS)
        return ContentFile(encode_image(square), random_name(".webp"))


def first_grapheme(text: str) -> str:
    """The first thing a reader calls a letter: with its accents, its emoji joints, and both halves of a flag."""
    text = unicodedata.normalize("NFC", text.strip())
    taken = ""
    for character in text:
        joined = (
            character in _JOINERS or unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Mc", "Me")
        )
        tone = "\U0001f3fb" <= character <= "\U0001f3ff"
        flag = _is_flag_half(character) and len(taken) == 1 and _is_flag_half(taken)
        if len(taken) == _LONGEST or (taken and not (joined or tone or flag or taken.endswith("\u200d"))):
            break
        taken += character
    return taken


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def draw_initial(*, name: str, handle: str) -> str:
    """An SVG of the name's first letter; the colour follows from the handle, so a person keeps theirs."""
    paper, ink = _COLOURS[hashlib.sha256(handle.encode()).digest()[0] % len(_COLOURS)]
    letter = escape(first_grapheme(name).upper() or "?")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
        f'<rect width="96" height="96" fill="{paper}"/>'
        f'<text x="48" y="48" fill="{ink}" font-family="Georgia, serif" font-size="44" font-weight="600" text-anchor="middle" '
        f'dominant-baseline="central">{letter}</text></svg>'
    )
