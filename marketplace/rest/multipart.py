"""Bodies that are JSON or a form with a file, as the program likes; also of a PATCH, whose forms Django leaves unread."""

from functools import cache
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.params.models import Body, BodyModel
from pydantic import BaseModel

from marketplace.rest.errors import Refusal

Form = tuple[QueryDict, "MultiValueDict[str, UploadedFile[Any]]"]
MULTIPART = "multipart/form-data"
_READ = "_form"  # where a request keeps its form
_LONGEST_NUMBER = 19


def form_of(request: HttpRequest) -> Form:
    """The fields and files of a multipart body, read once, whatever the method. Raises MultiPartParserError."""
    if request.method == "POST":
        return request.POST, request.FILES
    if not hasattr(request, _READ):
        setattr(request, _READ, request.parse_file_upload(request.META, request))
    form: Form = getattr(request, _READ)
    return form


def file_of(request: HttpRequest, name: str) -> "UploadedFile[Any] | None":
    """The one file that a form may have beside its fields; None without one, and of JSON. Raises Refusal (422) for another."""
    if request.content_type != MULTIPART:
        return None
    sent = [(field, file) for field, files in form_of(request)[1].lists() for file in files]
    unknown = [field for field, _file in sent if field != name] or [field for field, _file in sent[1:]]
    if unknown:
        words = _("Send one file, as “%(name)s”.") % {"name": name}
        raise Refusal(422, "invalid", words, fields={unknown[0]: words})
    return sent[0][1] if sent else None


class _JsonOrForm(BodyModel):
    @classmethod
    def get_request_data(cls, request: HttpRequest, api: NinjaAPI, path_params: dict[str, Any]) -> dict[str, Any] | None:
        if request.content_type != MULTIPART:
            return super().get_request_data(request, api, path_params)
        name = cls.__read_from_single_attr__
        asked: Any = cls.model_fields[name].annotation
        fields = api.parser.parse_querydict(form_of(request)[0], [], request)
        return {name: {field: _number(text) if field in _numbers_of(asked) else text for field, text in fields.items()}}


class JsonOrForm(Body):  # type: ignore[misc]
    """The parameter of an operation that takes its one schema either way: `asked: Annotated[SubmitPayment, JsonOrForm(...)]`."""

    _model = _JsonOrForm

    @classmethod
    def _param_source(cls) -> str:
        return "body"


@cache
def _numbers_of(asked: type[BaseModel]) -> frozenset[str]:
    """The fields that are whole numbers: a form can only spell them."""
    fields = asked.model_json_schema()["properties"].items()
    return frozenset(
        name for name, field in fields if any(kind.get("type") == "integer" for kind in (field, *field.get("anyOf", [])))
    )


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else text


def described_form(asked: type[BaseModel], name: str) -> dict[str, Any]:
    """For `openapi_extra`: the same as a form with this file."""
    schema = asked.model_json_schema()
    file = {"type": "string", "format": "binary"}
    properties = {field: _written(known) for field, known in schema["properties"].items()} | {name: file}
    form = {"type": "object", "properties": properties, "required": schema.get("required", []), "additionalProperties": False}
    return {"requestBody": {"content": {MULTIPART: {"schema": form}}, "required": True}}


def _written(field: dict[str, Any]) -> dict[str, Any]:
    """A form knows no null: what is not there is left out."""
    kinds = [kind for kind in field.get("anyOf", []) if kind.get("type") != "null"]
    return {"title": field.get("title", ""), **kinds[0]} if kinds else field
