"""The moderators' site: Django's admin under the site's name, entered through the same sign-in as every other page."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.selectors import has_needed_factor
from orders.selectors import is_moderator, list_verification_queue


class AdminSite(admin.AdminSite):
    index_title = SimpleLazyObject(lambda: _("Moderation"))  # type: ignore[assignment]
    enable_nav_sidebar = False

    @property
    def site_title(self) -> str:  # type: ignore[override]
        return settings.SITE_NAME

    @property
    def site_header(self) -> str:  # type: ignore[override]
        return settings.SITE_NAME

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        waiting = list_verification_queue(request.user).count() if is_moderator(request.user) else None
        return super().index(request, {"payments_waiting": waiting, **(extra_context or {})})

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not self._lacks_second_factor(request)

    def _lacks_second_factor(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and not has_needed_factor(request.user)

    @method_decorator(never_cache)
    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Never Django's own form, which knows no second factor: strangers are sent to the site's sign-in, others get 403."""
        if self._lacks_second_factor(request):
            messages.warning(request, _("Set up a second factor first: people who moderate need one."))
            return redirect("mfa_index")
        wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
        own = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure())
        return redirect(wanted if own else "admin:index")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_change_password")
