"""The steps of a deal: what each takes of what was sent, and the service it calls."""

from decimal import Decimal
from typing import Any

from accounts.models import User
from marketplace.money import validate_amount
from marketplace.rest.errors import Refusal
from orders.api.addresses import router
from orders.api.steps import Step, add_step
from orders.models import Order
from orders.schemas.steps import (
    Accepting,
    Answered,
    AskPause,
    ConfirmPayment,
    Noted,
    ProposeCancellation,
    ProposeExtension,
    ReceivedAsked,
    RejectPayment,
    RequestRevision,
    StepAsked,
    SubmitWork,
)
from orders.selectors.proposals import fault_of_share
from orders.services import lifecycle, payments, payouts, proposals
from orders.services.handed_in import take_work
from orders.states import Action

AMOUNT = {"invalid_amount": "amount", "amount_mismatch": "amount"}
FILES = {"delivery_incomplete": "file_ids", "file_gone": "file_ids", "file_redrawn": "file_ids", "invalid_file": "file_ids"}
SHARE = {"invalid_amount": "freelancer_amount"}
ASKED = frozenset({"proposal_refused"})  # another request is open, or none, or not this one


def _received(actor: User, order: Order, asked: ReceivedAsked) -> dict[str, Any]:
    amount = validate_amount(Decimal(asked.amount), order.currency)
    return {"received_amount": amount, **asked.model_dump(exclude={"version", "amount"})}


def _work(actor: User, order: Order, asked: SubmitWork) -> dict[str, Any]:
    return {"note": asked.note, "links": asked.links, "files": take_work(actor=actor, file_ids=asked.file_ids)}


def _points(actor: User, order: Order, asked: RequestRevision) -> dict[str, Any]:
    return {"items": asked.points}


def _share(actor: User, order: Order, asked: ProposeCancellation) -> dict[str, Any]:
    share = Decimal(asked.freelancer_amount)
    if order.funded_amount and (fault := fault_of_share(order, share)):  # else it is no step of this order
        raise Refusal(422, "proposal_refused", fault, fields={"freelancer_amount": fault})
    return {"freelancer_amount": share, "reason": asked.reason}


PAYMENT = (
    Step(
        "confirm-payment",
        (Action.CONFIRM_PAYMENT,),
        ConfirmPayment,
        payments.confirm_payment,
        "Confirm that the money is on the account: type the amount that arrived. Under DIRECT custody the freelancer does this, "
        "under PLATFORM custody a moderator; over the site’s limit two of them, the first of whom signs.",
        _received,
        AMOUNT,
        for_staff=True,
    ),
    Step(
        "record-partial",
        (Action.RECORD_PARTIAL,),
        ReceivedAsked,
        payments.record_partial,
        "A moderator has found less than was due: the part is held, and the client is asked for the rest.",
        _received,
        AMOUNT,
        for_staff=True,
    ),
    Step(
        "reject-payment",
        (Action.REJECT_PAYMENT,),
        RejectPayment,
        payments.reject_payment,
        "Send the proof back with a reason and words. The client has at least 24 hours for another one.",
        for_staff=True,
    ),
    Step(
        "cancel",
        (Action.CANCEL,),
        Noted,
        lifecycle.cancel,
        "Leave an order nobody has paid anything of. Once a proof was handed in, only the client may.",
    ),
    Step(
        "cancel-partial",
        (Action.CANCEL_PARTIAL,),
        Noted,
        lifecycle.cancel_partial,
        "Leave an order that was paid in part: the part is refunded. The freelancer may once the time to pay is over.",
    ),
)
WORK = (
    Step("start", (Action.START_WORK,), StepAsked, lifecycle.start_work, "Begin the work: the delivery time runs from now."),
    Step(
        "decline",
        (Action.DECLINE,),
        Noted,
        lifecycle.decline,
        "Not do a paid order: everything goes back. The client may once the freelancer’s time to start is over.",
    ),
    Step(
        "submit-work",
        (Action.SUBMIT_WORK,),
        SubmitWork,
        lifecycle.submit_work,
        "Hand over work: a note, and at least one link or file handed in before. The client’s time to check it starts.",
        _work,
        FILES,
    ),
    Step(
        "approve",
        (Action.APPROVE,),
        StepAsked,
        lifecycle.approve,
        "Accept the delivery: the order is complete, and money that is held becomes the freelancer’s.",
    ),
    Step(
        "revision",
        (Action.REQUEST_REVISION,),
        RequestRevision,
        lifecycle.request_revision,
        "Ask for changes to the last delivery, as often as the order includes.",
        _points,
    ),
    Step(
        "cancel-late",
        (Action.CANCEL_LATE,),
        Noted,
        lifecycle.cancel_late,
        "Leave an order that is a day late and of which nothing was ever delivered: everything goes back.",
    ),
    Step(
        "confirm-refund",
        (Action.CONFIRM_REFUND,),
        StepAsked,
        payouts.confirm_refund,
        "The refund that the freelancer of a DIRECT order has sent is here.",
        conflicts=frozenset({"disbursement_refused"}),
    ),
)
ASKING = (
    Step(
        "extend",
        (Action.PROPOSE_EXTENSION,),
        ProposeExtension,
        proposals.propose_extension,
        "Ask the other side for more days to deliver. They have 48 hours; without an answer the day stays.",
        conflicts=ASKED,
    ),
    Step(
        "accept-extension",
        (Action.ACCEPT_EXTENSION,),
        Accepting,
        proposals.accept_extension,
        "Agree to the later day.",
        conflicts=ASKED,
    ),
    Step(
        "pause",
        (Action.ASK_PAUSE,),
        AskPause,
        proposals.ask_pause,
        "Ask the client a question, and for the delivery clock to stand until they answer. After 48 hours it does.",
        conflicts=ASKED,
    ),
    Step(
        "grant-pause",
        (Action.GRANT_PAUSE,),
        Answered,
        proposals.grant_pause,
        "Answer the question and let the clock stand.",
        conflicts=ASKED,
    ),
    Step(
        "resume", (Action.RESUME,), StepAsked, proposals.resume, "End the pause: the delivery clock runs again.", conflicts=ASKED
    ),
    Step(
        "propose-cancellation",
        (Action.PROPOSE_CANCELLATION,),
        ProposeCancellation,
        proposals.propose_cancellation,
        "Propose to end a paid order and how its money is divided. The other side has 48 hours.",
        _share,
        SHARE,
        ASKED,
    ),
    Step(
        "accept-cancellation",
        (Action.ACCEPT_CANCELLATION,),
        Accepting,
        proposals.accept_cancellation,
        "Agree to end the order: its money is divided as proposed.",
        conflicts=ASKED,
    ),
    Step(
        "decline-proposal",
        (Action.DECLINE_PROPOSAL,),
        Answered,
        proposals.decline_proposal,
        "Say no to what the other side has asked for. A question may be answered this way without a pause.",
        conflicts=ASKED,
    ),
    Step(
        "withdraw-proposal",
        (Action.WITHDRAW_PROPOSAL,),
        StepAsked,
        proposals.withdraw_proposal,
        "Take back what you have asked for.",
        conflicts=ASKED,
    ),
)
for step in (*PAYMENT, *WORK, *ASKING):
    add_step(router, step)
