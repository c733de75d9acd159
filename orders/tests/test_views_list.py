from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Order
from orders.states import Custody, Status
from orders.tests.factories import order_in

TABS = {"open": [Status.PENDING_PAYMENT, Status.IN_PROGRESS], "completed": [Status.COMPLETED], "cancelled": [Status.CANCELLED]}


@pytest.fixture
def orders(buyer, freelancer) -> list[Order]:
    return [order_in(status, client=buyer, freelancer=freelancer) for statuses in TABS.values() for status in statuses]


def shown(response) -> list[str]:
    return [row["order"].status for row in response.context["rows"]]


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_holds_its_orders_newest_first_with_counts(orders, buyer, freelancer, sign_in, tab):
    for user, side in ((buyer, "buying"), (freelancer, "selling")):
        response = sign_in(user).get("/orders/", {"side": side, "tab": tab})
        assert shown(response) == TABS[tab][::-1]
        assert [(item["label"], item["count"]) for item in response.context["tabs"]] == [
            ("Open", 2),
            ("Completed", 1),
            ("Cancelled", 1),
        ]
        assert [(item["label"], item["count"], item["current"]) for item in response.context["sides"]] == [
            ("Buying", 2 if side == "buying" else 0, side == "buying"),
            ("Selling", 2 if side == "selling" else 0, side == "selling"),
        ]


def test_each_row_says_whose_turn_it_is(orders, buyer, freelancer, sign_in):
    turns = [[row["next"].turn for row in sign_in(user).get("/orders/").context["rows"]] for user in (buyer, freelancer)]

    assert turns == [["them", "you"], ["you", "them"]]


def test_a_row_names_the_order_the_other_person_the_amount_and_the_time(orders, buyer, sign_in):
    page = sign_in(buyer).get("/orders/").content.decode()

    order, turn = orders[0], "Pay 120.00\xa0EUR, then hand in your proof"
    for words in (order.gig_title, "José Ñíguez", "120.00\xa0EUR", turn, order.payment_reference):
        assert words in page
    assert f'datetime="{orders[0].pay_by:%Y-%m-%dT%H:%M:%S}' in page


def test_someone_who_only_sells_lands_on_selling(orders, freelancer, buyer, stranger, sign_in):
    sides = [sign_in(user).get("/orders/").context["side"] for user in (freelancer, buyer, stranger)]

    assert sides == ["selling", "buying", "buying"]


@pytest.mark.parametrize(
    "query", ["side=x&tab=x&page=x", "side=&tab=&page=", "page=-1", "page=999999999999", "side=%00", "tab[]=open"]
)
def test_unknown_sides_tabs_and_pages_fall_back(orders, buyer, sign_in, query):
    response = sign_in(buyer).get(f"/orders/?{query}")

    assert (response.status_code, response.context["side"], response.context["tab"]) == (200, "buying", "open")
    assert shown(response) == TABS["open"][::-1]


def test_other_peoples_orders_are_never_listed(orders, stranger, moderator, sign_in):
    for user in (stranger, moderator):
        for side in ("buying", "selling"):
            assert shown(sign_in(user).get("/orders/", {"side": side})) == []


@pytest.mark.parametrize(
    ("side", "tab", "words", "link"),
    [
        ("buying", "open", "You have no open orders", "/gigs/"),
        ("selling", "open", "Nobody is waiting for your work", "/gigs/new/"),
        ("buying", "completed", "Nothing is completed yet", None),
        ("selling", "cancelled", "Nothing was cancelled", None),
    ],
)
def test_an_empty_list_says_what_to_do(stranger, sign_in, side, tab, words, link):
    page = sign_in(stranger).get("/orders/", {"side": side, "tab": tab}).content.decode()

    assert words in page
    assert link is None or f'button--m" href="{link}"' in page


def test_the_list_costs_the_same_at_1_and_at_30_orders(buyer, freelancer, sign_in):
    browser, counts = sign_in(buyer), []
    order_in(client=buyer, freelancer=freelancer)
    browser.get("/orders/")
    for number in (0, 29):
        for _ in range(number):
            order_in(client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
        with CaptureQueriesContext(connection) as queries:
            response = browser.get("/orders/")
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert (len(response.context["rows"]), response.context["page_obj"].paginator.count) == (24, 30)


def test_the_second_page_keeps_side_and_tab(buyer, freelancer, sign_in):
    for _ in range(25):
        order_in(client=buyer, freelancer=freelancer)
    browser = sign_in(buyer)

    assert 'href="?side=buying&amp;tab=open&amp;page=2"' in browser.get("/orders/").content.decode()
    assert len(shown(browser.get("/orders/?side=buying&tab=open&page=2"))) == 1


def test_a_time_that_is_over_is_told_in_the_past(orders, buyer, sign_in):
    Order.objects.update(pay_by=timezone.now() - timedelta(hours=27))  # and its grace of a day

    page = sign_in(buyer).get("/orders/").content.decode()

    assert "Was due" in page
    assert "3\xa0hours ago" in page


def test_anonymous_visitors_sign_in_and_nothing_can_be_posted(client, buyer, sign_in):
    assert client.get("/orders/").url == "/accounts/login/?next=/orders/"
    assert sign_in(buyer).post("/orders/").status_code == 405
