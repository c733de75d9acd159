"""How the parties end a dispute between themselves, and what every end of a dispute does to order and money."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import forget_completed_order as forget_for_freelancer
from gigs.services import forget_completed_order as forget_for_gig
from marketplace.money import round_money
from orders.exceptions import DisputeRefused
from orders.models import Disbursement, Dispute, Order, PaymentProof, SettlementOffer
from orders.selectors.disputes import other_side, standing_offer_of
from orders.services.change import Detail
from orders.services.disputes import about, close_offers, open_case, part_of, spelled, take_step
from orders.services.escrow import complete, finish_escrow, take_deposit
from orders.states import Action, Custody, PaymentStatus, Status

OfferState = SettlementOffer.State


def offer_settlement(*, actor: User, order_id: UUID, seen: int, freelancer_amount: Decimal) -> Order:
    """Say what one would settle for (row 21): the freelancer's part before the fee, in the order's currency, from nothing to all.

    It replaces the actor's last offer. Where the freelancer asks no more than the client offers the two have met: it is settled
    at once, at the midpoint rounded half-even to the minor unit.
    """

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        amount = part_of(order, freelancer_amount)
        if dispute.is_about_payment and not amount:  # whoever settles for nothing would owe all of what they say never came
            raise DisputeRefused(
                _("The payment itself is in dispute: with nothing for the freelancer all of it would be owed back.")
            )
        _refuse_pay_without_work(order, dispute, amount)
        dispute.offers.filter(offered_by=actor, state=OfferState.OPEN).update(state=OfferState.REPLACED)
        offer = SettlementOffer.objects.create(dispute=dispute, offered_by=actor, freelancer_amount=amount, created_at=now)
        other = standing_offer_of(other_side(actor, order), dispute)
        if other and _have_met(order, offer, other):
            midpoint = round_money((amount + other.freelancer_amount) / 2, order.currency)
            return _settle(order, dispute, [offer, other], midpoint, actor, now)
        status, payment = Status(order.status), PaymentStatus(order.payment_status)
        return about(dispute, status=status, payment_status=payment, amount=str(amount))

    return take_step(Action.OFFER_SETTLEMENT, actor, order_id, seen, effect, (spelled(freelancer_amount),))


def accept_settlement(*, actor: User, order_id: UUID, seen: int) -> Order:
    """Take the other side's standing offer (row 21). DisputeRefused where there is none."""

    def effect(order: Order, now: datetime) -> Detail:
        dispute = open_case(order)
        offer = standing_offer_of(other_side(actor, order), dispute)
        if offer is None:
            raise DisputeRefused(_("There is no offer of the other side to accept. You can make one."))
        return _settle(order, dispute, [offer], offer.freelancer_amount, actor, now)

    return take_step(Action.ACCEPT_SETTLEMENT, actor, order_id, seen, effect, ())


def _have_met(order: Order, offer: SettlementOffer, other: SettlementOffer) -> bool:
    by_person = {row.offered_by_id: row.freelancer_amount for row in (offer, other)}
    return by_person[order.freelancer_id] <= by_person[order.client_id]


def _refuse_pay_without_work(order: Order, dispute: Dispute, amount: Decimal) -> None:
    """While a DIRECT payment is not confirmed: an end with all of it for the freelancer would complete what never began."""
    if dispute.is_about_payment and amount == order.expected_amount:
        raise DisputeRefused(
            _(
                "The work has not begun, so the freelancer cannot have all of it. If both want the work: withdraw the dispute, "
                "then the payment can be confirmed."
            )
        )


def _settle(order: Order, dispute: Dispute, offers: list[SettlementOffer], amount: Decimal, actor: User, now: datetime) -> Detail:
    for offer in offers:
        offer.state = OfferState.ACCEPTED
        offer.save(update_fields=["state"])
    if dispute.is_about_payment:
        decide_payment(order, is_paid=True, actor=actor, now=now)
    reason = Disbursement.Reason.SETTLED
    return end_dispute(order, dispute, amount, state=Dispute.State.SETTLED, reason=reason, actor=actor, now=now)


def end_dispute(
    order: Order,
    dispute: Dispute,
    freelancer_amount: Decimal,
    *,
    state: Dispute.State,
    reason: Disbursement.Reason,
    actor: User,
    now: datetime,
    not_before: datetime | None = None,
    note: str = "",
) -> Detail:
    """Close the case and divide the money (order's currency): this much to the freelancer before the fee, the rest to the client.

    An order of which the freelancer keeps something is complete; with nothing for them it is cancelled, unless it was complete
    before. Under DIRECT custody it is complete only where they keep all: else they owe a refund. DisputeRefused where they would
    keep all of a payment that was not confirmed.
    """
    _refuse_pay_without_work(order, dispute, freelancer_amount)
    close_case(order, dispute, state=state, freelancer_amount=freelancer_amount, now=now)
    keeps_enough = bool(freelancer_amount) and (
        order.custody == Custody.PLATFORM or freelancer_amount == order.expected_amount or _was_complete(dispute)
    )
    if keeps_enough:
        payment = complete(
            order=order, freelancer_amount=freelancer_amount, actor=actor, now=now, reason=reason, not_before=not_before
        )
        status = Status.COMPLETED
    else:
        payment = finish_escrow(
            order=order, freelancer_amount=freelancer_amount, reason=reason, actor=actor, now=now, not_before=not_before
        )
        status = Status.COMPLETED if _was_complete(dispute) else cancel(order, now)
    return about(dispute, note=note, status=status, payment_status=payment, amount=str(freelancer_amount))


def close_case(order: Order, dispute: Dispute, *, state: Dispute.State, freelancer_amount: Decimal, now: datetime) -> None:
    close_offers(dispute)
    dispute.state, dispute.closed_at, dispute.freelancer_amount = state, now, freelancer_amount
    dispute.save()
    order.dispute_by = None


def cancel(order: Order, now: datetime) -> Status:
    if order.completed_at:  # by a ruling that an appeal has turned round
        forget_for_freelancer(freelancer=order.freelancer)
        forget_for_gig(gig=order.gig)
    order.cancelled_at, order.completed_at, order.hold_until = now, None, None
    return Status.CANCELLED


def decide_payment(order: Order, *, is_paid: bool, actor: User, now: datetime) -> None:
    """A dispute about an unconfirmed DIRECT payment decides about its last proof too; a second ruling, again."""
    proof = order.proofs.latest("attempt")
    proof.decided_by, proof.decided_at = actor, now
    proof.verified_amount = None  # type: ignore[assignment]
    order.funded_amount, order.txid, order.confirmed_at = Decimal(0), "", None
    if is_paid:
        live = PaymentProof.objects.filter(payment_method=proof.payment_method, state__in=PaymentProof.LIVE).exclude(pk=proof.pk)
        if live.filter(normalized_reference=proof.normalized_reference).exists():
            raise DisputeRefused(_("The reference of this payment proves another order by now. Decide that one first."))
        proof.state, proof.verified_amount = PaymentProof.State.VERIFIED, order.amount_due
        proof.rejection_reason = proof.rejection_note = ""
        order.txid, order.confirmed_at = proof.transaction_reference, now
        take_deposit(order=order, proof=proof, received=order.amount_due, actor=actor, now=now)
    else:
        proof.state, proof.rejection_reason = PaymentProof.State.REJECTED, PaymentProof.Reason.NOT_FOUND
        proof.rejection_note = _("Decided in a dispute.")
    proof.save()


def _was_complete(dispute: Dispute) -> bool:
    return dispute.status_before == Status.COMPLETED
