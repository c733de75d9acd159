"""Files that were handed in before, as a step takes them."""

import hashlib
import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

from accounts.models import User
from marketplace.exceptions import DomainError
from marketplace.uploads import UploadError, check_receipt
from messaging.models import Attachment
from messaging.services import hand_in, send_message
from orders.exceptions import FileGone, FileRedrawn
from orders.models import Order
from orders.selectors import list_earlier_uses
from orders.services import evidence, payments
from orders.services.handed_in import take_receipt, take_work
from orders.states import Status
from orders.tests.disputing import disputed
from orders.tests.factories import deliver, hand_in_proof, order_in

PDF = b"%PDF-1.4\nThe bank says yes.\n%%EOF"
Take = Callable[[User, Attachment], Any]


def photo(words: str = "taken at home") -> bytes:
    exif, out = Image.Exif(), BytesIO()
    exif[ExifTags.Base.ImageDescription] = words
    Image.new("RGB", (60, 40), "teal").save(out, "JPEG", exif=exif)
    return out.getvalue()


def given(by: User, data: bytes = b"the work", name: str = "logo.zip", **options: bool) -> Attachment:
    return hand_in(actor=by, upload=SimpleUploadedFile(name, data), **options)


def work(actor: User, *files: Attachment) -> list[bytes]:
    return [b"".join(file.content.chunks()) for file in take_work(actor=actor, file_ids=[file.pk for file in files])]


def kept() -> set[Path]:
    return {path for path in settings.PRIVATE_ROOT.rglob("*") if path.is_file()}


@pytest.fixture
def running(buyer: User, freelancer: User) -> Order:
    return order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)


# --- Work -----------------------------------------------------------------------------------------------------------
def test_work_comes_in_its_order_each_file_once_with_its_name_type_and_digest(freelancer: User):
    first, second = given(freelancer), given(freelancer, PDF, "Plan März.pdf")
    files = take_work(actor=freelancer, file_ids=[second.pk, first.pk, second.pk])
    assert [(file.display_name, file.content_type, file.size) for file in files] == [
        ("Plan_März.pdf", "application/pdf", len(PDF)),
        ("logo.zip", "application/octet-stream", 8),
    ]
    assert [file.sha256 for file in files] == [hashlib.sha256(data).hexdigest() for data in (PDF, b"the work")]


def test_no_files_are_no_files(freelancer: User):
    assert take_work(actor=freelancer, file_ids=[]) == []


def test_a_picture_handed_in_as_work_is_delivered_byte_for_byte(running: Order, freelancer: User):
    row = given(freelancer, photo(), "final.jpg", as_it_is=True)
    order = deliver(running, files=take_work(actor=freelancer, file_ids=[row.pk]))
    (file,) = order.deliveries.get().files.all()
    with file.file.open() as stored:
        assert stored.read() == photo()
    assert (file.name, file.content_type, file.sha256) == ("final.jpg", "image/jpeg", hashlib.sha256(photo()).hexdigest())
    assert Attachment.objects.get().file.name != file.file.name


def test_a_picture_drawn_afresh_for_a_message_is_no_work(freelancer: User):
    row = given(freelancer, photo(), "final.jpg")
    with pytest.raises(FileRedrawn) as refusal:
        take_work(actor=freelancer, file_ids=[row.pk])
    assert refusal.value.code == "file_redrawn"
    assert refusal.value.message.startswith("“final.jpg” was handed in for a message")


def test_evidence_is_taken_the_same_way(running: Order, buyer: User):
    dispute = disputed(running, buyer).disputes.get()
    (file,) = take_work(actor=buyer, file_ids=[given(buyer, photo(), "chat.jpg", as_it_is=True).pk])
    row = evidence.add_evidence(actor=buyer, dispute_id=dispute.pk, note="What was said.", audience="all", file=file)
    with row.file.open() as stored:
        assert stored.read() == photo()


def test_what_is_too_large_for_a_delivery_is_refused(freelancer: User, settings):
    row = given(freelancer, b"x" * 2048)
    settings.MAX_UPLOAD_BYTES = 1024
    with pytest.raises(UploadError):
        take_work(actor=freelancer, file_ids=[row.pk])


def test_the_file_stays_where_it_was_handed_in(freelancer: User):
    row = given(freelancer)
    assert work(freelancer, row) == work(freelancer, row) == [b"the work"]
    assert Attachment.objects.get() == row


