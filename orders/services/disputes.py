"""Disputes: opened, answered, moved on by the clock, withdrawn. How they end stands in `settlements` and `rulings`."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import format_money, round_money, validate_amount
from orders.exceptions import DisputeRefused, TooEarly
from orders.models import Disbursement, Dispute, DisputeStatement, Order, SettlementOffer
from orders.selectors import is_party
from orders.selectors.disputes import (
    ANSWERABLE,
    OPEN_STATES,
    answer_at_last,
    has_withdrawn,
    is_review_overdue,
    may_withdraw,
    silent_parties,
    was_decided,
)
from orders.services.change import Detail, Effect, change_order_status
from orders.services.escrow import finish_escrow, reclaim_escrow
from orders.services.proposals import end_pause
from orders.services.telling import remind
from orders.states import Action, Custody, PaymentStatus, Status

State, Reason = Dispute.State, Dispute.Reason
ANSWER_WITHIN = timedelta(hours=72)
EVIDENCE_WITHIN = timedelta(days=7)
RULE_WITHIN = timedelta(days=14)
REMIND_EVERY = timedelta(days=1)
FROZEN = ("due_at", "auto_approve_at", "accept_by", "review_due_at", "hold_until")  # instants of an order that stand still


def open_dispute(
    *, actor: User, order_id: UUID, seen: int, reason: str, statement: str, wanted_amount: Decimal | None = None
) -> Order:
    """Ask for a decision on a running order (row 18): its clocks stand still, its money is frozen.

    `wanted_amount` is what the freelancer should get, in the order's currency. Raises DisputeRefused, AmountError, and TooEarly
    while a DIRECT payment's review is not overdue.
    """
    _check_words(reason, Reason, statement)

    def effect(order: Order, now: datetime) -> Detail:
        if order.status == Status.PAYMENT_SUBMITTED and not is_review_overdue(order, now):
            raise TooEarly(_("The freelancer still has time to check this payment. After that you can open a dispute."))
        return _open(order, actor, reason, statement, wanted_amount, now)

    return take_step(Action.OPEN_DISPUTE, actor, order_id, seen, effect, (reason, statement, spelled(wanted_amount)))


def dispute_completed(
    *, actor: User, order_id: UUID, seen: int, reason: str, statement: str, wanted_amount: Decimal | None = None
) -> Order:
    """Dispute a completed order while its money is on hold (row 19): all of it goes back into escrow.

    A moderator may too; then both sides are asked. Raises DisputeRefused (hold over, other reason, decided before),
    AlreadyPaidOut, AmountError.
    """
    _check_words(reason, Dispute.AFTER_COMPLETION, statement)

    def effect(order: Order, now: datetime) -> Detail:
        if order.hold_until is None or now >= order.hold_until:
            raise DisputeRefused(_("The hold on this money is over, so it can no longer be disputed here."))
        if is_party(actor, order) and was_decided(order):
            raise DisputeRefused(_("A dispute of this order was decided already. That decision stands."))
        if order.custody == Custody.PLATFORM:
            reclaim_escrow(order=order, actor=actor, now=now)
        return _open(order, actor, reason, statement, wanted_amount, now)

    return take_step(Action.DISPUTE_COMPLETED, actor, order_id, seen, effect, (reason, statement, spelled(wanted_amount)))


def answer_dispute(*, actor: User, order_id: UUID, seen: int, statement: str, wanted_amount: Decimal | None = None) -> Order:
    """Tell one's side of it (row 18), once. When both statements are in, both are shown and the time for evidence starts."""
    if not statement.strip():
        raise DisputeRefused(_("Write your side of it."))

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        if dispute.state not in ANSWERABLE:
            raise DisputeRefused(_("The time for statements is over. Add what you have to say as evidence."))
        if dispute.statements.filter(author=actor).exists():
            raise DisputeRefused(_("Your statement is in already. Add what is missing as evidence."))
        _keep_statement(order, dispute, actor, statement, wanted_amount, now)
        dispute.state = State.AWAITING_RESPONSE
        if not silent_parties(dispute):
            _collect_evidence(order, dispute, now)
        dispute.save()
        return about(dispute)

    return take_step(Action.ANSWER_DISPUTE, actor, order_id, seen, effect, (statement, spelled(wanted_amount)))


def advance_dispute(*, order_id: UUID, seen: int, now: datetime) -> Order:
    """The next move of the clock: a reminder, the time for evidence, the review. It never rules. TooEarly before `dispute_by`."""

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        if order.dispute_by is None or now < order.dispute_by:
            raise TooEarly(_("This dispute does not move on yet."))
        reminded = ""
        if dispute.state == State.UNDER_REVIEW:
            order.dispute_by, reminded = now + REMIND_EVERY, "dispute_rule_overdue"
        elif dispute.state == State.EVIDENCE:
            hand_to_moderators(order, dispute, now)
        elif dispute.answer_reminded_at is None:
            dispute.answer_reminded_at, reminded = now, "dispute_answer_overdue"
            order.dispute_by = answer_at_last(dispute)
        else:
            _collect_evidence(order, dispute, now)
        dispute.save()
        remind(order, reminded, order.dispute_by)
        return about(dispute, reminded=reminded)

    return change_order_status(order_id=order_id, action=Action.ADVANCE_DISPUTE, actor=None, seen=seen, effect=effect, now=now)


