"""Who may open what: every address of the project, as everyone, against the table in docs/access.md."""

import itertools
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import URLResolver

from marketplace.api import api
from marketplace.tests.world import World
from orders.models import Evidence

PAGE = settings.BASE_DIR / "docs/access.md"
METHODS = ("GET", "POST")
ROLES = ("anonymous", "stranger", "client", "freelancer", "moderator")
ROW = re.compile(r"^\| `(?P<address>[^`]+)` \| (?P<methods>GET|POST|GET, POST) \| (?P<answers>.+) \|$")
SET = re.compile(r"^\| `\{(?P<name>[\w-]+)\}` \| (?P<members>.+) \|$")

WRITTEN = (
    "orders_orderevent",
    "orders_disbursementevent",
    "orders_evidence",
    "orders_staffnote",
    "orders_payoutaccount WHERE is_active",
    "orders_payoutbatch",
    "orders_payoutbatch WHERE exported_at IS NOT NULL",
    "orders_bankstatement",
    "orders_statementline WHERE decided_at IS NOT NULL",
    "orders_unreadableline WHERE resolved_at IS NOT NULL",
    "orders_paymentmethod WHERE CAST(csv_mapping AS text) <> '{}'",
    "reviews_review",
    "reviews_review WHERE reply <> ''",
)

Rows = dict[tuple[str, str], list[str]]
Answers = list[str]


# --- The page -------------------------------------------------------------------------------------------------------
def expand(address: str, sets: dict[str, list[str]]) -> list[str]:
    """`/a/{b,c}/` is `/a/b/` and `/a/c/`; a name in braces stands for the members of that set."""
    inside = re.findall(r"\{([^}]*)\}", address)
    template = re.sub(r"\{[^}]*\}", "{}", address)
    return [template.format(*choice) for choice in itertools.product(*(sets.get(one) or one.split(",") for one in inside))]


@cache
def read_page() -> dict[str, Rows]:
    """The rows of each section."""
    lines = PAGE.read_text().splitlines()
    sets = {found["name"]: found["members"].replace("`", "").split(", ") for found in map(SET.match, lines) if found}
    sections: dict[str, Rows] = {}
    section = ""
    for line in lines:
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif found := ROW.match(line):
            for address, method in itertools.product(expand(found["address"], sets), found["methods"].split(", ")):
                assert all((address, method) not in rows for rows in sections.values()), f"{method} {address} stands twice"
                answers = [answer.strip() for answer in found["answers"].split("|")]
                sections.setdefault(section, {})[address, method] = answers
    return sections


# --- The project ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Address:
    """An address of the project: how the page writes it, and its name in the code."""

    written: str
    name: str


def walk(resolver: URLResolver, prefix: str = "/", namespaces: tuple[str, ...] = ()) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", str(pattern.pattern)).replace("^", "").replace("$", "")
        route = prefix + re.sub(r"<\w+:(\w+)>", r"<\1>", route)
        if isinstance(pattern, URLPattern):
            yield Address(route, ":".join([*namespaces, pattern.name or ""]))
        else:
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from walk(pattern, route, inner)


@cache
def addresses() -> dict[str, Address]:
    """All of them but the operations of the API, which test_api_access.py asks."""
    operations = {path.replace("{", "<").replace("}", ">") for path in api.get_openapi_schema()["paths"]}
    return {address.written: address for address in walk(get_resolver()) if address.written not in operations}


# --- Asking -----------------------------------------------------------------------------------------------------------
def path_to(address: Address, world: World) -> str:
    values = {**world.values, **world.special.get(address.name, {})}
    return re.sub(r"<(\w+)>", lambda found: str(values[found[1]]), address.written)


def sign_everyone_in(world: World) -> dict[str, str]:
    """The session of each role; none for the visitor."""
    sessions = {}
    for role, person in world.people.items():
        if person:
            client = Client()
            client.force_login(person)
            sessions[role] = client.cookies[settings.SESSION_COOKIE_NAME].value
    return sessions


