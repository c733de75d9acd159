"""What happens next: whose turn it is, until when, and what happens if nobody acts. The words stand in `next_step_words`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.conf import settings
from django.utils import timezone
from django.utils.dateformat import format as format_date

from accounts.models import User
from orders.facts import OrderFacts
from orders.models import Dispute, Evidence, Order, Proposal
from orders.next_step_words import DIRECT_WORDS, WORDS
from orders.selectors import freelancer_verifies, revisions_left
from orders.selectors.disputes import ANSWERABLE
from orders.states import Custody, DisbursementState, PaymentStatus, Role, Status


@dataclass(frozen=True)
class NextStep:
    """`turn` is you, them, platform or nobody; `deadline_at` an instant (UTC) or None."""

    turn: str
    headline: str
    text: str
    deadline_at: datetime | None
    if_nobody: str

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline has passed and somebody is still awaited."""
        return self.turn != "nobody" and self.deadline_at is not None and self.deadline_at < timezone.now()


def next_step(order: Order, side: Role) -> NextStep:
    """What comes next as this side (client or freelancer) sees it, in the active language; a moderator reads the client's.

    Reads what NEXT_STEP_ROWS names where the order's row says that it matters: prefetch it for a list. Whose turn it is, the
    database says too: `selectors.order_list`.
    """
    side = side if side == Role.FREELANCER else Role.CLIENT
    facts = OrderFacts(order, side)
    key = situation(facts, side, timezone.now())
    direct = DIRECT_WORDS.get((key, side)) if order.custody == Custody.DIRECT else None
    row = direct or WORDS[key, side]
    names = _Names(facts, side)
    return NextStep(
        turn=row.turn,
        headline=str(row.headline) % names,
        text=str(row.text) % names,
        deadline_at=attrgetter(row.deadline)(facts) if row.deadline else None,
        if_nobody=str(row.if_nobody) % names,
    )


# What the words may name.
NAMES: dict[str, Callable[[OrderFacts], object]] = {
    "amount": attrgetter("amount"),
    "received": attrgetter("received"),
    "due": attrgetter("due"),
    "refund": attrgetter("refund_amount"),
    "part": attrgetter("freelancer_part"),
    "client_part": attrgetter("client_part"),
    "net": attrgetter("net"),
    "proposed_part": attrgetter("proposed_part"),
    "proposed_refund": attrgetter("proposed_refund"),
    "offered_part": attrgetter("offered_part"),
    "offered_refund": attrgetter("offered_refund"),
    "days": attrgetter("proposal.days"),
    "new_due": attrgetter("proposal.new_due_at"),
    "expires": attrgetter("expires_at"),
    "late": attrgetter("late_at"),
    "due_at": attrgetter("order.due_at"),
    "answer_at_last": attrgetter("answer_at_last"),
    "rule_by": attrgetter("dispute.rule_by"),
    "hold": attrgetter("order.hold_until"),
    "appeal": attrgetter("dispute.appeal_until"),
    "reference": attrgetter("order.payment_reference"),
    "support": lambda _facts: settings.SUPPORT_EMAIL,
}


class _Names(dict[str, str]):
    """Looks a name up when a sentence has it; instants are written in the active time zone, with its name."""

    def __init__(self, facts: OrderFacts, side: Role) -> None:
        order = facts.order
        client, freelancer = order.client.get_short_name(), order.freelancer.get_short_name()
        super().__init__(client=client, freelancer=freelancer, other=client if side == Role.FREELANCER else freelancer)
        self.facts = facts

    def __missing__(self, name: str) -> str:
        value = NAMES[name](self.facts)
        return format_date(timezone.localtime(value), "D j M Y, H:i T") if isinstance(value, datetime) else str(value)


def situation(facts: OrderFacts, side: Role, now: datetime) -> str:
    """The key of the table: what the order's row, and the rows it points to, say about now."""
    order = facts.order
    if order.payment_status == PaymentStatus.DISPUTED:
        return _in_dispute(facts, side)
    if order.proposal_by and facts.proposal:
        return _asked(facts, facts.proposal, side)
    return _SITUATIONS[Status(order.status)](facts, side, now)


def _in_dispute(facts: OrderFacts, side: Role) -> str:
    dispute = facts.dispute
    if dispute is None:
        return "review"
    me = _person(facts.order, side)
    is_asked = dispute.state in ANSWERABLE and all(statement.author_id != me.pk for statement in dispute.statements.all())
    if facts.offer and facts.offer.offered_by_id != me.pk:
        is_late = dispute.state == Dispute.State.UNDER_REVIEW
        return "offer of theirs" + (", unheard" if is_asked else ", review" if is_late else "")
    if dispute.state == Dispute.State.UNDER_REVIEW:
        return "review of an appeal" if dispute.appealed_at else "review"
    if dispute.state == Dispute.State.EVIDENCE:
        return _evidence(dispute, me)
    late = ", late" if dispute.answer_reminded_at else ""
    return f"statement of mine{late}" if is_asked else f"statement of theirs{late}"


