"""What moderators do with a case: take it, rule it, hear an appeal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import format_money, from_minor
from orders import ledger
from orders.exceptions import ActionNotAllowed, AmountMismatch, DisputeRefused
from orders.models import Disbursement, Dispute, LedgerEntry, Order, Ruling, StaffNote
from orders.selectors.disputes import may_appeal, may_have_case, sees_all
from orders.services.change import Detail
from orders.services.disputes import about, hand_to_moderators, open_case, part_of, spelled, take_step
from orders.services.escrow import reclaim_escrow
from orders.services.settlements import cancel, close_case, decide_payment, end_dispute
from orders.states import PAYMENT_STATUS_LABELS, STATUS_LABELS, Action, Custody, PaymentStatus, Status

APPEAL_WITHIN = timedelta(hours=72)


@dataclass(frozen=True)
class PostedLine:
    """What an account gets (+) or gives (−), in the order's currency; `person` is whose it is."""

    account: str
    person: User | None
    amount: Decimal


@dataclass(frozen=True)
class RulingPreview:
    """What a ruling would do: where the order would stand, and the lines it would post. Amounts in the order's currency."""

    status: Status
    payment_status: PaymentStatus
    lines: list[PostedLine]
    refund: Disbursement | None
    hold_until: datetime | None
    appeal_until: datetime | None

    @property
    def standing(self) -> str:
        return f"{STATUS_LABELS[self.status]} · {PAYMENT_STATUS_LABELS[self.payment_status]}"


def take_case(*, actor: User, order_id: UUID, seen: int, to: User | None = None, note: str = "") -> Order:
    """Take a case, or give it to a colleague (row 22). Taking one that somebody else has needs a note; notes are for staff alone.

    Raises DisputeRefused where the person cannot have it: no moderator, a party, or the one whose ruling is appealed.
    """
    person = to or actor

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        if not may_have_case(person, dispute):
            raise DisputeRefused(_("%(name)s cannot have this case.") % {"name": person})
        if dispute.moderator_id == person.pk:
            raise DisputeRefused(_("%(name)s has this case already.") % {"name": person})
        if dispute.moderator_id not in (None, actor.pk) and not note.strip():
            raise DisputeRefused(_("%(name)s has this case. Write why it changes hands.") % {"name": dispute.moderator})
        dispute.moderator, dispute.taken_at = person, now
        dispute.save()
        if note.strip():
            StaffNote.objects.create(dispute=dispute, author=actor, text=note, created_at=now)
        return about(dispute, moderator=str(person))

    return take_step(Action.TAKE_CASE, actor, order_id, seen, effect, (person.pk, note))


def rule(
    *,
    actor: User,
    order_id: UUID,
    seen: int,
    freelancer_amount: Decimal,
    client_amount: Decimal,
    reason: str,
    not_paid: bool = False,
) -> Order:
    """Decide a case under review (row 22), as the moderator who has it. Amounts in the order's currency, before the fee.

    They must make up all that is in dispute. `not_paid` (a DIRECT payment that never came): both are nothing and the order is
    cancelled. After the first ruling nothing is sent for 72 hours, in which the losing side may appeal; the second is final.
    Raises DisputeRefused, AmountMismatch.
    """
    if len(reason.strip()) < Ruling.REASON_AT_LEAST:
        raise DisputeRefused(
            _("Give your reasons in at least %(min)d characters: both sides read them.") % {"min": Ruling.REASON_AT_LEAST}
        )

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        _check_turn(dispute, actor)
        parts = part_of(order, freelancer_amount), part_of(order, client_amount)
        _check_amounts(order, dispute, sum(parts), not_paid)
        number = dispute.rulings.count() + 1
        dispute.appeal_until = now + APPEAL_WITHIN if number == 1 else None
        Ruling.objects.create(
            dispute=dispute,
            number=number,
            moderator=actor,
            freelancer_amount=parts[0],
            client_amount=parts[1],
            reason=reason,
            created_at=now,
        )
        detail = _enact(order, dispute, parts[0], not_paid, actor, now, reason)
        detail.data.update(number=number, client_amount=str(parts[1]))
        return detail

    said = (spelled(freelancer_amount), spelled(client_amount), reason, not_paid)
    return take_step(Action.RULE, actor, order_id, seen, effect, said)


