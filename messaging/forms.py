"""What people choose and write: parsed here, acted on by the views."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any, cast
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from marketplace.forms import LineField, MultipleFileInput, TextField
from messaging.events import Kind
from messaging.models import MessageReport
from messaging.models.conversation import LONGEST_NOTE, MOST_CHARACTERS, MOST_FILES
from messaging.off_platform import Hint, hints_in
from messaging.selectors.conversations import INBOX_TABS

BIGGEST = 2**63 - 1


class ReadAllForm(forms.Form):
    up_to = forms.IntegerField(min_value=1, max_value=BIGGEST, widget=forms.HiddenInput)


class MailSettingsForm(forms.Form):
    """A box for each kind, ticked unless it is refused; `all` or `none` with the number of a group switches the whole of it."""

    def __init__(self, *args: Any, groups: Mapping[Any, Iterable[Kind]], refused: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._groups = groups
        for kind in chain.from_iterable(groups.values()):
            self.fields[kind.name] = forms.BooleanField(label=kind.label, required=False, initial=kind.name not in refused)

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The boxes by the group they stand in."""
        return [(str(group), [self[kind.name] for kind in kinds]) for group, kinds in self._groups.items()]

    @property
    def wanted(self) -> set[str]:
        ticked = {name for name, is_ticked in self.cleaned_data.items() if is_ticked}
        return (ticked | self._whole("all")) - self._whole("none")

    def _whole(self, button: str) -> set[str]:
        """The names of the group whose button was pressed."""
        numbered = {str(number): {kind.name for kind in kinds} for number, kinds in enumerate(self._groups.values())}
        return numbered.get(self.data.get(button, ""), set())


# --- Finding one's way: what an address may say, and is ignored when it makes no sense ---------------------------------
class InboxForm(forms.Form):
    tab = forms.ChoiceField(choices=[(tab, "") for tab in INBOX_TABS], required=False)
    q = LineField(
        max_length=100,
        required=False,
        label=_("Search your messages"),
        widget=forms.SearchInput(attrs={"placeholder": _("Words of a message")}),
    )
    before = forms.CharField(max_length=60, required=False)

    def clean_before(self) -> tuple[datetime, int] | None:
        """The last row of the page before: `<instant>,<number>`."""
        instant, _comma, number = self.cleaned_data["before"].partition(",")
        with suppress(ValueError, OverflowError):  # there is no such day, or none in UTC
            at = parse_datetime(instant)
            if at and at.tzinfo and number.isascii() and number.isdigit() and len(number) < 19:
                return at.astimezone(UTC), int(number)
        return None


class WindowForm(forms.Form):
    """Which part of a conversation is shown, what an answer is about, and whether the person came to write."""

    before = forms.IntegerField(min_value=1, max_value=BIGGEST, required=False)
    after = forms.IntegerField(min_value=0, max_value=BIGGEST, required=False)
    order = forms.UUIDField(required=False)
    write = forms.BooleanField(required=False)


# --- Writing ------------------------------------------------------------------------------------------------------------
class IdsField(forms.Field):
    """UUIDs, one for each hidden input of this name."""

    widget = forms.MultipleHiddenInput
    hidden_widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[UUID]:
        try:
            return [UUID(one) for one in value or []]
        except ValueError as broken:
            raise ValidationError(_("A file of this message is gone. Add it again."), code="unknown_file") from broken


class UploadsField(forms.FileField):
    """Any number of files from one control; what each may be is the service's business."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(UploadsField, self).clean(one) for one in data or []]


class MessageForm(forms.Form):
    """A message being written. `client_id` names it, so that a second press sends the same one; `warned` holds the words that
    the person was warned about and may send all the same."""

    content = forms.CharField(
        label=_("Your message"),
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 2, "dir": "auto", "maxlength": MOST_CHARACTERS, "placeholder": _("Write a message")}
        ),
    )
    uploads = UploadsField(label=_("Add files"), required=False, allow_empty_file=True)
    file_ids = IdsField(required=False)
    order = forms.UUIDField(required=False, widget=forms.HiddenInput)
    client_id = forms.CharField(widget=forms.HiddenInput)
    warned = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Before any file is kept: too many are refused together."""
        given = self.cleaned_data
        if len({*given.get("file_ids", ())}) + len(given.get("uploads", ())) > MOST_FILES:
            raise ValidationError(
                _("A message takes %(most)d files at most."), code="message_refused", params={"most": MOST_FILES}
            )
        return given

    def handed_in(self) -> list[UUID]:
        """The files handed in before, whatever is wrong with the rest."""
        return [*dict.fromkeys(self.cleaned_data.get("file_ids", ()))][:MOST_FILES]

    def said(self) -> dict[str, Any]:
        """The words as the service takes them."""
        words = self.cleaned_data
        return {"content": words["content"], "client_id": words["client_id"], "order_id": words["order"]}

    def new_hints(self) -> list[Hint]:
        """What the words look like that the person has not been warned about yet."""
        return [] if self.cleaned_data["warned"] == "on" else hints_in(self.cleaned_data["content"][:MOST_CHARACTERS])

    def keep(self, file_ids: Collection[UUID], *, warned: bool) -> None:
        """Show the form again with these files handed in, and not warn twice."""
        data = cast(QueryDict, self.data).copy()
        data.setlist("file_ids", [str(one) for one in file_ids])
        if warned:
            data["warned"] = "on"
        self.data = data


class ChangeForm(forms.Form):
    content = forms.CharField(  # what it may hold is the service's to say, as with a message that is sent
        label=_("Your message"), max_length=MOST_CHARACTERS, widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"})
    )


class SeenForm(forms.Form):
    delivered = forms.IntegerField(min_value=0, max_value=BIGGEST, required=False)
    read = forms.IntegerField(min_value=0, max_value=BIGGEST, required=False)


class ArrangeForm(forms.Form):
    """Each is "on", "off" or not said."""

    muted = forms.NullBooleanField(widget=forms.HiddenInput)
    archived = forms.NullBooleanField(widget=forms.HiddenInput)


class ReportForm(forms.Form):
    reason = forms.ChoiceField(label=_("What is wrong with it?"), choices=MessageReport.Reason.choices, widget=forms.RadioSelect)
    note = TextField(
        label=_("What happened"),
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        help_text=_("What a moderator should know. They see the messages around this one too."),
    )
