"""Where each step of an order is taken, filled as the modules of the steps are read; and the answer that they all give."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from accounts.callers import Caller, How, Scope
from accounts.gates import caller_of
from accounts.models import User
from marketplace.rest.routers import Router
from orders.models import Disbursement, Order
from orders.schemas.payouts import RefundStep, refund_steps
from orders.schemas.rows import ActionShown, address
from orders.schemas.whole import OrderShown, order_shown
from orders.selectors import get_order_for, get_party_order, is_party
from orders.selectors.disputes import last_case, may_add_evidence
from orders.selectors.programs import list_offered_steps
from orders.selectors.whole import get_whole_order_for
from orders.states import Action


@dataclass(frozen=True)
class Address:
    """Of one step. `needs` are the fields that have to be sent; moderators take it too where it is `for_staff`."""

    name: str
    needs: tuple[str, ...]
    method: str = "PATCH"
    for_staff: bool = False


router = Router(tags=["orders"])  # one for all modules: an address may be of two of them
ADDRESSES: dict[Action, Address] = {}
# Steps beside the table: what is called so of a refund is taken at the refund.
REFUND_STEPS: dict[RefundStep, tuple[str, Address]] = {
    "account": ("name_refund_account", Address("account", ("account_id",))),
    "sent": ("mark_refund_sent", Address("sent", ("reference",), method="POST")),
    "confirm": ("confirm_refund", Address("confirm", (), method="POST")),
}
EVIDENCE = Address("evidence", ("note",), method="POST")


def order_to_read(request: HttpRequest, order_id: UUID) -> Order:
    """The order's row, for its parties and, but with an API key, for moderators; Http404 for anybody else."""
    caller = caller_of(request)
    return get_party_order(caller.user, order_id) if caller.how == How.KEY else get_order_for(caller.user, order_id)


def order_to_act_on(request: HttpRequest, order_id: UUID, *, for_staff: bool) -> Order:
    """The same, where moderators may take the step; else for its parties alone."""
    return order_to_read(request, order_id) if for_staff else get_party_order(caller_of(request).user, order_id)


def whole_order(request: HttpRequest, order_id: UUID) -> OrderShown:
    """The order as the caller may see it, with what they may do now."""
    caller = caller_of(request)
    order = get_whole_order_for(caller.user, order_id, as_party=caller.how == How.KEY)
    return order_shown(order, caller.user, _actions(caller, order))


def _actions(caller: Caller, order: Order) -> list[ActionShown]:
    if not caller.may(Scope.ORDERS):
        return []
    known = [action for action in list_offered_steps(caller.user, order) if action in ADDRESSES]
    if not is_party(caller.user, order):
        return [action_shown(action, order) for action in known if ADDRESSES[action].for_staff]
    return [*(action_shown(action, order) for action in known), *_beside_the_table(caller.user, order, known)]


def _beside_the_table(user: User, order: Order, known: list[Action]) -> list[ActionShown]:
    """What this party may do about the order's refunds and for its case. A refund that a step of the order confirms is not named
    twice.
    """
    shown = [
        _refund_action(step, row)
        for row in order.disbursements.all()
        if row.kind == Disbursement.Kind.REFUND
        for step in (refund_steps(row, user) if user.pk in (row.person_id, row.payer_id) else [])
        if step != "confirm" or Action.CONFIRM_REFUND not in known or row.reason == Disbursement.Reason.SURPLUS
    ]
    case = last_case(order)
    return [*shown, add_evidence_shown(order)] if case and may_add_evidence(user, case) else shown


def _refund_action(step: RefundStep, row: Disbursement) -> ActionShown:
    name, at = REFUND_STEPS[step]
    return _shown(name, at, "refunds", row.pk)


def add_evidence_shown(order: Order) -> ActionShown:
    return _shown("add_evidence", EVIDENCE, "orders", order.pk)


def action_shown(action: Action, order: Order) -> ActionShown:
    """A step with where and how it is taken."""
    return _shown(action, ADDRESSES[action], "orders", order.pk)


def _shown(action: str, at: Address, *of: object) -> ActionShown:
    return ActionShown(action=action, method=at.method, url=address(*of, at.name), needs=list(at.needs))
