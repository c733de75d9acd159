"""The list of orders, placing one, and the order's own page."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from gigs.models import Gig
from marketplace.exceptions import DomainError
from marketplace.money import format_money
from orders.exceptions import TooManyUnpaid
from orders.models import Order
from orders.next_steps import next_step
from orders.place_form import PlaceForm
from orders.selectors import TABS, get_gig_to_order, list_payment_methods_for
from orders.selectors.order_list import SIDES, TabCount, count_orders_for, list_orders_for
from orders.services.lifecycle import place_order
from orders.states import STATUS_LABELS, Custody, Role, Status
from orders.tones import WORK_TONES
from orders.views.order_page import render_order_page

PAGE_SIZE = 24
Counts = dict[str, dict[str, TabCount]]


@login_required
@require_safe
def order_list(request: SignedInRequest) -> HttpResponse:
    counts = count_orders_for(request.user)
    side = _chosen(request.GET.get("side"), SIDES, _busier_side(counts))
    tab = _chosen(request.GET.get("tab"), TABS, "open")
    page = Paginator(list_orders_for(request.user, side=side, tab=tab), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "groups": _groups(page, side, tab),
        "side": side,
        "tab": tab,
        "sides": _side_links(counts, side),
        "tabs": _tab_links(counts, side, tab),
        "query": f"side={side}&tab={tab}",
    }
    return render(request, "orders/list.html", context)


@login_required
@require_safe
def detail(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    return render_order_page(request, order_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: SignedInRequest, gig_id: UUID) -> HttpResponse:
    gig = get_gig_to_order(gig_id)
    methods = sorted(list_payment_methods_for(gig), key=lambda method: method.custody != Custody.PLATFORM)
    form = PlaceForm(request.POST if request.method == "POST" else None, gig=gig, methods=methods)
    if form.is_valid():
        try:
            order = place_order(actor=request.user, gig_id=gig.pk, **form.order_wishes())
        except DomainError as refusal:
            form.add_error(None, _with_way_out(refusal))
        else:
            messages.success(request, _("Your order is placed. Now pay it: everything you need stands on this page."))
            return redirect(order)
    if form.is_bound:
        form.refresh()
    context = {
        "gig": gig,
        "form": form,
        "total": format_money(gig.price, gig.currency),
        "custodies": {Custody(method.custody) for method in methods},
        "hindrance": _hindrance(request.user, gig, methods),
    }
    return render(request, "orders/place.html", context, status=422 if form.is_bound else 200)


def _with_way_out(refusal: DomainError) -> str:
    """Its words; where unpaid orders are in the way, with the list they stand in."""
    if not isinstance(refusal, TooManyUnpaid):
        return refusal.message
    unpaid = reverse("orders:list") + "?side=buying&tab=open"
    return format_html('{} <a href="{}">{}</a>', refusal.message, unpaid, _("Show my open orders"))


def _hindrance(user: User, gig: Gig, methods: list[Any]) -> str:
    """Why the page cannot offer an order at all: own, closed or unpayable; "" when it can."""
    if gig.freelancer_id == user.pk:
        return "own"
    if not gig.is_active or not gig.freelancer.is_active:
        return "closed"
    return "" if methods else "unpayable"


def _chosen(value: str | None, known: Any, otherwise: str) -> str:
    return value if value and value in known else otherwise


def _busier_side(counts: Counts) -> str:
    """Where someone lands who has not chosen: where more waits for them, else where more is open, else where anything is."""
    waiting = {
        side: (tabs["open"].yours, tabs["open"].orders, sum(tab.orders for tab in tabs.values())) for side, tabs in counts.items()
    }
    return "selling" if waiting["selling"] > waiting["buying"] else "buying"


def _side_links(counts: Counts, side: str) -> list[dict[str, Any]]:
    labels = {"buying": _("Buying"), "selling": _("Selling")}
    return [{"label": labels[s], "href": f"?side={s}", "yours": counts[s]["open"].yours, "current": s == side} for s in SIDES]


def _tab_links(counts: Counts, side: str, tab: str) -> list[dict[str, Any]]:
    labels = {"open": _("Open"), "completed": _("Completed"), "cancelled": _("Cancelled")}
    return [
        {"label": labels[t], "href": f"?side={side}&tab={t}", "count": _count(counts[side][t]), "current": t == tab} for t in TABS
    ]


def _count(tab: TabCount) -> str:
    if not tab.yours:
        return str(tab.orders)
    return _("%(orders)d · %(yours)d your turn") % {"orders": tab.orders, "yours": tab.yours}


def _groups(orders: Iterable[Any], side: str, tab: str) -> list[dict[str, Any]]:
    """The rows; where the tab has all that is open, those that wait for the person under a heading of their own."""
    headings = {True: _("Your turn"), False: _("Waiting for others")} if tab == "open" else {}
    groups = groupby(orders, key=lambda order: headings.get(order.is_yours, ""))
    return [{"heading": heading, "rows": [_row(order, side) for order in rows]} for heading, rows in groups]


def _row(order: Order, side: str) -> dict[str, Any]:
    status = Status(order.status)
    return {
        "order": order,
        "other": order.freelancer if side == "buying" else order.client,
        "badge": STATUS_LABELS[status],
        "tone": WORK_TONES[status],
        "next": next_step(order, Role.CLIENT if side == "buying" else Role.FREELANCER),
    }
