"""Whose turn, until when, and what if nobody acts: for every situation, side and custody."""

import inspect
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders import clocks, next_steps
from orders.clocks import clocks_of
from orders.facts import OrderFacts
from orders.models import Order
from orders.next_step_words import DIRECT_WORDS, WORDS
from orders.next_steps import NextStep, next_step, situation
from orders.selectors.order_list import deadline, list_orders_for
from orders.selectors.orders import NEXT_STEP_ROWS, TABS
from orders.states import (
    ALLOWED_PAYMENT_STATUS,
    DIRECT_ONLY,
    FINAL,
    PLATFORM_ONLY,
    Custody,
    PaymentStatus,
    Role,
    Status,
)
from orders.tests.factories import order_in
from orders.tests.stories import STORIES, Cast, Story, declined, divided, in_part, judged

SIDES = (Role.CLIENT, Role.FREELANCER)
pytestmark = pytest.mark.once  # words; test_timeline takes every step on each database
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TOLD = [(story, custody) for story in STORIES for custody in story.custodies]
# Clocks that only remind of a later one, which is the deadline that the page shows.
BEFOREHAND = {"review_soon", "accept_soon", "due_soon", "approval_half", "approval_soon", "late"}
TOLD_IN_WORDS = {"hold_over"}  # nobody is awaited, so there is no deadline


@pytest.fixture
def cast(buyer: User, freelancer: User, moderator: User) -> Cast:
    return Cast(buyer, freelancer, moderator, Custody.PLATFORM)


def expected(story: Story, custody: Custody) -> tuple[tuple[str, str], tuple[str, str]]:
    """The pair of statuses and the keys, under this custody."""
    if custody == Custody.DIRECT:
        return story.direct_pair or story.pair, story.direct_keys or story.keys
    return story.pair, story.keys


@pytest.fixture(params=TOLD, ids=[f"{story.name}-{custody}" for story, custody in TOLD])
def told(request, cast: Cast):
    """The order of one story, with the clock standing where the story looks at it."""
    story, cast.custody = request.param
    with time_machine.travel(NOW, tick=False):
        order, when = story.tell(cast)
        with time_machine.travel(when or NOW, tick=False):
            yield story, Order.objects.select_related("client", "freelancer").get(pk=order.pk)


def test_each_situation_has_its_words_turn_deadline_and_consequence(told, django_assert_num_queries):
    """All of it on one telling: the stories are long."""
    story, order = told
    pair, keys = expected(story, Custody(order.custody))
    assert (order.status, order.payment_status) == pair
    assert tuple(situation(OrderFacts(order, side), side, timezone.now()) for side in SIDES) == keys
    prefetch_related_objects([order], *NEXT_STEP_ROWS)
    with django_assert_num_queries(0):
        steps = [next_step(order, side) for side in SIDES]
    for step in steps:
        check_words(step, order)
        check_deadline(step, order, story)
    check_turns(sorted(step.turn for step in steps), order)
    for step, side in zip(steps, ("buying", "selling"), strict=True):
        check_list(step, order, side)


def check_list(step: NextStep, order: Order, side: str) -> None:
    """The database, asked for a list, says the same of whose turn it is and until when."""
    person = order.client if side == "buying" else order.freelancer
    tab = next(tab for tab, statuses in TABS.items() if order.status in statuses)
    row = list_orders_for(person, side=side, tab=tab).annotate(until=deadline(timezone.now())).get()
    assert row.is_yours == (step.turn == "you")
    assert list_orders_for(person, side=side, tab="open").exists() == (tab == "open" or step.turn == "you")
    if step.deadline_at and not order.disputes.filter(state="under_review").exists():  # reminded of every day
        assert row.until == step.deadline_at


def check_words(step: NextStep, order: Order) -> None:
    words = f"{step.headline} {step.text} {step.if_nobody}"
    assert step.headline and step.text
    assert not re.search(r"%\(|None|\{", words), words
    if order.custody == Custody.DIRECT:
        assert not re.search(r"escrow|releas| fee\b", words.lower()), words
    if step.turn != "nobody":
        assert step.if_nobody
    if order.status not in FINAL:
        assert step.turn != "nobody"
        assert step.deadline_at is not None or may_take_their_time(step)
    if step.turn == "nobody":
        assert step.deadline_at is None  # a bare "until" says nothing: the words say until when what


def may_take_their_time(step: NextStep) -> bool:
    """Who may act and need not: the client of late work, and who has an offer while a moderator decides."""
    return step.headline == "The work is late: you can cancel now" or "the ruling is due" in step.if_nobody


def check_deadline(step: NextStep, order: Order, story: Story) -> None:
    """What the page shows is the instant of the clock that fires."""
    if story.clock and not may_take_their_time(step):
        assert step.deadline_at == {clock.name: clock.at for clock in clocks_of(order)}[story.clock]


def check_turns(turns: list[str], order: Order) -> None:
    allowed = [["them", "you"], ["platform", "platform"], ["nobody", "nobody"]]
    if order.payment_status == PaymentStatus.DISPUTED:
        # both write, both bring evidence; an offer is answered while the other side waits for a moderator
        allowed += [["you", "you"], ["platform", "you"], ["platform", "them"]]
    elif order.status == Status.IN_PROGRESS:
        allowed.append(["you", "you"])  # late: one delivers or the other cancels
    elif order.status in FINAL:
        allowed += [["nobody", "you"], ["nobody", "platform"]]  # the client's refund
    assert turns in allowed


