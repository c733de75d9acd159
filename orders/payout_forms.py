"""What people type about money that goes out: accounts, payout requests, refunds sent, and the desk's decisions."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms import ACCEPT_RECEIPTS, AmountField, CheckedFileField, LineField, TextField
from marketplace.money import CURRENCY_CHOICES, format_money, plain_amount
from marketplace.uploads import check_receipt
from orders.bank_accounts import AccountRefused, checked_account
from orders.models import PaymentMethod, PayoutAccount

_CHOOSE = ("", _("Choose…"))


class AccountFields(forms.Form):
    """Whose account it is and what it is called; cleaned so that it can be paid to."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[_CHOOSE, *PaymentMethod.Kind.choices])
    holder = LineField(label=_("Account holder"), max_length=120, help_text=_("The name as the bank or wallet knows it."))
    account = LineField(
        label=_("Account number or address"),
        max_length=120,
        help_text=_("For euros into a bank, the IBAN. Otherwise an account number, phone number or coin address."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    routing = LineField(
        label=_("Bank and routing"),
        max_length=120,
        required=False,
        help_text=_("Sort code, branch or coin network, if a sender needs it. The BIC of an IBAN is usually found by itself."),
    )

    def __init__(self, *args: object, currency: str = "", **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.paid_in = currency

    def clean(self) -> dict[str, object]:
        data = self.cleaned_data
        known = {name: data.get(name) for name in ("kind", "account")}
        currency = data.get("currency") or self.paid_in
        if currency and all(known.values()) and "routing" in data:
            try:
                data["account"], data["routing"] = checked_account(
                    kind=data["kind"], currency=currency, account=data["account"], routing=data["routing"]
                )
            except AccountRefused as refusal:
                self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)
        return data


class PayoutAccountForm(AccountFields):
    currency = forms.ChoiceField(label=_("Currency"), choices=[_CHOOSE, *CURRENCY_CHOICES])
    field_order = ["kind", "currency", "holder", "account", "routing"]


class SeenForm(forms.Form):
    """A step of a disbursement: `seen` is the version of the row on the page."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


def _account_field(accounts: list[PayoutAccount]) -> forms.ChoiceField:
    names = {str(account.pk): f"{account.holder} · {account.masked}" for account in accounts}
    field = forms.ChoiceField(label=_("Send it to"), choices=list(names.items()), widget=forms.RadioSelect)
    field.initial = next(iter(names), None)
    return field


class RequestPayoutForm(forms.Form):
    """An amount of the available balance of one currency, and to which of the person's accounts."""

    amount = AmountField(label=_("Amount"))

    def __init__(
        self, *args: object, accounts: list[PayoutAccount], currency: str, available: Decimal, **options: object
    ) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.fields["amount"].set_currency(currency)  # type: ignore[attr-defined]
        self.fields["amount"].initial = plain_amount(available, currency)
        self.fields["amount"].help_text = _("Available are %(amount)s.") % {"amount": format_money(available, currency)}
        self.fields["account_id"] = _account_field(accounts)


class ChooseAccountForm(SeenForm):
    """Where a refund goes, or to which account a payout is sent after it came back."""

    def __init__(self, *args: object, accounts: list[PayoutAccount], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.fields["account_id"] = _account_field(accounts)


class SentForm(SeenForm):
    """The sending, as the bank or wallet shows it."""

    reference = LineField(
        label=_("Reference of the transfer"), max_length=120, help_text=_("As your bank or wallet shows it for this payment.")
    )
    proof = CheckedFileField(
        check=check_receipt,
        required=False,
        label=_("Receipt"),
        help_text=_("A picture or PDF of it. The receiver can see it."),
        widget=forms.FileInput(attrs=ACCEPT_RECEIPTS),
    )
    prefix = "send"


class FailForm(SeenForm):
    note = TextField(
        label=_("What went wrong"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The person reads exactly these words, and what they should do now."),
    )
    prefix = "fail"


class ReturnAccountForm(AccountFields):
    """Where money that fits no order goes back to, in the currency it came in."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    prefix = "account"
