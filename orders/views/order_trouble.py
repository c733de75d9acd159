"""What can be done when an order does not go to plan: everything that ends or bends it, in words for each side."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.money import format_money
from orders.forms import StepForm
from orders.models import Order
from orders.selectors.proposals import pause_days_left
from orders.states import Action, Role

CLIENT, FREELANCER = Role.CLIENT, Role.FREELANCER


@dataclass(frozen=True)
class Words:
    """Of one step: `text` may name %(other)s, %(received)s and %(days)s; `label` is the button's."""

    title: str | Promise
    text: str | Promise
    label: str | Promise
    variant: str = "danger"


_DIVIDE = _(
    "You say how the money is divided. %(other)s has 48 hours to agree; until then nothing changes. You see what each of you "
    "gets before you send it."
)
# In the order in which they stand on the page: the mildest first.
TROUBLE: dict[tuple[Action, Role], Words] = {
    (Action.PROPOSE_EXTENSION, FREELANCER): Words(
        _("Ask for more time"),
        _("%(other)s has 48 hours to agree to a later day. Without an answer the day stays as it is."),
        _("Ask for more time"),
        "primary",
    ),
    (Action.PROPOSE_EXTENSION, CLIENT): Words(
        _("Offer more time"),
        _("%(other)s has 48 hours to agree to a later day. Without an answer the day stays as it is."),
        _("Offer more time"),
        "primary",
    ),
    (Action.ASK_PAUSE, FREELANCER): Words(
        _("Pause until the client has answered"),
        _(
            "For when you cannot go on without an answer from %(other)s. While the order is paused its delivery clock stands. "
            "Without an answer within 48 hours the pause begins by itself. An order can be paused for 14 days in all, %(days)d "
            "are left."
        ),
        _("Send the question"),
        "primary",
    ),
    (Action.PROPOSE_CANCELLATION, CLIENT): Words(_("Cancel together"), _DIVIDE, _("See what each of you gets"), "primary"),
    (Action.PROPOSE_CANCELLATION, FREELANCER): Words(_("Cancel together"), _DIVIDE, _("See what each of you gets"), "primary"),
    (Action.DECLINE, CLIENT): Words(
        _("Cancel because nobody has started"),
        _("%(other)s has not started in time, so you can leave without asking. You get everything back."),
        _("Cancel the order"),
    ),
    (Action.DECLINE, FREELANCER): Words(
        _("I cannot do this order"),
        _("As long as you have not started you can decline it. %(other)s gets everything back and reads why."),
        _("Decline the order"),
    ),
    (Action.CANCEL_PARTIAL, CLIENT): Words(
        _("Cancel and get back what you have paid"),
        _("%(received)s have arrived. They go back to you; afterwards you say to which account."),
        _("Cancel the order"),
    ),
    (Action.CANCEL, CLIENT): Words(
        _("Cancel the order"),
        _("Only while nothing is paid. Have you already sent money? Then hand in the proof instead."),
        _("Cancel the order"),
    ),
    (Action.CANCEL, FREELANCER): Words(
        _("Cancel the order"),
        _("Only while nothing is paid. %(other)s is told at once and reads why."),
        _("Cancel the order"),
    ),
}


def trouble(order: Order, side: Role, forms: dict[Action, StepForm]) -> list[dict[str, Any]]:
    """The steps of this kind the person can take now, each with its form and words."""
    names = {
        "other": (order.client if side == FREELANCER else order.freelancer).get_short_name(),
        "received": format_money(order.funded_amount, order.currency),
        "days": pause_days_left(order),
    }
    return [
        {
            "form": forms[action],
            "title": words.title,
            "text": str(words.text) % names,
            "label": words.label,
            "variant": words.variant,
        }
        for (action, whose), words in TROUBLE.items()
        if whose == side and action in forms
    ]
