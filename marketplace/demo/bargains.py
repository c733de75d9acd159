"""Steps of the demo's orders beside the straight way: paid in part, agreed on, called off, paid back. See `steps`."""

from typing import Any

from django.utils import timezone

from marketplace.demo.deals import Deal
from orders.models import Disbursement
from orders.services import lifecycle, payments, payouts, proposals
from orders.states import DisbursementState


# --- Money that came in part, or goes back ----------------------------------------------------------------------------
def pay_part(deal: Deal) -> None:
    deal.pay(deal.part(deal.plan.words["part"]))


def record_part(deal: Deal) -> None:
    arrived = deal.part(deal.plan.words["part"])
    deal.order = payments.record_partial(**deal.seen(deal.verifier), received_amount=arrived)


def leave_part(deal: Deal) -> None:
    deal.order = lifecycle.cancel_partial(**deal.seen(deal.client), note=deal.plan.words["why"])


def decline(deal: Deal) -> None:
    deal.order = lifecycle.decline(**deal.seen(deal.freelancer), note=deal.plan.words["why"])


def leave_late(deal: Deal) -> None:
    deal.order = lifecycle.cancel_late(**deal.seen(deal.client), note=deal.plan.words["why"])


def _refund(deal: Deal) -> Disbursement:
    return deal.order.disbursements.exclude(state=DisbursementState.WITHDRAWN).latest("created_at")


def _about(row: Disbursement) -> dict[str, Any]:
    return {"row_id": row.pk, "seen": row.version}


def name_account(deal: Deal) -> None:
    account = deal.world.accounts[deal.plan.client, deal.order.currency]
    payouts.set_refund_account(actor=deal.client, **_about(_refund(deal)), account_id=account.pk)


def approve_refund(deal: Deal) -> None:
    payouts.approve(actor=deal.world.moderators()[0], **_about(_refund(deal)))


def send_refund(deal: Deal) -> None:
    payouts.send(actor=deal.world.moderators()[1], **_about(_refund(deal)), reference=sent_as(deal))


def fail_refund(deal: Deal) -> None:
    payouts.fail(actor=deal.world.moderators()[1], **_about(_refund(deal)), note=deal.plan.words["failure"])


def confirm_refund(deal: Deal) -> None:
    payouts.confirm(actor=deal.client, **_about(_refund(deal)))


def send_back(deal: Deal) -> None:
    """The freelancer of an order that was paid to them directly sends back what they owe."""
    payouts.refund_sent(actor=deal.freelancer, **_about(_refund(deal)), reference=sent_as(deal))


def have_back(deal: Deal) -> None:
    deal.order = payouts.confirm_refund(**deal.seen(deal.client))


def sent_as(deal: Deal) -> str:
    return f"OUT{timezone.now():%y%m%d}{deal.die.randrange(10**6):06}"


# --- What one side asks of the other ----------------------------------------------------------------------------------
def ask_end(deal: Deal) -> None:
    words = deal.plan.words
    asker = deal.freelancer if words.get("by") == "freelancer" else deal.client
    share = deal.part(words["part"])
    deal.order = proposals.propose_cancellation(**deal.seen(asker), freelancer_amount=share, reason=words["why"])


def agree_end(deal: Deal) -> None:
    other = deal.client if deal.plan.words.get("by") == "freelancer" else deal.freelancer
    deal.order = proposals.accept_cancellation(**deal.seen(other))


def withdraw(deal: Deal) -> None:
    deal.order = proposals.withdraw_proposal(**deal.seen(deal.client))


def ask_time(deal: Deal) -> None:
    words = deal.plan.words
    deal.order = proposals.propose_extension(**deal.seen(deal.freelancer), days=words["days"], reason=words["why"])


def give_time(deal: Deal) -> None:
    deal.order = proposals.accept_extension(**deal.seen(deal.client))


def refuse(deal: Deal) -> None:
    deal.order = proposals.decline_proposal(**deal.seen(deal.client), answer=deal.plan.words["answer"])


def ask_pause(deal: Deal) -> None:
    words = deal.plan.words
    deal.order = proposals.ask_pause(**deal.seen(deal.freelancer), days=words["days"], question=words["why"])


def give_pause(deal: Deal) -> None:
    deal.order = proposals.grant_pause(**deal.seen(deal.client), answer=deal.plan.words["answer"])
