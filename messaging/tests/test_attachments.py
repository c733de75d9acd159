"""Files of messages: what is kept of them, how many, and how they go again."""

import hashlib
import threading
from contextlib import suppress
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from PIL import ExifTags, Image

from marketplace.uploads import UploadError, drawing, pictures
from messaging import services
from messaging.exceptions import TooFast
from messaging.models import Attachment, Message
from messaging.services import attachments
from messaging.services.attachments import MOST_BYTES, MOST_BYTES_A_DAY
from messaging.tests.test_conversations import a_file, at_once, say

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"
LATER = timedelta(days=1, minutes=1)


def upload(data: bytes = b"the work", name: str = "work.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/png")  # what a browser claims counts for nothing


def picture(size=(1000, 500), format="JPEG", **options) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, format, **options)
    return out.getvalue()


def bytes_of(file) -> bytes:
    with file.storage.open(file.name) as stored:
        return stored.read()


def in_store() -> set[str]:
    store = storages["private"]
    return {f"messages/{name}" for name in store.listdir("messages")[1]} if store.exists("messages") else set()


@pytest.fixture(autouse=True)
def _empty_store():
    for name in in_store():
        storages["private"].delete(name)


# --- What is kept ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("format", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_a_picture_is_drawn_afresh_and_gets_a_preview(buyer, format, media_type):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "taken at home"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    data = picture(format=format, exif=exif)
    assert b"taken at home" in data
    row = services.hand_in(actor=buyer, upload=upload(data, "Old name.jpg"))
    kept = bytes_of(row.file)
    assert b"taken at home" not in kept
    assert (row.content_type, row.name, row.size, row.message) == (media_type, "Old_name.jpg", len(kept), None)
    assert row.sha256 == hashlib.sha256(data).hexdigest()
    with Image.open(BytesIO(kept)) as full, Image.open(BytesIO(bytes_of(row.preview))) as small:
        assert (full.size, full.format) == ((1000, 500), format)
        assert (dict(full.getexif()), dict(small.getexif())) == ({}, {})
        assert (small.size, small.format, row.width, row.height) == ((640, 320), "WEBP", 640, 320)


def test_work_is_kept_byte_for_byte_and_only_ever_downloaded(buyer, stranger, sign_in):
    data = picture(comment=b"layers and all")
    row = services.hand_in(actor=buyer, upload=upload(data, "final.jpg"), as_it_is=True)
    assert (bytes_of(row.file), row.sha256) == (data, hashlib.sha256(data).hexdigest())
    assert (row.name, row.content_type, row.size) == ("final.jpg", "image/jpeg", len(data))
    assert (bool(row.preview), row.width) == (False, None)
    answer = sign_in(buyer).get(reverse("messaging:file", args=[row.pk]))
    assert (answer["Content-Disposition"], b"".join(answer)) == ('attachment; filename="final.jpg"', data)
    assert sign_in(buyer).get(reverse("messaging:preview", args=[row.pk])).status_code == 404
    assert sign_in(stranger).get(reverse("messaging:file", args=[row.pk])).status_code == 404


def test_work_is_as_small_as_a_delivery_takes_it(buyer, settings):
    settings.MAX_UPLOAD_BYTES = 1024
    with pytest.raises(UploadError):
        services.hand_in(actor=buyer, upload=upload(b"x" * 1025), as_it_is=True)
    assert (Attachment.objects.count(), in_store()) == (0, set())


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((300, 200), (300, 200)),
        ((300, 6000), (64, 1280)),
        ((6000, 300), (640, 32)),
        ((1, 60_000), (1, 1280)),
        ((60_000, 1), (640, 1)),
    ],
)
def test_a_preview_is_never_larger_than_the_picture_nor_endlessly_long(buyer, size, shown):
    row = services.hand_in(actor=buyer, upload=upload(picture(size, "PNG")))
    assert (row.width, row.height) == shown


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (SVG, "logo.svg"),
        (HTML, "page.html"),
        (HTML, "page.png"),
        (b"%PDF-1.7 x" + HTML, "a.pdf"),
        (b"PK\x03\x04zip", "a.zip"),
        (b"GIF89a" + HTML, "moving.gif"),
    ],
)
def test_anything_else_stays_byte_for_byte_and_is_only_ever_downloaded(buyer, sign_in, data, name):
    row = services.hand_in(actor=buyer, upload=upload(data, name))
    assert (bytes_of(row.file), row.name, bool(row.preview), row.width) == (data, name, False, None)
    answer = sign_in(buyer).get(f"/messages/files/{row.pk}/")
    assert answer.getvalue() == data
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["Content-Type"] not in ("image/svg+xml", "image/png") and not answer["Content-Type"].startswith("text")
    assert sign_in(buyer).get(f"/messages/files/{row.pk}/preview/").status_code == 404


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_of_a_moving_picture_only_the_first_frame_is_kept(buyer, format):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("teal", "red", "blue")]
    row = services.hand_in(actor=buyer, upload=upload(picture((40, 30), format, save_all=True, append_images=frames[1:])))
    with Image.open(BytesIO(bytes_of(row.file))) as kept:
        assert (kept.size, getattr(kept, "n_frames", 1)) == ((40, 30), 1)


