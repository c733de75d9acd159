"""What every answer carries: a tag by which nothing is sent twice, who may keep it, and for whose pages it is."""

import json

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tests.api import bearer
from accounts.tokens import make_jwt
from gigs.models import Gig
from gigs.tests.factories import GigFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("marketplace.tests.planted_api")]

MINE, NOTES, GIGS = "/api/planted/mine", "/api/planted/notes", "/api/gigs"
OURS, THEIRS = "https://app.example.com", "https://evil.example"
EVERY_WAY_IN = {"authorization", "cookie", "x-api-key", "origin"}


def varies(response: HttpResponse) -> set[str]:
    return {name.strip().lower() for name in response.headers["Vary"].split(",")}


# --- Nothing has changed --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [GIGS, "gig", MINE, "/api/openapi.json"])
def test_what_has_not_changed_is_not_sent_again(freelancer: User, path: str):
    client, path = bearer(freelancer), f"{GIGS}/{GigFactory(freelancer=freelancer).pk}" if path == "gig" else path
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert (again.headers["ETag"], again.headers["Cache-Control"]) == (first.headers["ETag"], "private, no-cache")
    assert varies(again) == varies(first) == EVERY_WAY_IN


def test_what_has_changed_is_sent_with_a_new_tag(freelancer: User):
    client, gig = bearer(freelancer), GigFactory(freelancer=freelancer)
    path = f"{GIGS}/{gig.pk}"
    tag = client.get(path).headers["ETag"]
    assert client.patch(path, {"title": "Another title"}, content_type="application/json").status_code == 200
    changed = client.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["title"]) == (200, "Another title")
    assert changed.headers["ETag"] != tag


@pytest.mark.parametrize(
    ("written", "status"),
    [("{tag}", 304), ("W/{tag}", 304), ('"other", {tag}', 304), ("*", 304), ('"other"', 200), ("nonsense", 200)],
)
def test_a_tag_may_be_written_as_http_has_it(freelancer: User, written: str, status: int):
    client = bearer(freelancer)
    tag = client.get(MINE).headers["ETag"]
    assert client.get(MINE, headers={"If-None-Match": written.format(tag=tag)}).status_code == status


def test_nobody_is_told_by_anothers_tag(freelancer: User, buyer: User):
    mine = bearer(freelancer).get(MINE)
    theirs = bearer(buyer).get(MINE, headers={"If-None-Match": mine.headers["ETag"]})
    assert (theirs.status_code, theirs.json()) == (200, {"words": "Amara Okafor"})


def test_a_head_has_the_same_tag(freelancer: User):
    client = bearer(freelancer)
    tag = client.get(MINE).headers["ETag"]
    assert client.head(MINE).headers["ETag"] == tag
    assert client.head(MINE, headers={"If-None-Match": tag}).status_code == 304


def test_refusals_and_writes_have_no_tag(freelancer: User, client: Client):
    answers = [
        client.get(MINE),
        client.get("/api/nowhere", headers={"If-None-Match": "*"}),
        bearer(freelancer).post(NOTES, {}, content_type="application/json", headers={"If-None-Match": "*"}),
        bearer(freelancer).patch(NOTES, {}, content_type="application/json"),
    ]
    assert [(answer.status_code, answer.has_header("ETag")) for answer in answers] == [
        (401, False),
        (404, False),
        (201, False),
        (204, False),
    ]


# --- Who may keep it ------------------------------------------------------------------------------------------------
def test_every_json_is_asked_about_each_time_and_kept_by_nobody_between(freelancer: User, client: Client):
    answers = [
        client.get(GIGS),
        bearer(freelancer).get(GIGS),
        client.get(MINE),
        client.get("/api/nowhere"),
        client.put(GIGS),
        bearer(freelancer).post(NOTES, {}, content_type="application/json"),
        bearer(freelancer).patch(NOTES, {}, content_type="application/json"),
    ]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"private, no-cache"}
    assert [varies(answer) for answer in answers] == [EVERY_WAY_IN] * 7


def test_files_are_sent_as_they_are(freelancer: User):
    response = bearer(freelancer).get("/api/planted/file", headers={"If-None-Match": "*"})
    assert (response.status_code, response.headers["Content-Type"], response.has_header("ETag")) == (200, "text/x-python", False)
    assert b"".join(response.streaming_content).startswith(b'"""Operations that do')
    response.close()


