"""Lists that are the same for everybody: made once for all who ask within a few seconds."""

import hashlib
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from pydantic import BaseModel

from marketplace.rest.errors import JSON


def kept_a_while(asked: tuple[object, ...], answer: Callable[[], BaseModel]) -> HttpResponse:
    """The answer to what is `asked`, at most settings.API_LISTS_KEPT seconds old. Never for what depends on who calls."""
    seconds = settings.API_LISTS_KEPT
    if not seconds:
        return HttpResponse(_made(answer), content_type=JSON)
    key = f"api:kept:{hashlib.sha256(repr(asked).encode()).hexdigest()}:{int(time.time() // seconds)}"
    body = cache.get(key)
    if body is None:
        body = _made(answer)
        cache.set(key, body, seconds)
    return HttpResponse(body, content_type=JSON)


def _made(answer: Callable[[], BaseModel]) -> bytes:
    value = answer()
    return value.__pydantic_serializer__.to_json(value)
