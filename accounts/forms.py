"""What people type about themselves, and allauth's forms in this site's words."""

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import EmailTaken
from accounts.handles import MAX_LENGTH, is_name_of_site
from accounts.models import Scope, User, validate_handle, validate_time_zone
from accounts.models.access import LONGEST_NAME
from accounts.pictures import square_picture
from accounts.time_zones import time_zone_choices
from marketplace.forms import ACCEPT_PICTURES, CheckedFileField, LineField, TextField

PASSWORD_HELP = _("At least 10 characters. A few unrelated words are easy to remember and hard to guess.")


class TimeZoneField(forms.ChoiceField):
    """Any zone of the IANA list; old names of it are accepted too, since browsers still tell them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=time_zone_choices, validators=[validate_time_zone], **options)

    def valid_value(self, value: str) -> bool:
        return True  # the validator asks the whole list, of which the choices are the readable part


class Unprompted(forms.Form):
    """allauth's forms without placeholders: labels stand above every field."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in ("login", "email"):
                field.label = _("E-mail")
                field.widget.attrs.setdefault("maxlength", "254")
            if name in ("password1", "password2"):
                field.help_text = PASSWORD_HELP if name == "password1" else ""
                field.widget.attrs.setdefault("maxlength", "1000")


class SignInForm(Unprompted, allauth_forms.LoginForm):
    pass


class SignUpForm(Unprompted, allauth_forms.SignupForm):
    full_name = LineField(
        label=_("Full name"),
        max_length=120,
        help_text=_("As people should address you. It is public."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = TimeZoneField(
        label=_("Time zone"),
        initial="UTC",
        help_text=_("Deadlines are shown in it."),
        widget=forms.Select(attrs={"data-time-zone": ""}),
    )
    field_order = ["full_name", "email", "password1", "time_zone"]

    def clean_full_name(self) -> str:
        """Asked here already: the service is asked only for addresses that are new, and nobody shall learn which are."""
        name = str(self.cleaned_data["full_name"])
        if is_name_of_site(name):
            raise ValidationError(_("This name is kept for the site itself. Write your own name."), code="name_reserved")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        try:
            person = User(full_name=data.get("full_name", ""))
            UserAttributeSimilarityValidator(user_attributes=("full_name",)).validate(data.get("password1", ""), person)
        except ValidationError as too_similar:
            self.add_error("password1", too_similar)
        return data

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        if self.account_already_exists:  # type: ignore[has-type]
            make_password(self.cleaned_data["password1"])  # as long a wait as for a new address, which so stays unknown
        try:
            return super().try_save(request)
        except EmailTaken:  # somebody signed up with it since clean(): answer as for every known address
            self.account_already_exists = True
            return super().try_save(request)


class ChangeEmailForm(Unprompted, allauth_forms.AddEmailForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].label = _("New address")


class ChangePasswordForm(Unprompted, allauth_forms.ChangePasswordForm):
    pass


class ResetPasswordForm(Unprompted, allauth_forms.ResetPasswordForm):
    pass


class NewPasswordForm(Unprompted, allauth_forms.ResetPasswordKeyForm):
    pass


class ConfirmPasswordForm(Unprompted, allauth_forms.ReauthenticateForm):
    pass


class CodeFromMail(Unprompted):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["code"].label = _("Code from the mail")
        self.fields["code"].widget.attrs |= {"autofocus": True, "autocapitalize": "characters", "spellcheck": "false"}


class EmailCodeForm(CodeFromMail, allauth_forms.ConfirmEmailVerificationCodeForm):
    pass


class ResetCodeForm(CodeFromMail, allauth_forms.ConfirmPasswordResetCodeForm):
    pass


class CloseAccountForm(ConfirmPasswordForm):
    understood = forms.BooleanField(label=_("I understand that I cannot sign in any more, and that my orders stay on record."))
    field_order = ["understood", "password"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password"].label = _("Your password")


class ProfileForm(forms.Form):
    full_name = LineField(label=_("Full name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    handle = LineField(
        label=_("Handle"),
        max_length=MAX_LENGTH,
        help_text=_("The end of your public page's address. Links to the old one stop working when you change it."),
        validators=[validate_handle],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    bio = TextField(
        label=_("About you"),
        max_length=4000,
        required=False,
        help_text=_("What you do and how you work. Markdown: **bold**, - lists, [links](https://…)."),
    )
    time_zone = TimeZoneField(label=_("Time zone"), help_text=_("Deadlines are shown in it."))

    def __init__(self, *args: Any, person: User, **options: Any) -> None:
        options.setdefault("initial", {name: getattr(person, name) for name in self.base_fields})
        super().__init__(*args, **options)


class PictureForm(forms.Form):
    picture = CheckedFileField(
        check=square_picture,
        label=_("Picture"),
        help_text=_("PNG, JPEG or WebP, at most 10 MB. The middle square is kept; where and when it was taken is not."),
        widget=forms.FileInput(attrs=ACCEPT_PICTURES),
        error_messages={"empty": _("This file is empty. Choose it again.")},
    )


# --- API keys -------------------------------------------------------------------------------------------------------
# What a person decides on when ticking it.
OPENS: dict[Scope, Promise] = {
    Scope.READ: _(
        "See what you see: your gigs, orders and payments, messages, notifications and balance. Most programs need it."
    ),
    Scope.ORDERS: _("Place orders and take every step of yours, with payments, deliveries, disputes, payouts and reviews."),
    Scope.MESSAGES: _("Write, correct and delete messages, hand in files, block people, and mark things as read."),
    Scope.GIGS: _("Offer gigs, change and pause them, and put them away."),
}


def _scopes() -> list[tuple[str, str]]:
    row = '<span><span class="scope__name">{}</span> <code>{}</code><span class="scope__words">{}</span></span>'
    return [(scope.value, format_html(row, scope.label, scope.value, words)) for scope, words in OPENS.items()]


class KeyForm(forms.Form):
    name = LineField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("By which you know it again: the program that uses it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(label=_("What it may do"), choices=_scopes, widget=forms.CheckboxSelectMultiple)
