"""Every step of the API by everyone: by whose it is, again, too late, in a wrong state, by the other side, by strangers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.tests.api import bearer
from accounts.tests.factories import UserFactory, a_moderator
from orders.models import Order
from orders.states import Custody, Role, Status
from orders.tests.factories import order_in
from orders.tests.programs import a_proof, read, step
from orders.tests.proposing import asked_for_a_pause, asked_for_time, asked_to_cancel, over, paid_in_part, paused
from orders.tests.test_api_steps import Taken, fresh

pytestmark = pytest.mark.django_db
P, D = Custody.PLATFORM, Custody.DIRECT
C, F, V = Role.CLIENT, Role.FREELANCER, Role.VERIFIER
WORDS = {"note": "Not today."}
DUE = [
    Taken("submit-payment", C, Status.PENDING_PAYMENT, a_proof(), never=F),
    Taken("confirm-payment", F, Status.PAYMENT_SUBMITTED, {"amount": "120.00"}, never=C, custody=D),
    Taken("reject-payment", F, Status.PAYMENT_SUBMITTED, {"reason": "not_found", **WORDS}, never=C, custody=D),
    Taken("record-partial", V, Status.PAYMENT_SUBMITTED, {"amount": "50.00"}, never=F),
    Taken("cancel", F, Status.PENDING_PAYMENT, WORDS),
    Taken("cancel-partial", C, Status.PAYMENT_SUBMITTED, WORDS, ready=paid_in_part),
    Taken("start", F, Status.PAYMENT_CONFIRMED, never=C),
    Taken("decline", F, Status.PAYMENT_CONFIRMED, WORDS),
    Taken("submit-work", F, Status.IN_PROGRESS, {"note": "Here.", "links": ["https://example.com"]}, never=C),
    Taken("approve", C, Status.SUBMITTED, never=F),
    Taken("revision", C, Status.SUBMITTED, {"items": ["Rounder."]}, never=F),
    Taken("cancel-late", C, Status.IN_PROGRESS, WORDS, never=F, ready=over("due_at")),
    Taken("extend", C, Status.IN_PROGRESS, {"days": 3, "reason": "Take your time."}),
    Taken("accept-extension", C, Status.IN_PROGRESS, ready=asked_for_time),
    Taken("pause", F, Status.IN_PROGRESS, {"question": "Which?", "days": 3}, never=C),
    Taken("grant-pause", C, Status.IN_PROGRESS, {"answer": "This."}, never=F, ready=asked_for_a_pause),
    Taken("resume", F, Status.IN_PROGRESS, ready=paused),
    Taken("propose-cancellation", F, Status.IN_PROGRESS, {"freelancer_amount": "0", "reason": "It does not fit."}),
    Taken("accept-cancellation", F, Status.IN_PROGRESS, ready=asked_to_cancel),
    Taken("decline-proposal", F, Status.IN_PROGRESS, {"answer": "No."}, ready=asked_to_cancel),
    Taken("withdraw-proposal", C, Status.IN_PROGRESS, ready=asked_to_cancel),
]
each_step = pytest.mark.parametrize("taken", DUE, ids=lambda taken: taken.name, scope="module")


@dataclass(frozen=True)
class World:
    people: dict[Role, User]
    stranger: User
    order: Order  # on which the step is due
    cancelled: Order


@pytest.fixture(scope="module")
def made(taken: Taken, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once for all the tests of the step: each finds it as made."""
    with django_db_blocker.unblock(), transaction.atomic():
        people = {C: UserFactory(), F: UserFactory(), V: a_moderator()}
        sides = {"client": people[C], "freelancer": people[F], "custody": taken.custody}
        order = order_in(taken.status, **sides, verifier=people[V] if taken.custody == P else None)
        cancelled = order_in(Status.CANCELLED, **sides)
        yield World(people, UserFactory(), taken.ready(order) if taken.ready else order, cancelled)
        transaction.set_rollback(True)


@pytest.fixture
def world(made: World, db: None) -> World:
    """The savepoint of `db` undoes what the test does to it."""
    people = {role: User.objects.get(pk=person.pk) for role, person in made.people.items()}
    return replace(made, people=people, order=fresh(made.order), cancelled=fresh(made.cancelled))


@each_step
def test_a_step_is_taken_by_whose_it_is(taken: Taken, world: World):
    order = world.order
    answer = step(bearer(world.people[taken.by]), order, taken.name, **taken.body, version=order.version)
    assert (answer.status_code, answer.json()["version"]) == (200, order.version + 1)
    assert answer.json() == read(bearer(world.people[taken.by]), order).json()


@each_step
def test_the_same_step_of_the_same_version_again_changes_nothing(taken: Taken, world: World):
    order, program = world.order, bearer(world.people[taken.by])
    first = step(program, order, taken.name, **taken.body, version=order.version)
    second = step(program, order, taken.name, **taken.body, version=order.version)
    assert (second.status_code, second.json()["version"]) == (200, order.version + 1)
    assert second.json()["status"] == first.json()["status"]
    assert fresh(order).events.count() == order.version + 1


@each_step
def test_an_order_that_moved_on_since_it_was_seen_is_409(taken: Taken, world: World):
    order = world.order
    answer = step(bearer(world.people[taken.by]), order, taken.name, **taken.body, version=order.version + 7)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (409, "order_moved")
    assert (said["status"], said["version"]) == (order.status, order.version)
    assert fresh(order).version == order.version


@each_step
def test_a_step_in_a_wrong_state_is_409_with_the_state(taken: Taken, world: World):
    order = world.cancelled
    answer = step(bearer(world.people[taken.by]), order, taken.name, **taken.body, version=order.version)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (409, "action_not_allowed")
    assert (said["status"], said["version"]) == ("CANCELLED", order.version)
    assert fresh(order).version == order.version


@pytest.mark.parametrize("taken", [taken for taken in DUE if taken.never], ids=lambda taken: taken.name, scope="module")
def test_a_step_of_the_other_side_is_403_in_every_state(taken: Taken, world: World):
    for order in (world.order, world.cancelled):
        answer = step(bearer(world.people[taken.never]), order, taken.name, **taken.body, version=order.version)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_step")
        assert fresh(order).version == order.version


@each_step
def test_strangers_find_nothing_and_nobody_is_asked_to_sign_in(taken: Taken, world: World):
    order = world.order
    answers = [
        step(program, order, taken.name, **taken.body, version=order.version) for program in (bearer(world.stranger), Client())
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found"), (401, "not_signed_in")]
    assert fresh(order).version == order.version


@pytest.mark.parametrize(
    "taken", [taken for taken in DUE if taken.by != V and taken.custody == P], ids=lambda taken: taken.name, scope="module"
)
def test_a_moderator_takes_no_step_of_the_parties(taken: Taken, world: World):
    order = world.order
    assert step(bearer(world.people[V]), order, taken.name, **taken.body, version=order.version).status_code == 404
    assert fresh(order).version == order.version
