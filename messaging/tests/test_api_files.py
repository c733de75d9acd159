"""Files by the API: handed in for what comes, and given to who may see them."""

import uuid

import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.tests.api import bearer
from messaging import services
from messaging.models import Attachment
from messaging.services import attachments
from messaging.services.attachments import MOST_BYTES
from messaging.tests.test_api_messages import code, send
from messaging.tests.test_attachments import bytes_of, in_store, picture
from messaging.tests.test_conversations import a_file, say

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_store():
    for name in in_store():
        storages["private"].delete(name)


def hand_in(user, data=b"the work", name="work.zip", **more):
    headers = more.pop("headers", {})
    return bearer(user).post("/api/attachments", {"file": SimpleUploadedFile(name, data, "image/png"), **more}, headers=headers)


def body_of(answer) -> bytes:
    return b"".join(answer.streaming_content)


# --- Handing in -----------------------------------------------------------------------------------------------------
def test_a_file_is_handed_in_and_sent(buyer, freelancer, settings):
    answer = hand_in(buyer)
    row = Attachment.objects.get()
    assert (answer.status_code, row.uploader, row.message) == (201, buyer, None)
    assert answer.json() == {
        "id": str(row.pk),
        "name": "work.zip",
        "size": 8,
        "content_type": "application/octet-stream",
        "url": f"{settings.SITE_URL}/api/attachments/{row.pk}",
        "preview": None,
        "width": None,
        "height": None,
    }
    sent = send(buyer, freelancer, "", file_ids=[str(row.pk)])
    assert (sent.status_code, sent.json()["files"]) == (201, [answer.json()])


def test_a_picture_is_drawn_afresh_and_gets_a_preview(buyer, settings):
    data = picture(comment=b"secret")
    shown = hand_in(buyer, data, "photo.jpg").json()
    row = Attachment.objects.get()
    assert (shown["content_type"], shown["width"], shown["height"]) == ("image/jpeg", 640, 320)
    assert shown["preview"] == f"{settings.SITE_URL}/api/attachments/{row.pk}/preview"
    assert b"secret" not in bytes_of(row.file)
    assert shown["size"] == len(bytes_of(row.file))


def test_work_is_kept_byte_for_byte(buyer):
    data = picture(comment=b"of the camera")
    shown = hand_in(buyer, data, "photo.jpg", purpose="work").json()
    assert (shown["content_type"], shown["preview"], shown["size"]) == ("image/jpeg", None, len(data))
    assert bytes_of(Attachment.objects.get().file) == data


@pytest.mark.parametrize("purpose", ["play", "", "Work"])
def test_a_file_is_for_one_of_two_things(buyer, purpose):
    answer = hand_in(buyer, purpose=purpose)
    assert (code(answer), list(answer.json()["fields"])) == ((422, "invalid"), ["purpose"])
    assert (Attachment.objects.count(), in_store()) == (0, set())


def test_no_file_or_an_empty_or_broken_one_is_refused_by_its_field(buyer):
    program = bearer(buyer)
    answers = [
        program.post("/api/attachments"),
        program.post("/api/attachments", {"file": "words"}),
        program.post("/api/attachments", {"file": "words"}, content_type="application/json"),
    ]
    assert [(code(answer), list(answer.json()["fields"])) for answer in answers] == [((422, "invalid"), ["file"])] * 3
    answers = [hand_in(buyer, b""), hand_in(buyer, picture()[:900], "photo.jpg")]
    assert [(code(answer), list(answer.json()["fields"])) for answer in answers] == [((422, "invalid_file"), ["file"])] * 2
    assert (Attachment.objects.count(), in_store()) == (0, set())


@pytest.mark.parametrize("name", ["file", "picture"])
def test_a_second_file_is_refused_and_not_lost(buyer, name):
    files = [SimpleUploadedFile(f"{number}.zip", b"the work") for number in range(2)]
    answer = bearer(buyer).post("/api/attachments", {"file": files if name == "file" else files[0], name: files})
    assert (code(answer), list(answer.json()["fields"])) == ((422, "invalid"), [name])
    assert (Attachment.objects.count(), in_store()) == (0, set())


def test_a_file_that_is_too_large_is_refused(buyer, settings):
    assert code(hand_in(buyer, b"x" * (MOST_BYTES + 1))) == (422, "invalid_file")
    settings.MAX_REQUEST_BYTES = 1000
    assert code(hand_in(buyer, b"x" * 1000)) == (413, "too_large")
    assert Attachment.objects.count() == 0


def test_a_retry_with_an_idempotency_key_keeps_one_file(buyer):
    first, again = [hand_in(buyer, headers={"Idempotency-Key": "one"}) for _twice in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert code(hand_in(buyer, b"other work", headers={"Idempotency-Key": "one"}))[0] == 409
    assert (Attachment.objects.count(), len(in_store())) == (1, 1)


def test_who_hands_in_too_many_is_told_to_wait(buyer, monkeypatch):
    cache.clear()
    monkeypatch.setattr(attachments, "MOST_AN_HOUR", 1)
    assert hand_in(buyer).status_code == 201
    refused = hand_in(buyer)
    assert code(refused) == (429, "too_fast")
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert Attachment.objects.count() == 1


def test_where_many_pictures_wait_the_next_comes_back_in_a_minute(buyer, monkeypatch):
    monkeypatch.setattr("marketplace.uploads.pictures._room.acquire", lambda **_options: False)
    refused = hand_in(buyer, picture(), "photo.jpg")
    assert (code(refused), refused["Retry-After"]) == ((429, "busy"), "60")
    assert (Attachment.objects.count(), in_store()) == (0, set())


# --- Getting them ---------------------------------------------------------------------------------------------------
def test_a_file_is_ones_own_until_it_is_sent_and_then_of_both(buyer, freelancer, stranger, moderator):
    here = f"/api/attachments/{hand_in(buyer).json()['id']}"
    answer = bearer(buyer).get(here)
    assert (answer.status_code, body_of(answer)) == (200, b"the work")
    assert answer["Content-Disposition"] == 'attachment; filename="work.zip"'
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("private, no-store", "nosniff")
    assert code(bearer(freelancer).get(here)) == (404, "not_found")
    message = say(buyer, freelancer, file_ids=[Attachment.objects.get().pk])
    assert body_of(bearer(freelancer).get(here)) == b"the work"
    assert [code(bearer(other).get(here)) for other in (stranger, moderator)] == [(404, "not_found")] * 2
    services.change_message(actor=buyer, message_id=message.pk, content=None)
    assert [code(bearer(side).get(here)) for side in (buyer, freelancer)] == [(404, "not_found")] * 2


def test_a_preview_is_of_a_picture_alone(buyer, freelancer):
    shown = hand_in(buyer, picture(), "photo.jpg").json()
    say(buyer, freelancer, file_ids=[uuid.UUID(shown["id"])])
    answer = bearer(freelancer).get(f"/api/attachments/{shown['id']}/preview")
    assert (answer["Content-Type"], body_of(answer)[:4]) == ("image/webp", b"RIFF")
    assert answer["Content-Disposition"].startswith("inline")
    work = hand_in(buyer).json()
    assert code(bearer(buyer).get(f"/api/attachments/{work['id']}/preview")) == (404, "not_found")


def test_a_file_that_is_missing_from_the_store_or_from_everywhere_is_a_404(buyer):
    for missing in (a_file(buyer).pk, uuid.uuid4()):
        assert code(bearer(buyer).get(f"/api/attachments/{missing}")) == (404, "not_found")
        assert code(bearer(buyer).get(f"/api/attachments/{missing}/preview")) == (404, "not_found")
