"""What stands beside an order on its page: where its money is, the open proposal, the refunds, the desks that decide."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from orders.models import Disbursement, Order, PaymentProof, Proposal
from orders.selectors import RESOLVE, VERIFY, may, side_of
from orders.selectors.payouts import STATE_LABELS
from orders.selectors.proposals import division_of, open_proposal
from orders.states import Custody, DisbursementState, PaymentStatus, Role
from orders.views.balance_page import TONES

Kind = Proposal.Kind
State = DisbursementState
# Where the money of a PLATFORM order is.
_WHERE_MONEY_IS = {
    PaymentStatus.AWAIT_DEPOSIT: gettext_lazy("No payment is confirmed. What is paid is held until the client approves."),
    PaymentStatus.PARTIALLY_FUNDED: gettext_lazy("The part that is confirmed is held by the platform."),
    PaymentStatus.FUNDS_HELD: gettext_lazy("Held by the platform until the client approves."),
    PaymentStatus.DISPUTED: gettext_lazy("Frozen in escrow until the dispute ends."),
    PaymentStatus.RELEASED: gettext_lazy("Released to the freelancer."),
    PaymentStatus.REFUNDED: gettext_lazy("No longer in escrow: it goes back to the client."),
    PaymentStatus.SPLIT: gettext_lazy("No longer in escrow: divided between the two of you."),
}


def where_money_is(order: Order) -> str:
    """In words; "" under DIRECT custody, where this site does not hold it."""
    return str(_WHERE_MONEY_IS.get(PaymentStatus(order.payment_status), "")) if order.custody == Custody.PLATFORM else ""


def proposal_of(order: Order, side: Role) -> dict[str, Any] | None:
    """The open proposal: who asks for what, and on which terms."""
    proposal = open_proposal(order)
    if proposal is None:
        return None
    asks = order.client if proposal.proposed_by_id == order.client_id else order.freelancer
    is_mine = side == side_of(asks, order)
    is_cancellation = proposal.kind == Kind.CANCELLATION
    return {
        "row": proposal,
        "is_mine": is_mine,
        "title": _title(proposal, is_mine) % {"name": asks.get_short_name()},
        "division": division_of(order, proposal.freelancer_amount or Decimal(0)) if is_cancellation else None,
    }


def _title(proposal: Proposal, is_mine: bool) -> str:
    match proposal.kind:
        case Kind.CANCELLATION:
            return _("You have proposed to cancel this order") if is_mine else _("%(name)s proposes to cancel this order")
        case Kind.EXTENSION:
            return _("You have proposed a later day") if is_mine else _("%(name)s proposes a later day")
        case _:
            return (
                _("You have asked a question and for a pause") if is_mine else _("%(name)s has a question and asks for a pause")
            )


def refunds_of(order: Order, side: Role) -> list[dict[str, Any]]:
    """What goes back to the client, each with its state in words and what this side has to do about it."""
    return list(_refunds(order, side))


def refund_to_do(refunds: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first of them with which nothing goes on before this side acts."""
    return next((refund for refund in refunds if refund.get("urgent")), None)


def _refunds(order: Order, side: Role) -> Iterator[dict[str, Any]]:
    for row in order.disbursements.all():
        if row.kind == Disbursement.Kind.REFUND and row.state != State.WITHDRAWN:
            yield {
                "row": row,
                "words": _state_words(row, order, side),
                "tone": TONES[State(row.state)],
                **_to_do(row, order, side),
            }


def _state_words(row: Disbursement, order: Order, side: Role) -> str:
    names = {"client": order.client.get_short_name(), "freelancer": order.freelancer.get_short_name()}
    match row.state:
        case State.SENT:
            words = _("Sent, not confirmed yet")
        case State.APPROVED:
            words = _("About to be sent")
        case State.CONFIRMED | State.FAILED:
            words = str(STATE_LABELS[State(row.state)])
        case _ if row.payer_id:
            words = _("You have to send it") if side == Role.FREELANCER else _("%(freelancer)s has to send it")
        case _:
            where = _("You have to say where to") if side == Role.CLIENT else _("%(client)s has to say where to")
            words = _("Being prepared") if row.account_id else where
    return words % names


def _to_do(row: Disbursement, order: Order, side: Role) -> dict[str, Any]:
    """A link (`href`) or a form of one button (`action`, `seen`) with its `label`; `urgent`: nothing goes on without it."""
    is_waiting = row.state in (State.REQUESTED, State.FAILED)
    if side == Role.CLIENT and is_waiting:
        label = _("Change the account") if row.account_id else _("Say where it should go")
        urgent = not row.payer_id and (row.account_id is None or row.state == State.FAILED)
        href = f"{reverse('orders:refund_account', args=[row.pk])}?{urlencode({'next': order.get_absolute_url()})}"
        return {"href": href, "label": label, "urgent": urgent}
    if side == Role.FREELANCER and is_waiting and row.payer_id:
        return {"href": reverse("orders:refund_sent", args=[row.pk]), "label": _("I have sent it"), "urgent": True}
    if side == Role.CLIENT and row.state == State.SENT:
        return {**_confirmation(row, order), "label": _("It has arrived"), "urgent": True}
    return {}


def _confirmation(row: Disbursement, order: Order) -> dict[str, Any]:
    """What a freelancer owes for the order itself ends the order's REFUND_DUE; anything else is a row of its own."""
    if order.payment_status == PaymentStatus.REFUND_DUE and row.reason != Disbursement.Reason.SURPLUS:
        return {"action": reverse("orders:confirm_refund", args=[order.pk]), "seen": order.version}
    return {"action": reverse("orders:confirm_received", args=[row.pk]), "seen": row.version}


def desks_of(user: User, order: Order, proof: PaymentProof | None) -> list[tuple[str, str]]:
    """The desks at which this moderator can decide about the order now: of the proof being checked, of its dispute."""
    desks = []
    if proof and may(user, VERIFY):
        desks.append((_("Check this payment at the desk"), reverse("admin:orders_paymentproof_verify", args=[proof.pk])))
    cases = list(order.disputes.all())
    if cases and may(user, RESOLVE):
        desks.append((_("Open the case at the desk"), reverse("admin:orders_dispute_case", args=[cases[-1].pk])))
    return desks
