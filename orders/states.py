"""The order machine as a table: which action moves which status, and who may do it. Pure Python.

`docs/orders.md` carries the same table for people; the tests read that page and compare every status × action × role × custody.
The rows are numbered as there.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Status(StrEnum):
    """Where the work stands."""

    PENDING_PAYMENT = "PENDING_PAYMENT"
    PAYMENT_SUBMITTED = "PAYMENT_SUBMITTED"
    PAYMENT_CONFIRMED = "PAYMENT_CONFIRMED"
    IN_PROGRESS = "IN_PROGRESS"
    SUBMITTED = "SUBMITTED"
    REVISION_REQUESTED = "REVISION_REQUESTED"
    DISPUTED = "DISPUTED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class PaymentStatus(StrEnum):
    """Where the money stands. The last three but REFUNDED belong to DIRECT custody, where no money touches the platform."""

    AWAIT_DEPOSIT = "AWAIT_DEPOSIT"
    PARTIALLY_FUNDED = "PARTIALLY_FUNDED"
    FUNDS_HELD = "FUNDS_HELD"
    DISPUTED = "DISPUTED"
    RELEASED = "RELEASED"
    REFUNDED = "REFUNDED"
    SPLIT = "SPLIT"
    PAID_DIRECT = "PAID_DIRECT"
    REFUND_DUE = "REFUND_DUE"


class Custody(StrEnum):
    """Whose account the client pays into: the operator's, or the freelancer's own."""

    PLATFORM = "PLATFORM"
    DIRECT = "DIRECT"


class Role(StrEnum):
    CLIENT = "C"
    FREELANCER = "F"
    VERIFIER = "V"
    MODERATOR = "M"
    TIMER = "T"


class Action(StrEnum):
    """What people do to an order; the past of it stands in its events."""

    PLACE_ORDER = "place_order"
    SUBMIT_PAYMENT = "submit_payment"
    CANCEL = "cancel"
    SIGN_PAYMENT = "sign_payment"
    CONFIRM_PAYMENT = "confirm_payment"
    REJECT_PAYMENT = "reject_payment"
    START_WORK = "start_work"
    SUBMIT_WORK = "submit_work"
    APPROVE = "approve"
    REQUEST_REVISION = "request_revision"


STATUS_LABELS = {
    Status.PENDING_PAYMENT: _("Waiting for payment"),
    Status.PAYMENT_SUBMITTED: _("Payment being checked"),
    Status.PAYMENT_CONFIRMED: _("Paid, waiting to start"),
    Status.IN_PROGRESS: _("In progress"),
    Status.SUBMITTED: _("Delivered"),
    Status.REVISION_REQUESTED: _("Changes requested"),
    Status.DISPUTED: _("Disputed"),
    Status.COMPLETED: _("Completed"),
    Status.CANCELLED: _("Cancelled"),
    Status.EXPIRED: _("Expired"),
}
PAYMENT_STATUS_LABELS = {
    PaymentStatus.AWAIT_DEPOSIT: _("Not paid yet"),
    PaymentStatus.PARTIALLY_FUNDED: _("Paid in part"),
    PaymentStatus.FUNDS_HELD: _("Held in escrow"),
    PaymentStatus.DISPUTED: _("Frozen by a dispute"),
    PaymentStatus.RELEASED: _("Released to the freelancer"),
    PaymentStatus.REFUNDED: _("Refunded"),
    PaymentStatus.SPLIT: _("Split between both"),
    PaymentStatus.PAID_DIRECT: _("Paid to the freelancer directly"),
    PaymentStatus.REFUND_DUE: _("Refund due from the freelancer"),
}
CUSTODY_LABELS = {
    Custody.PLATFORM: _("Held by the platform"),
    Custody.DIRECT: _("Paid to the freelancer directly"),
}

FINAL = frozenset({Status.COMPLETED, Status.CANCELLED, Status.EXPIRED})
DIRECT_ONLY = frozenset({PaymentStatus.PAID_DIRECT, PaymentStatus.REFUND_DUE})
PLATFORM_ONLY = frozenset({PaymentStatus.PARTIALLY_FUNDED, PaymentStatus.FUNDS_HELD, PaymentStatus.RELEASED, PaymentStatus.SPLIT})

_AWAITING = {PaymentStatus.AWAIT_DEPOSIT, PaymentStatus.PARTIALLY_FUNDED}
_FUNDED = {PaymentStatus.FUNDS_HELD, PaymentStatus.PAID_DIRECT}
ALLOWED_PAYMENT_STATUS: dict[Status, frozenset[PaymentStatus]] = {
    Status.PENDING_PAYMENT: frozenset(_AWAITING),
    Status.PAYMENT_SUBMITTED: frozenset(_AWAITING),
    Status.PAYMENT_CONFIRMED: frozenset(_FUNDED),
    Status.IN_PROGRESS: frozenset(_FUNDED),
    Status.SUBMITTED: frozenset(_FUNDED),
    Status.REVISION_REQUESTED: frozenset(_FUNDED),
    Status.DISPUTED: frozenset({PaymentStatus.DISPUTED}),
    Status.COMPLETED: frozenset(
        {
            PaymentStatus.RELEASED,
            PaymentStatus.SPLIT,
            PaymentStatus.PAID_DIRECT,
            PaymentStatus.DISPUTED,
            PaymentStatus.REFUNDED,
        }
    ),
    Status.CANCELLED: frozenset(
        {PaymentStatus.AWAIT_DEPOSIT, PaymentStatus.REFUNDED, PaymentStatus.SPLIT, PaymentStatus.REFUND_DUE}
    ),
    Status.EXPIRED: frozenset({PaymentStatus.AWAIT_DEPOSIT}),
}


@dataclass(frozen=True)
class Transition:
    """One row of the table. `payment` names the payment status the action leads to, by custody; absent, it stays."""

    row: int
    action: Action
    sources: frozenset[Status]
    target: Status
    roles: frozenset[Role]
    payment: dict[Custody, PaymentStatus] | None = None


TRANSITIONS = (
    Transition(2, Action.SUBMIT_PAYMENT, frozenset({Status.PENDING_PAYMENT}), Status.PAYMENT_SUBMITTED, frozenset({Role.CLIENT})),
    Transition(
        4, Action.CANCEL, frozenset({Status.PENDING_PAYMENT}), Status.CANCELLED, frozenset({Role.CLIENT, Role.FREELANCER})
    ),
    Transition(  # the first of two signatures, over the site's limit
        5, Action.SIGN_PAYMENT, frozenset({Status.PAYMENT_SUBMITTED}), Status.PAYMENT_SUBMITTED, frozenset({Role.VERIFIER})
    ),
    Transition(
        5,
        Action.CONFIRM_PAYMENT,
        frozenset({Status.PAYMENT_SUBMITTED}),
        Status.PAYMENT_CONFIRMED,
        frozenset({Role.VERIFIER}),
        {Custody.PLATFORM: PaymentStatus.FUNDS_HELD, Custody.DIRECT: PaymentStatus.PAID_DIRECT},
    ),
    Transition(
        6, Action.REJECT_PAYMENT, frozenset({Status.PAYMENT_SUBMITTED}), Status.PENDING_PAYMENT, frozenset({Role.VERIFIER})
    ),
    Transition(8, Action.START_WORK, frozenset({Status.PAYMENT_CONFIRMED}), Status.IN_PROGRESS, frozenset({Role.FREELANCER})),
    Transition(
        12,
        Action.SUBMIT_WORK,
        frozenset({Status.IN_PROGRESS, Status.REVISION_REQUESTED}),
        Status.SUBMITTED,
        frozenset({Role.FREELANCER}),
    ),
    Transition(
        13,
        Action.APPROVE,
        frozenset({Status.SUBMITTED}),
        Status.COMPLETED,
        frozenset({Role.CLIENT}),
        {Custody.PLATFORM: PaymentStatus.RELEASED},
    ),
    Transition(15, Action.REQUEST_REVISION, frozenset({Status.SUBMITTED}), Status.REVISION_REQUESTED, frozenset({Role.CLIENT})),
)
BY_ACTION = {transition.action: transition for transition in TRANSITIONS}


def transition_for(status: Status, action: Action, roles: frozenset[Role]) -> Transition | None:
    """The row that lets someone with these roles do `action` in `status`; None when the table says no."""
    row = BY_ACTION.get(action)
    return row if row and status in row.sources and roles & row.roles else None


def actions_for(status: Status, roles: frozenset[Role]) -> list[Action]:
    """The actions someone with these roles has in `status`, in the table's order. Guards may still refuse."""
    return [row.action for row in TRANSITIONS if transition_for(status, row.action, roles)]
