"""What the page of an order shows to the person who looks: the same for reading it and for a step that was refused."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.requests import SignedInRequest
from marketplace.money import plain_amount
from orders.forms import StepForm
from orders.models import Delivery, Order, PaymentMethod, PaymentProof, RevisionRequest
from orders.next_steps import NextStep, next_step
from orders.proposal_forms import STEP_FORMS
from orders.selectors import get_order_page_for, revisions_left, side_of
from orders.selectors.disputes import action_to_open
from orders.selectors.proposals import list_steps_for
from orders.states import (
    FINAL,
    PAYMENT_STATUS_LABELS,
    STATUS_LABELS,
    Action,
    Custody,
    DisbursementState,
    PaymentStatus,
    Role,
    Status,
)
from orders.timeline import timeline
from orders.tones import MONEY_TONES, WORK_TONES
from orders.views.balance_page import account_labels
from orders.views.order_rows import desks_of, proposal_of, refund_to_do, refunds_of, where_money_is
from orders.views.order_trouble import trouble


@dataclass(frozen=True)
class Round:
    """A delivery and what the client wanted changed in it."""

    delivery: Delivery
    revision: RevisionRequest | None


def render_order_page(
    request: SignedInRequest, order_id: UUID, *, refused: StepForm | None = None, status: int = 200
) -> HttpResponse:
    """The order's page. `refused` is the form of a step that was not taken: it stands in its place with the person's text."""
    order = get_order_page_for(request.user, order_id)
    side = side_of(request.user, order)
    step = next_step(order, side)
    pays_now = side == Role.CLIENT and order.status == Status.PENDING_PAYMENT
    proofs, refunds = _proofs(order, pays_now), refunds_of(order, side)
    context = {
        "order": order,
        "side": side.name.lower(),
        "is_party": side != Role.MODERATOR,
        "other": order.client if side == Role.FREELANCER else order.freelancer,
        "is_direct": order.custody == Custody.DIRECT,
        "badges": _badges(order, refunds),
        "progress": _progress(order),
        "next": _next_for(order, side, step),
        **_forms(request.user, order, side, refused),
        "proposal": proposal_of(order, side),
        "refunds": refunds,
        "refund_to_do": refund_to_do(refunds),
        "desks": desks_of(request.user, order, proofs["live_proof"]) if side == Role.MODERATOR else [],
        "has_dispute": bool(order.disputes.all()),
        **proofs,
        **_work(order),
        **_money(order),
        "pays_now": pays_now,
        "timeline": timeline(order),
    }
    return render(request, "orders/detail.html", context, status=status)


def _badges(order: Order, refunds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the work and of the money. On the ledger a refund has left escrow; its client has it when it has arrived."""
    work, money = Status(order.status), PaymentStatus(order.payment_status)
    money_badge = {"label": PAYMENT_STATUS_LABELS[money], "tone": MONEY_TONES[money]}
    if money == PaymentStatus.REFUNDED and any(refund["row"].state != DisbursementState.CONFIRMED for refund in refunds):
        money_badge = {"label": _("Refund under way"), "tone": "wait"}
    return [{"label": STATUS_LABELS[work], "tone": WORK_TONES[work]}, money_badge]


def _progress(order: Order) -> list[dict[str, str]]:
    """The way of an order as `components/steps.html` shows it: to the approval, or to where it left that way."""
    labels = [_("Order"), _("Payment"), _("Payment check"), _("Work"), _("Approval")]
    reached = _reached(order)
    if order.status in FINAL - {Status.COMPLETED}:
        return [*_items(labels[:reached], "done"), *_items([STATUS_LABELS[Status(order.status)]], "current")]
    if order.payment_status == PaymentStatus.DISPUTED:
        return [*_items(labels[:reached], "done"), *_items([_("Dispute")], "current"), *_items(labels[reached:], "todo")]
    return [
        *_items(labels[:reached], "done"),
        *_items(labels[reached : reached + 1], "current"),
        *_items(labels[reached + 1 :], "todo"),
    ]


