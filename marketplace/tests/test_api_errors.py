"""How the API says no: one shape whoever refuses, JSON whatever goes wrong, and nothing done."""

import gzip
import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from psycopg_pool import PoolTimeout, TooManyRequests

from accounts.models import User
from conftest import SignIn
from gigs.models import Gig

pytestmark = [pytest.mark.django_db, pytest.mark.urls("marketplace.tests.planted_api")]

NOTES, FILES, FAULTS = "/api/planted/notes", "/api/planted/files", "/api/planted/faults/"
NOT_FOUND = {"code": "not_found", "message": "There is nothing here, or it is not yours."}
BROKEN = {"code": "error", "message": "Something went wrong on this site. Nothing was lost that you had sent before."}
UNAVAILABLE = {"code": "unavailable", "message": "This does not work at the moment. Try again later."}
TOO_LARGE = {"code": "too_large", "message": "This request is too large."}
BAD = {"code": "bad_request", "message": "This request cannot be read."}
UNREADABLE = {"code": "unreadable", "message": "This is not JSON that this site reads: check its syntax and its depth."}
NO_TEXT = {"code": "no_text", "message": "Remove the NUL characters and the halves of characters from this text."}
NOT_JSON = {"code": "not_json", "message": "Send the body as JSON, with the header Content-Type: application/json."}
SEE_FIELDS = "Something in this request is missing or wrong: see its fields."


@pytest.fixture
def anonymous() -> Client:
    """A client that gets what a program gets also where the site breaks."""
    return Client(raise_request_exception=False)


