import re
from xml.etree import ElementTree

import pytest

from accounts.pictures import _COLOURS, draw_initial, first_grapheme


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("Amara", "A"),
        ("  josé", "j"),
        ("Épée", "É"),
        ("E\u0301pée", "É"),
        ("李伟", "李"),
        ("ग़ज़ल", "ग़"),
        ("क\u093fरण", "कि"),
        ("👩🏽\u200d🚀 Ada", "👩🏽\u200d🚀"),
        ("🇳🇴 Ola", "🇳🇴"),
        ("", ""),
    ],
)
def test_the_first_letter_is_what_a_reader_calls_one(name, letter):
    assert first_grapheme(name) == letter


@pytest.mark.parametrize("name", ["<b>", "&", '"', "]]>", "Amara", "", "e" + "\u0301" * 500])
def test_the_drawing_is_sound_xml(name):
    drawing = draw_initial(name=name, handle="x")
    assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    assert len(drawing) < 600


def test_the_colour_follows_from_the_handle():
    assert draw_initial(name="A", handle="amara") == draw_initial(name="A", handle="amara")
    assert len({re.search('fill="(#.{6})"', draw_initial(name="A", handle=f"p{n}")).group(1) for n in range(99)}) == len(_COLOURS)


def _light(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("paper", "ink"), _COLOURS)
def test_every_colour_is_readable(paper, ink):
    assert (_light(paper) + 0.05) / (_light(ink) + 0.05) >= 7
