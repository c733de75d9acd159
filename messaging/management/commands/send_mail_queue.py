from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from messaging.services import send_due_mail


class Command(BaseCommand):
    help = "Send the mail that is due: the same sweep the background worker makes every minute."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=500, help="at most this many messages (default 500)")

    def handle(self, *args: Any, **options: Any) -> None:
        sent = send_due_mail(now=timezone.now(), limit=options["limit"])
        if options["verbosity"]:
            self.stdout.write(f"{sent} sent")
