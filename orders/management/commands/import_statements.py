from typing import Any

from django.core.management.base import BaseCommand

from orders.services.statement_uploads import continue_imports


class Command(BaseCommand):
    help = "Read the uploaded bank statements that are waiting: the sweep the background worker makes after an upload."

    def handle(self, *args: Any, **options: Any) -> None:
        finished = continue_imports()
        if options["verbosity"]:
            self.stdout.write(f"{finished} finished")
