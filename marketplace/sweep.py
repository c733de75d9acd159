"""What the commands have in common that make one sweep of the background worker's, for cron or by hand."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone


class SweepCommand(BaseCommand):
    """`sweep` is told the time and answers how many; `done` is what has become of them."""

    sweep: Callable[..., int]
    done: str

    def handle(self, *args: Any, **options: Any) -> None:
        count = self.sweep(now=timezone.now())
        if options["verbosity"]:
            self.stdout.write(f"{count} {self.done}")
