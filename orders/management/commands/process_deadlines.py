from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from orders.services.deadlines import Fired, process_due


def instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as unreadable:
        raise ArgumentTypeError(f"{text!r} is no instant; write it as 2026-11-21T12:00:00+00:00.") from unreadable
    if at.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no time zone; write it as {text}+00:00 or with Z at the end.")
    return at


class Command(BaseCommand):
    help = "Fire every clock of an order that is due: the same sweep the background worker makes every minute."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", type=instant, help="the instant to fire for, with its time zone (default: now)")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument("--limit", type=int, help="at most this many orders")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]

        def report(fired: Fired) -> None:
            if fired.error or (dry_run and fired.clocks):
                self.stdout.write(f"{fired.reference}: {fired.error or ', '.join(fired.clocks)}")

        now = options["now"] or timezone.now()
        counts = process_due(now=now, limit=options["limit"], dry_run=dry_run, report=report)
        if options["verbosity"]:
            told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing due"
            self.stdout.write(f"would fire: {told}" if dry_run else told)
