"""Joining by a program: the account, and the code by which its address is proven. The site's own pages have allauth for it.

Whether an address is known shows in nothing: each call hashes one password or none, and writes one mail.
"""

import time
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from allauth.account import app_settings
from allauth.account.models import EmailAddress
from allauth.core.internal.cryptokit import generate_user_code, normalize_user_code
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, ProtectedError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.html import linebreaks
from django.utils.translation import gettext as _

from accounts.exceptions import CodeWrong, EmailTaken
from accounts.models import EmailCode, User
from accounts.selectors.access import digest_of
from accounts.services.access import end_sessions
from accounts.services.keys import revoke_keys
from accounts.services.people import check_name, sign_up
from marketplace.cache import count
from marketplace.mail import send_message

CODE_LASTS = timedelta(minutes=15)
MOST_TRIES = 5
MOST_MAILS, MAIL_WINDOW = 5, 3600  # to one address, in so many seconds


# --- Joining --------------------------------------------------------------------------------------------------------
def register(*, email: str, password: str, full_name: str, time_zone: str = "UTC") -> None:
    """Make an account that waits for its code, and send that; the owner of a known address is told that it is known.

    An account that nobody has proven makes room: whoever made it may not be the owner of the address. MailNotSent where the
    mail server is away: the account stands, and `send_code_again` goes on. NameReserved. Never inside a transaction.
    """
    check_name(full_name)  # before anything that depends on the address, which so stays unknown
    if _is_full(email):  # no code would be sent, so what waits for one stays
        make_password(password)
        return
    address = _join(email, password, full_name, time_zone)
    _write_to(email, address, otherwise="known_address")


def _join(email: str, password: str, full_name: str, time_zone: str) -> EmailAddress | None:
    """The new person's address; None where somebody has it."""
    try:
        with transaction.atomic():
            _make_room(email)
            if _is_known(email):
                make_password(password)  # as long a wait as for a new address
                return None
            user = sign_up(email=email, password=password, full_name=full_name, time_zone=time_zone)
            return EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    except EmailTaken:  # since we looked
        return None


def _make_room(email: str) -> None:
    """Delete the account of this address that nobody has proven or signed in to; not one that staff gave rights, or with a past.

    It goes as a whole, as a code that the site's pages have asked for would prove the account with whatever password it has.
    """
    user = User.objects.select_for_update().filter(email=email.lower()).first()
    if user is None or user.last_login or not user.is_active:
        return
    if user.is_staff or user.is_superuser or user.tier != User.Tier.FREE:
        return
    if any(address.verified for address in EmailAddress.objects.select_for_update().filter(user=user)):
        return
    with suppress(ProtectedError), transaction.atomic():
        user.delete()


def _is_known(email: str) -> bool:
    return User.objects.filter(email__iexact=email).exists() or EmailAddress.objects.filter(email=email.lower()).exists()


# --- The code -------------------------------------------------------------------------------------------------------
def send_code_again(*, email: str) -> None:
    """Send a new code to the address of somebody who has not proven it; the one before is void.

    Whoever has nothing to prove, or no account, gets a mail that says so. MailNotSent; never inside a transaction.
    """
    _write_to(email, _waiting(email), otherwise="nothing_to_prove")


def _waiting(email: str) -> EmailAddress | None:
    """The address of an active person who has proven none. Whoever was made in the admin has no row of it until now."""
    proven = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    user = User.objects.filter(~Exists(proven), email=email.lower(), is_active=True).first()
    if user is None:
        return None
    return EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})[0]


def prove_email(*, email: str, code: str, password: str) -> None:
    """Take the code from the mail; the person may sign in from now on. CodeWrong, in one sentence, for every other.

    Only with the password of the account: the code tells who owns the address, not that they made the account. Never inside
    another transaction, which would take back that a try was counted.
    """
    if not _takes_code(email, code, _proven(email, password)):
        raise CodeWrong(_("This code is not right, or not any more. Check the newest mail, or ask for a new code."))


def _proven(email: str, password: str) -> str:
    """The hash that this password fits, or nothing. Before anything is locked: it is slow, and SQLite has one lock for all."""
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None:
        make_password(password)  # as long a wait as where there is one
        return ""
    return user.password if user.check_password(password) else ""


@transaction.atomic(durable=True)
def _takes_code(email: str, code: str, proven: str) -> bool:
    user = User.objects.select_for_update().filter(email=email.lower(), is_active=True).first()
    if user is None:
        return False
    fits = constant_time_compare(user.password, proven)  # not if it was changed in between
    codes = EmailCode.objects.select_for_update(of=("self",)).select_related("address")
    row = codes.filter(address__user=user, address__email=user.email).first()
    if row is None or row.tries >= MOST_TRIES or timezone.now() - row.created_at >= CODE_LASTS:
        return False
    if not (constant_time_compare(row.digest, _digest(row.address, code)) and fits):
        row.tries += 1
        row.save(update_fields=["tries"])
        return False
    address = row.address
    row.delete()
    return _prove(user, address)


def _prove(user: User, address: EmailAddress) -> bool:
    """False where somebody else has proven the same address meanwhile. What came in before this was nobody known: it ends."""
    try:
        with transaction.atomic():
            is_proven = bool(address.set_verified())
    except IntegrityError:
        return False
    if is_proven:
        revoke_keys(user=user)
        end_sessions(user=user)
    return is_proven


@transaction.atomic
def _new_code(address: EmailAddress) -> str:
    code = generate_user_code(**app_settings.EMAIL_VERIFICATION_BY_CODE_FORMAT)
    told = {"digest": _digest(address, code), "tries": 0, "created_at": timezone.now()}
    EmailCode.objects.update_or_create(address=address, defaults=told)
    return str(code)


def _digest(address: EmailAddress, code: str) -> str:
    text = f"{address.pk}:{normalize_user_code(code)}"
    return salted_hmac("accounts.registration.code", text, algorithm="sha256").hexdigest()


# --- The mail -------------------------------------------------------------------------------------------------------
def _mails_to(recipient: str) -> str:
    """Where the mails of this hour are counted."""
    return f"accounts:mail:{digest_of(recipient)}:{int(time.time() // MAIL_WINDOW)}"


def _is_full(email: str) -> bool:
    """Whether this address got as many mails as it may within the hour."""
    return int(cache.get(_mails_to(email.lower()), 0)) >= MOST_MAILS


def _write_to(email: str, address: EmailAddress | None, *, otherwise: str) -> None:
    """Send the address its code, or without one the other mail; nothing to an address that got several within the hour.

    To the letters that were stored, not to those typed: small letters make one of some that are two (K and the Kelvin sign).
    """
    recipient = address.email if address else email.lower()
    if count(_mails_to(recipient), MAIL_WINDOW) > MOST_MAILS:
        return
    words = {
        "email": recipient,
        "code": _new_code(address) if address else "",
        "minutes": int(CODE_LASTS.total_seconds() // 60),
        "site_name": settings.SITE_NAME,
        "password_reset_url": settings.SITE_URL + reverse("account_reset_password"),
    }
    mail = "code" if address else otherwise
    text = render_to_string(f"accounts/email/{mail}.txt", words).strip() + "\n"
    subject = render_to_string(f"accounts/email/{mail}.subject.txt", words).strip()
    send_message(
        message_id=str(uuid4()),
        recipient=recipient,
        subject=subject,
        text=text,
        html=linebreaks(text, autoescape=True),
        unsubscribe_url="",
    )
