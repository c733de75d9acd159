"""What the parties write on a case, and what moderators type at its desk."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from marketplace.forms import AmountField, CheckedFileField, ShareField
from marketplace.money import format_money
from marketplace.uploads import check_attachment
from orders.forms import StepForm, words
from orders.models import Dispute, DisputeStatement, Evidence, Order, Ruling
from orders.states import Action, Status

Reason = Dispute.Reason


class CaseForm(StepForm):
    """A step of a case; its amounts are parts of what is in dispute."""

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        self.names = {
            "whole": format_money(order.expected_amount, order.currency),
            "client": order.client.get_short_name(),
            "freelancer": order.freelancer.get_short_name(),
        }
        for field in self.fields.values():
            if isinstance(field, AmountField):
                field.set_currency(order.currency)
                field.label = str(field.label) % self.names

    def typed(self) -> list[tuple[str, str]]:
        amounts = [bound for bound in self if isinstance(bound.field, AmountField) and bound.value()]
        return super().typed() + [(str(bound.label), str(bound.value())) for bound in amounts]


class OpenDisputeForm(CaseForm):
    action = Action.OPEN_DISPUTE
    reason = forms.ChoiceField(label=_("What is it about?"))
    statement = words(_("Your statement"), rows=8, max_length=8000, min_length=DisputeStatement.AT_LEAST)
    wanted_amount = ShareField(label=_("What %(freelancer)s should get of the %(whole)s"), required=False)

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, order=order, **options)
        self.fields["reason"].choices = [("", _("Choose…")), *self._reasons(order)]  # type: ignore[attr-defined]
        self.fields["statement"].help_text = gettext(
            "What was agreed, what happened, and what you want. At least %(min)d characters. The other side reads it when "
            "both statements are in, or when the time to answer is over. You cannot change it afterwards."
        ) % {"min": DisputeStatement.AT_LEAST}
        self.fields["wanted_amount"].help_text = gettext("0 if everything is to go back to %(client)s.") % self.names

    def _reasons(self, order: Order) -> list[tuple[str, Any]]:
        is_paid = order.status != Status.PAYMENT_SUBMITTED
        never = {Reason.REVERSAL, Reason.PAYMENT} if is_paid else {Reason.REVERSAL}
        return [(reason.value, reason.label) for reason in Reason if reason not in never]


class DisputeCompletedForm(OpenDisputeForm):
    action = Action.DISPUTE_COMPLETED

    def _reasons(self, order: Order) -> list[tuple[str, Any]]:
        return [(reason.value, reason.label) for reason in Dispute.AFTER_COMPLETION]


class AnswerForm(CaseForm):
    action = Action.ANSWER_DISPUTE
    statement = words(
        _("Your statement"),
        rows=8,
        max_length=8000,
        help_text=_("What was agreed, what happened, and what you want. You cannot change it afterwards."),
    )
    wanted_amount = ShareField(label=_("What %(freelancer)s should get of the %(whole)s"), required=False)


class OfferForm(CaseForm):
    action = Action.OFFER_SETTLEMENT
    freelancer_amount = ShareField(
        label=_("What %(freelancer)s gets of the %(whole)s"),
        help_text=_("Before the fee; the rest goes back to the client. A new offer replaces your last one."),
    )


class AcceptForm(CaseForm):
    action = Action.ACCEPT_SETTLEMENT
    sure = forms.BooleanField(label=_("Yes, I accept this offer. It ends the dispute and cannot be undone."))


class WithdrawForm(CaseForm):
    action = Action.WITHDRAW_DISPUTE
    note = words(_("Why? The other side reads it"), max_length=1000, required=False)
    sure = forms.BooleanField(label=_("Yes, withdraw my dispute. The order goes on where it stood."))


class AppealForm(CaseForm):
    action = Action.APPEAL
    reason = words(
        _("What did the ruling get wrong?"), rows=4, max_length=4000, help_text=_("Both sides and the next moderator read it.")
    )


class EvidenceForm(forms.Form):
    """Not a step of the order: nothing moves, so it needs no version."""

    note = words(_("What does it show?"))
    file = CheckedFileField(
        check=check_attachment, label=_("File"), required=False, help_text=_("Of any kind, up to 10 MB. A note alone is enough.")
    )
    audience = forms.ChoiceField(
        label=_("Who may see it?"), choices=Evidence.Audience.choices, initial=Evidence.Audience.ALL, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "evidence_%s", **options})


# --- The desk -------------------------------------------------------------------------------------------------------
class DeskForm(forms.Form):
    """`seen` is the version of the order on the moderator's page."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1, error_messages={"required": StepForm.stale})


class TakeForm(DeskForm):
    prefix = "take"
    note = words(_("Why does it change hands? Moderators alone read this"), rows=2, max_length=1000, required=False)


class HandOverForm(DeskForm):
    prefix = "hand"
    to = forms.ModelChoiceField(label=_("Colleague"), queryset=User.objects.none(), empty_label=_("Choose…"))
    note = words(_("What they should know. Moderators alone read this"), max_length=1000)

    def __init__(self, *args: Any, colleagues: list[User], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["to"]
        field.queryset = User.objects.filter(pk__in=[person.pk for person in colleagues])  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    prefix = "note"
    text = words(_("A note for the other moderators"), max_length=4000)


class RuleForm(DeskForm):
    """Both parts are typed; `confirmed` is only sent with the preview of what they would do."""

    prefix = "rule"
    freelancer_amount = ShareField(help_text=_("Before the fee."))
    client_amount = ShareField(help_text=_("Type it too: together they make up all that is in dispute."))
    not_paid = forms.BooleanField(
        label=_("The client’s payment never came: cancel the order, nobody gets or owes anything (type 0 twice)"), required=False
    )
    reason = words(_("Reasons"), rows=8, max_length=8000, min_length=Ruling.REASON_AT_LEAST)

    def __init__(self, *args: Any, case: Dispute, **options: Any) -> None:
        super().__init__(*args, **options)
        order = case.order
        for name, person in (("freelancer_amount", order.freelancer), ("client_amount", order.client)):
            self.fields[name].set_currency(order.currency)  # type: ignore[attr-defined]
            self.fields[name].label = gettext("To %(name)s") % {"name": person}
        self.fields["reason"].help_text = gettext(
            "At least %(min)d characters. Both sides read them: what you found, what the gig promised, why these amounts."
        ) % {"min": Ruling.REASON_AT_LEAST}
        if not case.is_about_payment:
            del self.fields["not_paid"]
