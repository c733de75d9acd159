"""`make test`: every check of the project, stage by stage, and in the last lines what passed, failed or could not run, and the
tests that failed.

`python .ci/test.py [stage …]` runs some of them. With CI=true a stage that the machine cannot run counts as failed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import psycopg.sql
import pytest
import redis

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
JOURNEYS = "marketplace/tests/journeys"
SECOND_TRY = 3  # so many failed journeys are tried again, for a browser may stumble; more than that is no accident
NAMED = 20  # of the failed tests of a stage
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
NAME = f"_run_{os.getpid()}"  # of the test databases, so that two runs on one server do not meet
KEPT = tempfile.TemporaryDirectory(prefix="marketplace-test-")  # what several stages share; gone when the process ends


class Failed(Exception):
    """Of a program, with the code it ended with."""

    def __init__(self, what: str, code: int = 1) -> None:
        super().__init__(what)
        self.code = code


class Missing(Exception):
    pass


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - STAGES.keys()
    if unknown:
        sys.exit(f"No such stage: {', '.join(sorted(unknown))}. There are: {', '.join(STAGES)}.")
    os.chdir(ROOT)
    results: dict[str, str] = {}
    for stage in wanted or STAGES:
        say(f"\n=== {stage}")
        started = time.monotonic()
        try:
            remark = STAGES[stage]() or ""
        except Failed as failure:
            results[stage] = f"FAILED: {failure}"
        except Missing as lack:
            results[stage] = f"MISSING: {lack}"
        else:
            results[stage] = f"passed in {time.monotonic() - started:.0f} s{remark}"
    say("")
    for stage in wanted or STAGES:
        say(f"{stage:18} {results[stage]}")
    for stage in results:
        if results[stage].startswith("FAILED"):
            name_failures(stage)
    missing = any(result.startswith("MISSING") for result in results.values())
    if missing:
        say("What is missing was not tested here." + (" CI=true counts it as a failure." if IN_CI else ""))
    failed = any(result.startswith("FAILED") for result in results.values())
    return int(failed or (missing and IN_CI))


def lint() -> None:
    run_all(
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "djlint", "--lint", "--quiet", "templates"],
        ["-m", "mypy", "."],
    )


def migrations_check() -> None:
    with scratch() as env:
        run("manage.py", "makemigrations", "--check", "--dry-run", env=env)
        try:
            url = postgres_url()
        except Missing as lack:
            say(f"Only on SQLite: {lack}")
        else:
            run("manage.py", "makemigrations", "--check", "--dry-run", env={**env, "DATABASE_URL": url})


def sqlite() -> None:
    with scratch() as env:
        run(*suite("sqlite"), env={**env, "TEST_DB_TEMPLATE": sqlite_template()})


def postgres() -> None:
    url, redis_url = postgres_url(), working_redis_url()
    try:
        with scratch() as env:
            env |= {"REDIS_URL": redis_url, "TEST_DB_SUFFIX": NAME}
            template = postgres_template(url, env)
            env |= {"DATABASE_URL": url, "TEST_DB_TEMPLATE": template}
            run(*suite("postgres"), "-m", "not browser and not once", env=env)
    finally:
        drop_test_databases(url)


def browser() -> str:
    """The journeys. One that failed is tried once more, alone; that it was is said in the last lines."""
    if not any(shutil.which(name) for name in BROWSERS):
        raise Missing("no browser: install Chromium (Debian: apt install chromium)")
    with scratch() as env:
        env["TEST_DB_TEMPLATE"] = sqlite_template()
        try:
            run(*suite("browser"), "--dist", "load", "--maxschedchunk", "1", "-m", "browser", JOURNEYS, env=env)  # few and long
        except Failed as failure:
            again = failures("browser")
            if failure.code != pytest.ExitCode.TESTS_FAILED or not 0 < len(again) <= SECOND_TRY:  # else not all of them ran
                raise
            say(f"=== browser, second try: {', '.join(again)}")
            run(*suite("browser"), "-n", "0", "--last-failed", "-m", "browser", JOURNEYS, env=env)
            return f", AT THE SECOND TRY: {', '.join(again)}"
    return ""


def soak() -> None:
    """A minute of what `make soak` does for ten."""
    if not shutil.which("redis-server"):
        raise Missing("no redis-server to start anew (Debian: apt install redis-server)")
    with scratch() as env:
        run("-m", "benchmarks", "--part=soak", env={**env, "DATABASE_URL": postgres_url(), "SOAK_SECONDS": "60"})


def fuzz() -> None:
    """Every operation of the API under schemathesis as three callers, with 50 examples where `make fuzz` takes 200."""
    run(".ci/fuzz.py", "50")


STAGES: dict[str, Callable[[], str | None]] = {  # what they return is a remark on how they passed
    "lint": lint,
    "migrations-check": migrations_check,
    "sqlite": sqlite,
    "postgres": postgres,
    "browser": browser,
    "fuzz": fuzz,
    "soak": soak,
}


def suite(stage: str) -> list[str]:
    command = ["-m", "pytest", "-n", "auto", "--maxprocesses", "8", "--dist", "worksteal"]
    return [*command, "-o", f"cache_dir={KEPT.name}/{stage}"]  # where pytest remembers what failed


def failures(stage: str) -> list[str]:
    """The tests that failed when pytest last ran them in this stage."""
    kept = Path(KEPT.name, stage, "v/cache/lastfailed")
    return list(json.loads(kept.read_text())) if kept.exists() else []


def name_failures(stage: str) -> None:
    failed = failures(stage)
    for test in failed[:NAMED]:
        say(f"  {stage}: {test}")
    if len(failed) > NAMED:
        say(f"  {stage}: and {len(failed) - NAMED} more")


@contextmanager
def scratch() -> Iterator[dict[str, str]]:
    """An environment of defaults: this machine's .env, databases and files stay out of the tests."""
    with tempfile.TemporaryDirectory(prefix="marketplace-test-") as folder:
        database = f"sqlite:///{folder}/db.sqlite3"
        yield {"ENV_FILE": os.devnull, "VAR_DIR": folder, "TMPDIR": folder, "DATABASE_URL": database, "REDIS_URL": ""}


