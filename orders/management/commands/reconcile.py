import json
from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from orders.selectors.reconciliation import Result, reconcile


def start_of_day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except ValueError as unreadable:
        raise ArgumentTypeError(f"{text!r} is no date; write it as 2026-11-21.") from unreadable


class Command(BaseCommand):
    help = "Check that every amount adds up. Prints each breach with its rows and exits with 1 if there is any. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        about = "only transfers posted and orders changed since this day (UTC); accounts always as a whole"
        parser.add_argument("--since", type=start_of_day, help=about)
        parser.add_argument("--json", action="store_true", help="one JSON document, for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        results = reconcile(now=timezone.now(), since=options["since"])
        breaches = self.print_json(results) if options["json"] else self.print_lines(results)
        if breaches:
            raise SystemExit(1)

    def print_lines(self, results: Iterable[Result]) -> int:
        breaches = checks = 0
        for result in results:
            checks, breaches = checks + 1, breaches + len(result.rows)
            found = f"{len(result.rows)} breaches: {result.check.rule}" if result.rows else "ok"
            self.stdout.write(f"{result.check.name}: {found}")
            for row in result.rows:
                self.stdout.write("    " + " ".join(f"{name}={value}" for name, value in row.items()))
        self.stdout.write(f"{checks} checks, {breaches} breaches")
        return breaches

    def print_json(self, results: Iterable[Result]) -> int:
        found = list(results)
        breaches = sum(len(result.rows) for result in found)
        checks = [
            {"name": result.check.name, "rule": result.check.rule, "breaches": len(result.rows), "rows": result.rows}
            for result in found
        ]
        report = {"ok": not breaches, "breaches": breaches, "checks": checks}
        self.stdout.write(json.dumps(report, cls=DjangoJSONEncoder, indent=2))
        return breaches
