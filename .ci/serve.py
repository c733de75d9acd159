"""`make run`: bring the database up to date, fill it when it is empty, then start web server and worker until Ctrl-C."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import environ

HOST = "127.0.0.1"
LOGINS = ("client@example.com", "freelancer@example.com", "admin@example.com", "moderator@example.com")
PASSWORD = "handsel-demo-1"  # noqa: S105 (the demo's, printed for everyone)


def main(port: str) -> None:
    os.chdir(Path(__file__).resolve().parent.parent)
    refuse_unusable(port)
    if Path(".env").is_file():
        environ.Env.read_env(".env")
    os.environ.setdefault("SITE_URL", f"http://localhost:{port}")
    manage("migrate", "--verbosity", "0")
    manage("seed_demo", "--if-empty")
    say(f"\n  {os.environ['SITE_URL']}\n")
    say(f"  Demo logins, password {PASSWORD}:  {', '.join(LOGINS)}")
    say("  Mail is written to var/mail/. Ctrl-C stops everything.\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    honcho = [sys.executable, "-m", "honcho", "--env", os.devnull, "start", "--port", port]
    os.execve(sys.executable, honcho, {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"})  # noqa: S606 (no shell wanted)


def refuse_unusable(port: str) -> None:
    if not (port.isdigit() and 0 < int(port) < 65536):
        sys.exit(f"PORT={port} is not a port number. Try: PORT=8123 make run")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except PermissionError:
            sys.exit(f"This user may not open port {port}. Choose one above 1023: PORT=8123 make run")
        except OSError:
            sys.exit(f"Port {port} is taken by another program. Stop it, or choose another port: PORT=8123 make run")


def manage(*command: str) -> None:
    if code := subprocess.call([sys.executable, "manage.py", *command]):
        sys.exit(code)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
