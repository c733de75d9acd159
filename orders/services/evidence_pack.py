"""All of a case in one ZIP: a page to read offline, the files, and their SHA-256 sums. Made while it is sent."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models.fields.files import FieldFile
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from zipstream import ZIP_DEFLATED, ZIP_STORED, ZipStream

from accounts.models import User
from marketplace.uploads import display_name
from orders.models import DeliveryFile, Dispute, Evidence, PaymentProof
from orders.selectors.disputes import list_evidence_for, list_statements_for, sees_all
from orders.timeline import timeline

CHUNK = 64 * 1024  # bytes
PAGE, SUMS = "index.html", "SHA256SUMS"
MISSING = b"This file is missing from the store.\n"
STYLE = """
  :root { color-scheme: light dark; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
  section { margin-block: 2.5rem; } article { margin-block: 1.5rem; padding-inline-start: 1rem; border-inline-start: 3px solid; }
  dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .25rem 1rem; } dd { margin: 0; }
  small { opacity: .75; } code { font-size: .85em; }
"""


@dataclass(frozen=True)
class PackedFile:
    """A file, and its place in the ZIP."""

    path: str
    file: FieldFile
    row: Evidence | DeliveryFile | PaymentProof


def pack_name(dispute: Dispute) -> str:
    """A name of letters, digits and dashes alone."""
    return display_name(f"case-{dispute.order.payment_reference}-{dispute.number}.zip")


def stream_pack(*, viewer: User, dispute: Dispute) -> Iterator[bytes]:
    """The ZIP in pieces, holding one piece of a file at a time.

    A party gets what they may see on the case's page; a moderator everything but what moderators write among themselves.
    """
    files = _files(viewer, dispute)
    page = render_to_string("orders/dispute/pack.html", _words(viewer, dispute, files))
    sums: dict[str, str] = {}
    archive = ZipStream(compress_type=ZIP_STORED)
    archive.add(_summed(PAGE, iter([page.encode()]), sums), PAGE, compress_type=ZIP_DEFLATED)
    for packed in files:
        archive.add(_summed(packed.path, _pieces(packed.file), sums), packed.path)
    archive.add(_listed(sums), SUMS)
    return iter(archive)


def _files(viewer: User, dispute: Dispute) -> list[PackedFile]:
    evidence = [row for row in list_evidence_for(viewer, dispute) if row.file]
    handed_over = DeliveryFile.objects.filter(delivery__order=dispute.order).select_related("delivery")
    proofs = [proof for proof in dispute.order.proofs.all() if proof.receipt]
    return [
        *(PackedFile(f"evidence/{n:02}-{display_name(row.name)}", row.file, row) for n, row in enumerate(evidence, 1)),
        *(
            PackedFile(f"deliveries/{row.delivery.number}/{n:02}-{display_name(row.name)}", row.file, row)
            for n, row in enumerate(handed_over, 1)
        ),
        *(PackedFile(f"receipts/{row.attempt:02}-{display_name(row.receipt_name)}", row.receipt, row) for row in proofs),
    ]


def _words(viewer: User, dispute: Dispute, files: list[PackedFile]) -> dict[str, object]:
    order = dispute.order
    return {
        "style": format_html("<style>{}</style>", STYLE),
        "made_at": timezone.now(),
        "order": order,
        "dispute": dispute,
        "for_staff": sees_all(viewer, order),
        "statements": list_statements_for(viewer, dispute),
        "evidence": list_evidence_for(viewer, dispute),
        "offers": dispute.offers.select_related("offered_by"),
        "rulings": dispute.rulings.select_related("moderator"),
        "answers": order.answers.all(),
        "deliveries": order.deliveries.all(),
        "revisions": order.revision_requests.all(),
        "proofs": order.proofs.all(),
        "events": timeline(order),
        "files": files,
    }


def _pieces(file: FieldFile) -> Iterator[bytes]:
    try:
        with file.storage.open(str(file.name), "rb") as handle:
            yield from handle.chunks(CHUNK)
    except FileNotFoundError:
        yield MISSING


def _summed(path: str, pieces: Iterator[bytes], sums: dict[str, str]) -> Iterator[bytes]:
    """The same pieces; when they are through, `sums` knows what went into the ZIP."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    sums[path] = digest.hexdigest()


def _listed(sums: dict[str, str]) -> Iterator[bytes]:
    """As `sha256sum --check` reads it. The last file of the ZIP: asked for when all others are through."""
    yield "".join(f"{digest}  {path}\n" for path, digest in sums.items()).encode()
