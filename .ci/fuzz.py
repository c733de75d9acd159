"""`make fuzz`: schemathesis sends every operation of the API what nobody would think of, as three callers, with all its checks.

The site runs as a public one does, on a database of the demo, and is held to the description it gives of itself.
`python .ci/fuzz.py [examples] [more options of st run …]`.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent
CALLERS = {"anonymous": "", "client": "client@example.com", "freelancer": "freelancer@example.com"}
EXAMPLES = "200"
NO_LIMIT = ",".join(f"{name}=1000000" for name in ("sign_in", "message", "write", "read"))
SCRIPT = (
    "from datetime import timedelta; from accounts.models import User; from accounts.tokens import make_jwt;"
    "[print('token', email, make_jwt(User.objects.get(email=email), lifetime=timedelta(hours=6))) for email in {emails}]"
)


def main(examples: str, options: list[str]) -> int:
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="marketplace-fuzz-", dir=memory()) as folder:
        port = free_port()
        env = environment(folder, port)
        with meanwhile(env, "collectstatic", "--no-input", "--verbosity", "0"):
            manage(env, "migrate", "--verbosity", "0")
            manage({**env, "DEBUG": "true"}, "seed_demo", "--small")  # it refuses a public site
        tokens = tokens_of(env, [email for email in CALLERS.values() if email])
        with site(env, folder, port):
            runs = {caller: start(env, folder, port, caller, tokens, examples, options) for caller in CALLERS}
            codes = {caller: run.wait() for caller, run in runs.items()}
        for caller in CALLERS:
            say(f"=== as {caller}\n{Path(folder, f'{caller}.log').read_text()}")
        say(faults(folder))
        manage(env, "reconcile")
    return max(codes.values())


def memory() -> str | None:
    """A folder in memory, where the machine has one with room: who holds SQLite's one lock waits for no disk."""
    folder = "/dev/shm"  # noqa: S108 (a folder of its own is made in it)
    return folder if os.path.isdir(folder) and shutil.disk_usage(folder).free > 500 * 2**20 else None


def environment(folder: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "ENV_FILE": os.devnull,
        "VAR_DIR": folder,
        # Connections are kept, as those to PostgreSQL are: opening one is two fifths of a small request.
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3?conn_max_age=600",
        "REDIS_URL": "",
        "LOG_LEVEL": "ERROR",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_hex(32),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SITE_URL": f"https://127.0.0.1:{port}",
        "TRUSTED_PROXY_COUNT": "1",  # so that it takes our word for https
        "no_proxy": "127.0.0.1",
        "EMAIL_URL": "dummymail://",
        "API_LIMITS": NO_LIMIT,
    }


@contextmanager
def site(env: dict[str, str], folder: str, port: int) -> Iterator[None]:
    command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "2"]
    command += ["--worker-tmp-dir", folder, "--limit-request-line", "0", "marketplace.wsgi"]
    with Path(folder, "site.log").open("wb") as log:  # a line for each refusal: tens of thousands
        process = subprocess.Popen([sys.executable, *command], env=env, stderr=log)
    try:
        wait_for(port)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def faults(folder: str) -> str:
    """What the site itself called an error, such as the traceback of a 500."""
    lines = Path(folder, "site.log").read_text().splitlines()
    return "\n".join(line for line in lines if '"level": "error"' in line or '"level": "critical"' in line)


def start(
    env: dict[str, str], folder: str, port: int, caller: str, tokens: dict[str, str], examples: str, options: list[str]
) -> "subprocess.Popen[bytes]":
    """The run of one caller, into a file of its own.

    Without Hypothesis's database: with one, half of the examples are spent on making those before smaller, and half of the time.
    """
    headers = ["-H", "X-Forwarded-Proto: https"]
    if CALLERS[caller]:
        headers += ["-H", f"Authorization: Bearer {tokens[CALLERS[caller]]}"]
    command = [
        *(str(Path(sys.executable).parent / "st"), "--config-file", ".ci/schemathesis.toml", "run"),
        *(f"http://127.0.0.1:{port}/api/openapi.json", "--checks", "all", "--max-examples", examples),
        *("--continue-on-failure", "--workers", "1", "--generation-database", "none", *headers, *options),
    ]
    with Path(folder, f"{caller}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env)


def tokens_of(env: dict[str, str], emails: list[str]) -> dict[str, str]:
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", SCRIPT.format(emails=emails)],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return dict(line.split()[1:] for line in said.splitlines() if line.startswith("token "))


def wait_for(port: int) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/openapi.json", headers={"X-Forwarded-Proto": "https"})
    for _try in range(100):
        try:
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 (our own server)
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("The site does not answer.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def meanwhile(env: dict[str, str], *command: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "manage.py", *command], env=env)
    try:
        yield
    finally:
        code = process.wait()
    if code:
        sys.exit(f"{command[0]} failed.")


def manage(env: dict[str, str], *command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], env=env, check=True)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = sys.argv[1:]
    count = given.pop(0) if given and given[0].isdigit() else EXAMPLES
    sys.exit(main(count, given))
