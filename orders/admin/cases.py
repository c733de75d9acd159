"""The case desk: a queue of disputes by deadline, and one page per case where a moderator decides it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.desks import Answered, Data, Decision, Desk, View, paged, posts, reads, refusals, searched
from marketplace.exceptions import DomainError
from marketplace.forms import TextField
from orders.admin.case_hints import hints_of
from orders.admin.records import signed_in
from orders.dispute_forms import DisputeCompletedForm, EvidenceForm, HandOverForm, NoteForm, RuleForm, TakeForm, WithdrawForm
from orders.models import Dispute, Order
from orders.selectors import RESOLVE, is_party, list_visible_orders
from orders.selectors.disputes import (
    DESK_TABS,
    get_case_for,
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


def _order_of_others(user: User, order_id: UUID) -> Order:
    order = get_object_or_404(list_visible_orders(user), pk=order_id)
    if is_party(user, order):
        raise Http404
    return order


def _take(actor: User, case: Dispute, data: Data) -> str:
    take_case(actor=actor, order_id=case.order_id, **data)
    return _("The case is yours.")


def _hand_over(actor: User, case: Dispute, data: Data) -> str:
    take_case(actor=actor, order_id=case.order_id, **data)
    return _("Handed over to %(name)s.") % {"name": data["to"]}


def _note(actor: User, case: Dispute, data: Data) -> str:
    add_staff_note(actor=actor, dispute_id=case.pk, **data)
    return _("Your note is kept.")


def _evidence(actor: User, case: Dispute, data: Data) -> str:
    add_evidence(actor=actor, dispute_id=case.pk, **data)
    return _("The evidence is added.")


def _withdraw(actor: User, case: Dispute, data: Data) -> str:
    withdraw_dispute(actor=actor, order_id=case.order_id, seen=data["seen"], note=data["note"])
    return _("The dispute is withdrawn. The order goes on where it stood.")


def _rule(actor: User, case: Dispute, data: Data) -> str:
    rule(actor=actor, order_id=case.order_id, **data)
    return _("Ruled. Both sides are told.")


@admin.register(Dispute)
class DisputeAdmin(Desk):
    """A party to the order gets 404."""

    permission = RESOLVE
    finds = {"dispute_id": get_case_for, "order_id": _order_of_others}
    row_id, row_page = "dispute_id", "case"
    decisions = {
        "take": Decision(TakeForm, _take),
        "hand_over": Decision(HandOverForm, _hand_over, lambda case: {"colleagues": list_colleagues_for(case)}),
        "note": Decision(NoteForm, _note),
        "evidence": Decision(EvidenceForm, _evidence),
        "withdraw": Decision(WithdrawForm, _withdraw, lambda case: {"order": case.order}),
        "rule": Decision(RuleForm, _rule, lambda case: {"case": case}),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispute]:
        return list_cases_for(request.user)

    def views(self) -> dict[str, tuple[str, View]]:
        return {"case": ("<uuid:dispute_id>/case/", self.look), "open": ("open/<uuid:order_id>/", self.open)}

    def version_of(self, row: Dispute) -> int:
        return row.order.version

    @reads
    def queue(self, request: HttpRequest) -> HttpResponse:
        search, user = searched(request), signed_in(request)
        tabs = _tabs(user)
        chosen = request.GET.get("tab")
        tab = chosen if chosen in DESK_TABS else next((t["name"] for t in tabs if t["count"]), "mine")
        page = paged(request, search_cases(user, search) if search else list_cases_in(user, tab))
        context = {
            "title": _("Disputes"),
            "rows": [{"case": case, "overdue": _is_overdue(case)} for case in page],
            "page_obj": page,
            "query": urlencode({"q": search} if search else {"tab": tab}),
            "search": search,
            "tab": tab,
            "tabs": [{**one, "current": not search and one["name"] == tab} for one in tabs],
        }
        return self.page(request, "queue", context)

    @posts
    def decide(self, request: HttpRequest, row: Dispute, *, name: str) -> HttpResponse:
        """A ruling first shows what it would do, and is done when that was confirmed."""
        if name != "rule" or "confirmed" in request.POST:
            return super().decide(request, row, name=name)
        form = self.form_of(name, row, request.POST)
        if not form.is_valid():
            return self.show(request, row, {name: form})
        try:
            preview = preview_ruling(actor=signed_in(request), order_id=row.order_id, **form.cleaned_data)
        except DomainError as refusal:
            return self.refuse(request, row, name, form, refusal)
        return self.show(request, row, {name: form}, preview)

    def open(self, request: HttpRequest, order: Order) -> HttpResponse:
        """A moderator disputes a completed order while its money is on hold; both sides are asked."""
        form = DisputeCompletedForm(request.POST if request.method == "POST" else None, order=order)
        if form.is_valid():
            try:
                dispute_completed(actor=signed_in(request), order_id=order.pk, **form.wishes())
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, _("The dispute is open. Both sides are asked for a statement."))
                return self.to("case", order.disputes.latest("number").pk)
        context = {
            "title": _("Dispute order %(reference)s") % {"reference": order.payment_reference},
            "order": order,
            "form": form,
        }
        return self.page(request, "open", context)

    def show(
        self,
        request: HttpRequest,
        row: Dispute,
        answered: Answered,
        preview: RulingPreview | None = None,
    ) -> HttpResponse:
        user, order, allowed = signed_in(request), row.order, _open_decisions(signed_in(request), row)
        context = {
            "title": _("Dispute about %(reference)s") % {"reference": order.payment_reference},
            "case": row,
            "order": order,
            "forms": {name: answered.get(name) or self.form_of(name, row) for name in allowed},
            "lost": _lost({name: form for name, form in answered.items() if name not in allowed}),
            "preview": preview,
            "is_mine": row.moderator_id == user.pk,
            "is_overdue": _is_overdue(row),
            "hints": hints_of(row),
            "statements": list_statements_for(user, row),
            "evidence": list_evidence_for(user, row),
            "records": [record_of(person, but=row) for person in (order.client, order.freelancer)],
            "events": timeline(order, for_staff=True),
        }
        return self.page(request, "case", context)


def _open_decisions(user: User, case: Dispute) -> set[str]:
    """What this moderator can decide now."""
    is_mine = case.moderator_id == user.pk
    can = {
        "take": case.is_open and not is_mine and may_have_case(user, case),
        "hand_over": case.is_open and bool(list_colleagues_for(case)),
        "note": True,
        "evidence": case.is_open,
        "withdraw": may_withdraw(user, case),
        "rule": is_mine and case.state == State.UNDER_REVIEW,
    }
    return {name for name, open_now in can.items() if open_now}


def _lost(answered: Answered) -> list[str]:
    """Why a step was refused that can no longer be taken, and what was written for it."""
    fields = [bound for form in answered.values() for bound in form]
    return [*refusals(answered), *(bound.value() for bound in fields if isinstance(bound.field, TextField) and bound.value())]


def _tabs(user: User) -> list[dict[str, Any]]:
    labels = {
        "mine": _("Mine"),
        "unassigned": _("To be taken"),
        "waiting": _("With the parties"),
        "others": _("With colleagues"),
        "closed": _("Closed"),
    }
    return [
        {"name": tab, "label": labels[tab], "href": f"?tab={tab}", "count": list_cases_in(user, tab).count()} for tab in DESK_TABS
    ]


def _is_overdue(case: Dispute) -> bool:
    return case.is_open and case.rule_by is not None and case.rule_by < timezone.now()
