"""`python -m benchmarks [pages | api | transitions | sweeps | chat]`: every performance figure, as a ratio or against its limit.

Absolute times mean little from one machine to the next; a ratio measured in one run does. `pages` runs on SQLite; the others on a
scratch database of the PostgreSQL that DATABASE_URL names, or of this machine's, with the Redis of REDIS_URL if there is one.
Each part is a process of its own.
"""

import importlib
import os
import secrets
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from cryptography.fernet import Fernet
from django.core.management import call_command
from psycopg.sql import SQL, Identifier

PARTS = ("pages", "api", "transitions", "sweeps", "chat")
NAME = f"marketplace_bench_{os.getpid()}"
PRODUCTION = {  # with DEBUG every statement is formatted and kept a second time
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_hex(32),
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "bench.example",
    "SITE_URL": "https://bench.example",
    "EMAIL_URL": "dummymail://",
    "API_LIMITS": "read=1000000",
    "ORDER_LIMITS": "unpaid=1000000,unpaid_one=1000000,day=1000000,day_one=1000000",
}


def main(wanted: list[str]) -> int:
    if len(wanted) == 1 and wanted[0].startswith("--part="):
        return part(wanted[0].removeprefix("--part="))
    unknown = set(wanted) - set(PARTS)
    if unknown:
        sys.exit(f"No such part: {', '.join(sorted(unknown))}. There are: {', '.join(PARTS)}.")
    codes = [subprocess.call([sys.executable, "-m", "benchmarks", f"--part={name}"]) for name in wanted or PARTS]  # noqa: S603
    return max(codes)


def part(name: str) -> int:
    with tempfile.TemporaryDirectory(prefix="marketplace-bench-") as folder:
        url = f"sqlite:///{folder}/db.sqlite3"
        server = "" if name == "pages" else postgres_url()
        if server:
            with psycopg.connect(server, autocommit=True) as admin:
                admin.execute(SQL("CREATE DATABASE {}").format(Identifier(NAME)))
            url = urlunsplit(urlsplit(server)._replace(path=f"/{NAME}"))
        os.environ.update(
            DJANGO_SETTINGS_MODULE="marketplace.settings" if server else "marketplace.settings_test",
            DATABASE_URL=url,
            REDIS_URL=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/14") if server else "",
            ENV_FILE=os.devnull,
            VAR_DIR=folder,
            LOG_LEVEL="ERROR",
            **(PRODUCTION if server else {}),
        )
        try:
            django.setup()
            call_command("migrate", verbosity=0)
            importlib.import_module(f"benchmarks.{name}").report(say)
        finally:
            if server:
                with psycopg.connect(server, autocommit=True) as admin:
                    admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(NAME)))
    return 0


def postgres_url() -> str:
    given = os.environ.get("DATABASE_URL", "")
    local = [f"postgres://{user}@127.0.0.1:5432/{user}" for user in ("postgres", "root")]
    for url in [given] if given.startswith("postgres") else local:
        try:
            with psycopg.connect(url, connect_timeout=3):
                return url
        except psycopg.OperationalError:
            continue
    sys.exit("No PostgreSQL answers: set DATABASE_URL, or start one on localhost:5432.")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
