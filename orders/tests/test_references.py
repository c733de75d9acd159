"""Payment references, and how two writings of a transaction reference compare. No database."""

import pytest

from orders.references import ALPHABET, is_reference, new_reference, normalize_reference


def test_a_new_reference_is_a_right_one_of_unambiguous_letters():
    for _ in range(200):
        reference = new_reference()
        assert is_reference(reference)
        assert len(reference) == 9
        assert set(reference.replace("-", "")) <= set(ALPHABET)
    assert set("ILO01") & set(ALPHABET) == set()


def test_references_do_not_repeat():
    assert len({new_reference() for _ in range(2000)}) == 2000


def test_every_single_wrong_symbol_is_found():
    reference = new_reference().replace("-", "")
    for place, right in enumerate(reference):
        for wrong in set(ALPHABET) - {right}:
            assert not is_reference(reference[:place] + wrong + reference[place + 1 :])


def test_every_swap_of_two_different_symbols_is_found():
    reference = "23456789"[:7]
    whole = next(reference + last for last in ALPHABET if is_reference(reference + last))
    for i in range(8):
        for j in range(i + 1, 8):
            symbols = list(whole)
            symbols[i], symbols[j] = symbols[j], symbols[i]
            if symbols != list(whole):
                assert not is_reference("".join(symbols))


@pytest.mark.parametrize("text", ["", "K7M4", "K7M4-9QXT-2222", "OOOO-OOOO", "пароль12"])
def test_what_is_no_reference(text: str):
    assert not is_reference(text)


def test_spaces_dashes_and_case_do_not_matter():
    reference = new_reference()
    assert is_reference(f" {reference.lower().replace('-', ' ')} ")


@pytest.mark.parametrize(
    ("typed", "reduced"),
    [
        ("FT 2308 1777-120", "FT23081777120"),
        ("ft/2308.1777_120", "FT23081777120"),
        ("ＦＴ２３", "FT23"),
        ("straße 1", "STRASSE1"),
        (" – . / ", ""),
    ],
)
def test_a_transaction_reference_is_reduced_to_letters_and_digits(typed: str, reduced: str):
    assert normalize_reference(typed) == reduced
