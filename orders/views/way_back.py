"""Out to add an account, and back to where it was missing, with the new one chosen."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.requests import SignedInRequest
from orders.models import PayoutAccount


def way_back(request: SignedInRequest, otherwise: str) -> str:
    """The address in `?next=`, if it is one of this site."""
    wanted = request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_safe and wanted.startswith("/") else otherwise


def url_to_add(request: SignedInRequest, currency: str) -> str:
    """Where an account of this currency is added; from there the person comes back to the page that asks."""
    return f"{reverse('orders:payout_account_create')}?{urlencode({'currency': currency, 'next': request.get_full_path()})}"


def with_added(url: str, account: PayoutAccount) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'added': account.pk})}"


def added(request: SignedInRequest) -> dict[str, str]:
    """What a form that asks for an account begins with, when one was just added for it."""
    return {"account_id": request.GET["added"]} if "added" in request.GET else {}
