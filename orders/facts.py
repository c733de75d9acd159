"""What words about an order need to know beyond its row: amounts as people read them, instants, and the rows in force.

Everything is looked up when it is asked for, from `order.disputes`, `order.proposals` and `order.disbursements` as they are
prefetched, or else with one query each.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.conf import settings

from marketplace.money import format_money
from orders.models import Disbursement, Dispute, Order, Proposal, SettlementOffer
from orders.selectors import LATE_AFTER
from orders.selectors.disputes import answer_at_last
from orders.selectors.proposals import silence_accepts
from orders.states import DisbursementState, PaymentStatus, Role

OVER = (DisbursementState.CONFIRMED, DisbursementState.WITHDRAWN)


@dataclass(frozen=True)
class OrderFacts:
    """The facts of one order, as `side` sees them. Amounts come formatted, in the order's currency; instants are aware, UTC."""

    order: Order
    side: Role = Role.CLIENT

    @property
    def amount(self) -> str:
        """The price of it all."""
        return self._money(self.order.expected_amount)

    @property
    def received(self) -> str:
        return self._money(self.order.funded_amount)

    @property
    def due(self) -> str:
        """What is still to be paid."""
        return self._money(self.order.amount_due)

    @property
    def expires_at(self) -> datetime:
        """When an order nobody paid ends by itself."""
        return self.order.pay_by + timedelta(hours=settings.EXPIRE_GRACE_HOURS)

    @property
    def late_at(self) -> datetime | None:
        """From when on the client may leave, if nothing was delivered."""
        return self.order.due_at + LATE_AFTER if self.order.due_at else None

    @cached_property
    def proposal(self) -> Proposal | None:
        """The last proposal; it is open while `order.proposal_by` is set."""
        return max(self.order.proposals.all(), key=lambda row: row.number, default=None)

    @property
    def silence_accepts(self) -> bool:
        """Whether no answer to the last proposal is a yes, as the order stands."""
        return self.proposal is not None and silence_accepts(self.order, self.proposal)

    @property
    def proposed_part(self) -> str:
        """What the freelancer keeps by the last proposal to cancel, before the fee."""
        return self._money(self._proposed)

    @property
    def proposed_refund(self) -> str:
        return self._money(self.order.funded_amount - self._proposed)

    @cached_property
    def dispute(self) -> Dispute | None:
        """The last dispute, open or not."""
        return max(self.order.disputes.all(), key=lambda row: row.number, default=None)

    @property
    def answer_at_last(self) -> datetime | None:
        """When the last dispute goes on without a statement that is missing."""
        return answer_at_last(self.dispute) if self.dispute else None

    @cached_property
    def offer(self) -> SettlementOffer | None:
        """The offer to settle that waits for an answer: the last one that stands."""
        offers = self.dispute.offers.all() if self.dispute else []
        standing = (offer for offer in offers if offer.state == SettlementOffer.State.OPEN)
        return max(standing, key=lambda offer: (offer.created_at, offer.pk), default=None)

    @property
    def offered_part(self) -> str:
        """What the freelancer gets by the last offer to settle, before the fee."""
        return self._money(self._offered)

    @property
    def offered_refund(self) -> str:
        return self._money(self.order.expected_amount - self._offered)

    def may_be_appealed(self, now: datetime) -> bool:
        """Whether the last dispute was ruled and the time to appeal runs."""
        dispute = self.dispute
        return dispute is not None and not dispute.is_open and dispute.appeal_until is not None and now < dispute.appeal_until

    @cached_property
    def refund(self) -> Disbursement | None:
        """The refund that waits for this side, else for anybody, else the last one; None where there is none."""
        rows = [row for row in self.order.disbursements.all() if row.state != DisbursementState.WITHDRAWN]
        waiting = [row for row in rows if row.state not in OVER]
        mine = [row for row in waiting if _waits_for(row) == self.side]
        return max(mine or waiting or rows, key=lambda row: row.created_at, default=None)

    @property
    def refund_waits(self) -> bool:
        return self.refund is not None and self.refund.state not in OVER

    @property
    def refund_amount(self) -> str:
        return self._money(self.refund.amount if self.refund else Decimal(0))

    @property
    def client_part(self) -> str:
        """What the last division gave back to the client."""
        return self._money(self._client_part)

    @property
    def freelancer_part(self) -> str:
        """What the last division gave the freelancer, before the fee."""
        return self._money(self.order.funded_amount - self._client_part)

    @property
    def net(self) -> str:
        """What the freelancer has of it, after the fee."""
        part = self.order.funded_amount - self._client_part
        return self._money(part - self.order.fee_on(part))

    @property
    def _proposed(self) -> Decimal:
        return (self.proposal.freelancer_amount if self.proposal else None) or Decimal(0)

    @cached_property
    def _offered(self) -> Decimal:
        return self.offer.freelancer_amount if self.offer else Decimal(0)

    @cached_property
    def _client_part(self) -> Decimal:
        if self.order.payment_status == PaymentStatus.RELEASED:
            return Decimal(0)
        rows = (row for row in self.order.disbursements.all() if row.state != DisbursementState.WITHDRAWN)
        return sum((row.amount for row in rows if row.reason != Disbursement.Reason.SURPLUS), Decimal(0))

    def _money(self, amount: Decimal) -> str:
        return format_money(amount, self.order.currency)


def _waits_for(row: Disbursement) -> Role | None:
    """Which side has to act on a refund; None: whoever sends the platform's money."""
    if row.state == DisbursementState.SENT:
        return Role.CLIENT
    if row.payer_id:
        return Role.FREELANCER
    is_stuck = row.state == DisbursementState.FAILED or row.account_id is None
    return Role.CLIENT if is_stuck else None
