"""Processes that really are killed: forked from the test, with a connection of their own, ended by SIGKILL as by `kill -9`."""

import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, NoReturn

from django.db import connection, connections

from marketplace.exceptions import DomainError

LONGEST = 60  # seconds; a child that hangs ends itself, and the test fails

Step = Callable[[], object]


def killed_at(step: Step, moment: int) -> bool:
    """Run `step` in a process that is killed at its `moment`th moment; False where it had come to its end before.

    Moments are: before each statement, before each commit, after each commit.
    """
    pid = _fork(step, moment)
    return _was_killed(os.waitpid(pid, 0)[1])


def killed_after(step: Step, seconds: float) -> bool:
    """Run `step` in a process that is killed from outside so many seconds later; False where it had come to its end before."""
    pid = _fork(step, None)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)  # one that has ended by itself still waits to be looked at
    return _was_killed(os.waitpid(pid, 0)[1])


def _fork(step: Step, moment: int | None) -> int:
    connections.close_all()  # no process uses the connection of another
    if connection.vendor == "postgresql":
        connection.close_pool()
    pid = os.fork()
    if not pid:
        _live(step, moment)
    return pid


def _live(step: Step, moment: int | None) -> NoReturn:
    signal.alarm(LONGEST)
    if moment is not None:
        _kill_myself_at(moment)
    try:
        with suppress(DomainError):  # it was done before: the person is told so
            step()
        os._exit(0)  # nothing of the test's own end runs here
    finally:
        traceback.print_exc()
        os._exit(1)


def _kill_myself_at(moment: int) -> None:
    passed = count(1)
    commit = connection._commit

    def pass_a_moment() -> None:
        if next(passed) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute_later(execute: Callable[..., Any], *statement: Any) -> Any:
        pass_a_moment()
        return execute(*statement)

    def commit_between_two() -> None:
        pass_a_moment()
        commit()
        pass_a_moment()

    connection.execute_wrappers.append(execute_later)
    connection._commit = commit_between_two


def _was_killed(status: int) -> bool:
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"ended by signal {os.WTERMSIG(status)}"
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the step failed in its process"
    return False
