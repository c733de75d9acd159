"""The order machine as a table: which action moves which status, and who may do it. Pure Python.

`docs/orders.md` carries the same table for people; the tests read that page and compare every status × action × role × custody.
The rows are numbered as there.
"""

from dataclasses import dataclass, field
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
    """Where the money stands. PAID_DIRECT and REFUND_DUE belong to DIRECT custody, where no money touches the platform."""

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
    ATTACH_RECEIPT = "attach_receipt"
    CANCEL = "cancel"
    SIGN_PAYMENT = "sign_payment"
    CONFIRM_PAYMENT = "confirm_payment"
    REJECT_PAYMENT = "reject_payment"
    START_WORK = "start_work"
    SUBMIT_WORK = "submit_work"
    APPROVE = "approve"
    REQUEST_REVISION = "request_revision"
    RECORD_PAYMENT = "record_payment"
    EXPIRE = "expire"
    RECORD_PARTIAL = "record_partial"
    CANCEL_PARTIAL = "cancel_partial"
    DECLINE = "decline"
    ASK_PAUSE = "ask_pause"
    GRANT_PAUSE = "grant_pause"
    RESUME = "resume"
    PROPOSE_EXTENSION = "propose_extension"
    ACCEPT_EXTENSION = "accept_extension"
    AUTO_APPROVE = "auto_approve"
    CANCEL_LATE = "cancel_late"
    PROPOSE_CANCELLATION = "propose_cancellation"
    ACCEPT_CANCELLATION = "accept_cancellation"
    DECLINE_PROPOSAL = "decline_proposal"
    WITHDRAW_PROPOSAL = "withdraw_proposal"
    OPEN_DISPUTE = "open_dispute"
    DISPUTE_COMPLETED = "dispute_completed"
    ANSWER_DISPUTE = "answer_dispute"
    ADVANCE_DISPUTE = "advance_dispute"
    TAKE_CASE = "take_case"
    WITHDRAW_DISPUTE = "withdraw_dispute"
    OFFER_SETTLEMENT = "offer_settlement"
    ACCEPT_SETTLEMENT = "accept_settlement"
    RULE = "rule"
    APPEAL = "appeal"
    REOPEN = "reopen"
    CONFIRM_REFUND = "confirm_refund"


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
            PaymentStatus.REFUND_DUE,
        }
    ),
    Status.CANCELLED: frozenset(
        {PaymentStatus.AWAIT_DEPOSIT, PaymentStatus.REFUNDED, PaymentStatus.SPLIT, PaymentStatus.REFUND_DUE}
    ),
    Status.EXPIRED: frozenset({PaymentStatus.AWAIT_DEPOSIT}),
}


@dataclass(frozen=True)
class Transition:
    """One row of the table.

    `targets` names where the order may go, empty: its status stays. `payment` names by custody where the payment status may go;
    a custody without names: it stays. Where there are several, the step's own effect says which. `money`, where given, is the
    payment status the order must have, and `custodies` the custody.
    """

    row: int
    action: Action
    sources: frozenset[Status]
    targets: frozenset[Status]
    roles: frozenset[Role]
    payment: dict[Custody, frozenset[PaymentStatus]] = field(default_factory=dict)
    money: frozenset[PaymentStatus] = frozenset(PaymentStatus)
    custodies: frozenset[Custody] = frozenset(Custody)


def _row(
    row: int,
    action: Action,
    sources: str,
    targets: str,
    roles: str,
    *,
    platform: str = "",
    direct: str = "",
    money: str = "",
    custodies: str = "PLATFORM DIRECT",
) -> Transition:
    return Transition(
        row,
        action,
        frozenset(Status(name) for name in sources.split()),
        frozenset(Status(name) for name in targets.split()),
        frozenset(Role(letter) for letter in roles.split()),
        {custody: _payments(names) for custody, names in ((Custody.PLATFORM, platform), (Custody.DIRECT, direct)) if names},
        _payments(money) if money else frozenset(PaymentStatus),
        frozenset(Custody(name) for name in custodies.split()),
    )


def _payments(names: str) -> frozenset[PaymentStatus]:
    return frozenset(PaymentStatus(name) for name in names.split())


