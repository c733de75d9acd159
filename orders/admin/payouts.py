"""The payout desk: a queue of payouts, refunds and returns, and one page per row where each step is a button of its own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from marketplace.http import private_file
from marketplace.money import format_money, plain_amount
from marketplace.read_only import ReadOnly
from orders.admin.flags import Flag
from orders.admin.records import signed_in
from orders.matching import names_match
from orders.models import Disbursement
from orders.payout_forms import FailForm, ReturnAccountForm, SeenForm, SentForm
from orders.selectors import PAY_OUT, RESOLVE, may
from orders.selectors.payout_desk import DESK_TABS, count_desk, get_desk_row, list_desk
from orders.selectors.payouts import STATE_LABELS, is_owed_by_freelancer
from orders.services import payout_accounts, payouts
from orders.services.payout_batches import approve_all
from orders.states import DisbursementState as State

PAGE_SIZE = 50
NEW_ACCOUNT = timedelta(days=3)  # a thief who is signed in as somebody else names an account of their own first
# What each step needs to be told, what it calls, and what is said when it is done.
STEPS: dict[str, tuple[type[forms.Form], Callable[..., Disbursement], Callable[[], str]]] = {
    "approve": (SeenForm, payouts.approve, lambda: _("Approved. It can be sent now.")),
    "send": (SentForm, payouts.send, lambda: _("Marked as sent. The person is told.")),
    "fail": (FailForm, payouts.fail, lambda: _("Marked as failed. The person has your words.")),
    "retry": (SeenForm, payouts.retry, lambda: _("It waits for approval again.")),
    "confirm": (SeenForm, payouts.confirm, lambda: _("Marked as arrived.")),
    "account": (ReturnAccountForm, payout_accounts.set_return_account, lambda: _("The account is written down.")),
}


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnly, admin.ModelAdmin):
    """Its list is the queue, its page the desk. Whoever may not pay out gets 403; one's own money is 404."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, PAY_OUT)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, PAY_OUT)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Disbursement]:
        return list_desk(request.user)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        steps = [
            path(f"<uuid:row_id>/{name}/", wrap(self._step_view(name)), name=f"orders_disbursement_{name}") for name in STEPS
        ]
        own = [
            path("approve-all/", wrap(self.approve_all), name="orders_disbursement_approve_all"),
            path("<uuid:row_id>/desk/", wrap(self.desk), name="orders_disbursement_desk"),
            path("<uuid:row_id>/proof/", wrap(self.proof), name="orders_disbursement_proof"),
        ]
        return [*own, *steps, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._only_payers(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        tab = request.GET.get("tab", "approve")
        tab = tab if tab in DESK_TABS else "approve"
        kind = request.GET.get("kind", "")
        kind = kind if kind in Disbursement.Kind.values else ""
        rows = list_desk(request.user).filter(DESK_TABS[tab]).order_by("-created_at" if tab == "done" else "created_at", "pk")
        page = Paginator(rows.filter(kind=kind) if kind else rows, PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "title": _("Payouts and refunds"),
            "page_obj": page,
            "rows": [_facts(row) for row in page],
            "tab": tab,
            "kind": kind,
            "query": urlencode({"tab": tab, "kind": kind}),
            "tabs": _tabs(request, tab, kind),
            "kinds": [("", _("All kinds")), *Disbursement.Kind.choices],
        }
        return self._page(request, "admin/orders/disbursement/queue.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        try:
            return redirect("admin:orders_disbursement_desk", UUID(object_id))
        except ValueError as no_id:
            raise Http404 from no_id

    def desk(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        row = self._row(request, row_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._desk(request, row)

    def proof(self, request: HttpRequest, row_id: UUID) -> HttpResponseBase:
        row = self._row(request, row_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not row.proof:
            raise Http404
        return private_file(row.proof, name=row.proof_name, content_type=row.proof_type)

    def approve_all(self, request: HttpRequest) -> HttpResponse:
        """Everything that was ticked on the page, each on its own: `row` is "<id>:<version>"."""
        self._only_payers(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        seen = _ticked(request.POST.getlist("row"))
        mine = dict(list_desk(request.user).filter(pk__in=seen).values_list("pk", "version"))
        approved, refused = approve_all(actor=signed_in(request), seen={pk: seen[pk] for pk in mine})
        messages.success(request, _("Approved: %(count)d.") % {"count": approved})
        for row, why in refused:
            words = {"person": row.person or "", "amount": format_money(row.amount, row.currency), "why": why}
            messages.warning(request, _("%(amount)s %(person)s: %(why)s") % words)
        return redirect("admin:orders_disbursement_changelist")

    def _step_view(self, name: str) -> Callable[..., HttpResponse]:
        def take(request: HttpRequest, row_id: UUID) -> HttpResponse:
            return self._take(request, self._row(request, row_id), name)

        return take

    def _take(self, request: HttpRequest, row: Disbursement, name: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form_class, service, said = STEPS[name]
        form = _form(form_class, row, request.POST, request.FILES)
        if form.is_valid():
            try:
                service(actor=signed_in(request), row_id=row.pk, **form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
                row = self._row(request, row.pk)
                form.data = {**request.POST.dict(), form.add_prefix("seen"): row.version}
            else:
                messages.success(request, said())
                return redirect("admin:orders_disbursement_desk", row.pk)
        return self._desk(request, row, form)

    def _desk(self, request: HttpRequest, row: Disbursement, answered: forms.Form | None = None) -> HttpResponse:
        fresh = {name: _form(form_class, row) for name, (form_class, _service, _said) in STEPS.items()}
        shown = {name: answered if type(answered) is type(form) is not SeenForm else form for name, form in fresh.items()}
        context = {
            "title": _("%(kind)s of %(amount)s") % {"kind": row.get_kind_display(), "amount": _facts(row)["amount"]},
            **_facts(row),
            "forms": shown,
            "answered": answered,
            "steps": _open_steps(request, row),
            "plain": plain_amount(row.amount, row.currency),
            "events": [(event, STATE_LABELS[State(event.to_state)]) for event in row.events.select_related("actor")],
        }
        return self._page(request, "admin/orders/disbursement/desk.html", context)

    def _row(self, request: HttpRequest, row_id: UUID) -> Disbursement:
        self._only_payers(request)
        return get_desk_row(request.user, row_id)

    def _only_payers(self, request: HttpRequest) -> None:
        if not may(request.user, PAY_OUT):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


def _form(form_class: type[forms.Form], row: Disbursement, data: Any = None, files: Any = None) -> forms.Form:
    options: dict[str, Any] = {"currency": row.currency} if form_class is ReturnAccountForm else {}
    return form_class(data, files, initial={"seen": row.version}, **options)


def _facts(row: Disbursement) -> dict[str, Any]:
    return {
        "row": row,
        "amount": format_money(row.amount, row.currency),
        "label": STATE_LABELS[State(row.state)],
        "flags": _flags(row),
        "is_early": _is_early(row),
    }


def _is_early(row: Disbursement) -> bool:
    return row.not_before is not None and row.not_before > timezone.now()


def _flags(row: Disbursement) -> list[Flag]:
    """What somebody who approves or sends should look at twice."""
    account, open_now = row.account, row.state in (State.REQUESTED, State.APPROVED)
    flags = [
        (payouts.needs_four_eyes(row), _("Needs two people"), "wait"),
        (_is_early(row), _("May still be appealed"), "wait"),
        (bool(account and row.person and not names_match(account.holder, row.person.full_name)), _("Another name"), "wait"),
        (bool(account and row.person and account.created_at > row.created_at - NEW_ACCOUNT), _("New account"), "info"),
        (bool(row.failure), _("Failed before"), "problem"),
    ]
    return [Flag(label, tone) for applies, label, tone in flags if applies and open_now]


def _open_steps(request: HttpRequest, row: Disbursement) -> set[str]:
    """The buttons that this person has on this row now. A service may still refuse one."""
    state, direct = State(row.state), row.payer_id is not None
    can = {
        "approve": state == State.REQUESTED and not direct and row.account_id is not None,
        "send": state == State.APPROVED and not (payouts.needs_four_eyes(row) and row.approved_by_id == request.user.pk),
        "fail": state == State.SENT or (state == State.APPROVED and not direct),
        "retry": state == State.FAILED,
        "confirm": state == State.SENT and (not is_owed_by_freelancer(row) or may(request.user, RESOLVE)),
        "account": state == State.REQUESTED and row.kind == Disbursement.Kind.RETURN,
    }
    return {name for name, open_now in can.items() if open_now}


def _tabs(request: HttpRequest, current: str, kind: str) -> list[dict[str, Any]]:
    labels = {
        "approve": _("To approve"),
        "send": _("To send"),
        "sent": _("On the way"),
        "failed": _("Came back"),
        "no_account": _("No account yet"),
        "direct": _("Owed by freelancers"),
        "done": _("Done"),
    }
    counts = count_desk(request.user, kind)
    return [
        {"label": label, "href": f"?{urlencode({'tab': tab, 'kind': kind})}", "count": counts[tab], "current": tab == current}
        for tab, label in labels.items()
    ]


def _ticked(values: list[str]) -> dict[UUID, int]:
    """Ids and versions of the ticked rows; what is neither is left out."""
    found = {}
    for value in values:
        row_id, _mark, version = value.partition(":")
        try:
            found[UUID(row_id)] = int(version)
        except ValueError:
            continue
    return found
