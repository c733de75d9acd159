"""Where allauth asks this site: saving a new person, sending its mail, what a session is told at sign-in."""

from contextlib import suppress
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import sign_up
from accounts.sessions import mark_seen
from marketplace.realtime import RECHECK, group_of, publish

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "email_password_mismatch": _(
            "This e-mail address and password do not belong together. Check both, or reset the password."
        ),
        "incorrect_code": _("This code is not right. Check the newest mail or your app, and type it again."),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your current password."),
        "email_taken": _("This e-mail address belongs to an account already."),
        "duplicate_email": _("This is your address already."),
        "too_many_login_attempts": _("Too many failed attempts. Wait a while, then try again."),
        "rate_limited": _("Too many requests. Wait a while, then try again."),
    }

    def save_user(self, request: HttpRequest, user: User, form: forms.Form, commit: bool = True) -> User:
        data = form.cleaned_data
        return sign_up(email=data["email"], password=data["password1"], full_name=data["full_name"], time_zone=data["time_zone"])

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        try:
            with transaction.atomic():
                return super().confirm_email(request, email_address)
        except IntegrityError:  # somebody else proved the same address a moment earlier
            messages.error(request, self.error_messages["email_taken"])
            return False

    def set_password(self, user: User, password: str) -> None:
        super().set_password(user, password)
        publish(group_of(user.pk), {"type": RECHECK})  # the sessions that end with the old password have sockets open

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        mark_seen(request.session)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as failure:
            log.error("mail could not be sent", mail=template_prefix, error=str(failure))
            page = render(allauth_context.request, "accounts/mail_failed.html", status=503)
            raise ImmediateHttpResponse(page) from failure

    def send_notification_mail(self, *args: Any, **options: Any) -> None:
        # What such a mail tells has happened already: a mail server that is down must not undo or hide it.
        with suppress(ImmediateHttpResponse):
            super().send_notification_mail(*args, **options)


class FactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right. Type in the one your app shows now."),
        "add_email_blocked": _("Turn off your second factor before you change the address, then set it up again."),
        "unverified_email": _("Prove your e-mail address first."),
    }

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Key %(number)d") % {"number": number}
