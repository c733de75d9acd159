"""Which step of an order tells whom. The words stand in `templates/orders/email/`."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from messaging.events import Kind, register
from orders.models import Order
from orders.selectors import freelancer_verifies, list_moderators
from orders.states import Action

KINDS = (
    Kind("orders.placed", _("Someone orders my gig"), "info"),
    Kind("orders.payment_to_check", _("A payment waits for me to check it"), "action"),
    Kind("orders.payment_signed", _("A payment needs a second moderator"), "action", for_staff=True),
    Kind("orders.payment_confirmed", _("My payment is confirmed"), "success"),
    Kind("orders.ready_to_start", _("An order is paid and I can start"), "action"),
    Kind("orders.payment_rejected", _("My payment proof is not accepted"), "problem"),
    Kind("orders.cancelled", _("An order is cancelled"), "info"),
    Kind("orders.work_started", _("The freelancer starts to work"), "info"),
    Kind("orders.delivered", _("Work is delivered to me"), "action"),
    Kind("orders.revision_requested", _("A client asks for changes"), "action"),
    Kind("orders.approved", _("My work is approved"), "success"),
)
register(*KINDS)


class Audience(StrEnum):
    CLIENT = "client"
    FREELANCER = "freelancer"
    BOTH = "both"
    VERIFIERS = "verifiers"


TOLD: dict[Action, tuple[tuple[Audience, str], ...]] = {
    Action.PLACE_ORDER: ((Audience.FREELANCER, "orders.placed"),),
    Action.SUBMIT_PAYMENT: ((Audience.VERIFIERS, "orders.payment_to_check"),),
    Action.CANCEL: ((Audience.BOTH, "orders.cancelled"),),
    Action.SIGN_PAYMENT: ((Audience.VERIFIERS, "orders.payment_signed"),),
    Action.CONFIRM_PAYMENT: (
        (Audience.CLIENT, "orders.payment_confirmed"),
        (Audience.FREELANCER, "orders.ready_to_start"),
    ),
    Action.REJECT_PAYMENT: ((Audience.CLIENT, "orders.payment_rejected"),),
    Action.START_WORK: ((Audience.CLIENT, "orders.work_started"),),
    Action.SUBMIT_WORK: ((Audience.CLIENT, "orders.delivered"),),
    Action.APPROVE: ((Audience.FREELANCER, "orders.approved"),),
    Action.REQUEST_REVISION: ((Audience.FREELANCER, "orders.revision_requested"),),
}


def recipients(order: Order, audience: Audience, *, but: User | None) -> list[User]:
    """The people of this audience, without the one who acted: they know."""
    match audience:
        case Audience.CLIENT:
            people = [order.client]
        case Audience.FREELANCER:
            people = [order.freelancer]
        case Audience.BOTH:
            people = [order.client, order.freelancer]
        case Audience.VERIFIERS if freelancer_verifies(order):
            people = [order.freelancer]
        case Audience.VERIFIERS:
            people = [m for m in list_moderators() if m.pk not in (order.client_id, order.freelancer_id)]
    return [person for person in people if person != but]
