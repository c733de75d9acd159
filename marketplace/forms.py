"""The one renderer of forms, and the fields that several apps share."""

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from marketplace.exceptions import DomainError
from marketplace.money import parse_amount
from marketplace.uploads import IMAGE_TYPES, UploadError, display_name

# Control characters, and the invisible ones that turn the direction of text or hide in it: Unicode's bidi controls, zero widths,
# soft hyphens, fillers, annotations and tags. The two joiners (U+200C, U+200D) stay: Persian and emoji are written with them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u3164"
    r"\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BLANK_LOOKING = {"\u2800"}  # the braille pattern without a dot, a symbol to Unicode
ACCEPT_PICTURES = {"accept": ",".join(IMAGE_TYPES)}
ACCEPT_RECEIPTS = {"accept": ",".join([*IMAGE_TYPES, "application/pdf"])}
_UNSEEN_IN_LINE = re.compile(_UNSEEN.pattern + r"|[\t\r\n\u2028\u2029]")


class FormRenderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


def _refuse_invisible(text: str) -> None:
    """Joiners, accents and modifiers alone show nothing, so a name made of them is no name."""
    kinds = {unicodedata.category(character) for character in {*text} - _BLANK_LOOKING} - {"Lm"}
    if text and not any(kind[0] in "LNPS" for kind in kinds):
        raise ValidationError(_("Write something that can be seen."), code="nothing_visible")


class LineField(forms.CharField):
    """One line of a person's text: no line breaks, no control or direction-turning characters."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if _UNSEEN_IN_LINE.search(text):
            raise ValidationError(_("Remove the line breaks and invisible characters from this text."), code="unseen_characters")
        _refuse_invisible(text)
        return str(text)


class TextField(forms.CharField):
    """Several lines of a person's text: line breaks stay, other control and direction-turning characters are refused."""

    widget = forms.Textarea

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if _UNSEEN.search(text):
            raise ValidationError(_("Remove the invisible characters from this text."), code="unseen_characters")
        _refuse_invisible(text)
        return str(text).replace("\r\n", "\n")


class AmountField(forms.CharField):
    """An amount of money as people type it. Set `currency` before cleaning; the clean value is a Decimal."""

    def __init__(self, *, currency: str = "", **options: Any) -> None:
        options.setdefault(
            "widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "data-suffix": currency})
        )
        super().__init__(max_length=40, **options)
        self.currency = currency

    def set_currency(self, currency: str) -> None:
        self.currency = currency
        self.widget.attrs["data-suffix"] = currency

    def clean(self, value: Any) -> Decimal | None:  # type: ignore[override]
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text, self.currency)
        except DomainError as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal


class ShareField(AmountField):
    """A part of an amount: as AmountField, but nothing is an answer too."""

    def clean(self, value: Any) -> Decimal | None:  # type: ignore[override]
        digits = [character for character in str(value or "") if character not in " .,٫"]
        if digits and all(character.isdecimal() and unicodedata.digit(character) == 0 for character in digits):
            return Decimal(0)
        return super().clean(value)


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class CheckedFileField(forms.FileField):
    """One file; the clean value is what `check` makes of the upload, None where there is none. `check` raises UploadError."""

    def __init__(self, *, check: Callable[[UploadedFile], Any], **options: Any) -> None:
        super().__init__(**options)
        self.check = check

    def clean(self, data: Any, initial: Any = None) -> Any:
        upload = super().clean(data, initial)
        try:
            return self.check(upload) if upload else None
        except UploadError as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal


class CheckedFilesField(CheckedFileField):
    """Up to `max_files` files from one control; the clean value is the list of what `check` made of them, in their order."""

    widget = MultipleFileInput
    default_error_messages = {"too_many": _("Choose at most %(max)d files.")}

    def __init__(self, *, max_files: int, **options: Any) -> None:
        super().__init__(**options)
        self.max_files = max_files

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        uploads = data if isinstance(data, list | tuple) else [data] if data else []
        if self.required and not uploads:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(uploads) > self.max_files:
            raise ValidationError(self.error_messages["too_many"], code="too_many", params={"max": self.max_files})
        checked, refusals = [], []
        for upload in uploads:
            try:
                checked.append(self.check(upload))
            except UploadError as refusal:
                refusals.append(ValidationError(f"{display_name(upload.name or '')}: {refusal.message}", code=refusal.code))
        if refusals:
            raise ValidationError(refusals)
        return checked
