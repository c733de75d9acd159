"""The table of docs/orders.md against the code: every status × step × role × custody."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.tests.factories import UserFactory
from messaging.models import Notification, OutgoingMail
from orders.exceptions import ActionNotAllowed
from orders.models import Order
from orders.selectors import list_actions_for
from orders.services import lifecycle, payments
from orders.states import ALLOWED_PAYMENT_STATUS, TRANSITIONS, Action, Custody, PaymentStatus, Role, Status
from orders.tests.factories import REACHABLE, deliver, hand_in_proof, order_in

PAGE = Path(settings.BASE_DIR, "docs/orders.md").read_text()


def table(header: str) -> list[list[str]]:
    rows = PAGE.split(header, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


STEPS = {row[1]: row for row in table("| row | step | from | to | who | payment_status PLATFORM / DIRECT |")}


def test_the_page_and_the_code_have_the_same_steps():
    written = {
        (int(row), step, frozenset(source.split(", ")), target, frozenset(who.split(", ")), payment)
        for row, step, source, target, who, payment in STEPS.values()
    }
    coded = {
        (
            t.row,
            t.action.value,
            frozenset(t.sources),
            t.target.value,
            frozenset(t.roles),
            " / ".join((t.payment or {}).get(custody, "=") for custody in Custody),
        )
        for t in TRANSITIONS
    }
    assert coded == written


def test_the_page_and_the_code_allow_the_same_pairs():
    written = {row[0]: frozenset(row[1].split(", ")) for row in table("| status | allowed payment_status |")}
    assert {status.value: frozenset(allowed) for status, allowed in ALLOWED_PAYMENT_STATUS.items()} == written


def test_the_page_explains_the_guard_of_every_step():
    assert {row[0] for row in table("| step | guard | effect and clock |")} == {action.value for action in Action}


def take(action: Action, order: Order, actor: User) -> Order:
    step = {"actor": actor, "order_id": order.pk, "seen": order.version}
    match action:
        case Action.SUBMIT_PAYMENT:
            order.client = actor
            return hand_in_proof(order)
        case Action.CONFIRM_PAYMENT | Action.SIGN_PAYMENT:
            return payments.confirm_payment(**step, received_amount=order.expected_amount)
        case Action.REJECT_PAYMENT:
            return payments.reject_payment(**step, reason="not_found", note="It has not arrived.")
        case Action.SUBMIT_WORK:
            order.freelancer = actor
            return deliver(order)
        case Action.REQUEST_REVISION:
            return lifecycle.request_revision(**step, items=["Rounder, please."])
        case _:
            return getattr(lifecycle, action.value)(**step)


@pytest.fixture
def people(buyer: User, freelancer: User, stranger: User, moderator: User) -> dict[str, User]:
    return {"client": buyer, "freelancer": freelancer, "stranger": stranger, "moderator": moderator}


def letters(person: str, custody: Custody) -> set[str]:
    """The roles of docs/orders.md this person has, in the page's letters."""
    return {
        "client": {"C"},
        "freelancer": {"F", "V"} if custody == Custody.DIRECT else {"F"},
        "moderator": {"V"},
        "stranger": set(),
    }[person]


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("status", REACHABLE)
def test_every_status_step_role_and_custody_as_the_page_says(status: Status, custody: Custody, people: dict[str, User], settings):
    order = order_in(status, client=people["client"], freelancer=people["freelancer"], custody=custody)
    wrong = []
    for action in STEPS:
        settings.FOUR_EYES_OVER = {"EUR": "100"} if action == Action.SIGN_PAYMENT else {}
        wrong += [
            f"{action} by {person}: {line}" for person in people for line in differences(order, Action(action), people, person)
        ]
    assert not wrong, "\n".join(wrong)


def differences(order: Order, action: Action, people: dict[str, User], person: str) -> list[str]:
    """Take the step, compare all that came of it with the page, and take it back."""
    before = trace(order)
    row = STEPS[Action.CONFIRM_PAYMENT if action == Action.SIGN_PAYMENT and order.custody == Custody.DIRECT else action]
    _row, _step, source, target, who, payment = row
    allowed = order.status in source.split(", ") and bool(letters(person, Custody(order.custody)) & set(who.split(", ")))
    with transaction.atomic():
        try:
            take(action, Order.objects.get(pk=order.pk), people[person])
            done = True
        except ActionNotAllowed:
            done = False
        after = trace(order)
        event = order.events.latest("number")
        transaction.set_rollback(True)
    if not allowed:
        return [f"was taken: {after}"] if done else [] if after == before else [f"was refused but left {after}"]
    stays = before["payment_status"]
    paid = payment.split(" / ")[list(Custody).index(Custody(order.custody))]
    seen = (done, after["status"], after["payment_status"], after["version"], event.number, event.from_status, event.to_status)
    version = order.version + 1
    due = (True, target, stays if paid == "=" else paid, version, version, order.status, target)
    found = [] if seen == due else [f"expected {due}, saw {seen}"]
    return (
        found
        if event.actor == people[person] and event.role in who.split(", ")
        else [*found, f"told of {event.actor}, {event.role}"]
    )


def trace(order: Order) -> dict[str, object]:
    """All that a refused step must leave as it is."""
    fresh = Order.objects.get(pk=order.pk)
    columns = {f.attname: getattr(fresh, f.attname) for f in Order._meta.concrete_fields}
    rows = {name: getattr(fresh, name).count() for name in ("events", "proofs", "deliveries", "revision_requests")}
    return {
        **columns,
        **rows,
        "proof": list(fresh.proofs.values()),
        "told": Notification.objects.count(),
        "mail": OutgoingMail.objects.count(),
    }


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("status", REACHABLE)
def test_the_buttons_are_those_of_the_page(status: Status, custody: Custody, people: dict[str, User]):
    order = order_in(status, client=people["client"], freelancer=people["freelancer"], custody=custody)
    spent = {Action.REQUEST_REVISION} if order.revision_requests.count() >= order.revisions_included else set()
    written = {
        person: {
            step
            for _row, step, source, _target, who, _payment in STEPS.values()
            if status in source.split(", ") and letters(person, custody) & set(who.split(", "))
        }
        - {Action.SIGN_PAYMENT}
        - spent
        for person in people
    }
    assert {person: set(list_actions_for(user, order)) for person, user in people.items()} == written


@pytest.mark.django_db
def test_a_moderator_who_is_a_party_never_verifies(moderator: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=moderator, freelancer=freelancer, verifier=UserFactory())
    with pytest.raises(ActionNotAllowed):
        payments.confirm_payment(actor=moderator, order_id=order.pk, seen=order.version, received_amount=order.expected_amount)
    assert Order.objects.get(pk=order.pk).payment_status == PaymentStatus.AWAIT_DEPOSIT


def test_the_roles_of_the_page_are_those_of_the_code():
    assert set(re.findall(r"\b([CFV]) (?:client|freelancer|verifier)", PAGE)) == {
        Role.CLIENT,
        Role.FREELANCER,
        Role.VERIFIER,
    }