_FUNDED_STATES = "PAYMENT_CONFIRMED IN_PROGRESS SUBMITTED REVISION_REQUESTED"
_WORKING = "IN_PROGRESS REVISION_REQUESTED"
_ENDED = "COMPLETED CANCELLED"
_IN_DISPUTE = "DISPUTED COMPLETED"  # with the payment status DISPUTED: a completed order is disputed while its hold runs
_ENDINGS = "RELEASED REFUNDED SPLIT"
_DIRECT_ENDINGS = "PAID_DIRECT REFUND_DUE"

TRANSITIONS = (
    _row(2, Action.SUBMIT_PAYMENT, "PENDING_PAYMENT", "PAYMENT_SUBMITTED", "C"),
    _row(2, Action.ATTACH_RECEIPT, "PAYMENT_SUBMITTED", "", "C"),  # of a proof that a program handed in without one
    _row(2, Action.RECORD_PAYMENT, "PENDING_PAYMENT", "PAYMENT_SUBMITTED", "V", custodies="PLATFORM"),
    _row(3, Action.EXPIRE, "PENDING_PAYMENT", "EXPIRED", "T", money="AWAIT_DEPOSIT"),
    _row(4, Action.CANCEL, "PENDING_PAYMENT", "CANCELLED", "C F", money="AWAIT_DEPOSIT"),
    _row(5, Action.SIGN_PAYMENT, "PAYMENT_SUBMITTED", "PAYMENT_SUBMITTED", "V"),  # the first of two, over the site's limit
    _row(5, Action.CONFIRM_PAYMENT, "PAYMENT_SUBMITTED", "PAYMENT_CONFIRMED", "V", platform="FUNDS_HELD", direct="PAID_DIRECT"),
    _row(6, Action.REJECT_PAYMENT, "PAYMENT_SUBMITTED", "PENDING_PAYMENT", "V"),
    _row(
        7, Action.RECORD_PARTIAL, "PAYMENT_SUBMITTED", "PENDING_PAYMENT", "V", platform="PARTIALLY_FUNDED", custodies="PLATFORM"
    ),
    _row(7, Action.CANCEL_PARTIAL, "PENDING_PAYMENT", "CANCELLED", "C F V", platform="REFUNDED", money="PARTIALLY_FUNDED"),
    _row(8, Action.START_WORK, "PAYMENT_CONFIRMED", "IN_PROGRESS", "F"),
    _row(9, Action.DECLINE, "PAYMENT_CONFIRMED", "CANCELLED", "C F", platform="REFUNDED", direct="REFUND_DUE"),
    _row(10, Action.ASK_PAUSE, "IN_PROGRESS", "", "F"),
    _row(10, Action.GRANT_PAUSE, "IN_PROGRESS", "", "C T"),
    _row(10, Action.RESUME, "IN_PROGRESS", "", "C F T"),
    _row(11, Action.PROPOSE_EXTENSION, _WORKING, "", "C F"),
    _row(11, Action.ACCEPT_EXTENSION, _WORKING, "", "C F"),
    _row(12, Action.SUBMIT_WORK, _WORKING, "SUBMITTED", "F"),
    _row(13, Action.APPROVE, "SUBMITTED", "COMPLETED", "C", platform="RELEASED"),
    _row(14, Action.AUTO_APPROVE, "SUBMITTED", "COMPLETED", "T", platform="RELEASED"),
    _row(15, Action.REQUEST_REVISION, "SUBMITTED", "REVISION_REQUESTED", "C"),
    _row(16, Action.CANCEL_LATE, "IN_PROGRESS", "CANCELLED", "C", platform="REFUNDED", direct="REFUND_DUE"),
    _row(17, Action.PROPOSE_CANCELLATION, _FUNDED_STATES, "", "C F"),
    _row(17, Action.ACCEPT_CANCELLATION, _FUNDED_STATES, "CANCELLED", "C F T", platform="REFUNDED SPLIT", direct="REFUND_DUE"),
    _row(17, Action.DECLINE_PROPOSAL, _FUNDED_STATES, "", "C F T"),
    _row(17, Action.WITHDRAW_PROPOSAL, _FUNDED_STATES, "", "C F"),
    _row(18, Action.OPEN_DISPUTE, f"{_WORKING} SUBMITTED", "DISPUTED", "C F", platform="DISPUTED", direct="DISPUTED"),
    _row(18, Action.OPEN_DISPUTE, "PAYMENT_SUBMITTED", "DISPUTED", "C F", direct="DISPUTED", custodies="DIRECT"),
    _row(
        19, Action.DISPUTE_COMPLETED, "COMPLETED", "", "C M", platform="DISPUTED", direct="DISPUTED", money="RELEASED PAID_DIRECT"
    ),
    _row(18, Action.ANSWER_DISPUTE, _IN_DISPUTE, "", "C F", money="DISPUTED"),
    _row(18, Action.ADVANCE_DISPUTE, _IN_DISPUTE, "", "T", money="DISPUTED"),
    _row(
        20,
        Action.WITHDRAW_DISPUTE,
        _IN_DISPUTE,
        f"{_WORKING} SUBMITTED PAYMENT_SUBMITTED COMPLETED",
        "C F M",
        platform="FUNDS_HELD RELEASED",
        direct="AWAIT_DEPOSIT PAID_DIRECT",
        money="DISPUTED",
    ),
    _row(
        21,
        Action.OFFER_SETTLEMENT,
        _IN_DISPUTE,
        f"DISPUTED {_ENDED}",
        "C F",
        platform=f"DISPUTED {_ENDINGS}",
        direct=f"DISPUTED {_DIRECT_ENDINGS}",
        money="DISPUTED",
    ),
    _row(21, Action.ACCEPT_SETTLEMENT, _IN_DISPUTE, _ENDED, "C F", platform=_ENDINGS, direct=_DIRECT_ENDINGS, money="DISPUTED"),
    _row(22, Action.TAKE_CASE, _IN_DISPUTE, "", "M", money="DISPUTED"),
    _row(
        22, Action.RULE, _IN_DISPUTE, _ENDED, "M", platform=_ENDINGS, direct=f"{_DIRECT_ENDINGS} AWAIT_DEPOSIT", money="DISPUTED"
    ),
    _row(
        23,
        Action.APPEAL,
        _ENDED,
        "DISPUTED COMPLETED",
        "C F",
        platform="DISPUTED",
        direct="DISPUTED",
        money=f"{_ENDINGS} {_DIRECT_ENDINGS} AWAIT_DEPOSIT",
    ),
    _row(24, Action.REOPEN, "EXPIRED", "PAYMENT_SUBMITTED", "V", custodies="PLATFORM"),
    _row(25, Action.CONFIRM_REFUND, _ENDED, "", "C M", direct="REFUNDED", money="REFUND_DUE", custodies="DIRECT"),
)


