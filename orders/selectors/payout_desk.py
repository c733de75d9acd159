"""What staff who pay out see: the queue of disbursements, and batches. Never money of their own deals."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet, Sum
from django.shortcuts import get_object_or_404

from accounts.models import User
from orders.models import Disbursement, DisbursementEvent, PayoutBatch
from orders.selectors.orders import PAY_OUT, may
from orders.states import DisbursementAction, DisbursementState

State, Step = DisbursementState, DisbursementAction
NOT_GONE = (State.REQUESTED, State.APPROVED, State.FAILED)
EXPORTED = (State.APPROVED, State.SENT, State.CONFIRMED)
DESK_TABS: dict[str, Q] = {
    "approve": Q(state=State.REQUESTED, account__isnull=False, payer__isnull=True),
    "send": Q(state=State.APPROVED),
    "sent": Q(state=State.SENT, payer__isnull=True),
    "failed": Q(state=State.FAILED, payer__isnull=True),
    "no_account": Q(state=State.REQUESTED, account__isnull=True, payer__isnull=True),
    "direct": Q(payer__isnull=False) & ~Q(state__in=(State.CONFIRMED, State.WITHDRAWN)),
    "done": Q(state__in=(State.CONFIRMED, State.WITHDRAWN)),
}


def list_desk(user: User | AnonymousUser) -> QuerySet[Disbursement]:
    """Every disbursement this person may decide about; none for who may not pay out."""
    if not may(user, PAY_OUT):
        return Disbursement.objects.none()
    return Disbursement.objects.exclude(pk__in=_own(user)).select_related(
        "person", "payer", "account", "order", "batch", "approved_by", "statement_line"
    )


def _own(user: User | AnonymousUser) -> QuerySet[Disbursement]:
    """Money to or from this person, or of an order of theirs."""
    mine = Q(person=user) | Q(payer=user) | Q(order__client=user) | Q(order__freelancer=user)
    return Disbursement.objects.filter(mine).order_by().only("pk")


def get_desk_row(user: User | AnonymousUser, row_id: UUID) -> Disbursement:
    """A disbursement this person may decide about; Http404 otherwise."""
    return get_object_or_404(list_desk(user), pk=row_id)


def count_desk(user: User | AnonymousUser, kind: str = "") -> dict[str, int]:
    """How many rows stand in each tab, in one query."""
    rows = list_desk(user).filter(kind=kind) if kind else list_desk(user)
    return rows.order_by().aggregate(**{tab: Count("pk", filter=condition) for tab, condition in DESK_TABS.items()})


def list_batchable(user: User, now: datetime) -> QuerySet[Disbursement]:
    """Approved platform money that stands in no batch yet, but for large amounts this person has approved alone."""
    free = Q(state=State.APPROVED, batch__isnull=True, payer__isnull=True)
    alone = Q(pk__in=[])
    for currency, limit in settings.FOUR_EYES_OVER.items():
        alone |= Q(currency=currency, amount__gt=Decimal(limit), approved_by=user)
    return list_desk(user).filter(free).exclude(alone).filter(Q(not_before__isnull=True) | Q(not_before__lte=now))


def list_batches(user: User | AnonymousUser) -> QuerySet[PayoutBatch]:
    """Batches without money of this person, each with its size and how many rows wait to be sent, newest first."""
    if not may(user, PAY_OUT):
        return PayoutBatch.objects.none()
    waiting = Count("disbursements", filter=Q(disbursements__state=State.APPROVED))
    others = PayoutBatch.objects.exclude(disbursements__in=_own(user)).select_related("created_by", "exported_by")
    counted = others.annotate(size=Count("disbursements"), waiting=waiting, total=Sum("disbursements__amount"))
    return counted.order_by("-number")


def get_batch(user: User | AnonymousUser, batch_id: int) -> PayoutBatch:
    """A batch this person may export; Http404 otherwise."""
    return get_object_or_404(list_batches(user), pk=batch_id)


def list_batched(batch: PayoutBatch) -> QuerySet[Disbursement]:
    """The rows of a batch that belong into its file: approved, sent and arrived ones, always in the same order."""
    rows = batch.disbursements.filter(state__in=EXPORTED).select_related("person", "account", "order", "approved_by")
    return rows.order_by("created_at", "pk")


def exported_before(rows: Sequence[Disbursement]) -> dict[UUID, list[PayoutBatch]]:
    """The batches in whose file each of these rows stood before it failed: the bank may have executed it. In two queries.

    A row that is asked for again stands in no batch any more. But a batch takes all that is approved in its currency, so it was
    in one that was made while the row was approved, and exported before the row failed.
    """
    failed = {row.pk: row for row in rows if row.failure and row.state in NOT_GONE and row.payer_id is None}
    if not failed:
        return {}
    since = min(row.created_at for row in failed.values())
    batches = list(PayoutBatch.objects.filter(created_at__gte=since).order_by("number"))
    found: dict[UUID, list[PayoutBatch]] = defaultdict(list)
    for row_id, approved_at, left_at, failed_at in _failed_attempts(failed):
        found[row_id] += [
            batch
            for batch in batches
            if batch.currency == failed[row_id].currency
            and approved_at <= batch.created_at < left_at
            and batch.exported_at
            and batch.exported_at < failed_at
        ]
    return found


def _failed_attempts(rows: Collection[UUID]) -> Iterator[tuple[UUID, datetime, datetime, datetime]]:
    """Of each failure: the row, when it was approved, when it was sent or given up, and when it failed."""
    events = DisbursementEvent.objects.filter(disbursement__in=rows, action__in=(Step.APPROVE, Step.SEND, Step.FAIL))
    at: dict[str, datetime] = {}
    for row_id, action, when in events.order_by("disbursement", "number").values_list("disbursement", "action", "created_at"):
        at = {action: when} if action == Step.APPROVE else {**at, action: when}
        if action == Step.FAIL:
            yield row_id, at[Step.APPROVE], at.get(Step.SEND, when), when
