"""What characters of a text show, whoever wrote it and wherever it goes."""

import re
import unicodedata

# Control characters, and the invisible ones that turn the direction of text or hide in it: Unicode's bidi controls, zero widths,
# soft hyphens, fillers, annotations and tags. The two joiners (U+200C, U+200D) stay: Persian and emoji are written with them.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u3164"
    r"\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
MOST_ACCENTS = 4  # on one letter: more than languages write, and few enough to stay within the line
_BLANK_LOOKING = {"\u2800"}  # the braille pattern without a dot, a symbol to Unicode


def shows_something(text: str) -> bool:
    """Whether there is anything to see: joiners, accents and modifiers alone show nothing."""
    visible = UNSEEN.sub("", text)
    kinds = {unicodedata.category(character) for character in {*visible} - _BLANK_LOOKING} - {"Lm"}
    return any(kind[0] in "LNPS" for kind in kinds)


def heaps_accents(text: str) -> bool:
    """Whether a letter carries so many accents that they cover the lines above and below."""
    run = 0
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Mn", "Me"):
            run += 1
            if run > MOST_ACCENTS:
                return True
        elif kind != "Cf":  # a joiner between them shows nothing
            run = 0
    return False
