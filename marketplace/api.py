"""The API: every app's operations under one address, its description, and the page to try them on."""

import json
import re
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from ninja.operation import Operation
from pydantic_core import to_json

from accounts import api as accounts
from gigs import api as gigs
from marketplace.rest.answers import JsonRenderer
from marketplace.rest.errors import JSON, add_handlers, plain_problem
from marketplace.rest.examples import add_examples
from marketplace.rest.parser import JsonParser
from messaging import api as messaging
from orders import api as orders
from reviews import api as reviews

VERSION = "1.0.0"
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": settings.JWT_COOKIE_NAME},
    "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
}


class DocsPage(DocsBase):
    """The page to read about the API and to try it."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **_kwargs: Any) -> HttpResponse:
        return render(request, "marketplace/api_docs.html", {"schema_url": self.get_openapi_url(api, {})})


class Api(NinjaAPI):
    """Its description is made once."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """`gigs_list` for `list_gigs` among the gigs: what a generated client calls it."""
        tag = (operation.tags or [""])[0]
        name = operation.view_func.__name__
        words = re.sub(rf"(^|_)({tag}|{tag.removesuffix('s')})(?=_|$)", "", name).strip("_")
        return f"{tag}_{words or ('list' if name == tag else 'read')}"

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        return _described(self)


@cache
def _described(api: Api) -> Any:
    schema = NinjaAPI.get_openapi_schema(api, path_prefix="/api/")
    schema["components"]["securitySchemes"] = SECURITY_SCHEMES
    add_examples(schema["paths"])
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)))
    for name in schema["components"]["schemas"].keys() - named:  # of queries, whose fields stand among the parameters
        del schema["components"]["schemas"][name]
    return schema


@cache
def _written() -> bytes:
    return to_json(api.get_openapi_schema())


@require_safe
def description(request: HttpRequest) -> HttpResponse:
    """Ninja would write its 300 kilobytes anew for everybody who asks."""
    return HttpResponse(_written(), content_type=JSON)


def no_such_operation(request: HttpRequest) -> HttpResponse:
    return plain_problem(404)


api = Api(
    title=settings.SITE_NAME,
    version=VERSION,
    description=(
        "Everything the pages do, for programs, by the same rules. Errors have one shape, money is a decimal string beside its "
        "currency, instants are UTC, lists are walked by cursors, and a write with an Idempotency-Key may be sent again."
    ),
    urls_namespace="api",
    renderer=JsonRenderer(),
    parser=JsonParser(),
    docs=DocsPage(),
    docs_decorator=require_safe,
)
add_handlers(api)
api.add_router("", accounts.router)
api.add_router("", gigs.router)
for router in orders.routers:
    api.add_router("", router)
api.add_router("", messaging.router)
api.add_router("", reviews.router)
urlpatterns = [path("openapi.json", description), path("", api.urls), re_path("", csrf_exempt(no_such_operation))]
