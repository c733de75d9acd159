"""The moderators' site: Django's admin under the site's name, entered through the same sign-in as every other page."""

from typing import Any, cast

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.selectors import has_needed_factor
from messaging.selectors.reports import MODERATE, list_reports_in
from orders.selectors import PAY_OUT, RESOLVE, VERIFY, list_verification_queue, may
from orders.selectors.disputes import list_cases_in
from orders.selectors.payout_desk import list_desk
from orders.selectors.statements import list_lines
from orders.states import DisbursementState as State


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
        """The desks, then what is no desk of this person's, to look things up."""
        desks = _desks(cast(User, request.user))
        at_desks = {desk["href"] for desk in desks}
        apps = (
            {**app, "models": [model for model in app["models"] if model["admin_url"] not in at_desks]}
            for app in self.get_app_list(request)
        )
        records = [app for app in apps if app["models"]]
        return super().index(request, {"desks": desks, "app_list": records, **(extra_context or {})})

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


def _desks(user: User) -> list[dict[str, Any]]:
    """The desks this person works at, each with how much waits there, by their permissions."""
    to_send = list_desk(user).filter(payer=None, account__isnull=False, state__in=(State.REQUESTED, State.APPROVED))
    desks = [
        (
            *(VERIFY, "orders_paymentproof", _("Payments to check"), list_verification_queue(user)),
            *(_("Proofs of payment, longest waiting first."), _("Nobody is waiting. New proofs of payment arrive here.")),
        ),
        (
            *(VERIFY, "orders_bankstatement", _("Bank statements"), list_lines(user, statement=None, tab="green")),
            *(_("Entries that fit an order and can be confirmed."), _("Nothing waits. Import a statement here.")),
        ),
        (
            *(RESOLVE, "orders_dispute", _("Disputes"), list_cases_in(user, "unassigned")),
            *(_("Cases that nobody has taken."), _("No case waits to be taken.")),
        ),
        (
            *(PAY_OUT, "orders_disbursement", _("Money to send"), to_send),
            *(_("Payouts and refunds to approve or to send."), _("Nothing waits to be sent.")),
        ),
        (
            *(MODERATE, "messaging_messagereport", _("Reported messages"), list_reports_in(user, "open")),
            *(_("Messages that people have reported, longest waiting first."), _("No message waits to be looked at.")),
        ),
    ]
    return [
        {"title": title, "count": rows.count(), "waiting": waiting, "empty": empty, "href": reverse(f"admin:{model}_changelist")}
        for permission, model, title, rows, waiting, empty in desks
        if may(user, permission)
    ]