def test_what_is_read_is_neither_guessed_at_nor_run_nor_stored(buyer, sign_in):
    for data in (HTML, picture()):
        row = services.hand_in(actor=buyer, upload=upload(data, "Übersicht भाग\u202e.html"))
        answer = sign_in(buyer).get(reverse("messaging:file", args=[row.pk]))
        assert answer.getvalue() == bytes_of(row.file)
        kind = "inline" if row.preview else "attachment"
        assert answer["Content-Disposition"] == f"{kind}; filename*=utf-8''%C3%9Cbersicht_%E0%A4%AD%E0%A4%BE%E0%A4%97.html"
        assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "private, no-store")
        policy = [rule.strip() for rule in answer["Content-Security-Policy"].split(";")]
        assert {"default-src 'none'", "sandbox"} <= {*policy}


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n" + b"damaged" * 10, bytes(MOST_BYTES + 1)], ids=["empty", "damaged", "too large"]
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(buyer, data):
    with pytest.raises(UploadError):
        services.hand_in(actor=buyer, upload=upload(data))
    assert (Attachment.objects.count(), in_store()) == (0, set())


def test_twenty_megabytes_are_taken(buyer):
    assert services.hand_in(actor=buyer, upload=upload(bytes(MOST_BYTES))).size == 20 * 1024 * 1024


def test_a_file_whose_row_cannot_be_written_leaves_no_bytes(buyer, monkeypatch):
    def broken(*args, **options):
        raise OSError

    monkeypatch.setattr(Attachment, "save", broken)
    with pytest.raises(OSError):
        services.hand_in(actor=buyer, upload=upload(picture()))
    assert in_store() == set()


@pytest.mark.django_db(transaction=True)
def test_a_file_whose_commit_fails_leaves_no_bytes(buyer, monkeypatch):
    def broken():
        raise OperationalError

    with monkeypatch.context() as broken_database:
        broken_database.setattr(connection, "_commit", broken)
        with pytest.raises(OperationalError):
            services.hand_in(actor=buyer, upload=upload(picture()))
    assert (Attachment.objects.count(), in_store()) == (0, set())


def test_a_full_disk_leaves_no_half_file(buyer, monkeypatch):
    def half(self, chunk_size=None):
        yield b"half of"
        raise OSError

    monkeypatch.setattr(ContentFile, "chunks", half)
    with pytest.raises(OSError):
        services.hand_in(actor=buyer, upload=upload())
    assert (Attachment.objects.count(), in_store()) == (0, set())


# --- How many -------------------------------------------------------------------------------------------------------
def test_only_so_many_are_handed_in_within_an_hour_the_refused_ones_too(buyer, stranger, monkeypatch):
    monkeypatch.setattr(attachments, "MOST_AN_HOUR", 3)
    half_past = timezone.now().replace(minute=30, second=0, microsecond=0)
    with time_machine.travel(half_past, tick=False) as clock:
        for data in (b"one", b"two", b""):
            with suppress(UploadError):
                services.hand_in(actor=buyer, upload=upload(data))
        with pytest.raises(TooFast, match=r"3 files within an hour\. Try again in 31\xa0minutes"):
            services.hand_in(actor=buyer, upload=upload())
        services.hand_in(actor=stranger, upload=upload())
        clock.shift(timedelta(minutes=31))
        services.hand_in(actor=buyer, upload=upload())
    assert Attachment.objects.filter(uploader=buyer).count() == 3


def test_only_so_much_is_handed_in_within_a_day(buyer, freelancer):
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        a_file(buyer, created_at=now - timedelta(hours=20))
        file = a_file(buyer, size=MOST_BYTES_A_DAY - 6, created_at=now - timedelta(hours=10))
        say(buyer, freelancer, file_ids=[file.pk])
        services.hand_in(actor=buyer, upload=upload(b"six..."))
        with pytest.raises(TooFast, match=r"500 MB within a day\. Try again in 14\xa0hours, 1\xa0minute\."):
            services.hand_in(actor=buyer, upload=upload())
        clock.shift(timedelta(hours=14, minutes=1))
        services.hand_in(actor=buyer, upload=upload())


def test_files_taken_away_again_do_not_keep_others_from_being_sent(buyer):
    for _n in range(30):
        a_file(buyer)
    assert services.hand_in(actor=buyer, upload=upload()).message is None


def test_a_script_is_told_to_come_back_later(buyer, sign_in, monkeypatch):
    monkeypatch.setattr(pictures, "LONGEST_WAIT", 0.01)
    monkeypatch.setattr(attachments, "MOST_AN_HOUR", 1)
    client, address = sign_in(buyer), reverse("messaging:upload")
    with drawing():
        busy = client.post(address, {"file": upload(picture())})
    too_fast = client.post(address, {"file": upload()})
    assert [(one.status_code, one.json()["code"]) for one in (busy, too_fast)] == [(503, "busy"), (429, "too_fast")]
    assert Attachment.objects.count() == 0


