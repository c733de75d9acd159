"""The commands that go through everything: reconcile, process_deadlines, import_statement, each also at a tenth of the size.

Each runs as an operator would start it, in a process of its own, so that its memory is its own; process_deadlines as two workers
do, in two at once. Growth is the time at full size over ten times the time at a tenth: 1 is linear, less is better.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.db import connection
from django.utils import timezone

from messaging.models import Notification
from orders.models import LedgerAccount, Order
from orders.references import new_reference
from orders.states import Status
from orders.tests.bank_files.make import Deposit, make_csv
from orders.tests.factories import PlatformMethodFactory, place
from orders.tests.many import Cast, copy_order, due_order

ORDERS, DUE, LINES = 100_000, 10_000, 50_000
LIMITS = {"reconcile": (20, 300), "process_deadlines": (60, None), "import_statement": (60, 500)}  # seconds, MB


def report(say: Callable[[str], None]) -> None:
    small, whole = ORDERS // 10, ORDERS
    for name, measure in (("process_deadlines", deadlines), ("reconcile", reconcile), ("import_statement", statement)):
        tenth, _memory = measure(small)
        full, memory = measure(whole)
        seconds, most = LIMITS[name]
        growth = full / (10 * tenth)
        within = f"{memory:.0f} MB (limit {most})" if most else f"{memory:.0f} MB"
        say(f"{name:17} {full:6.1f} s (limit {seconds}), {within}; at a tenth {tenth:.2f} s: growth {growth:.2f}")
    empty()


def reconcile(orders: int) -> tuple[float, float]:
    """Completed orders with all their money."""
    empty()
    cast = Cast()
    copy_order(cast.order_in(Status.COMPLETED), orders - 1, cast)
    return run("reconcile")


def deadlines(orders: int) -> tuple[float, float]:
    """A tenth as many deliveries that approve themselves, by two workers."""
    empty()
    cast = Cast()
    copy_order(due_order(cast, "auto_approve", timezone.now()), orders * DUE // ORDERS - 1, cast)
    figures = run("process_deadlines", at_once=2)
    if left := Order.objects.exclude(status=Status.COMPLETED).count():
        raise SystemExit(f"process_deadlines left {left} orders")
    return figures


def statement(orders: int) -> tuple[float, float]:
    """A file of half as many lines as there are open orders; every second names one, the others name none."""
    empty()
    cast = Cast()
    method = PlatformMethodFactory(currency=cast.gig.currency)
    copy_order(place(cast.client, cast.gig, method), orders - 1, cast)
    name_orders()
    today = timezone.now().date() - timedelta(days=1)
    references = Order.objects.values_list("payment_reference", flat=True)[: orders * LINES // ORDERS // 2]
    deposits = [Deposit(name, Decimal(120), "Amara Okafor", today, f"B{n}") for n, name in enumerate(references)]
    deposits += [Deposit(f"Rent {n}", Decimal(n % 900 + 1), "Li Wei", today, f"R{n}") for n in range(len(deposits))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "statement.csv")
        file.write_bytes(make_csv(deposits))
        return run("import_statement", str(file), "--method", str(method.pk))


def name_orders() -> None:
    """Give the copies real payment references, all of them different."""
    pks = list(Order.objects.values_list("pk", flat=True))
    names: set[str] = set()
    while len(names) < len(pks):
        names.add(new_reference())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_order SET payment_reference = named.reference "
            "FROM unnest(%s::uuid[], %s::text[]) AS named(pk, reference) WHERE id = named.pk",
            [pks, list(names)],
        )
        cursor.execute("ANALYZE")


def empty() -> None:
    """No orders any more, and nothing that belongs to one; the people and their gigs stay, for making them takes long."""
    tables = ", ".join(model._meta.db_table for model in (Order, LedgerAccount, Notification))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")
        cursor.execute("ANALYZE")


def run(*command: str, at_once: int = 1) -> tuple[float, float]:
    """(seconds until the last is done, megabytes of the largest) of one manage.py command, run by so many processes at once."""
    most = 0.0
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        start = [sys.executable, "manage.py", *command]
        processes = [subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=errors) for _worker in range(at_once)]  # noqa: S603
        while any(process.poll() is None for process in processes):
            most = max(most, *(memory_of(process.pid) for process in processes))
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        if any(process.returncode for process in processes):
            errors.seek(0)
            raise SystemExit(f"{command[0]} failed: {errors.read().decode()[-2000:]}")
    return seconds, most


def memory_of(pid: int) -> float:
    """Megabytes at the most so far; 0 once it has ended. (What `wait4` tells of a child counts the parent's memory too.)"""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
