"""What looks like moving a deal away from the site. It warns who writes, before they send, and never holds anything back.

The page's script looks for the same patterns while a person types, so they keep to what Python and JavaScript both read: no named
groups, no looking back, characters spelled out where the two differ.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_MESSENGERS = "whats ?app|telegram|wechat|weixin|viber|skype|discord|snapchat|facebook|messenger|instagram|insta|signal|imo|zalo"
_REACH = "add|call|chat|contact|continue|dm|find|hit|message|move|ping|reach|ring|switch|talk|text|write"
_PAY = "pay|paid|paying|payment|send|settle|transfer|deal|order|money"


@dataclass(frozen=True)
class Hint:
    name: str
    pattern: str  # read without regard to capitals, in Unicode mode
    label: "str | _StrPromise"  # what it looks like, as in "This looks like …"


HINTS = (
    Hint(
        "email",
        r"[a-z0-9._%+-]{1,64} ?(?:@|\(at\)|\[at\]) ?[a-z0-9-]{1,63}(?:\.|\(dot\)|\[dot\]| dot )[a-z]{2,}",
        _("an e-mail address"),
    ),
    Hint(
        "phone",
        r"\+[1-9](?:[ ().\/-]{0,2}[0-9]){7,13}\b"
        r"|(?:^|[^0-9\s]\s{0,3}|\n)(?:00[1-9](?:[ ().\/-]{0,2}[0-9]){7,13}|0[1-9](?:[ \/-]?[0-9]){7,10})\b",
        _("a phone number"),
    ),
    Hint(
        "messenger",
        rf"\b(?:{_REACH})\b[^.!?\n]{{0,40}}\b(?:{_MESSENGERS})\b"
        rf"|\bmy (?:{_MESSENGERS})\b"
        rf"|\b(?:{_MESSENGERS})(?: (?:me|number|handle|id)\b| ?:| ?@[a-z0-9_]| ?\+[0-9])"
        r"|\b(?:wa\.me|t\.me|telegram\.me|m\.me|discord\.gg|chat\.whatsapp\.com|join\.skype\.com)\/",
        _("a way to write to each other elsewhere"),
    ),
    Hint(
        "payment",
        rf"\b(?:{_PAY})\b[^.!?\n]{{0,40}}\b(?:outside|off[ -]?(?:platform|site)|privately)\b"
        r"|\boutside (?:of )?(?:the|this) (?:site|platform|app|website)\b|\boff[ -](?:platform|site)\b"
        r"|\b(?:avoid|save|skip|without)\b[^.!?\n]{0,20}\b(?:fee|fees|commission)\b"
        r"|\bpay me (?:directly|by paypal|via paypal|on paypal)\b",
        _("an offer to pay outside this site"),
    ),
)
_COMPILED = [(hint, re.compile(hint.pattern, re.IGNORECASE)) for hint in HINTS]


def hints_in(text: str) -> list[Hint]:
    """What of it this text contains, each kind once."""
    return [hint for hint, pattern in _COMPILED if pattern.search(text)]