def withdraw_dispute(*, actor: User, order_id: UUID, seen: int, note: str = "") -> Order:
    """Take a dispute back before any ruling (row 20): the order is as before, its clocks have the time left that they had.

    Its opener may; a moderator where staff opened it. The money of a completed order is released again.
    """

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        if not may_withdraw(actor, dispute):
            raise DisputeRefused(_("Only who opened a dispute can withdraw it, and only before a ruling."))
        dispute.state, dispute.closed_at = State.WITHDRAWN, now
        close_offers(dispute)
        dispute.save()
        _thaw(order, dispute, now)
        if dispute.status_before == Status.COMPLETED:
            finish_escrow(
                order=order, freelancer_amount=order.funded_amount, reason=Disbursement.Reason.SETTLED, actor=actor, now=now
            )
        return about(
            dispute,
            note=note,
            status=Status(dispute.status_before),
            payment_status=PaymentStatus(dispute.payment_status_before),
        )

    return take_step(Action.WITHDRAW_DISPUTE, actor, order_id, seen, effect, (note,))


# --- What the ways to end a dispute share with the ways through it ----------------------------------------------------
def open_case(order: Order) -> Dispute:
    """The order's open dispute. Its rows are only written while the order's row is locked."""
    dispute = order.disputes.filter(state__in=OPEN_STATES).first()
    if dispute is None:
        raise DisputeRefused(_("There is no open dispute on this order."))
    dispute.order = order
    return dispute


def about(
    dispute: Dispute, *, note: str = "", status: Status | None = None, payment_status: PaymentStatus | None = None, **data: str
) -> Detail:
    """What the event of a step remembers of the case: its number and state, and where the step leads."""
    return Detail(
        note=note,
        data={"dispute": dispute.number, "state": dispute.state, **{name: value for name, value in data.items() if value}},
        status=status,
        payment_status=payment_status,
    )


def part_of(order: Order, amount: Decimal) -> Decimal:
    """An amount from nothing to all that is in dispute. AmountError, DisputeRefused."""
    part = validate_amount(amount, order.currency) if amount else round_money(Decimal(0), order.currency)
    if part > order.expected_amount:
        words = {"whole": format_money(order.expected_amount, order.currency), "typed": format_money(part, order.currency)}
        raise DisputeRefused(_("In dispute are %(whole)s. %(typed)s is more than that.") % words)
    return part


def hand_to_moderators(order: Order, dispute: Dispute, now: datetime) -> None:
    dispute.state, dispute.rule_by = State.UNDER_REVIEW, now + RULE_WITHIN
    order.dispute_by = dispute.rule_by


def close_offers(dispute: Dispute) -> None:
    dispute.offers.filter(state=SettlementOffer.State.OPEN).update(state=SettlementOffer.State.LAPSED)


def take_step(action: Action, actor: User, order_id: UUID, seen: int, effect: Effect, said: tuple[object, ...]) -> Order:
    return change_order_status(order_id=order_id, action=action, actor=actor, seen=seen, effect=effect, said=said)


def spelled(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def _check_words(reason: str, reasons: Iterable[str], statement: str) -> None:
    if reason not in reasons:
        raise DisputeRefused(_("Choose what this dispute is about."))
    if len(statement.strip()) < DisputeStatement.AT_LEAST:
        raise DisputeRefused(
            _("Write at least %(min)d characters: what was agreed, what happened, what you want.")
            % {"min": DisputeStatement.AT_LEAST}
        )


def _open(order: Order, actor: User, reason: str, statement: str, wanted: Decimal | None, now: datetime) -> Detail:
    if has_withdrawn(actor, order):
        raise DisputeRefused(_("You have withdrawn a dispute of this order, so you cannot open another. Write to a moderator."))
    end_pause(order, now)
    dispute = Dispute.objects.create(
        order=order,
        number=order.disputes.count() + 1,
        opened_by=actor,
        reason=reason,
        state=State.AWAITING_RESPONSE if is_party(actor, order) else State.OPEN,
        status_before=order.status,
        payment_status_before=order.payment_status,
        frozen=_freeze(order, now),
        opened_at=now,
        answer_by=now + ANSWER_WITHIN,
    )
    _keep_statement(order, dispute, actor, statement, wanted, now)
    order.dispute_by = dispute.answer_by
    return about(dispute, reason=reason)


def _keep_statement(order: Order, dispute: Dispute, author: User, text: str, wanted: Decimal | None, now: datetime) -> None:
    statement = DisputeStatement(dispute=dispute, author=author, text=text, created_at=now)
    if wanted is not None:
        statement.wanted_amount = part_of(order, wanted)
    statement.save(force_insert=True)


def _freeze(order: Order, now: datetime) -> dict[str, float]:
    """The seconds each running clock of the order has left (less than none: overdue); the clocks themselves are stopped."""
    left = {name: (at - now).total_seconds() for name in FROZEN if (at := getattr(order, name))}
    for name in left:
        setattr(order, name, None)
    return left


def _thaw(order: Order, dispute: Dispute, now: datetime) -> None:
    order.dispute_by = None
    for name, seconds in dispute.frozen.items():
        setattr(order, name, now + timedelta(seconds=seconds))


def _collect_evidence(order: Order, dispute: Dispute, now: datetime) -> None:
    """Both statements are shown from here on."""
    dispute.state, dispute.evidence_until = State.EVIDENCE, now + EVIDENCE_WITHIN
    order.dispute_by = dispute.evidence_until
