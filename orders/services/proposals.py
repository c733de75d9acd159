"""What one side asks of the other while an order runs (rows 10, 11 and 17): a pause, more time, an end with a division."""

from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import plain_amount, validate_amount
from orders.exceptions import ProposalRefused, TooEarly
from orders.models import Disbursement, Order, Proposal
from orders.models.proposal import MOST_PAUSED_DAYS
from orders.selectors.proposals import (
    ACCEPTED_BY,
    MOST_EXTRA_DAYS,
    fault_of_share,
    open_proposal,
    pause_days_left,
    silence_accepts,
)
from orders.services.change import Detail, change_order_status
from orders.services.escrow import finish_escrow
from orders.states import Action, PaymentStatus

ANSWER_WITHIN = timedelta(hours=48)
ASK_AGAIN_AFTER = timedelta(hours=72)  # longer than an answer takes, so that asking on and on never stops the clocks for good
Kind, State = Proposal.Kind, Proposal.State


def propose_cancellation(*, actor: User, order_id: UUID, seen: int, freelancer_amount: Decimal, reason: str) -> Order:
    """Ask the other side to end a paid order (row 17): the freelancer keeps `freelancer_amount`, before the fee, in the order's
    currency, from nothing to less than all; the client gets the rest. Raises AmountError, ProposalRefused."""

    def effect(order: Order, now: datetime) -> Detail:
        share = validate_amount(freelancer_amount, order.currency) if freelancer_amount else Decimal(0)
        if fault := fault_of_share(order, share):
            raise ProposalRefused(fault)
        declined = order.proposals.filter(kind=Kind.CANCELLATION, proposed_by=actor, state__in=[State.DECLINED, State.WITHDRAWN])
        if declined.filter(answered_at__gt=now - ASK_AGAIN_AFTER).exists():
            raise ProposalRefused(
                _("You have asked for this within the last three days. Wait, talk to each other, or open a dispute.")
            )
        return _propose(order, Proposal(kind=Kind.CANCELLATION, freelancer_amount=share), actor, reason, now)

    said = (freelancer_amount.normalize(), reason)
    return change_order_status(
        order_id=order_id, action=Action.PROPOSE_CANCELLATION, actor=actor, seen=seen, effect=effect, said=said
    )


