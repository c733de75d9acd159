from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from orders.forms import (
    ApproveForm,
    CancelForm,
    ConfirmPaymentForm,
    RejectPaymentForm,
    RequestRevisionForm,
    SubmitPaymentForm,
    SubmitWorkForm,
)
from orders.models import Order
from orders.proposal_forms import (
    AskPauseForm,
    DeclineForm,
    GrantPauseForm,
    ProposeCancellationForm,
    ProposeExtensionForm,
    ShareField,
)
from orders.states import Custody
from orders.tests.factories import picture

UNSEEN = ["Amara\x00", "Amara\x07", "\u202eamarA", "Ama\u200bra"]


@pytest.fixture
def order(buyer, freelancer) -> Order:
    return Order(
        client=buyer,
        freelancer=freelancer,
        expected_amount=Decimal("1234.5"),
        escrow_fee_pct=Decimal(10),
        currency="EUR",
        custody=Custody.PLATFORM,
        version=3,
        payment_reference="K7M4-9QXT",
    )


def proof_form(order: Order, receipt=None, **changes) -> SubmitPaymentForm:
    data = {
        "seen": "3",
        "transaction_reference": "TX 1",
        "payer_name": "Amara Okafor",
        "amount": "1,234.50",
        "paid_at": "2026-01-05T10:30",
        **changes,
    }
    return SubmitPaymentForm(data, {"receipt": receipt or picture()}, order=order)


def work_form(order: Order, *files: SimpleUploadedFile, **changes) -> SubmitWorkForm:
    data = {"seen": "3", "note": "Here it is.", "links": "", **changes}
    return SubmitWorkForm(data, MultiValueDict({"files": list(files)}), order=order)


@pytest.mark.parametrize("typed", ["1234.5", "1,234.50", "1.234,50", "1 234,50", "EUR 1234.50", "١٢٣٤٫٥٠", "۱۲۳۴٫۵"])
def test_an_amount_is_understood_as_people_write_it(order, typed):
    form = proof_form(order, amount=typed)

    assert form.is_valid()
    assert form.wishes()["amount"] == Decimal("1234.50")
    assert form.read_back() == {"amount": "1,234.50\xa0EUR"}


NO_AMOUNTS = ["", "0", "-5", "NaN", "Infinity", "1e9", "12.345.6", "1.234.567.890.123", "12.345,678", "<b>1</b>"]


@pytest.mark.parametrize("typed", NO_AMOUNTS)
def test_an_amount_nobody_can_have_paid_is_refused(order, typed):
    form = proof_form(order, amount=typed)

    assert list(form.errors) == ["amount"]


@pytest.mark.parametrize("words", UNSEEN)
@pytest.mark.parametrize("field", ["transaction_reference", "payer_name"])
def test_invisible_characters_are_refused_in_lines(order, field, words):
    assert list(proof_form(order, **{field: words}).errors) == [field]


@pytest.mark.parametrize("words", UNSEEN)
def test_invisible_characters_are_refused_in_texts(order, words):
    assert list(work_form(order, note=words, links="https://example.org").errors) == ["note"]
    assert list(RequestRevisionForm({"seen": "3", "items": words}, order=order).errors) == ["items"]
    assert list(CancelForm({"seen": "3", "sure": "on", "note": words}, order=order).errors) == ["note"]
    assert list(RejectPaymentForm({"seen": "3", "reason": "duplicate", "note": words}, order=order).errors) == ["note"]


@pytest.mark.parametrize("reference", ["", "   ", "---", "·", "x" * 121])
def test_a_reference_without_a_letter_or_digit_or_too_long_is_refused(order, reference):
    assert list(proof_form(order, transaction_reference=reference).errors) == ["transaction_reference"]


