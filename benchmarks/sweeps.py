"""The commands that go through everything: reconcile, process_deadlines, import_statement, each also at a tenth of the size.

Each runs as an operator would start it, in a process of its own, so that its memory is its own. Growth is the time at full size
over ten times the time at a tenth: 1 is linear, less is better.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from orders.models import Order
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


def reconcile(orders: int) -> tuple[float, float]:
    """Completed orders with all their money."""
    empty()
    cast = Cast()
    copy_order(cast.order_in(Status.COMPLETED), orders - 1, cast)
    return run("reconcile")


def deadlines(orders: int) -> tuple[float, float]:
    """A tenth as many deliveries that approve themselves."""
    empty()
    cast = Cast()
    copy_order(due_order(cast, "auto_approve", timezone.now()), orders * DUE // ORDERS - 1, cast)
    return run("process_deadlines")


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
    """Give the copies real payment references."""
    orders = list(Order.objects.only("pk"))
    for order in orders:
        order.payment_reference = new_reference()
    Order.objects.bulk_update(orders, ["payment_reference"], batch_size=2000)


def empty() -> None:
    call_command("flush", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def run(*command: str) -> tuple[float, float]:
    """(seconds, megabytes at the most) of one manage.py command."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "manage.py", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603
    _pid, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed: {process.stderr.read().decode()[-2000:] if process.stderr else ''}")
    return time.perf_counter() - started, used.ru_maxrss / 1024
