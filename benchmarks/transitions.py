"""Confirming and approving as whole services, against pgbench running the very same statements on the same PostgreSQL.

The statements are those the service sends, captured from one call and replayed with other ids: the floor follows the code. Both
run in turns on one server. A ratio of 3 means: the service takes three times as long as the database alone.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import UserFactory, an_administrator
from gigs.tests.factories import GigFactory
from marketplace.exceptions import DomainError
from orders.models import LedgerAccount, Order, OrderEvent, PaymentProof
from orders.services import lifecycle, payments
from orders.states import Status
from orders.tests.factories import order_in

ROUNDS = 5
ONE = 60  # transactions of one client in a round
CLIENTS = 8
EACH = 15  # transactions of each of the eight in a round
HOT = 25  # orders that eight clients want at once
WARM = 5  # steps that each process takes first and that do not count: it compiles templates and prepares statements in them
SEQUENCES = {  # ids no other literal looks like, so that they can be told from amounts in captured statements
    "orders_ledgeraccount": 710_000_001,
    "orders_ledgertransfer": 720_000_001,
    "messaging_notification": 730_000_001,
}
NAMES = {"71": "account", "72": "transfer", "73": "notification"}

Take = Callable[[uuid.UUID], object]


class Cast:
    def __init__(self) -> None:
        self.client, self.freelancer = UserFactory(), UserFactory()
        self.moderator = an_administrator()
        self.gig = GigFactory(freelancer=self.freelancer, price=Decimal(120), currency="EUR", delivery_days=6)


def confirm(moderator: User) -> Take:
    return lambda pk: payments.confirm_payment(actor=moderator, order_id=pk, seen=2, received_amount=Decimal(120))


def approve(client: User) -> Take:
    return lambda pk: lifecycle.approve(actor=client, order_id=pk, seen=5)


STEPS: dict[str, Callable[[User], Take]] = {"confirm_payment": confirm, "approve": approve}


def report(say: Callable[[str], None]) -> None:
    """Print a line per figure, measured on the database of DATABASE_URL."""
    url = os.environ["DATABASE_URL"]
    cast = Cast()
    steps = [
        ("confirm_payment", Status.PAYMENT_SUBMITTED, cast.moderator),
        ("approve", Status.SUBMITTED, cast.client),
    ]
    for name, status, actor in steps:
        pattern = order_in(status, client=cast.client, freelancer=cast.freelancer, verifier=cast.moderator, gig=cast.gig)
        bench = Bench(cast, pattern, name, actor, url)
        one_ours, one_floor = bench.one_client()
        say(f"{name:16} p50, 1 client: {one_ours / one_floor:5.2f} × pgbench ({one_ours:.1f}, {one_floor:.1f} ms); wanted ≤ 3.5")
        many_ours, many_floor = bench.many_clients()
        say(
            f"{name:16} transactions/s, {CLIENTS} clients: {many_ours / many_floor:5.2f} × pgbench "
            f"({many_ours:.0f} and {many_floor:.0f}); wanted ≥ 0.20"
        )
        hot_ours, hot_floor = bench.hot_order()
        say(
            f"{name:16} p99, {CLIENTS} clients on one order: {hot_ours / hot_floor:5.2f} × raw psycopg "
            f"({hot_ours:.0f} and {hot_floor:.0f} ms); wanted ≤ 1.5"
        )


class Bench:
    used = 100_000_000_000  # numbers of copies; twelve digits, as the last group of a UUID

    def __init__(self, cast: Cast, pattern: Order, step: str, actor: User, url: str) -> None:
        self.cast, self.pattern, self.take, self.url = cast, pattern, STEPS[step](actor), url
        self.statements = self._capture()
        self.work = {"step": step, "actor": str(actor.pk)}
        self.raw_work = {"step": "raw", "url": url, "statements": self.statements, "version": pattern.version}

    def one_client(self) -> tuple[float, float]:
        """Medians in milliseconds: the service, and pgbench."""
        ours: list[float] = []
        floor: list[float] = []
        for _round in range(ROUNDS):
            floor += self._pgbench(clients=1, each=ONE)[0]
            for pk in self._orders(ONE):
                ours.append(timed(self.take, pk))
        return statistics.median(ours), statistics.median(floor)

    def many_clients(self) -> tuple[float, float]:
        """Transactions a second: the service in eight processes, and pgbench with eight clients."""
        ours: list[float] = []
        floor: list[float] = []
        for _round in range(ROUNDS):
            floor.append(self._pgbench(clients=CLIENTS, each=EACH)[1])
            shares = [self._orders(WARM + EACH) for _client in range(CLIENTS)]
            slowest = max(sum(answer["times"][WARM:]) for answer in run_workers(self.work, shares))
            ours.append(1000 * CLIENTS * EACH / slowest)
        return statistics.median(ours), statistics.median(floor)

    def hot_order(self) -> tuple[float, float]:
        """The 99th percentile in milliseconds when eight press the button at once: one wins, the others are told."""
        ours: list[float] = []
        floor: list[float] = []
        for _round in range(ROUNDS):
            for work, kept in ((self.work, ours), (self.raw_work, floor)):
                own = [self._orders(WARM) for _client in range(CLIENTS)]
                wanted = self._orders(HOT)
                for answer in run_workers(work, [share + wanted for share in own]):
                    kept += answer["times"][WARM:]
        return percentile(ours, 99), percentile(floor, 99)

    def _numbers(self, count: int) -> range:
        Bench.used += count
        return range(Bench.used - count, Bench.used)

    def _orders(self, count: int) -> list[uuid.UUID]:
        return copies(self.pattern, self._numbers(count))

    def _capture(self) -> list[tuple[str, str]]:
        """(SQL with $names$ for ids, name that its returned id gets) of one call."""
        self.take(self._orders(1)[0])  # what is opened once is open
        numbers = self._numbers(1)
        (pk,) = copies(self.pattern, numbers)
        with connection.cursor() as cursor:
            for table, start in SEQUENCES.items():
                cursor.execute(f"SELECT setval('{table}_id_seq', GREATEST(nextval('{table}_id_seq'), {start}))")
        with CaptureQueriesContext(connection) as captured:
            self.take(pk)
        return list(named([query["sql"] for query in captured], numbers.start))

    def _pgbench(self, *, clients: int, each: int) -> tuple[list[float], float]:
        """(milliseconds of each transaction, transactions a second)."""
        numbers = self._numbers(clients * each)
        copies(self.pattern, numbers)
        where = urlsplit(self.url)
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "step.sql")
            script.write_text(pgbench_script(self.statements, numbers, each))
            done = subprocess.run(  # noqa: S603 (our own script)
                [
                    *("pgbench", "--no-vacuum", "-f", str(script), "-c", str(clients), "-j", str(min(clients, 2))),
                    *("-t", str(each), "-D", "i=-1", "--log", f"--log-prefix={folder}/log"),
                    *("-h", where.hostname or "", "-p", str(where.port or 5432), "-U", where.username or "", where.path[1:]),
                ],
                capture_output=True,
                text=True,
                env={**os.environ, "PGPASSWORD": where.password or ""},
                check=False,
            )
            if done.returncode or "aborted" in done.stderr:
                raise SystemExit(f"pgbench: {done.stderr[-2000:]}")
            lines = [line.split() for log in Path(folder).glob("log*") for line in log.read_text().splitlines()]
        rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
        return [int(line[2]) / 1000 for line in lines], float(rate[1]) if rate else 0.0


def timed(take: Callable[[uuid.UUID], object], pk: uuid.UUID) -> float:
    started = time.perf_counter()
    with suppress(DomainError):  # somebody was faster
        take(pk)
    return (time.perf_counter() - started) * 1000


def run_workers(work: dict[str, Any], shares: list[list[uuid.UUID]]) -> list[dict[str, Any]]:
    """Each share of orders in a process of its own, all starting at once; what each measured (see benchmarks/worker.py)."""
    workers = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _share in shares
    ]
    for worker, share in zip(workers, shares, strict=True):
        talk(worker, json.dumps({**work, "orders": [str(pk) for pk in share]}))
    for worker in workers:
        if worker.stdout is None or worker.stdout.readline().strip() != "ready":
            raise SystemExit("a worker of the benchmark did not start")
    for worker in workers:
        talk(worker, "go")
    return [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]


def talk(worker: "subprocess.Popen[str]", line: str) -> None:
    if worker.stdin:
        worker.stdin.write(line + "\n")
        worker.stdin.flush()


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


# --- Copies of an order, with ids that pgbench can compute ------------------------------------------------------------
def order_id(number: int) -> uuid.UUID:
    return uuid.UUID(f"00000000-0000-4000-8000-{number}")


def proof_id(order: uuid.UUID) -> uuid.UUID:
    return uuid.UUID(str(order).replace("-8000-", "-9000-"))


def copies(pattern: Order, numbers: range) -> list[uuid.UUID]:
    """Orders like the pattern under these numbers, with proof and events; where it is funded, with the money in escrow."""
    proof = pattern.proofs.get()
    events = list(pattern.events.all())
    orders, proofs, happened = [], [], []
    for number in numbers:
        pk = order_id(number)
        orders.append(changed(pattern, id=pk, placement_key=pk, payment_reference=f"B{number}"))
        reference = f"REF{number}"
        proofs.append(
            changed(proof, id=proof_id(pk), order_id=pk, transaction_reference=reference, normalized_reference=reference)
        )
        happened += [changed(event, id=None, order_id=pk, proof_id=proof_id(pk) if event.proof_id else None) for event in events]
    Order.objects.bulk_create(orders)
    PaymentProof.objects.bulk_create(proofs)
    OrderEvent.objects.bulk_create(happened)
    if pattern.funded_amount:
        LedgerAccount.objects.bulk_create(
            LedgerAccount(id=number, kind="escrow", currency=pattern.currency, order_id=order_id(number), balance=12000)
            for number in numbers
        )
    return [order.pk for order in orders]


def changed(row: Any, **changes: Any) -> Any:
    columns = {field.attname: getattr(row, field.attname) for field in type(row)._meta.concrete_fields}
    return type(row)(**{**columns, **changes})


# --- From captured SQL to a script ------------------------------------------------------------------------------------
def named(queries: list[str], number: int) -> Iterator[tuple[str, str]]:
    """Each statement with $names$ for the ids of this order, and the name that the id it returns gets."""
    pk = order_id(number)
    fresh: dict[str, str] = {}
    everything = " ".join(queries)
    made = {str(start)[:2] for table, start in SEQUENCES.items() if f'INSERT INTO "{table}"' in everything}
    for found in sorted(set(re.findall(r"\b7[1-3]\d{7}\b", everything))):
        name = NAMES[found[:2]]
        if found[:2] not in made:
            continue  # of a row that was there before
        fresh[found] = f"{name}_last" if name in fresh.values() else name  # at most two rows of a table come in one statement
    literals = {pk.hex: "order_hex", str(pk): "order", proof_id(pk).hex: "proof_hex", str(proof_id(pk)): "proof"}
    for text in queries:
        for literal, name in literals.items():
            text = text.replace(literal, f"${name}$")
        text = text.replace(str(number), "$account$")
        text = re.sub(r"\b7[1-3]\d{7}\b", lambda match: f"${fresh[match[0]]}$" if match[0] in fresh else match[0], text)
        inserted = re.match(r'INSERT INTO "(\w+)".*RETURNING "\w+"\."id"\s*$', text, re.S)
        yield text, NAMES.get(str(SEQUENCES.get(inserted[1], 0))[:2], "") if inserted else ""


def fill(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)\$", lambda match: names[match[1]], text)


def raw_step(raw: "psycopg.Connection[Any]", statements: list[tuple[str, str]], pk: uuid.UUID, version: int) -> None:
    """The same statements by psycopg alone, stopping after the lock where somebody was faster."""
    proof = proof_id(pk)
    names = {"order": str(pk), "order_hex": pk.hex, "proof": str(proof), "proof_hex": proof.hex, "account": str(pk)[-12:]}
    with raw.transaction():
        for text, returns in statements:
            if text in ("BEGIN", "COMMIT"):
                continue
            rows = raw.execute(fill(text, names).encode())
            if "FOR UPDATE" in text and '"orders_order"."version"' in text:
                columns = [column.name for column in rows.description or []]
                row = rows.fetchone()
                if row is None or row[columns.index("version")] != version:
                    return
            elif returns:
                ids = [str(row[0]) for row in rows.fetchall()]
                names |= {returns: ids[0], f"{returns}_last": ids[-1]}


def pgbench_script(statements: list[tuple[str, str]], numbers: range, each: int) -> str:
    """One transaction for the next order of this client."""
    lines = ["\\set i :i + 1", f"\\set n {numbers.start} + :client_id * {each} + :i"]
    names = {"order": "00000000-0000-4000-8000-:n", "proof": "00000000-0000-4000-9000-:n", "account": ":n"}
    names |= {f"{name}_hex": names[name].replace("-", "") for name in ("order", "proof")}
    for text, returns in statements:
        if returns:
            inserted = re.sub(r"RETURNING .*", "RETURNING id", fill(text, names))
            lines.append(f"WITH inserted AS ({inserted}) SELECT min(id) AS id, max(id) AS last FROM inserted")  # noqa: S608
            lines.append(f"\\gset {returns}_")
            names |= {returns: f":{returns}_id", f"{returns}_last": f":{returns}_last"}
        else:
            lines.append(fill(text, names) + ";")
    return "\n".join(lines) + "\n"