def transition_for(
    status: Status, payment_status: PaymentStatus, custody: Custody, action: Action, roles: frozenset[Role]
) -> Transition | None:
    """The row that lets someone with these roles do `action` now; None when the table says no."""
    for row in TRANSITIONS:
        if (
            row.action == action
            and status in row.sources
            and roles & row.roles
            and payment_status in row.money
            and custody in row.custodies
        ):
            return row
    return None


def sources_of(action: Action) -> frozenset[Status]:
    """Every status in which somebody can take this step."""
    return frozenset(status for row in TRANSITIONS if row.action == action for status in row.sources)


def actions_for(status: Status, payment_status: PaymentStatus, custody: Custody, roles: frozenset[Role]) -> list[Action]:
    """The actions someone with these roles has, in the table's order. Guards may still refuse."""
    allowed = (row.action for row in TRANSITIONS if transition_for(status, payment_status, custody, row.action, roles) is row)
    return list(dict.fromkeys(allowed))


class DisbursementState(StrEnum):
    """Where a payout, a refund or a return of orphan money stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class DisbursementAction(StrEnum):
    REQUEST = "request"
    APPROVE = "approve"
    SEND = "send"
    CONFIRM = "confirm"
    FAIL = "fail"
    RETRY = "retry"
    WITHDRAW = "withdraw"


_D = DisbursementState
DISBURSEMENT_STEPS: dict[DisbursementAction, tuple[frozenset[DisbursementState], DisbursementState]] = {
    DisbursementAction.APPROVE: (frozenset({_D.REQUESTED}), _D.APPROVED),
    DisbursementAction.SEND: (frozenset({_D.APPROVED}), _D.SENT),
    DisbursementAction.CONFIRM: (frozenset({_D.SENT}), _D.CONFIRMED),
    DisbursementAction.FAIL: (frozenset({_D.APPROVED, _D.SENT}), _D.FAILED),
    DisbursementAction.RETRY: (frozenset({_D.FAILED}), _D.REQUESTED),
    DisbursementAction.WITHDRAW: (frozenset({_D.REQUESTED, _D.FAILED}), _D.WITHDRAWN),
}
