"""The one renderer of forms, and the fields that several apps share."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from marketplace.exceptions import DomainError
from marketplace.money import parse_amount

# Control characters, and the invisible ones that turn the direction of text or hide in it (Unicode bidi controls, zero widths).
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNSEEN_IN_LINE = re.compile(_UNSEEN.pattern + r"|[\t\r\n\u2028\u2029]")


class FormRenderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class LineField(forms.CharField):
    """One line of a person's text: no line breaks, no control or direction-turning characters."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if _UNSEEN_IN_LINE.search(text):
            raise ValidationError(_("Remove the line breaks and invisible characters from this text."), code="unseen_characters")
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


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """Any number of files from one control; the clean value is a list of uploads."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:  # type: ignore[override]
        uploads = data or [None] if isinstance(data, list | tuple) else [data]
        return [super(MultipleFileField, self).clean(upload, initial) for upload in uploads if upload or self.required]