def _reached(order: Order) -> int:
    """How many stations of its way lie behind the order, told by what happened and not by where it is now."""
    if order.completed_at:
        return 5
    if order.status in (Status.IN_PROGRESS, Status.REVISION_REQUESTED) or (order.confirmed_at and not order.ever_delivered):
        return 3
    if order.ever_delivered:
        return 4
    return 2 if order.status in (Status.PAYMENT_SUBMITTED, Status.DISPUTED) else 1


def _items(labels: list[Any], state: str) -> list[dict[str, str]]:
    return [{"label": str(label), "state": state} for label in labels]


def _next_for(order: Order, side: Role, step: NextStep) -> dict[str, Any]:
    """The panel's words. A moderator is never "you": what the client reads is told as waiting for the client."""
    waits_for = order.client if side == Role.FREELANCER or (side == Role.MODERATOR and step.turn == "you") else order.freelancer
    was_rejected = order.status == Status.PENDING_PAYMENT and order.proofs_rejected > 0
    is_problem = step.turn == "you" and (step.is_overdue or was_rejected)
    return {
        "turn": "them" if side == Role.MODERATOR and step.turn == "you" else step.turn,
        "who": waits_for,
        "headline": step.headline,
        "text": step.text,
        "deadline_at": step.deadline_at,
        "if_nobody": step.if_nobody,
        "tone": "problem" if is_problem else "",
        "is_overdue": step.is_overdue,
    }


def _forms(user: User, order: Order, side: Role, refused: StepForm | None) -> dict[str, Any]:
    """The forms of the steps this person can take now, by action; a moderator takes them at the desk."""
    actions = list_steps_for(user, order) if side != Role.MODERATOR else []
    forms: dict[Action, StepForm] = {action: STEP_FORMS[action](order=order) for action in actions if action in STEP_FORMS}
    lost: list[tuple[str, str]] = []
    if refused:
        refused.refresh(order)
        if refused.action in forms:
            forms[refused.action] = refused
        else:
            lost = refused.typed()
    return {
        "forms": forms,
        "trouble": trouble(order, side, forms),
        "may_dispute": action_to_open(user, order) is not None,
        "refused": refused.action if refused and refused.action in forms else "",
        "lost": lost,
        "lost_reasons": refused.non_field_errors() if refused and refused.action not in forms else [],
    }


def _proofs(order: Order, pays_now: bool) -> dict[str, Any]:
    """Newest first: the one being checked, the one to be replaced while the client pays, and all others."""
    proofs = sorted(order.proofs.all(), key=lambda proof: -proof.attempt)
    live = next((proof for proof in proofs if proof.state == PaymentProof.State.SUBMITTED), None)
    rejected = next((proof for proof in proofs[:1] if pays_now and proof.state == PaymentProof.State.REJECTED), None)
    return {
        "live_proof": live,
        "last_rejected": rejected,
        "earlier_proofs": [proof for proof in proofs if proof not in (live, rejected)],
    }


def _work(order: Order) -> dict[str, Any]:
    """Deliveries newest first, each with its revision request; the newest is the one to decide about or to change."""
    revisions = {revision.delivery_id: revision for revision in order.revision_requests.all()}
    deliveries = sorted(order.deliveries.all(), key=lambda delivery: -delivery.number)
    rounds = [Round(delivery, revisions.get(delivery.pk)) for delivery in deliveries]
    newest_href = f"#delivery-{deliveries[0].number}" if deliveries else ""
    return {"rounds": rounds, "newest_href": newest_href, "revisions_left": revisions_left(order)}


def _money(order: Order) -> dict[str, Any]:
    fee = order.fee_on(order.expected_amount)
    is_coin = order.pay_to_kind == PaymentMethod.Kind.COIN  # a wallet reads an address, not a letter
    return {
        "where_money_is": where_money_is(order),
        "fee": fee,
        "earned": order.expected_amount - fee,
        "amount_to_type": plain_amount(order.amount_due, order.currency),
        "main_code": "account" if is_coin else "payment",
        **account_labels(order.deposit_address, order.pay_to_routing),
    }
