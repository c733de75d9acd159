"""The browse page: what it finds, how it answers nonsense, what it costs."""

import re
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.tests.factories import UserFactory
from gigs.models import Category
from gigs.services import archive_gig, pause_gig, record_rating
from gigs.tests.factories import CategoryFactory, GigFactory, GigImageFactory
from marketplace import paginator

pytestmark = pytest.mark.django_db


def titles(query: dict[str, str] | str = "") -> list[str]:
    query = f"?{query}" if isinstance(query, str) else query
    response = Client().get(f"/gigs/{query}") if isinstance(query, str) else Client().get("/gigs/", query)
    assert response.status_code == 200
    return [gig.title for gig in response.context["page_obj"]]


def errors(query: str) -> dict[str, list[str]]:
    response = Client().get(f"/gigs/?{query}")
    assert response.status_code == 200
    return {name: list(problems) for name, problems in response.context["form"].errors.items()}


def test_an_empty_shelf_says_so():
    response = Client().get("/gigs/")
    assert response.status_code == 200
    assert "No gigs yet" in response.text


def test_a_search_without_a_hit_says_so_and_leads_back():
    GigFactory(currency="EUR")
    response = Client().get("/gigs/?currency=KES")
    assert "No gig fits all of this" in response.text


@pytest.mark.parametrize(
    ("query", "summary", "is_open"),
    [
        ("", "Filters", False),
        ("sort=rated", "Filters", False),
        ("currency=EUR&price_max=%20", "Filters (1)", False),
        ("currency=EUR&price_max=90&delivery=7", "Filters (3)", False),
        ("price_max=90", "Filters (1)", True),  # what is wrong is shown
    ],
)
def test_the_filters_say_how_many_are_chosen_and_leave_the_screen_to_the_gigs(query: str, summary: str, is_open: bool):
    page = Client().get(f"/gigs/?{query}").text
    shown = re.search(
        r'<details class="filters"(?P<open> open)?>\s*<summary><svg.*?</svg>(?P<words>[^<]*)</summary>', page, re.DOTALL
    )
    assert (shown["words"], bool(shown["open"])) == (summary, is_open)


def test_newest_gigs_come_first():
    GigFactory(title="old"), GigFactory(title="new")
    assert titles() == ["new", "old"]


def test_paused_and_archived_gigs_are_not_shown():
    paused, archived = GigFactory(), GigFactory()
    GigFactory(title="open")
    pause_gig(actor=paused.freelancer, gig=paused)
    archive_gig(actor=archived.freelancer, gig=archived)
    assert titles() == ["open"]


def test_gigs_of_a_closed_account_are_not_shown():
    GigFactory(freelancer__is_active=False)
    assert titles() == []


def test_a_top_category_shows_what_lies_below_it():
    top = CategoryFactory(parent=None, slug="top")
    child = CategoryFactory(parent=top, slug="child")
    GigFactory(title="below", category=child)
    GigFactory(title="elsewhere")
    assert titles("category=top") == ["below"]
    assert titles("category=child") == ["below"]


def test_the_chips_lead_one_level_down_and_keep_the_other_filters():
    response = Client().get("/gigs/?category=design&delivery=3&page=2&price_max=")
    assert response.context["chips"][0] == {"label": "Logos and brands", "href": "?category=logos-and-brands&delivery=3"}
    assert response.context["query"] == "category=design&delivery=3"


def test_delivery_time_is_a_limit():
    GigFactory(title="slow", delivery_days=8)
    GigFactory(title="week", delivery_days=7)
    assert titles("delivery=7") == ["week"]


def test_prices_compare_within_the_chosen_currency_only():
    GigFactory(title="euro", price=Decimal(120), currency="EUR")
    GigFactory(title="dear euro", price=Decimal(500), currency="EUR")
    GigFactory(title="yen", price=Decimal(130), currency="JPY")
    assert titles("currency=EUR&price_min=100&price_max=200") == ["euro"]
    assert titles("currency=EUR&price_max=1.000,00&sort=cheapest") == ["euro", "dear euro"]
    assert titles("currency=EUR&sort=dearest") == ["dear euro", "euro"]


@pytest.mark.parametrize("query", ["price_min=100", "price_max=100", "sort=cheapest", "sort=dearest"])
def test_prices_without_a_currency_are_left_out_and_said_so(query: str):
    GigFactory(title="yen", price=Decimal(130), currency="JPY")
    GigFactory(title="euro", price=Decimal(120), currency="EUR")
    assert titles(query) == ["euro", "yen"]
    assert errors(query) == {"currency": ["Choose a currency: prices in different currencies are not compared."]}


