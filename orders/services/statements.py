"""Bank statements: read once, entry by entry, in batches that survive a crash; whatever is read is held against the orders.

Nothing here moves money and nobody is told: that is `orders.services.statement_lines`, on a moderator's word.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain
from typing import BinaryIO

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.uploads import display_name, private_storage
from orders.exceptions import LineRefused
from orders.iban import compact, is_iban
from orders.models import BankStatement, PaymentMethod, StatementLine, UnreadableLine
from orders.selectors import VERIFY, may
from orders.services.statement_matching import Matcher, in_batches
from orders.statements import (
    MAX_STATEMENT_BYTES,
    CsvMapping,
    Kind,
    Line,
    StatementError,
    Unreadable,
    read_statement,
)
from orders.states import Custody

Progress = Callable[[int, int], None]  # entries read, and bytes of the file
Entries = Iterator[Line | Unreadable]
BATCH = 1_000


def import_statement(
    *,
    actor: User | None,
    method: PaymentMethod,
    file: BinaryIO,
    name: str,
    size: int,
    progress: Progress | None = None,
) -> BankStatement:
    """Keep every entry of the file once and hold it against the orders; `actor` None is the command line, `size` in bytes.

    A batch is one transaction. The same file again finishes what a crash left, and otherwise adds nothing. Raises LineRefused
    where this person may not or the account is a freelancer's, StatementError where the file as a whole cannot be read.
    """
    check_importer(actor, method)
    digest = sha256_of(file, size)
    entries = readable(file, method, size)
    statement = statement_of(actor, method, name, digest)
    read_into(statement, entries, file, size, progress)
    return statement


def check_importer(actor: User | None, method: PaymentMethod) -> None:
    if actor is not None and not may(actor, VERIFY):
        raise LineRefused(_("Only moderators who verify payments work with bank statements."))
    if method.custody != Custody.PLATFORM:
        raise LineRefused(_("“%(account)s” is a freelancer's own account. They check its payments.") % {"account": method.label})


def _mapping_of(method: PaymentMethod) -> CsvMapping | None:
    return CsvMapping.from_json(method.csv_mapping) if method.csv_mapping else None


def sha256_of(file: BinaryIO, size: int) -> str:
    """Of the file's bytes; "" where it is too large to be read at all."""
    if size > MAX_STATEMENT_BYTES:
        return ""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def statement_of(actor: User | None, method: PaymentMethod, name: str, digest: str) -> BankStatement:
    """The row of this file that is not finished, else a new one."""
    unfinished = BankStatement.objects.filter(payment_method=method, sha256=digest, is_complete=False).first()
    return unfinished or BankStatement.objects.create(
        payment_method=method,
        file_name=display_name(name),
        sha256=digest,
        imported_by=actor,
        imported_at=timezone.now(),
    )


def kept_as(statement: BankStatement) -> str:
    """Where an upload waits until it has been read."""
    return f"statements/{statement.pk}"


# --- Reading --------------------------------------------------------------------------------------------------------
def readable(file: BinaryIO, method: PaymentMethod, size: int) -> Entries:
    """The entries of the file. Raises StatementError where it is no statement, an empty one, or one of another account."""
    entries = read_statement(file, currency=method.currency, mapping=_mapping_of(method), size=size)
    first = next(entries, None)
    if first is None:
        raise StatementError(_("The file has no entries. Download a longer period."))
    if isinstance(first, Line) and _is_elsewhere(first.account, method.account_number):
        raise StatementError(
            _("This is the statement of account %(other)s, not of “%(account)s”. Choose the right account.")
            % {"other": first.account, "account": method.label}
        )
    return _own(chain([first], entries), method)


@lru_cache(maxsize=64)
def _is_elsewhere(stated: str, own: str) -> bool:
    """Whether the file names another account. Only IBANs can be compared: other numbers are written in several ways."""
    own, stated = compact(own), compact(stated)
    return is_iban(own) and is_iban(stated) and own != stated


