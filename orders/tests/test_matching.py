"""References found in a payer's text, names compared, and the traffic light with its reasons."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.matching import (
    Candidate,
    Deposit,
    Light,
    OpenOrders,
    Proof,
    bank_references_in,
    judge,
    misread_references_in,
    names_match,
    references_in,
)
from orders.references import is_reference, new_reference

TODAY = date(2026, 11, 21)
BANK = uuid4()


def an_order(**changes: object) -> Candidate:
    row: dict[str, object] = {
        "order_id": uuid4(),
        "reference": new_reference(),
        "status": "PENDING_PAYMENT",
        "amount_due": Decimal("120.00"),
        "currency": "EUR",
        "placed_on": TODAY,
        "client_name": "Amara Okafor",
        "method_id": BANK,
    }
    return Candidate(**{**row, **changes})  # type: ignore[arg-type]


def a_deposit(amount: str = "120", **changes: object) -> Deposit:
    row: dict[str, object] = {"currency": "EUR", "booked_on": TODAY, "payer_name": "OKAFOR AMARA", "method_id": BANK}
    return Deposit(amount=Decimal(amount), **{**row, **changes})  # type: ignore[arg-type]


def a_proof(**changes: object) -> Proof:
    row = {"reference": "FT1777", "payer_name": "Amara Okafor", "amount": Decimal(120), "verified": False, "counted": False}
    return Proof(**{**row, **changes})  # type: ignore[arg-type]


def judged(order: Candidate, amount: str = "120", **deposit: object) -> tuple[Light, list[str]]:
    verdict = judge(a_deposit(amount, **deposit), by_reference=[order], by_proof=[], by_name=[])
    return verdict.light, [reason[0] for reason in verdict.reasons]


# --- References -----------------------------------------------------------------------------------------------------
REFERENCE = "K7M4-9QXK"


@pytest.mark.parametrize(
    "text",
    [
        "{reference}",
        "k7m4 9qxk",
        "K7M49QXK",
        "Order k7m4–9qxk, thank you",
        "SVWZ+K7M4-9QXK EREF+NOTPROVIDED",
        "K7M4-9\nQXK",
        "K 7 M 4 9 Q X K",
        "RefK7M49QXKinvoice",
        "К7М4-9QХК",  # letters of another alphabet
        "Ｋ７Ｍ４-９ＱＸＫ",
    ],
)
def test_a_reference_is_found_however_it_is_written(text: str):
    assert is_reference(REFERENCE)
    assert REFERENCE in references_in(text.format(reference=REFERENCE))


@given(st.text(max_size=40), st.text(max_size=40), st.data())
def test_a_reference_is_found_whatever_stands_around_it(before: str, after: str, data: st.DataObject):
    reference = new_reference()
    cut = data.draw(st.integers(0, 8))
    assert reference in references_in(f"{before} {reference[:cut]} {reference[cut:]} {after}")


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text: str):
    assert all(is_reference(found) for found in [*references_in(text), *misread_references_in(text)])
    bank_references_in(text)


@pytest.mark.parametrize(
    ("right", "wrong"), ["S5", "5S", "B8", "8B", "Z2", "2Z", "G6", "6G", "UV", "D0", "DO", "Q0", "7I", "71", "J1"]
)
def test_signs_that_look_alike_are_forgiven(right: str, wrong: str):
    reference = next(one for one in iter(new_reference, "") if right in one)
    assert reference in misread_references_in(f"Order {reference.lower().replace(right.lower(), wrong)} thanks")


def test_a_wrong_sign_that_looks_like_nothing_is_not_guessed_at():
    assert references_in("K7M4-9QXP") == []
    assert REFERENCE not in misread_references_in("K7M4-9QXP")


def test_a_text_of_nothing_but_doubtful_signs_does_not_take_long():
    assert len(misread_references_in("01IL S5B8 " * 200)) < 1000


def test_words_that_may_be_a_banks_reference_are_taken_from_the_text():
    assert bank_references_in("Transfer FT 2308-1777 from Amara 12345 TX0042AB") == ["23081777", "TX0042AB"]


# --- Names ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("payer", ["OKAFOR AMARA", "Mrs. Amara C. Okafor", "okafor,amara", "Ámara Okáfor"])
def test_a_payer_who_bears_all_the_clients_names_is_the_client(payer: str):
    assert names_match(payer, "Amara Okafor")


@pytest.mark.parametrize(
    ("payer", "client"), [("Amara", "Amara Okafor"), ("", "Amara Okafor"), ("Amara", ""), ("Li Wei", "José")]
)
def test_other_names_do_not_match(payer: str, client: str):
    assert not names_match(payer, client)


def test_an_order_is_found_by_its_amount_and_its_payer():
    wanted, other = an_order(), an_order(client_name="Li Wei")
    found = OpenOrders([wanted, other, an_order(amount_due=Decimal(99)), an_order(currency="USD")])
    assert found.paid_by(a_deposit("120.00")) == [wanted]
    assert found.paid_by(a_deposit("120.00", payer_name="Wei LI")) == [other]
    assert found.paid_by(a_deposit("120.00", payer_name="")) == []


def test_an_order_is_found_by_the_payer_its_client_has_named():
    order = an_order(proofs=(a_proof(payer_name="Ingrid Bø"),))
    assert OpenOrders([order]).paid_by(a_deposit(payer_name="BØ INGRID")) == [order]


def test_an_order_placed_after_the_payment_is_not_found_by_its_payer():
    assert OpenOrders([an_order()]).paid_by(a_deposit(booked_on=TODAY - timedelta(days=2))) == []


def test_a_few_of_many_like_orders_are_enough():
    assert len(OpenOrders([an_order() for _ in range(50)]).paid_by(a_deposit())) == 4


# --- The light ------------------------------------------------------------------------------------------------------
def test_the_reference_and_the_amount_due_are_green():
    assert judged(an_order()) == (Light.GREEN, ["amount", "reference", "payer_name"])
    assert judged(an_order(status="PAYMENT_SUBMITTED")) == (Light.GREEN, ["amount", "reference", "payer_name"])


def test_another_payer_is_a_flag_and_not_green():
    assert judged(an_order(), payer_name="Li Wei") == (Light.AMBER, ["amount", "reference", "other_name"])
    assert judged(an_order(), payer_name="") == (Light.GREEN, ["amount", "reference"])


def test_a_payer_whom_the_client_has_named_is_green():
    named = an_order(status="PAYMENT_SUBMITTED", proofs=(a_proof(payer_name="Li Wei"),))
    assert judged(named, payer_name="Wei Li") == (Light.GREEN, ["amount", "reference", "payer_name"])


@pytest.mark.parametrize(("amount", "reason"), [("100", ["amount_under", "20"]), ("150", ["amount_over", "30"])])
def test_another_amount_is_amber_and_says_by_how_much(amount: str, reason: list[str]):
    verdict = judge(a_deposit(amount), by_reference=[an_order()], by_proof=[], by_name=[])
    assert (verdict.light, verdict.reasons[0]) == (Light.AMBER, reason)


def test_a_payment_from_before_the_order_is_amber():
    assert judged(an_order(), booked_on=TODAY - timedelta(days=1))[0] == Light.GREEN
    assert judged(an_order(), booked_on=TODAY - timedelta(days=2)) == (Light.AMBER, ["before_order", "reference", "payer_name"])


def test_a_payment_into_another_account_is_amber():
    assert judged(an_order(), method_id=uuid4()) == (Light.AMBER, ["other_account", "reference", "payer_name"])


def test_another_currency_is_red():
    assert judged(an_order(currency="USD"))[0] == Light.RED


@pytest.mark.parametrize("status", ["PENDING_PAYMENT", "IN_PROGRESS", "CANCELLED"])
def test_an_order_that_is_paid_to_its_freelancer_is_red_whatever_else_fits(status: str):
    by_hand = a_proof(verified=True)
    order = an_order(status=status, is_direct=True, currency="USD", proofs=(by_hand,))
    assert judged(order) == (Light.RED, ["direct", "reference", "payer_name"])


def test_what_another_proof_shows_is_said_of_a_direct_order_too():
    other = an_order()
    verdict = judge(a_deposit(), by_reference=[an_order(is_direct=True)], by_proof=[other], by_name=[])
    assert (verdict.light, verdict.reasons[:2]) == (Light.RED, [["direct"], ["claimed", other.reference]])


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELLED"])
def test_an_order_that_is_over_is_red_and_late(status: str):
    verdict = judge(a_deposit(), by_reference=[an_order(status=status)], by_proof=[], by_name=[])
    assert (verdict.light, verdict.reasons[0]) == (Light.RED, ["late", status])


@pytest.mark.parametrize("status", ["PAYMENT_CONFIRMED", "IN_PROGRESS", "COMPLETED", "DISPUTED"])
def test_an_order_that_is_paid_is_red_and_double(status: str):
    counted = a_proof(verified=True, counted=True)
    assert judged(an_order(status=status, proofs=(counted,))) == (Light.RED, ["double", "reference", "payer_name"])


def test_a_payment_that_was_confirmed_by_hand_is_known_and_no_double():
    by_hand = a_proof(verified=True)
    assert judged(an_order(status="IN_PROGRESS", proofs=(by_hand,)))[1][0] == "known"
    assert judged(an_order(status="IN_PROGRESS", proofs=(by_hand,)), amount="121")[1][0] == "double"


def test_a_text_that_names_two_orders_is_amber_and_chooses_none():
    verdict = judge(a_deposit(), by_reference=[an_order(), an_order()], by_proof=[], by_name=[])
    assert (verdict.light, verdict.reasons[0][0], verdict.order_id) == (Light.AMBER, "several_named", None)


def test_a_reference_that_anothers_proof_shows_is_amber():
    other = an_order()
    verdict = judge(a_deposit(), by_reference=[an_order()], by_proof=[other], by_name=[])
    assert (verdict.light, verdict.reasons[0]) == (Light.AMBER, ["claimed", other.reference])


def test_without_a_reference_nothing_is_green():
    order = an_order()
    by_name = judge(a_deposit(), by_reference=[], by_proof=[], by_name=[order])
    by_proof = judge(a_deposit(), by_reference=[], by_proof=[order], by_name=[])
    assert (by_name.light, by_proof.light) == (Light.AMBER, Light.AMBER)
    assert by_name.order_id == by_proof.order_id == order.order_id
    nothing = judge(a_deposit(), by_reference=[], by_proof=[], by_name=[])
    assert (nothing.light, nothing.reasons, nothing.order_id) == (Light.RED, [["no_reference"]], None)
