"""What programs read beside an order itself: lists, its history and files, and the steps it offers to who reads it."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import User
from gigs.models import Gig
from orders.models import DeliveryFile, Disbursement, Order, OrderEvent, PaymentProof
from orders.selectors.disputes import last_case, list_case_steps
from orders.selectors.orders import (
    NEXT_STEP_ROWS,
    VERIFY,
    is_party,
    list_actions_for,
    list_verification_queue,
    may,
    with_earlier_uses,
)
from orders.selectors.proposals import list_steps_for
from orders.states import Action, DisbursementState, Role

OF_A_CASE = frozenset(
    {
        *(Action.OPEN_DISPUTE, Action.DISPUTE_COMPLETED, Action.ANSWER_DISPUTE, Action.OFFER_SETTLEMENT),
        *(Action.ACCEPT_SETTLEMENT, Action.WITHDRAW_DISPUTE, Action.APPEAL),
    }
)


def list_own_orders(user: User, *, side: Role | None, status: str | None) -> QuerySet[Order]:
    """The user's orders of one side, or of both, in one status or in any, each with what next_steps reads."""
    sides = {Role.CLIENT: Q(client=user), Role.FREELANCER: Q(freelancer=user)}
    orders = Order.objects.filter(sides[side] if side else Q(client=user) | Q(freelancer=user))
    orders = orders.filter(status=status) if status else orders
    return orders.select_related("client", "freelancer").prefetch_related(*NEXT_STEP_ROWS)


def list_events_of(order: Order) -> QuerySet[OrderEvent]:
    return order.events.select_related("actor", "proof")


def find_gig(gig_id: UUID) -> Gig | None:
    """A gig in any state with what `gig_terms` reads; None when there is none."""
    return Gig.objects.prefetch_related("requirements").filter(pk=gig_id).first()


def get_file_of(order: Order, file_id: UUID) -> DeliveryFile:
    """A delivered file of this order; Http404 otherwise."""
    return get_object_or_404(DeliveryFile, pk=file_id, delivery__order=order)


def get_proof_of(order: Order, proof_id: UUID) -> PaymentProof:
    """A proof of this order; Http404 otherwise."""
    return get_object_or_404(PaymentProof, pk=proof_id, order=order)


def list_offered_steps(user: User, order: Order) -> list[Action]:
    """The steps this person has now, less those that the rows of the order rule out: the ones its pages and desks offer."""
    if not is_party(user, order):
        return list_actions_for(user, order)
    steps = [step for step in list_steps_for(user, order) if step != Action.CONFIRM_REFUND or _is_refund_sent(order)]
    of_case = OF_A_CASE.intersection(steps) and list_case_steps(user, order, last_case(order))
    return [step for step in steps if step not in OF_A_CASE or step in of_case]


def _is_refund_sent(order: Order) -> bool:
    """Whether what the freelancer of a DIRECT order owes for it is on its way."""
    owed = (row for row in order.disbursements.all() if row.reason != Disbursement.Reason.SURPLUS)
    return any(row.state == DisbursementState.SENT for row in owed)


def list_payments_to_check(user: User) -> QuerySet[PaymentProof]:
    """What waits at the desk that checks payments, as `with_earlier_uses` has it; Http404 for who may not open that desk."""
    if not may(user, VERIFY):
        raise Http404
    return with_earlier_uses(list_verification_queue(user))
