"""How a body is read: JSON as RFC 8259 has it, and no more of it than an operation can need."""

import json
import re
from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser

from marketplace.rest.errors import Refusal, not_json

DEEPEST = 10  # lists and objects within each other
MOST_NAMES = 200  # of one object
MOST_BYTES = 1024**2  # of a body that is not an upload
_IS_JSON = re.compile(r"application/([\w.-]+\+)?json")


class JsonParser(Parser):
    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type is not None and not _IS_JSON.fullmatch(request.content_type):  # None: a part of a form
            raise not_json()
        if len(request.body) > MOST_BYTES:
            raise Refusal(413, "too_large", _("This request is too large."))
        return cast(dict[str, Any], read_json(request.body))

    def parse_querydict(self, data: Any, list_fields: list[str], request: HttpRequest) -> dict[str, Any]:
        for name in data:
            if any(isinstance(value, str) and "\x00" in value for value in (name, *data.getlist(name))):
                raise _no_text()
        return cast(dict[str, Any], super().parse_querydict(data, list_fields, request))


def read_json(body: bytes) -> Any:
    """What the bytes say. Raises Refusal: 400 for what is no JSON or nested too deep, 422 for a NUL or half a character in it."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError too
        raise _unreadable() from None
    _look_through(value, DEEPEST)
    return value


def _unreadable() -> Refusal:
    return Refusal(400, "unreadable", _("This is not JSON that this site reads: check its syntax and its depth."))


def _no_text() -> Refusal:
    return Refusal(422, "no_text", _("Remove the NUL characters and the halves of characters from this text."))


def _no_number(name: str) -> None:
    raise ValueError(name)  # NaN and the infinities are Python's, not JSON's


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs) or len(pairs) > MOST_NAMES:
        raise ValueError("the same name twice, or more names than anything has")
    return found


def _look_through(value: Any, levels: int) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise _no_text()
    elif isinstance(value, dict | list):
        if not levels:
            raise _unreadable()
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _look_through(part, levels - 1)
