"""What every line of the audit log is told about the request behind it, and how account numbers and addresses stand in it.

Which tables and columns are tracked stands in the settings (AUDITLOG_INCLUDE_TRACKING_MODELS).
"""

from contextvars import ContextVar
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from auditlog.context import set_extra_data
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from marketplace.encryption import HIDDEN, mask
from marketplace.middleware import Handler

USER_AGENT_WIDTH = 300  # characters
_asking: ContextVar[HttpRequest | None] = ContextVar("asking", default=None)


def who_and_where(get_response: Handler) -> Handler:
    """Write the person, the address and the browser behind a request beside every change it makes.

    All three are asked when a change is written, so that a request that changes nothing reads no session for them. The address
    is the one sign-in limits use: X-Forwarded-For counts only behind the site's own proxies (TRUSTED_PROXY_COUNT).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        told = {
            "actor": SimpleLazyObject(lambda: request.user),
            "remote_addr": lambda: get_adapter().get_client_ip(request),
            "additional_data": lambda: {"user_agent": _user_agent(request)},
        }
        before = _asking.set(request)
        try:
            with set_extra_data(told):
                return get_response(request)
        finally:
            _asking.reset(before)

    return middleware


def who_asks() -> str:
    """The person behind the request that is being answered, by their id; empty for a visitor, and where there is no request."""
    request = _asking.get()
    return str(request.user.pk or "") if request else ""


def _user_agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "").replace("\x00", "")[:USER_AGENT_WIDTH]


def mask_account(value: str) -> str:
    """A value of an account as the log keeps it: the last four characters; that there was none stays to be seen."""
    return value if value in ("", "None") else mask(value)


def mask_address(value: str) -> str:
    """An address as the log keeps it: its host, for what follows may be a token."""
    return value if value in ("", "None") else urlsplit(value).hostname or HIDDEN