def accept_cancellation(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Agree to end the order: its money is divided as proposed, the fee taken of the freelancer's part alone."""

    def effect(order: Order, now: datetime) -> Detail:
        return _cancel(order, _asked_by_other(order, Kind.CANCELLATION, actor), actor, now)

    return change_order_status(order_id=order_id, action=Action.ACCEPT_CANCELLATION, actor=actor, seen=seen, effect=effect)


def propose_extension(*, actor: User, order_id: UUID, seen: int, days: int, reason: str) -> Order:
    """Ask for `days` (1 to 60) more to deliver (row 11), counted from the day it is due, or from now where that is over."""

    def effect(order: Order, now: datetime) -> Detail:
        if not 1 <= days <= MOST_EXTRA_DAYS:
            raise ProposalRefused(_("Ask for 1 to %(most)d days.") % {"most": MOST_EXTRA_DAYS})
        if order.due_at is None or order.paused_at:
            raise ProposalRefused(_("The clock of this order stands still. End the pause first, then agree on another day."))
        terms = Proposal(kind=Kind.EXTENSION, days=days, new_due_at=max(order.due_at, now) + timedelta(days=days))
        return _propose(order, terms, actor, reason, now)

    return change_order_status(
        order_id=order_id, action=Action.PROPOSE_EXTENSION, actor=actor, seen=seen, effect=effect, said=(days, reason)
    )


def accept_extension(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Agree to the later day. Raises ProposalRefused where that day is over as well."""

    def effect(order: Order, now: datetime) -> Detail:
        proposal = _asked_by_other(order, Kind.EXTENSION, actor)
        if proposal.new_due_at is None or proposal.new_due_at <= now:
            raise ProposalRefused(_("The day asked for has passed by now. Decline, and agree on a later one."))
        order.due_at = proposal.new_due_at
        return _close(order, proposal, State.ACCEPTED, actor, now)

    return change_order_status(order_id=order_id, action=Action.ACCEPT_EXTENSION, actor=actor, seen=seen, effect=effect)


def ask_pause(*, actor: User, order_id: UUID, seen: int, days: int, question: str) -> Order:
    """The freelancer cannot go on before the client answers `question` (row 10): the clock is to stand for up to `days`.

    An order is paused for 14 days at most, all its pauses together. Raises ProposalRefused.
    """

    def effect(order: Order, now: datetime) -> Detail:
        if order.paused_at:
            raise ProposalRefused(_("This order is paused already."))
        if not 1 <= days <= pause_days_left(order):
            raise ProposalRefused(
                _("An order can be paused for %(most)d days in all; %(left)d are left of them.")
                % {"most": MOST_PAUSED_DAYS, "left": pause_days_left(order)}
            )
        return _propose(order, Proposal(kind=Kind.PAUSE, days=days), actor, question, now)

    return change_order_status(
        order_id=order_id, action=Action.ASK_PAUSE, actor=actor, seen=seen, effect=effect, said=(days, question)
    )


def grant_pause(*, actor: User, order_id: UUID, seen: int, answer: str = "") -> Order:
    """The client lets the delivery clock stand from now on."""

    def effect(order: Order, now: datetime) -> Detail:
        return _pause(order, _asked_by_other(order, Kind.PAUSE, actor), actor, now, answer)

    return change_order_status(
        order_id=order_id, action=Action.GRANT_PAUSE, actor=actor, seen=seen, effect=effect, said=(answer,)
    )


def resume(*, actor: User | None, order_id: UUID, seen: int, now: datetime | None = None) -> Order:
    """End the pause: either side at any time, the clock (`actor` None) once `paused_until` is over, else TooEarly."""

    def effect(order: Order, now: datetime) -> Detail:
        if order.paused_at is None or order.paused_until is None:
            raise ProposalRefused(_("This order is not paused."))
        if actor is None and now < order.paused_until:
            raise TooEarly(_("The pause is not over."))
        end_pause(order, now)
        return Detail(data={"until": order.due_at.isoformat() if order.due_at else ""})

    return change_order_status(order_id=order_id, action=Action.RESUME, actor=actor, seen=seen, effect=effect, now=now)


def end_pause(order: Order, now: datetime) -> None:
    """Let the delivery clock run again: `due_at` moves by the paused time, of which begun days count as used. Saves nothing."""
    if order.paused_at is None or order.paused_until is None:
        return
    stood = max(min(now, order.paused_until) - order.paused_at, timedelta(0))  # a clock that fires late adds nothing
    order.due_at = order.due_at and order.due_at + stood
    order.paused_days = min(order.paused_days + ceil(stood / timedelta(days=1)), MOST_PAUSED_DAYS)
    order.paused_at = order.paused_until = None


def decline_proposal(*, actor: User, order_id: UUID, seen: int, answer: str = "") -> Order:
    """Say no to what the other side has asked for: the order goes on as it was."""

    def effect(order: Order, now: datetime) -> Detail:
        return _close(order, _asked_by_other(order, None, actor), State.DECLINED, actor, now, answer)

    return change_order_status(
        order_id=order_id, action=Action.DECLINE_PROPOSAL, actor=actor, seen=seen, effect=effect, said=(answer,)
    )


def withdraw_proposal(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Take back what one has asked for oneself."""

    def effect(order: Order, now: datetime) -> Detail:
        proposal = _open(order, None)
        if proposal.proposed_by_id != actor.pk:
            raise ProposalRefused(_("The other side has asked for this. Accept or decline it."))
        return _close(order, proposal, State.WITHDRAWN, actor, now)

    return change_order_status(order_id=order_id, action=Action.WITHDRAW_PROPOSAL, actor=actor, seen=seen, effect=effect)


def answer_silence(*, order_id: UUID, seen: int, now: datetime) -> Order:
    """Answer for who kept silent, for the clock, as `silence_accepts` says. TooEarly before `respond_by`."""
    order = Order.objects.get(pk=order_id)
    asked = open_proposal(order)
    accepts = asked is not None and silence_accepts(order, asked)
    action = ACCEPTED_BY[asked.kind] if asked and accepts else Action.DECLINE_PROPOSAL

    def effect(order: Order, now: datetime) -> Detail:
        proposal = _open(order, None)
        if now < proposal.respond_by:
            raise TooEarly(_("There is still time to answer."))
        match action:
            case Action.GRANT_PAUSE:
                return _pause(order, proposal, None, now)
            case Action.ACCEPT_CANCELLATION:
                return _cancel(order, proposal, None, now)
            case _:
                return _close(order, proposal, State.DECLINED, None, now)

    return change_order_status(order_id=order_id, action=action, actor=None, seen=seen, effect=effect, now=now)


def _propose(order: Order, terms: Proposal, actor: User, reason: str, now: datetime) -> Detail:
    if open_proposal(order):
        raise ProposalRefused(_("Another request is open on this order. It has to be answered or withdrawn first."))
    if not reason.strip():
        raise ProposalRefused(_("Write to the other side why you ask."))
    terms.order, terms.proposed_by, terms.reason = order, actor, reason
    terms.number, terms.created_at, terms.respond_by = order.proposals.count() + 1, now, now + ANSWER_WITHIN
    terms.save(force_insert=True)
    order.proposal_by = terms.respond_by
    return Detail(note=reason, data=_facts(order, terms))


def _open(order: Order, kind: Proposal.Kind | None) -> Proposal:
    proposal = open_proposal(order)
    if proposal is None or kind not in (None, proposal.kind):
        raise ProposalRefused(_("This request is no longer open. Look at the order again."))
    return proposal


def _asked_by_other(order: Order, kind: Proposal.Kind | None, actor: User) -> Proposal:
    proposal = _open(order, kind)
    if proposal.proposed_by_id == actor.pk:
        raise ProposalRefused(_("You have asked for this yourself: only the other side can answer it. You can withdraw it."))
    return proposal


def _close(
    order: Order, proposal: Proposal, state: Proposal.State, actor: User | None, now: datetime, answer: str = ""
) -> Detail:
    proposal.state, proposal.answered_by, proposal.answered_at, proposal.answer = state, actor, now, answer
    proposal.save()
    order.proposal_by = None
    return Detail(note=answer, data=_facts(order, proposal))


def _cancel(order: Order, proposal: Proposal, actor: User | None, now: datetime) -> Detail:
    share = proposal.freelancer_amount or Decimal(0)
    order.cancelled_at = now
    if share:  # as for work that is approved: a payment may still be taken back
        order.hold_until = now + timedelta(days=order.hold_days)
    order.accept_by = order.due_at = order.auto_approve_at = order.paused_at = order.paused_until = None
    payment: PaymentStatus = finish_escrow(
        order=order, freelancer_amount=share, reason=Disbursement.Reason.CANCELLED, actor=actor, now=now
    )
    detail = _close(order, proposal, State.ACCEPTED, actor, now)
    return Detail(data=detail.data, payment_status=payment)


def _pause(order: Order, proposal: Proposal, actor: User | None, now: datetime, answer: str = "") -> Detail:
    order.paused_at, order.paused_until = now, now + timedelta(days=proposal.days or 0)
    return _close(order, proposal, State.ACCEPTED, actor, now, answer)


def _facts(order: Order, proposal: Proposal) -> dict[str, object]:
    """What the event remembers of the terms: its amounts, days or the new day."""
    facts: dict[str, object] = {"proposal": proposal.number, "kind": str(proposal.kind)}
    if proposal.freelancer_amount is not None:
        facts["freelancer_amount"] = plain_amount(proposal.freelancer_amount, order.currency)
        facts["client_amount"] = plain_amount(order.funded_amount - proposal.freelancer_amount, order.currency)
    if proposal.days:
        facts["days"] = proposal.days
    if proposal.new_due_at:
        facts["until"] = proposal.new_due_at.isoformat()
    return facts
