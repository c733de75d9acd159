"""Who may ask the API what, and by which way in: every operation, against docs/api-access.md and the gates in the code."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django import DjangoDbBlocker

from accounts.callers import How, Scope
from accounts.gates import SAFE, Door, Gate
from accounts.models import User
from accounts.services import make_key, revoke, revoke_key, sign_in
from accounts.tokens import make_jwt
from marketplace.api import api
from marketplace.tests.test_access import ROLES, WRITTEN
from marketplace.tests.world import World
from marketplace.tests.world_api import Asked, Asks, asks_of_programs

PAGE = settings.BASE_DIR / "docs/api-access.md"
ROW = re.compile(r"^\| `(?P<operation>[A-Z]+ /api/[^`]*)`(?: \((?P<case>[^)]+)\))? \| (?P<key>[^|]+) \| (?P<answers>.+) \|$")
PASSWORD = "a long password"

COUNTED = (
    *WRITTEN,
    *("accounts_user WHERE avatar <> ''", "accounts_authsession WHERE revoked_at IS NULL", "accounts_refreshtoken"),
    *("accounts_apikey WHERE revoked_at IS NULL", "accounts_keptanswer", "gigs_gig", "gigs_gig WHERE archived_at IS NULL"),
    *("gigs_gig WHERE is_active", "gigs_gigimage", "messaging_message", "messaging_message WHERE deleted_at IS NULL"),
    *("messaging_attachment", "messaging_block", "messaging_messagereport", "messaging_notification WHERE read_at IS NULL"),
)

Question = tuple[str, str]  # an operation, and which case of it
Answer = tuple[int, str]  # the status, and the code of a refusal


# --- The page and the code ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """The scope a key needs, and what each role is answered."""

    key: str
    answers: dict[str, int]

    @property
    def who(self) -> str:
        """One of those who get what they ask for; the client where nobody does."""
        return next((role for role in ("client", "freelancer", "stranger", "moderator") if self.answers[role] < 300), "client")


@cache
def read_page() -> dict[str, dict[Question, Row]]:
    """The rows of each section."""
    sections: dict[str, dict[Question, Row]] = {}
    section = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif found := ROW.match(line):
            question = found["operation"], found["case"] or ""
            assert all(question not in rows for rows in sections.values()), f"{question} stands twice"
            answers = dict(zip(ROLES, map(int, found["answers"].split("|")), strict=True))
            sections.setdefault(section, {})[question] = Row(found["key"].strip(" `"), answers)
    return sections


def as_row(question: Question, key: str, statuses: list[int]) -> str:
    """The line that belongs on the page."""
    operation, case = question
    return f"| `{operation}`{case and f' ({case})'} | `{key}` | {' | '.join(map(str, statuses))} |"


def operations() -> set[str]:
    described = api.get_openapi_schema()["paths"]
    return {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}


@cache
def gates() -> dict[str, Gate | Door]:
    """The gate of each operation, from the code that runs."""
    found: dict[str, Gate | Door] = {}
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            written = re.sub(r"\{\w+:(\w+)\}", r"{\1}", "/".join(part for part in ("/api", prefix.strip("/"), path) if part))
            for operation in view.operations:
                [gate] = operation.auth_callbacks
                found |= {f"{method} {written}": gate for method in operation.methods}
    return found


def needed(gate: Gate | Door) -> str:
    """What the page writes about keys."""
    return "open" if isinstance(gate, Door) else " or ".join(gate.scopes) or "none"


# --- Asking -----------------------------------------------------------------------------------------------------------
@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written is undone. Transactions that must be the outermost ones take this for the database's own."""
    with (block := transaction.atomic()):
        block._from_testcase = True  # type: ignore[attr-defined]
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Way:
    """One way in: what is shown with a request."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)


def ask(world: World, asks: Asks, question: Question, way: Way) -> Answer:
    """What this way in is answered. A refusal has changed nothing."""
    operation, _case = question
    method, _space, path = operation.partition(" ")
    asked = asks.get(question) or asks.get((operation, ""), Asked())
    values = {**world.values, **asked.values}
    path = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for name, value in way.cookies.items():
        client.cookies[name] = value
    with undone():
        before = history()
        content = dict(zip(("data", "content_type"), _content(asked), strict=True))
        response = client.generic(method, path, headers=way.headers, QUERY_STRING=asked.query, **content)
        body = b"" if response.streaming else response.content
        if response.streaming:
            response.getvalue()  # a file is closed once it is read
        is_changed = history() != before
    assert not (is_changed and response.status_code >= 300), f"{question} was refused and written all the same"
    assert response.has_header("WWW-Authenticate") == (response.status_code == 401)
    return response.status_code, json.loads(body)["code"] if response.status_code >= 400 else ""


def history() -> tuple[int, ...]:
    """Moves with whatever an operation makes, ends or decides."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {rows})" for rows in COUNTED))  # noqa: S608 (ours alone)
        counted: tuple[int, ...] = cursor.fetchone()
    return counted


