"""Handles, the short names of public pages, made from people's names; and which of both the site keeps for itself."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from django.conf import settings
from django.utils.text import slugify

MAX_LENGTH = 30
MIN_LENGTH = 3
FALLBACK = "member"
_RESERVED_WORDS = """
    about accounts account admin administrator api app apps billing blog buyer client contact dashboard dispute disputes escrow
    everyone freelancer gig gigs help home legal login logout mail media me messages moderator moderators news
    notifications official order orders owner payment payments payout payouts people person policy postmaster press pricing
    privacy profile refund refunds review reviews root search security seller service settings shop signin signup site staff
    static status support system team terms test user users verify webmaster ws www you
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ı": "i"}
    | {"þ": "th", "Þ": "Th", "ð": "d", "Ð": "D"}
)

# Of names: who speaks for the site, and the words beside it. Other words of handles, such as root or press, are people's names.
_OFFICE_WORDS = """
    admin administrator administrators administration billing desk dispute disputes escrow help helpdesk moderation moderator
    moderators notification notifications payment payments payout payouts platform postmaster refund refunds security site staff
    support sysadmin system team verification webmaster website
"""
_WORDS_BESIDE = "a account and at by center centre client customer for from of official our safety service services the trust"
_OFFICES, _BESIDE = frozenset(_OFFICE_WORDS.split()), frozenset(_WORDS_BESIDE.split())
# Letters of other scripts that look like Latin ones.
_LOOKALIKES = str.maketrans(
    dict(zip("аеіјорсухѕһԁԛԝмткнв", "aeijopcyxshdqwmtkhb", strict=True))
    | dict(zip("αβεικνορτυχμη", "abeikvoptuxmn", strict=True))
)


def is_name_of_site(full_name: str) -> bool:
    """True for a name that says nothing but the site, or somebody who speaks for it: "Handsel", "Ädmin", "The Support Team".

    Who is called so beside another name, "Abdul Admin Khan", is a person.
    """
    site = " ".join(_words_of(settings.SITE_NAME))
    words = _words_of(full_name)
    spelled = "".join(words)  # "Sup-Port", but "Si Te" is a person
    if spelled and (spelled == site.replace(" ", "") or (len(spelled) > 4 and spelled in _OFFICES)):
        return True
    named = f" {' '.join(words)} ".replace(f" {site} ", " site ").split() if site else words
    return not _OFFICES.isdisjoint(named) and set(named) <= _OFFICES | _BESIDE


def _words_of(name: str) -> list[str]:
    """As people read it: small letters without accents and digits, lookalikes as the letters they look like."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).casefold()
    letters = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Mn", "Me", "Cf")).translate(_LOOKALIKES)
    return re.findall(r"[^\W\d_]+", letters)


def is_reserved(handle: str) -> bool:
    """True for names that would pass for the site itself, also with digits or hyphens put around them."""
    names = {handle.lower(), re.sub(r"[-\d]", "", handle.lower())}
    return not names.isdisjoint(RESERVED | {slugify(settings.SITE_NAME)})


def handle_base(full_name: str) -> str:
    """The name in small ASCII letters, digits and hyphens; "" when nothing usable is left."""
    base = slugify(full_name.translate(_LETTERS)).replace("_", "-").strip("-")
    base = re.sub(r"-{2,}", "-", base)[: MAX_LENGTH - 7].strip("-")
    return base if len(base) >= MIN_LENGTH and not is_reserved(base) else ""


def candidates(full_name: str, taken: set[str]) -> Iterator[str]:
    """Handles to try, the nicest first: the name, the name with a small number, then with random letters. Ends after twelve."""
    base = handle_base(full_name)
    if base:
        yield from (name for name in [base, *(f"{base}-{n}" for n in range(2, 8))] if name not in taken)
    for _attempt in range(5):
        yield f"{base or FALLBACK}-{secrets.token_hex(3)}"
