"""Placing an order: how to pay, and the answers to the gig's questions."""

import uuid
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gigs.models import Gig, Requirement
from marketplace.forms import TextField
from orders.models import PaymentMethod
from orders.selectors import gig_terms

MAX_ANSWER = 4000


class PlaceForm(forms.Form):
    """How to pay and the answers to the gig's questions. `methods` are those offered for the gig."""

    payment_method = forms.ChoiceField(label=_("How do you want to pay?"), widget=forms.RadioSelect)
    terms = forms.CharField(widget=forms.HiddenInput, max_length=200)
    placement_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, gig: Gig, methods: list[PaymentMethod], **options: Any) -> None:
        super().__init__(*args, **options)
        self.gig = gig
        self.initial = {"terms": gig_terms(gig), "placement_key": uuid.uuid4()}
        if len(methods) == 1:
            self.initial["payment_method"] = str(methods[0].pk)
        choice = self.fields["payment_method"]
        choice.choices = [(str(m.pk), render_to_string("orders/_method_choice.html", {"method": m})) for m in methods]  # type: ignore[attr-defined]
        choice.error_messages["invalid_choice"] = gettext("This way to pay is no longer offered. Choose another one.")
        for requirement in gig.requirements.all():
            self.fields[_answer_name(requirement)] = _answer_field(requirement)

    def order_wishes(self) -> dict[str, Any]:
        """The clean values as `place_order` takes them."""
        clean = self.cleaned_data
        answers = {requirement.pk: clean[_answer_name(requirement)] for requirement in self.gig.requirements.all()}
        return {
            "payment_method_id": uuid.UUID(clean["payment_method"]),
            "answers": answers,
            "terms": clean["terms"],
            "placement_key": clean["placement_key"],
        }

    def refresh(self) -> None:
        """Before the form is shown again: it now carries the terms that its page shows, and a key that can be read."""
        key = uuid.uuid4() if "placement_key" in self.errors else self.data.get("placement_key")
        self.data = {**dict(self.data.items()), "terms": gig_terms(self.gig), "placement_key": str(key)}


def _answer_name(requirement: Requirement) -> str:
    return f"answer_{requirement.pk}"


def _answer_field(requirement: Requirement) -> forms.Field:
    required = requirement.is_required
    if requirement.kind == Requirement.Kind.CHOICE:
        none = [] if required else [("", gettext("No answer"))]
        choices = [*none, *((choice, choice) for choice in requirement.choices)]
        return forms.ChoiceField(label=requirement.question, choices=choices, widget=forms.RadioSelect, required=required)
    widget = forms.Textarea(attrs={"rows": 3, "dir": "auto"})
    return TextField(label=requirement.question, max_length=MAX_ANSWER, widget=widget, required=required)
