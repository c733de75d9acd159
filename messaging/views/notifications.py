"""The bell's pages, and the choice of mail."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from messaging import services
from messaging.forms import MailSettingsForm, ReadAllForm
from messaging.selectors import get_notification_for, get_subscription, list_kinds_for, list_notifications, list_refused_kinds

PAGE_SIZE = 30


@require_safe
@login_required
def notifications(request: SignedInRequest) -> HttpResponse:
    told = list_notifications(request.user)
    page = Paginator(told, PAGE_SIZE).get_page(request.GET.get("page"))
    form = ReadAllForm(initial={"up_to": told.values_list("pk", flat=True).first()}, auto_id=False)
    return render(request, "messaging/notifications.html", {"page_obj": page, "read_all_form": form})


@require_POST
@login_required
def open_notification(request: SignedInRequest, notification_id: int) -> HttpResponse:
    notification = get_notification_for(request.user, notification_id)
    services.mark_read(actor=request.user, notification=notification)
    return redirect(notification.url or "messaging:notifications")


@require_POST
@login_required
def read_all(request: SignedInRequest) -> HttpResponse:
    form = ReadAllForm(request.POST)
    if form.is_valid():
        services.mark_all_read(actor=request.user, up_to=form.cleaned_data["up_to"])
    return redirect("messaging:notifications")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def mail_settings(request: SignedInRequest) -> HttpResponse:
    form = MailSettingsForm(
        request.POST if request.method == "POST" else None,  # no box ticked is a choice too: the body may be empty
        groups=list_kinds_for(request.user),
        refused=list_refused_kinds(request.user),
    )
    if form.is_valid():
        services.choose_mail(actor=request.user, kinds=form.wanted)
        messages.success(request, _("Your choice of mail is saved."))
        return redirect("messaging:mail_settings")
    return render(request, "messaging/mail_settings.html", {"form": form})


@csrf_exempt  # the mail program's own one-click POST (RFC 8058) carries no token; the signed address is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    subscription = get_subscription(token)
    if request.method == "POST":
        services.opt_out(user=subscription.user, kind=subscription.kind)
        subscription = get_subscription(token)
    return render(request, "messaging/unsubscribe.html", {"subscription": subscription, "token": token})


@require_POST
def resubscribe(request: HttpRequest, token: str) -> HttpResponse:
    subscription = get_subscription(token)
    services.opt_in(user=subscription.user, kind=subscription.kind)
    return redirect("messaging:unsubscribe", token)
