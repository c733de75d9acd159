"""Browsing gigs, and keeping one's own."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from gigs.forms import BrowseForm, EditGigForm, NewGigForm, PicturesForm, RequirementFormSet, requirements_initial
from gigs.models import MAX_IMAGES, Category, Gig
from gigs.selectors import STATES, count_own_gigs, get_own_gig, list_categories, list_matching_gigs, list_own_gigs
from gigs.services import (
    add_images,
    archive_gig,
    create_gig,
    move_image,
    pause_gig,
    remove_image,
    restore_gig,
    resume_gig,
    update_gig,
)
from marketplace.exceptions import DomainError
from marketplace.money import format_money
from marketplace.paginator import CappedPaginator

PAGE_SIZE = 24


@require_safe
def gig_list(request: HttpRequest) -> HttpResponse:
    form = BrowseForm(request.GET, categories=list_categories())
    form.is_valid()  # what is wrong is shown at its field and left out
    page = CappedPaginator(list_matching_gigs(form.filters()), PAGE_SIZE).get_page(request.GET.get("page"))
    category = form.chosen_category()
    context = {
        "form": form,
        "page_obj": page,
        "category": category,
        "crumbs": _crumbs(category),
        "chips": _chips(request.GET, form, category),
        "query": _query(request.GET),
        "filter_count": sum(bool(request.GET.get(name, "").strip()) for name in form.fields if name != "sort"),
    }
    return render(request, "gigs/list.html", context)


@login_required
@require_safe
def mine(request: SignedInRequest) -> HttpResponse:
    state = request.GET.get("tab", "active")
    state = state if state in STATES else "active"
    labels = {"active": _("Active"), "paused": _("Paused"), "archived": _("Archived")}
    counts = count_own_gigs(request.user)
    tabs = [{"label": labels[s], "href": f"?tab={s}", "count": counts[s], "current": s == state} for s in STATES]
    page = Paginator(list_own_gigs(request.user, state), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "gigs/mine.html", {"page_obj": page, "tabs": tabs, "state": state, "query": f"tab={state}"})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: SignedInRequest) -> HttpResponse:
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = NewGigForm(data, files, categories=list_categories())
    questions = RequirementFormSet(data, prefix="questions")
    if form.is_valid() & questions.is_valid():
        try:
            gig = create_gig(actor=request.user, requirements=questions.requirements(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Your gig is online for %(price)s.") % {"price": format_money(gig.price, gig.currency)})
            return redirect(gig)
    return render(request, "gigs/form.html", {"form": form, "questions": questions, "gig": None, "tabs": []})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    gig = get_own_gig(request.user, gig_id)
    data = request.POST if request.method == "POST" else None
    form = EditGigForm(data, initial=EditGigForm.initial_of(gig), categories=list_categories())
    questions = RequirementFormSet(data, initial=requirements_initial(gig), prefix="questions")
    if form.is_valid() & questions.is_valid():
        try:
            gig = update_gig(actor=request.user, gig=gig, requirements=questions.requirements(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Saved. The price is %(price)s.") % {"price": format_money(gig.price, gig.currency)})
            return redirect(gig)
    return render(request, "gigs/form.html", {"form": form, "questions": questions, "gig": gig, "tabs": _edit_tabs(gig, "edit")})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pictures(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    gig = get_own_gig(request.user, gig_id)
    form = PicturesForm(request.POST, request.FILES) if request.method == "POST" else PicturesForm()
    if form.is_valid():
        try:
            add_images(actor=request.user, gig=gig, pictures=form.cleaned_data["pictures"])
        except DomainError as refusal:
            form.add_error("pictures", refusal.message)
        else:
            messages.success(request, _("Added."))
            return redirect("gigs:pictures", gig.id)
    context = {"form": form, "gig": gig, "tabs": _edit_tabs(gig, "pictures"), "max_images": MAX_IMAGES}
    return render(request, "gigs/pictures.html", context)


@login_required
@require_POST
def picture_move(request: SignedInRequest, gig_id: UUID, image_id: int) -> HttpResponse:
    typed = request.POST.get("place", "")
    place = int(typed) if typed.isdecimal() and len(typed) < 3 else 0
    return _change(request, gig_id, move_image, "", image_id=image_id, place=place)


@login_required
@require_POST
def picture_remove(request: SignedInRequest, gig_id: UUID, image_id: int) -> HttpResponse:
    return _change(request, gig_id, remove_image, _("The picture is removed."), image_id=image_id)


@login_required
@require_POST
def pause(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    return _change(request, gig_id, pause_gig, _("Paused. Nobody can order this gig now; its orders go on."))


@login_required
@require_POST
def resume(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    return _change(request, gig_id, resume_gig, _("This gig can be ordered again."))


@login_required
@require_POST
def archive(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    return _change(request, gig_id, archive_gig, _("Archived. You find it under “Archived”; its orders go on."))


@login_required
@require_POST
def restore(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    return _change(request, gig_id, restore_gig, _("Restored, and paused for now. Resume it when it is ready."))


def _change(request: SignedInRequest, gig_id: UUID, service: Callable[..., Any], done: str, **options: Any) -> HttpResponse:
    """Call one service for one's own gig, say what came of it, and go back to where its button stood."""
    gig = get_own_gig(request.user, gig_id)
    try:
        service(actor=request.user, gig=gig, **options)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        if done:
            messages.success(request, done)
    if "image_id" in options:
        return redirect("gigs:pictures", gig.id)
    return redirect(f"{reverse('gigs:mine')}?tab={get_own_gig(request.user, gig_id).state}")


def _edit_tabs(gig: Gig, current: str) -> list[dict[str, Any]]:
    return [
        {"label": _("Offer"), "href": reverse("gigs:edit", args=[gig.id]), "current": current == "edit", "count": None},
        {
            "label": _("Pictures"),
            "href": reverse("gigs:pictures", args=[gig.id]),
            "current": current == "pictures",
            "count": len(gig.images.all()),
        },
    ]


def _crumbs(category: Category | None) -> list[dict[str, str]]:
    if category is None:
        return []
    above = [category.parent] if category.parent else []
    places = [{"label": place.name, "href": f"?category={place.slug}"} for place in above]
    return [{"label": _("All gigs"), "href": reverse("gigs:list")}, *places, {"label": category.name}]


def _chips(query: QueryDict, form: BrowseForm, category: Category | None) -> list[dict[str, str]]:
    """The categories one level down, with the other filters kept."""
    shown = form.categories if category is None else getattr(category, "shelf", [])
    return [{"label": row.name, "href": f"?{_query(query, category=row.slug)}"} for row in shown]


def _query(query: QueryDict, **changes: str) -> str:
    """The filters as a query string, without the page and without empty ones."""
    kept = {name: query.get(name, "") for name in BrowseForm.base_fields} | changes
    filled = QueryDict(mutable=True)
    filled.update({name: value for name, value in kept.items() if value.strip("\x00 ")})
    return filled.urlencode()
