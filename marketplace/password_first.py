"""Pages that a stolen session must not use ask for the password again: where money goes, who else may read and act."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _


def password_first(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Whoever has not just typed it goes to the page that asks for it, and from there back here.

    A form that is posted without it is not taken: allauth would keep it in the session, an account number in the clear, and take
    it for whoever confirms next.
    """
    asking = reauthentication_required(view)

    @wraps(view)
    def first(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return asking(request, *args, **kwargs)
        except ReauthenticationRequired:
            if request.method != "POST":
                raise
            messages.warning(request, _("That took a while, so confirm again that it is you. Then fill in the form once more."))
            return redirect(request.get_full_path())

    return first
