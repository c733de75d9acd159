"""The world of `world.py`, built once for all the tests of a module: each finds it as it was built."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from accounts.tests.factories import UserFactory, a_moderator
from marketplace.tests.world import World, build_world


@pytest.fixture(scope="module")
def built_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """In a transaction around those of the module's tests, undone after the last of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        moderator = a_moderator(email="moderator@example.com", full_name="Ingrid Bø", handle="ingrid")
        yield build_world(
            UserFactory(email="amara@example.com", full_name="Amara Okafor", handle="amara"),
            UserFactory(email="jose@example.com", full_name="José Ñíguez", handle="jose"),
            UserFactory(email="stranger@example.com", full_name="Li Wei", handle="li-wei"),
            moderator,
        )
        transaction.set_rollback(True)


@pytest.fixture
def world(built_world: World, db: None) -> World:
    """The savepoint of `db` undoes what the test does to it."""
    return built_world
