"""The forms of what ends or bends a running order: declining, leaving, asking the other side and answering it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.forms import ShareField
from marketplace.money import format_money, plain_amount
from orders.forms import FORMS, StepForm, words
from orders.models import Order
from orders.models.proposal import MOST_PAUSED_DAYS
from orders.selectors.proposals import MOST_EXTRA_DAYS, Division, division_of, fault_of_share, open_proposal, pause_days_left
from orders.states import Action, Custody


def days_field(label: Any, most: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=most,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "data-suffix": _("days")}),
    )


class EndForm(StepForm):
    """A step that ends the order with everything back to the client."""

    note = words(_("Why? The other side reads it"), max_length=1000, required=False)
    sure = forms.BooleanField()

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        held = gettext("Yes, end this order. %(amount)s go back to %(client)s. This cannot be undone.")
        direct = gettext("Yes, end this order. %(freelancer)s then owes %(client)s %(amount)s. This cannot be undone.")
        self.fields["sure"].label = (held if order.custody == Custody.PLATFORM else direct) % {
            "amount": format_money(order.funded_amount, order.currency),
            "client": order.client.get_short_name(),
            "freelancer": order.freelancer.get_short_name(),
        }


class CancelPartialForm(EndForm):
    action = Action.CANCEL_PARTIAL


class DeclineForm(EndForm):
    action = Action.DECLINE


class CancelLateForm(EndForm):
    action = Action.CANCEL_LATE


class ProposeCancellationForm(StepForm):
    """Asks for an amount, shows what it means for both, and is sent when the person has seen that."""

    action = Action.PROPOSE_CANCELLATION
    freelancer_amount = ShareField()
    reason = words(_("Why? The other side reads it"))
    shown = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)  # the amount whose division was looked at

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        field = self.fields["freelancer_amount"]
        field.set_currency(order.currency)  # type: ignore[attr-defined]
        names = {
            "name": order.freelancer.get_short_name(),
            "client": order.client.get_short_name(),
            "paid": format_money(order.funded_amount, order.currency),
        }
        field.label = gettext("What %(name)s keeps of the %(paid)s") % names
        field.help_text = gettext("Type 0 if everything is to go back to %(client)s.") % names

    def clean_freelancer_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["freelancer_amount"]
        if fault := fault_of_share(self.order, amount):
            raise ValidationError(fault, code="proposal_refused")
        return amount

    def wants_a_look(self) -> bool:
        return str(self.cleaned_data["shown"]) != self._seal()

    def wishes(self) -> dict[str, Any]:
        return {name: value for name, value in super().wishes().items() if name != "shown"}

    def refresh(self, order: Order) -> None:
        super().refresh(order)
        self.data = {**self.data, "shown": "" if "freelancer_amount" in self.errors else self._seal()}

    def division(self) -> Division | None:
        """What the amount as it was understood means for both; None before a usable one was typed."""
        if not self.is_bound or "freelancer_amount" in self.errors:
            return None
        return division_of(self.order, self.cleaned_data["freelancer_amount"])

    def _seal(self) -> str:
        return plain_amount(self.cleaned_data["freelancer_amount"], self.order.currency)


class AcceptCancellationForm(StepForm):
    action = Action.ACCEPT_CANCELLATION
    sure = forms.BooleanField()

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        proposal = open_proposal(order)
        division = division_of(order, (proposal.freelancer_amount if proposal else None) or Decimal(0))
        held = gettext("Yes, end this order: %(name)s gets %(earned)s, %(client)s gets %(back)s back. This cannot be undone.")
        direct = gettext("Yes, end this order: %(name)s keeps %(earned)s and owes %(client)s %(back)s. This cannot be undone.")
        self.fields["sure"].label = (held if order.custody == Custody.PLATFORM else direct) % {
            "earned": format_money(division.earned, order.currency),
            "back": format_money(division.back, order.currency),
            "name": order.freelancer.get_short_name(),
            "client": order.client.get_short_name(),
        }


class ProposeExtensionForm(StepForm):
    action = Action.PROPOSE_EXTENSION
    days = days_field(_("How many more days?"), MOST_EXTRA_DAYS)
    reason = words(_("Why? The other side reads it"))


class AcceptExtensionForm(StepForm):
    action = Action.ACCEPT_EXTENSION


class AskPauseForm(StepForm):
    action = Action.ASK_PAUSE
    question = words(_("What do you need from the client?"))
    days = days_field(_("For how long at most?"), MOST_PAUSED_DAYS)

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        self.fields["days"] = days_field(self.fields["days"].label, pause_days_left(order))


class GrantPauseForm(StepForm):
    action = Action.GRANT_PAUSE
    answer = words(_("Your answer"), required=False)


class ResumeForm(StepForm):
    action = Action.RESUME


class DeclineProposalForm(StepForm):
    action = Action.DECLINE_PROPOSAL
    answer = words(_("Your words to the other side"), required=False)


class WithdrawProposalForm(StepForm):
    action = Action.WITHDRAW_PROPOSAL


STEP_FORMS: dict[Action, type[StepForm]] = FORMS | {
    form.action: form
    for form in (
        CancelPartialForm,
        DeclineForm,
        CancelLateForm,
        ProposeCancellationForm,
        AcceptCancellationForm,
        ProposeExtensionForm,
        AcceptExtensionForm,
        AskPauseForm,
        GrantPauseForm,
        ResumeForm,
        DeclineProposalForm,
        WithdrawProposalForm,
    )
}
