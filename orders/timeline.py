"""The history of an order in words: what happened, who did it in which role, when and why."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.money import format_money
from orders.models import Dispute, Order, OrderEvent, PaymentProof
from orders.states import Action, Role

# What an event is called, and its tone, by its action and, where it matters, what became of it (`_variant`).
# The words may name what `_facts` gives.
WORDS = {
    (Action.PLACE_ORDER, ""): (gettext_lazy("Order placed"), "neutral"),
    (Action.SUBMIT_PAYMENT, ""): (gettext_lazy("Proof of payment %(attempt)s handed in"), "info"),
    (Action.ATTACH_RECEIPT, ""): (gettext_lazy("Receipt added to proof %(attempt)s"), "info"),
    (Action.RECORD_PAYMENT, ""): (gettext_lazy("Payment found on the account, entered as proof %(attempt)s"), "info"),
    (Action.EXPIRE, ""): (gettext_lazy("Order expired: not paid in time"), "neutral"),
    (Action.CANCEL, ""): (gettext_lazy("Order cancelled"), "neutral"),
    (Action.SIGN_PAYMENT, ""): (gettext_lazy("Payment signed by the first of two moderators"), "info"),
    (Action.CONFIRM_PAYMENT, ""): (gettext_lazy("Payment of %(received)s confirmed"), "ok"),
    (Action.REJECT_PAYMENT, ""): (gettext_lazy("Proof %(attempt)s not accepted: %(reason)s"), "problem"),
    (Action.RECORD_PARTIAL, ""): (gettext_lazy("Part payment of %(received)s confirmed, %(due)s still due"), "wait"),
    (Action.CANCEL_PARTIAL, ""): (gettext_lazy("Order cancelled, what was paid goes back"), "neutral"),
    (Action.REOPEN, ""): (gettext_lazy("Late payment found, order open again"), "info"),
    (Action.START_WORK, ""): (gettext_lazy("Work started"), "info"),
    (Action.DECLINE, ""): (gettext_lazy("Order declined, the money goes back"), "neutral"),
    (Action.DECLINE, "client"): (gettext_lazy("Order cancelled because it was not started, the money goes back"), "neutral"),
    (Action.ASK_PAUSE, ""): (gettext_lazy("Question asked, and a pause of up to %(days)s days"), "wait"),
    (Action.GRANT_PAUSE, ""): (gettext_lazy("Pause of up to %(days)s days granted"), "info"),
    (Action.GRANT_PAUSE, "clock"): (gettext_lazy("Pause of up to %(days)s days granted, as nobody answered"), "info"),
    (Action.RESUME, ""): (gettext_lazy("Pause ended, delivery due %(until)s"), "info"),
    (Action.PROPOSE_EXTENSION, ""): (gettext_lazy("More time asked for, until %(until)s"), "wait"),
    (Action.ACCEPT_EXTENSION, ""): (gettext_lazy("More time agreed, delivery due %(until)s"), "info"),
    (Action.SUBMIT_WORK, ""): (gettext_lazy("Delivery %(delivery)s handed over"), "info"),
    (Action.APPROVE, ""): (gettext_lazy("Work approved"), "ok"),
    (Action.AUTO_APPROVE, ""): (gettext_lazy("Work approved by itself, as nobody decided in time"), "ok"),
    (Action.REQUEST_REVISION, ""): (gettext_lazy("Changes requested, round %(revision)s"), "wait"),
    (Action.CANCEL_LATE, ""): (gettext_lazy("Order cancelled because it was late, the money goes back"), "neutral"),
    (Action.PROPOSE_CANCELLATION, ""): (
        gettext_lazy("Proposal to cancel: %(client_part)s back to the client, %(part)s to the freelancer"),
        "wait",
    ),
    (Action.ACCEPT_CANCELLATION, ""): (
        gettext_lazy("Cancelled together: %(client_part)s back to the client, %(part)s to the freelancer"),
        "neutral",
    ),
    (Action.ACCEPT_CANCELLATION, "clock"): (
        gettext_lazy("Cancelled, as nobody answered: %(client_part)s back to the client, %(part)s to the freelancer"),
        "neutral",
    ),
    (Action.DECLINE_PROPOSAL, ""): (gettext_lazy("Request declined"), "neutral"),
    (Action.DECLINE_PROPOSAL, "clock"): (gettext_lazy("Request declined, as nobody answered"), "neutral"),
    (Action.WITHDRAW_PROPOSAL, ""): (gettext_lazy("Request withdrawn"), "neutral"),
    (Action.OPEN_DISPUTE, ""): (gettext_lazy("Dispute opened: %(reason)s"), "problem"),
    (Action.DISPUTE_COMPLETED, ""): (gettext_lazy("Dispute opened after the end: %(reason)s"), "problem"),
    (Action.ANSWER_DISPUTE, ""): (gettext_lazy("Statement in the dispute handed in"), "info"),
    (Action.ADVANCE_DISPUTE, ""): (gettext_lazy("The dispute has moved on"), "info"),
    (Action.ADVANCE_DISPUTE, "dispute_answer_overdue"): (gettext_lazy("Reminder: a statement is missing"), "wait"),
    (Action.ADVANCE_DISPUTE, "dispute_rule_overdue"): (gettext_lazy("Reminder: the ruling is overdue"), "wait"),
    (Action.ADVANCE_DISPUTE, Dispute.State.EVIDENCE): (gettext_lazy("Time for statements over, evidence is collected"), "info"),
    (Action.ADVANCE_DISPUTE, Dispute.State.UNDER_REVIEW): (gettext_lazy("Time for evidence over, a moderator decides"), "info"),
    (Action.TAKE_CASE, ""): (gettext_lazy("Dispute taken by %(moderator)s"), "info"),
    (Action.WITHDRAW_DISPUTE, ""): (gettext_lazy("Dispute withdrawn"), "ok"),
    (Action.OFFER_SETTLEMENT, ""): (gettext_lazy("Settlement offered: %(part)s to the freelancer"), "wait"),
    (Action.OFFER_SETTLEMENT, Dispute.State.SETTLED): (gettext_lazy("The offers met: %(part)s to the freelancer"), "ok"),
    (Action.ACCEPT_SETTLEMENT, ""): (gettext_lazy("Settlement accepted: %(part)s to the freelancer"), "ok"),
    (Action.RULE, ""): (gettext_lazy("Ruled: %(part)s to the freelancer, %(client_part)s back to the client"), "info"),
    (Action.RULE, "not paid"): (gettext_lazy("Ruled: nothing was paid"), "info"),
    (Action.APPEAL, ""): (gettext_lazy("Ruling appealed"), "problem"),
    (Action.CONFIRM_REFUND, ""): (gettext_lazy("Refund of %(part)s confirmed"), "ok"),
}
ROLES = {
    Role.CLIENT: gettext_lazy("client"),
    Role.FREELANCER: gettext_lazy("freelancer"),
    Role.MODERATOR: gettext_lazy("moderator"),
}
STAFF_NOTES = frozenset({Action.RECORD_PAYMENT, Action.REOPEN})  # what a moderator noted about a statement's line


def timeline(order: Order, *, for_staff: bool = False) -> list[dict[str, Any]]:
    """Every event of the order, newest first, as `components/timeline.html` shows them.

    Reads `order.events` alone, for staff `order.disputes` too. Moderators' own notes are for staff.
    """
    return [entry(order, event, for_staff) for event in reversed(list(order.events.all()))]


def entry(order: Order, event: OrderEvent, for_staff: bool = False) -> dict[str, Any]:
    """One event in words. For staff it reads `order.disputes` too."""
    action = Action(event.action)
    title, tone = WORDS.get((action, _variant(order, event))) or WORDS[action, ""]
    href, link_label = _link(order, event, for_staff)
    return {
        "title": str(title) % _facts(order, event),
        "tone": tone,
        "who": str(event.actor or _("The clock")),
        "role": _role(order, event) if event.actor else "",
        "at": event.created_at,
        "text": event.note if for_staff or action not in STAFF_NOTES else "",
        "href": href,
        "link_label": link_label,
    }


def _variant(order: Order, event: OrderEvent) -> str:
    """What became of it, where one action can mean several things."""
    if "dispute" in event.data:
        told = "not paid" if event.data.get("not_paid") else event.data.get("reminded") or event.data.get("state")
        return str(told or "")
    if event.actor_id is None:
        return "clock"
    return "client" if event.actor_id == order.client_id else ""


def _facts(order: Order, event: OrderEvent) -> dict[str, str]:
    data = event.data
    reasons = {**dict(PaymentProof.Reason.choices), **dict(Dispute.Reason.choices)}
    given = {
        "received": data.get("received", order.expected_amount),
        "due": data.get("due"),
        "part": data.get("freelancer_amount", data.get("amount")),
        "client_part": data.get("client_amount"),
    }
    return {
        "attempt": str(event.proof.attempt) if event.proof else "",
        "reason": str(reasons.get(data.get("reason", ""), "")),
        "delivery": str(data.get("delivery", "")),
        "revision": str(data.get("revision", "")),
        "days": str(data.get("days", "")),
        "moderator": str(data.get("moderator", "")),
        "until": _instant(data.get("until", "")),
        **{name: format_money(Decimal(amount), order.currency) if amount else "" for name, amount in given.items()},
    }


def _instant(iso: str) -> str:
    return format_date(timezone.localtime(datetime.fromisoformat(iso)), "j M Y, H:i T") if iso else ""


def _role(order: Order, event: OrderEvent) -> str:
    """Who verifies is called by what they are on this order: its freelancer, or else a moderator."""
    verifier = Role.FREELANCER if event.actor_id == order.freelancer_id else Role.MODERATOR
    role = verifier if event.role == Role.VERIFIER else Role(event.role)
    return str(ROLES[role])


def _link(order: Order, event: OrderEvent, for_staff: bool) -> tuple[str, str]:
    if event.proof and event.proof.receipt:
        label = _("Receipt of proof %(attempt)s") % {"attempt": event.proof.attempt}
        return reverse("orders:receipt", args=[event.proof.pk]), label
    if "delivery" in event.data:
        return f"#delivery-{event.data['delivery']}", _("See the delivery")
    if "revision" in event.data:
        return f"#revision-{event.data['revision']}", _("See the points")
    if "dispute" in event.data:
        return _case(order, event.data["dispute"]) if for_staff else reverse("orders:dispute", args=[order.pk]), _(
            "See the dispute"
        )
    return "", ""


def _case(order: Order, number: int) -> str:
    dispute = next(dispute for dispute in order.disputes.all() if dispute.number == number)
    return reverse("admin:orders_dispute_case", args=[dispute.pk])
