"""What waits for moderators who check payments: they take the steps of the order, with a token and never with a key."""

from django.http import HttpRequest

from accounts.gates import owner, person
from marketplace.rest.counterparts import answers_for
from marketplace.rest.cursors import part_of
from marketplace.rest.schemas import Cursor, Limit
from orders.api.addresses import ADDRESSES, action_shown, router
from orders.models import Order
from orders.schemas.checking import PaymentsToCheck, payment_to_check
from orders.schemas.rows import ActionShown
from orders.selectors import roles_for
from orders.selectors.programs import list_payments_to_check
from orders.states import Custody, PaymentStatus, Role, Status, actions_for

answers_for("admin:orders_paymentproof_verify", "payments-to-check")
answers_for("admin:orders_paymentproof_changelist", "payments-to-check")


@router.get("payments-to-check", auth=owner, response=PaymentsToCheck)
def payments_to_check(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> PaymentsToCheck:
    """The payments that wait for a moderator, as at the desk that checks them: longest waiting first, never of one’s own orders.

    404 for who may not check payments. Freelancers find those they check themselves among their orders.
    """
    user = person(request)
    proofs, after = part_of(list_payments_to_check(user), order=("submitted_at", "id"), cursor=cursor, limit=limit)
    roles = roles_for(user, proofs[0].order) if proofs else frozenset()  # of all of them alike: none is the moderator's own
    return PaymentsToCheck(items=[payment_to_check(row, user, _steps(row.order, roles)) for row in proofs], next=after)


def _steps(order: Order, roles: frozenset[Role]) -> list[ActionShown]:
    open_now = actions_for(Status(order.status), PaymentStatus(order.payment_status), Custody(order.custody), roles)
    return [action_shown(action, order) for action in open_now if action in ADDRESSES and ADDRESSES[action].for_staff]
