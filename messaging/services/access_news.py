"""What people hear of their programs' sign-ins and keys: accounts cannot tell them, it stands below."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import ApiKey, AuthSession
from accounts.services import AccessNews, WrongCodes, access_watchers
from messaging.notifications import CODES_WRONG, KEY_MADE, SIGNED_OUT
from messaging.services.notifications import Telling, notify_all


def tell_of_access(what: AccessNews) -> None:
    """Tell the person of a sign-in that ended because its refresh token came twice, of a new API key, or of wrong codes."""
    match what:
        case ApiKey():
            telling = _of_key(what)
        case AuthSession():
            telling = _of_session(what)
        case WrongCodes():
            telling = _of_codes(what)
    notify_all(tellings=[telling])


def _of_session(session: AuthSession) -> Telling:
    told: dict[str, str | datetime] = {
        _("Program"): session.user_agent,
        _("Address"): session.ip or "",
        _("Signed in"): session.created_at,
    }
    facts = [(label, fact) for label, fact in told.items() if fact]
    return Telling(session.user, SIGNED_OUT, reverse("usersessions_list"), {"session": session}, facts)


def _of_key(key: ApiKey) -> Telling:
    facts = [(_("Name"), key.name), (_("Begins with"), key.shown), (_("May"), ", ".join(key.scopes))]
    return Telling(key.user, KEY_MADE, reverse("accounts:keys"), {"key": key}, facts)


def _of_codes(codes: WrongCodes) -> Telling:
    told = {_("Program"): codes.user_agent, _("Address"): codes.ip or ""}
    facts = [(label, fact) for label, fact in told.items() if fact]
    return Telling(codes.user, CODES_WRONG, reverse("account_change_password"), {}, facts)


access_watchers.append(tell_of_access)
