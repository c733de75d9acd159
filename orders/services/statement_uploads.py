"""Uploaded statements: kept privately until they are read, at once or by the background worker; and how tables are laid out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from uuid import UUID

import structlog
from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.background import wake
from marketplace.exceptions import DomainError
from marketplace.uploads import private_storage
from orders.exceptions import LineRefused
from orders.models import BankStatement, PaymentMethod
from orders.services.statements import check_importer, kept_as, read_into, readable, sha256_of, statement_of
from orders.statements import CsvMapping, detect_format, guess_mapping
from orders.statements.encodings import decode_head
from orders.statements.formats import Format

log = structlog.get_logger(__name__)

HEAD = 65_536
AT_ONCE_BYTES = 300_000  # files up to here, some two thousand entries, are read while the moderator waits


def receive_statement(*, actor: User, method: PaymentMethod, file: BinaryIO, name: str, size: int) -> BankStatement:
    """Keep an uploaded file until it has been read by `continue_import`. Raises as `import_statement`."""
    check_importer(actor, method)
    digest = sha256_of(file, size)
    if not digest or not _needs_mapping(method, file):
        readable(file, method, size)
    statement = statement_of(actor, method, name, digest)
    if not is_kept(statement):
        file.seek(0)
        private_storage().save(kept_as(statement), File(file))
    return statement


def continue_import(*, statement: BankStatement) -> BankStatement:
    """Read the kept file of an upload: a small one now, a large one in the background worker. Raises StatementError."""
    if not is_kept(statement):  # somebody has finished it a moment ago
        statement.refresh_from_db()
    elif private_storage().size(kept_as(statement)) > AT_ONCE_BYTES:
        wake("import_statements")
    else:
        _read_kept(statement)
    return statement


def continue_imports() -> int:
    """The worker's sweep: read every kept file to its end. Returns how many were finished; one bad file stops no other."""
    finished = 0
    for statement in BankStatement.objects.filter(is_complete=False).select_related("payment_method"):
        if not is_kept(statement) or waits_for_columns(statement):
            continue
        try:
            _read_kept(statement)
        except DomainError as refusal:
            log.warning("statement not read", statement=str(statement.pk), reason=refusal.code)
        finished += statement.is_complete
    return finished


def _read_kept(statement: BankStatement) -> None:
    size = private_storage().size(kept_as(statement))
    with _open_kept(statement) as file:
        read_into(statement, readable(file, statement.payment_method, size), file, size, None)


def discard_upload(*, actor: User, statement: BankStatement) -> None:
    """Forget an upload of which nothing was read: the wrong file, or the wrong account."""
    check_importer(actor, statement.payment_method)
    if statement.lines_read or statement.is_complete:
        raise LineRefused(_("Entries of this file were read already. They stay."))
    name = kept_as(statement)
    statement.delete()
    private_storage().delete(name)


@transaction.atomic
def save_csv_mapping(*, actor: User, method_id: UUID, mapping: CsvMapping) -> PaymentMethod:
    """Remember how the tables of this account are laid out."""
    method = PaymentMethod.objects.select_for_update().get(pk=method_id)
    check_importer(actor, method)
    method.csv_mapping = mapping.to_json()
    method.save(update_fields=["csv_mapping", "updated_at"])
    return method


# --- What is to be known of a file that waits -----------------------------------------------------------------------
def is_kept(statement: BankStatement) -> bool:
    return not statement.is_complete and private_storage().exists(kept_as(statement))


def waits_for_columns(statement: BankStatement) -> bool:
    """Whether it is a table and nobody has said yet how this account's tables are laid out."""
    with _open_kept(statement) as file:
        return _needs_mapping(statement.payment_method, file)


def problem_of(statement: BankStatement) -> str:
    """Why the kept file cannot be read, as a sentence; "" where it can."""
    try:
        with _open_kept(statement) as file:
            readable(file, statement.payment_method, private_storage().size(kept_as(statement)))
    except DomainError as refusal:
        return refusal.message
    return ""


def guessed_columns(statement: BankStatement) -> CsvMapping | None:
    with _open_kept(statement) as file:
        return guess_mapping(file.read(HEAD))


def first_lines(statement: BankStatement, count: int) -> str:
    """The beginning of the table, to compare its columns with."""
    with _open_kept(statement) as file:
        text = decode_head(file.read(HEAD)).replace("\0", "")
    return "\n".join(line[:300] for line in text.splitlines()[:count])


def _needs_mapping(method: PaymentMethod, file: BinaryIO) -> bool:
    file.seek(0)
    return not method.csv_mapping and detect_format(file.read(HEAD)) == Format.CSV


@contextmanager
def _open_kept(statement: BankStatement) -> Iterator[BinaryIO]:
    with private_storage().open(kept_as(statement)) as file:
        yield cast(BinaryIO, file)
