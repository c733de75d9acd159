"""Payment references: what a client writes into a transfer, and how references are compared. Pure Python."""

import secrets
import unicodedata

# 31 symbols, none of which looks like another (no I, L, O, 0, 1). 31 is prime, so a weighted sum modulo 31 with distinct weights
# finds every single wrong symbol and every swap of two.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LENGTH = 8  # seven random symbols and one check symbol


def new_reference() -> str:
    """A fresh reference such as `K7M4-9QXT`: 31⁷ (27 thousand million) possibilities."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH - 1))
    return dashed(body + _check_symbol(body))


def is_reference(text: str) -> bool:
    """Whether the text, spaces and dashes and case aside, is a reference with the right check symbol."""
    compact = normalize_reference(text)
    return len(compact) == _LENGTH and set(compact) <= set(ALPHABET) and compact[-1] == _check_symbol(compact[:-1])


def normalize_reference(text: str) -> str:
    """A bank's or wallet's reference reduced to what two writings of it share: letters without accents and digits, upper case."""
    plain = unicodedata.normalize("NFKD", text).upper()
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain if c.isalnum())


def is_comparable(normalized: str) -> bool:
    """Whether equal references look equal: a letter from elsewhere may look like another one, or like nothing."""
    return bool(normalized) and normalized.isascii()


def _check_symbol(body: str) -> str:
    total = sum(weight * ALPHABET.index(symbol) for weight, symbol in enumerate(body, start=2))
    return ALPHABET[total % len(ALPHABET)]


def dashed(text: str) -> str:
    """Eight symbols as a reference is written."""
    return f"{text[:4]}-{text[4:]}"
