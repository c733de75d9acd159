"""What is warned about, and what is not: a warning that cries wolf is not read."""

import time

import pytest

from messaging.off_platform import HINTS, hints_in

SAMPLES = [
    ("Write to amara@example.com, please", {"email"}),
    ("amara (at) example.com", {"email"}),
    ("amara@example dot com", {"email"}),
    ("AMARA@EXAMPLE.COM", {"email"}),
    ("My number is +254 712 345 678", {"phone"}),
    ("0044 20 7946 0958", {"phone"}),
    ("ring 0171/2345678", {"phone"}),
    ("Add me on WhatsApp", {"messenger"}),
    ("let us talk on telegram", {"messenger"}),
    ("my skype is amara", {"messenger"}),
    ("Telegram: @amara_o", {"messenger"}),
    ("https://wa.me/254712345678", {"messenger"}),
    ("Whatsapp me", {"messenger"}),
    ("You can pay me outside", {"payment"}),
    ("Let us deal off-platform", {"payment"}),
    ("we both save the fees", {"payment"}),
    ("Pay me directly", {"payment"}),
    ("pay outside, then text me on signal at +254712345678", {"payment", "messenger", "phone"}),
    # Plain talk about work
    ("", set()),
    ("I only work on here.", set()),
    ("No, thank you: I stay with the rules of this site.", set()),
    ("The invoice is 1.250,00 EUR, due 2026-11-21 at 10:30.", set()),
    ("Order 7K2M-Q4XD, IBAN DE89 3704 0044 0532 0130 00", set()),
    ("Draw me a sticker set with a whatsapp-green owl", set()),
    ("The signal is weak in the second take.", set()),
    ("Version 1.10.2 of the file, 3000 x 2000 px", set()),
    ("Can you deliver at 9 @ 300 dpi?", set()),
    ("https://example.com/portfolio", set()),
    ("Paint the outside of the house green.", set()),
]


@pytest.mark.parametrize(("text", "names"), SAMPLES)
def test_a_text_is_warned_about_for_what_it_contains(text, names):
    assert {hint.name for hint in hints_in(text)} == names


def test_every_hint_has_a_sample_and_words_of_its_own():
    assert {name for _text, names in SAMPLES for name in names} == {hint.name for hint in HINTS}
    assert len({str(hint.label) for hint in HINTS}) == len(HINTS)


@pytest.mark.parametrize("piece", ["pay ", "a.", "0", "1 ", "call ", "@", "+", " "])
def test_the_longest_text_is_looked_through_at_once(piece):
    started = time.process_time()
    assert hints_in(piece * (5000 // len(piece))) == []
    assert time.process_time() - started < 0.3
