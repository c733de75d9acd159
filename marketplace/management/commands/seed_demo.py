"""`manage.py seed_demo`: fill an empty database with people, gigs and orders to look at."""

from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from marketplace.demo.clock import simulated_clock
from marketplace.demo.history import tell
from marketplace.demo.tables import load
from marketplace.demo.world import LOGINS, PASSWORD, World
from marketplace.exceptions import DomainError
from messaging.services import on_the_site_alone


class Command(BaseCommand):
    help = "Load the demo data: people, gigs with drawn pictures, and orders in every state. For development only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="the same number gives the same demo (default 1)")
        parser.add_argument("--small", action="store_true", help="tiny pictures and a tenth of the finished orders")
        parser.add_argument("--if-empty", action="store_true", help="do nothing, quietly, when there are people already")
        parser.add_argument(
            "--force", action="store_true", help="put the demo beside what is there already; nothing is changed or deleted"
        )

    def handle(self, *args: Any, seed: int, small: bool, if_empty: bool, force: bool, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public, so it is never loaded where DEBUG is off.")
        if User.objects.exists():
            if if_empty:
                return
            if not force:
                raise CommandError("There are people in this database already. --force puts the demo beside them.")
            _refuse_demo_people()
        if options["verbosity"]:
            self.stdout.write("Loading the demo: drawing pictures, telling eight months of history ...")
        try:
            seed_demo(seed=seed, small=small)
        except DomainError as refusal:
            raise CommandError(f"The demo does not fit beside what is there: {refusal.message} Nothing was kept.") from refusal
        if options["verbosity"]:
            self.stdout.write(f"Demo logins, password {PASSWORD}:  {', '.join(LOGINS)}")


def _refuse_demo_people() -> None:
    addresses = [row["email"] for row in load("people")["person"]]
    there = User.objects.filter(email__in=addresses).count()
    if there:
        raise CommandError(f"The demo is here already: {there} of its {len(addresses)} people are in this database.")


def seed_demo(*, seed: int, small: bool) -> None:
    """All of it or nothing: one transaction, and the files that were written go again when it fails."""
    today = timezone.now()
    with ExitStack() as undo, simulated_clock(today) as clock, on_the_site_alone():
        with transaction.atomic():
            tell(World(seed=seed, today=today, clock=clock, undo=undo), small=small)
        undo.pop_all()