@cache
def sqlite_template() -> str:
    """A database with every migration applied: each process of the tests takes a copy instead of applying them again."""
    path = f"{KEPT.name}/template.sqlite3"
    with scratch() as env:
        run("manage.py", "migrate", "--verbosity", "0", env={**env, "DATABASE_URL": f"sqlite:///{path}"})
    return path


def postgres_template(url: str, env: dict[str, str]) -> str:
    """The same on the server."""
    name = f"test_marketplace{NAME}_template"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    database_url = urlsplit(url)._replace(path=f"/{name}").geturl()
    run("manage.py", "migrate", "--verbosity", "0", env={**env, "DATABASE_URL": database_url})
    return name


def postgres_url() -> str:
    """The first PostgreSQL that answers and lets us create a database: DATABASE_URL, else this machine's."""
    given = os.environ.get("DATABASE_URL", "")
    local = [f"postgres://{user}@127.0.0.1:5432/{user}" for user in ("postgres", "root")]
    for url in [given] if given.startswith("postgres") else local:
        try:
            with psycopg.connect(url, connect_timeout=3) as connection:
                role = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        except psycopg.OperationalError:
            continue
        if role and role[0]:
            return url
    raise Missing("no PostgreSQL answers with the right to create databases: set DATABASE_URL, or start one on localhost:5432")


def working_redis_url() -> str:
    url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/15"
    try:
        redis.Redis.from_url(url, socket_connect_timeout=3).ping()
    except redis.RedisError as silent:
        raise Missing("no Redis answers: set REDIS_URL, or start one on localhost:6379") from silent
    return url


def drop_test_databases(url: str) -> None:
    """The template, and what a killed run left behind."""
    with psycopg.connect(url, autocommit=True) as connection:
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"test_marketplace{NAME}%"]
        ).fetchall()
        for (name,) in left:
            connection.execute(psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))


def run(*command: str, env: dict[str, str] | None = None) -> None:
    say(f"$ python {' '.join(command)}")
    # Dozens of processes import the same modules: the first compiles them for all, also on a machine that is told not to.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})}
    code = subprocess.call([sys.executable, *command], env=env, stdin=subprocess.DEVNULL)
    if code:
        raise Failed(f"python {' '.join(command)}", code)


def run_all(*commands: list[str]) -> None:
    """Each of them, whatever the one before said."""
    failures = []
    for command in commands:
        try:
            run(*command)
        except Failed as failure:
            failures.append(str(failure))
    if failures:
        raise Failed("; ".join(failures))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
