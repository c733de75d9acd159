"""How a person is reached away from the page: quiet hours, and webhooks."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.password_first import password_first
from messaging.contact_forms import ContactForm, WebhookForm
from messaging.models import Webhook
from messaging.selectors.contact import get_contact_settings, get_webhook_of, list_deliveries, list_webhooks_of
from messaging.services.contact import choose_contact
from messaging.services.webhooks import add_webhook, delete_webhook, switch_webhook, try_webhook

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def contact_settings(request: SignedInRequest) -> HttpResponse:
    chosen = get_contact_settings(request.user)
    initial = {name: getattr(chosen, name) for name in ContactForm.base_fields}
    form = ContactForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        choose_contact(actor=request.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("messaging:contact_settings")
    return render(request, "messaging/contact_settings.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
@login_required
def webhooks(request: SignedInRequest) -> HttpResponse:
    return render(request, "messaging/webhooks.html", {"webhooks": list_webhooks_of(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@password_first  # a stolen session must not read along for ever
def webhook_create(request: SignedInRequest) -> HttpResponse:
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            added = add_webhook(actor=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error("url", refusal.message)
        else:  # no redirect: the secret is shown on this answer and on no other
            return render(request, "messaging/webhook_added.html", {"webhook": added})
    return render(request, "messaging/webhook_form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
@login_required
def webhook(request: SignedInRequest, webhook_id: UUID) -> HttpResponse:
    found = get_webhook_of(request.user, webhook_id)
    hears = [Webhook.Hears(one).label for one in found.hears]
    context = {"webhook": found, "hears": hears, "deliveries": list_deliveries(found)}
    return render(request, "messaging/webhook.html", context)


# --- Buttons on its page --------------------------------------------------------------------------------------------
def _button(act: Callable[..., None], said: "_StrPromise") -> Callable[..., HttpResponse]:
    """The view of a button: what it does, and what is said when it is done."""

    @require_POST
    @login_required
    def press(request: SignedInRequest, webhook_id: UUID) -> HttpResponse:
        try:
            act(actor=request.user, webhook_id=webhook_id)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, said)
        return redirect("messaging:webhook", webhook_id)

    return press


webhook_test = _button(try_webhook, _("A test is on its way. Load this page again to see the answer."))
webhook_disable = _button(partial(switch_webhook, on=False), _("Switched off: nothing is sent to it any more."))
webhook_enable = _button(partial(switch_webhook, on=True), _("Switched on: it hears of what happens from now on."))


@require_POST
@login_required
def webhook_delete(request: SignedInRequest, webhook_id: UUID) -> HttpResponse:
    delete_webhook(actor=request.user, webhook_id=webhook_id)
    messages.success(request, _("The webhook is deleted."))
    return redirect("messaging:webhooks")
