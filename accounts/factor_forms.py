"""allauth's forms of the second factor, in this site's words."""

import struct
from typing import Any

from allauth.mfa.base import forms as code_forms
from allauth.mfa.totp import forms as app_forms
from allauth.mfa.webauthn import forms as key_forms
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms import Unprompted
from marketplace.forms import LineField

KEY_NAME_HELP = _("To tell your keys apart, for example “Phone” or “Blue key”.")

# The library that reads a key's answer trusts its shape: each of these is what it raises for one that is made up.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, struct.error)


def _unreadable() -> ValidationError:
    return ValidationError(_("The key's answer could not be read. Try again."), code="incorrect_code")


class SignInCodeForm(Unprompted, code_forms.AuthenticateForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["code"].widget.attrs["autofocus"] = True
        self.fields["code"].help_text = _("The six digits your app shows now, or one of your recovery codes.")


class ConfirmCodeForm(Unprompted, code_forms.ReauthenticateForm):
    pass


class ActivateAppForm(Unprompted, app_forms.ActivateTOTPForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["code"].label = _("Code from the app")
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class KeyAnswer(Unprompted):
    """What a key answered, as the browser posts it; anything that is no answer is refused like a wrong one."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except UNREADABLE as unreadable:
            raise _unreadable() from unreadable


class SignInKeyForm(KeyAnswer, key_forms.LoginWebAuthnForm):
    pass


class AuthenticateKeyForm(KeyAnswer, key_forms.AuthenticateWebAuthnForm):
    pass


class ConfirmKeyForm(KeyAnswer, key_forms.ReauthenticateWebAuthnForm):
    pass


class AddKeyForm(Unprompted, key_forms.AddWebAuthnForm):
    name = LineField(label=_("Name"), max_length=60, required=False, help_text=KEY_NAME_HELP)
    passwordless = forms.BooleanField(
        label=_("Sign in with this alone (a passkey)"),
        required=False,
        initial=True,
        help_text=_(
            "The device asks for a fingerprint, a face or its PIN. Without it, the key is asked for after your password."
        ),
    )

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean() or self.cleaned_data
        except UNREADABLE as unreadable:
            raise _unreadable() from unreadable


class RenameKeyForm(Unprompted, key_forms.EditWebAuthnForm):
    name = LineField(label=_("Name"), max_length=60, help_text=KEY_NAME_HELP)