def test_zero_is_no_limit():
    GigFactory(title="euro")
    assert titles("currency=EUR&price_min=0&price_max=0.00") == ["euro"]


def test_a_range_upside_down_is_said_so():
    assert errors("currency=EUR&price_min=9&price_max=5") == {"price_max": ["This is less than the price it starts from."]}


def test_sorting_by_rating_puts_unrated_gigs_last():
    GigFactory(title="unrated")
    good, best = GigFactory(title="good"), GigFactory(title="best")
    for gig, ratings in ((good, [5, 4]), (best, [5, 5])):
        for rating in ratings:
            record_rating(gig=gig, rating=rating)
    GigFactory(title="new and unrated")
    assert titles("sort=rated") == ["best", "good", "new and unrated", "unrated"]


def test_sorting_by_speed():
    GigFactory(title="slow", delivery_days=9), GigFactory(title="fast", delivery_days=1)
    assert titles("sort=fastest") == ["fast", "slow"]


@pytest.mark.parametrize(
    "query",
    [
        {"page": "abc"},
        {"page": "-1"},
        {"page": "9" * 5000},
        {"page": "1\x00"},
        {"page": "1.5"},
        {"sort": "price; drop table"},
        {"sort": "\x00"},
        {"category": "\x00"},
        {"category": "nothing-like-it"},
        {"category": "x" * 10_000},
        {"currency": "XXX", "price_min": "1"},
        {"currency": "EUR", "price_min": "NaN"},
        {"currency": "EUR", "price_min": "\x00"},
        {"currency": "EUR", "price_max": "1e999999"},
        {"currency": "EUR", "price_max": "9" * 60},
        {"currency": "EUR", "price_max": "-5"},
        {"delivery": "99999999999999999999"},
        {"delivery": "\u0663"},
        {"unknown": "x"},
    ],
)
def test_nonsense_in_the_address_never_breaks_the_page(query: dict[str, str]):
    GigFactory(title="still here")
    assert titles(query) == ["still here"]


def test_a_page_beyond_the_last_is_the_last():
    GigFactory.create_batch(26, freelancer=UserFactory())
    response = Client().get("/gigs/?page=999")
    assert response.context["page_obj"].number == 2
    assert len(response.context["page_obj"]) == 2


def test_pages_keep_the_filters_and_hold_24():
    GigFactory.create_batch(26, freelancer=UserFactory())
    response = Client().get("/gigs/?currency=EUR&sort=fastest&price_min=")
    assert len(response.context["page_obj"]) == 24
    assert "?currency=EUR&amp;sort=fastest&amp;page=2" in response.text


def test_counting_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paginator, "COUNT_LIMIT", 25)
    GigFactory.create_batch(27, freelancer=UserFactory())
    response = Client().get("/gigs/?page=40")
    assert "1,000+ gigs" in response.text
    assert (response.context["page_obj"].number, len(response.context["page_obj"])) == (2, 1)
    assert response.context["page_obj"].paginator.num_pages == 2


def test_the_query_count_does_not_grow_with_the_rows(sign_in, stranger, django_assert_max_num_queries):
    browser = sign_in(stranger)
    GigImageFactory(gig=GigFactory())
    browser.get("/gigs/")
    cache.clear()
    with django_assert_max_num_queries(6) as one:
        browser.get("/gigs/")
    for _ in range(29):
        gig = GigFactory()
        GigImageFactory.create_batch(2, gig=gig)
    cache.clear()
    with django_assert_max_num_queries(6) as many:
        response = browser.get("/gigs/")
    assert len(response.context["page_obj"]) == 24
    assert len(one) == len(many)


@pytest.mark.parametrize(("page", "number", "length"), [("1", 1, 24), ("2", 2, 6), ("3", 2, 6), ("0", 1, 24), ("-3", 1, 24)])
def test_pages_hold_what_they_should(page: str, number: int, length: int):
    GigFactory.create_batch(30, freelancer=UserFactory())
    page_obj = Client().get(f"/gigs/?page={page}&sort=rated").context["page_obj"]
    assert (page_obj.number, len(page_obj), page_obj.paginator.count, page_obj.paginator.num_pages) == (number, length, 30, 2)


def test_post_is_not_allowed():
    assert Client().post("/gigs/").status_code == 405


def test_the_seeded_shelf_has_two_levels():
    assert Category.objects.filter(parent__isnull=True).count() == 8
    assert not Category.objects.filter(parent__parent__isnull=False).exists()
    assert {4, 5, 6} == {top.children.count() for top in Category.objects.filter(parent__isnull=True)}