def preview_ruling(**ruling: Any) -> RulingPreview:
    """What `rule` would do with the same arguments: it is done, looked at, and taken back. Raises what `rule` raises."""
    with transaction.atomic():
        order = rule(**ruling)
        posted = LedgerEntry.objects.filter(transfer__order=order, transfer__event_number=order.version)
        entries = posted.select_related("account__user").order_by("id")
        refund = order.disbursements.filter(state=Disbursement.State.REQUESTED, reason=Disbursement.Reason.RULED).last()
        preview = RulingPreview(
            status=Status(order.status),
            payment_status=PaymentStatus(order.payment_status),
            lines=[
                PostedLine(e.account.get_kind_display(), e.account.user, from_minor(e.amount, order.currency)) for e in entries
            ],
            refund=refund,
            hold_until=order.hold_until,
            appeal_until=order.disputes.latest("number").appeal_until,
        )
        transaction.set_rollback(True)
    return preview


def appeal(*, actor: User, order_id: UUID, seen: int, reason: str) -> Order:
    """Ask another moderator to decide again (row 23): the side that lost the first ruling, once, within 72 hours.

    The money comes back whole. Raises DisputeRefused, and AlreadyPaidOut when a part of it has been sent.
    """
    if not reason.strip():
        raise DisputeRefused(_("Say what the ruling got wrong."))

    def effect(order: Order, now: datetime) -> Detail:
        dispute = order.disputes.order_by("-number").first()
        if dispute is None or not may_appeal(actor, dispute, now):
            raise DisputeRefused(_("This ruling cannot be appealed: only the side that lost may, once, and within three days."))
        if order.payment_status != PaymentStatus.AWAIT_DEPOSIT:
            reclaim_escrow(order=order, actor=actor, now=now)
        dispute.order = order
        dispute.appealed_by, dispute.appealed_at, dispute.appeal_reason = actor, now, reason
        dispute.freelancer_amount = None  # type: ignore[assignment]
        dispute.closed_at = dispute.appeal_until = dispute.moderator = dispute.taken_at = None
        hand_to_moderators(order, dispute, now)
        dispute.save()
        order.cancelled_at = order.hold_until = None
        was_complete = dispute.status_before == Status.COMPLETED
        status = Status.COMPLETED if was_complete else Status.DISPUTED
        return about(dispute, note=reason, status=status, payment_status=PaymentStatus.DISPUTED)

    return take_step(Action.APPEAL, actor, order_id, seen, effect, (reason,))


@transaction.atomic
def add_staff_note(*, actor: User, dispute_id: UUID, text: str) -> StaffNote:
    """Write something for the other moderators; the parties never see it. A double click writes it once."""
    dispute = Dispute.objects.select_for_update(of=("self",)).select_related("order").get(pk=dispute_id)
    if not sees_all(actor, dispute.order):
        raise ActionNotAllowed(_("Only moderators who are no party write notes on a case."))
    last = dispute.staff_notes.order_by("-id").first()
    if last and (last.author_id, last.text) == (actor.pk, text):
        return last
    return StaffNote.objects.create(dispute=dispute, author=actor, text=text, created_at=timezone.now())


def _check_turn(dispute: Dispute, actor: User) -> None:
    if dispute.state != Dispute.State.UNDER_REVIEW:
        raise DisputeRefused(_("The parties still have time for statements and evidence. A ruling is possible after that."))
    if dispute.moderator_id != actor.pk:
        raise DisputeRefused(_("Take the case first: only the moderator who has it can rule."))


def _check_amounts(order: Order, dispute: Dispute, total: Decimal | int, not_paid: bool) -> None:
    if not_paid and not dispute.is_about_payment:
        raise DisputeRefused(_("The payment of this order is confirmed, so it cannot be ruled as never made."))
    in_dispute = ledger.amount_in(ledger.escrow(order), lock=True) if order.custody == Custody.PLATFORM else order.expected_amount
    whole = Decimal(0) if not_paid else in_dispute
    if total != whole:
        words = {"whole": format_money(whole, order.currency), "typed": format_money(Decimal(total), order.currency)}
        raise AmountMismatch(_("The two parts must make up %(whole)s. What you typed makes %(typed)s.") % words)


def _enact(order: Order, dispute: Dispute, amount: Decimal, not_paid: bool, actor: User, now: datetime, reason: str) -> Detail:
    if dispute.is_about_payment:
        decide_payment(order, is_paid=not not_paid, actor=actor, now=now)
    if not_paid:
        close_case(order, dispute, state=Dispute.State.RESOLVED, freelancer_amount=amount, now=now)
        status = cancel(order, now)
        return about(dispute, note=reason, status=status, payment_status=PaymentStatus.AWAIT_DEPOSIT, amount="0", not_paid="yes")
    detail = end_dispute(
        order,
        dispute,
        amount,
        state=Dispute.State.RESOLVED,
        reason=Disbursement.Reason.RULED,
        actor=actor,
        now=now,
        not_before=dispute.appeal_until,
        note=reason,
    )
    if dispute.appeal_until is None and order.hold_until and not order.is_reversible:
        order.hold_until = now  # the second ruling is final: nothing waits for it any more, unless the payment can be taken back
    return detail
