"""The description of the API: the one in docs/openapi.json, valid, complete, and without a number for money."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.core.management import call_command
from schemathesis.specs.openapi.definitions import OPENAPI_31

from marketplace.api import VERSION, api
from marketplace.rest.examples import EXAMPLES
from marketplace.rest.routers import SECURITY, WRITES

pytestmark = pytest.mark.once

COMMITTED = settings.BASE_DIR / "docs/openapi.json"
PROBLEMS = {"400", "401", "403", "404", "409", "413", "422", "429"}
# Nothing here is money: what may be a number with a point.
NOT_MONEY = {"GigBrief.rating", "GigShown.rating", "Rating.average"}
OPEN = {  # without signing in
    *("auth_register_person", "auth_verify_address", "auth_resend_code", "auth_create_tokens", "auth_refresh_tokens"),
    *("auth_revoke_tokens", "people_read_person", "gigs_list", "gigs_read", "gigs_read_categories"),
    *("orders_list_payment_methods", "reviews_list_of_person", "reviews_list_of_gig"),
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """As a program gets it."""
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    return document


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document, with where it is."""
    if isinstance(node, dict):
        yield path, node
        for name, part in node.items():
            yield from nodes(part, f"{path}/{name}")
    elif isinstance(node, list):
        for place, part in enumerate(node):
            yield from nodes(part, f"{path}/{place}")


# --- The committed one ----------------------------------------------------------------------------------------------
def test_the_committed_description_is_the_one_of_the_code(tmp_path):
    written = tmp_path / "openapi.json"
    options = {"api": "marketplace.api.api", "sort_keys": True, "indent": 1, "output": str(written)}
    call_command("export_openapi_schema", **options)
    assert written.read_text() == COMMITTED.read_text(), "The API is not what docs/openapi.json says: run `make schema`."


def test_what_a_program_gets_is_the_committed_description(client):
    response = client.get("/api/openapi.json")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.json() == json.loads(COMMITTED.read_text())
    assert client.get("/api/openapi.json", headers={"if-none-match": response.headers["ETag"]}).status_code == 304


def test_it_is_written_once_a_process(client, monkeypatch):
    first = client.get("/api/openapi.json")
    monkeypatch.setattr("marketplace.api.to_json", None)
    assert client.get("/api/openapi.json").content == first.content


def test_its_version_is_that_of_the_api(schema):
    assert (schema["openapi"], schema["info"]["title"], schema["info"]["version"]) == ("3.1.0", "Handsel", VERSION)


def test_it_names_no_machine(schema):
    found = re.findall(r"https?://[^\"\s]+", json.dumps(schema))
    assert {address for address in found if "example.com" not in address} == set()


# --- Valid ----------------------------------------------------------------------------------------------------------
def test_it_is_openapi_3_1(schema):
    faults = jsonschema.Draft202012Validator(OPENAPI_31).iter_errors(schema)
    assert [f"{list(fault.absolute_path)}: {fault.message}" for fault in faults] == []


def test_the_rule_catches_a_document_that_is_none(schema):
    broken = {**schema, "paths": {"gigs": {}}}
    assert list(jsonschema.Draft202012Validator(OPENAPI_31).iter_errors(broken)) != []


def test_every_schema_in_it_is_json_schema(schema):
    for shape in schema["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(shape)


def test_every_reference_leads_somewhere(schema):
    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert {node["$ref"] for _path, node in nodes(schema) if isinstance(node.get("$ref"), str)} - known == set()


def test_no_schema_is_left_over(schema):
    """Each is meant by an operation, itself or through another."""
    named = re.findall(r"#/components/schemas/(\w+)", json.dumps(schema))
    assert set(schema["components"]["schemas"]) - set(named) == set()


# --- Complete -------------------------------------------------------------------------------------------------------
def test_every_operation_says_what_it_may_answer(schema):
    for path, method, operation in operations(schema):
        answers = set(operation["responses"])
        assert answers >= PROBLEMS, f"{method} {path}"
        assert len({status for status in answers if status.startswith("2")}) == 1, f"{method} {path}"
        assert ("304" in answers) == (method == "GET"), f"{method} {path}"


def test_every_refusal_has_the_one_shape(schema):
    for path, method, operation in operations(schema):
        for status in PROBLEMS:
            content = operation["responses"][status]["content"]
            name = "Moved" if status == "409" else "Problem"
            assert content == {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}, f"{method} {path}"


def test_every_operation_is_described_in_a_sentence(schema):
    for path, method, operation in operations(schema):
        words = operation.get("description", "").strip()
        assert len(words) >= 8 and words[-1] in ".:" and words[0].isupper(), f"{method} {path}: {words!r}"
        assert 3 <= len(operation["summary"]) <= 130 and operation["summary"][-1] not in ".:", f"{method} {path}"


def test_every_operation_has_a_name_of_its_own_that_reads_well(schema):
    ids = [operation["operationId"] for *_address, operation in operations(schema)]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+){1,4}", name)] == []
    assert [name for name in ids if re.search(r"(?<![a-z])([a-z]+)_\1(?![a-z])", name)] == []  # nothing twice: gigs_gigs