@pytest.fixture
def seller(freelancer: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(freelancer)
    return client


def said(response: HttpResponse) -> Any:
    """What a refusal says, which is always JSON that nobody keeps."""
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "private, no-cache"
    return response.json()


def post(client: Client, body: bytes, content_type: str = "application/json", **more: Any) -> HttpResponse:
    return client.generic("POST", NOTES, body, content_type=content_type, **more)


# --- Addresses and methods ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["", "nowhere", "gigs/", "gigs/nothing", "/gigs", "gigs/0%00", "gigs/é", "../api/nowhere"])
def test_an_address_that_is_none_is_a_404(anonymous: Client, method: str, path: str):
    response = getattr(anonymous, method)(f"/api/{path}")
    assert (response.status_code, said(response)) == (404, NOT_FOUND)


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_a_method_that_an_address_lacks_is_a_405_that_names_those_it_has(anonymous: Client, method: str):
    response = getattr(anonymous, method)("/api/gigs")
    assert (response.status_code, said(response)["code"]) == (405, "method_not_allowed")
    assert sorted(response.headers["Allow"].split(", ")) == ["GET", "POST"]


def test_head_is_get_without_the_body(anonymous: Client, seller: Client):
    for client, path in ((anonymous, "/api/gigs"), (seller, "/api/planted/mine")):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers == get.headers
    assert (anonymous.head("/api/nowhere").status_code, anonymous.head("/api/planted/mine").status_code) == (404, 401)
    assert anonymous.head("/api/planted/door").status_code == 405


def test_an_unknown_host_is_refused_in_json(anonymous: Client, settings):
    for debug in (False, True):
        settings.DEBUG = debug
        response = anonymous.get("/api/gigs", headers={"host": "evil.example"})
        assert (response.status_code, said(response)) == (400, BAD)


def test_the_description_can_only_be_read(anonymous: Client):
    for path in ("/api/openapi.json", "/api/docs"):
        assert anonymous.get(path).status_code == 200
        assert (anonymous.post(path).status_code, anonymous.delete(path).status_code) == (405, 405)


# --- Bodies ---------------------------------------------------------------------------------------------------------
BODIES: dict[str, tuple[bytes, int, object]] = {
    "no JSON": (b"{", 400, UNREADABLE),
    "a comment": (b"{/* why */}", 400, UNREADABLE),
    "a comma too many": (b'{"text": "a",}', 400, UNREADABLE),
    "a word after it": (b"{} {}", 400, UNREADABLE),
    "NaN": (b'{"number": NaN}', 400, UNREADABLE),
    "Infinity": (b'{"number": -Infinity}', 400, UNREADABLE),
    "a number of thousands of digits": (b'{"number": 1%s}' % (b"0" * 5000), 400, UNREADABLE),
    "a name twice": (b'{"text": "a", "text": "b"}', 400, UNREADABLE),
    "a name twice far inside": (b'{"parts": [[{"a": 1, "a": 1}]]}', 400, UNREADABLE),
    "UTF-16": ('{"text": "a"}'.encode("utf-16"), 400, UNREADABLE),
    "Latin-1": ('{"text": "é"}'.encode("latin-1"), 400, UNREADABLE),
    "a byte order mark": (b'\xef\xbb\xbf{"text": "a"}', 400, UNREADABLE),
    "gzip": (gzip.compress(b"{}"), 400, UNREADABLE),
    "eleven levels": (b'{"parts": %s%s}' % (b"[" * 10, b"]" * 10), 400, UNREADABLE),
    "fifty thousand levels": (b'{"parts": %s%s}' % (b"[" * 50_000, b"]" * 50_000), 400, UNREADABLE),
    "fifty thousand open brackets": (b"[" * 50_000, 400, UNREADABLE),
    "a NUL": (b'{"text": "a\\u0000"}', 422, NO_TEXT),
    "a NUL in a name": (b'{"a\\u0000": 1}', 422, NO_TEXT),
    "half a character": (b'{"text": "\\ud83d"}', 422, NO_TEXT),
    "the other half, far inside": (b'{"parts": [{"a": ["\\ude00"]}]}', 422, NO_TEXT),
    "half a character in a name": (b'{"\\ud800": 1}', 422, NO_TEXT),
    "a number beyond all": (b'{"number": 1e999}', 422, {"number": "Input should be a finite number"}),
    "a field that is not known": (b'{"txt": "a"}', 422, {"txt": "There is no such field."}),
    "a text that is too long": (b'{"text": "%s"}' % (b"a" * 61), 422, {"text": "Write at most 60 characters."}),
    "nothing": (b"", 422, {"body": "This is missing."}),
    "null": (b"null", 422, {"body": "Send an object here: {…}."}),
    "a list": (b"[]", 422, {"body": "Send an object here: {…}."}),
    "a text": (b'"{}"', 422, {"body": "Send an object here: {…}."}),
    "more than a megabyte": (b'{"longer": "%s"}' % (b"a" * 1024**2), 413, TOO_LARGE),
}


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with a key"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_taken_does_nothing(seller: Client, name: str, with_key: bool):
    body, status, answer = BODIES[name]
    response = post(seller, body, headers={"Idempotency-Key": "one"} if with_key else {})
    if isinstance(answer, dict) and "code" not in answer:
        answer = {"code": "invalid", "message": SEE_FIELDS, "fields": answer}
    assert (response.status_code, said(response)) == (status, answer)
    assert Gig.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b' \n{"text":\t"a"}\r\n',
        '{"text": "😀 é"}'.encode(),
        b'{"text": "\\ud83d\\ude00"}',
        b'{"parts": %s%s}' % (b"[" * 9, b"]" * 9),
        b'{"longer": "%s"}' % (b"a" * 1_000_000),
    ],
    ids=["nothing in it", "spaces", "UTF-8", "an escaped pair", "ten levels", "almost a megabyte"],
)
def test_a_body_within_the_limits_is_taken(seller: Client, body: bytes):
    assert post(seller, body).status_code == 201
    assert Gig.objects.count() == 1


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "", "json"),
        *("multipart/form-data; boundary=x", "application/jsonp", "application/json/text", "*/*"),
    ],
)
def test_json_that_is_called_something_else_is_refused(seller: Client, content_type: str):
    response = post(seller, b'{"text": "a"}', content_type)
    assert (response.status_code, said(response)) == (400, NOT_JSON)
    assert Gig.objects.count() == 0


def test_json_that_is_not_named_at_all_is_refused(seller: Client):
    response = seller.generic("POST", NOTES, b"{}", content_type="", CONTENT_TYPE="")
    assert (response.status_code, said(response)) == (400, NOT_JSON)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"])
def test_other_names_of_json_are_taken(seller: Client, content_type: str):
    assert post(seller, b"{}", content_type).status_code == 201


def test_a_write_without_fields_takes_no_body_and_minds_none(anonymous: Client):
    answers = [
        anonymous.post("/api/planted/bare"),
        anonymous.generic("POST", "/api/planted/bare", b"{", content_type="application/json"),
        anonymous.generic("POST", "/api/planted/bare", b"a=b", content_type="application/x-www-form-urlencoded"),
    ]
    assert [response.status_code for response in answers] == [200, 200, 200]


# --- Declared lengths and uploads -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("length", "status"), [("1048577", 413), ("9" * 4000, 413), ("abc", 400), ("-5", 400), ("1e3", 400), ("²", 400), ("٣", 400)]
)
def test_a_declared_length_is_looked_at_before_the_body(seller: Client, length: str, status: int):
    response = post(seller, b"{}", CONTENT_LENGTH=length)
    assert (response.status_code, said(response)) == (status, TOO_LARGE if status == 413 else BAD)


