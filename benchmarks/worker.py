"""One client of a benchmark in a process of its own: says "ready", waits for a line, works, and answers with what it measured.

In: a JSON line {step, actor, orders} or {step: "raw", url, statements, version, orders}. Out: {seconds, times}; times are
milliseconds.
"""

import json
import sys
import time
import uuid

import django
import psycopg


def main() -> None:
    work = json.loads(sys.stdin.readline())
    django.setup()
    take = _take(work)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    started = time.perf_counter()
    times = [timed(take, uuid.UUID(pk)) for pk in work["orders"]]
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - started, "times": times}))


def _take(work: dict) -> "Take":
    if work["step"] == "raw":
        raw = psycopg.connect(work["url"], autocommit=True)
        return lambda pk: raw_step(raw, work["statements"], pk, work["version"])
    connection.ensure_connection()
    return STEPS[work["step"]](User.objects.get(pk=work["actor"]))


if __name__ == "__main__":
    django.setup()
    from django.db import connection

    from accounts.models import User
    from benchmarks.transitions import STEPS, Take, raw_step, timed

    main()
