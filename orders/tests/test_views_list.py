from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from orders.models import Order
from orders.services import lifecycle, settlements
from orders.states import Custody, Status
from orders.tests.disputing import disputed
from orders.tests.factories import PlatformMethodFactory, order_in, place_many

TABS = {"open": [Status.PENDING_PAYMENT, Status.IN_PROGRESS], "completed": [Status.COMPLETED], "cancelled": [Status.CANCELLED]}


@pytest.fixture
def orders(buyer, freelancer) -> list[Order]:
    return [order_in(status, client=buyer, freelancer=freelancer) for statuses in TABS.values() for status in statuses]


def shown(response) -> list[str]:
    return [row["order"].status for row in rows_of(response)]


def rows_of(response) -> list[dict]:
    return [row for group in response.context["groups"] for row in group["rows"]]


def headings(response) -> list[tuple[str, list[Order]]]:
    return [(group["heading"], [row["order"] for row in group["rows"]]) for group in response.context["groups"]]


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_holds_its_orders_ones_own_turn_first_with_counts(orders, buyer, freelancer, sign_in, tab):
    for user, side in ((buyer, "buying"), (freelancer, "selling")):
        response = sign_in(user).get("/orders/", {"side": side, "tab": tab})
        assert shown(response) == (TABS[tab] if side == "buying" else TABS[tab][::-1])  # buyers pay, freelancers work
        assert [(item["label"], item["count"]) for item in response.context["tabs"]] == [
            ("Open", "2 · 1 your turn"),
            ("Completed", "1"),
            ("Cancelled", "1"),
        ]
        assert [(item["label"], item["yours"], item["current"]) for item in response.context["sides"]] == [
            ("Buying", 1 if side == "buying" else 0, side == "buying"),
            ("Selling", 1 if side == "selling" else 0, side == "selling"),
        ]


def test_an_order_that_waits_for_me_is_never_hidden_in_another_tab(orders, buyer, freelancer, sign_in):
    """A refund asks where it should go after the order is over: it stands first where one lands, and in its own tab."""
    paid = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    over = lifecycle.decline(actor=freelancer, order_id=paid.pk, seen=paid.version)
    browser = sign_in(buyer)
    landed = browser.get("/orders/")

    assert headings(landed) == [("Your turn", [orders[0], over]), ("Waiting for others", [orders[1]])]
    assert [item["count"] for item in landed.context["tabs"]] == ["3 · 2 your turn", "1", "2 · 1 your turn"]
    assert headings(browser.get("/orders/?tab=cancelled")) == [("", [over, orders[3]])]
    assert over not in dict(headings(sign_in(freelancer).get("/orders/")))["Your turn"]


def test_what_waits_for_me_stands_by_deadline(buyer, freelancer, sign_in):
    later, sooner = (order_in(client=buyer, freelancer=freelancer) for _ in range(2))
    checked = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    for order, hours in ((later, 60), (sooner, 5)):
        Order.objects.filter(pk=order.pk).update(pay_by=timezone.now() + timedelta(hours=hours))
    Order.objects.filter(pk=checked.pk).update(auto_approve_at=timezone.now() + timedelta(hours=30))

    assert headings(sign_in(buyer).get("/orders/")) == [("Your turn", [sooner, checked, later])]


def test_late_work_is_the_clients_turn_too(buyer, freelancer, sign_in):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    turns = []
    for hours in (23, 25):
        Order.objects.update(due_at=timezone.now() - timedelta(hours=hours))
        turns.append([headings(sign_in(user).get("/orders/"))[0] for user in (buyer, freelancer)])

    assert turns == [[("Waiting for others", [order]), ("Your turn", [order])], [("Your turn", [order])] * 2]


def test_each_row_says_whose_turn_it_is(orders, buyer, freelancer, sign_in):
    turns = [[row["next"].turn for row in rows_of(sign_in(user).get("/orders/"))] for user in (buyer, freelancer)]

    assert turns == [["you", "them"], ["you", "them"]]


def test_a_row_names_the_order_the_other_person_the_amount_and_the_time(orders, buyer, sign_in):
    page = sign_in(buyer).get("/orders/").content.decode()

    order, turn = orders[0], "Pay 120.00\xa0EUR, then hand in your proof"
    for words in (order.gig_title, "José Ñíguez", "120.00\xa0EUR", turn, order.payment_reference):
        assert words in page
    assert f'datetime="{orders[0].pay_by:%Y-%m-%dT%H:%M:%S}' in page


def test_one_lands_where_more_waits_for_one(orders, freelancer, stranger, sign_in):
    """A freelancer who also buys a little: the orders to work on do not wait behind the other side."""
    for _ in range(2):
        order_in(Status.PAYMENT_SUBMITTED, client=freelancer, freelancer=stranger)
    assert sign_in(freelancer).get("/orders/").context["side"] == "selling"
    for _ in range(2):
        order_in(client=freelancer, freelancer=stranger)
    assert sign_in(freelancer).get("/orders/").context["side"] == "buying"


def test_someone_who_only_sells_lands_on_selling(orders, freelancer, buyer, stranger, sign_in):
    sides = [sign_in(user).get("/orders/").context["side"] for user in (freelancer, buyer, stranger)]

    assert sides == ["selling", "buying", "buying"]


@pytest.mark.parametrize(
    "query", ["side=x&tab=x&page=x", "side=&tab=&page=", "page=-1", "page=999999999999", "side=%00", "tab[]=open"]
)
def test_unknown_sides_tabs_and_pages_fall_back(orders, buyer, sign_in, query):
    response = sign_in(buyer).get(f"/orders/?{query}")

    assert (response.status_code, response.context["side"], response.context["tab"]) == (200, "buying", "open")
    assert shown(response) == TABS["open"]


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
            order_in(client=UserFactory(), freelancer=freelancer, custody=Custody.DIRECT)
        Order.objects.update(client=buyer)  # more than they may place without paying
        with CaptureQueriesContext(connection) as queries:
            response = browser.get("/orders/")
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert (len(rows_of(response)), response.context["page_obj"].paginator.count) == (24, 30)


def test_cases_offers_and_refunds_cost_no_more_queries_when_there_are_more(buyer, freelancer, moderator, sign_in):
    browser, counts = sign_in(buyer), []
    for number in (1, 1, 5):
        for _ in range(number):
            order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
            lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version)
            order = disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)
            wishes = {"seen": order.version, "freelancer_amount": Decimal(80)}
            settlements.offer_settlement(actor=freelancer, order_id=order.pk, **wishes)
        with CaptureQueriesContext(connection) as queries:
            response = browser.get("/orders/")
        counts.append(len(queries))

    assert counts[1] == counts[2]
    assert len(rows_of(response)) == 14 and {row["next"].turn for row in rows_of(response)} == {"you"}


def test_the_second_page_keeps_side_and_tab(buyer, freelancer, sign_in):
    place_many(25, buyer, GigFactory(freelancer=freelancer), PlatformMethodFactory())
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