def test_every_operation_stands_under_one_heading(schema):
    for path, method, operation in operations(schema):
        assert len(operation["tags"]) == 1 and operation["operationId"].startswith(f"{operation['tags'][0]}_"), f"{method} {path}"


def test_every_operation_says_who_may_call(schema):
    ways = {name for way in SECURITY for name in way}
    assert set(schema["components"]["securitySchemes"]) == ways == {"bearer", "key", "cookie", "session"}
    unguarded = {operation["operationId"] for *_address, operation in operations(schema) if operation.get("security") != SECURITY}
    assert unguarded == OPEN


def test_every_write_that_may_be_sent_again_says_so_and_every_read_takes_a_tag(schema):
    without = {"auth_create_key"}  # its answer holds a secret
    for path, method, operation in operations(schema):
        headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        keyed = method in WRITES and operation["operationId"] not in OPEN | without
        assert headers == ({"Idempotency-Key"} if keyed else {"If-None-Match"} if method == "GET" else set()), f"{method} {path}"


def test_every_list_is_walked_the_same_way(schema):
    whole = {"gigs_read_categories"}  # short: all of it in one part
    pages = {name for name in schema["components"]["schemas"] if name.endswith("Page")}
    for path, method, operation in operations(schema):
        answer = json.dumps(operation["responses"].get("200", {}))
        if any(f'schemas/{page}"' in answer for page in pages) and operation["operationId"] not in whole:
            names = {parameter["name"] for parameter in operation["parameters"]}
            assert {"cursor", "limit"} <= names, f"{method} {path}"
    for name in pages:
        assert schema["components"]["schemas"][name]["required"] == ["items", "next"], name


# --- What is sent and shown -----------------------------------------------------------------------------------------
def numbers(schema: dict[str, Any]) -> set[str]:
    """`Schema.field` of everything that may be a number with a point."""
    found = set()
    for path, node in nodes(schema):
        if node.get("type") == "number" or (isinstance(node.get("type"), list) and "number" in node["type"]):
            found.add(re.sub(r"^/components/schemas/(\w+)/properties/(\w+).*", r"\1.\2", path))
    return found


def test_money_is_never_a_number(schema):
    assert numbers(schema) - NOT_MONEY == set()
    named = re.compile(r"(^|_)(amount|price|fee|balance|percent|paid_out|held|available)($|_)")
    for path, node in nodes(schema["components"]["schemas"]):
        for name, field in (node.get("properties") or {}).items() if path.count("/") == 1 else []:
            if named.search(name):
                kinds = {kind.get("type") for kind in field.get("anyOf", [field]) if "$ref" not in kind} - {
                    "null",
                    "array",
                    "object",
                }
                assert kinds <= {"string"}, f"{path}.{name}"


def test_the_rule_on_money_catches_a_number():
    planted = {"components": {"schemas": {"Gig": {"properties": {"price": {"anyOf": [{"type": "number"}, {"type": "null"}]}}}}}}
    assert numbers(planted) == {"Gig.price"}


def test_what_a_program_sends_allows_no_unknown_field(schema):
    for path, method, operation in operations(schema):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name in re.findall(r"schemas/(\w+)", json.dumps(body.get("schema", {}))):
            assert schema["components"]["schemas"][name]["additionalProperties"] is False, f"{method} {path}: {name}"


def test_instants_and_ids_say_their_format(schema):
    for path, node in nodes(schema["components"]["schemas"]):
        for name, field in (node.get("properties") or {}).items() if path.count("/") == 1 else []:
            kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") == "string"]
            if name.endswith("_at"):
                assert [kind.get("format") for kind in kinds] == ["date-time"], f"{path}.{name}"


# --- Examples -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_its_schema(schema, name: str):
    body = next(operation["requestBody"] for *_address, operation in operations(schema) if operation["operationId"] == name)
    shape = {**body["content"]["application/json"]["schema"], "components": schema["components"]}
    jsonschema.Draft202012Validator(shape, format_checker=jsonschema.FormatChecker()).validate(EXAMPLES[name])
    assert body["content"]["application/json"]["example"] == EXAMPLES[name]


def test_every_field_a_program_must_send_is_in_an_example_or_the_schema_is_small(schema):
    """Whoever reads the description sees what each larger body looks like."""
    for path, method, operation in operations(schema):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        for name in re.findall(r"schemas/(\w+)", json.dumps((content or {}).get("schema", {}))):
            if len(schema["components"]["schemas"][name].get("required", [])) > 2:
                assert "example" in (content or {}), f"{method} {path}"
