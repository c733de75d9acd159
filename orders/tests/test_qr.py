import re
from decimal import Decimal

import pytest
import segno

from orders.iban import is_sepa_iban
from orders.models import Order, PaymentMethod
from orders.qr import as_svg, code_for, epc_args, payment_text
from orders.states import Custody

GERMAN = "DE89370400440532013000"
BRITISH = "GB29NWBK60161331926819"


def an_order(**changes) -> Order:
    promised = {
        "pay_to_kind": PaymentMethod.Kind.BANK,
        "pay_to_holder": "Marketplace Escrow",
        "deposit_address": "DE89 3704 0044 0532 0130 00",
        "pay_to_routing": "COBADEFFXXX",
        "currency": "EUR",
        "expected_amount": Decimal("1234.5"),
        "payment_reference": "K7M4-9QXT",
        "custody": Custody.PLATFORM,
    }
    return Order(**{**promised, **changes})


@pytest.mark.parametrize(
    "iban",
    [
        GERMAN,
        "de89 3704 0044 0532 0130 00",
        BRITISH,
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "CH9300762011623852957",
    ],
)
def test_a_valid_iban_of_the_sepa_area_is_one(iban):
    assert is_sepa_iban(iban)


@pytest.mark.parametrize(
    "iban",
    [
        "",
        "DE88370400440532013000",  # a wrong check digit
        "DE98370400440532013000",  # two digits swapped
        "DE8937040044053201300",  # too short
        GERMAN + "0",
        "TR330006100519786457841326",  # a valid one, but Turkey is not in SEPA
        "+254 712 345 678",
        "DE٨9370400440532013000",
    ],
)
def test_anything_else_is_not(iban):
    assert not is_sepa_iban(iban)


def test_a_girocode_says_exactly_what_the_standard_wants():
    lines = ["BCD", "002", "1", "SCT", "COBADEFFXXX", "Marketplace Escrow", GERMAN, "EUR1234.5", "", "", "K7M4-9QXT"]

    assert code_for(an_order(), "payment") == segno.make_qr("\n".join(lines).encode(), error="m", boost_error=False)


def test_a_girocode_carries_names_in_utf_8_and_cuts_them_at_70_characters():
    args = epc_args(an_order(pay_to_holder="José Ñíguez " * 10))

    assert args["name"] == ("José Ñíguez " * 10)[:70].strip()
    assert args["encoding"] == "utf-8"


def test_routing_that_is_no_bic_is_left_out():
    assert epc_args(an_order(pay_to_routing="Main branch"))["bic"] is None


def test_outside_the_economic_area_a_girocode_needs_a_bic():
    assert epc_args(an_order(deposit_address=BRITISH, pay_to_routing="sort code 60-16-13")) is None
    assert epc_args(an_order(deposit_address=BRITISH, pay_to_routing="NWBKGB2L"))["bic"] == "NWBKGB2L"


@pytest.mark.parametrize(
    "changes", [{"currency": "CHF"}, {"pay_to_kind": PaymentMethod.Kind.MOBILE}, {"deposit_address": "12 34 56"}]
)
def test_without_a_sepa_transfer_the_code_is_plain_text(changes):
    order = an_order(**changes)

    assert epc_args(order) is None
    assert code_for(order, "payment") == segno.make_qr(payment_text(order), error="m", boost_error=False)


def test_the_plain_text_names_everything_a_payer_needs():
    assert payment_text(an_order(currency="CHF", pay_to_routing="")).splitlines() == [
        "Pay: 1,234.50\xa0CHF",
        "To: Marketplace Escrow",
        "Account: DE89 3704 0044 0532 0130 00",
        "Reference: K7M4-9QXT",
    ]


@pytest.mark.parametrize(
    ("what", "text"),
    [("account", "DE89 3704 0044 0532 0130 00"), ("amount", "1234.50"), ("reference", "K7M4-9QXT")],
)
def test_single_values_are_plain_text(what, text):
    assert code_for(an_order(), what) == segno.make_qr(text, error="m", boost_error=False)


def test_the_longest_values_still_fit():
    order = an_order(currency="UGX", pay_to_holder="Ж" * 120, deposit_address="9" * 120, pay_to_routing="漢" * 120)

    assert code_for(order, "payment").version <= 40


def test_the_picture_has_a_white_ground_and_neither_style_nor_script():
    svg = as_svg(code_for(an_order(), "payment")).decode()
    size = re.search(r'viewBox="0 0 (\d+) \1"', svg)[1]

    assert re.findall(r"\b(style|on\w+)=|<(script|style)", svg) == []
    assert f'fill="#fff" d="M0 0h{size}v{size}h-{size}z"' in svg


def test_a_holder_of_wide_letters_still_fits_into_the_code():
    assert as_svg(code_for(an_order(pay_to_holder="𝕬" * 70), "payment")).startswith(b"<")
