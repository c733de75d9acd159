"""Batches and their files: what stands in them, that they stay the same, and that a spreadsheet runs nothing of them."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from defusedxml import ElementTree
from django.utils import timezone
from sepaxml.validation import try_valid_xml

from accounts.models import User
from gigs.tests.factories import GigFactory
from orders.exceptions import ActionNotAllowed, DisbursementRefused
from orders.models import Disbursement, LedgerTransfer, Order, PayoutBatch
from orders.payment_files import SEPA_SCHEMA, Debtor, FileRefused, Payment, csv_bytes, payments_csv, sepa_file
from orders.services import payouts
from orders.services.payout_batches import approve_all, create_batch, export_batch
from orders.states import Status
from orders.tests.factories import order_in
from orders.tests.test_payouts import IBAN, OTHER_IBAN, account_of, asked, payer, refund_of, released, second_payer, take

__all__ = ["payer", "second_payer"]  # fixtures
NS = f"{{urn:iso:std:iso:20022:tech:xsd:{SEPA_SCHEMA}}}"


@pytest.fixture
def debtor(settings) -> None:
    settings.SEPA_DEBTOR_NAME, settings.SEPA_DEBTOR_IBAN, settings.SEPA_DEBTOR_BIC = "Börse & Söhne", OTHER_IBAN, ""


@pytest.fixture
def approved(buyer: User, freelancer: User, payer: User) -> list[Disbursement]:
    """A payout of 100.00 and a refund of 120.00, both to IBANs."""
    released(buyer, freelancer)
    refund = refund_of(buyer, freelancer)
    take(payouts.set_refund_account, buyer, refund, account_id=account_of(buyer, OTHER_IBAN).pk)
    return [take(payouts.approve, payer, row) for row in (asked(freelancer), refund)]


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.usefixtures("debtor")
def test_euros_become_a_sepa_file(approved: list[Disbursement], payer: User, settings):
    batch = create_batch(actor=payer, currency="EUR")
    name, content = export_batch(actor=payer, batch_id=batch.pk)
    try_valid_xml(content, SEPA_SCHEMA)
    document = ElementTree.fromstring(content)
    transfers = {node.findtext(f".//{NS}EndToEndId"): node for node in document.iter(f"{NS}CdtTrfTxInf")}
    payout, refund = approved
    assert name == f"payouts-{batch.number}-EUR.xml" and set(transfers) == {payout.pk.hex, refund.pk.hex}
    paid = transfers[payout.pk.hex]
    assert paid.find(f".//{NS}InstdAmt").text == "100.00" and paid.find(f".//{NS}InstdAmt").get("Ccy") == "EUR"
    assert paid.findtext(f".//{NS}Cdtr/{NS}Nm") == "Jose Niguez"
    assert paid.findtext(f".//{NS}CdtrAcct//{NS}IBAN") == IBAN and paid.findtext(f".//{NS}BICFI") == "COBADEFFXXX"
    text = transfers[refund.pk.hex].findtext(f".//{NS}Ustrd")
    assert text == f"{settings.SITE_NAME} {refund.order.payment_reference}"
    assert document.findtext(f".//{NS}GrpHdr/{NS}CtrlSum") == "220.00"
    assert document.findtext(f".//{NS}Dbtr/{NS}Nm") == "Borse Sohne"
    assert document.findtext(f".//{NS}DbtrAcct//{NS}IBAN") == OTHER_IBAN
    assert document.findtext(f".//{NS}DbtrAgt//{NS}BICFI") == "ABNANL2A"


@pytest.mark.usefixtures("debtor")
def test_exporting_moves_nothing_and_gives_the_same_file_again(approved: list[Disbursement], payer: User, second_payer: User):
    batch = create_batch(actor=payer, currency="EUR")
    before = list(Disbursement.objects.order_by("pk").values("state", "version")), LedgerTransfer.objects.count()
    first = export_batch(actor=payer, batch_id=batch.pk)
    assert export_batch(actor=second_payer, batch_id=batch.pk) == first
    assert (list(Disbursement.objects.order_by("pk").values("state", "version")), LedgerTransfer.objects.count()) == before
    assert PayoutBatch.objects.get().exported_by == payer
    take(payouts.send, payer, approved[0], reference="B-1")
    assert export_batch(actor=payer, batch_id=batch.pk) == first


@pytest.mark.usefixtures("debtor")
def test_what_failed_is_never_in_a_file_again(approved: list[Disbursement], payer: User, freelancer: User):
    batch = create_batch(actor=payer, currency="EUR")
    take(payouts.fail, payer, approved[0], note="Closed.")
    _name, content = export_batch(actor=payer, batch_id=batch.pk)
    assert approved[0].pk.hex not in content.decode() and approved[1].pk.hex in content.decode()
    row = take(payouts.retry, freelancer, approved[0])
    assert row.batch is None
    take(payouts.approve, payer, row)
    assert create_batch(actor=payer, currency="EUR").number == batch.number + 1


def test_a_batch_takes_only_what_is_approved_and_free(approved: list[Disbursement], payer: User, second_payer: User):
    batch = create_batch(actor=payer, currency="EUR")
    assert set(batch.disbursements.all()) == set(approved)
    with pytest.raises(DisbursementRefused):
        create_batch(actor=second_payer, currency="EUR")
    with pytest.raises(DisbursementRefused):
        create_batch(actor=payer, currency="KES")
    assert PayoutBatch.objects.count() == 1


def test_nobody_makes_or_exports_a_batch_with_their_own_money(
    approved: list[Disbursement], buyer: User, payer: User, second_payer: User, freelancer: User
):
    released(buyer, payer)
    own = take(payouts.approve, second_payer, asked(payer, "10"))
    batch = create_batch(actor=payer, currency="EUR")
    assert own not in batch.disbursements.all()
    others = create_batch(actor=second_payer, currency="EUR")
    assert list(others.disbursements.all()) == [own]
    for person in (payer, freelancer):
        with pytest.raises(ActionNotAllowed):
            export_batch(actor=person, batch_id=others.pk)
    with pytest.raises(ActionNotAllowed):
        create_batch(actor=freelancer, currency="EUR")
    assert PayoutBatch.objects.get(pk=others.pk).exported_at is None


def test_without_an_account_of_the_platform_there_is_no_sepa_file(approved: list[Disbursement], payer: User, settings):
    settings.SEPA_DEBTOR_IBAN = ""
    batch = create_batch(actor=payer, currency="EUR")
    with pytest.raises(DisbursementRefused, match="SEPA_DEBTOR_IBAN"):
        export_batch(actor=payer, batch_id=batch.pk)
    assert PayoutBatch.objects.get().exported_at is None


@pytest.mark.usefixtures("debtor")
def test_euros_to_a_wallet_stand_in_a_list_beside_the_sepa_file(
    approved: list[Disbursement], buyer: User, stranger: User, payer: User
):
    released(buyer, stranger)
    wallet = account_of(stranger, "+49 170 1234567", "EUR", "mobile")
    row = payouts.request_payout(actor=stranger, account_id=wallet.pk, amount=Decimal("7.5"))
    take(payouts.approve, payer, row)
    batch = create_batch(actor=payer, currency="EUR")
    _name, sepa = export_batch(actor=payer, batch_id=batch.pk)
    name, listed = export_batch(actor=payer, batch_id=batch.pk, as_list=True)
    assert row.pk.hex not in sepa.decode() and name.endswith(".csv")
    (line,) = rows_of(listed)[1:]
    assert line[:4] == [row.pk.hex, stranger.full_name, "mobile", "+491701234567"]
    assert line[5:7] == ["7.50", "EUR"]


def test_other_currencies_become_a_list(buyer: User, freelancer: User, payer: User):
    gig = GigFactory(freelancer=freelancer, price=Decimal(5000), currency="KES")
    order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, gig=gig)
    Order.objects.update(hold_until=timezone.now() - timedelta(seconds=1))
    account = account_of(freelancer, "0712345678", "KES", "mobile")
    row = payouts.request_payout(actor=freelancer, account_id=account.pk, amount=Decimal(4500))
    take(payouts.approve, payer, row)
    batch = create_batch(actor=payer, currency="KES")
    name, content = export_batch(actor=payer, batch_id=batch.pk)
    assert name == f"payouts-{batch.number}-KES.csv"
    assert rows_of(content)[1][3:7] == ["0712345678", "", "4500.00", "KES"]


def test_many_are_approved_each_on_its_own(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    payout, refund = asked(freelancer), refund_of(buyer, freelancer)
    approved, refused = approve_all(actor=payer, seen={payout.pk: payout.version, refund.pk: refund.version})
    assert approved == 1
    assert [(row.pk, "where the money goes" in why) for row, why in refused] == [(refund.pk, True)]
    assert Disbursement.objects.get(pk=payout.pk).state == "approved"


@pytest.mark.once
@pytest.mark.parametrize("evil", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "%0A=1", "|x"])
def test_no_cell_of_a_csv_file_is_a_formula(evil: str):
    (_head, row) = rows_of(csv_bytes(["name", "amount"], [[evil, "-12.50"]]))
    assert row[0].startswith("'") and row[1] == "-12.50"


@pytest.mark.once
@pytest.mark.parametrize(
    ("kind", "account", "written"),
    [
        ("mobile", "+254712345678", "+254712345678"),
        ("mobile", "+254 (712) 345-678", "+254712345678"),
        ("mobile", "0712 345 678", "0712345678"),
        ("mobile", "+254712345678+1", "'+254712345678+1"),
        ("mobile", "+1-2", "'+1-2"),
        ("mobile", "+254712345678\n=1+1", "'+254712345678\n=1+1"),
        ("mobile", "=+254712345678", "'=+254712345678"),
        ("mobile", "amara@wallet.example", "amara@wallet.example"),
        ("bank", "+254 712 345 678", "'+254 712 345 678"),
    ],
)
def test_a_phone_number_is_written_as_a_wallet_reads_it_and_nothing_else_gets_through(kind: str, account: str, written: str):
    payment = Payment("a" * 32, "José", kind, account, "", Decimal(1), "KES", "x")
    assert rows_of(payments_csv([payment]))[1][3] == written


@pytest.mark.once
def test_a_text_no_bank_takes_is_written_in_letters_it_takes():
    spaced, no_bic = "de89 3704 0044 0532 0130 00", "the bank at the corner"
    payment = Payment("a" * 32, "李伟 <script>&", "bank", spaced, no_bic, Decimal("0.01"), "EUR", "x" * 200)
    content = sepa_file(
        debtor=Debtor("Ø" * 90, OTHER_IBAN, ""), payments=[payment], message_id="M-1", at=datetime(2026, 11, 21, tzinfo=UTC)
    )
    document = ElementTree.fromstring(content)
    assert document.findtext(f".//{NS}Cdtr/{NS}Nm") == "Li Wei script"
    assert document.findtext(f".//{NS}CdtrAcct//{NS}IBAN") == IBAN and document.find(f".//{NS}BICFI") is None
    assert document.findtext(f".//{NS}Ustrd") == "x" * 140
    assert document.findtext(f".//{NS}Dbtr/{NS}Nm") == "O" * 70


@pytest.mark.once
def test_a_file_the_schema_refuses_is_never_given_out():
    payment = Payment("a" * 36, "José", "bank", IBAN, "", Decimal("0.01"), "EUR", "x")  # an id that is too long
    with pytest.raises(FileRefused):
        sepa_file(debtor=Debtor("B", OTHER_IBAN, ""), payments=[payment], message_id="M-1", at=datetime(2026, 11, 21, tzinfo=UTC))
