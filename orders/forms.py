"""One form for every step of docs/orders.md."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.forms import ACCEPT_RECEIPTS, AmountField, CheckedFileField, CheckedFilesField, LineField, TextField
from marketplace.money import format_money
from marketplace.uploads import check_attachment, check_receipt
from orders.models import CLOCK_SKEW, Order, PaymentProof
from orders.references import is_comparable, normalize_reference
from orders.states import Action, Custody

MAX_FILES = 10
MAX_LINKS = 5
MAX_LINK = 1000
MAX_POINTS = 20
MAX_POINT = 500
_check_address = URLValidator(schemes=["http", "https"])


def words(label: Any, *, rows: int = 3, max_length: int = 2000, **options: Any) -> TextField:
    """A box for what a person writes."""
    area = forms.Textarea(attrs={"rows": rows, "dir": "auto"})
    return TextField(label=label, max_length=max_length, widget=area, **options)


def receipt_field() -> CheckedFileField:
    """What shows a payment, as a bank or wallet gives it."""
    return CheckedFileField(
        check=check_receipt,
        label=_("Receipt"),
        help_text=_("PNG, JPEG, WebP or PDF, up to 10 MB. Only the two of you and moderators see it."),
        widget=forms.ClearableFileInput(attrs=ACCEPT_RECEIPTS),
    )


class StepForm(forms.Form):
    """One step of an order. `seen` is the version of the order on the person's page; the rest are the service's own arguments."""

    action: Action
    stale = _("This page was out of date. Look at the order again before you decide.")
    seen = forms.IntegerField(widget=forms.HiddenInput, error_messages={"required": stale, "invalid": stale})

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.action}_%s", "initial": {"seen": order.version}, **options})
        self.order = order

    def wishes(self) -> dict[str, Any]:
        """The clean values as the service takes them."""
        return {name: value for name, value in self.cleaned_data.items() if name != "sure"}

    def read_back(self) -> dict[str, str]:
        """What was understood of a typed amount, for the words that follow."""
        typed = next((value for value in self.cleaned_data.values() if isinstance(value, Decimal)), None)
        return {"amount": format_money(typed, self.order.currency)} if typed else {}

    def wants_a_look(self) -> bool:
        """Whether the page is to show what this would do before it is done."""
        return False

    def typed(self) -> list[tuple[str, str]]:
        """Label and text of everything the person has written, so that none of it is lost."""
        written = [bound for bound in self if isinstance(bound.field, LineField | TextField)]
        return [(str(bound.label), str(bound.value())) for bound in written if bound.value()]

    def refresh(self, order: Order) -> None:
        """Before the form is shown again: it carries the version its page shows, wants its tick anew and files chosen again."""
        for name, field in self.fields.items():
            if isinstance(field, forms.FileField) and self.files.get(name) and name not in self.errors:
                self.add_error(name, _("Choose your files again: a browser does not keep them."))
        kept = {name: value for name, value in self.data.items() if name != "sure"}
        self.data = {**kept, "seen": str(order.version)}


class SubmitPaymentForm(StepForm):
    action = Action.SUBMIT_PAYMENT
    transaction_reference = LineField(
        label=_("Transaction reference"),
        max_length=120,
        help_text=_("The number your bank, wallet or the network gave this payment. It stands on the receipt."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    payer_name = LineField(
        label=_("Payer’s name"), max_length=120, help_text=_("As the account you paid from shows it."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )  # fmt: skip
    amount = AmountField(label=_("Amount you sent"))
    paid_at = forms.DateTimeField(
        label=_("When you paid"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    receipt = receipt_field()

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        self.fields["amount"].set_currency(order.currency)  # type: ignore[attr-defined]
        self.fields["amount"].help_text = gettext("Due are %(amount)s.") % {
            "amount": format_money(order.amount_due, order.currency)
        }
        self.fields["paid_at"].help_text = gettext("In your time zone, %(zone)s.") % {"zone": timezone.get_current_timezone()}

    def clean_transaction_reference(self) -> str:
        reference: str = self.cleaned_data["transaction_reference"]
        if not is_comparable(normalize_reference(reference)):
            raise ValidationError(
                _("Write the transaction reference with the letters A to Z and digits your bank or wallet shows."),
                code="proof_refused",
            )
        return reference

    def clean_paid_at(self) -> datetime:
        paid_at: datetime = self.cleaned_data["paid_at"]
        if fault := fault_of_payment_date(paid_at):
            raise ValidationError(fault, code="proof_refused")
        return paid_at.astimezone(UTC)


class AttachReceiptForm(StepForm):
    action = Action.ATTACH_RECEIPT
    receipt = receipt_field()


class ConfirmPaymentForm(StepForm):
    action = Action.CONFIRM_PAYMENT
    received_amount = AmountField(
        label=_("Amount that arrived"), help_text=_("Type what your account shows, not what the receipt says.")
    )
    more_arrived = forms.BooleanField(
        label=_("More arrived than was due. I owe the client the rest and send it back."), required=False
    )
    sure = forms.BooleanField(label=_("I have looked at my own account and the money is there. This cannot be undone."))

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        self.fields["received_amount"].set_currency(order.currency)  # type: ignore[attr-defined]


class RejectPaymentForm(StepForm):
    action = Action.REJECT_PAYMENT
    reason = forms.ChoiceField(label=_("What is wrong?"), choices=[("", _("Choose…")), *PaymentProof.Reason.choices])
    note = words(
        _("Your words to the client"),
        rows=4,
        max_length=1000,
        help_text=_("Say what you looked for, and what the client should do now."),
    )


class StartWorkForm(StepForm):
    action = Action.START_WORK


class CancelForm(StepForm):
    action = Action.CANCEL
    note = words(_("Why? The other side reads it"), max_length=1000, required=False)
    sure = forms.BooleanField(label=_("Yes, cancel this order. I know of no payment for it."))


class SubmitWorkForm(StepForm):
    action = Action.SUBMIT_WORK
    note = words(_("What you hand over"), rows=5, max_length=4000, help_text=_("What is in it, and how to open or use it."))
    files = CheckedFilesField(  # type: ignore[assignment]
        check=check_attachment,
        max_files=MAX_FILES,
        label=_("Files"),
        required=False,
        help_text=_("Up to 10 files of any kind, 10 MB each. At least one file or one link."),
    )
    links = TextField(
        label=_("Links"),
        max_length=MAX_LINKS * (MAX_LINK + 2),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none", "dir": "ltr"}),
        help_text=_("Up to 5, one a line, beginning with https:// or http://."),
    )

    def clean_links(self) -> list[str]:
        links = _lines(self.cleaned_data["links"])
        if len(links) > MAX_LINKS:
            raise ValidationError(_("Give at most %(max)d links."), code="too_many_links", params={"max": MAX_LINKS})
        wrong = [link for link in links if not is_address(link)]
        if wrong:
            raise ValidationError(_("This is not a web address: %(link)s"), code="invalid_link", params={"link": wrong[0][:80]})
        return links

    def clean(self) -> dict[str, Any]:
        work = self.cleaned_data
        if "files" in work and "links" in work and not work["files"] and not work["links"]:
            self.add_error("files", ValidationError(_("Add at least one file or one link."), code="delivery_incomplete"))
        return work


class ApproveForm(StepForm):
    action = Action.APPROVE
    sure = forms.BooleanField()

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        held = gettext("Yes, release the %(amount)s: I have what I ordered.")
        direct = gettext("Yes, I have what I ordered from %(name)s. This closes the order.")
        names = {"amount": format_money(order.expected_amount, order.currency), "name": order.freelancer.get_short_name()}
        self.fields["sure"].label = (held if order.custody == Custody.PLATFORM else direct) % names


class RequestRevisionForm(StepForm):
    action = Action.REQUEST_REVISION
    items = words(
        _("What is to be changed?"),
        rows=5,
        max_length=MAX_POINTS * (MAX_POINT + 2),
        help_text=_("One point a line, up to 20. The freelancer works through them one by one."),
    )

    def clean_items(self) -> list[str]:
        points = [re.sub(r"^(?:[-*•]|\d{1,2}[.)])\s+", "", line) for line in _lines(self.cleaned_data["items"])]
        if len(points) > MAX_POINTS:
            raise ValidationError(_("Give at most %(max)d points."), code="too_many_points", params={"max": MAX_POINTS})
        if any(len(point) > MAX_POINT for point in points):
            raise ValidationError(
                _("Keep each point to %(max)d characters: split the longer ones."), code="long_point", params={"max": MAX_POINT}
            )
        return points


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def fault_of_payment_date(paid_at: datetime) -> str:
    """Why nobody can have paid at this instant; "" when somebody can."""
    if paid_at.year < 2000:
        return gettext("That is too long ago. Check the year.")
    is_ahead = paid_at.year > 9000 or paid_at > timezone.now() + CLOCK_SKEW
    return gettext("The payment date lies in the future.") if is_ahead else ""


def is_address(link: str) -> bool:
    """An http(s) address that does not hide its host behind a name and password."""
    try:
        _check_address(link)
        return len(link) <= MAX_LINK and urlsplit(link).username is None
    except (ValidationError, ValueError):
        return False


FORMS: dict[Action, type[StepForm]] = {
    form.action: form
    for form in (
        SubmitPaymentForm,
        AttachReceiptForm,
        CancelForm,
        ConfirmPaymentForm,
        RejectPaymentForm,
        StartWorkForm,
        SubmitWorkForm,
        ApproveForm,
        RequestRevisionForm,
    )
}
