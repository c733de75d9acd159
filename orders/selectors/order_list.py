"""A person's orders in lists, those that wait for them first.

Whose turn it is stands here once more, in the database's words, so that a list can begin with it and count it. A test compares
it with `orders.next_steps` in every situation.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    BooleanField,
    Case,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.utils import timezone

from accounts.models import User
from orders.models import Disbursement, Dispute, DisputeStatement, Evidence, Order, Proposal, SettlementOffer
from orders.selectors.disputes import ANSWERABLE
from orders.selectors.orders import LATE_AFTER, NEXT_STEP_ROWS, REJECTIONS_BEFORE_STAFF_ONLY, TABS
from orders.states import Custody, DisbursementState, PaymentStatus, Status

SIDES = ("buying", "selling")
State = DisbursementState
IN_DISPUTE = Q(payment_status=PaymentStatus.DISPUTED)
ASKED = Q(proposal_by__isnull=False)
# A refund that waits for this side.
REFUND = {
    "buying": Q(state=State.SENT)
    | Q(payer__isnull=True, state=State.FAILED)
    | Q(payer__isnull=True, state=State.REQUESTED, account__isnull=True),
    "selling": Q(payer__isnull=False, state__in=(State.REQUESTED, State.APPROVED, State.FAILED)),
}


@dataclass(frozen=True)
class TabCount:
    """How many orders stand in a tab, and how many of them wait for the person."""

    orders: int
    yours: int


def list_orders_for(user: User, *, side: str, tab: str) -> QuerySet[Order]:
    """The user's orders of one side (buying, selling) and tab (open, completed, cancelled), each with `is_yours`.

    Those that wait for them first, then by deadline, then newest first. The open tab has all that wait for them.
    """
    now = timezone.now()
    orders = (
        _of_side(user, side, now)
        .filter(_in_tab(tab))
        .order_by("-is_yours", deadline(now).asc(nulls_last=True), "-created_at", "pk")
    )
    return orders.select_related("client", "freelancer").prefetch_related(*NEXT_STEP_ROWS)


def count_orders_for(user: User) -> dict[str, dict[str, TabCount]]:
    """`counts[side][tab]`, in one query a side."""
    now = timezone.now()
    wanted = {tab: Count("pk", filter=_in_tab(tab)) for tab in TABS}
    wanted |= {f"{tab}_yours": Count("pk", filter=_in_tab(tab) & Q(is_yours=True)) for tab in TABS}
    counts = {side: _of_side(user, side, now).aggregate(**wanted) for side in SIDES}
    return {side: {tab: TabCount(found[tab], found[f"{tab}_yours"]) for tab in TABS} for side, found in counts.items()}


def _of_side(user: User, side: str, now: datetime) -> QuerySet[Any]:
    is_yours = ExpressionWrapper(_waits_for(user, side, now), output_field=BooleanField())
    return Order.objects.filter(**{"client" if side == "buying" else "freelancer": user}).annotate(is_yours=is_yours)


def _in_tab(tab: str) -> Q:
    in_status = Q(status__in=TABS[tab])
    return in_status | Q(is_yours=True) if tab == "open" else in_status


def _waits_for(user: User, side: str, now: datetime) -> Q:
    asked_by_others = Exists(Proposal.objects.filter(order=OuterRef("pk"), state=Proposal.State.OPEN).exclude(proposed_by=user))
    appealable = Exists(Dispute.objects.filter(order=OuterRef("pk"), closed_at__isnull=False, appeal_until__gt=now))
    refund = Exists(Disbursement.objects.filter(REFUND[side], order=OuterRef("pk")))
    over = Q(status__in=(Status.COMPLETED, Status.CANCELLED)) & ~appealable & refund
    undisputed = (ASKED & asked_by_others) | (~ASKED & (_work_waits(side, now) | over))
    return (IN_DISPUTE & _case_waits_for(user)) | (~IN_DISPUTE & undisputed)


def _work_waits(side: str, now: datetime) -> Q:
    if side == "buying":
        late = Q(paused_at__isnull=True, ever_delivered=False, due_at__lte=now - LATE_AFTER)
        return Q(status__in=(Status.PENDING_PAYMENT, Status.SUBMITTED)) | Q(late, status=Status.IN_PROGRESS)
    verified = Q(custody=Custody.DIRECT, proofs_rejected__lt=REJECTIONS_BEFORE_STAFF_ONLY)
    working = (Status.PAYMENT_CONFIRMED, Status.IN_PROGRESS, Status.REVISION_REQUESTED)
    return Q(status__in=working) | Q(verified, status=Status.PAYMENT_SUBMITTED)


def _case_waits_for(user: User) -> Exists:
    """An open case in which the last offer is the other side's, or the person's statement or evidence is missing."""
    of_case = {"dispute": OuterRef("pk")}
    offers = SettlementOffer.objects.filter(**of_case, state=SettlementOffer.State.OPEN).order_by("-created_at", "-pk")
    wrote = Exists(DisputeStatement.objects.filter(**of_case, author=user))
    showed = Exists(Evidence.objects.filter(**of_case, author=user))
    cases = Dispute.objects.filter(order=OuterRef("pk"), closed_at__isnull=True)
    cases = cases.annotate(offered_by=Subquery(offers.values("offered_by")[:1]))
    offered = Q(offered_by__isnull=False) & ~Q(offered_by=user.pk)
    return Exists(cases.filter(offered | Q(~wrote, state__in=ANSWERABLE) | Q(~showed, state=Dispute.State.EVIDENCE)))


def deadline(now: datetime) -> Case:
    """Until when something is to be done, as `next_steps` shows it."""
    expires = {"status": Status.PENDING_PAYMENT, "payment_status": PaymentStatus.AWAIT_DEPOSIT, "pay_by__lte": now}
    columns = {
        Status.PENDING_PAYMENT: "pay_by",
        Status.PAYMENT_SUBMITTED: "review_due_at",
        Status.PAYMENT_CONFIRMED: "accept_by",
        Status.IN_PROGRESS: "due_at",
        Status.SUBMITTED: "auto_approve_at",
        Status.REVISION_REQUESTED: "due_at",
    }
    return Case(
        When(IN_DISPUTE, then=F("dispute_by")),
        When(ASKED, then=F("proposal_by")),
        When(**expires, then=F("pay_by") + timedelta(hours=settings.EXPIRE_GRACE_HOURS)),
        When(status=Status.IN_PROGRESS, paused_at__isnull=False, then=F("paused_until")),
        *(When(status=status, then=F(column)) for status, column in columns.items()),
        output_field=DateTimeField(null=True),
    )
