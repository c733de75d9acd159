"""What the page of a case shows to the side that looks: the same for reading it and for a step that was refused."""

from typing import Any
from uuid import UUID

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.requests import SignedInRequest
from orders.dispute_forms import (
    AcceptForm,
    AnswerForm,
    AppealForm,
    CaseForm,
    DisputeCompletedForm,
    EvidenceForm,
    OfferForm,
    OpenDisputeForm,
    WithdrawForm,
)
from orders.models import Dispute, Order
from orders.next_steps import next_step
from orders.selectors import get_party_order, side_of
from orders.selectors.disputes import (
    evidence_left,
    latest_dispute,
    list_case_steps,
    list_evidence_for,
    list_statements_for,
    other_side,
    standing_offer_of,
)
from orders.states import Action, Custody, Role
from orders.views.order_rows import refund_to_do, refunds_of, where_money_is

State = Dispute.State
STATE_TONES = {
    State.OPEN: "wait",
    State.AWAITING_RESPONSE: "wait",
    State.EVIDENCE: "info",
    State.UNDER_REVIEW: "info",
    State.RESOLVED: "ok",
    State.SETTLED: "ok",
    State.WITHDRAWN: "neutral",
}
CASE_FORMS: dict[Action, type[CaseForm]] = {
    form.action: form
    for form in (
        OpenDisputeForm,
        DisputeCompletedForm,
        AnswerForm,
        OfferForm,
        AcceptForm,
        WithdrawForm,
        AppealForm,
    )
}


def render_case_page(request: SignedInRequest, order_id: UUID, *, refused: Form | None = None, status: int = 200) -> HttpResponse:
    """The case's page. `refused` is the form of a step that was not taken: it stands in its place with the person's text."""
    user = request.user
    order = get_party_order(user, order_id)
    dispute = latest_dispute(order)
    if dispute:
        dispute.order = order
    side = side_of(user, order)
    forms, lost = _forms(user, order, dispute, refused)
    context = {
        "order": order,
        "dispute": dispute,
        "me": user,
        "other": other_side(user, order),
        "is_direct": order.custody == Custody.DIRECT,
        "badge": {"label": dispute.get_state_display(), "tone": STATE_TONES[State(dispute.state)]} if dispute else None,
        "progress": _progress(dispute),
        "next": _next(order, side),
        "forms": _in_own_words(forms, side),
        "where_money_is": where_money_is(order),
        "refund_to_do": refund_to_do(refunds_of(order, side)),
        "refused": getattr(refused, "action", "evidence") if refused else "",
        "lost": lost,
        "lost_reasons": refused.non_field_errors() if refused and lost is not None else [],
        "earlier": order.disputes.exclude(pk=dispute.pk) if dispute else [],
        **_words_and_files(user, order, dispute),
    }
    return render(request, "orders/dispute/case.html", context, status=status)


def _next(order: Order, side: Role) -> dict[str, Any]:
    step = next_step(order, side)
    return {
        "turn": step.turn,
        "headline": step.headline,
        "text": step.text,
        "deadline_at": step.deadline_at,
        "if_nobody": step.if_nobody,
        "tone": "problem" if step.turn == "you" and step.is_overdue else "",
    }


def _forms(
    user: User, order: Order, dispute: Dispute | None, refused: Form | None
) -> tuple[dict[str, Form], list[tuple[str, str]] | None]:
    """The forms this side can use now, by step; and the words of a refused one that is not among them."""
    forms: dict[str, Form] = {action: CASE_FORMS[action](order=order) for action in list_case_steps(user, order, dispute)}
    if dispute and dispute.is_open and evidence_left(user, dispute):
        forms["evidence"] = EvidenceForm()
    if isinstance(refused, EvidenceForm):
        name, typed = "evidence", [(_("Evidence"), str(refused.data.get("note", "")))]
    elif isinstance(refused, CaseForm):
        refused.refresh(order)
        name, typed = refused.action, refused.typed()
    else:
        return forms, None
    if name not in forms:
        return forms, typed
    return {**forms, name: refused}, None


def _in_own_words(forms: dict[str, Form], side: Role) -> dict[str, Form]:
    """The forms name both sides; to the one who looks they say "you"."""
    labels = {
        "wanted_amount": _("What you should get of the %(whole)s"),
        "freelancer_amount": _("What you get of the %(whole)s"),
    }
    for form in forms.values():
        for name, field in form.fields.items():
            if side == Role.FREELANCER and name in labels:
                field.label = labels[name] % form.names  # type: ignore[attr-defined]
            elif side == Role.CLIENT and name == "wanted_amount" and field.help_text:
                field.help_text = _("0 if everything is to go back to you.")
    return forms


def _words_and_files(user: User, order: Order, dispute: Dispute | None) -> dict[str, Any]:
    if dispute is None:
        return {}
    statements = list(list_statements_for(user, dispute))
    ruling = max(dispute.rulings.all(), key=lambda row: row.number, default=None)
    return {
        "statements": statements,
        "waits_hidden": dispute.is_open and dispute.evidence_until is None,
        "wrote": any(statement.author_id == user.pk for statement in statements),
        "evidence": list(list_evidence_for(user, dispute)),
        "evidence_left": evidence_left(user, dispute),
        "my_offer": standing_offer_of(user, dispute),
        "their_offer": standing_offer_of(other_side(user, order), dispute),
        "client_amount": None if dispute.freelancer_amount is None else order.expected_amount - dispute.freelancer_amount,
        "ruling": ruling,
        "appeal_is_over": dispute.appeal_until is not None and dispute.appeal_until <= timezone.now(),
        "ended_at": dispute.closed_at or (ruling.created_at if ruling else None),
    }


def _progress(dispute: Dispute | None) -> list[dict[str, str]]:
    """The way of a case as `components/steps.html` shows it; empty before there is one, and when it was withdrawn."""
    reached = {
        State.OPEN: 1,
        State.AWAITING_RESPONSE: 1,
        State.EVIDENCE: 2,
        State.UNDER_REVIEW: 3,
        State.RESOLVED: 5,
        State.SETTLED: 5,
    }
    if dispute is None or dispute.state not in reached:
        return []
    labels = [_("Opened"), _("Statements"), _("Evidence"), _("Decision"), _("Closed")]
    at = reached[State(dispute.state)]
    states = ["done" if n < at else "current" if n == at else "todo" for n in range(len(labels))]
    return [{"label": label, "state": state} for label, state in zip(labels, states, strict=True)]