@pytest.mark.parametrize("charset", ["hex", "idna", "undefined", "utf-16", "latin-1", "utf-8; charset=hex"])
def test_no_codec_but_utf8_reads_a_body(seller: Client, charset: str):
    for content_type in ("multipart/form-data; boundary=x", "application/json"):
        response = post(seller, b'{"text": "a"}', content_type=f"{content_type}; charset={charset}")
        assert (response.status_code, said(response)) == (400, BAD)


def test_more_names_than_anything_has_are_not_looked_at_one_by_one(anonymous: Client):
    names = {f"n{number}": 1 for number in range(201)}
    response = anonymous.post("/api/auth/refresh", names, content_type="application/json")
    assert (response.status_code, said(response)) == (400, UNREADABLE)


def test_a_refusal_names_fifty_fields_at_most(anonymous: Client):
    names = {f"n{number}": 1 for number in range(200)}
    response = anonymous.post("/api/auth/refresh", names, content_type="application/json")
    assert (response.status_code, len(said(response)["fields"])) == (422, 50)


@pytest.mark.parametrize("header", [{"if-match": '"other"'}, {"if-unmodified-since": "Sat, 29 Oct 1994 19:43:31 GMT"}])
def test_conditions_for_writes_change_no_reading(anonymous: Client, header: dict[str, str]):
    assert anonymous.get("/api/gigs", headers=header).status_code == 200


def test_an_upload_may_be_longer_than_other_bodies_but_not_endless(seller: Client, settings):
    file = SimpleUploadedFile("a.txt", b"a" * 1_100_000)
    assert seller.post(FILES, {"file": file}).status_code == 201
    settings.MAX_REQUEST_BYTES = 1_000_000
    file.seek(0)
    response = seller.post(FILES, {"file": file})
    assert (response.status_code, said(response)) == (413, TOO_LARGE)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}], ids=["without a key", "with a key"])
class TestAnUploadThatCannotBeTaken:
    def refused(self, response: HttpResponse, status: int, answer: object) -> None:
        assert (response.status_code, said(response)) == (status, answer)
        assert Gig.objects.count() == 0

    @pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 300, "; boundary=é", "; boundary=\x00"])
    def test_has_a_boundary_that_is_none(self, seller: Client, headers: dict[str, str], boundary: str):
        kind = f"multipart/form-data{boundary}"
        response = seller.generic("POST", FILES, b"--x\r\nwords", content_type=kind, headers=headers)
        self.refused(response, 400, BAD)

    def test_has_too_many_files(self, seller: Client, headers: dict[str, str]):
        files = {f"file{n}": SimpleUploadedFile("a", b"a") for n in range(21)}
        self.refused(seller.post(FILES, files, headers=headers), 400, BAD)

    def test_has_too_many_fields(self, seller: Client, headers: dict[str, str]):
        self.refused(seller.post(FILES, {f"field{n}": "a" for n in range(1001)}, headers=headers), 400, BAD)

    def test_has_fields_without_end(self, seller: Client, headers: dict[str, str]):
        self.refused(seller.post(FILES, {"field": "a" * 2_700_000}, headers=headers), 413, TOO_LARGE)

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_comes_where_none_is_taken(self, seller: Client, headers: dict[str, str], method: str):
        body = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nwords\r\n--x--\r\n'
        kind = "multipart/form-data; boundary=x"
        self.refused(seller.generic(method, NOTES, body, content_type=kind, headers=headers), 400, NOT_JSON)

    def test_has_fields_or_files_that_are_not_known(self, seller: Client, headers: dict[str, str]):
        sent = {"file": SimpleUploadedFile("a", b"a"), "purpos": "work", "files": SimpleUploadedFile("b", b"b")}
        unknown = dict.fromkeys(("purpos", "files"), "There is no such field.")
        self.refused(
            seller.post(FILES, sent, headers=headers), 422, {"code": "invalid", "message": SEE_FIELDS, "fields": unknown}
        )

    def test_has_no_file(self, seller: Client, headers: dict[str, str]):
        missing = {"code": "invalid", "message": SEE_FIELDS, "fields": {"file": "This is missing."}}
        self.refused(seller.post(FILES, headers=headers), 422, missing)
        json_instead = seller.generic("POST", FILES, b"{}", content_type="application/json", headers=headers)
        self.refused(json_instead, 422, missing)


