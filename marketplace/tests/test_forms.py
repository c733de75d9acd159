"""The shared fields: what they take, what they refuse, what they give back."""

from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace.forms import AmountField, LineField, MultipleFileField, TextField

UNSEEN = ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff"]


def code_of(field: forms.Field, value: Any) -> str:
    with pytest.raises(ValidationError) as refusal:
        field.clean(value)
    return str(refusal.value.error_list[0].code)


@pytest.mark.parametrize("text", ["José Ñíguez", "李伟", "شعار جديد", "O’Neil & Søn", "emoji 👩‍🎨", "a‌b"])
def test_names_of_the_world_are_taken(text: str):
    assert LineField(max_length=120).clean(f"  {text} ") == text
    assert TextField(max_length=120).clean(f"  {text} ") == text


@pytest.mark.parametrize("character", UNSEEN)
@pytest.mark.parametrize("field", [LineField, TextField])
def test_unseen_characters_are_refused(field: type[forms.CharField], character: str):
    assert code_of(field(max_length=120), f"pay{character}pal") in ("unseen_characters", "null_characters_not_allowed")


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\u2028", "\u2029", "\x0b"])
def test_a_line_has_no_breaks(character: str):
    assert code_of(LineField(max_length=120), f"Subject{character}Bcc: all@example.com") == "unseen_characters"


def test_a_text_keeps_its_lines_and_says_each_break_once():
    assert TextField(max_length=120).clean("one\r\ntwo\n\tthree") == "one\ntwo\n\tthree"


@pytest.mark.parametrize("field", [LineField, TextField])
def test_ten_thousand_characters_are_too_many(field: type[forms.CharField]):
    assert code_of(field(max_length=120), "x" * 10_000) == "max_length"
    assert field(max_length=120).clean("x" * 120) == "x" * 120


@pytest.mark.parametrize("value", ["", "   ", None])
def test_nothing_is_refused_where_something_is_needed(value: str | None):
    assert code_of(LineField(max_length=5), value) == "required"
    assert code_of(TextField(max_length=5), value) == "required"
    assert LineField(max_length=5, required=False).clean(value) == ""
    assert TextField(max_length=5, required=False).clean(value) == ""


def test_an_amount_is_read_in_its_currency():
    field = AmountField(currency="EUR")
    assert field.clean("1.234,56") == Decimal("1234.56")
    field.set_currency("JPY")
    assert field.clean("1.234") == Decimal("1234")
    assert field.widget.attrs["data-suffix"] == "JPY"


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "Infinity", "1e9", "1234567890123", "1.2345", "abc", "\x005", "5" * 41])
def test_an_amount_that_is_none_is_refused_with_a_code(text: str):
    assert code_of(AmountField(currency="EUR"), text) in ("invalid_amount", "max_length", "null_characters_not_allowed")


def test_an_amount_may_be_left_out_where_it_is_optional():
    assert AmountField(currency="EUR", required=False).clean(" ") is None
    assert code_of(AmountField(currency="EUR"), "") == "required"


def test_two_forms_do_not_share_a_currency():
    class Price(forms.Form):
        price = AmountField()

    one, two = Price({"price": "5"}), Price({"price": "5"})
    one.fields["price"].set_currency("JPY")  # type: ignore[attr-defined]
    assert (two.fields["price"].currency, two.fields["price"].widget.attrs["data-suffix"]) == ("", "")  # type: ignore[attr-defined]


def test_files_come_as_a_list():
    one, two = SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")
    assert MultipleFileField().clean([one, two]) == [one, two]
    assert MultipleFileField().clean(one) == [one]
    assert MultipleFileField(required=False).clean(None) == []
    assert MultipleFileField(required=False).clean([]) == []


@pytest.mark.parametrize("nothing", [None, []])
def test_no_file_is_refused_where_one_is_needed(nothing: Any):
    assert code_of(MultipleFileField(), nothing) == "required"


def test_an_empty_file_among_others_is_refused():
    assert code_of(MultipleFileField(), [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"")]) == "empty"


def test_a_form_is_drawn_by_the_one_renderer():
    class Name(forms.Form):
        name = LineField(max_length=5, help_text="As on your door.")

    html = str(Name({"name": "<script>"}))
    assert 'class="form"' in html
    assert 'class="field field--error"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
