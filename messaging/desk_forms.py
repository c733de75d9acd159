"""What a moderator types about a reported message."""

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms import TextField
from messaging.models import MessageReport
from messaging.models.conversation import LONGEST_NOTE, SHORTEST_REASON


class DecideForm(forms.Form):
    decision = forms.ChoiceField(label=_("Decision"), choices=MessageReport.Decision.choices, widget=forms.RadioSelect)
    note = TextField(
        label=_("Why"),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
        help_text=_("At least 20 characters. Who reported it reads exactly these words; who wrote the message is not told."),
    )
