"""What moderators type about bank statements: the file, how its table is laid out, and what becomes of an entry."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.exceptions import DomainError
from marketplace.forms import LineField, TextField
from orders.models import Order, PaymentMethod, StatementLine
from orders.payout_forms import AccountFields
from orders.references import dashed, normalize_reference
from orders.selectors.statements import find_order
from orders.statements import CsvMapping


class UploadForm(forms.Form):
    """The file and the account it is of."""

    method = forms.ModelChoiceField(label=_("Account"), queryset=PaymentMethod.objects.none(), empty_label=_("Choose…"))
    file = forms.FileField(
        label=_("Statement"),
        help_text=_("As you download it from the bank: CSV, MT940, CAMT.052 to 054, OFX or QFX. Importing it twice is harmless."),
        error_messages={"empty": _("The file is empty. Download the statement again.")},
    )
    prefix = "upload"

    def __init__(self, *args: Any, methods: "QuerySet[PaymentMethod]", **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["method"].queryset = methods  # type: ignore[attr-defined]


class MappingForm(forms.Form):
    """How the tables of an account are laid out; columns by heading or number. The clean value `mapping` is a `CsvMapping`."""

    date = LineField(label=_("Date"), max_length=100)
    date_format = LineField(
        label=_("Date format"),
        max_length=40,
        required=False,
        help_text=_("For example DD.MM.YYYY. Needed only where the day cannot be told from the month."),
    )
    amount = LineField(label=_("Amount, both directions"), max_length=100, required=False, help_text=_("Or the next two."))
    credit = LineField(label=_("Money in"), max_length=100, required=False)
    debit = LineField(label=_("Money out"), max_length=100, required=False)
    direction = LineField(
        label=_("Direction"), max_length=100, required=False, help_text=_("Where a word says it: credit or debit, H or S.")
    )
    decimal_mark = forms.ChoiceField(
        label=_("Decimal mark"),
        required=False,
        choices=[("", _("As the file shows")), (",", _("Comma: 1.234,56")), (".", _("Point: 1,234.56"))],
    )
    text = TextField(
        label=_("Text"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Columns with what the payer wrote, one a line."),
    )
    payer_name = LineField(label=_("Payer's name"), max_length=100, required=False)
    payer_account = LineField(label=_("Payer's account"), max_length=100, required=False)
    bank_id = LineField(
        label=_("The bank's own id"), max_length=100, required=False, help_text=_("Only if it is different in every row.")
    )
    currency = LineField(label=_("Currency"), max_length=100, required=False)
    status = LineField(label=_("Status"), max_length=100, required=False, help_text=_("Where pending rows are marked."))
    delimiter = forms.TypedChoiceField(
        label=_("Columns are separated by"),
        required=False,
        choices=[("", _("As the file shows")), (";", ";"), (",", ","), ("tab", _("Tab")), ("|", "|")],
        coerce=lambda chosen: {"tab": "\t"}.get(chosen, chosen),
        empty_value="",
    )
    header_row = forms.IntegerField(
        label=_("Line of the headings"), min_value=0, max_value=1000, initial=1, help_text=_("0 where there are none.")
    )
    prefix = "mapping"

    @classmethod
    def initial_of(cls, mapping: CsvMapping | None) -> dict[str, Any]:
        """What the form shows for a mapping that was saved or guessed."""
        if mapping is None:
            return {}
        return {
            **mapping.to_json(),
            "text": "\n".join(mapping.text),
            "delimiter": {"\t": "tab"}.get(mapping.delimiter, mapping.delimiter),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            columns = [column.strip() for column in data["text"].splitlines() if column.strip()]
            try:
                data["mapping"] = CsvMapping(**{**data, "text": tuple(columns)})
            except DomainError as refusal:
                self.add_error(None, refusal.message)
        return data


class ConfirmLineForm(forms.Form):
    """The entry is for the order it was matched with. `seen` is the version of that order on the page."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    prefix = "confirm"


class OtherOrderForm(forms.Form):
    """Another order, by its payment reference. The clean value `reference` is the order."""

    reference = LineField(
        label=_("Payment reference of the order"), max_length=40, help_text=_("As on the order's page, for example K7M4-9QXK.")
    )
    prefix = "other"

    def clean_reference(self) -> Order:
        written = self.cleaned_data["reference"]
        order = find_order(written)
        if order is None and Order.objects.filter(payment_reference=dashed(normalize_reference(written))).exists():
            raise forms.ValidationError(_("This order is paid to the freelancer directly. Send the payment back."))
        if order is None:
            raise forms.ValidationError(_("No order into the platform's accounts has this reference. Compare it again."))
        return order


class NoteForm(forms.Form):
    """Why an entry is no payment of a client, or what an unreadable line was."""

    note = TextField(label=_("What it is"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    prefix = "note"


class ReturnForm(AccountFields):
    """Where money that fits no order goes back to, in the currency it came in."""

    note = TextField(label=_("Note"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    prefix = "return"

    @classmethod
    def initial_of(cls, line: StatementLine) -> dict[str, str]:
        return {"kind": line.payment_method.kind, "holder": line.payer_name[:120], "account": line.payer_account}
