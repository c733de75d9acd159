"""The shared fields: what they take, what they refuse, what they give back."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from pydantic import TypeAdapter
from pydantic import ValidationError as ValidationErrors

from marketplace.forms import AmountField, CheckedFileField, CheckedFilesField, LineField, MultipleFileInput, TextField
from marketplace.rest.schemas import Line
from marketplace.uploads import UploadError

pytestmark = pytest.mark.once

UNSEEN = [
    *["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff"],
    *["\xad", "\u061c", "\u115f", "\u1160", "\u180e", "\u3164", "\uffa0", "\ufff9", "\ufffa", "\ufffb"],
    *["\U000e0000", "\U000e0041", "\U000e007f"],
]
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"  # one word whose two halves a joiner keeps apart
PAINTER = "\U0001f469\u200d\U0001f3a8"  # one emoji made of two


def code_of(field: forms.Field, value: Any) -> str:
    with pytest.raises(ValidationError) as refusal:
        field.clean(value)
    return str(refusal.value.error_list[0].code)


@pytest.mark.parametrize(
    "text", ["José Ñíguez", "李伟", "شعار جديد", "O’Neil & Søn", "emoji 👩‍🎨", "a‌b", PERSIAN, PAINTER, "❤️", "42", "名々"]
)
def test_names_of_the_world_are_taken(text: str):
    assert LineField(max_length=120).clean(f"  {text} ") == text
    assert TextField(max_length=120).clean(f"  {text} ") == text


@pytest.mark.parametrize("character", UNSEEN)
@pytest.mark.parametrize("field", [LineField, TextField])
def test_unseen_characters_are_refused(field: type[forms.CharField], character: str):
    assert code_of(field(max_length=120), f"pay{character}pal") in ("unseen_characters", "null_characters_not_allowed")


@pytest.mark.parametrize("text", ["\u200d", "\u200c\u200d", "\u0301", "\ufe0f", "\u02b0", "\u2800", "\u034f \u200d"])
@pytest.mark.parametrize("field", [LineField, TextField])
def test_a_text_of_which_nothing_shows_is_refused(field: type[forms.CharField], text: str):
    assert code_of(field(max_length=120), text) == "nothing_visible"


@pytest.mark.parametrize(
    "text", ["Z" + "\u0301" * 100, "a" + "\u0301" * 5, "a" + "\u0301\u200d" * 5, "x\u20dd\u0301\u0302\u0303\u0304"], ids=ascii
)
def test_a_line_has_no_heaps_of_accents(text: str):
    assert code_of(LineField(max_length=120), text) == "too_many_accents"
    with pytest.raises(ValidationErrors, match="at most 4 accents"):
        TypeAdapter(Annotated[str, Line(120)]).validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        "Nguye\u0302\u0303n",
        "\u0f67\u0f71\u0f74\u0f83",
        "\u05d1\u05bc\u05b0\u05e8\u05b5\u05d0\u05e9\u05c1\u05b4\u0596",
        "a" + "\u0301" * 4 + "b" + "\u0301" * 4,
    ],
    ids=ascii,
)
def test_a_line_has_the_accents_of_languages(text: str):
    assert LineField(max_length=120).clean(text) == TypeAdapter(Annotated[str, Line(120)]).validate_python(text) == text


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


def name_of(upload: UploadedFile) -> str:
    if not upload.size:
        raise UploadError("This file is empty. Choose it again.")
    return str(upload.name)


def file(name: str, content: bytes = b"a") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def files_field(**options: Any) -> CheckedFilesField:
    return CheckedFilesField(check=name_of, max_files=2, **options)


def test_a_file_comes_as_what_its_check_makes_of_it():
    assert CheckedFileField(check=name_of).clean(file("a.txt")) == "a.txt"
    assert CheckedFileField(check=name_of, required=False).clean(None) is None
    assert code_of(CheckedFileField(check=name_of), None) == "required"


def test_what_the_check_refuses_is_said_in_its_words_and_code():
    def no_check_accepts_this(upload: UploadedFile) -> None:
        raise UploadError("This is no receipt.")

    field = CheckedFileField(check=no_check_accepts_this)
    with pytest.raises(ValidationError) as refusal:
        field.clean(file("a.txt"))
    assert [(error.message, error.code) for error in refusal.value.error_list] == [("This is no receipt.", "invalid_file")]


def test_files_come_as_a_list():
    assert files_field().clean([file("a.txt"), file("b.txt")]) == ["a.txt", "b.txt"]
    assert files_field().clean(file("a.txt")) == ["a.txt"]
    assert files_field(required=False).clean(None) == []
    assert files_field(required=False).clean([]) == []


@pytest.mark.parametrize("nothing", [None, []])
def test_no_file_is_refused_where_one_is_needed(nothing: Any):
    assert code_of(files_field(), nothing) == "required"


def test_more_files_than_allowed_are_refused():
    assert code_of(files_field(), [file("a.txt"), file("b.txt"), file("c.txt")]) == "too_many"


def test_every_refused_file_among_others_is_named():
    with pytest.raises(ValidationError) as refusal:
        files_field().clean([file("empty.txt", b""), file("void.txt", b"")])
    assert refusal.value.messages == [
        "empty.txt: This file is empty. Choose it again.",
        "void.txt: This file is empty. Choose it again.",
    ]


def test_a_form_is_drawn_by_the_one_renderer():
    class Name(forms.Form):
        name = LineField(max_length=5, help_text="As on your door.")

    html = str(Name({"name": "<script>"}))
    assert 'class="form"' in html
    assert 'class="field field--error"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_a_field_for_many_files_leaves_what_it_shares_with_others_as_it_was():
    shared = {"accept": "image/png"}
    assert MultipleFileInput(attrs=shared).attrs == {"accept": "image/png", "multiple": True}
    assert shared == {"accept": "image/png"}
