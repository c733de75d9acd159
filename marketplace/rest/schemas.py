"""The types that the schemas of all apps are made of.

`Asked` is the base of what a program sends: a field that is not known is refused, so that a typing error is noticed. `Shown` is
the base of what it gets. Both are pydantic's own: ninja's `Schema` asks each value for its attributes, which takes much longer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StrictBool,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from marketplace.money import CURRENCIES, MINOR_UNITS
from marketplace.texts import MOST_ACCENTS, UNSEEN, heaps_accents, shows_something

Item = TypeVar("Item")
_INSTANT = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})$")
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_AMOUNT = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,8})?$"


class Shown(BaseModel):
    """Something a program gets."""


class Asked(BaseModel):
    """Something a program sends."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """A part of a list. `next` is the cursor of the part after it; null at the end."""

    items: list[Item]
    next: str | None


# --- Single values --------------------------------------------------------------------------------------------------
def _spelled(pattern: re.Pattern[str], words: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise ValueError(_(words))
        if not isinstance(value, str | UUID | datetime):
            raise ValueError(_(words))
        return value

    return BeforeValidator(check)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(_("This instant is beyond the calendar.")) from None


def _visible(text: str) -> str:
    if UNSEEN.search(text):
        raise ValueError(_("Remove the invisible characters from this text."))
    if text and not shows_something(text):
        raise ValueError(_("Write something that can be seen."))
    return text


def _tidy(text: Any) -> Any:
    return text.replace("\r\n", "\n").strip() if isinstance(text, str) else text


def _known_currency(code: str) -> str:
    if code not in MINOR_UNITS:
        raise ValueError(_("This site knows no such currency."))
    return code


@dataclass(frozen=True)
class Text:
    """Several lines of a person's text, of so many characters; spaces around it go: `Annotated[str, Text(2000)]`."""

    most: int
    least: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        size = core_schema.str_schema(strict=True, min_length=self.least, max_length=self.most)
        return core_schema.chain_schema(
            [
                core_schema.no_info_before_validator_function(_tidy, size),
                core_schema.no_info_plain_validator_function(self.check),
            ]
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": self.least, "maxLength": self.most}

    def check(self, text: str) -> str:
        return _visible(text)


@dataclass(frozen=True)
class Line(Text):
    """One line of it."""

    def check(self, text: str) -> str:
        if re.search(r"[\t\r\n\u2028\u2029]", text):
            raise ValueError(_("Remove the line breaks and invisible characters from this text."))
        if heaps_accents(text):
            raise ValueError(_("Put at most %(most)d accents on one letter.") % {"most": MOST_ACCENTS})
        return _visible(text)


def whole(least: int, most: int) -> Any:
    """A whole number: `Annotated[int, whole(1, 365)]`."""
    return Field(strict=True, ge=least, le=most)


Flag = StrictBool
Id = Annotated[UUID, _spelled(_UUID, "This is not an id: 36 characters such as 0b5e9c1e-6f6d-4c44-8a0e-1f2a3b4c5d6e.")]
Instant = Annotated[
    datetime,
    _spelled(_INSTANT, "Write the instant with its offset from UTC, such as 2026-11-21T18:00:00Z."),
    AfterValidator(_in_utc),
]
# An amount as a program writes it; whether its currency has so many digits, and whether it may be 0, the rules say.
Amount = Annotated[
    str,
    _spelled(re.compile(_AMOUNT), "Write the amount as a decimal number in quotes, such as 120.00."),
    Field(strict=True, max_length=20, examples=["120.00"], json_schema_extra={"pattern": _AMOUNT}),
]
Currency = Annotated[
    str,
    Field(strict=True, description="ISO 4217, or a coin.", examples=["EUR"], json_schema_extra={"enum": list(CURRENCIES)}),
    AfterValidator(_known_currency),
]
Limit = Annotated[int, Field(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str, Field(max_length=1000, description="The `next` of the part before.")]
ShownInstant = Annotated[
    datetime, PlainSerializer(_in_utc, when_used="unless-none"), WithJsonSchema({"type": "string", "format": "date-time"})
]