def read_into(statement: BankStatement, entries: Entries, file: BinaryIO, size: int, progress: Progress | None) -> None:
    """Read on from where the last reader stopped. Where another one is at it, stop and leave it to them."""
    keys, matcher, known = _Keys(), Matcher(statement.payment_method), _positions_known(statement)
    read = 0
    for batch in in_batches(entries, BATCH):
        keyed = [(entry, keys.of(entry)) for entry in batch]
        read += len(batch)
        done = min(file.tell(), size)
        if read > statement.lines_read:
            fresh = [pair for pair in keyed[statement.lines_read - read :] if pair[0].position not in known]
            if not _keep(statement, fresh, matcher, lines_read=read, percent_read=100 * done // size):
                return
        if progress:
            progress(read, done)
    _finish(statement)


def _own(entries: Entries, method: PaymentMethod) -> Entries:
    """The entries; those of another account of the same file are nobody's deposit here."""
    for entry in entries:
        if isinstance(entry, Line) and _is_elsewhere(entry.account, method.account_number):
            reason = _("This entry is of another account: %(account)s.") % {"account": entry.account}
            entry = Unreadable(entry.position, entry.raw, reason)
        yield entry


def _positions_known(statement: BankStatement) -> set[int]:
    """Places of this very file that were read before, so that other columns chosen since make no new entries of them."""
    same = {"statement__payment_method": statement.payment_method_id, "statement__sha256": statement.sha256}
    lines = StatementLine.objects.filter(**same).order_by().values_list("position", flat=True)
    unreadable = UnreadableLine.objects.filter(**same).order_by().values_list("position", flat=True)
    return set(chain(lines.iterator(), unreadable.iterator()))


class _Keys:
    """What makes an entry the same one in every file: the bank's id, else its content and which of the identical ones it is."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def of(self, entry: Line | Unreadable) -> str:
        if isinstance(entry, Unreadable):
            return ""
        if entry.bank_id:
            return hashlib.sha256(f"id|{entry.bank_id}".encode()).hexdigest()
        said = (entry.booked_on.isoformat(), f"{entry.amount.normalize():f}", entry.currency, entry.kind)
        content = hashlib.sha256("|".join([*said, entry.text, entry.payer_name, entry.payer_account]).encode())
        self._seen[content.digest()[:12]] += 1
        content.update(f"|{self._seen[content.digest()[:12]]}".encode())
        return content.hexdigest()


@transaction.atomic
def _keep(statement: BankStatement, entries: list[tuple[Line | Unreadable, str]], matcher: Matcher, **reached: int) -> bool:
    """One batch, whole or not at all. False where another reader of the same file was faster."""
    mine = BankStatement.objects.filter(pk=statement.pk, lines_read=statement.lines_read, is_complete=False)
    unreadable = [entry for entry, _key in entries if isinstance(entry, Unreadable)]
    if not mine.update(lines_unreadable=statement.lines_unreadable + len(unreadable), **reached):
        return False
    statement.lines_unreadable += len(unreadable)
    statement.lines_read = reached["lines_read"]
    rows = [_row(statement, entry, key) for entry, key in entries if isinstance(entry, Line)]
    for row, verdict in zip(rows, matcher.verdicts(rows), strict=True):
        row.light, row.reasons, row.order_id = verdict.light, verdict.reasons, verdict.order_id
    StatementLine.objects.bulk_create(rows, ignore_conflicts=True)
    UnreadableLine.objects.bulk_create(
        (UnreadableLine(statement=statement, position=one.position, raw=one.raw, reason=one.reason[:500]) for one in unreadable),
        ignore_conflicts=True,
    )
    return True


def _row(statement: BankStatement, line: Line, key: str) -> StatementLine:
    return StatementLine(
        statement=statement,
        payment_method_id=statement.payment_method_id,
        key=key,
        position=line.position,
        booked_on=line.booked_on,
        amount=line.amount,
        currency=line.currency,
        kind=line.kind,
        bank_id=line.bank_id[:120],
        text=line.text,
        payer_name=line.payer_name[:200],
        payer_account=line.payer_account[:120],
        raw=line.raw,
    )


@transaction.atomic
def _finish(statement: BankStatement) -> None:
    _doubt_rivals(statement)
    statement.lines_new = statement.lines.count()
    statement.lines_unreadable = statement.unreadable.count()
    statement.percent_read, statement.is_complete = 100, True
    statement.save(update_fields=["lines_new", "lines_unreadable", "percent_read", "is_complete"])
    transaction.on_commit(lambda: private_storage().delete(kept_as(statement)))


def _doubt_rivals(statement: BankStatement) -> None:
    """Two entries that fit the same order are both for a person to look at: only one of them can be its payment."""
    waiting = StatementLine.objects.filter(
        payment_method=statement.payment_method_id, kind=Kind.CREDIT, state=StatementLine.State.OPEN, order__isnull=False
    )
    doubled = waiting.order_by().values_list("order").annotate(times=Count("pk")).filter(times__gt=1)
    for orders in in_batches((order_id for order_id, _times in doubled), BATCH):
        rivals = list(waiting.filter(order__in=orders, light=StatementLine.Light.GREEN))
        for line in rivals:
            line.light, line.reasons = StatementLine.Light.AMBER, [["two_entries"], *line.reasons]
        StatementLine.objects.bulk_update(rivals, ["light", "reasons"], batch_size=500)
