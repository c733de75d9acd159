"""The one writer of an order's status, payment status and version."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.realtime import group_of, publish
from messaging.models import Webhook
from messaging.services import overtake, webhooks
from orders.clocks import next_clock
from orders.exceptions import ActionNotAllowed, OrderMoved
from orders.models import Order, OrderEvent, PaymentProof, Proposal
from orders.notifications import TOLD, recipients
from orders.selectors import roles_for
from orders.selectors.proposals import ACCEPTED_BY
from orders.services.telling import tell
from orders.states import STATUS_LABELS, Action, Custody, PaymentStatus, Role, Status, Transition, sources_of, transition_for

Choice = TypeVar("Choice", Status, PaymentStatus)


@dataclass(frozen=True)
class Detail:
    """What an event remembers beside the change of status; and where the step leads, where its row leaves a choice."""

    note: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    proof: PaymentProof | None = None
    status: Status | None = None
    payment_status: PaymentStatus | None = None


Effect = Callable[[Order, datetime], Detail]


def change_order_status(
    *,
    order_id: UUID,
    action: Action,
    actor: User | None,
    seen: int,
    effect: Effect,
    said: tuple[object, ...] = (),
    now: datetime | None = None,
    locked: Order | None = None,
) -> Order:
    """Take one step of the table and return the fresh order. `actor` is None for the clock, `now` the instant it is fired for.

    Locks the row (the clock hands over one it has `locked`, in a transaction that fails where this does). Refuses with OrderMoved
    when the order is no longer at version `seen`, with ActionNotAllowed when the table has no such step for this person; then
    `effect` re-checks its guards on the locked row, writes its own rows and sets the clocks. A repeat of the last step by the
    same person, who `said` the same with it, is quiet success.
    """
    fingerprint = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
    with transaction.atomic(savepoint=locked is None):
        order = locked or _lock(order_id, seen)
        if order:
            return _take(order, action, actor, effect, fingerprint, now or timezone.now())
    return _repeated(order_id, action, actor, seen, fingerprint)


def _lock(order_id: UUID, seen: int) -> Order | None:
    """The row, if it is as the person saw it. Whoever waits for it and comes too late goes on without holding it."""
    same = Order.objects.select_for_update(of=("self",)).filter(pk=order_id, version=seen).order_by()
    return next(iter(same.select_related("client", "freelancer")), None)


def _repeated(order_id: UUID, action: Action, actor: User | None, seen: int, fingerprint: str) -> Order:
    """The order as it is, where this very step has been taken; else OrderMoved, or ActionNotAllowed for who has no part in it."""
    order = Order.objects.get(pk=order_id)
    if _is_repeat(order, action, actor, seen, fingerprint):
        return order
    if not _roles(actor, order):
        raise _not_allowed(order)
    raise OrderMoved(
        _("Someone was faster: this order is now “%(status)s”. Look at it again before you decide.")
        % {"status": STATUS_LABELS[Status(order.status)]}
    )


def _not_allowed(order: Order) -> ActionNotAllowed:
    return ActionNotAllowed(
        _("This cannot be done now: the order is “%(status)s”.") % {"status": STATUS_LABELS[Status(order.status)]}
    )


def _roles(actor: User | None, order: Order) -> frozenset[Role]:
    return roles_for(actor, order) if actor else frozenset({Role.TIMER})


def _take(order: Order, action: Action, actor: User | None, effect: Effect, fingerprint: str, now: datetime) -> Order:
    """The step itself, on the locked row."""
    roles = _roles(actor, order)
    row = transition_for(Status(order.status), PaymentStatus(order.payment_status), Custody(order.custody), action, roles)
    if row is None:
        raise _not_allowed(order)
    before = _columns(order)
    moves_on = row.targets and order.status not in row.targets  # else nothing is settled for the other side
    settled = (order.client, order.freelancer) if moves_on else filter(None, [actor])
    overtake(people=tuple(settled), url=order.get_absolute_url())  # before the effect, which may ask somebody anew
    detail = effect(order, now)
    detail.data["fingerprint"] = fingerprint
    _move(order, row, detail)
    _overtake_proposal(order, now)
    order.version += 1
    order.clock_failures, order.clock_error = 0, ""
    order.next_clock_at = next_clock(order)
    order.save(update_fields=[*(name for name, value in _columns(order).items() if value != before[name]), "updated_at"])
    record(order, action, str(before["status"]), actor, min(roles & row.roles), detail, now)
    return order


def _columns(order: Order) -> dict[str, object]:
    return {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}


def _is_repeat(order: Order, action: Action, actor: User | None, seen: int, fingerprint: str) -> bool:
    if order.version != seen + 1:
        return False
    last = order.events.order_by("-number").first()
    return last is not None and (
        (last.number, last.action, last.actor_id, last.data.get("fingerprint"))
        == (seen + 1, action, actor.pk if actor else None, fingerprint)
    )


def _move(order: Order, row: Transition, detail: Detail) -> None:
    """Where the row leads: what the effect chose among its targets, else its only one, else nowhere."""
    statuses = row.targets or frozenset({Status(order.status)})
    payments = row.payment.get(Custody(order.custody)) or frozenset({PaymentStatus(order.payment_status)})
    status = detail.status or _only(statuses)
    payment = detail.payment_status or _only(payments)
    if status not in statuses or payment not in payments:
        raise ValueError(f"{row.action} does not lead to {status}, {payment}.")
    order.status, order.payment_status = status, payment


def _only(choices: frozenset[Choice]) -> Choice:
    (single,) = choices
    return single


def _overtake_proposal(order: Order, now: datetime) -> None:
    """Close the open proposal where the order has moved on from what it asks."""
    if order.proposal_by is None:
        return
    overtaken = [kind for kind, step in ACCEPTED_BY.items() if order.status not in sources_of(step)]
    open_ones = order.proposals.filter(state=Proposal.State.OPEN, kind__in=overtaken)
    if open_ones.update(state=Proposal.State.LAPSED, answered_at=now):
        order.proposal_by = None


def record(order: Order, action: Action, before: str, actor: User | None, role: Role, detail: Detail, now: datetime) -> None:
    """Append the event and tell the people concerned, in the same transaction."""
    event = OrderEvent.objects.create(
        order=order,
        number=order.version,
        action=action,
        from_status=before,
        to_status=order.status,
        payment_status=order.payment_status,
        actor=actor,
        role=role,
        note=detail.note,
        data=detail.data,
        proof=detail.proof,
        created_at=now,
    )
    told = () if "reminded" in detail.data else TOLD.get(action, ())  # who is only reminded was told in other words
    people = [(person, kind) for audience, kind in told for person in recipients(order, audience, but=actor)]
    parties = (order.client_id, order.freelancer_id)
    data = {"order": str(order.pk), "status": order.status}
    heard = [(Webhook.Hears.ORDER, webhooks.News(pk, "order.updated", order.gig_title, data)) for pk in parties]
    tell(order, people, heard, event=event, actor=actor, proof=detail.proof)
    publish([group_of(pk) for pk in parties], {"type": "order.updated", "order": str(order.pk)})
