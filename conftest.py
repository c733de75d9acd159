"""The fixed cast of every test, and a way to sign in as any of them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.backends.sqlite3.base import DatabaseOperations
from django.test import Client

from accounts.models import User
from accounts.tests.factories import UserFactory

SignIn = Callable[[User], Client]
_flush_rows = DatabaseOperations.sql_flush


def _flush_frozen_rows_too(self: DatabaseOperations, style: object, tables: list[str], **options: object) -> list[str]:
    """Emptying the tables between tests is the one time rows that are never deleted go: without their triggers, for that long."""
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    flush: list[str] = _flush_rows(self, style, tables, **options)  # type: ignore[arg-type]
    return [*(f"DROP TRIGGER {name}" for name, _sql in triggers), *flush, *(sql for _name, sql in triggers)]


DatabaseOperations.sql_flush = _flush_frozen_rows_too  # type: ignore[method-assign, assignment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of row locks and threads skip where there are none."""
    if connection.vendor != "postgresql":
        for item in items:
            if item.get_closest_marker("postgres"):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL"))


@pytest.fixture
def buyer(db: None) -> User:
    """The client of the orders (pytest-django keeps the name `client` for its HTTP client)."""
    return UserFactory(email="amara@example.com", full_name="Amara Okafor", handle="amara")


@pytest.fixture
def freelancer(db: None) -> User:
    return UserFactory(email="jose@example.com", full_name="José Ñíguez", handle="jose")


@pytest.fixture
def stranger(db: None) -> User:
    return UserFactory(email="stranger@example.com", full_name="Li Wei", handle="li-wei")


@pytest.fixture
def moderator(db: None) -> User:
    """Staff who may verify payments and resolve disputes, and nothing else."""
    user = UserFactory(email="moderator@example.com", full_name="Ingrid Bø", handle="ingrid", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="orders"))
    return user


@pytest.fixture
def sign_in() -> SignIn:
    def as_user(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return as_user
