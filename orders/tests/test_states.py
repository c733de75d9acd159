"""The table of docs/orders.md against the code: every status × step × role × custody."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from messaging.models import Notification
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
@pytest.mark.parametrize("person", ["client", "freelancer", "stranger", "moderator"])
@pytest.mark.parametrize("action", [a for a in Action if a != Action.PLACE_ORDER])
@pytest.mark.parametrize("status", REACHABLE)
def test_every_status_step_role_and_custody_as_the_page_says(
    status: Status,
    action: Action,
    person: str,
    custody: Custody,
    people: dict[str, User],
    settings,
    django_capture_on_commit_callbacks,
    mailoutbox,
):
    order = order_in(status, client=people["client"], freelancer=people["freelancer"], custody=custody)
    if action == Action.SIGN_PAYMENT:
        settings.FOUR_EYES_OVER = {"EUR": "100"}
    _row, _step, source, target, who, payment = STEPS[action.value]
    if action == Action.SIGN_PAYMENT and custody == Custody.DIRECT:
        _row, _step, source, target, who, payment = STEPS[Action.CONFIRM_PAYMENT.value]
    allowed = status in source.split(", ") and bool(letters(person, custody) & set(who.split(", ")))
    before = trace(order)
    mailoutbox.clear()
    if not allowed:
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(ActionNotAllowed):
            take(action, order, people[person])
        assert trace(order) == before
        assert len(mailoutbox) == 0
        return
    with django_capture_on_commit_callbacks(execute=True):
        moved = take(action, order, people[person])
    after_platform, after_direct = payment.split(" / ")
    expected = after_platform if custody == Custody.PLATFORM else after_direct
    fresh = Order.objects.get(pk=moved.pk)
    assert fresh.status == target
    assert fresh.payment_status == (before["payment_status"] if expected == "=" else expected)
    assert fresh.version == before["version"] + 1
    event = fresh.events.last()
    assert (event.number, event.from_status, event.to_status, event.actor) == (fresh.version, status, target, people[person])
    assert event.role in who.split(", ")


def trace(order: Order) -> dict[str, object]:
    """All that a refused step must leave as it is."""
    fresh = Order.objects.get(pk=order.pk)
    columns = {f.attname: getattr(fresh, f.attname) for f in Order._meta.concrete_fields}
    rows = {name: getattr(fresh, name).count() for name in ("events", "proofs", "deliveries", "revision_requests")}
    return {**columns, **rows, "proof": list(fresh.proofs.values()), "told": Notification.objects.count()}


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("person", ["client", "freelancer", "stranger", "moderator"])
@pytest.mark.parametrize("status", REACHABLE)
def test_the_buttons_are_those_of_the_page(status: Status, person: str, custody: Custody, people: dict[str, User]):
    order = order_in(status, client=people["client"], freelancer=people["freelancer"], custody=custody)
    spent = order.revision_requests.count() >= order.revisions_included
    expected = {
        step
        for _row, step, source, _target, who, _payment in STEPS.values()
        if status in source.split(", ")
        and letters(person, custody) & set(who.split(", "))
        and step != Action.SIGN_PAYMENT
        and not (step == Action.REQUEST_REVISION and spent)
    }
    assert set(list_actions_for(people[person], order)) == expected


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
