"""The case desk: a queue of disputes by deadline, and one page per case where a moderator decides it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from marketplace.forms import TextField
from marketplace.read_only import ReadOnly
from orders.admin.case_hints import hints_of
from orders.admin.records import signed_in
from orders.dispute_forms import DisputeCompletedForm, EvidenceForm, HandOverForm, NoteForm, RuleForm, TakeForm, WithdrawForm
from orders.models import Dispute
from orders.selectors import RESOLVE, list_visible_orders, may
from orders.selectors.disputes import (
    DESK_TABS,
    get_case_for,
    is_party,
    list_cases_for,
    list_cases_in,
    list_colleagues_for,
    list_evidence_for,
    list_statements_for,
    may_have_case,
    may_withdraw,
    record_of,
    search_cases,
)
from orders.services.disputes import dispute_completed, withdraw_dispute
from orders.services.evidence import add_evidence
from orders.services.rulings import RulingPreview, add_staff_note, preview_ruling, rule, take_case
from orders.timeline import timeline

State = Dispute.State
PAGE_SIZE = 50


@admin.register(Dispute)
class DisputeAdmin(ReadOnly, admin.ModelAdmin):
    """Its list is the queue, its page the case. Whoever may not resolve gets 403; a party to the order, 404."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, RESOLVE)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, RESOLVE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispute]:
        return list_cases_for(request.user)

    def get_urls(self) -> list[URLPattern]:
        views = {
            "case": self.case,
            "take": self.take,
            "hand_over": self.hand_over,
            "note": self.note,
            "evidence": self.evidence,
            "rule": self.rule,
            "withdraw": self.withdraw,
        }
        own = [
            path(f"<uuid:dispute_id>/{name.replace('_', '-')}/", self._wrapped(view), name=f"orders_dispute_{name}")
            for name, view in views.items()
        ]
        opening = path("open/<uuid:order_id>/", self._wrapped(self.open), name="orders_dispute_open")
        return [opening, *own, *super().get_urls()]

    def _wrapped(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        return self.admin_site.admin_view(view)

    # --- Reading ----------------------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._only_moderators(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        search = "".join(c for c in request.GET.get("q", "") if c.isprintable()).strip()[:120]
        tabs = _tabs(request)
        chosen = request.GET.get("tab")
        tab = chosen if chosen in DESK_TABS else next((t["name"] for t in tabs if t["count"]), "mine")
        cases = search_cases(signed_in(request), search) if search else list_cases_in(signed_in(request), tab)
        page = Paginator(cases, PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "title": _("Disputes"),
            "rows": [{"case": case, "overdue": _is_overdue(case)} for case in page],
            "page_obj": page,
            "query": urlencode({"q": search} if search else {"tab": tab}),
            "search": search,
            "tab": tab,
            "tabs": [{**one, "current": not search and one["name"] == tab} for one in tabs],
        }
        return self._page(request, "admin/orders/dispute/queue.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        try:
            return redirect("admin:orders_dispute_case", UUID(object_id))
        except ValueError as no_id:
            raise Http404 from no_id

    def case(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        dispute = self._case(request, dispute_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._case_page(request, dispute)

    # --- Deciding ---------------------------------------------------------------------------------------------------
    def take(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        case = self._case(request, dispute_id)

        def do(wishes: dict[str, Any]) -> str:
            take_case(actor=signed_in(request), order_id=case.order_id, **wishes)
            return _("The case is yours.")

        return self._do(request, case, TakeForm(request.POST), do)

    def hand_over(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        case = self._case(request, dispute_id)

        def do(wishes: dict[str, Any]) -> str:
            take_case(actor=signed_in(request), order_id=case.order_id, **wishes)
            return _("Handed over to %(name)s.") % {"name": wishes["to"]}

        return self._do(request, case, HandOverForm(request.POST, colleagues=list_colleagues_for(case)), do)

    def note(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        case = self._case(request, dispute_id)

        def do(wishes: dict[str, Any]) -> str:
            add_staff_note(actor=signed_in(request), dispute_id=case.pk, **wishes)
            return _("Your note is kept.")

        return self._do(request, case, NoteForm(request.POST), do)

    def evidence(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        case = self._case(request, dispute_id)

        def do(wishes: dict[str, Any]) -> str:
            add_evidence(actor=signed_in(request), dispute_id=case.pk, **wishes)
            return _("The evidence is added.")

        return self._do(request, case, EvidenceForm(request.POST, request.FILES), do)

    def withdraw(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        case = self._case(request, dispute_id)

        def do(wishes: dict[str, Any]) -> str:
            withdraw_dispute(actor=signed_in(request), order_id=case.order_id, seen=wishes["seen"], note=wishes["note"])
            return _("The dispute is withdrawn. The order goes on where it stood.")

        return self._do(request, case, WithdrawForm(request.POST, order=case.order), do)

    def rule(self, request: HttpRequest, dispute_id: UUID) -> HttpResponse:
        """First shows what the ruling would do; does it when that was confirmed."""
        case = self._case(request, dispute_id)
        form = RuleForm(request.POST, case=case)

        def do(wishes: dict[str, Any]) -> str:
            rule(actor=signed_in(request), order_id=case.order_id, **wishes)
            return _("Ruled. Both sides are told.")

        if request.method == "POST" and "confirmed" not in request.POST and form.is_valid():
            try:
                preview = preview_ruling(actor=signed_in(request), order_id=case.order_id, **form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                return self._case_page(request, case, form, preview)
        return self._do(request, case, form, do)

    def open(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """A moderator disputes a completed order while its money is on hold; both sides are asked."""
        self._only_moderators(request)
        order = get_object_or_404(list_visible_orders(request.user), pk=order_id)
        if is_party(request.user, order):
            raise Http404
        form = DisputeCompletedForm(request.POST if request.method == "POST" else None, order=order)
        if form.is_valid():
            try:
                dispute_completed(actor=signed_in(request), order_id=order.pk, **form.wishes())
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, _("The dispute is open. Both sides are asked for a statement."))
                return redirect("admin:orders_dispute_case", order.disputes.latest("number").pk)
        context = {
            "title": _("Dispute order %(reference)s") % {"reference": order.payment_reference},
            "order": order,
            "form": form,
        }
        return self._page(request, "admin/orders/dispute/open.html", context)

    def _do(self, request: HttpRequest, case: Dispute, form: forms.Form, do: Callable[[dict[str, Any]], str]) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if form.is_valid():
            try:
                said = do(form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
                case = self._case(request, case.pk)
                form.data = {**request.POST.dict(), form.add_prefix("seen"): case.order.version}
            else:
                messages.success(request, said)
                return redirect("admin:orders_dispute_case", case.pk)
        return self._case_page(request, case, form)

    # --- The page ---------------------------------------------------------------------------------------------------
    def _case_page(
        self,
        request: HttpRequest,
        case: Dispute,
        answered: forms.Form | None = None,
        preview: RulingPreview | None = None,
    ) -> HttpResponse:
        user, order = signed_in(request), case.order
        shown = self._case_forms(request, case, answered)
        context = {
            "title": _("Dispute about %(reference)s") % {"reference": order.payment_reference},
            "case": case,
            "order": order,
            "answered": answered,
            **shown,
            "lost": _lost(answered) if answered is not None and answered not in shown.values() else [],
            "preview": preview,
            "is_mine": case.moderator_id == user.pk,
            "is_overdue": _is_overdue(case),
            "hints": hints_of(case),
            "statements": list_statements_for(user, case),
            "evidence": list_evidence_for(user, case),
            "records": [record_of(person, but=case) for person in (order.client, order.freelancer)],
            "events": timeline(order, for_staff=True),
        }
        return self._page(request, "admin/orders/dispute/case.html", context)

    def _case_forms(self, request: HttpRequest, case: Dispute, answered: forms.Form | None) -> dict[str, forms.Form]:
        """The forms this moderator can use now; the answered one in its place, with what was typed."""
        user, seen = signed_in(request), {"seen": case.order.version}
        colleagues = list_colleagues_for(case) if case.is_open else []
        is_mine = case.moderator_id == user.pk
        fresh: dict[str, tuple[bool, forms.Form]] = {
            "take": (case.is_open and not is_mine and may_have_case(user, case), TakeForm(initial=seen)),
            "hand_over": (case.is_open and bool(colleagues), HandOverForm(initial=seen, colleagues=colleagues)),
            "note": (True, NoteForm()),
            "evidence": (case.is_open, EvidenceForm()),
            "withdraw": (may_withdraw(user, case), WithdrawForm(order=case.order)),
            "rule": (is_mine and case.state == State.UNDER_REVIEW, RuleForm(initial=seen, case=case)),
        }
        forms_ = {f"{name}_form": form for name, (allowed, form) in fresh.items() if allowed}
        return {
            name: answered if answered is not None and type(answered) is type(form) else form for name, form in forms_.items()
        }

    def _case(self, request: HttpRequest, dispute_id: UUID) -> Dispute:
        self._only_moderators(request)
        return get_case_for(request.user, dispute_id)

    def _only_moderators(self, request: HttpRequest) -> None:
        if not may(request.user, RESOLVE):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


def _lost(form: forms.Form) -> list[str]:
    """Why a step was refused that can no longer be taken, and what was written for it."""
    written = [bound.value() for bound in form if isinstance(bound.field, TextField) and bound.value()]
    return [*form.non_field_errors(), *written]


def _tabs(request: HttpRequest) -> list[dict[str, Any]]:
    labels = {
        "mine": _("Mine"),
        "unassigned": _("To be taken"),
        "waiting": _("With the parties"),
        "others": _("With colleagues"),
        "closed": _("Closed"),
    }
    user = signed_in(request)
    return [
        {"name": tab, "label": labels[tab], "href": f"?tab={tab}", "count": list_cases_in(user, tab).count()} for tab in DESK_TABS
    ]


def _is_overdue(case: Dispute) -> bool:
    return case.is_open and case.rule_by is not None and case.rule_by < timezone.now()