def ask(world: World, sessions: dict[str, str], address: Address, method: str, roles: Iterable[str] = ROLES) -> Answers:
    """What each role is answered. Whatever it writes is undone, so that each question finds the same world."""
    form = world.forms.get(address.name, {}) if method == "POST" else {}
    before = history()
    answers = []
    for role in roles:
        filled = {name: value() if callable(value) else value for name, value in form.items()}
        client = Client(raise_request_exception=False)
        if role in sessions:
            client.cookies[settings.SESSION_COOKIE_NAME] = sessions[role]
        with transaction.atomic():
            response = (client.post if method == "POST" else client.get)(path_to(address, world), filled)
            answers.append("done" if history() != before else answer_of(response))
            if response.streaming:
                response.getvalue()  # a file is closed once it is read
            transaction.set_rollback(True)
    return answers


def page_for(session: str, path: str) -> str:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    response = client.get(path)
    return response.getvalue().decode(errors="replace")


def history() -> tuple[int, ...]:
    """Moves with every step of an order, every word about one, and every decision at a desk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {rows})" for rows in WRITTEN))  # noqa: S608 (ours alone)
        counted: tuple[int, ...] = cursor.fetchone()
    return counted


def answer_of(response: HttpResponse) -> str:
    """The status, or `sign in` for a redirect to one of the two sign-in pages."""
    to_sign_in = response.status_code == 302 and response.headers["Location"].startswith(("/accounts/login/", "/admin/login/"))
    return "sign in" if to_sign_in else str(response.status_code)


# --- The tests ------------------------------------------------------------------------------------------------------
def test_every_address_has_its_rows_and_every_row_its_address():
    rows = {key for section in read_page().values() for key in section}
    assert rows == {(written, method) for written in addresses() for method in METHODS}


@pytest.mark.parametrize("section", read_page())
def test_everyone_is_answered_as_the_page_says(section: str, world: World):
    known = addresses()
    rows = read_page()[section]
    sessions = sign_everyone_in(world)
    found = {(written, method): ask(world, sessions, known[written], method) for written, method in rows if written in known}
    wrong = [
        f"| `{written}` | {method} | {' | '.join(answers)} |   (the page says {' | '.join(rows[written, method])})"
        for (written, method), answers in found.items()
        if answers != rows[written, method]
    ]
    assert wrong == [], "\n".join(["", *wrong])


@pytest.mark.parametrize("section", ["Orders", "Disputes", "One's own money", "The desks"])
def test_what_does_not_exist_is_404(section: str, world: World):
    ids = {name for address in addresses() for name in re.findall(r"<(\w+_id)>", address)}
    numbers = {"admin:orders_bankstatement_resolve": {"row_id": 999_999}}
    nobody = replace(world, values=world.values | dict.fromkeys(ids, uuid.uuid4()) | {"batch_id": 999_999}, special=numbers)
    known, sessions = addresses(), sign_everyone_in(world)
    asked = [(known[written], method) for written, method in read_page()[section] if "_id>" in written]
    found = {
        f"{method} {address.written}": answers
        for address, method in asked
        if set(answers := ask(nobody, sessions, address, method, ["freelancer", "moderator"])) - {"404", "405", "sign in"}
    }
    assert found == {}


def test_a_file_for_moderators_alone_is_not_the_other_sides(world: World):
    secret = Evidence.objects.get(name="secret.zip")
    known, sessions = addresses(), sign_everyone_in(world)
    of_it = replace(world, special={**world.special, "orders:evidence_file": {"evidence_id": secret.pk}})
    file = known["/orders/evidence/<evidence_id>/"]
    assert ask(of_it, sessions, file, "GET") == ["sign in", "404", "200", "404", "200"]
    case = path_to(known["/orders/<order_id>/dispute/"], world)
    assert [secret.note in page_for(sessions[role], case) for role in ("client", "freelancer")] == [True, False]


def test_there_is_no_receipt_before_one_is_issued(world: World):
    unpaid = world.special["orders:submit_payment"]
    early = replace(world, special={**world.special, "orders:order_receipt": unpaid})
    receipt = addresses()["/orders/<order_id>/receipt/"]
    assert ask(early, sign_everyone_in(world), receipt, "GET") == ["sign in", *["404"] * 4]


def test_nobody_meets_an_error_of_the_server():
    assert [key for section in read_page().values() for key, answers in section.items() if "500" in answers] == []


def test_braces_stand_for_each_of_several_addresses():
    assert expand("/{a,b}/<id>/{pair}/", {"pair": ["c", "d"]}) == ["/a/<id>/c/", "/a/<id>/d/", "/b/<id>/c/", "/b/<id>/d/"]
