"""What people type about an account that clients pay into."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from marketplace.forms import LineField, TextField
from marketplace.money import CURRENCY_CHOICES
from orders.bank_accounts import COINS, ON_SEVERAL_NETWORKS
from orders.iban import compact, is_iban, looks_like_iban
from orders.models import PaymentMethod

Kind = PaymentMethod.Kind
PAY_WINDOW_HOURS = {Kind.MOBILE: 2, Kind.COIN: 2, Kind.BANK: 72, Kind.CASH: 72}
METHOD_FIELDS = [
    "kind",
    "currency",
    "label",
    "account_holder",
    "account_number",
    "routing",
    "instructions",
    "is_reversible",
    "pay_window_hours",
]


class PaymentMethodForm(forms.ModelForm):
    """An account. An empty pay window becomes the usual one of its kind."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("Choose…")), *Kind.choices])
    label = LineField(
        label=_("Name of this way to pay"),
        max_length=80,
        help_text=_("As clients choose it, for example “Bank transfer (SEPA)”."),
    )
    account_holder = LineField(
        label=_("Account holder"), max_length=120, help_text=_("The name a payer's bank or wallet asks for or shows.")
    )
    account_number = LineField(
        label=_("Account number or address"), max_length=120, help_text=_("IBAN, account number, phone number or coin address.")
    )
    routing = LineField(
        label=_("Bank and routing"),
        max_length=120,
        required=False,
        help_text=_("BIC, sort code, branch or coin network, if a payer needs it."),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[("", _("Choose…")), *CURRENCY_CHOICES])
    instructions = TextField(
        label=_("Instructions"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What a client should know before they pay. You can write **bold** and - lists."),
    )
    pay_window_hours = forms.IntegerField(
        label=_("Hours to pay"),
        required=False,
        min_value=1,
        max_value=720,
        help_text=_("Left empty: 2 hours for mobile money and coins, 72 hours for bank transfers and cash."),
    )

    class Meta:
        model = PaymentMethod
        fields = METHOD_FIELDS
        labels = {"is_reversible": _("Payers can take the money back")}
        help_texts = {"is_reversible": _("For example a wallet with buyer protection, or a direct debit.")}

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        if self.instance._state.adding:
            self.initial["pay_window_hours"] = None

    def clean(self) -> dict[str, object]:
        data = super().clean() or self.cleaned_data
        kind, currency = data.get("kind"), data.get("currency")
        if kind and "pay_window_hours" in data and data["pay_window_hours"] is None:
            data["pay_window_hours"] = PAY_WINDOW_HOURS[Kind(kind)]
        if kind == Kind.BANK and "account_number" in data:
            self._clean_iban(data)
        if kind and currency and (kind == Kind.COIN) != (currency in COINS):
            self.add_error("currency", self._wrong_currency(kind))
        if kind == Kind.COIN and currency in ON_SEVERAL_NETWORKS and not data.get("routing") and "routing" not in self.errors:
            self.add_error("routing", _("Write the network, for example TRC-20: sent on another one, the coins are lost."))
        return data

    def _clean_iban(self, data: dict[str, object]) -> None:
        number = compact(str(data["account_number"]))
        if not looks_like_iban(number):
            return
        if not is_iban(number):
            self.add_error("account_number", _("This looks like an IBAN, but its check digits are wrong. Compare it again."))
        else:
            data["account_number"] = number

    def _wrong_currency(self, kind: str) -> ValidationError:
        if kind == Kind.COIN:
            return ValidationError(
                _("A coin address is paid in a coin: choose %(coins)s."), params={"coins": ", ".join(sorted(COINS))}
            )
        return ValidationError(_("Coins go to a coin address. Choose that kind, or another currency."))
