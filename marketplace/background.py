"""The door to the background worker. It only wakes sweeps; what there is to do stands in tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog
from django.core.management import call_command
from django.db import transaction
from huey.contrib.djhuey import db_task
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
_gathered: ContextVar[set[str] | None] = ContextVar("gathered", default=None)


@db_task()
def run_sweep(command: str) -> None:
    call_command(command, verbosity=0)


def wake(command: str) -> None:
    """Have the worker run this `manage.py` sweep once the caller's transaction is committed.

    Without a worker's queue nothing is lost and nobody's request fails: the sweep by the clock finds the rows.
    """
    transaction.on_commit(lambda: _enqueue(command))


@contextmanager
def waking_once() -> Iterator[None]:
    """Inside it each sweep is woken once, at the end, however many transactions ask for it."""
    commands: set[str] = set()
    token = _gathered.set(commands)
    try:
        yield
    finally:
        _gathered.reset(token)
        for command in sorted(commands):
            _enqueue(command)


def _enqueue(command: str) -> None:
    gathered = _gathered.get()
    if gathered is not None:
        gathered.add(command)
        return
    try:
        run_sweep(command)
    except (RedisError, sqlite3.Error, OSError) as unreachable:
        log.warning("background worker not woken", command=command, error=str(unreachable))
