"""Importing statements: every entry once, whatever comes twice, overlaps, breaks off or cannot be read; and what it fits."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from messaging.models import Notification
from orders.exceptions import LineRefused
from orders.models import BankStatement, LedgerTransfer, Order, PaymentMethod, StatementLine, UnreadableLine
from orders.references import new_reference
from orders.selectors import VERIFY, may
from orders.services import payments, statement_uploads, statements
from orders.services.statement_matching import Matcher
from orders.statements import CsvMapping, Kind, StatementError
from orders.states import Status
from orders.tests.bank_files.make import Deposit, deposits, make_camt, make_csv, make_mt940, make_ofx
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory, hand_in_proof, order_in, place

TODAY = timezone.now().date()
Light = StatementLine.Light


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(client=buyer, freelancer=freelancer)


@pytest.fixture
def method(order: Order) -> PaymentMethod:
    return order.payment_method


def table(*rows: str) -> bytes:
    return "\n".join(["Date,Description,Amount,Payer name,Currency,Transaction ID", *rows]).encode()


def row(text: str, amount: str = "120.00", payer: str = "Amara Okafor", day: date = TODAY, bank_id: str = "") -> str:
    return f'{day.isoformat()},"{text}","{amount}",{payer},EUR,{bank_id}'


def imported(method: PaymentMethod, data: bytes, *, actor: User | None = None, **options: object) -> BankStatement:
    file = io.BytesIO(data)
    return statements.import_statement(actor=actor, method=method, file=file, name="november.csv", size=len(data), **options)


def lines_of(method: PaymentMethod) -> list[StatementLine]:
    return list(method.statement_lines.order_by("statement__imported_at", "position"))


def paid(order: Order, amount: str = "120", bank_id: str = "B1") -> Deposit:
    return Deposit(order.payment_reference, Decimal(amount), "Amara Okafor", TODAY, bank_id)


# --- Once -----------------------------------------------------------------------------------------------------------
def test_a_statement_is_kept_entry_by_entry(method: PaymentMethod, moderator: User):
    statement = imported(method, table(row("Order one", bank_id="A1"), row("Rent", "-800.00")), actor=moderator)
    deposit, rent = lines_of(method)
    assert (statement.lines_read, statement.lines_new, statement.lines_unreadable) == (2, 2, 0)
    assert (statement.is_complete, statement.percent_read, statement.imported_by) == (True, 100, moderator)
    assert (deposit.booked_on, deposit.amount, deposit.currency, deposit.kind) == (TODAY, Decimal(120), "EUR", Kind.CREDIT)
    assert (deposit.text, deposit.payer_name, deposit.bank_id) == ("Order one", "Amara Okafor", "A1")
    assert (rent.kind, rent.amount, rent.light, rent.reasons) == (Kind.DEBIT, Decimal(800), Light.NONE, [["debit"]])
    assert "Order one" in deposit.raw


@pytest.mark.parametrize("make", [make_csv, make_camt, make_mt940, make_ofx])
def test_a_file_imported_twice_adds_nothing(make: Callable[..., bytes], method: PaymentMethod):
    PaymentMethod.objects.filter(pk=method.pk).update(account_number="12345")
    method.refresh_from_db()
    data = make(deposits(25))
    first = imported(method, data)
    kept = lines_of(method)
    again = imported(method, data)
    assert (first.lines_new, again.lines_read, again.lines_new, again.is_complete) == (25, 25, 0, True)
    assert lines_of(method) == kept


def test_two_identical_transfers_both_survive_and_only_they(method: PaymentMethod):
    data = table(row("Gift"), row("Gift"), row("Other"))
    imported(method, data)
    assert [line.text for line in lines_of(method)] == ["Gift", "Gift", "Other"]
    imported(method, data + b"\n")  # another file, the same entries
    assert len(lines_of(method)) == 3


def test_an_entry_with_the_banks_own_id_is_the_same_one_whatever_its_text(method: PaymentMethod):
    imported(method, table(row("Gift", bank_id="A1"), row("Gift", bank_id="A2")))
    imported(method, table(row("GIFT Amara", bank_id="A2"), row("Gift", bank_id="A3")))
    assert [line.bank_id for line in lines_of(method)] == ["A1", "A2", "A3"]


def test_overlapping_files_add_what_is_new(method: PaymentMethod):
    days = [TODAY - timedelta(days=n) for n in (3, 2, 1, 0)]
    rows = [row("Gift", day=day) for day in days]
    imported(method, table(*rows[:3], rows[2]))
    second = imported(method, table(*rows[1:], rows[2]))
    assert (second.lines_read, second.lines_new) == (4, 1)
    assert sorted(line.booked_on for line in lines_of(method)) == [*days[:3], days[2], days[3]]


def test_the_same_entry_on_two_accounts_is_two(method: PaymentMethod):
    other = PlatformMethodFactory()
    for account in (method, other):
        imported(account, table(row("Gift", bank_id="A1")))
    assert StatementLine.objects.count() == 2


def test_a_booked_entry_is_not_taken_for_the_pending_one(method: PaymentMethod):
    heading = "Date,Description,Amount,Status"
    for status in ("Pending", "Booked"):
        imported(method, f"{heading}\n{TODAY},Gift,120.00,{status}\n".encode())
    assert [line.kind for line in lines_of(method)] == [Kind.PENDING, Kind.CREDIT]


def test_columns_chosen_anew_make_no_new_entries_of_the_same_file(method: PaymentMethod, moderator: User):
    data = table(row("Gift"), row("Other", amount="oops"))
    imported(method, data)
    mapping = CsvMapping(date="Date", amount="Amount", text=("Payer name",))
    statement_uploads.save_csv_mapping(actor=moderator, method_id=method.pk, mapping=mapping)
    method.refresh_from_db()
    again = imported(method, data)
    assert (again.lines_new, again.lines_unreadable) == (0, 0)
    assert [line.text for line in lines_of(method)] == ["Gift"]
    assert UnreadableLine.objects.count() == 1


# --- Crashes --------------------------------------------------------------------------------------------------------
class Killed(BaseException):
    pass


def test_a_kill_between_batches_leaves_whole_batches_and_the_file_again_finishes_the_rest(method: PaymentMethod, monkeypatch):
    monkeypatch.setattr(statements, "BATCH", 10)
    data = table(*(row(f"Gift {n // 2}") for n in range(33)), row("Broken", "?"))

    def die(read: int, _bytes: int) -> None:
        if read == 20:
            raise Killed

    with pytest.raises(Killed):
        imported(method, data, progress=die)
    half = BankStatement.objects.get()
    assert (half.lines_read, half.is_complete, half.lines.count()) == (20, False, 20)
    whole = imported(method, data)
    assert whole == half
    assert (whole.lines_read, whole.lines_new, whole.lines_unreadable, whole.is_complete) == (34, 33, 1, True)
    assert len(lines_of(method)) == 33
    assert imported(method, data).lines_new == 0


def test_a_kill_inside_a_batch_leaves_nothing_of_it(method: PaymentMethod, monkeypatch):
    monkeypatch.setattr(statements, "BATCH", 10)

    def die(*_args: object, **_options: object) -> None:
        raise Killed

    data = table(*(row(f"Gift {n}") for n in range(15)))
    with monkeypatch.context() as broken:
        broken.setattr(UnreadableLine.objects, "bulk_create", die)
        with pytest.raises(Killed):
            imported(method, data)
    assert (BankStatement.objects.get().lines_read, StatementLine.objects.count()) == (0, 0)
    assert imported(method, data).lines_new == 15


def test_a_second_reader_of_the_same_file_steps_back(method: PaymentMethod, monkeypatch):
    monkeypatch.setattr(statements, "BATCH", 10)
    data = table(*(row(f"Gift {n}") for n in range(30)))

    def overtake(read: int, _bytes: int) -> None:
        if read == 10:
            assert imported(method, data).is_complete

    slow = imported(method, data, progress=overtake)
    slow.refresh_from_db()
    assert (slow.is_complete, slow.lines_read, slow.lines_new) == (True, 30, 30)
    assert len(lines_of(method)) == 30


# --- What cannot be read ------------------------------------------------------------------------------------------------
def test_an_unreadable_line_is_quarantined_and_never_nothing(method: PaymentMethod, order: Order):
    Notification.objects.all().delete()
    statement = imported(method, table(row("Gift"), row("Odd", "12,34.5"), row("Late", day=TODAY + timedelta(days=30))))
    assert [line.text for line in lines_of(method)] == ["Gift"]
    odd, late = statement.unreadable.all()
    assert "12,34.5" in odd.reason
    assert "future" in late.reason
    assert (odd.position, statement.lines_unreadable) == (3, 2)
    assert "Odd" in odd.raw
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7 hello", b"\x00\x01\x02" * 50, b"<?xml version='1.0'?><a/>", b"Date,Description\n"]
)
def test_a_wrong_file_is_refused_with_a_sentence_and_leaves_no_row(data: bytes, method: PaymentMethod):
    with pytest.raises(StatementError) as refusal:
        imported(method, data)
    assert refusal.value.message.endswith(".")
    assert not BankStatement.objects.exists()


def test_a_huge_file_is_refused_without_reading_it(method: PaymentMethod):
    class Huge(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(StatementError):
        statements.import_statement(actor=None, method=method, file=Huge(), name="huge.csv", size=200_000_000)


def test_the_statement_of_another_account_is_refused(method: PaymentMethod):
    with pytest.raises(StatementError) as refusal:
        imported(method, make_camt(deposits(2)))
    assert "DE02120300000000202051" in refusal.value.message
    assert not BankStatement.objects.exists()


def test_texts_of_ten_thousand_characters_are_kept_in_part(method: PaymentMethod, order: Order):
    statement = imported(method, table(row(f"{order.payment_reference} {'x' * 10_000}")))
    line = statement.lines.get()
    assert 1000 < len(line.text) <= 2000
    assert line.order == order


def test_formulas_and_nul_are_kept_as_text(method: PaymentMethod):
    imported(method, table(row("=HYPERLINK(1)", payer="@SUM(A1)"), row("NUL \x00 inside")))
    first, second = lines_of(method)
    assert (first.text, first.payer_name) == ("=HYPERLINK(1)", "@SUM(A1)")
    assert "\x00" not in second.text + second.raw


def test_a_bank_id_of_any_length_is_kept_once(method: PaymentMethod):
    long = "A" * 150
    for end in (b"", b"\n"):
        imported(method, table(row("Gift", bank_id=long), row("Gift", bank_id=f"{long}B")) + end)
    assert len(lines_of(method)) == 2


# --- Who ------------------------------------------------------------------------------------------------------------
def test_only_verifiers_import(method: PaymentMethod, stranger: User, moderator: User):
    for actor in (stranger, method.orders.get().client):
        with pytest.raises(LineRefused):
            imported(method, table(row("Gift")), actor=actor)
    assert not BankStatement.objects.exists()
    assert may(moderator, VERIFY)
    assert imported(method, table(row("Gift")), actor=moderator).lines_new == 1


def test_a_freelancers_account_has_no_statements_here(freelancer: User, moderator: User):
    with pytest.raises(LineRefused):
        imported(DirectMethodFactory(owner=freelancer), table(row("Gift")), actor=moderator)
    assert not BankStatement.objects.exists()


# --- What it fits ---------------------------------------------------------------------------------------------------
def test_a_deposit_with_the_reference_and_the_amount_due_is_green_and_changes_nothing(method: PaymentMethod, order: Order):
    imported(method, table(row(f"Invoice {order.payment_reference.lower()} thanks")))
    line = StatementLine.objects.get()
    assert (line.light, line.order, line.state) == (Light.GREEN, order, "open")
    assert line.reasons == [["amount"], ["reference"], ["payer_name"]]
    order.refresh_from_db()
    assert (order.status, order.version) == (Status.PENDING_PAYMENT, 1)
    assert not LedgerTransfer.objects.exists()


def test_lights_of_a_mixed_statement(method: PaymentMethod, order: Order, stranger: User, freelancer: User):
    others = [place(stranger, order.gig, method) for _ in range(4)]
    handed_in = hand_in_proof(others[2], transaction_reference="FT 2308-1777", payer_name="Ingrid Bø")
    gone = place(stranger, order.gig, method)
    Order.objects.filter(pk=gone.pk).update(status=Status.EXPIRED, expired_at=timezone.now())
    statement = imported(
        method,
        table(
            row(order.payment_reference, "120.00"),
            row(others[0].payment_reference, "100.00", payer="Li Wei"),
            row(others[1].payment_reference, "130.00", payer="Li Wei"),
            row("no reference", "120.00", payer="Bø Ingrid", bank_id="FT23081777"),
            row(gone.payment_reference, "120.00", payer="Li Wei"),
            row("no reference at all", "77.00", payer="Somebody Else"),
            row(f"{order.payment_reference} and {others[0].payment_reference}", "240.00"),
        ),
    )
    found = {line.position: (line.light, line.order, line.reasons[0]) for line in statement.lines.all()}
    assert list(found.values()) == [
        (Light.GREEN, order, ["amount"]),
        (Light.AMBER, others[0], ["amount_under", "20"]),
        (Light.AMBER, others[1], ["amount_over", "10"]),
        (Light.AMBER, handed_in, ["amount"]),
        (Light.RED, gone, ["late", "EXPIRED"]),
        (Light.RED, None, ["no_reference"]),
        (
            Light.AMBER,
            None,
            [
                "several_named",
                order.payment_reference,
                others[0].payment_reference,
            ],
        ),
    ]


def test_a_payer_without_a_reference_is_amber(method: PaymentMethod, order: Order):
    imported(method, table(row("thank you", payer="OKAFOR AMARA")))
    line = StatementLine.objects.get()
    assert (line.light, line.order, line.reasons) == (Light.AMBER, order, [["amount"], ["no_reference"], ["payer_name"]])


def test_two_entries_for_the_same_order_are_both_doubted(method: PaymentMethod, order: Order):
    imported(method, table(row(order.payment_reference, bank_id="A1"), row(order.payment_reference, bank_id="A2")))
    assert [(line.light, line.reasons[0]) for line in lines_of(method)] == [(Light.AMBER, ["two_entries"])] * 2


def test_a_payment_confirmed_by_hand_is_recognised(method: PaymentMethod, order: Order, moderator: User):
    submitted = hand_in_proof(order, transaction_reference="FT1")
    payments.confirm_payment(actor=moderator, order_id=order.pk, seen=submitted.version, received_amount=Decimal(120))
    imported(method, table(row(order.payment_reference), row(order.payment_reference, "60.00")))
    assert [(line.light, line.reasons[0]) for line in lines_of(method)] == [(Light.AMBER, ["known"]), (Light.RED, ["double"])]


def test_money_taken_back_is_a_problem_and_no_deposit(method: PaymentMethod, order: Order, moderator: User):
    data = make_camt([paid(order)]).replace(b"DE02120300000000202051", method.account_number.encode())
    imported(method, data)
    back = data.replace(b"<Sts>", b"<RvslInd>true</RvslInd><Sts>").replace(b"<CdtDbtInd>CRDT", b"<CdtDbtInd>DBIT")
    imported(method, back)
    first, second = lines_of(method)
    assert (first.kind, first.light) == (Kind.CREDIT, Light.GREEN)
    assert (second.kind, second.light, second.order, second.reasons) == (Kind.REVERSAL, Light.RED, order, [["reversal"]])


def test_a_reference_of_nobody_is_red(method: PaymentMethod):
    imported(method, table(row(new_reference(), "55.00", payer="Nobody")))
    assert StatementLine.objects.get().light == Light.RED


def test_matching_takes_as_many_queries_for_three_hundred(method: PaymentMethod, order: Order, django_assert_num_queries):
    def entries(count: int) -> list[StatementLine]:
        texts = (f"{order.payment_reference}", new_reference(), f"FT{count}00000", "K7M4 9Q0X")
        return [
            StatementLine(
                kind=Kind.CREDIT, text=text, booked_on=TODAY, amount=Decimal(n + 1), currency="EUR", payer_name="Li Wei"
            )
            for n in range(count)
            for text in texts
        ]

    with CaptureQueriesContext(connection) as needed:
        Matcher(method).verdicts(entries(1))
    with django_assert_num_queries(len(needed)):
        Matcher(method).verdicts(entries(75))


# --- Uploads --------------------------------------------------------------------------------------------------------
def kept_files() -> set[Path]:
    folder = Path(settings.STORAGES["private"]["OPTIONS"]["location"], "statements")
    return set(folder.glob("*")) if folder.is_dir() else set()


def received(method: PaymentMethod, actor: User, data: bytes) -> BankStatement:
    file = SimpleUploadedFile("november.csv", data)
    return statement_uploads.receive_statement(actor=actor, method=method, file=file.file, name=file.name, size=file.size)


def test_an_upload_is_kept_until_it_was_read(
    method: PaymentMethod, moderator: User, django_capture_on_commit_callbacks: Callable[..., object]
):
    before = kept_files()
    mapping = CsvMapping(date="Date", amount="Amount", text=("Description",))
    statement_uploads.save_csv_mapping(actor=moderator, method_id=method.pk, mapping=mapping)
    method.refresh_from_db()
    statement = received(method, moderator, table(row("Gift")))
    assert len(kept_files() - before) == 1
    assert received(method, moderator, table(row("Gift"))) == statement
    with django_capture_on_commit_callbacks(execute=True):
        call_command("import_statements", verbosity=0)
    statement.refresh_from_db()
    assert (statement.is_complete, statement.lines_new) == (True, 1)
    assert kept_files() == before


def test_a_table_waits_until_somebody_has_said_what_its_columns_are(method: PaymentMethod, moderator: User):
    statement = received(method, moderator, b"When,What,How much\n2026-11-01,Gift,12.00\n")
    assert statement_uploads.continue_imports() == 0
    mapping = CsvMapping(date="When", amount="How much", text=("What",))
    statement_uploads.save_csv_mapping(actor=moderator, method_id=method.pk, mapping=mapping)
    assert statement_uploads.continue_imports() == 1
    assert statement.lines.get().text == "Gift"


def test_a_file_that_cannot_be_read_stops_no_other(method: PaymentMethod, moderator: User):
    other = PlatformMethodFactory(account_number="none")
    waiting = received(method, moderator, table(row("Gift")))
    mapping = CsvMapping(date="When", amount="How much")
    statement_uploads.save_csv_mapping(actor=moderator, method_id=method.pk, mapping=mapping)
    good = received(other, moderator, make_camt(3))
    assert statement_uploads.continue_imports() == 1
    waiting.refresh_from_db()
    good.refresh_from_db()
    assert (waiting.is_complete, good.is_complete) == (False, True)


def test_an_upload_of_which_nothing_was_read_can_be_discarded(method: PaymentMethod, moderator: User, stranger: User):
    before = kept_files()
    statement = received(method, moderator, table(row("Gift")))
    with pytest.raises(LineRefused):
        statement_uploads.discard_upload(actor=stranger, statement=statement)
    statement_uploads.discard_upload(actor=moderator, statement=statement)
    assert not BankStatement.objects.exists()
    assert kept_files() == before
    done = imported(method, table(row("Gift")))
    with pytest.raises(LineRefused):
        statement_uploads.discard_upload(actor=moderator, statement=done)
    assert BankStatement.objects.get() == done


# --- The command ----------------------------------------------------------------------------------------------------
def command(path: Path, method: object) -> str:
    out = io.StringIO()
    call_command("import_statement", str(path), method=str(method), stdout=out)
    return out.getvalue()


def test_the_command_imports_and_sums_up(method: PaymentMethod, order: Order, tmp_path: Path):
    file = tmp_path / "november.csv"
    file.write_bytes(table(row(order.payment_reference), row("Gift", "5.00"), row("Odd", "?")))
    said = command(file, method.pk)
    assert "3 entries read, 2 new, 1 unreadable" in said
    assert "1 green" in said
    assert "1 red" in said
    assert "0 new" in command(file, method.pk)


@pytest.mark.parametrize("content", [None, b"", b"%PDF-1.7"])
def test_the_command_ends_with_a_sentence_for_a_wrong_file(content: bytes | None, method: PaymentMethod, tmp_path: Path):
    file = tmp_path / "file.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError) as refusal:
        command(file, method.pk)
    assert str(refusal.value).endswith(".")
    assert not BankStatement.objects.exists()


def test_the_command_wants_an_account_of_the_platform(freelancer: User, tmp_path: Path, db: None):
    file = tmp_path / "file.csv"
    file.write_bytes(table(row("Gift")))
    for method in ("nonsense", "2e0c5d52-2b5c-4f69-8d0b-6c1c9a6c7f10", DirectMethodFactory(owner=freelancer).pk):
        with pytest.raises(CommandError):
            command(file, method)
    assert not BankStatement.objects.exists()
