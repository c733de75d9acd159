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
from marketplace.texts import MOST_ACCENTS, UNSEEN, heaps_accents, shows_something
from marketplace.uploads import IMAGE_TYPES, UploadError, display_name

ACCEPT_PICTURES = {"accept": ",".join(IMAGE_TYPES)}
ACCEPT_RECEIPTS = {"accept": ",".join([*IMAGE_TYPES, "application/pdf"])}
_UNSEEN_IN_LINE = re.compile(UNSEEN.pattern + r"|[\t\r\n\u2028\u2029]")


class FormRenderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


def _refuse_invisible(text: str) -> None:
    """A name that shows nothing is no name."""
    if text and not shows_something(text):
        raise ValidationError(_("Write something that can be seen."), code="nothing_visible")


class LineField(forms.CharField):
    """One line of a person's text: no line breaks, no control or direction-turning characters, no heaps of accents."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if _UNSEEN_IN_LINE.search(text):
            raise ValidationError(_("Remove the line breaks and invisible characters from this text."), code="unseen_characters")
        _refuse_invisible(text)
        if heaps_accents(text):
            raise ValidationError(
                _("Put at most %(most)d accents on one letter."), code="too_many_accents", params={"most": MOST_ACCENTS}
            )
        return str(text)


class TextField(forms.CharField):
    """Several lines of a person's text: line breaks stay, other control and direction-turning characters are refused."""

    widget = forms.Textarea

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if UNSEEN.search(text):
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

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(dict(attrs or {}))  # Django writes "multiple" into what it is given


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
