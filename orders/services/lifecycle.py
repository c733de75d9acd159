"""An order from its placing to its end, but for its payment, its proposals and its disputes."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import closing_checks
from gigs.models import Gig, Requirement
from gigs.selectors import fee_percent_for
from marketplace.uploads import CheckedFile, discard_files_on_error, discard_on_error
from messaging.deals import deals
from orders.clocks import next_clock
from orders.exceptions import (
    ActionNotAllowed,
    AnswersIncomplete,
    DeliveryIncomplete,
    GigChanged,
    GigNotOrderable,
    NoRevisionsLeft,
    PaymentMethodNotUsable,
    TooEarly,
)
from orders.models import (
    Delivery,
    DeliveryFile,
    Disbursement,
    Order,
    PaymentMethod,
    RequirementAnswer,
    RevisionRequest,
)
from orders.references import new_reference
from orders.selectors import (
    gig_terms,
    have_running_order,
    is_between,
    is_late,
    list_payment_methods_for,
    may_approve_itself,
    may_cancel,
    reason_to_stay,
)
from orders.services.bounds import check_room_to_order
from orders.services.change import Detail, change_order_status, record
from orders.services.escrow import complete, finish_escrow
from orders.states import Action, Custody, Role

closing_checks.append(reason_to_stay)  # nobody leaves while an order of theirs runs
deals.is_between, deals.have_running = is_between, have_running_order  # what conversations ask

REVISION_AT_LEAST = timedelta(days=2)


@transaction.atomic
def place_order(
    *, actor: User, gig_id: UUID, payment_method_id: UUID, answers: dict[int, str], terms: str, placement_key: UUID
) -> Order:
    """Order a gig as it stands (row 1): copy all its promises, give the order its payment reference, start the pay window.

    `answers` maps requirement ids to texts. `terms` is what `gig_terms` said when the client looked. The same `placement_key`
    twice returns the first order. Raises GigNotOrderable, GigChanged, PaymentMethodNotUsable, AnswersIncomplete, TooManyUnpaid,
    TooManyPlaced.
    """
    gig = (
        Gig.objects.select_for_update(of=("self",), no_key=True)
        .select_related("freelancer", "category__parent")
        .filter(pk=gig_id)
        .first()
    )
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
    check_room_to_order(actor, gig.freelancer, now)
    order = Order(client=actor, placement_key=placement_key, **_snapshot(gig, method), **_opening(method, now))
    order.next_clock_at = next_clock(order)
    order.save(force_insert=True)
    RequirementAnswer.objects.bulk_create(
        RequirementAnswer(order=order, position=n, question=question, answer=answer) for n, (question, answer) in enumerate(rows)
    )
    record(order, Action.PLACE_ORDER, "", actor, Role.CLIENT, Detail(), now)
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
        "escrow_fee_pct": fee_percent_for(gig) if method.custody == Custody.PLATFORM else Decimal(0),
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
    """Leave an order nobody has paid anything of (row 4); else see `cancel_partial`."""

    def effect(order: Order, now: datetime) -> Detail:
        if not may_cancel(actor, order):
            raise ActionNotAllowed(
                _("The client has handed in a proof of payment, so only they can cancel. Ask a moderator for help.")
            )
        order.cancelled_at = now
        return Detail(note=note)

    return change_order_status(order_id=order_id, action=Action.CANCEL, actor=actor, seen=seen, effect=effect, said=(note,))


def cancel_partial(*, actor: User, order_id: UUID, seen: int, note: str = "") -> Order:
    """Leave an order that was paid in part (row 7): the part becomes a refund. TooEarly for a freelancer before `pay_by`."""

    def effect(order: Order, now: datetime) -> Detail:
        if actor.pk == order.freelancer_id and now < order.pay_by:
            raise TooEarly(_("The client still has time to pay the rest."))
        return _call_off(order, now, actor, Disbursement.Reason.PARTIAL, note)

    return change_order_status(
        order_id=order_id, action=Action.CANCEL_PARTIAL, actor=actor, seen=seen, effect=effect, said=(note,)
    )


def decline(*, actor: User, order_id: UUID, seen: int, note: str = "") -> Order:
    """Not do a paid order (row 9): the freelancer at any time before the start, the client once the time to start is over.

    All the money becomes a refund. Raises TooEarly for a client before `accept_by`.
    """

    def effect(order: Order, now: datetime) -> Detail:
        if actor.pk == order.client_id and order.accept_by and now < order.accept_by:
            raise TooEarly(_("The freelancer still has time to start. After that you can cancel and get everything back."))
        return _call_off(order, now, actor, Disbursement.Reason.DECLINED, note)

    return change_order_status(order_id=order_id, action=Action.DECLINE, actor=actor, seen=seen, effect=effect, said=(note,))


def cancel_late(*, actor: User, order_id: UUID, seen: int, note: str = "") -> Order:
    """Leave an order that is late by a day of unpaused time and of which nothing was ever delivered (row 16): full refund."""

    def effect(order: Order, now: datetime) -> Detail:
        if not is_late(order, now):
            raise TooEarly(_("You can cancel a day after the delivery was due, if nothing was delivered by then."))
        return _call_off(order, now, actor, Disbursement.Reason.LATE, note)

    return change_order_status(order_id=order_id, action=Action.CANCEL_LATE, actor=actor, seen=seen, effect=effect, said=(note,))


def _call_off(order: Order, now: datetime, actor: User, reason: Disbursement.Reason, note: str) -> Detail:
    order.cancelled_at, order.accept_by, order.due_at = now, None, None
    order.paused_at = order.paused_until = None
    finish_escrow(order=order, freelancer_amount=Decimal(0), reason=reason, actor=actor, now=now)
    return Detail(note=note)


def expire(*, order_id: UUID, seen: int, now: datetime, locked: Order | None = None) -> Order:
    """End an order nobody paid (row 3), for the clock. TooEarly before the pay window and its grace are over."""

    def effect(order: Order, now: datetime) -> Detail:
        if now < order.pay_by + timedelta(hours=settings.EXPIRE_GRACE_HOURS):
            raise TooEarly(_("The time to pay is not over."))
        order.expired_at = now
        return Detail()

    return change_order_status(
        order_id=order_id, action=Action.EXPIRE, actor=None, seen=seen, effect=effect, now=now, locked=locked
    )


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
                discard_on_error(undo, row.file, file.stored_name)
                row.file.save(file.stored_name, file.content, save=False)
                row.save()
            order.submitted_at, order.due_at, order.ever_delivered = now, None, True
            order.paused_at = order.paused_until = None
            order.auto_approve_at = now + timedelta(days=order.auto_approve_days)
            return Detail(data={"delivery": number})

        said = (note, links, [file.sha256 for file in files])
        return change_order_status(order_id=order_id, action=Action.SUBMIT_WORK, actor=actor, seen=seen, effect=effect, said=said)


def approve(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Accept the delivery (row 13): the order is complete, the money is the freelancer's after the hold."""

    def effect(order: Order, now: datetime) -> Detail:
        complete(order=order, freelancer_amount=order.expected_amount, actor=actor, now=now)
        return Detail()

    return change_order_status(order_id=order_id, action=Action.APPROVE, actor=actor, seen=seen, effect=effect)


def auto_approve(*, order_id: UUID, seen: int, now: datetime, locked: Order | None = None) -> Order:
    """Accept a delivery nobody decided about in time (row 14), for the clock.

    TooEarly before `auto_approve_at`, while a proposal is open, and while the client was not warned a day ahead.
    """

    def effect(order: Order, now: datetime) -> Detail:
        if not may_approve_itself(order, now):
            raise TooEarly(_("The client still has time to decide."))
        complete(order=order, freelancer_amount=order.expected_amount, actor=None, now=now)
        return Detail()

    return change_order_status(
        order_id=order_id, action=Action.AUTO_APPROVE, actor=None, seen=seen, effect=effect, now=now, locked=locked
    )


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
