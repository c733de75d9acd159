"""An order from its placing to its approval. `change_order_status` is the only writer of status, payment status and version."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import closing_checks
from accounts.services import record_completed_order as count_for_freelancer
from gigs.models import Gig, Requirement
from gigs.services import record_completed_order as count_for_gig
from marketplace.money import format_money
from marketplace.uploads import CheckedFile, discard_files_on_error
from messaging.services import notify
from orders.exceptions import (
    ActionNotAllowed,
    AnswersIncomplete,
    DeliveryIncomplete,
    GigChanged,
    GigNotOrderable,
    NoRevisionsLeft,
    OrderMoved,
    PaymentMethodNotUsable,
)
from orders.models import (
    Delivery,
    DeliveryFile,
    Order,
    OrderEvent,
    PaymentMethod,
    PaymentProof,
    RequirementAnswer,
    RevisionRequest,
)
from orders.notifications import TOLD, recipients
from orders.references import new_reference
from orders.selectors import gig_terms, list_payment_methods_for, may_cancel, reason_to_stay, roles_for
from orders.states import STATUS_LABELS, Action, Custody, PaymentStatus, Role, Status, transition_for

closing_checks.append(reason_to_stay)  # nobody leaves while an order of theirs runs

ACCEPT_WITHIN = timedelta(hours=24)
REVISION_AT_LEAST = timedelta(days=2)


@dataclass(frozen=True)
class Detail:
    """What an event remembers beside the change of status."""

    note: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    proof: PaymentProof | None = None


Effect = Callable[[Order, datetime], Detail]


@transaction.atomic
def change_order_status(
    *, order_id: UUID, action: Action, actor: User, seen: int, effect: Effect, said: tuple[object, ...] = ()
) -> Order:
    """Take one step of the table and return the fresh order.

    Locks the row; refuses with OrderMoved when the order is no longer at version `seen`, with ActionNotAllowed when the table has
    no such step for this person; then `effect` re-checks its guards on the locked row, writes its own rows and sets the clocks. A
    repeat of the last step by the same person, who `said` the same with it, is quiet success.
    """
    order = _lock(order_id)
    fingerprint = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
    if _is_repeat(order, action, actor, seen, fingerprint):
        return order
    roles = roles_for(actor, order)
    row = transition_for(Status(order.status), action, roles)
    if order.version != seen and roles:
        raise OrderMoved(
            _("Someone was faster: this order is now “%(status)s”. Look at it again before you decide.")
            % {"status": STATUS_LABELS[Status(order.status)]}
        )
    if row is None:
        raise ActionNotAllowed(
            _("This cannot be done now: the order is “%(status)s”.") % {"status": STATUS_LABELS[Status(order.status)]}
        )
    now = timezone.now()
    before = order.status
    detail = effect(order, now)
    detail.data["fingerprint"] = fingerprint
    order.status = row.target
    order.payment_status = (row.payment or {}).get(Custody(order.custody), PaymentStatus(order.payment_status))
    order.version += 1
    order.save()
    _record(order, action, before, actor, min(roles & row.roles), detail, now)
    return order


def _lock(order_id: UUID) -> Order:
    return Order.objects.select_for_update(of=("self",)).select_related("client", "freelancer", "gig").get(pk=order_id)


def _is_repeat(order: Order, action: Action, actor: User, seen: int, fingerprint: str) -> bool:
    last = order.events.order_by("-number").first()
    return last is not None and (
        (last.number, last.action, last.actor_id, last.data.get("fingerprint")) == (seen + 1, action, actor.pk, fingerprint)
    )


def _record(order: Order, action: Action, before: str, actor: User, role: Role, detail: Detail, now: datetime) -> None:
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
    amount = format_money(order.expected_amount, order.currency)
    words = {"order": order, "event": event, "actor": actor, "proof": detail.proof, "amount": amount}
    for audience, kind in TOLD[action]:
        for person in recipients(order, audience, but=actor):
            notify(recipient=person, kind=kind, url=_page_for(person, order, kind), context=words)


def _page_for(person: User, order: Order, kind: str) -> str:
    if person.pk in (order.client_id, order.freelancer_id):
        return order.get_absolute_url()
    return reverse("admin:orders_paymentproof_verify", args=[order.proofs.latest("attempt").pk])


@transaction.atomic
def place_order(
    *, actor: User, gig_id: UUID, payment_method_id: UUID, answers: dict[int, str], terms: str, placement_key: UUID
) -> Order:
    """Order a gig as it stands (row 1): copy all its promises, give the order its payment reference, start the pay window.

    `answers` maps requirement ids to texts. `terms` is what `gig_terms` said when the client looked. The same `placement_key`
    twice returns the first order. Raises GigNotOrderable, GigChanged, PaymentMethodNotUsable, AnswersIncomplete.
    """
    gig = Gig.objects.select_for_update(of=("self",), no_key=True).select_related("freelancer").filter(pk=gig_id).first()
    placed = Order.objects.filter(client=actor, placement_key=placement_key).first()
    if placed:
        return placed
    if gig is None or not gig.is_active or not gig.freelancer.is_active:
        raise GigNotOrderable(_("This gig cannot be ordered at the moment."))
    if gig.freelancer_id == actor.pk:
        raise GigNotOrderable(_("This gig is your own. You cannot order from yourself."))
    if terms != gig_terms(gig):
        raise GigChanged(_("The freelancer has changed this gig since you opened it. Read it again before you order."))
    method = list_payment_methods_for(gig).filter(pk=payment_method_id).first()
    if method is None:
        raise PaymentMethodNotUsable(_("This way to pay is no longer offered. Choose another one."))
    rows = _answer_rows(list(gig.requirements.all()), answers)
    now = timezone.now()
    order = Order.objects.create(client=actor, placement_key=placement_key, **_snapshot(gig, method), **_opening(method, now))
    RequirementAnswer.objects.bulk_create(
        RequirementAnswer(order=order, position=n, question=question, answer=answer) for n, (question, answer) in enumerate(rows)
    )
    _record(order, Action.PLACE_ORDER, "", actor, Role.CLIENT, Detail(), now)
    return order


def _answer_rows(requirements: list[Requirement], answers: dict[int, str]) -> list[tuple[str, str]]:
    rows = []
    for requirement in requirements:
        answer = answers.get(requirement.pk, "").strip()
        if requirement.is_required and not answer:
            raise AnswersIncomplete(_("Answer the question “%(question)s”.") % {"question": requirement.question})
        if answer and requirement.kind == Requirement.Kind.CHOICE and answer not in requirement.choices:
            raise AnswersIncomplete(_("Choose one of the answers to “%(question)s”.") % {"question": requirement.question})
        rows.append((requirement.question, answer))
    return rows


def _snapshot(gig: Gig, method: PaymentMethod) -> dict[str, Any]:
    return {
        "gig": gig,
        "freelancer": gig.freelancer,
        "gig_title": gig.title,
        "gig_description": gig.description,
        "price": gig.price,
        "expected_amount": gig.price,
        "currency": gig.currency,
        "delivery_days": gig.delivery_days,
        "revisions_included": gig.revisions_included,
        "auto_approve_days": gig.auto_approve_days,
        "hold_days": settings.HOLD_DAYS_REVERSIBLE if method.is_reversible else settings.HOLD_DAYS,
        "escrow_fee_pct": Decimal(settings.ESCROW_FEE_PCT) if method.custody == Custody.PLATFORM else Decimal(0),
        "custody": method.custody,
        "payment_method": method,
        "pay_to_kind": method.kind,
        "pay_to_label": method.label,
        "pay_to_holder": method.account_holder,
        "deposit_address": method.account_number,
        "pay_to_routing": method.routing,
        "payment_instructions": method.instructions,
        "is_reversible": method.is_reversible,
    }


def _opening(method: PaymentMethod, now: datetime) -> dict[str, Any]:
    reference = new_reference()
    while Order.objects.filter(payment_reference=reference).exists():
        reference = new_reference()
    return {"payment_reference": reference, "created_at": now, "pay_by": now + timedelta(hours=method.pay_window_hours)}


def cancel(*, actor: User, order_id: UUID, seen: int, note: str = "") -> Order:
    """Call off an order nothing was paid for (row 4). Once a proof was handed in, only the client: money may be on its way."""

    def effect(order: Order, now: datetime) -> Detail:
        if order.payment_status != PaymentStatus.AWAIT_DEPOSIT:
            raise ActionNotAllowed(_("Part of this order is paid, so it cannot simply be cancelled."))
        if not may_cancel(actor, order):
            raise ActionNotAllowed(
                _("The client has handed in a proof of payment, so only they can cancel. Ask a moderator for help.")
            )
        order.cancelled_at = now
        return Detail(note=note)

    return change_order_status(order_id=order_id, action=Action.CANCEL, actor=actor, seen=seen, effect=effect, said=(note,))


def start_work(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Begin (row 8): the delivery clock starts."""

    def effect(order: Order, now: datetime) -> Detail:
        order.started_at, order.accept_by = now, None
        order.due_at = now + timedelta(days=order.delivery_days)
        return Detail()

    return change_order_status(order_id=order_id, action=Action.START_WORK, actor=actor, seen=seen, effect=effect)


