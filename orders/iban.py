"""IBANs: their shape and check digits (ISO 13616), and those the SEPA transfer scheme reaches; the shape of BICs. Pure Python."""

import re

# The countries of the SEPA transfer scheme, each with the length of its IBAN.
_COUNTRIES = """
    AD24 AL28 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GI23 GR27 HR21 HU28 IE22 IS26 IT27 LI21 LT20
    LU20 LV21 MC27 MD24 ME22 MK19 MT31 NL18 NO15 PL28 PT25 RO24 RS22 SE24 SI19 SK24 SM27 VA22
"""
SEPA_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _COUNTRIES.split()}
_SHAPE = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


def compact(text: str) -> str:
    """The number in capitals without the spaces, dots and hyphens people write into it."""
    return re.sub(r"[\s.-]", "", text).upper()


def looks_like_iban(text: str) -> bool:
    return bool(_SHAPE.fullmatch(compact(text)))


def is_iban(text: str) -> bool:
    """Whether it has the shape of an IBAN and its check digits are right (modulo 97)."""
    iban = compact(text)
    return looks_like_iban(iban) and int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def is_sepa_iban(text: str) -> bool:
    """Whether it is an IBAN of a SEPA country, of the right length."""
    iban = compact(text)
    return SEPA_LENGTHS.get(iban[:2]) == len(iban) and is_iban(iban)


def is_bic(text: str) -> bool:
    """Whether it has the shape of a BIC (ISO 9362), as `compact` leaves it."""
    return bool(_BIC.fullmatch(text))
