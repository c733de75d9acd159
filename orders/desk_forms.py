"""What a moderator types at the payment desk."""

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms import AmountField, TextField
from marketplace.money import format_money
from orders.models import Order, PaymentProof
from orders.states import Custody

ARRIVED = {
    "exact": _("exactly what is due"),
    "less": _("less: hold it as a part, and ask the client for the rest"),
    "more": _("more: confirm the payment, and refund the rest"),
}


class ConfirmForm(forms.Form):
    """The received amount, typed again from the account's own statement. `seen` is the version of the order on the page."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    received_amount = AmountField(
        label=_("Amount received"),
        help_text=_("Type it from the account statement, not from this page."),
    )
    arrived = forms.ChoiceField(label=_("That is"), choices=list(ARRIVED.items()), widget=forms.RadioSelect, initial="exact")
    prefix = "confirm"

    def __init__(self, *args: object, order: Order, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.currency = order.currency
        self.fields["received_amount"].set_currency(self.currency)  # type: ignore[attr-defined]
        if order.custody == Custody.DIRECT:  # nothing is held there, so no part can be
            self.fields["arrived"].choices = [(key, ARRIVED[key]) for key in ("exact", "more")]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        amount = self.cleaned_data.get("received_amount")
        if amount is not None:
            self.fields["received_amount"].help_text = _("Read as %(amount)s.") % {"amount": format_money(amount, self.currency)}
        return self.cleaned_data


class RejectForm(forms.Form):
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose…")), *PaymentProof.Reason.choices])
    note = TextField(
        label=_("What to tell the client"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What is wrong, and what they should do now. They read exactly these words."),
    )
    prefix = "reject"


class CancelPartForm(forms.Form):
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    note = TextField(label=_("What to tell both sides"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    prefix = "part"