# --- How they go ----------------------------------------------------------------------------------------------------
@pytest.fixture
def sweep(django_capture_on_commit_callbacks):
    def run(after=LATER) -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return services.discard_loose_files(now=timezone.now() + after)

    return run


def test_a_file_never_sent_goes_after_a_day_with_its_preview(buyer, sweep):
    services.hand_in(actor=buyer, upload=upload(picture()))
    assert (sweep(timedelta(hours=23)), len(in_store())) == (0, 2)
    assert (sweep(), Attachment.objects.count(), in_store()) == (1, 0, set())


def test_a_file_that_was_sent_stays(buyer, freelancer, sweep):
    row = services.hand_in(actor=buyer, upload=upload())
    say(buyer, freelancer, file_ids=[row.pk])
    assert (sweep(timedelta(days=4000)), in_store()) == (0, {row.file.name})


def test_files_of_a_deleted_message_are_gone_for_both_at_once_and_from_the_store_after_a_day(buyer, freelancer, sign_in, sweep):
    row = services.hand_in(actor=buyer, upload=upload())
    message = say(buyer, freelancer, file_ids=[row.pk])
    services.change_message(actor=buyer, message_id=message.pk, content=None)
    assert [sign_in(who).get(f"/messages/files/{row.pk}/").status_code for who in (buyer, freelancer)] == [404, 404]
    assert (sweep(timedelta(hours=23)), in_store()) == (0, {row.file.name})
    assert (sweep(), Attachment.objects.count(), in_store()) == (1, 0, set())


def test_files_of_a_reported_message_stay_whatever_its_sender_does(buyer, freelancer, sweep):
    row = services.hand_in(actor=buyer, upload=upload())
    message = say(buyer, freelancer, file_ids=[row.pk])
    services.change_message(actor=buyer, message_id=message.pk, content=None)
    services.report(actor=freelancer, message_id=message.pk, reason="scam")
    assert (sweep(), in_store()) == (0, {row.file.name})


def test_the_sweep_goes_through_any_number_and_survives_a_file_that_is_gone(buyer, sweep, monkeypatch):
    monkeypatch.setattr(attachments, "BATCH", 2)
    gone, *_others = [a_file(buyer, file=f"messages/{n}.pdf") for n in range(5)]
    assert not storages["private"].exists(gone.file.name)
    assert (sweep(), Attachment.objects.count()) == (5, 0)


def test_a_store_that_fails_for_one_file_does_not_keep_the_others(buyer, sweep, monkeypatch):
    rows = [services.hand_in(actor=buyer, upload=upload()) for _n in range(3)]
    store = storages["private"]
    delete = store.delete

    def failing(name):
        if name == rows[0].file.name:
            raise OSError
        delete(name)

    monkeypatch.setattr(type(store), "delete", lambda self, name: failing(name))
    assert (sweep(), in_store()) == (3, {rows[0].file.name})


def test_the_command_makes_the_same_sweep(buyer):
    a_file(buyer, created_at=timezone.now() - LATER)
    out = StringIO()
    call_command("discard_loose_files", stdout=out)
    assert (out.getvalue(), Attachment.objects.count()) == ("1 discarded\n", 0)


# --- Races ----------------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_files_handed_in_at_once_do_not_pass_the_limit(buyer):
    a_file(buyer, size=MOST_BYTES_A_DAY - 10)
    faults = at_once(*[lambda: services.hand_in(actor=buyer, upload=upload(b"eight...")) for _n in range(6)])
    assert [type(fault) for fault in faults] == [TooFast] * 4
    assert (Attachment.objects.count(), len(in_store())) == (3, 2)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_being_sent_is_not_discarded(buyer, freelancer):
    row = a_file(buyer, created_at=timezone.now() - LATER)
    sent, swept = threading.Event(), threading.Event()

    def send_slowly():
        with transaction.atomic():
            say(buyer, freelancer, file_ids=[row.pk])
            sent.set()
            swept.wait(10)

    def sweep():
        sent.wait(10)
        found.append(services.discard_loose_files(now=timezone.now()))
        swept.set()

    found: list[int] = []
    assert at_once(send_slowly, sweep) == []
    row.refresh_from_db()
    assert (found, row.message.content) == ([0], "Hello")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_file_of_a_message_that_is_being_reported_is_not_discarded(buyer, freelancer):
    row = a_file(buyer)
    message = say(buyer, freelancer, file_ids=[row.pk])
    with time_machine.travel(timezone.now() - LATER):
        Message.objects.filter(pk=message.pk).update(content="", deleted_at=timezone.now())
    found: list[int] = []
    with transaction.atomic():
        services.report(actor=freelancer, message_id=message.pk, reason="scam")
        assert at_once(lambda: found.append(services.discard_loose_files(now=timezone.now()))) == []
    assert (found, Attachment.objects.filter(pk=row.pk).exists()) == ([0], True)
