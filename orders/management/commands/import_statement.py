import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from marketplace.exceptions import DomainError
from orders.models import BankStatement, PaymentMethod
from orders.selectors.statements import count_waiting, get_method
from orders.services.statements import import_statement


class Command(BaseCommand):
    help = "Import a bank statement (CSV, MT940, CAMT.052/053/054, OFX/QFX) of one of the platform's accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--method", required=True, help="id of the payment method the statement is of")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            statement = self._import(options["file"], _method(options["method"]), quiet=not options["verbosity"])
        except OSError as missing:
            raise CommandError(f"{options['file']} cannot be opened: {missing.strerror}.") from missing
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        if not statement.is_complete:
            raise CommandError("Another import of this file is running. It reads the rest.")
        if options["verbosity"]:
            self._sum_up(statement)

    def _import(self, path: Path, method: PaymentMethod, *, quiet: bool) -> BankStatement:
        size = path.stat().st_size
        with (
            path.open("rb") as file,
            tqdm(total=size, unit="B", unit_scale=True, disable=quiet or not sys.stderr.isatty(), desc=path.name) as bar,
        ):

            def progress(lines: int, done: int) -> None:
                bar.set_postfix(entries=lines, refresh=False)
                bar.update(done - bar.n)

            return import_statement(actor=None, method=method, file=file, name=path.name, size=size, progress=progress)

    def _sum_up(self, statement: BankStatement) -> None:
        self.stdout.write(
            f"{statement.lines_read} entries read, {statement.lines_new} new, {statement.lines_unreadable} unreadable"
        )
        lights = count_waiting([statement])[statement.pk]
        self.stdout.write(", ".join(f"{lights[light]} {light}" for light in ("green", "amber", "red")) + " to be looked at")


def _method(text: str) -> PaymentMethod:
    try:
        return get_method(UUID(text))
    except (ValueError, PaymentMethod.DoesNotExist) as unknown:
        raise CommandError(f"There is no payment method {text}. Its id stands in the address of its page in admin.") from unknown
