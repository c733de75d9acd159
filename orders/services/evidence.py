"""Files and notes that a party or a moderator adds to a case."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.uploads import CheckedFile, discard_files_on_error, discard_on_error
from orders.exceptions import ActionNotAllowed, DisputeRefused
from orders.models import Dispute, Evidence
from orders.selectors import is_party
from orders.selectors.disputes import evidence_left, sees_all


def add_evidence(*, actor: User, dispute_id: UUID, note: str, audience: str, file: CheckedFile | None = None) -> Evidence:
    """Add a note, with a file or without, for everybody on the case or for moderators alone. A double click adds it once.

    At most 10 a person, while the case is open. Raises ActionNotAllowed for a stranger, DisputeRefused.
    """
    if not note.strip() or audience not in Evidence.Audience.values:
        raise DisputeRefused(_("Say what this shows, and who may see it."))
    with discard_files_on_error() as undo, transaction.atomic():
        dispute = Dispute.objects.select_for_update(of=("self",)).select_related("order").get(pk=dispute_id)
        same = {"author": actor, "note": note, "audience": audience, "sha256": file.sha256 if file else ""}
        added = dispute.evidence.filter(**same).first()
        if added:
            return added
        _check_open_to(actor, dispute)
        row = Evidence(dispute=dispute, created_at=timezone.now(), **same)
        if file:
            row.name, row.content_type, row.size = file.display_name, file.content_type, file.size
            discard_on_error(undo, row.file, file.stored_name)
            row.file.save(file.stored_name, file.content, save=False)
        row.save(force_insert=True)
    return row


def _check_open_to(actor: User, dispute: Dispute) -> None:
    if not is_party(actor, dispute.order) and not sees_all(actor, dispute.order):
        raise ActionNotAllowed(_("Only the two sides and moderators add evidence."))
    if not dispute.is_open:
        raise DisputeRefused(_("This dispute is closed, so no more evidence can be added."))
    if not evidence_left(actor, dispute):
        raise DisputeRefused(_("You have added ten pieces of evidence, which is the most. Write to the moderator for more."))