# --- Receipts -------------------------------------------------------------------------------------------------------
def test_a_receipt_is_drawn_afresh(buyer: User):
    for options in ({}, {"as_it_is": True}):
        file = take_receipt(actor=buyer, file_id=given(buyer, photo(), "slip.jpg", **options).pk)
        kept = file.content.read()
        assert b"taken at home" not in kept
        assert (file.display_name, file.content_type, file.size) == ("slip.jpg", "image/jpeg", len(kept))


def test_a_pdf_stays_as_it_is(buyer: User):
    assert take_receipt(actor=buyer, file_id=given(buyer, PDF, "slip.pdf").pk).content.read() == PDF


@pytest.mark.parametrize("options", [{}, {"as_it_is": True}])
def test_a_receipt_used_before_is_known_however_it_came(options: dict[str, bool], buyer: User, freelancer: User):
    first = hand_in_proof(
        order_in(client=buyer, freelancer=freelancer), receipt=check_receipt(SimpleUploadedFile("slip.jpg", photo()))
    )
    order = hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=None)
    receipt = take_receipt(actor=buyer, file_id=given(buyer, photo(), "other.jpg", **options).pk)
    payments.attach_receipt(actor=buyer, order_id=order.pk, receipt=receipt)
    assert [(use.proof, use.same_file) for use in list_earlier_uses(order.proofs.get())] == [(first.proofs.get(), True)]


@pytest.mark.parametrize("data", [b"the work", b"<svg/>", b"%PDF-1.4 cut off"])
def test_what_is_no_receipt_is_refused(data: bytes, buyer: User):
    with pytest.raises(UploadError):
        take_receipt(actor=buyer, file_id=given(buyer, data, "slip.pdf").pk)


# --- Gone -----------------------------------------------------------------------------------------------------------
TAKES: list[Take] = [
    lambda actor, row: take_work(actor=actor, file_ids=[row.pk]),
    lambda actor, row: take_receipt(actor=actor, file_id=row.pk),
]


def refused(take: Take, actor: User, row: Attachment) -> DomainError:
    with pytest.raises(FileGone) as refusal:
        take(actor, row)
    assert refusal.value.code == "file_gone"
    return refusal.value


@pytest.mark.parametrize("take", TAKES)
def test_a_file_of_somebody_else_is_as_one_that_never_was(take: Take, buyer: User, stranger: User):
    theirs, nobodys = given(buyer, PDF, "slip.pdf"), Attachment(pk=uuid.uuid4())
    said = [refused(take, stranger, row).message.replace(str(row.pk), "…") for row in (theirs, nobodys)]
    assert said[0] == said[1] == "The file … is not here any more, or was sent in a message. Hand it in again."


@pytest.mark.parametrize("take", TAKES)
def test_a_file_sent_in_a_message_is_gone(take: Take, buyer: User, running: Order):
    row = given(buyer, PDF, "slip.pdf")
    send_message(
        actor=buyer, receiver_id=running.freelancer_id, content="See this.", client_id=uuid.uuid4().hex, file_ids=[row.pk]
    )
    assert str(row.pk) in refused(take, buyer, row).message


@pytest.mark.parametrize("take", TAKES)
def test_a_file_that_left_the_store_a_moment_ago_is_named(take: Take, buyer: User):
    row = given(buyer, PDF, "slip.pdf")
    row.file.storage.delete(row.file.name)
    assert refused(take, buyer, row).message == "The file “slip.pdf” is not here any more. Hand it in again."


def test_work_is_read_when_it_is_copied_and_not_before(freelancer: User, monkeypatch: pytest.MonkeyPatch):
    row = given(freelancer)
    with monkeypatch.context() as closed:
        closed.setattr("django.core.files.storage.FileSystemStorage._open", lambda *_args, **_options: 1 / 0)
        (file,) = take_work(actor=freelancer, file_ids=[row.pk])
    assert b"".join(file.content.chunks()) == b"the work"


def test_work_that_leaves_the_store_before_it_is_copied_is_named_and_nothing_is_kept(running: Order, freelancer: User):
    rows = [given(freelancer), given(freelancer, PDF, "slip.pdf")]
    files = take_work(actor=freelancer, file_ids=[row.pk for row in rows])
    rows[1].file.storage.delete(rows[1].file.name)
    before = kept()
    with pytest.raises(FileGone, match=r"slip\.pdf"):
        deliver(running, files=files)
    assert (running.deliveries.count(), kept()) == (0, before)


def test_of_several_the_missing_one_is_named(freelancer: User):
    missing = uuid.uuid4()
    with pytest.raises(FileGone) as refusal:
        take_work(actor=freelancer, file_ids=[given(freelancer).pk, missing])
    assert str(missing) in refusal.value.message