def test_the_time_of_payment_is_read_in_the_persons_own_zone(order):
    with timezone.override("Asia/Kolkata"):
        form = proof_form(order)
        assert form.is_valid()

    assert form.wishes()["paid_at"] == datetime(2026, 1, 5, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["", "soon", "0001-01-01T00:00", "1999-12-31T23:59", "9999-12-31T23:59", "2026-02-30T10:00"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_a_time_that_cannot_be_is_refused(order, typed, zone):
    with timezone.override(zone):
        assert list(proof_form(order, paid_at=typed).errors) == ["paid_at"]


def test_a_payment_may_lie_as_far_ahead_as_clocks_differ(order):
    def in_minutes(minutes: int) -> str:
        return (timezone.now() + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")

    assert proof_form(order, paid_at=in_minutes(5)).is_valid()
    assert list(proof_form(order, paid_at=in_minutes(20)).errors) == ["paid_at"]


@pytest.mark.parametrize(
    "receipt",
    [
        SimpleUploadedFile("receipt.png", b"<html><script>alert(1)</script></html>", content_type="image/png"),
        SimpleUploadedFile("receipt.pdf", b"", content_type="application/pdf"),
        SimpleUploadedFile("receipt.pdf", b"%PDF-1.4 broken off", content_type="application/pdf"),
        SimpleUploadedFile("receipt.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', content_type="image/svg+xml"),
        SimpleUploadedFile("receipt.png", picture().read() + b"x" * 10 * 1024**2, content_type="image/png"),
    ],
    ids=["a page", "empty", "damaged", "svg", "too large"],
)
def test_a_receipt_that_is_none_is_an_error_of_its_field(order, receipt):
    assert list(proof_form(order, receipt).errors) == ["receipt"]


def test_a_file_that_was_fine_is_asked_for_again_because_browsers_forget_it(order):
    form = proof_form(order, amount="")
    assert not form.is_valid()
    form.refresh(order)

    assert form.errors["receipt"] == ["Choose your files again: a browser does not keep them."]


def test_a_form_shown_again_carries_the_version_its_page_shows(order):
    form = RequestRevisionForm({"seen": "2", "items": "Rounder"}, order=order)
    form.refresh(order)

    assert form["seen"].value() == "3"
    assert form.typed() == [("What is to be changed?", "Rounder")]


@pytest.mark.parametrize("seen", ["", "three", "3.5"])
def test_a_step_needs_the_version_the_person_saw(order, seen):
    assert list(ApproveForm({"seen": seen, "sure": "on"}, order=order).errors) == ["seen"]


def test_money_moves_only_after_a_tick(order):
    assert list(ApproveForm({"seen": "3"}, order=order).errors) == ["sure"]
    assert list(CancelForm({"seen": "3"}, order=order).errors) == ["sure"]


def test_the_tick_names_the_amount(order):
    assert ApproveForm(order=order).fields["sure"].label == "Yes, release the 1,234.50\xa0EUR: I have what I ordered."


def test_points_stand_one_a_line_without_their_bullets(order):
    form = RequestRevisionForm({"seen": "3", "items": "- Rounder\r\n\r\n2) Less red\n * -5 % size \n3.5 cm wide"}, order=order)

    assert form.is_valid()
    assert form.wishes() == {"seen": 3, "items": ["Rounder", "Less red", "-5 % size", "3.5 cm wide"]}


@pytest.mark.parametrize("items", ["", " \n ", "\n".join(["x"] * 21), "x" * 501])
def test_no_points_too_many_or_too_long_ones_are_refused(order, items):
    assert list(RequestRevisionForm({"seen": "3", "items": items}, order=order).errors) == ["items"]


def test_twenty_points_of_five_hundred_characters_are_fine(order):
    assert RequestRevisionForm({"seen": "3", "items": "\n".join(["x" * 500] * 20)}, order=order).is_valid()


def test_links_stand_one_a_line(order):
    form = work_form(order, links=" https://example.org/a \n\nhttp://münchen.example/ä?b=1#c\n")

    assert form.is_valid()
    assert form.wishes()["links"] == ["https://example.org/a", "http://münchen.example/ä?b=1#c"]


@pytest.mark.parametrize(
    "links",
    [
        "javascript:alert(1)",
        "ftp://example.org/file",
        "example.org",
        "https://bank.example@evil.example/",
        "https://[::1",
        "https://example.org/" + "a" * 1000,
        "\n".join(f"https://example.org/{n}" for n in range(6)),
    ],
)
def test_links_that_lead_nowhere_or_mislead_are_refused(order, links):
    assert list(work_form(order, links=links).errors) == ["links"]


def test_a_delivery_holds_a_file_or_a_link(order):
    assert list(work_form(order).errors) == ["files"]
    assert work_form(order, links="https://example.org").is_valid()
    assert work_form(order, SimpleUploadedFile("logo.zip", b"the work")).is_valid()


def test_files_keep_their_names_without_paths(order):
    form = work_form(order, SimpleUploadedFile("logo.zip", b"the work"), SimpleUploadedFile("C:\\tmp\\..\\draft 2.txt", b"words"))

    assert form.is_valid()
    assert [file.display_name for file in form.wishes()["files"]] == ["logo.zip", "draft_2.txt"]


def test_every_bad_file_is_named(order, settings):
    settings.MAX_UPLOAD_BYTES = 10
    files = [SimpleUploadedFile(name, b"x" * size) for name, size in (("empty.txt", 0), ("large.txt", 11), ("fine.txt", 1))]
    form = work_form(order, *files)

    assert [error.split(":")[0] for error in form.errors["files"]] == ["empty.txt", "large.txt"]


def test_eleven_files_are_too_many(order):
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(11)]

    assert work_form(order, *files).errors["files"] == ["Choose at most 10 files."]


# --- What ends or bends an order ------------------------------------------------------------------------------------
def cancellation_form(order: Order, **changes) -> ProposeCancellationForm:
    order.funded_amount = order.expected_amount
    data = {"seen": "3", "freelancer_amount": "1.000,00", "reason": "We want different things.", **changes}
    return ProposeCancellationForm(data, order=order)


@pytest.mark.parametrize("typed", ["0", "0.00", "0,00", " 0 ", "٠", "00"])
def test_nothing_is_a_share_too(typed):
    assert ShareField(currency="EUR").clean(typed) == 0


@pytest.mark.parametrize("typed", ["", "-0", "0-", "x0", "0x", "+0", ".", "O", "0e5", "-1", "many", "1.234.5"])
def test_what_cannot_be_read_is_never_nothing(typed):
    with pytest.raises(ValidationError):
        ShareField(currency="EUR").clean(typed)


def test_a_share_is_read_like_any_amount():
    assert ShareField(currency="EUR").clean("1.234,50") == Decimal("1234.50")


def test_a_division_is_looked_at_before_it_is_sent(order):
    form = cancellation_form(order)
    assert form.is_valid() and form.wants_a_look()
    division = form.division()
    assert (division.share, division.fee, division.earned, division.back) == tuple(
        Decimal(amount) for amount in ("1000", "100", "900", "234.5")
    )
    form.refresh(order)
    assert form["shown"].value() == "1000.00"

    seen = cancellation_form(order, shown="1000.00")
    assert seen.is_valid() and not seen.wants_a_look()
    assert seen.wishes() == {"seen": 3, "freelancer_amount": Decimal(1000), "reason": "We want different things."}
    assert ProposeCancellationForm(order=order).division() is None


@pytest.mark.parametrize("amount", ["1234.50", "1234.51", "", "-1", "0.001"])
def test_no_more_than_a_part_can_be_kept(order, amount):
    form = cancellation_form(order, freelancer_amount=amount)
    assert list(form.errors) == ["freelancer_amount"]
    assert form.division() is None


@pytest.mark.parametrize(
    ("days", "errors"), [("1", []), ("60", []), ("0", ["days"]), ("61", ["days"]), ("2.5", ["days"]), ("", ["days"])]
)
def test_more_time_is_one_to_sixty_days(order, days, errors):
    assert list(ProposeExtensionForm({"seen": "3", "days": days, "reason": "Ill."}, order=order).errors) == errors


def test_a_pause_is_no_longer_than_what_is_left_of_fourteen_days(order):
    order.paused_days = 10
    asked = {"seen": "3", "question": "Which?"}
    assert AskPauseForm(asked | {"days": "4"}, order=order).is_valid()
    assert list(AskPauseForm(asked | {"days": "5"}, order=order).errors) == ["days"]


def test_who_asks_says_why_and_who_answers_may_be_silent(order):
    assert list(ProposeExtensionForm({"seen": "3", "days": "3"}, order=order).errors) == ["reason"]
    assert list(AskPauseForm({"seen": "3", "days": "3"}, order=order).errors) == ["question"]
    assert GrantPauseForm({"seen": "3"}, order=order).is_valid()


@pytest.mark.parametrize("words", UNSEEN)
def test_invisible_characters_are_refused_in_requests(order, words):
    assert list(cancellation_form(order, reason=words).errors) == ["reason"]
    assert list(DeclineForm({"seen": "3", "sure": "on", "note": words}, order=order).errors) == ["note"]


def test_ending_an_order_needs_a_tick_that_names_the_money(order):
    order.funded_amount = order.expected_amount
    assert list(DeclineForm({"seen": "3"}, order=order).errors) == ["sure"]
    assert DeclineForm(order=order).fields["sure"].label == (
        "Yes, end this order. 1,234.50\xa0EUR go back to Amara. This cannot be undone."
    )
    order.custody = Custody.DIRECT
    assert DeclineForm(order=order).fields["sure"].label == (
        "Yes, end this order. José then owes Amara 1,234.50\xa0EUR. This cannot be undone."
    )


def test_that_more_arrived_is_said_and_not_guessed(order):
    typed = {"seen": "3", "received_amount": "1,300", "sure": "on"}
    for more, said in (({}, False), ({"more_arrived": "on"}, True)):
        form = ConfirmPaymentForm(typed | more, order=order)
        assert form.is_valid()
        assert form.wishes() == {"seen": 3, "received_amount": Decimal(1300), "more_arrived": said}
