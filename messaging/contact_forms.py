"""How people want to be reached, and the addresses of their own that are told."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from marketplace.outbound import PORTS, is_public, split_address
from messaging.models import Webhook

_CLOCK = {"type": "time"}


class ContactForm(forms.Form):
    shows_presence = forms.BooleanField(
        label=_("Show when I am online"),
        required=False,
        help_text=_("To people you have a conversation with, and to nobody else."),
    )
    quiet_from = forms.TimeField(label=_("Quiet from"), required=False, widget=forms.TimeInput(attrs=_CLOCK, format="%H:%M"))
    quiet_until = forms.TimeField(label=_("Quiet until"), required=False, widget=forms.TimeInput(attrs=_CLOCK, format="%H:%M"))

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        start, end = data.get("quiet_from"), data.get("quiet_until")
        if (start is None) != (end is None) and not self.errors:
            self.add_error("quiet_from" if start is None else "quiet_until", _("Give both times, or none."))
        if start is not None and start == end:
            self.add_error("quiet_until", _("Choose another time than the one it begins at."))
        return data


class WebhookForm(forms.Form):
    url = forms.URLField(
        label=_("Address"),
        max_length=500,
        assume_scheme="https",
        help_text=_("It begins with https:// and is on the public internet."),
    )
    hears = forms.MultipleChoiceField(
        label=_("What it hears of"),
        choices=Webhook.Hears.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            _parts, host, port = split_address(url)
        except ValueError as broken:
            words = _("Write an address that begins with https:// and has no password in it.")
            raise ValidationError(words, code="no_https") from broken
        try:
            is_reachable = is_public(host, port)
        except ValueError:  # a name: where it leads is looked up at each delivery
            is_reachable = port in PORTS
        if not is_reachable:
            raise ValidationError(_("Use an address of the public internet, and the port 443 or 8443."), code="not_public")
        return url