def test_the_stories_reach_every_allowed_pair_under_both_custodies():
    reached = {(custody, expected(story, custody)[0]) for story, custody in TOLD}
    elsewhere = {Custody.PLATFORM: DIRECT_ONLY, Custody.DIRECT: PLATFORM_ONLY}
    assert reached == {
        (custody, (status, payment))
        for custody in Custody
        for status, payments in ALLOWED_PAYMENT_STATUS.items()
        for payment in payments - elsewhere[custody]
    }


def test_the_stories_reach_every_row_of_the_table():
    reached = {
        (key, side, custody) for story, custody in TOLD for key, side in zip(expected(story, custody)[1], SIDES, strict=True)
    }
    # A cancellation is proposed by either side and an answer is missing on either: the same words for both.
    both = re.compile(r"(my|their|statement of|evidence of) ")
    assert {(k, s) for k, s in WORDS if not both.match(k)} <= {(k, s) for k, s, _c in reached}
    assert {k for k, _s in WORDS} == {k for k, _s, _c in reached}
    assert {(k, s) for k, s in DIRECT_WORDS if not both.match(k)} <= {(k, s) for k, s, c in reached if c == Custody.DIRECT}
    assert set(DIRECT_WORDS) <= set(WORDS)


def test_every_clock_stands_in_a_row():
    names = set(re.findall(r'Clock\("(\w+)"', inspect.getsource(clocks)))
    assert names - BEFOREHAND - TOLD_IN_WORDS == {story.clock for story in STORIES} - {""}


def test_every_name_the_words_use_is_known():
    names = {*next_steps.NAMES, "client", "freelancer", "other"}
    for row in [*WORDS.values(), *DIRECT_WORDS.values()]:
        assert set(re.findall(r"%\((\w+)\)s", f"{row.headline}{row.text}{row.if_nobody}")) <= names


def test_amounts_and_instants_are_exact(cast: Cast):
    with time_machine.travel(NOW, tick=False), timezone.override("Africa/Nairobi"):
        step = next_step(in_part(cast), Role.CLIENT)
        assert step.headline == "Pay the missing 70.00\u00a0EUR, then hand in your proof"
        assert "50.00\u00a0EUR of 120.00\u00a0EUR has arrived" in step.text
        work = next_step(cast.order(Status.IN_PROGRESS), Role.CLIENT)
        assert "by Mon 9 Mar 2026, 12:30 EAT, you can cancel and get 120.00\u00a0EUR back" in work.if_nobody
        pay = next_step(cast.order(), Role.CLIENT)
        assert pay.headline == "Pay 120.00\u00a0EUR, then hand in your proof"
        assert pay.if_nobody == "The order expires by itself on Fri 6 Mar 2026, 12:30 EAT, and nothing is owed."


def test_a_division_is_told_with_the_fee(cast: Cast, settings):
    order = divided(cast)
    Order.objects.filter(pk=order.pk).update(escrow_fee_pct="10")
    order = Order.objects.get(pk=order.pk)
    assert next_step(order, Role.FREELANCER).headline == "This order is over: 45.00\u00a0EUR is yours"
    assert "That is 50.00\u00a0EUR less the fee" in next_step(order, Role.FREELANCER).text
    assert next_step(order, Role.CLIENT).headline == "Say where your refund of 70.00\u00a0EUR should go"


def test_a_ruling_names_both_parts_and_the_time_to_appeal(cast: Cast):
    with time_machine.travel(NOW, tick=False):
        order = judged(cast)
        step = next_step(order, Role.FREELANCER)
    assert "50.00\u00a0EUR to José, 70.00\u00a0EUR back to Amara" in step.text
    assert "until Thu 5 Mar 2026, 09:30 UTC" in step.text


def test_a_refund_under_direct_custody_is_the_freelancers_to_send(cast: Cast):
    cast.custody = Custody.DIRECT
    order = declined(cast)
    assert next_step(order, Role.FREELANCER).headline == "Send 120.00\u00a0EUR back to Amara"
    assert next_step(order, Role.CLIENT).headline == "José owes you 120.00\u00a0EUR"


def test_a_moderator_reads_the_clients_words(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    assert next_step(order, Role.MODERATOR) == next_step(order, Role.CLIENT)


def test_a_percent_sign_in_a_name_breaks_nothing(buyer: User):
    order = order_in(client=buyer, freelancer=UserFactory(full_name="Sam% 100%(right)s"))
    assert next_step(order, Role.FREELANCER).headline == "Waiting for Amara to pay"
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=order.freelancer)
    assert next_step(order, Role.CLIENT).headline == "Paid. Sam% can start now"


@pytest.mark.parametrize(("turn", "hours", "is_overdue"), [("you", -1, True), ("you", 1, False), ("nobody", -1, False)])
def test_a_step_is_overdue_while_somebody_is_awaited(turn: str, hours: int, is_overdue: bool):
    step = NextStep(turn, "", "", deadline_at=timezone.now() + timedelta(hours=hours), if_nobody="")
    assert step.is_overdue == is_overdue


def test_the_words_point_at_no_place_on_one_page():
    """They stand on the order's page, on that of its dispute and in lists."""
    rows = [*WORDS.values(), *DIRECT_WORDS.values()]
    assert [row.headline for row in rows if re.search(r"\b(below|above)\b", f"{row.headline} {row.text} {row.if_nobody}")] == []
