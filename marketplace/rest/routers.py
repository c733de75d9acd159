"""Operations that say what else they may answer, and who may call them, without each of them writing it down."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router as NinjaRouter
from ninja import Status
from ninja.constants import NOT_SET
from ninja.decorators import decorate_view
from ninja.operation import Operation
from pydantic import BaseModel

from marketplace.rest.errors import JSON, MOST_FAULTS, PROBLEMS, invalid

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}, {"cookie": []}, {"session": []}]
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "Your own name for this write. Sent again within 24 hours it is answered as the first time, and done once.",
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag you have: answered with 304 as long as nothing has changed.",
}


def file_answer(content_type: str = "*/*", about: str = "The file") -> dict[str, Any]:
    """For `openapi_extra`: the operation answers a file."""
    content = {content_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": about, "content": content}}}


class Router(NinjaRouter):
    """As ninja's, with every refusal documented. `auth` is one of the gates of `accounts.gates`; give each operation one."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        gate = self.auth if options["auth"] is NOT_SET else options["auth"]
        answers = options["response"] if isinstance(options["response"], dict) else {200: options["response"]}
        is_keyed = gate.is_keyed and WRITES & set(methods)
        if is_keyed:
            decorate_view(gate.once)(view_func)
        headers = [IDEMPOTENCY_KEY] if is_keyed else [IF_NONE_MATCH] if "GET" in methods else []
        extra = options["openapi_extra"] or {}
        more = {
            "parameters": headers + extra.pop("parameters", []),
            **({"security": SECURITY} if gate.is_strict else {}),
            **extra,
        }
        if "GET" in methods:
            more["responses"] = {304: {"description": "Not modified"}} | more.get("responses", {})
        about = options["description"] or view_func.__doc__ or view_func.__name__
        said = {"response": {**PROBLEMS, **answers}, "openapi_extra": more, "summary": options["summary"] or _gist(about)}
        super().add_api_operation(path, methods, _strict(_as_json(view_func)), **{**options, **said})


def _gist(words: str) -> str:
    """Their first sentence."""
    return re.split(r"[.:;](?= |$)", " ".join(words.split()), maxsplit=1)[0]


def _as_json(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Its answer is written as JSON in one go; ninja would first make dictionaries of it."""

    @wraps(operation)
    def view(request: HttpRequest, **values: Any) -> Any:
        answer = operation(request, **values)
        status, value = (answer.status_code, answer.value) if isinstance(answer, Status) else (200, answer)
        if not isinstance(value, BaseModel):
            return answer
        return HttpResponse(value.__pydantic_serializer__.to_json(value), content_type=JSON, status=status)

    return view


def _strict(operation: Callable[..., Any]) -> Callable[..., Any]:
    """It takes what its description names, each parameter once: a filter passed over would answer what nobody asked for."""
    known: dict[str, set[str]] = {}

    @wraps(operation)
    def view(request: HttpRequest, **values: Any) -> Any:
        if wrong := _wrong_parameters(request, known.get("query", set())) | _wrong_fields(request, known):
            raise invalid(dict([*wrong.items()][:MOST_FAULTS]))
        return operation(request, **values)

    def learn(built: Operation) -> None:
        for asked in built.models:  # files have no such map: theirs are never one within another
            known[asked.__ninja_param_source__] = set(getattr(asked, "__ninja_flatten_map__", asked.model_fields))

    view._ninja_contribute_to_operation = [*getattr(operation, "_ninja_contribute_to_operation", []), learn]  # type: ignore[attr-defined]
    return view


def _wrong_parameters(request: HttpRequest, known: set[str]) -> dict[str, str]:
    """What is wrong with which of them, by name."""
    sent = list(request.GET.lists())
    unknown = {name: _("There is no such parameter.") for name, _values in sent if name not in known}
    return unknown | {name: _("This parameter comes twice.") for name, values in sent if name in known and len(values) > 1}


def _wrong_fields(request: HttpRequest, known: Mapping[str, set[str]]) -> dict[str, str]:
    """The same of an upload, whose fields no schema refuses."""
    if "file" not in known:
        return {}
    names = known["file"] | known.get("form", set())
    return {name: _("There is no such field.") for name in (*request.POST, *request.FILES) if name not in names}
