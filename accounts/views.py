"""A person's own settings, and the initial drawn for those without a picture."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.exceptions import HandleTaken
from accounts.forms import CloseAccountForm, PictureForm, ProfileForm
from accounts.pictures import draw_initial
from accounts.requests import SignedInRequest
from accounts.selectors import get_initial_owner
from accounts.services import deactivate_account, remove_avatar, set_avatar, update_profile
from marketplace.exceptions import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: SignedInRequest) -> HttpResponse:
    form = ProfileForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid():
        try:
            update_profile(actor=request.user, **form.cleaned_data)
        except HandleTaken as refusal:
            form.add_error("handle", refusal.message)
        else:
            messages.success(request, _("Your profile is saved."))
            return redirect("accounts:settings")
    return render(request, "accounts/profile.html", {"form": form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def picture(request: SignedInRequest) -> HttpResponse:
    form = PictureForm(request.POST, request.FILES) if request.method == "POST" else PictureForm()
    if form.is_valid():
        set_avatar(actor=request.user, picture=form.cleaned_data["picture"])
        messages.success(request, _("Your picture is saved."))
        return redirect("accounts:picture")
    return render(request, "accounts/picture.html", {"form": form})


@login_required
@require_POST
def picture_remove(request: SignedInRequest) -> HttpResponse:
    remove_avatar(actor=request.user)
    messages.success(request, _("Your picture is removed."))
    return redirect("accounts:picture")


@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: SignedInRequest) -> HttpResponse:
    form = CloseAccountForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            deactivate_account(actor=request.user, user=request.user)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            logout(request)
            messages.success(request, _("Your account is closed. Thank you for the time you were here."))
            return redirect("home")
    return render(request, "accounts/close.html", {"form": form})


@require_safe
@cache_control(public=True, max_age=3600)
def initial(request: HttpRequest, handle: str) -> HttpResponse:
    person = get_initial_owner(handle)
    response = HttpResponse(draw_initial(name=str(person), handle=person.handle), content_type="image/svg+xml")
    response["X-Content-Type-Options"] = "nosniff"
    response._csp_replace = {"default-src": ["'none'"], "sandbox": True}  # type: ignore[attr-defined]
    return response