def _evidence(dispute: Dispute, me: User) -> str:
    """What one side shows to moderators alone does not tell the other side that it is there."""
    rows = dispute.evidence.all()
    if all(row.author_id != me.pk for row in rows):
        return "evidence"
    parties = {dispute.order.client_id, dispute.order.freelancer_id}
    theirs = (row.audience == Evidence.Audience.ALL and row.author_id in parties - {me.pk} for row in rows)
    return "evidence of both" if any(theirs) else "evidence of theirs"


def _person(order: Order, side: Role) -> User:
    return order.freelancer if side == Role.FREELANCER else order.client


def _asked(facts: OrderFacts, proposal: Proposal, side: Role) -> str:
    whose = "my" if proposal.proposed_by_id == _person(facts.order, side).pk else "their"
    key = f"{whose} {proposal.kind}"
    if proposal.kind == Proposal.Kind.PAUSE:
        return key if facts.silence_accepts else f"{key}, overdue"
    if proposal.kind == Proposal.Kind.EXTENSION:
        return key
    if facts.silence_accepts:
        return f"{key}, silence accepts"
    return f"{key}, delivered" if facts.order.status == Status.SUBMITTED else key


def _pending(facts: OrderFacts, side: Role, now: datetime) -> str:
    order = facts.order
    if order.payment_status == PaymentStatus.PARTIALLY_FUNDED:
        return "rest"
    return ("again" if order.proofs_rejected else "pay") + (", late" if now >= order.pay_by else "")


def _under_check(facts: OrderFacts, side: Role, now: datetime) -> str:
    order = facts.order
    if order.custody == Custody.PLATFORM:
        return "check"
    if not freelancer_verifies(order):
        return "staff check"
    return "direct check" + (", late" if order.review_due_at and now >= order.review_due_at else "")


def _confirmed(facts: OrderFacts, side: Role, now: datetime) -> str:
    accept_by = facts.order.accept_by
    return "start" + (", late" if accept_by and now >= accept_by else "")


def _in_progress(facts: OrderFacts, side: Role, now: datetime) -> str:
    order = facts.order
    if order.paused_at:
        return "paused"
    if facts.late_at and now >= facts.late_at and not order.ever_delivered:
        return "work, late"
    return "work" + (", overdue" if order.due_at and now >= order.due_at else "")


def _delivered(facts: OrderFacts, side: Role, now: datetime) -> str:
    is_last = side == Role.CLIENT and not revisions_left(facts.order)
    return "check last work" if is_last else "check work"


def _ended(facts: OrderFacts, side: Role, now: datetime) -> str:
    order = facts.order
    if facts.may_be_appealed(now):
        return "ruled as unpaid" if order.payment_status == PaymentStatus.AWAIT_DEPOSIT else "ruled"
    if facts.refund and facts.refund_waits:
        if order.custody == Custody.DIRECT:
            return "owed, sent" if facts.refund.state == DisbursementState.SENT else "owed"
        if side == Role.CLIENT:
            return _REFUNDS.get(facts.refund.state, "refund waits" if facts.refund.account_id else "refund account")
    key = _ENDINGS[PaymentStatus(order.payment_status)]
    holds = order.hold_until is not None and now < order.hold_until
    is_open = order.status == Status.COMPLETED and (facts.dispute is None or facts.dispute.state == Dispute.State.WITHDRAWN)
    may_be_disputed = side == Role.FREELANCER or (is_open and key != "divided")
    return f"{key}, on hold" if holds and may_be_disputed and key in _HELD else key


_REFUNDS: dict[str, str] = {
    DisbursementState.APPROVED: "refund waits",
    DisbursementState.SENT: "refund sent",
    DisbursementState.FAILED: "refund failed",
}
_ENDINGS = {
    PaymentStatus.AWAIT_DEPOSIT: "cancelled",
    PaymentStatus.RELEASED: "released",
    PaymentStatus.SPLIT: "divided",
    PaymentStatus.PAID_DIRECT: "paid direct",
    PaymentStatus.REFUNDED: "refunded",
    PaymentStatus.REFUND_DUE: "owed",
}
_HELD = {"released", "divided", "paid direct"}
_SITUATIONS: dict[Status, Callable[[OrderFacts, Role, datetime], str]] = {
    Status.PENDING_PAYMENT: _pending,
    Status.PAYMENT_SUBMITTED: _under_check,
    Status.PAYMENT_CONFIRMED: _confirmed,
    Status.IN_PROGRESS: _in_progress,
    Status.SUBMITTED: _delivered,
    Status.REVISION_REQUESTED: lambda facts, side, now: "revise",
    Status.DISPUTED: lambda facts, side, now: _in_dispute(facts, side),
    Status.COMPLETED: _ended,
    Status.CANCELLED: _ended,
    Status.EXPIRED: lambda facts, side, now: "expired",
}
