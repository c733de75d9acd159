"""The fixed cast of every test, and a way to sign in as any of them."""

import gc
import shutil
from collections.abc import Callable
from itertools import count

import pytest
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.postgresql.base import DatabaseOperations as PostgresOperations
from django.db.backends.sqlite3.base import DatabaseOperations as SqliteOperations
from django.db.backends.sqlite3.creation import DatabaseCreation as SqliteCreation
from django.test import Client

from accounts.models import User
from accounts.tests.factories import UserFactory, a_moderator
from marketplace.rest import throttles

SignIn = Callable[[User], Client]
NUMBERS = count(1)

gc.disable()  # until all tests are known: collecting them makes little garbage and millions of objects

# --- The database of the tests ------------------------------------------------------------------------------------------
MIGRATED = {"django_content_type", "auth_permission"}  # rows that migrations leave, and no test writes
OF_TESTS = {"gigs_category": " WHERE slug LIKE 'category-%' OR slug = 'other'"}  # beside those of a migration: these go


def _filled(operations: BaseDatabaseOperations, tables: list[str]) -> list[str]:
    """A test has written a few rows into a few of some ninety tables: these."""
    looks = [
        f"SELECT * FROM (SELECT '{table}' AS name FROM {operations.quote_name(table)} LIMIT 1) AS {operations.quote_name(table)}"  # noqa: S608
        for table in sorted(set(tables) - MIGRATED)
    ]
    with operations.connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(looks))
        return [name for (name,) in cursor.fetchall()]


def _flush_sqlite(self: SqliteOperations, style: object, tables: list[str], **options: object) -> list[str]:
    """Emptying the tables between tests is the one time rows that are never deleted go: without their triggers, for that long."""
    filled = _filled(self, tables)
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = [(name, sql) for table, name, sql in cursor.fetchall() if table in filled]
    return [
        *(f"DROP TRIGGER {name}" for name, _sql in triggers),
        *(f"DELETE FROM {self.quote_name(table)}{OF_TESTS.get(table, '')}" for table in filled),  # noqa: S608
        *(sql for _name, sql in triggers),
    ]


def _flush_postgresql(self: PostgresOperations, style: object, tables: list[str], **options: object) -> list[str]:
    """The same. TRUNCATE would make new files for each table and its indexes."""
    filled = {self.quote_name(table): OF_TESTS.get(table, "") for table in _filled(self, tables)}
    return [
        *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in filled),
        *(f"DELETE FROM {table}{these}" for table, these in filled.items()),  # noqa: S608
        "SET CONSTRAINTS ALL IMMEDIATE",
        *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in filled),
    ]


SqliteOperations.sql_flush = _flush_sqlite  # type: ignore[method-assign, assignment]
PostgresOperations.sql_flush = _flush_postgresql  # type: ignore[method-assign, assignment]
flush.emit_post_migrate_signal = lambda *_args, **_options: None  # it would write those of MIGRATED again, which have stayed

_create_sqlite = SqliteCreation._create_test_db


def _copy_sqlite(self: SqliteCreation, *options: object, **more: object) -> str:
    """What PostgreSQL does by itself: the new database is a copy of the template, if there is one."""
    name: str = _create_sqlite(self, *options, **more)
    if template := self.connection.settings_dict["TEST"].get("TEMPLATE"):
        shutil.copyfile(template, name)
    return name


SqliteCreation._create_test_db = _copy_sqlite


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of row locks and threads skip where there are none."""
    if connection.vendor != "postgresql":
        for item in items:
            if item.get_closest_marker("postgres"):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL"))


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector of garbage need not go through it again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What calls of the API one test makes do not count for the next: all of them come from one address."""
    name, short = f"test {next(NUMBERS)}", throttles._short
    monkeypatch.setattr(throttles, "_short", lambda caller: short(f"{name}: {caller}"))


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps that commits ask for do not run: for tests that commit often and look at none of it."""
    monkeypatch.setattr("marketplace.background._enqueue", lambda command: None)


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
    return a_moderator(email="moderator@example.com", full_name="Ingrid Bø", handle="ingrid")


@pytest.fixture
def sign_in() -> SignIn:
    def as_user(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return as_user
