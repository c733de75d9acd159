from collections.abc import Collection, Iterable
from typing import Any

from django import forms

from messaging.events import Kind


class ReadAllForm(forms.Form):
    up_to = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)


class MailSettingsForm(forms.Form):
    """A box for each kind, ticked unless it is refused."""

    def __init__(self, *args: Any, kinds: Iterable[Kind], refused: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in kinds:
            self.fields[kind.name] = forms.BooleanField(label=kind.label, required=False, initial=kind.name not in refused)

    @property
    def wanted(self) -> list[str]:
        return [name for name, is_ticked in self.cleaned_data.items() if is_ticked]
