"""The first answer to a write with an Idempotency-Key, so that the same write sent again is answered and not done again.

All of it stands in one transaction around the write: `reserve_key`, the write itself, `keep_answer`. What fails rolls back, and
the key is free again.
"""

import hashlib
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.exceptions import KeyInUse, KeyUsedOtherwise
from accounts.models import KeptAnswer, User

KEPT_FOR = timedelta(hours=24)
MOST_KEPT = 5000  # of one person: more than a day of a busy program, and not so many that the table is theirs


def kept_answer(*, user: User, key: str, fingerprint: str) -> KeptAnswer | None:
    """What this key was answered within KEPT_FOR; KeyUsedOtherwise where it came with something else."""
    answer = KeptAnswer.objects.filter(user=user, key=key, created_at__gt=timezone.now() - KEPT_FOR).first()
    if answer and not constant_time_compare(answer.fingerprint, fingerprint):
        raise KeyUsedOtherwise(
            _("This Idempotency-Key was used for another request. Send the same request again, or take another key.")
        )
    return answer


def reserve_key(*, user: User, key: str, fingerprint: str) -> KeptAnswer | None:
    """None: the key is this request's, and its answer is to be kept. Otherwise the answer it was given; see `kept_answer`.

    KeyInUse while the same write is still under way. Only inside the write's own transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A key is reserved in the transaction of the write, or the write could be done twice.")
    if not _is_mine(user, key):
        raise KeyInUse(_("This request is under way already. Send it again in a second, for its answer."))
    now = timezone.now()
    KeptAnswer.objects.filter(user=user, key=key, created_at__lte=now - KEPT_FOR).delete()
    try:
        with transaction.atomic():
            KeptAnswer.objects.create(user=user, key=key, fingerprint=fingerprint, created_at=now)
    except IntegrityError:
        return kept_answer(user=user, key=key, fingerprint=fingerprint)
    return None


def _is_mine(user: User, key: str) -> bool:
    """Until the transaction ends. Who comes second is not kept waiting: each that waits has a connection, of which there are few.

    SQLite has one writer at a time, and as many connections as threads: the second writes when the first has ended.
    """
    if connection.vendor != "postgresql":
        return True
    named = hashlib.sha256(f"idempotency {user.pk} {key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s::bigint)", [int.from_bytes(named, signed=True)])
        return bool(cursor.fetchone()[0])


def keep_answer(*, user: User, key: str, fingerprint: str, status: int, content_type: str, body: str) -> None:
    """Keep what the write was answered, on the row that `reserve_key` made in this transaction."""
    row = KeptAnswer.objects.get(user=user, key=key, fingerprint=fingerprint, status__isnull=True)
    row.status, row.content_type, row.body = status, content_type, body
    row.save(update_fields=["status", "content_type", "body"])
