"""The tables of docs/orders.md against the code: every status, step, role and custody."""

import itertools
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from messaging.models import Notification, OutgoingMail
from orders import clocks
from orders.exceptions import ActionNotAllowed
from orders.models import Dispute, LedgerTransfer, Order
from orders.selectors import list_actions_for
from orders.services import payments
from orders.services.change import Detail, change_order_status
from orders.states import (
    ALLOWED_PAYMENT_STATUS,
    DIRECT_ONLY,
    PLATFORM_ONLY,
    TRANSITIONS,
    Action,
    Custody,
    PaymentStatus,
    Role,
    Status,
    sources_of,
)
from orders.tests.factories import order_in
from orders.tests.situations import PAIRS, order_as

PAGE = Path(settings.BASE_DIR, "docs/orders.md").read_text()
CLOCK = "clock"


def table(header: str) -> list[list[str]]:
    rows = PAGE.split(header, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def words(cell: str) -> frozenset[str]:
    return frozenset() if cell in ("=", "–") else frozenset(cell.split(", "))


@dataclass(frozen=True)
class Row:
    """One row of the page's table of steps; empty sets mean that the status stays, or that nothing is needed."""

    number: int
    step: str
    sources: frozenset[str]
    targets: frozenset[str]
    who: frozenset[str]
    money: frozenset[str]
    custodies: frozenset[str]
    payment: tuple[frozenset[str], ...]

    @classmethod
    def read(cls, cells: list[str]) -> "Row":
        number, step, sources, targets, who, needs, payment = cells
        custodies = words(needs) & frozenset(Custody)
        platform, direct = payment.split(" / ")
        return cls(
            *(int(number), step, words(sources), words(targets), words(who), words(needs) - custodies),
            *(custodies or frozenset(Custody), (words(platform), words(direct))),
        )

    def fits(self, order: Order) -> bool:
        return (
            order.status in self.sources
            and order.custody in self.custodies
            and (not self.money or order.payment_status in self.money)
        )

    def ends(self, order: Order) -> set[tuple[str, str]]:
        """The pairs it may lead to, of those the database allows under this custody."""
        payments_named = self.payment[list(Custody).index(Custody(order.custody))]
        wrong = DIRECT_ONLY if order.custody == Custody.PLATFORM else PLATFORM_ONLY
        pairs = itertools.product(self.targets or {order.status}, (payments_named or {order.payment_status}) - wrong)
        return {(status, payment) for status, payment in pairs if payment in ALLOWED_PAYMENT_STATUS[Status(status)]}


STEPS = [Row.read(cells) for cells in table("| row | step | from | to | who | needs | payment_status PLATFORM / DIRECT |")]


def test_the_page_and_the_code_have_the_same_steps():
    coded = [
        Row(
            *(t.row, t.action.value, frozenset(t.sources), frozenset(t.targets), frozenset(t.roles)),
            frozenset() if t.money == frozenset(PaymentStatus) else frozenset(t.money),
            frozenset(t.custodies),
            tuple(frozenset(t.payment.get(custody, frozenset())) for custody in Custody),
        )
        for t in TRANSITIONS
    ]
    assert coded == STEPS


def test_the_page_and_the_code_allow_the_same_pairs():
    written = {row[0]: words(row[1]) for row in table("| status | allowed payment_status |")}
    assert {status.value: frozenset(allowed) for status, allowed in ALLOWED_PAYMENT_STATUS.items()} == written


def test_the_page_explains_the_guard_of_every_step():
    assert {row[0] for row in table("| step | guard | effect and clock |")} == {action.value for action in Action}


def test_a_step_starts_where_any_of_its_rows_does():
    assert sources_of(Action.GRANT_PAUSE) == {Status.IN_PROGRESS}
    assert sources_of(Action.OPEN_DISPUTE) == {
        Status.PAYMENT_SUBMITTED, Status.IN_PROGRESS, Status.SUBMITTED, Status.REVISION_REQUESTED,
    }  # fmt: skip


def test_the_page_names_every_clock():
    coded = set(re.findall(r'Clock\("(\w+)"', Path(clocks.__file__).read_text()))
    assert {row[0] for row in table("| clock | when | what it does |")} == coded


def test_the_roles_of_the_page_are_those_of_the_code():
    found = re.search(r"Roles: (.*?)\. ", PAGE)
    assert found
    letters = {Role(part.split()[0]): part.split()[1] for part in found[1].split(" · ")}
    assert letters == {role: role.name.lower() for role in Role}


@pytest.fixture
def people(buyer: User, freelancer: User, stranger: User, moderator: User) -> dict[str, User | None]:
    return {"client": buyer, "freelancer": freelancer, "stranger": stranger, "moderator": moderator, CLOCK: None}


def letters(person: str, custody: str) -> set[str]:
    """The roles of docs/orders.md this person has, in the page's letters."""
    return {
        "client": {"C"},
        "freelancer": {"F", "V"} if custody == Custody.DIRECT else {"F"},
        "moderator": {"V", "M"},
        "stranger": set(),
        CLOCK: {"T"},
    }[person]


@pytest.fixture
def order(request: pytest.FixtureRequest, buyer: User, freelancer: User) -> Order:
    return order_as(*request.param, client=buyer, freelancer=freelancer)


every_pair = pytest.mark.parametrize("order", PAIRS, ids=lambda pair: "-".join(pair), indirect=True)


@pytest.mark.once  # what the database adds, locks and constraints, is in the races and in test_models
@every_pair
def test_every_status_step_role_and_custody_as_the_page_says(order: Order, people: dict[str, User | None]):
    before = footprint(order)
    wrong = []
    for action in set(Action) - {Action.PLACE_ORDER}:
        for person, user in people.items():
            wrong += [f"{action} by {person}: {line}" for line in differences(order, action, person, user)]
        if (left := footprint(order)) != before:
            wrong.append(f"{action} was refused but left {left}")
    assert not wrong, "\n".join(wrong)


def differences(order: Order, action: Action, person: str, user: User | None) -> list[str]:
    """Try the step to every end there is, compare what came of it with the page, and take it back; a refusal has left nothing."""
    rows = [row for row in STEPS if row.step == action and row.fits(order) and letters(person, order.custody) & row.who]
    if not rows:
        return refusal(order, action, user)
    (row,) = rows
    found = []
    for status, payment in row.ends(order):
        with transaction.atomic():
            after = take(order, action, user, Status(status), PaymentStatus(payment))
            event = after.events.latest("number")
            transaction.set_rollback(True)
        saw = (after.status, after.payment_status, after.version, event.number, event.from_status, event.to_status, event.actor)
        version = order.version + 1
        due = (status, payment, version, version, order.status, status, user)
        found += [] if saw == due and event.role in row.who else [f"expected {due}, saw {saw} as {event.role}"]
    return found


def refusal(order: Order, action: Action, user: User | None) -> list[str]:
    with transaction.atomic():
        try:
            after = take(order, action, user, None, None)
        except ActionNotAllowed:
            return []
        transaction.set_rollback(True)
    return [f"was taken: {after.status}, {after.payment_status}"]


def footprint(order: Order) -> object:
    """What the machine itself writes; the rows of the effects are theirs, and no effect runs when the table says no."""
    return Order.objects.values().get(pk=order.pk), order.events.count(), Notification.objects.count()


def take(order: Order, action: Action, user: User | None, status: Status | None, payment: PaymentStatus | None) -> Order:
    def effect(locked: Order, now: datetime) -> Detail:
        if action in TOLD_OF_A_CASE and not locked.disputes.exists():
            Dispute.objects.create(
                order=locked,
                number=9,
                opened_by=locked.client,
                reason="other",
                state="awaiting_response",
                status_before=locked.status,
                payment_status_before=locked.payment_status,
                opened_at=now,
                answer_by=now,
            )
        return Detail(status=status, payment_status=payment, proof=locked.proofs.last())

    return change_order_status(order_id=order.pk, action=action, actor=user, seen=order.version, effect=effect)


TOLD_OF_A_CASE = {Action.OPEN_DISPUTE, Action.DISPUTE_COMPLETED, Action.APPEAL}  # staff are led to it, so there must be one


def trace(order: Order) -> dict[str, object]:
    """All that a refused step must leave as it is."""
    fresh = Order.objects.get(pk=order.pk)
    columns = {f.attname: getattr(fresh, f.attname) for f in Order._meta.concrete_fields}
    rows = (
        *("events", "proofs", "deliveries", "revision_requests", "proposals", "disputes", "disbursements", "transfers"),
        *("reminders", "ledger_accounts"),
    )
    return {
        **columns,
        **{name: getattr(fresh, name).count() for name in rows},
        "proof": list(fresh.proofs.values()),
        "ledger": LedgerTransfer.objects.count(),
        "told": Notification.objects.count(),
        "mail": OutgoingMail.objects.count(),
    }


@every_pair
def test_the_buttons_are_among_those_of_the_page(order: Order, people: dict[str, User | None]):
    """A button that shows is always in the table; one of the table may hide where its guard says no already."""
    for person, user in people.items():
        if user:
            written = {row.step for row in STEPS if row.fits(order) and letters(person, order.custody) & row.who}
            shown = set(list_actions_for(user, order))
            assert shown <= written
            assert written - shown <= GUARDED


GUARDED = {
    *(Action.SIGN_PAYMENT, Action.ATTACH_RECEIPT, Action.CANCEL, Action.CANCEL_PARTIAL),
    *(Action.REQUEST_REVISION, Action.DECLINE, Action.CANCEL_LATE),
}


@pytest.mark.django_db
def test_a_moderator_who_is_a_party_never_verifies(moderator: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=moderator, freelancer=freelancer, verifier=UserFactory())
    with pytest.raises(ActionNotAllowed):
        payments.confirm_payment(actor=moderator, order_id=order.pk, seen=order.version, received_amount=order.expected_amount)
    assert Order.objects.get(pk=order.pk).payment_status == PaymentStatus.AWAIT_DEPOSIT


@pytest.mark.django_db
def test_a_step_never_leads_where_its_row_does_not(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    before = trace(order)
    with pytest.raises(ValueError, match="does not lead to"), transaction.atomic():
        take(order, Action.APPROVE, buyer, Status.CANCELLED, PaymentStatus.REFUNDED)
    assert trace(order) == before
    assert order.created_at < timezone.now()
