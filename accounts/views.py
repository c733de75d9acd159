"""A person's own settings, and the initial drawn for those without a picture."""

from typing import Any
from uuid import UUID

from allauth.usersessions.forms import ManageUserSessionsForm
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.exceptions import HandleReserved, HandleTaken, KeyRefused, NameReserved
from accounts.forms import CloseAccountForm, KeyForm, PictureForm, ProfileForm
from accounts.pictures import draw_initial
from accounts.requests import SignedInRequest
from accounts.selectors import get_initial_owner, list_auth_sessions, list_keys
from accounts.services import (
    deactivate_account,
    make_key,
    remove_avatar,
    revoke_key,
    revoke_session,
    set_avatar,
    update_profile,
)
from accounts.services.keys import most_keys
from accounts.services.oversight import end_programs
from marketplace.exceptions import DomainError
from marketplace.password_first import password_first


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: SignedInRequest) -> HttpResponse:
    form = ProfileForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid():
        try:
            update_profile(actor=request.user, **form.cleaned_data)
        except (HandleReserved, HandleTaken) as refusal:
            form.add_error("handle", refusal.message)
        except NameReserved as refusal:
            form.add_error("full_name", refusal.message)
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


# --- What is signed in ------------------------------------------------------------------------------------------------
class Sessions(ListUserSessionsView):
    """allauth's page of the browsers, with the programs beside them; "all others" are both."""

    request: SignedInRequest

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return {**super().get_context_data(**context), "programs": list_auth_sessions(self.request.user)}

    def form_valid(self, form: ManageUserSessionsForm) -> HttpResponse:
        end_programs(actor=self.request.user)
        return super().form_valid(form)


sessions = Sessions.as_view()


@login_required
@require_POST
def session_end(request: SignedInRequest, session_id: UUID) -> HttpResponse:
    revoke_session(actor=request.user, session_id=session_id)
    messages.success(request, _("The program is signed out."))
    return redirect("accounts:sessions")


@login_required
@require_safe
def keys(request: SignedInRequest) -> HttpResponse:
    found, most = list(list_keys(request.user)), most_keys(request.user)
    return render(request, "accounts/keys.html", {"keys": found, "most": most, "is_full": len(found) >= most})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@password_first  # whoever finds a session open must not leave with a key
def key_create(request: SignedInRequest) -> HttpResponse:
    form = KeyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            key, plain = make_key(actor=request.user, password=None, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error("name" if isinstance(refusal, KeyRefused) else None, refusal.message)
        else:  # no redirect: the key is shown on this answer and on no other
            return render(request, "accounts/key_made.html", {"key": key, "plain": plain})
    return render(request, "accounts/key_form.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@require_POST
def key_revoke(request: SignedInRequest, key_id: UUID) -> HttpResponse:
    revoke_key(actor=request.user, key_id=key_id)
    messages.success(request, _("The key is revoked. Nothing gets in with it any more."))
    return redirect("accounts:keys")


@require_safe
@cache_control(public=True, max_age=3600)
def initial(request: HttpRequest, handle: str) -> HttpResponse:
    person = get_initial_owner(handle)
    response = HttpResponse(draw_initial(name=str(person), handle=person.handle), content_type="image/svg+xml")
    response["X-Content-Type-Options"] = "nosniff"
    response._csp_replace = {"default-src": ["'none'"], "sandbox": True}  # type: ignore[attr-defined]
    return response
