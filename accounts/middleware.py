from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.services import record_session_activity
from accounts.sessions import is_due, mark_seen
from accounts.time_zones import PersonsZone
from marketplace.middleware import Handler


def persons_time_zone(get_response: Handler) -> Handler:
    """Show every instant in the signed-in person's own time zone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(PersonsZone(request)):
            return get_response(request)

    return middleware


def session_activity(get_response: Handler) -> Handler:
    """Keep "last seen" of the sessions in use, rarely, and only where the request has read its session anyway."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.session.accessed and is_due(request.session):
            mark_seen(request.session)
            record_session_activity(
                session_key=request.session.session_key or "",
                ip=get_adapter().get_client_ip(request),
                user_agent=request.META.get("HTTP_USER_AGENT", ""),
                at=timezone.now(),
            )
        return response

    return middleware
