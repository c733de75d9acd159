"""The history in words: every step of every kind, with who, what and the way to it."""

import re
from datetime import UTC, datetime

import pytest
import time_machine

from accounts.models import User
from orders.models import Order, OrderEvent
from orders.states import Action, Custody, Status
from orders.tests.factories import order_in
from orders.tests.stories import (
    DEEDS,
    STORIES,
    Cast,
    auto_approved,
    divided,
    in_part,
    judged,
    met,
    offered,
    opened,
    reopened,
    settled,
    unanswered,
    unpaid,
    withdrawn,
)
from orders.tests.stories import extension as ask_extension
from orders.timeline import WORDS, timeline

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def cast(buyer: User, freelancer: User, moderator: User) -> Cast:
    return Cast(buyer, freelancer, moderator, Custody.PLATFORM)


def titles(order: Order, **options: bool) -> list[str]:
    return [entry["title"].replace("\u00a0", " ") for entry in timeline(order, **options)]


def test_every_action_has_words():
    assert {action for action, variant in WORDS if not variant} == set(Action)


@pytest.mark.parametrize("custody", Custody)
def test_every_step_that_was_taken_is_told_with_nothing_left_open(cast: Cast, custody: Custody):
    cast.custody = custody
    with time_machine.travel(NOW, tick=False):
        for story in STORIES:
            if custody in story.custodies:
                story.tell(cast)
        for deed, custodies in DEEDS:
            if custody in custodies:
                deed(cast)
    for order in Order.objects.all():
        for for_staff in (False, True):
            for entry in timeline(order, for_staff=for_staff):
                assert not re.search(r"%|None|  |: $|of $|to $", entry["title"]), entry["title"]
                assert entry["who"]
                assert entry["role"] in {"client", "freelancer", "moderator", ""}
                assert (entry["role"] == "") == (entry["who"] == "The clock")
                assert not entry["href"] or entry["link_label"]
    if custody == Custody.PLATFORM:
        taken = set(OrderEvent.objects.values_list("action", flat=True))
        assert taken == set(Action) - {Action.SIGN_PAYMENT, Action.CONFIRM_REFUND}


def test_a_payment_in_two_parts_tells_both(cast: Cast):
    assert titles(in_part(cast))[0] == "Part payment of 50.00 EUR confirmed, 70.00 EUR still due"


def test_a_cancellation_tells_both_parts(cast: Cast):
    told = titles(divided(cast))
    assert told[0] == "Cancelled together: 70.00 EUR back to the client, 50.00 EUR to the freelancer"
    assert told[1] == "Proposal to cancel: 70.00 EUR back to the client, 50.00 EUR to the freelancer"


def test_the_clock_is_named_as_who_acted(cast: Cast):
    approved = timeline(auto_approved(cast))[0]
    assert (approved["title"], approved["who"], approved["role"]) == (
        "Work approved by itself, as nobody decided in time",
        "The clock",
        "",
    )
    declined = timeline(unanswered(ask_extension(cast.order(Status.IN_PROGRESS), cast.freelancer)))[0]
    assert (declined["title"], declined["who"]) == ("Request declined, as nobody answered", "The clock")


def test_instants_stand_in_the_readers_zone(cast: Cast):
    with time_machine.travel(NOW, tick=False):
        order = ask_extension(cast.order(Status.IN_PROGRESS), cast.freelancer)
    assert titles(order)[0] == "More time asked for, until 11 Mar 2026, 09:30 UTC"


def test_a_dispute_is_told_from_its_reason_to_its_end(cast: Cast):
    assert titles(settled(cast))[:3] == [
        "Settlement accepted: 60.00 EUR to the freelancer",
        "Settlement offered: 60.00 EUR to the freelancer",
        "Dispute opened: The work is not what was agreed",
    ]
    assert titles(met(cast))[0] == "The offers met: 70.00 EUR to the freelancer"
    assert titles(withdrawn(cast))[0] == "Dispute withdrawn"
    assert titles(judged(cast))[:2] == [
        "Ruled: 50.00 EUR to the freelancer, 70.00 EUR back to the client",
        "Dispute taken by Ingrid Bø",
    ]
    cast.custody = Custody.DIRECT
    assert titles(unpaid(cast))[0] == "Ruled: nothing was paid"


def test_parties_are_led_to_the_case_and_moderators_to_the_desk(cast: Cast):
    order = opened(cast)
    assert timeline(order)[0]["href"] == f"/orders/{order.pk}/dispute/"
    assert timeline(order, for_staff=True)[0]["href"].startswith("/admin/orders/dispute/")


def test_offers_name_no_staff_and_a_moderators_note_is_for_staff(cast: Cast):
    order = reopened(cast)
    assert timeline(order)[0]["text"] == ""
    assert timeline(order, for_staff=True)[0]["text"] == "Line 7 of March."
    assert timeline(offered(opened(cast), cast.client, "10"))[0]["role"] == "client"


def test_a_proof_without_a_receipt_leads_nowhere(cast: Cast):
    assert timeline(reopened(cast))[0]["href"] == ""
    order = order_in(Status.PAYMENT_SUBMITTED, client=cast.client, freelancer=cast.freelancer)
    assert timeline(order)[0]["href"] == f"/orders/proofs/{order.proofs.get().pk}/receipt/"
