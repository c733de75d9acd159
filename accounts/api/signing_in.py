"""Joining and signing in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Status

from accounts.api.guesses import guessed, is_suspicious
from accounts.exceptions import EmailUnverified, InvalidRefreshToken, OtpRequired, OtpWrong, SignInFailed
from accounts.gates import door, renewal
from accounts.models import User
from accounts.schemas import Accepted, Address, Credentials, NewPerson, Proof, RefreshToken, TokensShown
from accounts.services import Tokens, prove_email, refresh, register, revoke, send_code_again, sign_in, warn_of_wrong_codes
from marketplace.mail import MailNotSent
from marketplace.rest.errors import Problem, Refusal, about, answer_with
from marketplace.rest.routers import Router
from marketplace.rest.throttles import slow_down

answer_with(401, SignInFailed, OtpRequired, OtpWrong, InvalidRefreshToken)
answer_with(403, EmailUnverified)
router = Router(tags=["auth"])


@router.post("auth/register", auth=door, response={202: Accepted, 503: Problem})
def register_person(request: HttpRequest, asked: NewPerson) -> Any:
    """Make an account. A mail goes to the address: with a code for `auth/verify`, or that there is an account already.

    The answer is the same either way.
    """
    _count("register", asked.email)
    _check_password(asked)
    with _mailing(), about(name_reserved="full_name"):
        register(email=asked.email, password=asked.password, full_name=asked.full_name, time_zone=asked.time_zone)
    return Status(202, Accepted(message=_("A mail is on its way. It says how to go on.")))


@router.post("auth/verify", auth=renewal, response={204: None})
def verify_address(request: HttpRequest, asked: Proof) -> Any:
    """Prove the address with the code from the mail. It may be tried 5 times within 15 minutes.

    The password is the one that was registered: whoever registered the address before its owner proves nothing by their code.
    """
    _count("verify", asked.email)
    with about(code_wrong="code"):
        prove_email(email=asked.email, code=asked.code, password=asked.password)
    return Status(204, None)


@router.post("auth/verify/resend", auth=renewal, response={202: Accepted, 503: Problem})
def resend_code(request: HttpRequest, asked: Address) -> Any:
    """Ask for a new code; the one before is void. The answer is the same for every address."""
    _count("resend", asked.email)
    with _mailing():
        send_code_again(email=asked.email)
    return Status(202, Accepted(message=_("A mail is on its way. It says how to go on.")))


@router.post("auth/token", auth=door, response=TokensShown)
def create_tokens(request: HttpRequest, asked: Credentials) -> TokensShown:
    """Sign in. With a second factor the answer is first 401 `otp_required`; send all again with `otp`."""
    _count("token", asked.email)
    account = f"account:{asked.email.lower()}"
    with guessed(account, SignInFailed, OtpWrong), _watched(account, asked.email, request):
        tokens = sign_in(email=asked.email, password=asked.password, otp=asked.otp or "", **_where(request))
    return _shown(tokens)


@router.post("auth/refresh", auth=renewal, response=TokensShown)
def refresh_tokens(request: HttpRequest, asked: RefreshToken) -> TokensShown:
    """New tokens for a refresh token, which is used up. Where an answer was lost, send the same again within 10 seconds.

    Sent later than that it ends the sign-in: somebody else may have it.
    """
    return _shown(refresh(token=asked.refresh, **_where(request)))


@router.post("auth/revoke", auth=renewal, response={204: None})
def revoke_tokens(request: HttpRequest, asked: RefreshToken) -> Any:
    """Sign out: the refresh token and its access tokens end. Tokens that are none are none afterwards too."""
    revoke(token=asked.refresh)
    return Status(204, None)


def _shown(tokens: Tokens) -> TokensShown:
    return TokensShown(access=tokens.access, refresh=tokens.refresh, expires_in=tokens.expires_in)


def _where(request: HttpRequest) -> Any:
    return {"user_agent": request.headers.get("User-Agent", ""), "ip": get_adapter().get_client_ip(request)}


@contextmanager
def _watched(account: str, email: str, request: HttpRequest) -> Iterator[None]:
    """Whoever gets as far as the second factor knows the password: its owner should hear that they fail there."""
    try:
        yield
    except OtpWrong:
        if is_suspicious(account):
            warn_of_wrong_codes(email=email, **_where(request))
        raise


def _count(operation: str, email: str) -> None:
    """Strictly by the account too, whoever has it and from wherever it is tried; each operation by itself."""
    slow_down("sign_in", f"{operation}:{email.lower()}")


def _check_password(asked: NewPerson) -> None:
    try:
        validate_password(asked.password, User(email=asked.email, full_name=asked.full_name))
    except ValidationError as weak:
        words = " ".join(weak.messages)
        raise Refusal(422, "invalid", words, fields={"password": words}) from None


@contextmanager
def _mailing() -> Iterator[None]:
    try:
        yield
    except MailNotSent as fault:
        words = _("The mail could not be sent. Ask for a new code a little later.")
        raise Refusal(503, "mail_not_sent", words) from fault
