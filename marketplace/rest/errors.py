"""How the API says no: one shape for every refusal, whoever refuses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import Field
from pydantic_core import to_json

from marketplace.exceptions import DomainError
from marketplace.uploads import Busy

JSON = "application/json"
MOST_FAULTS = 50  # said at once
PREFIX = "/api/"


class Problem(Schema):
    """Why nothing was done. `code` is stable, for programs; `message` is for a person."""

    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["There is nothing here, or it is not yours."])
    fields: dict[str, str] | None = Field(None, description="What is wrong with which field, by its name.")


class Moved(Problem):
    """What was asked for does not fit what is there now."""

    status: str | None = Field(None, description="Of the order, now.")
    version: int | None = Field(None, description="Of the order, now.")


# Documented on every operation. A refusal that is not among them is a fault of this site.
PROBLEMS: dict[int, type[Problem]] = {**dict.fromkeys([400, 401, 403, 404, 413, 422, 429], Problem), 409: Moved}

# What a rule's refusal is answered with, by its class; 422 where none of its classes stands here. The apps add theirs.
STATUS_OF: dict[type[DomainError], int] = {Busy: 429}
WAIT_OF: dict[type[DomainError], int] = {}  # seconds after which it may be tried again, where that is no minute


class Refusal(Exception):
    """A refusal that is about the request and not about a rule of the deal; `more` stands beside code and message."""

    def __init__(
        self, status: int, code: str, message: str, /, *, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more, self.headers = status, code, message, more, headers or {}


def answer_with(status: int, *refusals: type[DomainError], wait: int | None = None) -> None:
    """These rules' refusals are answered with this status; of 429 say in how many seconds to try again."""
    for kind in refusals:
        STATUS_OF[kind] = status
        if wait is not None:
            WAIT_OF[kind] = wait


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Names the field that a rule's refusal is about, by its code: `with about(invalid_amount="price"):`."""
    try:
        yield
    except DomainError as refusal:
        if refusal.code not in fields:
            raise
        named = {fields[refusal.code]: refusal.message}
        raise Refusal(status_of(refusal), refusal.code, refusal.message, fields=named) from refusal


def status_of(refusal: DomainError) -> int:
    return next((STATUS_OF[kind] for kind in type(refusal).__mro__ if kind in STATUS_OF), 422)


def not_json() -> Refusal:
    return Refusal(400, "not_json", _("Send the body as JSON, with the header Content-Type: application/json."))


def answer_to(refusal: DomainError | Refusal) -> HttpResponse:
    """What a program gets for it."""
    if isinstance(refusal, Refusal):
        return problem(refusal.status, refusal.code, refusal.message, headers=refusal.headers, **refusal.more)
    wait = WAIT_OF.get(type(refusal))
    headers = {"Retry-After": str(wait)} if wait else None
    return problem(status_of(refusal), refusal.code, refusal.message, headers=headers)


def problem(status: int, code: str, message: str, /, *, headers: Mapping[str, str] | None = None, **more: object) -> HttpResponse:
    """The answer in its one shape; what of `more` is None is left out."""
    body = {"code": code, "message": str(message), **{name: value for name, value in more.items() if value is not None}}
    response = HttpResponse(to_json(body), content_type=JSON, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.setdefault("Retry-After", "60")  # seconds; whoever counts over a longer time says so
    return response


def plain_problem(status: int) -> HttpResponse:
    """For what Django or a proxy before the operations refuses: the same shape, with words by the status alone."""
    code, message = {
        400: ("bad_request", _("This request cannot be read.")),
        401: ("not_signed_in", _("Sign in first.")),
        403: ("forbidden", _("You may not do this.")),
        404: ("not_found", _("There is nothing here, or it is not yours.")),
        405: ("method_not_allowed", _("This address does not take this method.")),
        413: ("too_large", _("This request is too large.")),
        429: ("too_many_requests", _("Too many requests. Wait a while, then try again.")),
        503: ("unavailable", _("This does not work at the moment. Try again later.")),
    }.get(status, ("error", _("Something went wrong on this site. Nothing was lost that you had sent before.")))
    return problem(status, code, message)


def add_handlers(api: NinjaAPI) -> None:
    """Every exception that an operation may end with, as its answer; others are faults of this site, which Django reports."""
    handlers: dict[type[Exception], Any] = {
        DomainError: lambda request, error: answer_to(error),
        Refusal: lambda request, error: answer_to(error),
        Http404: lambda request, error: plain_problem(404),
        PermissionDenied: lambda request, error: plain_problem(403),
        ValidationError: _of_fields,
        HttpError: _of_ninja,
        RequestDataTooBig: lambda request, error: plain_problem(413),
        SuspiciousOperation: lambda request, error: plain_problem(400),
        MultiPartParserError: lambda request, error: plain_problem(400),
        UnreadablePostError: lambda request, error: plain_problem(400),
        RawPostDataException: lambda request, error: answer_to(not_json()),  # its fingerprint was taken as a form's
        Exception: _raise,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _of_ninja(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Refusal):  # what our parser said about the body
        return answer_to(error.__cause__)
    return plain_problem(error.status_code)


def _of_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields: dict[str, str] = {}
    for fault in error.errors[:MOST_FAULTS]:
        fields.setdefault(_name_of(fault["loc"]), _words_of(fault))
    return answer_to(invalid(fields))


def invalid(fields: Mapping[str, str]) -> Refusal:
    """What is wrong with which field or parameter, by its name."""
    return Refusal(422, "invalid", _("Something in this request is missing or wrong: see its fields."), fields=fields)


def _name_of(place: tuple[str | int, ...]) -> str:
    """`answers.0.text` for what ninja calls ("body", "payload", "answers", 0, "text"), and `body` for all of it."""
    source, *rest = place
    if source == "body" and len(rest) < 2:
        return "body"
    named = rest[1:] if source in {"body", "form", "query"} and len(rest) > 1 else rest
    return ".".join(str(part) for part in named) or str(source)


def _words_of(fault: dict[str, Any]) -> str:
    """Ours for what speaks of Python, else what is said there."""
    ours = {
        "missing": _("This is missing."),
        "extra_forbidden": _("There is no such field."),
        "model_type": _("Send an object here: {…}."),
        "model_attributes_type": _("Send an object here: {…}."),
        "string_type": _("Send a text here."),
        "string_too_short": _("Write at least %(min_length)s characters."),
        "string_too_long": _("Write at most %(max_length)s characters."),
        "string_pattern_mismatch": _("This is not written as it has to be."),
        "int_type": _("Send a whole number here."),
        "int_parsing": _("Send a whole number here."),
        "bool_type": _("Send true or false here."),
        "list_type": _("Send a list here: […]."),
        "too_short": _("Give at least %(min_length)s here."),
        "too_long": _("Give at most %(max_length)s here."),
        "greater_than_equal": _("This has to be at least %(ge)s."),
        "less_than_equal": _("This has to be at most %(le)s."),
        "literal_error": _("This has to be one of %(expected)s."),
    }
    if fault["type"] not in ours:
        return str(fault["msg"]).removeprefix("Value error, ")
    return ours[fault["type"]] % fault.get("ctx", {})


def _raise(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error