def submit_work(*, actor: User, order_id: UUID, seen: int, note: str, links: list[str], files: list[CheckedFile]) -> Order:
    """Hand over work (row 12): a note and at least one file or link; the client's time to check it starts."""
    if not note.strip() or not (files or links):
        raise DeliveryIncomplete(_("Add a note, and at least one file or link."))
    with discard_files_on_error() as undo:

        def effect(order: Order, now: datetime) -> Detail:
            number = order.deliveries.count() + 1
            delivery = Delivery.objects.create(order=order, number=number, note=note, links=links, created_at=now)
            for file in files:
                row = DeliveryFile(
                    delivery=delivery,
                    name=file.display_name,
                    content_type=file.content_type,
                    size=file.size,
                    sha256=file.sha256,
                )
                row.file.save(file.stored_name, file.content, save=False)
                undo.callback(row.file.delete, save=False)
                row.save()
            order.submitted_at, order.due_at, order.ever_delivered = now, None, True
            order.auto_approve_at = now + timedelta(days=order.auto_approve_days)
            return Detail(data={"delivery": number})

        said = (note, links, [file.sha256 for file in files])
        return change_order_status(order_id=order_id, action=Action.SUBMIT_WORK, actor=actor, seen=seen, effect=effect, said=said)


def approve(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Accept the delivery (row 13): the order is complete, the money is the freelancer's after the hold."""

    def effect(order: Order, now: datetime) -> Detail:
        order.completed_at, order.auto_approve_at = now, None
        if order.custody == Custody.PLATFORM:
            order.hold_until = now + timedelta(days=order.hold_days)
        count_for_freelancer(freelancer=order.freelancer)
        count_for_gig(gig=order.gig)
        return Detail()

    return change_order_status(order_id=order_id, action=Action.APPROVE, actor=actor, seen=seen, effect=effect)


def request_revision(*, actor: User, order_id: UUID, seen: int, items: list[str]) -> Order:
    """Ask for changes to the last delivery, item by item (row 15). NoRevisionsLeft when all included ones are used."""

    def effect(order: Order, now: datetime) -> Detail:
        used = order.revision_requests.count()
        if used >= order.revisions_included:
            raise NoRevisionsLeft(_("All revisions this order includes are used."))
        number = used + 1
        RevisionRequest.objects.create(
            order=order, delivery=order.deliveries.latest("number"), number=number, items=items, created_at=now
        )
        order.auto_approve_at = None
        order.due_at = now + max(REVISION_AT_LEAST, timedelta(days=order.delivery_days) / 2)
        return Detail(data={"revision": number})

    if not items:
        raise DeliveryIncomplete(_("Say what you want changed, one point at a time."))
    return change_order_status(
        order_id=order_id, action=Action.REQUEST_REVISION, actor=actor, seen=seen, effect=effect, said=tuple(items)
    )
