"""Gigs for programs: who may do what, what is refused, what lists hold and cost."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Category, Gig
from gigs.services import archive_gig, pause_gig, record_rating
from gigs.tests.factories import CategoryFactory, GigFactory, GigImageFactory, RequirementFactory
from gigs.tests.programs import program_of, send, walk

pytestmark = pytest.mark.django_db

LEAST = {
    "title": "I will draw your logo",
    "description": "Three drafts.",
    "price": "120.00",
    "currency": "EUR",
    "delivery_days": 5,
}
STATES = ["active", "paused", "archived"]


@pytest.fixture(autouse=True)
def _nobody_called_yet() -> None:
    cache.clear()


@pytest.fixture
def gig(freelancer: User) -> Gig:
    return GigFactory(freelancer=freelancer, title="I will draw your logo")


def moved_to(gig: Gig, state: str) -> Gig:
    """The gig in this state, with a question."""
    RequirementFactory(gig=gig)
    if state == "paused":
        pause_gig(actor=gig.freelancer, gig=gig)
    if state == "archived":
        archive_gig(actor=gig.freelancer, gig=gig)
    return gig


def everything() -> tuple[list[Any], ...]:
    return list(Gig.objects.order_by("pk").values()), list(Category.objects.order_by("pk").values())


# --- Offering -------------------------------------------------------------------------------------------------------
def test_title_description_price_and_days_make_a_gig(freelancer: User):
    answer = send(program_of(freelancer), "POST", "gigs", LEAST)
    gig, shown = Gig.objects.get(), answer.json()
    assert answer.status_code == 201
    assert (gig.freelancer, gig.state, gig.price, gig.category.slug) == (freelancer, "active", Decimal(120), "other")
    assert {name: shown[name] for name in LEAST} == LEAST
    assert shown["freelancer"]["id"] == str(freelancer.pk)
    assert shown["category"] == {"slug": "other", "name": "Other"}
    assert (shown["id"], shown["state"], shown["images"], shown["questions"]) == (str(gig.pk), "active", [], [])
    assert (shown["revisions_included"], shown["auto_approve_days"], shown["rating"], shown["rating_count"]) == (1, 7, None, 0)
    assert shown["created_at"].endswith("Z")


def test_all_of_a_gig_can_be_said(freelancer: User):
    questions = [
        {"question": "Style?", "kind": "choice", "choices": ["calm", "loud"], "is_required": False},
        {"question": "Name?"},
    ]
    body = LEAST | {
        "currency": "JPY",
        "price": "12000",
        "category": "logos-and-brands",
        "revisions_included": 0,
        "auto_approve_days": 14,
        "questions": questions,
    }
    shown = send(program_of(freelancer), "POST", "gigs", body).json()
    assert (shown["price"], shown["currency"], shown["category"]["slug"]) == ("12000", "JPY", "logos-and-brands")
    assert (shown["revisions_included"], shown["auto_approve_days"]) == (0, 14)
    assert [{name: row[name] for name in row if name != "id"} for row in shown["questions"]] == [
        {"question": "Style?", "kind": "choice", "choices": ["calm", "loud"], "is_required": False},
        {"question": "Name?", "kind": "text", "choices": [], "is_required": True},
    ]


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": "x" * 121}, "title"),
    ({"title": "two\nlines"}, "title"),
    ({"title": 5}, "title"),
    ({"title": None}, "title"),
    ({"description": " "}, "description"),
    ({"description": "x" * 10_001}, "description"),
    ({"price": 120}, "price"),
    ({"price": "-1"}, "price"),
    ({"price": "0"}, "price"),
    ({"price": "1.234"}, "price"),
    ({"price": "1e3"}, "price"),
    ({"price": "NaN"}, "price"),
    ({"price": "1.5", "currency": "JPY"}, "price"),
    ({"currency": "XXX"}, "currency"),
    ({"currency": ""}, "currency"),
    ({"delivery_days": 0}, "delivery_days"),
    ({"delivery_days": 366}, "delivery_days"),
    ({"delivery_days": "5"}, "delivery_days"),
    ({"delivery_days": 5.5}, "delivery_days"),
    ({"delivery_days": True}, "delivery_days"),
    ({"revisions_included": 21}, "revisions_included"),
    ({"auto_approve_days": 2}, "auto_approve_days"),
    ({"category": "nothing-like-it"}, "category"),
    ({"category": "design"}, "category"),  # it holds others
    ({"category": ""}, "category"),
    ({"questions": [{"question": "Q"}] * 11}, "questions"),
    ({"questions": [{"question": ""}]}, "questions.0.question"),
    ({"questions": [{"question": "Which?", "kind": "neither"}]}, "questions.0.kind"),
    ({"questions": [{"question": "Which?", "kind": "choice", "choices": ["one", "one"]}]}, "questions"),
    ({"freelancer": str(uuid.uuid4())}, "freelancer"),
]


@pytest.mark.parametrize(("change", "field"), NONSENSE)
def test_what_does_not_fit_is_refused_with_its_field(change: dict[str, Any], field: str, freelancer: User):
    before = everything()
    answer = send(program_of(freelancer), "POST", "gigs", LEAST | change)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
    assert everything() == before


@pytest.mark.parametrize("missing", LEAST)
def test_the_least_is_needed(missing: str, freelancer: User):
    answer = send(program_of(freelancer), "POST", "gigs", {name: LEAST[name] for name in LEAST if name != missing})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [missing])
    assert Gig.objects.count() == 0


def test_other_that_holds_categories_asks_for_one(freelancer: User):
    CategoryFactory(parent=CategoryFactory(slug="other", name="Other", parent=None))
    answer = send(program_of(freelancer), "POST", "gigs", LEAST)
    assert (answer.status_code, list(answer.json()["fields"]), Gig.objects.count()) == (422, ["category"], 0)


def test_one_key_makes_one_gig(freelancer: User):
    client = program_of(freelancer)
    key = {"headers": {"Idempotency-Key": "one"}, "content_type": "application/json"}
    first, again = client.post("/api/gigs", LEAST, **key), client.post("/api/gigs", LEAST, **key)
    other = client.post("/api/gigs", LEAST | {"title": "Another"}, **key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json() == again.json()
    assert Gig.objects.count() == 1


# --- Reading --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", STATES)
def test_anyone_reads_an_active_gig_and_its_owner_a_paused_one(gig: Gig, stranger: User, freelancer: User, state: str):
    moved_to(gig, state)
    answers = [program_of(who).get(f"/api/gigs/{gig.pk}") for who in (None, stranger, freelancer)]
    expected = {"active": [200, 200, 200], "paused": [404, 404, 200], "archived": [404, 404, 404]}[state]
    assert [answer.status_code for answer in answers] == expected
    assert {answer.json()["state"] for answer in answers if answer.status_code == 200} <= {state}


def test_a_gig_without_counters_and_pictures_is_shown(gig: Gig):
    bare = GigFactory(stats=None)
    shown = program_of(None).get(f"/api/gigs/{bare.pk}").json()
    assert (shown["rating"], shown["rating_count"], shown["orders_completed"], shown["images"]) == (None, 0, 0, [])


def test_pictures_have_addresses_a_program_can_open(gig: Gig, settings: Any):
    settings.SITE_URL = "https://market.example"
    image = GigImageFactory(gig=gig)
    (shown,) = program_of(None).get(f"/api/gigs/{gig.pk}").json()["images"]
    assert shown == {
        "id": image.pk,
        "url": f"https://market.example{image.url}",
        "thumbnail_url": f"https://market.example{image.thumbnail_url}",
        "width": 1200,
        "height": 800,
    }


def test_what_is_unchanged_is_not_sent_again(gig: Gig):
    client = program_of(None)
    tag = client.get(f"/api/gigs/{gig.pk}")["ETag"]
    assert client.get(f"/api/gigs/{gig.pk}", headers={"If-None-Match": tag}).status_code == 304
    Gig.objects.update(title="Another")
    assert client.get(f"/api/gigs/{gig.pk}", headers={"If-None-Match": tag}).status_code == 200


def test_a_gig_costs_the_same_queries_whatever_it_holds(gig: Gig, stranger: User):
    client = program_of(stranger)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/api/gigs/{gig.pk}").status_code == 200
        counts.append(len(queries))
        GigImageFactory.create_batch(5, gig=gig)
        RequirementFactory.create_batch(9, gig=gig)
    assert counts == [4, 4]  # who calls, the gig, its pictures, its questions


# --- Changing -------------------------------------------------------------------------------------------------------
CHANGES: dict[str, Any] = {
    "title": "New",
    "description": "Four drafts.",
    "price": "99.50",
    "currency": "USD",
    "delivery_days": 6,
    "category": "illustration",
    "revisions_included": 0,
    "auto_approve_days": 14,
    "questions": [{"question": "Style?"}],
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_is_named_changes(gig: Gig, freelancer: User, name: str):
    RequirementFactory(gig=gig)
    client = program_of(freelancer)
    before = client.get(f"/api/gigs/{gig.pk}").json()
    nulls = dict.fromkeys(set(CHANGES) - {name})
    for body in ({name: CHANGES[name]}, {name: CHANGES[name], **nulls}):
        answer = send(client, "PATCH", f"gigs/{gig.pk}", body)
        assert answer.status_code == 200
    after = client.get(f"/api/gigs/{gig.pk}").json()
    assert answer.json() == after
    assert {key for key in after if after[key] != before[key]} == {name, "updated_at"}


def test_no_questions_are_said_with_an_empty_list(gig: Gig, freelancer: User):
    RequirementFactory(gig=gig)
    assert send(program_of(freelancer), "PATCH", f"gigs/{gig.pk}", {"questions": []}).json()["questions"] == []


def test_a_change_must_fit_what_stands(gig: Gig, freelancer: User):
    Gig.objects.update(price=Decimal("120.50"))
    before = everything()
    for body, field in (({"currency": "JPY"}, "price"), ({"price": "0"}, "price"), ({"category": "design"}, "category")):
        answer = send(program_of(freelancer), "PATCH", f"gigs/{gig.pk}", body)
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
    assert everything() == before


def test_who_names_what_they_have_read_overwrites_nothing(gig: Gig, freelancer: User):
    client = program_of(freelancer)
    read_at = client.get(f"/api/gigs/{gig.pk}").json()["updated_at"]
    first = send(client, "PATCH", f"gigs/{gig.pk}", {"title": "First", "updated_at": read_at})
    second = send(client, "PATCH", f"gigs/{gig.pk}", {"title": "Second", "updated_at": read_at})
    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 409, "gig_changed")
    assert Gig.objects.get().title == "First"


# --- Putting away, pausing, bringing back ---------------------------------------------------------------------------
STEPS: dict[str, tuple[str, str]] = {
    "change": ("PATCH", ""),
    "archive": ("DELETE", ""),
    "pause": ("POST", "/pause"),
    "resume": ("POST", "/resume"),
    "restore": ("POST", "/restore"),
}
BODY: dict[str, dict[str, Any]] = {"change": {"title": "New"}}
LEADS = {  # from each state: how it answers, and where the gig stands then
    "change": [(200, "active"), (200, "paused"), (409, "archived")],
    "archive": [(204, "archived"), (204, "archived"), (204, "archived")],
    "pause": [(200, "paused"), (200, "paused"), (200, "archived")],
    "resume": [(200, "active"), (200, "active"), (409, "archived")],
    "restore": [(200, "active"), (200, "paused"), (200, "paused")],
}


def step(client: Any, name: str, gig: Gig) -> Any:
    method, path = STEPS[name]
    return send(client, method, f"gigs/{gig.pk}{path}", BODY.get(name))


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("place", range(3), ids=STATES)
def test_each_step_leads_where_its_table_says(gig: Gig, freelancer: User, name: str, place: int):
    moved_to(gig, STATES[place])
    answer = step(program_of(freelancer), name, gig)
    assert (answer.status_code, Gig.objects.get().state) == LEADS[name][place]
    if answer.status_code == 200:
        assert answer.json()["state"] == LEADS[name][place][1]
    if answer.status_code == 204:
        assert answer.content == b""
    if answer.status_code == 409:
        assert answer.json()["code"] == "gig_archived"


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("state", STATES)
def test_who_does_not_own_it_is_refused(gig: Gig, stranger: User, moderator: User, name: str, state: str):
    moved_to(gig, state)
    before = everything()
    expected = [401, 403, 403] if state == "active" else [401, 404, 404]
    assert [step(program_of(who), name, gig).status_code for who in (None, stranger, moderator)] == expected
    assert everything() == before


@pytest.mark.parametrize("name", STEPS)
def test_a_gig_that_never_was_is_404(freelancer: User, name: str):
    assert step(program_of(freelancer), name, Gig(pk=uuid.uuid4())).status_code == 404


@pytest.mark.parametrize(("name", "state"), [("resume", "paused"), ("restore", "archived")])
def test_what_a_moderator_paused_stays_so(gig: Gig, freelancer: User, name: str, state: str):
    staff = UserFactory(is_staff=True, is_superuser=True)
    pause_gig(actor=staff, gig=gig)
    if state == "archived":
        archive_gig(actor=freelancer, gig=gig)
    answer = step(program_of(freelancer), name, gig)
    assert (answer.status_code, answer.json()["code"]) == (409, "gig_paused_by_staff")
    assert Gig.objects.get().state == state


def test_a_visitor_offers_nothing():
    assert send(program_of(None), "POST", "gigs", LEAST).status_code == 401
    assert Gig.objects.count() == 0


def test_a_closed_account_sells_nothing(gig: Gig, freelancer: User):
    token = program_of(freelancer)
    User.objects.filter(pk=freelancer.pk).update(is_active=False)
    assert [step(token, name, gig).status_code for name in STEPS] == [401] * 5
    assert program_of(None).get(f"/api/gigs/{gig.pk}").status_code == 404


# --- Lists ----------------------------------------------------------------------------------------------------------
def titles(items: list[Any]) -> list[str]:
    return [item["title"] for item in items]


def found(query: str = "") -> list[str]:
    answer = program_of(None).get(f"/api/gigs?{query}")
    assert answer.status_code == 200, answer.content
    return titles(answer.json()["items"])


@pytest.fixture
def shelf() -> Category:
    """Five gigs in two currencies, a paused one, and one of a closed account."""
    top = CategoryFactory(slug="category-top", parent=None)
    leaf = CategoryFactory(slug="category-leaf", parent=top)
    terms = [("a", "100", "EUR", 3), ("b", "20", "EUR", 9), ("c", "50", "KES", 1), ("d", "20", "EUR", 3), ("e", "300", "EUR", 30)]
    start = timezone.now() - timedelta(days=9)
    for n, (title, price, currency, days) in enumerate(terms):
        with time_machine.travel(start + timedelta(hours=n), tick=False):
            category = leaf if title in "ab" else CategoryFactory()
            GigFactory(title=title, price=Decimal(price), currency=currency, delivery_days=days, category=category)
    pause_gig(actor=(paused := GigFactory(title="paused")).freelancer, gig=paused)
    GigFactory(title="closed", freelancer=UserFactory(is_active=False))
    for title, rating in (("b", 4), ("d", 5), ("e", 4), ("e", 4)):
        record_rating(gig=Gig.objects.get(title=title), rating=rating)
    return top


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "edcba"),
        ("currency=EUR", "edba"),
        ("currency=EUR&price_min=20.01", "ea"),
        ("currency=EUR&price_max=100", "dba"),
        ("currency=EUR&price_min=20&price_max=20", "db"),
        ("delivery=3", "dca"),
        ("category=category-leaf", "ba"),
        ("category=category-top", "ba"),
        ("sort=rated", "debca"),
        ("sort=fastest", "cdabe"),
        ("sort=cheapest&currency=EUR", None),
        ("sort=dearest&currency=EUR", None),
    ],
)
def test_the_filters_of_the_browse_page(shelf: Category, query: str, expected: str | None):
    if expected is not None:
        assert found(query) == list(expected)
    prices = {"a": 100, "b": 20, "d": 20, "e": 300}
    if "cheapest" in query:
        assert [prices[title] for title in found(query)] == [20, 20, 100, 300]
    if "dearest" in query:
        assert [prices[title] for title in found(query)] == [300, 100, 20, 20]


@pytest.mark.parametrize(
    "query",
    [
        "price_min=5",
        "price_max=0",
        "sort=cheapest",
        "sort=best",
        "currency=XXX",
        "currency=EUR&price_max=-1",
        "currency=EUR&price_max=1e9",
        "delivery=0",
        "delivery=soon",
        "category=nothing-like-it",
        "limit=0",
        "limit=101",
        "cursor=nonsense",
    ],
)
def test_filters_that_make_no_sense_are_refused(shelf: Category, query: str):
    assert program_of(None).get(f"/api/gigs?{query}").status_code == 422


def test_the_gigs_of_one_freelancer(shelf: Category, freelancer: User, stranger: User):
    theirs = GigFactory(freelancer=stranger, title="theirs", currency="EUR")
    assert found(f"freelancer={stranger.pk}") == [theirs.title]
    assert theirs.title not in found(f"freelancer={freelancer.pk}")
    assert found(f"freelancer={theirs.pk}") == []


def test_a_price_without_a_currency_is_about_the_currency(shelf: Category):
    assert list(program_of(None).get("/api/gigs?sort=cheapest").json()["fields"]) == ["currency"]


EVERY_SORT = ["newest", "rated", "fastest", "cheapest&currency=EUR", "dearest&currency=EUR"]


@pytest.mark.parametrize("sort", EVERY_SORT)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_walk_meets_every_gig_once_in_the_lists_order(shelf: Category, sort: str, limit: int):
    GigFactory(title="bare", stats=None, currency="EUR", price=Decimal(20))
    assert titles(walk(program_of(None), f"gigs?sort={sort}", limit=limit)) == found(f"sort={sort}&limit=100")


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_a_walk_meets_every_gig_once_while_others_are_added(shelf: Category, sort: str):
    there = found(f"sort={sort}&limit=100")
    walked = titles(walk(program_of(None), f"gigs?sort={sort}", between=lambda: GigFactory(title="new", currency="EUR")))[:100]
    assert [title for title in walked if title != "new"] == there


def test_a_cursor_of_another_order_is_refused(shelf: Category):
    cursor = program_of(None).get("/api/gigs?limit=1").json()["next"]
    assert program_of(None).get(f"/api/gigs?sort=fastest&cursor={cursor}").status_code == 422


def queries_of(client: Any, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def with_pictures(count: int, **options: Any) -> None:
    for gig in GigFactory.create_batch(count, **options):
        GigImageFactory.create_batch(2, gig=gig)


@pytest.mark.parametrize("sort", ["newest", "rated"])
def test_the_list_costs_the_same_at_one_and_at_thirty(sort: str):
    client, address = program_of(None), f"/api/gigs?limit=100&sort={sort}"
    with_pictures(1)
    one = queries_of(client, address)
    with_pictures(29)
    assert (one, queries_of(client, address)) == (2, 2)


# --- One's own ------------------------------------------------------------------------------------------------------
def test_ones_own_gigs_by_state_and_all(freelancer: User, stranger: User):
    for state in STATES:
        moved_to(GigFactory(freelancer=freelancer, title=state), state)
    GigFactory(title="somebody else's")
    client = program_of(freelancer)
    assert titles(client.get("/api/me/gigs").json()["items"]) == ["archived", "paused", "active"]
    for state in STATES:
        assert titles(client.get(f"/api/me/gigs?state={state}").json()["items"]) == [state]
    assert client.get("/api/me/gigs?state=sold").status_code == 422
    assert program_of(stranger).get("/api/me/gigs").json() == {"items": [], "next": None}
    assert program_of(None).get("/api/me/gigs").status_code == 401


def test_ones_own_are_walked_once_though_they_change_meanwhile(freelancer: User):
    for n in range(7):
        GigFactory(freelancer=freelancer, title=str(n))
    touched = iter(range(7))

    def touch() -> None:
        gig = Gig.objects.get(title=str(next(touched)))
        gig.save()  # the page would show it first from now on
        GigFactory(freelancer=freelancer, title="new")

    walked = titles(walk(program_of(freelancer), "me/gigs", between=touch))
    assert [title for title in walked if title != "new"] == ["6", "5", "4", "3", "2", "1", "0"]


def test_ones_own_cost_the_same_at_one_and_at_thirty(freelancer: User):
    client = program_of(freelancer)
    with_pictures(1, freelancer=freelancer)
    one = queries_of(client, "/api/me/gigs?limit=100")
    with_pictures(29, freelancer=freelancer)
    assert (one, queries_of(client, "/api/me/gigs?limit=100")) == (3, 3)


# --- Categories -----------------------------------------------------------------------------------------------------
def test_the_shelf_as_the_pages_show_it():
    answer = program_of(None).get("/api/categories")
    shown = answer.json()
    assert (answer.status_code, shown["next"]) == (200, None)
    tops = list(Category.objects.filter(parent=None).values_list("slug", flat=True))
    assert [top["slug"] for top in shown["items"]] == tops
    design = next(top for top in shown["items"] if top["slug"] == "design")
    assert design["categories"] == [
        {"slug": row.slug, "name": row.name} for row in Category.objects.filter(parent__slug="design")
    ]


def test_the_shelf_costs_one_query():
    client = program_of(None)
    one = queries_of(client, "/api/categories")
    CategoryFactory.create_batch(30)
    assert (one, queries_of(client, "/api/categories")) == (1, 1)