def test_text_is_utf_8_and_not_escaped(freelancer: User):
    assert bearer(freelancer).get(MINE).content == '{"words":"José Ñíguez"}'.encode()


# --- For whose pages ------------------------------------------------------------------------------------------------
def cors(response: HttpResponse) -> dict[str, str]:
    prefix = "access-control-"
    return {name.lower().removeprefix(prefix): value for name, value in response.items() if name.lower().startswith(prefix)}


def preflight(client: Client, origin: str, method: str = "POST", headers: str = "idempotency-key") -> HttpResponse:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return client.options(NOTES, headers=asked)


@pytest.fixture
def listed(settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OURS]


@pytest.mark.parametrize("origin", [OURS, THEIRS, "null", "http://testserver"])
def test_no_other_page_may_call_unless_the_site_says_so(client: Client, freelancer: User, origin: str):
    for response in (
        client.get(GIGS, headers={"Origin": origin}),
        bearer(freelancer).get(MINE, headers={"Origin": origin}),
        preflight(client, origin),
    ):
        assert cors(response) == {}


@pytest.mark.parametrize(
    "origin",
    [
        THEIRS,
        "null",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "nonsense",
    ],
)
def test_no_other_than_the_listed_page_may_call(client: Client, listed: None, origin: str):
    assert cors(client.get(GIGS, headers={"Origin": origin})) == {}
    assert cors(preflight(client, origin)) == {}


def test_a_listed_page_may_call_with_the_persons_cookies_and_read_what_it_needs(client: Client, listed: None):
    response = client.get(GIGS, headers={"Origin": OURS})
    assert response.status_code == 200
    assert cors(response) == {
        "allow-origin": OURS,
        "allow-credentials": "true",
        "expose-headers": "ETag, Idempotent-Replayed, Retry-After",
    }
    assert "origin" in varies(response)


def test_a_listed_page_can_read_refusals_too(client: Client, listed: None):
    for response in (
        client.get(MINE, headers={"Origin": OURS}),
        client.get("/api/nowhere", headers={"Origin": OURS}),
        client.get(GIGS, headers={"Origin": OURS, "Host": "evil.example"}),
    ):
        assert response.status_code in (400, 401, 404)
        assert cors(response)["allow-origin"] == OURS


@pytest.mark.parametrize(
    "header", ["idempotency-key", "if-none-match", "x-api-key", "authorization", "content-type", "x-csrftoken"]
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_listed_page_may_ask_beforehand(client: Client, listed: None, method: str, header: str):
    response = preflight(client, OURS, method, header)
    allowed = cors(response)
    assert (response.status_code, allowed["allow-origin"]) == (200, OURS)
    assert method in allowed["allow-methods"].split(", ")
    assert header in allowed["allow-headers"].split(", ")


def test_pages_are_for_no_other_origin(client: Client, listed: None):
    assert cors(client.get("/gigs/", headers={"Origin": OURS})) == {}


@pytest.mark.parametrize("way", ["session", "access_token"])
def test_a_listed_page_still_needs_the_token_and_to_be_trusted_with_forms(freelancer: User, listed: None, settings, way: str):
    """CORS_ORIGINS says who may read; that a cookie may change something is CSRF_TRUSTED_ORIGINS' to say, and the token's."""
    client = Client(enforce_csrf_checks=True)
    if way == "session":
        client.force_login(freelancer)
    else:
        client.cookies["access_token"] = make_jwt(freelancer)
    client.cookies["csrftoken"] = "a" * 32
    token = {"X-CSRFToken": "a" * 32}

    def write(**headers: str) -> tuple[int, str]:
        response = client.post(NOTES, {}, content_type="application/json", headers=headers, secure=True)
        return response.status_code, json.loads(response.content).get("code", "")

    assert write(Origin=OURS) == write(Origin=OURS, **token) == (403, "csrf_failed")
    settings.CSRF_TRUSTED_ORIGINS = [OURS]
    assert write(Origin=OURS) == write(Origin=THEIRS, **token) == (403, "csrf_failed")
    assert Gig.objects.count() == 0
    assert write(Origin=OURS, **token) == (201, "")
    assert Gig.objects.count() == 1


def test_a_token_of_its_own_needs_neither(freelancer: User, listed: None):
    client = bearer(freelancer)
    client.handler.enforce_csrf_checks = True
    assert client.post(NOTES, {}, content_type="application/json", headers={"Origin": OURS}).status_code == 201
