from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from marketplace.forms import TextField
from marketplace.templatetags.ui import icon

COMMENT_LENGTH = 2000
WORDS = {5: _("Excellent"), 4: _("Good"), 3: _("Mixed"), 2: _("Poor"), 1: _("Very poor")}


def _stars(rating: int) -> SafeString:
    """What stands beside a radio button: drawn stars, the number for screen readers, and what it means."""
    drawn = format_html_join("", "{}", ((icon("star", "icon--star-full" if n <= rating else ""),) for n in range(1, 6)))
    spoken = ngettext("%(count)d star:", "%(count)d stars:", rating) % {"count": rating}
    return format_html(
        '<span class="rating" aria-hidden="true"><span class="rating__stars">{}</span></span>'
        '<span><span class="visually-hidden">{} </span>{}</span>',
        drawn,
        spoken,
        WORDS[rating],
    )


class ReviewForm(forms.Form):
    rating = forms.TypedChoiceField(label=_("Your rating"), coerce=int, widget=forms.RadioSelect)
    comment = TextField(
        label=_("What should others know?"),
        max_length=COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        help_text=_(
            "Plain text, at most 2,000 characters. Everybody can read it once it is published; you cannot change it later."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rating"].choices = [(rating, _stars(rating)) for rating in WORDS]  # type: ignore[attr-defined]
        self.fields["rating"].error_messages["required"] = gettext("Choose one to five stars.")


class ReplyForm(forms.Form):
    text = TextField(
        label=_("Your reply"),
        max_length=COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
        help_text=_("One reply, in public, below the review. You cannot change it later."),
    )
