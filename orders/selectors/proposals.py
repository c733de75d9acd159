"""What the parties have asked of each other, who may answer it, and what silence means."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext

from accounts.models import User
from marketplace.money import format_money
from orders.models import Order, Proposal
from orders.models.proposal import MOST_PAUSED_DAYS
from orders.selectors.orders import list_actions_for
from orders.states import Action

MOST_EXTRA_DAYS = 60  # of one request for more time
PROPOSE = frozenset({Action.PROPOSE_CANCELLATION, Action.PROPOSE_EXTENSION, Action.ASK_PAUSE})
ACCEPTED_BY: dict[str, Action] = {
    Proposal.Kind.CANCELLATION: Action.ACCEPT_CANCELLATION,
    Proposal.Kind.EXTENSION: Action.ACCEPT_EXTENSION,
    Proposal.Kind.PAUSE: Action.GRANT_PAUSE,
}


@dataclass(frozen=True)
class Division:
    """Who gets what when an order ends with `share` of its money for the freelancer. Amounts in the order's currency."""

    share: Decimal  # before the fee
    fee: Decimal
    earned: Decimal
    back: Decimal  # to the client


def division_of(order: Order, share: Decimal) -> Division:
    """What `share`, which the freelancer is to keep of all that was paid, means for both sides."""
    fee = order.fee_on(share)
    return Division(share=share, fee=fee, earned=share - fee, back=order.funded_amount - share)


def fault_of_share(order: Order, share: Decimal) -> str:
    """Why an order cannot end with `share` of its money for the freelancer; "" when it can."""
    if share < order.funded_amount:
        return ""
    words = gettext("That has to be less than %(paid)s: for all of it the client approves the work.")
    return words % {"paid": format_money(order.funded_amount, order.currency)}


def open_proposal(order: Order) -> Proposal | None:
    """The proposal that waits for an answer. Reads `order.proposals` alone."""
    return next((proposal for proposal in order.proposals.all() if proposal.state == Proposal.State.OPEN), None)


def pause_days_left(order: Order) -> int:
    """How many days the order may still be paused."""
    return max(MOST_PAUSED_DAYS - order.paused_days, 0)


def silence_accepts(order: Order, proposal: Proposal) -> bool:
    """Whether the clock accepts an open proposal, as the order stands, that nobody answers until `respond_by`.

    A pause, unless the order was overdue when it was asked for: the client could leave it then. A cancellation where the order is
    overdue and nothing was ever delivered, and only if the silent side loses nothing by it: a freelancer cannot take money by the
    client's silence. More time never.
    """
    due = order.due_at if order.paused_at is None else None
    match proposal.kind:
        case Proposal.Kind.PAUSE:
            return due is not None and due > proposal.created_at
        case Proposal.Kind.CANCELLATION:
            harmless = proposal.proposed_by_id == order.client_id or not proposal.freelancer_amount
            return due is not None and due <= proposal.respond_by and not order.ever_delivered and harmless
        case _:
            return False


def list_steps_for(user: User | AnonymousUser, order: Order) -> list[Action]:
    """The actions this person has now, less those the open proposal, a pause or the time rules out. For the order's page."""
    proposal = open_proposal(order)
    return [action for action in list_actions_for(user, order) if _is_open(user, order, proposal, action)]


def _is_open(user: User | AnonymousUser, order: Order, proposal: Proposal | None, action: Action) -> bool:
    is_mine = proposal is not None and proposal.proposed_by_id == user.pk
    if action in PROPOSE:
        return proposal is None and _may_propose(order, action)
    if action in ACCEPTED_BY.values():
        return proposal is not None and not is_mine and action == ACCEPTED_BY[proposal.kind]
    match action:
        case Action.DECLINE_PROPOSAL:
            return proposal is not None and not is_mine
        case Action.WITHDRAW_PROPOSAL:
            return is_mine
        case Action.RESUME:
            return order.paused_at is not None
        case _:
            return True


def _may_propose(order: Order, action: Action) -> bool:
    """While the clock stands there is no later day to agree on, and no second pause."""
    if action == Action.PROPOSE_CANCELLATION:
        return True
    return order.paused_at is None and (action != Action.ASK_PAUSE or pause_days_left(order) > 0)