def _content(asked: Asked) -> tuple[bytes, str]:
    if asked.files:
        files: dict[str, SimpleUploadedFile] = {name: make() for name, make in asked.files.items()}
        return encode_multipart(BOUNDARY, {**(asked.body or {}), **files}), MULTIPART_CONTENT
    return (b"", "application/json") if asked.body is None else (json.dumps(asked.body).encode(), "application/json")


# --- The ways in ------------------------------------------------------------------------------------------------------
CSRF = "c" * 32
WITH_CSRF = {"headers": {"X-CSRFToken": CSRF}}
KEYED = {"all": list(Scope), **{scope.value: [scope] for scope in Scope}}


def ways_of(person: User) -> dict[str, Way]:
    """Everything this person may show: what is true, what is not any more, and what lacks something."""
    tokens = sign_in(email=person.email, password=PASSWORD)
    ended = sign_in(email=person.email, password=PASSWORD)
    revoke(token=ended.refresh)
    person.tier = User.Tier.PRO  # for so many keys
    person.save(update_fields=["tier"])
    browser = Client()
    browser.force_login(person)
    session = {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
    jwt, csrf = {settings.JWT_COOKIE_NAME: tokens.access}, {settings.CSRF_COOKIE_NAME: CSRF}
    lost, plain = make_key(actor=person, name="Lost", scopes=list(Scope), password=PASSWORD)
    revoke_key(actor=person, key_id=lost.pk)
    return {
        "bearer": _bearer(tokens.access),
        "bearer, expired": _bearer(make_jwt(person, session=tokens.session, lifetime=timedelta(minutes=-1))),
        "bearer, of an ended session": _bearer(ended.access),
        "bearer, no token": _bearer("x"),
        "cookie": Way(cookies=jwt | csrf, **WITH_CSRF),
        "cookie without CSRF": Way(cookies=jwt | csrf),
        "session": Way(cookies=session | csrf, **WITH_CSRF),
        "session without CSRF": Way(cookies=session | csrf),
        "key, revoked": _key(plain),
        **{
            f"key: {name}": _key(make_key(actor=person, name=name, scopes=of, password=PASSWORD)[1]) for name, of in KEYED.items()
        },
    }


def _bearer(token: str) -> Way:
    return Way({"Authorization": f"Bearer {token}"})


def _key(plain: str) -> Way:
    return Way({"X-API-Key": plain})


UNTRUE = {"bearer, expired", "bearer, of an ended session", "bearer, no token", "key, revoked"}


def expected(gate: Gate | Door, method: str, way: str, let_in: Answer, visitor: Answer) -> Answer:
    """What the gate makes of a way in, where the bearer of a token gets `let_in`."""
    if isinstance(gate, Door):
        return visitor  # whoever signs in may show what they like
    if way in UNTRUE:
        return 401, "not_signed_in"
    if way.endswith("without CSRF") and method not in SAFE:
        return 403, "csrf_failed"
    kind, _colon, of = way.partition(": ")
    if kind == How.KEY and not set(gate.scopes) & set(KEYED[of]):
        return 403, "scope_missing"
    return let_in


# --- The tests ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def built_asks(built_world: World, django_db_blocker: DjangoDbBlocker) -> Asks:
    with django_db_blocker.unblock():
        return asks_of_programs(built_world)


@pytest.fixture(scope="module")
def built_ways(built_asks: Asks, built_world: World, django_db_blocker: DjangoDbBlocker) -> dict[str, dict[str, Way]]:
    with django_db_blocker.unblock():
        people = {role: ways_of(person) for role, person in built_world.people.items() if person}
        return {"anonymous": {"bearer": Way()}, **people}


@pytest.fixture(autouse=True)
def unhurried(settings) -> None:
    settings.API_LIMITS = dict.fromkeys(settings.API_LIMITS, 10**6)


def test_every_operation_has_its_row_and_every_row_its_operation():
    rows = {operation for section in read_page().values() for operation, _case in section}
    assert rows == operations()
    assert set(gates()) == operations()


def test_the_page_names_the_scope_that_the_gate_asks_for():
    said = {question: row.key for section in read_page().values() for question, row in section.items()}
    assert said == {question: needed(gates()[question[0]]) for question in said}


@pytest.mark.parametrize("section", read_page())
def test_everyone_is_answered_as_the_page_says(section: str, world: World, built_asks: Asks, built_ways):
    rows = read_page()[section]
    found = {one: [ask(world, built_asks, one, built_ways[role]["bearer"]) for role in ROLES] for one in rows}
    wrong = [
        f"{as_row(question, rows[question].key, statuses)}   (the page says {list(rows[question].answers.values())})"
        for question, answers in found.items()
        if (statuses := [status for status, _code in answers]) != list(rows[question].answers.values())
    ]
    assert wrong == [], "\n".join(["", *wrong])


@pytest.mark.parametrize("section", read_page())
def test_every_way_in_opens_what_the_gate_says(section: str, world: World, built_asks: Asks, built_ways):
    gate_of, wrong = gates(), []
    for question, row in read_page()[section].items():
        method = question[0].partition(" ")[0]
        visitor = ask(world, built_asks, question, Way())
        ways = built_ways[row.who]
        let_in = ask(world, built_asks, question, ways["bearer"])
        for name, way in ways.items():
            wanted = expected(gate_of[question[0]], method, name, let_in, visitor)
            if row.who == "moderator" and name.startswith("key") and wanted == let_in:
                continue  # of that the next test speaks
            answer = ask(world, built_asks, question, way)
            if answer != wanted:
                wrong.append(f"{question} by {name}: {answer}, not {wanted}")
    assert wrong == [], "\n".join(["", *wrong])


def test_no_key_carries_the_powers_of_a_moderator(world: World, built_asks: Asks, built_ways):
    """Where only moderators and the parties are let in, a moderator's key is a stranger's, where it opens anything."""
    rows = {question: row for section in read_page().values() for question, row in section.items()}
    staff = {one for one, row in rows.items() if row.answers["moderator"] != row.answers["stranger"] == 404}
    ways = built_ways["moderator"]
    found = {one: ask(world, built_asks, one, ways["key: all"])[0] for one in staff}
    assert found == {one: 403 if rows[one].key == "none" else 404 for one in staff}
    assert len(staff) > 5


def test_what_does_not_exist_is_404(world: World, built_asks: Asks, built_ways):
    """For whoever may do it with what does exist."""
    names = {name for operation in operations() for name in re.findall(r"\{(\w+_id)\}", operation)}
    numbers = dict.fromkeys(("image_id", "notification_id", "review_id"), 2**62)
    nobody = {name: numbers.get(name) or uuid4() for name in names}
    asks = {question: replace(asked, values=nobody) for question, asked in built_asks.items()}
    void = replace(world, values=world.values | nobody)
    rows = [(one, row) for section in read_page().values() for one, row in section.items() if "_id}" in one[0]]
    found = {one: ask(void, asks, one, built_ways[row.who]["bearer"])[0] for one, row in rows}
    assert {one: status for one, status in found.items() if status != 404} == {}


def test_nobody_meets_an_error_of_the_server():
    assert [one for rows in read_page().values() for one, row in rows.items() if max(row.answers.values()) >= 500] == []
