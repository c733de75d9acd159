"""The history of an order in words: what happened, who did it in which role, when and why."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.money import format_money
from orders.models import Order, OrderEvent, PaymentProof
from orders.states import Action, Role

# What an event is called, and its tone. The words may name %(attempt)s, %(amount)s, %(reason)s, %(delivery)s and %(revision)s.
WORDS = {
    Action.PLACE_ORDER: (gettext_lazy("Order placed"), "neutral"),
    Action.SUBMIT_PAYMENT: (gettext_lazy("Proof of payment %(attempt)s handed in"), "info"),
    Action.CANCEL: (gettext_lazy("Order cancelled"), "neutral"),
    Action.SIGN_PAYMENT: (gettext_lazy("Payment signed by the first of two moderators"), "info"),
    Action.CONFIRM_PAYMENT: (gettext_lazy("Payment of %(amount)s confirmed"), "ok"),
    Action.REJECT_PAYMENT: (gettext_lazy("Proof %(attempt)s not accepted: %(reason)s"), "problem"),
    Action.START_WORK: (gettext_lazy("Work started"), "info"),
    Action.SUBMIT_WORK: (gettext_lazy("Delivery %(delivery)s handed over"), "info"),
    Action.APPROVE: (gettext_lazy("Work approved"), "ok"),
    Action.REQUEST_REVISION: (gettext_lazy("Changes requested, round %(revision)s"), "wait"),
}
ROLES = {
    Role.CLIENT: gettext_lazy("client"),
    Role.FREELANCER: gettext_lazy("freelancer"),
    Role.MODERATOR: gettext_lazy("moderator"),
    Role.TIMER: gettext_lazy("clock"),
}


def timeline(order: Order) -> list[dict[str, Any]]:
    """Every event of the order, newest first, as `components/timeline.html` shows them. Reads `order.events` alone."""
    return [_entry(order, event) for event in reversed(list(order.events.all()))]


def _entry(order: Order, event: OrderEvent) -> dict[str, Any]:
    title, tone = WORDS.get(Action(event.action), (event.action, "neutral"))
    reasons = dict(PaymentProof.Reason.choices)
    facts = {
        "attempt": event.proof.attempt if event.proof else "",
        "amount": format_money(order.expected_amount, order.currency),
        "reason": reasons.get(event.data.get("reason"), ""),
        "delivery": event.data.get("delivery", ""),
        "revision": event.data.get("revision", ""),
    }
    href, link_label = _link(event)
    return {
        "title": str(title) % facts,
        "tone": tone,
        "who": str(event.actor) if event.actor else "",
        "role": _role(order, event),
        "at": event.created_at,
        "text": event.note,
        "href": href,
        "link_label": link_label,
    }


def _role(order: Order, event: OrderEvent) -> str:
    """Who verifies is called by what they are on this order: its freelancer, or else a moderator."""
    verifier = Role.FREELANCER if event.actor_id == order.freelancer_id else Role.MODERATOR
    role = verifier if event.role == Role.VERIFIER else Role(event.role)
    return str(ROLES[role])


def _link(event: OrderEvent) -> tuple[str, str]:
    if event.proof:
        label = _("Receipt of proof %(attempt)s") % {"attempt": event.proof.attempt}
        return reverse("orders:receipt", args=[event.proof.pk]), label
    if "delivery" in event.data:
        return f"#delivery-{event.data['delivery']}", _("See the delivery")
    if "revision" in event.data:
        return f"#revision-{event.data['revision']}", _("See the points")
    return "", ""