# --- Query strings --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=x", {"limit": "Send a whole number here."}),
        ("limit=0", {"limit": "This has to be at least 1."}),
        ("limit=101", {"limit": "This has to be at most 100."}),
        ("limit=1&limit=0", {"limit": "This has to be at least 1."}),
        ("cursor=nonsense", {"cursor": "This cursor is not of this list. Begin without one."}),
        ("cursor=%FF", {"cursor": "This cursor is not of this list. Begin without one."}),
        ("cursor=%ED%A0%80", {"cursor": "This cursor is not of this list. Begin without one."}),
    ],
)
def test_a_query_that_makes_no_sense_names_its_field(anonymous: Client, query: str, fields: dict[str, str]):
    response = anonymous.get(f"/api/gigs?{query}")
    assert (response.status_code, said(response)["fields"]) == (422, fields)


@pytest.mark.parametrize("query", ["limit=%00", "%00=1", "sort=%00"])
def test_a_nul_in_a_query_is_refused(anonymous: Client, query: str):
    response = anonymous.get(f"/api/gigs?{query}")
    assert (response.status_code, said(response)) == (422, NO_TEXT)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("shape=round", {"shape": "There is no such parameter."}),
        ("limit=1&Limit=1&=", {"Limit": "There is no such parameter."}),
        ("limit=1&limit=2", {"limit": "This parameter comes twice."}),
        ("limit=1&limit=1&shape=&size", {"shape": "There is no such parameter.", "limit": "This parameter comes twice."}),
    ],
)
def test_a_parameter_that_is_not_known_or_comes_twice_is_refused(anonymous: Client, query: str, fields: dict[str, str]):
    response = anonymous.get(f"/api/gigs?{query}")
    assert response.status_code == 422
    answer = said(response)
    assert (answer["code"], answer["message"]) == ("invalid", SEE_FIELDS)
    assert fields.items() <= answer["fields"].items()


def test_no_operation_passes_over_a_parameter(seller: Client):
    """Not one that reads without parameters of its own, and not a write, which does nothing then."""
    unknown = {"shape": "There is no such parameter."}
    for path in ("/api/planted/mine?shape=round", "/api/planted/file?shape=round", "/api/me?shape=round"):
        assert said(seller.get(path))["fields"] == unknown
    for headers in ({}, {"Idempotency-Key": "one"}):
        response = seller.post(f"{NOTES}?shape=round", {}, content_type="application/json", headers=headers)
        assert (response.status_code, said(response)["fields"]) == (422, unknown)
    assert Gig.objects.count() == 0


def test_who_may_not_come_in_does_not_learn_which_parameters_there_are(anonymous: Client):
    assert anonymous.get("/api/planted/mine?shape=round").status_code == 401


def test_fifty_unknown_parameters_are_named_at_most(anonymous: Client):
    response = anonymous.get("/api/gigs?" + "&".join(f"n{number}=1" for number in range(200)))
    assert (response.status_code, len(said(response)["fields"])) == (422, 50)


# --- Rules and faults -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "status", "answer"),
    [
        ("rule", 422, {"code": "planted", "message": "Not this one."}),
        ("field", 422, {"code": "planted", "message": "Not this one.", "fields": {"price": "Not this one."}}),
        ("moved", 409, {"code": "order_moved_on", "message": "It moved on.", "status": "PAID", "version": 7}),
        ("permission", 403, {"code": "forbidden", "message": "You may not do this."}),
    ],
)
def test_a_refusal_has_one_shape_whoever_refuses(anonymous: Client, name: str, status: int, answer: object):
    response = anonymous.get(FAULTS + name)
    assert (response.status_code, said(response)) == (status, answer)


def test_a_rule_says_with_which_status_it_refuses(seller: Client):
    response = post(seller, b'{"then": "move on"}')
    assert (response.status_code, said(response)) == (409, {"code": "gone", "message": "It moved on."})


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("name", ["crash", "database"])
def test_a_fault_of_the_site_is_json_too_and_is_reported(anonymous: Client, settings, caplog, name: str, debug: bool):
    settings.DEBUG = debug
    with caplog.at_level(logging.ERROR, "django.request"):
        response = anonymous.get(FAULTS + name)
    assert (response.status_code, said(response)) == (500, BROKEN)
    reported = [record.exc_info[0].__name__ for record in caplog.records if record.exc_info]
    assert reported == [{"crash": "ZeroDivisionError", "database": "OperationalError"}[name]]


def test_a_fault_reaches_the_tests_as_it_is(client: Client):
    with pytest.raises(ZeroDivisionError, match="planted"):
        client.get(FAULTS + "crash")


