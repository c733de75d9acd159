from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from orders.services.receipts import issue_receipts


class Command(BaseCommand):
    help = "Number the receipts of confirmed payments: the same sweep the background worker makes every minute."

    def handle(self, *args: Any, **options: Any) -> None:
        issued = issue_receipts(now=timezone.now())
        if options["verbosity"]:
            self.stdout.write(f"{issued} issued")
