"""What nobody can use any more goes after a while."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.models import AuthSession, EmailCode, KeptAnswer, RefreshToken
from accounts.services.kept_answers import KEPT_FOR as ANSWERS_KEPT_FOR
from accounts.services.kept_answers import MOST_KEPT as MOST_ANSWERS

KEPT_FOR = timedelta(days=30)
BATCH = 1000  # rows deleted in a transaction


def discard_old_access(*, now: datetime) -> int:
    """Delete sign-ins that ended 30 days ago, refresh tokens used up so long, kept answers and codes of a day ago, and
    of the answers of one person those before the newest MOST_KEPT.

    Returns how many rows. Any number of workers may do this at once.
    """
    then = now - KEPT_FOR
    over: list[QuerySet[Any]] = [
        RefreshToken.objects.filter(Q(used_at__lt=then) | Q(session__expires_at__lt=then) | Q(session__revoked_at__lt=then)),
        AuthSession.objects.filter(Q(expires_at__lt=then) | Q(revoked_at__lt=then)),
        KeptAnswer.objects.filter(created_at__lt=now - ANSWERS_KEPT_FOR),
        KeptAnswer.objects.filter(pk__in=_answers_too_many()),
        EmailCode.objects.filter(created_at__lt=now - ANSWERS_KEPT_FOR),
    ]
    return sum(discard_in_batches(rows) for rows in over)


def _answers_too_many() -> "QuerySet[Any]":
    by_age = Window(RowNumber(), partition_by=F("user"), order_by=F("created_at").desc())
    return KeptAnswer.objects.alias(place=by_age).filter(place__gt=MOST_ANSWERS).order_by().values("pk")


def discard_in_batches(rows: "QuerySet[Any]") -> int:
    """Delete these rows, BATCH in a transaction; those that another worker holds are left to it. Returns how many."""
    rows, discarded = rows.order_by(), 0
    while batch := _discard_some(rows, list(rows.values_list("pk", flat=True)[:BATCH])):
        discarded += batch
    return discarded


@transaction.atomic
def _discard_some(rows: "QuerySet[Any]", ids: list[Any]) -> int:
    free = list(rows.filter(pk__in=ids).select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True))
    rows.model.objects.filter(pk__in=free).delete()
    return len(free)