@pytest.mark.parametrize("path", ["/api/gigs", "/api/planted/mine", "/api/planted/notes"])
def test_a_database_that_is_away_is_a_500_in_json(seller: Client, path: str):
    """Nothing was done: a write may be sent again, under its Idempotency-Key without a second thought."""

    def away(*_args: object) -> None:
        raise DatabaseError("the server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        response = post(seller, b"{}") if path == NOTES else seller.get(path)
    assert (response.status_code, said(response)) == (500, BROKEN)
    assert Gig.objects.count() == 0


@contextmanager
def busy(cause: Exception) -> Iterator[None]:
    """The database says so to each query, and Django says it in its own words."""

    def no_room(*_args: object) -> None:
        raise OperationalError(str(cause)) from cause

    with connection.execute_wrapper(no_room):
        yield


def locked(code: int) -> sqlite3.OperationalError:
    fault = sqlite3.OperationalError("database is locked")
    fault.sqlite_errorcode = code
    return fault


BUSY: dict[str, Exception] = {
    "no connection": PoolTimeout("couldn't get a connection after 5.00 sec"),
    "too many wait for one": TooManyRequests("the pool has already 8 requests waiting"),
    "locked": locked(sqlite3.SQLITE_BUSY),
    "locked by a snapshot": locked(sqlite3.SQLITE_BUSY_SNAPSHOT),
}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was reported beside what a test client always tells."""
    assert [record for record in caplog.records if record.exc_info] == []
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "one"}], ids=["without a key", "with a key"])
@pytest.mark.parametrize("name", BUSY)
def test_a_database_that_is_busy_is_a_503_that_says_when_to_come_again(seller: Client, caplog, name: str, key: dict[str, str]):
    with busy(BUSY[name]):
        response = post(seller, b"{}", headers=key)
    assert (response.status_code, said(response), response["Retry-After"]) == (503, UNAVAILABLE, "5")
    assert Gig.objects.count() == 0
    (line,) = lines_of(caplog)
    assert "database.busy" in line and str(BUSY[name]) in line
    assert post(seller, b"{}", headers=key).status_code == 201


@pytest.mark.parametrize("name", BUSY)
def test_a_page_says_so_too(anonymous: Client, caplog, name: str):
    with busy(BUSY[name]):
        response = anonymous.get("/gigs/")
    assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "5", "no-store")
    assert "Too much is going on" in response.content.decode()
    assert len(lines_of(caplog)) == 1


def test_another_fault_of_sqlite_is_a_fault(anonymous: Client):
    with busy(locked(sqlite3.SQLITE_FULL)):
        assert anonymous.get("/gigs/").status_code == 500


@pytest.mark.parametrize("path", ["/accounts/login/", FILES])
def test_a_form_that_cannot_be_read_is_one_line_in_the_log(client: Client, freelancer: User, caplog, path: str):
    """Also where no operation has begun: on a page, and for the fingerprint of an Idempotency-Key."""
    if path == FILES:
        client.force_login(freelancer)
    response = client.generic("POST", path, b"--x", content_type="multipart/form-data", headers={"Idempotency-Key": "one"})
    assert response.status_code == 400
    (line,) = lines_of(caplog)
    assert "form.unreadable" in line and path in line


def test_pages_beside_the_api_stay_pages(anonymous: Client):
    response = anonymous.get("/nowhere/")
    assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert anonymous.get("/apiary/").headers["Content-Type"] == "text/html; charset=utf-8"


# --- Who is not let in ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"X-API-Key": ""},
        {"X-API-Key": "hsk_000000000000_0"},
        {"Cookie": "access_token=nonsense"},
    ],
    ids=str,
)
def test_nobody_and_a_wrong_pass_get_the_same_401(anonymous: Client, headers: dict[str, str]):
    response = anonymous.get("/api/planted/mine", headers=headers)
    words = "You are not signed in, or not any more. Sign in again, or show another token or key."
    assert (response.status_code, said(response)) == (401, {"code": "not_signed_in", "message": words})
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_session_that_writes_needs_the_token_of_the_page(freelancer: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(freelancer)
    response = client.post(NOTES, {}, content_type="application/json")
    assert (response.status_code, said(response)["code"]) == (403, "csrf_failed")
    assert Gig.objects.count() == 0
    client.cookies["csrftoken"] = "a" * 32
    sent = client.post(NOTES, {}, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert (sent.status_code, Gig.objects.count()) == (201, 1)


def test_what_a_person_may_not_see_says_nothing_of_it(sign_in: SignIn, stranger: User):
    missing = sign_in(stranger).get("/api/gigs/00000000-0000-4000-8000-000000000000")
    assert (missing.status_code, json.loads(missing.content)) == (404, NOT_FOUND)
