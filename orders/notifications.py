"""Which step, reminder or payment tells whom. The words stand in `templates/orders/email/`."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from messaging.events import Kind, Mail, register
from orders.models import Disbursement, Dispute, Order
from orders.selectors import PAY_OUT, RESOLVE, VERIFY, freelancer_verifies
from orders.selectors.staff import list_staff
from orders.states import Action, DisbursementAction, PaymentStatus

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

GROUPS: "dict[_StrPromise, tuple[Kind, ...]]" = {
    _("Ordering and paying"): (
        Kind("orders.placed", _("Someone orders my gig"), "info", _("Look at the order")),
        Kind("orders.payment_to_check", _("A payment waits for me to check it"), "action", _("Check the payment")),
        Kind("orders.payment_signed", _("A payment needs a second moderator"), "action", _("Check the payment"), for_staff=True),
        Kind("orders.review_waiting", _("A payment is still not checked"), "action", _("Look at the payment")),
        Kind("orders.payment_confirmed", _("My payment is confirmed"), "success", _("Look at the order")),
        Kind("orders.payment_partial", _("My payment has arrived in part"), "action", _("Pay the rest")),
        Kind("orders.payment_rejected", _("My payment proof is not accepted"), "problem", _("Hand in another proof")),
        Kind("orders.payment_overdue", _("The time to pay is over"), "action", _("Look at the order")),
        Kind("orders.expired", _("An order expires unpaid"), "info", _("Look at the order")),
        Kind("orders.reopened", _("Late money brings an order back"), "info", _("Look at the order")),
    ),
    _("The work"): (
        Kind("orders.ready_to_start", _("An order is paid and I can start"), "action", _("Start the work")),
        Kind("orders.start_soon", _("My time to start is nearly over"), "action", _("Start the work")),
        Kind("orders.start_overdue", _("An order is not started in time"), "problem", _("Look at the order")),
        Kind("orders.cancelled", _("An unpaid order is cancelled"), "info", _("Look at the order")),
        Kind("orders.called_off", _("A paid order is cancelled"), "info", _("Look at the order")),
        Kind("orders.work_started", _("The freelancer starts to work"), "info", _("Look at the order")),
        Kind("orders.due_soon", _("My delivery is due soon"), "action", _("Deliver")),
        Kind("orders.overdue", _("A delivery is overdue"), "problem", _("Look at the order")),
        Kind("orders.late", _("A delivery is so late that I can cancel"), "action", _("Look at the order")),
        Kind("orders.proposal_made", _("I am asked for more time, a pause or a cancellation"), "action", _("Answer")),
        Kind("orders.proposal_closed", _("A request is declined or withdrawn"), "info", _("Look at the order")),
        Kind("orders.time_changed", _("The time of an order changes"), "info", _("Look at the order")),
        Kind("orders.delivered", _("Work is delivered to me"), "action", _("Check the delivery")),
        Kind("orders.approval_half", _("Half of my time to check a delivery is over"), "action", _("Check the delivery")),
        Kind("orders.approval_soon", _("A delivery is about to approve itself"), "action", _("Check the delivery")),
        Kind("orders.auto_approved", _("A delivery has approved itself"), "info", _("Look at the order")),
        Kind("orders.revision_requested", _("A client asks for changes"), "action", _("See what is to be changed")),
        Kind("orders.approved", _("My work is approved"), "success", _("Look at the order")),
        Kind("orders.hold_over", _("Money of mine can be paid out"), "success", _("Look at the order")),
    ),
    _("Disputes"): (
        Kind("orders.dispute_opened", _("A dispute is opened"), "problem", _("Answer")),
        Kind("orders.dispute_answer_missing", _("My statement in a dispute is missing"), "action", _("Write your statement")),
        Kind("orders.dispute_moved", _("A dispute moves on"), "info", _("Look at the dispute")),
        Kind("orders.settlement_offered", _("I am offered a settlement"), "action", _("Look at the dispute")),
        Kind("orders.dispute_settled", _("A dispute is settled"), "info", _("Look at the order")),
        Kind("orders.dispute_withdrawn", _("A dispute is withdrawn"), "info", _("Look at the order")),
        Kind("orders.dispute_ruled", _("A dispute is ruled"), "info", _("Read the ruling")),
        Kind("orders.dispute_appealed", _("A ruling is appealed"), "info", _("Look at the dispute")),
        Kind("orders.case_opened", _("A dispute is opened on the site"), "info", _("Open the case"), for_staff=True),
        Kind("orders.case_to_rule", _("A dispute waits for a ruling"), "action", _("Open the case"), for_staff=True),
    ),
    _("Payouts and refunds"): (
        Kind("orders.refund_account_needed", _("I have to say where a refund goes"), "action", _("Say where it goes")),
        Kind("orders.refund_promised", _("A freelancer owes me a refund"), "info", _("Look at the order")),
        Kind("orders.refund_owed", _("I owe a client a refund"), "action", _("Send the refund")),
        Kind("orders.money_sent", _("Money is sent to me"), "action", _("Confirm that it came")),
        Kind("orders.money_arrived", _("Money that was sent is confirmed"), "success", _("Look at it")),
        Kind("orders.money_failed", _("Money could not be sent to me"), "problem", _("Check the account")),
        Kind(
            "orders.account_added",
            _("An account for my money is added"),
            "problem",
            _("Look at my accounts"),
            mail=Mail.ALWAYS,
        ),
        Kind("orders.to_pay_out", _("A payout waits to be sent"), "action", _("Open it at the desk"), for_staff=True),
    ),
}
for group, kinds in GROUPS.items():
    register(group, *kinds)
KINDS = tuple(kind for kinds in GROUPS.values() for kind in kinds)

# The instant a mail shows under its words, by kind: what it is called, the row of OrderFacts that has it, and the column.
UNTIL = {
    "orders.placed": (_("The client pays by"), "order", "pay_by"),
    "orders.payment_to_check": (_("Decide by"), "order", "review_due_at"),
    "orders.payment_signed": (_("Decide by"), "order", "review_due_at"),
    "orders.review_waiting": (_("Decide by"), "order", "review_due_at"),
    "orders.payment_confirmed": (_("The work starts by"), "order", "accept_by"),
    "orders.payment_partial": (_("Pay the rest by"), "order", "pay_by"),
    "orders.payment_rejected": (_("Hand in by"), "order", "pay_by"),
    "orders.payment_overdue": (_("To be paid by"), "order", "pay_by"),
    "orders.reopened": (_("To be checked by"), "order", "review_due_at"),
    "orders.ready_to_start": (_("Start by"), "order", "accept_by"),
    "orders.start_soon": (_("Start by"), "order", "accept_by"),
    "orders.start_overdue": (_("To be started by"), "order", "accept_by"),
    "orders.work_started": (_("Delivery due"), "order", "due_at"),
    "orders.due_soon": (_("Deliver by"), "order", "due_at"),
    "orders.overdue": (_("Was due"), "order", "due_at"),
    "orders.late": (_("Was due"), "order", "due_at"),
    "orders.proposal_made": (_("Answer by"), "proposal", "respond_by"),
    "orders.time_changed": (_("Delivery due"), "order", "due_at"),
    "orders.delivered": (_("Decide by"), "order", "auto_approve_at"),
    "orders.approval_half": (_("Decide by"), "order", "auto_approve_at"),
    "orders.approval_soon": (_("Approves itself on"), "order", "auto_approve_at"),
    "orders.auto_approved": (_("The hold ends"), "order", "hold_until"),
    "orders.revision_requested": (_("Deliver by"), "order", "due_at"),
    "orders.approved": (_("The hold ends"), "order", "hold_until"),
    "orders.hold_over": (_("The hold ended"), "order", "hold_until"),
    "orders.dispute_opened": (_("Your statement by"), "dispute", "answer_by"),
    "orders.dispute_answer_missing": (_("Your statement by"), "order", "dispute_by"),
    "orders.dispute_ruled": (_("Appeal until"), "dispute", "appeal_until"),
    "orders.dispute_appealed": (_("Ruling by"), "dispute", "rule_by"),
    "orders.case_opened": (_("Statements by"), "dispute", "answer_by"),
    "orders.case_to_rule": (_("Ruling by"), "dispute", "rule_by"),
}


class Audience(StrEnum):
    """Who is told, of an order; the last three: of a payout, refund or return."""

    CLIENT = "client"
    FREELANCER = "freelancer"
    BOTH = "both"
    VERIFIERS = "verifiers"  # who checks its payments: the freelancer, or moderators
    STAND_INS = "stand-ins"  # the moderators who may check in the freelancer's place
    PART_HOLDERS = "part holders"  # the moderators, while the order is paid only in part
    UNHEARD = "unheard"  # the sides whose statement in the dispute is missing
    CASE = "case"  # the moderator who has the dispute, else all who may rule
    MOVED = "moved"  # both sides, where the clock has moved the dispute and not only reminded of it
    RULERS = "rulers"  # who has the case, where the clock has just put it under review
    PERSON = "person"  # who gets the money
    PAYER = "payer"  # the freelancer who owes it, where no platform money is sent
    PAYERS = "payers"  # the moderators who send it


Told = tuple[tuple[Audience, str], ...]

TOLD: dict[Action, Told] = {
    Action.PLACE_ORDER: ((Audience.FREELANCER, "orders.placed"),),
    Action.SUBMIT_PAYMENT: ((Audience.VERIFIERS, "orders.payment_to_check"),),
    Action.ATTACH_RECEIPT: (),  # who verifies was told of the proof; a page that is open hears it and shows the receipt
    Action.RECORD_PAYMENT: (),  # the moderator who found it decides about it in the same breath, and that tells
    Action.EXPIRE: ((Audience.BOTH, "orders.expired"),),
    Action.CANCEL: ((Audience.BOTH, "orders.cancelled"),),
    Action.SIGN_PAYMENT: ((Audience.VERIFIERS, "orders.payment_signed"),),
    Action.CONFIRM_PAYMENT: (
        (Audience.CLIENT, "orders.payment_confirmed"),
        (Audience.FREELANCER, "orders.ready_to_start"),
    ),
    Action.REJECT_PAYMENT: ((Audience.CLIENT, "orders.payment_rejected"),),
    Action.RECORD_PARTIAL: ((Audience.CLIENT, "orders.payment_partial"),),
    Action.CANCEL_PARTIAL: ((Audience.BOTH, "orders.called_off"),),
    Action.START_WORK: ((Audience.CLIENT, "orders.work_started"),),
    Action.DECLINE: ((Audience.BOTH, "orders.called_off"),),
    Action.ASK_PAUSE: ((Audience.BOTH, "orders.proposal_made"),),
    Action.GRANT_PAUSE: ((Audience.BOTH, "orders.time_changed"),),
    Action.RESUME: ((Audience.BOTH, "orders.time_changed"),),
    Action.PROPOSE_EXTENSION: ((Audience.BOTH, "orders.proposal_made"),),
    Action.ACCEPT_EXTENSION: ((Audience.BOTH, "orders.time_changed"),),
    Action.SUBMIT_WORK: ((Audience.CLIENT, "orders.delivered"),),
    Action.APPROVE: ((Audience.FREELANCER, "orders.approved"),),
    Action.AUTO_APPROVE: ((Audience.BOTH, "orders.auto_approved"),),
    Action.REQUEST_REVISION: ((Audience.FREELANCER, "orders.revision_requested"),),
    Action.CANCEL_LATE: ((Audience.BOTH, "orders.called_off"),),
    Action.PROPOSE_CANCELLATION: ((Audience.BOTH, "orders.proposal_made"),),
    Action.ACCEPT_CANCELLATION: ((Audience.BOTH, "orders.called_off"),),
    Action.DECLINE_PROPOSAL: ((Audience.BOTH, "orders.proposal_closed"),),
    Action.WITHDRAW_PROPOSAL: ((Audience.BOTH, "orders.proposal_closed"),),
    Action.OPEN_DISPUTE: ((Audience.BOTH, "orders.dispute_opened"), (Audience.CASE, "orders.case_opened")),
    Action.DISPUTE_COMPLETED: ((Audience.BOTH, "orders.dispute_opened"), (Audience.CASE, "orders.case_opened")),
    Action.ANSWER_DISPUTE: ((Audience.BOTH, "orders.dispute_moved"),),
    Action.ADVANCE_DISPUTE: ((Audience.MOVED, "orders.dispute_moved"), (Audience.RULERS, "orders.case_to_rule")),
    Action.TAKE_CASE: ((Audience.BOTH, "orders.dispute_moved"), (Audience.CASE, "orders.case_to_rule")),
    Action.WITHDRAW_DISPUTE: ((Audience.BOTH, "orders.dispute_withdrawn"),),
    Action.OFFER_SETTLEMENT: ((Audience.BOTH, "orders.settlement_offered"),),  # offers that cross settle: the words know
    Action.ACCEPT_SETTLEMENT: ((Audience.BOTH, "orders.dispute_settled"),),
    Action.RULE: ((Audience.BOTH, "orders.dispute_ruled"),),
    Action.APPEAL: ((Audience.BOTH, "orders.dispute_appealed"), (Audience.CASE, "orders.case_to_rule")),
    Action.REOPEN: ((Audience.BOTH, "orders.reopened"),),
    Action.CONFIRM_REFUND: (),  # DISBURSEMENT_TOLD does, by the refund's own step
}

# By the name of a clock (orders/clocks.py); the last two are the dispute's own.
REMINDERS: dict[str, Told] = {
    "pay_by": ((Audience.CLIENT, "orders.payment_overdue"), (Audience.PART_HOLDERS, "orders.payment_overdue")),
    "review_soon": ((Audience.VERIFIERS, "orders.review_waiting"),),
    "review_overdue": (
        (Audience.VERIFIERS, "orders.review_waiting"),
        (Audience.STAND_INS, "orders.review_waiting"),
        (Audience.CLIENT, "orders.review_waiting"),
    ),
    "accept_soon": ((Audience.FREELANCER, "orders.start_soon"),),
    "accept_overdue": ((Audience.BOTH, "orders.start_overdue"),),
    "due_soon": ((Audience.FREELANCER, "orders.due_soon"),),
    "overdue": ((Audience.BOTH, "orders.overdue"),),
    "late": ((Audience.CLIENT, "orders.late"),),
    "approval_half": ((Audience.CLIENT, "orders.approval_half"),),
    "approval_soon": ((Audience.CLIENT, "orders.approval_soon"),),
    "hold_over": ((Audience.FREELANCER, "orders.hold_over"),),
    "dispute_answer_overdue": ((Audience.UNHEARD, "orders.dispute_answer_missing"),),
    "dispute_rule_overdue": ((Audience.CASE, "orders.case_to_rule"),),
}

# A payout's, refund's or return's steps, by `disbursement_told`; those not named tell nobody. RETRY: it waits for staff again,
# or for the first time, as the client has said where a refund goes.
DISBURSEMENT_TOLD: dict[tuple[Disbursement.Kind, DisbursementAction], Told] = {
    (Disbursement.Kind.PAYOUT, DisbursementAction.REQUEST): ((Audience.PAYERS, "orders.to_pay_out"),),
    (Disbursement.Kind.PAYOUT, DisbursementAction.RETRY): ((Audience.PAYERS, "orders.to_pay_out"),),
    (Disbursement.Kind.PAYOUT, DisbursementAction.SEND): ((Audience.PERSON, "orders.money_sent"),),
    (Disbursement.Kind.PAYOUT, DisbursementAction.CONFIRM): ((Audience.PERSON, "orders.money_arrived"),),
    (Disbursement.Kind.PAYOUT, DisbursementAction.FAIL): ((Audience.PERSON, "orders.money_failed"),),
    (Disbursement.Kind.REFUND, DisbursementAction.REQUEST): ((Audience.PERSON, "orders.refund_account_needed"),),
    (Disbursement.Kind.REFUND, DisbursementAction.RETRY): ((Audience.PAYERS, "orders.to_pay_out"),),
    (Disbursement.Kind.REFUND, DisbursementAction.SEND): ((Audience.PERSON, "orders.money_sent"),),
    (Disbursement.Kind.REFUND, DisbursementAction.CONFIRM): (
        (Audience.PERSON, "orders.money_arrived"),
        (Audience.PAYER, "orders.money_arrived"),
    ),
    (Disbursement.Kind.REFUND, DisbursementAction.FAIL): ((Audience.PERSON, "orders.money_failed"),),
    (Disbursement.Kind.RETURN, DisbursementAction.REQUEST): ((Audience.PAYERS, "orders.to_pay_out"),),
}
# Where the freelancer owes it and no platform money is sent, other words take these places.
OWED_BY_FREELANCER: dict[DisbursementAction, Told] = {
    DisbursementAction.REQUEST: ((Audience.PERSON, "orders.refund_promised"), (Audience.PAYER, "orders.refund_owed")),
    DisbursementAction.RETRY: ((Audience.PAYER, "orders.refund_owed"),),
}

# What leads staff to a case's desk; all else leads them to that which checks payments.
CASE_KINDS = frozenset({"orders.case_opened", "orders.case_to_rule"})


def recipients(order: Order, audience: Audience, *, but: User | None) -> list[User]:
    """The people of this audience, without the one who acted: they know."""
    return [person for person in _PEOPLE[audience](order) if person != but]


def disbursement_told(row: Disbursement, action: DisbursementAction, *, but: User | None) -> list[tuple[User, str]]:
    """Who is told of this step of a payout, refund or return, each with the kind; never the one who acted."""
    usual = DISBURSEMENT_TOLD.get((Disbursement.Kind(row.kind), action), ())
    told = OWED_BY_FREELANCER.get(action, usual) if row.payer_id else usual
    return [(person, kind) for audience, kind in told for person in _of_disbursement(row, audience) if person != but]


def _of_disbursement(row: Disbursement, audience: Audience) -> list[User]:
    match audience:
        case Audience.PERSON:
            return [row.person] if row.person else []
        case Audience.PAYER:
            return [row.payer] if row.payer else []
        case _:
            parties = {row.person_id, row.order.client_id, row.order.freelancer_id} if row.order else {row.person_id}
            return [person for person in list_staff(PAY_OUT) if person.pk not in parties]


def _verifiers(order: Order) -> list[User]:
    return [order.freelancer] if freelancer_verifies(order) else _staff(order, VERIFY)


def _stand_ins(order: Order) -> list[User]:
    return _staff(order, VERIFY) if freelancer_verifies(order) else []


def _part_holders(order: Order) -> list[User]:
    return _staff(order, VERIFY) if order.payment_status == PaymentStatus.PARTIALLY_FUNDED else []


def _unheard(order: Order) -> list[User]:
    heard = set(order.disputes.latest("number").statements.values_list("author_id", flat=True))
    return [side for side in (order.client, order.freelancer) if side.pk not in heard]


def _case(order: Order) -> list[User]:
    dispute = order.disputes.select_related("moderator").latest("number")
    return [dispute.moderator] if dispute.moderator else _staff(order, RESOLVE)


def _moved(order: Order) -> list[User]:
    return [] if order.events.latest("number").data.get("reminded") else [order.client, order.freelancer]


def _rulers(order: Order) -> list[User]:
    is_ready = order.disputes.latest("number").state == Dispute.State.UNDER_REVIEW
    return _case(order) if is_ready and _moved(order) else []


def _staff(order: Order, permission: str) -> list[User]:
    """Nobody decides about an order they are a party to."""
    return list(list_staff(permission).exclude(pk__in=(order.client_id, order.freelancer_id)))


_PEOPLE: dict[Audience, Callable[[Order], list[User]]] = {
    Audience.CLIENT: lambda order: [order.client],
    Audience.FREELANCER: lambda order: [order.freelancer],
    Audience.BOTH: lambda order: [order.client, order.freelancer],
    Audience.VERIFIERS: _verifiers,
    Audience.STAND_INS: _stand_ins,
    Audience.PART_HOLDERS: _part_holders,
    Audience.UNHEARD: _unheard,
    Audience.CASE: _case,
    Audience.MOVED: _moved,
    Audience.RULERS: _rulers,
}
