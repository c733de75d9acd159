"""Pictures of gigs for programs: handed in as a form with files, moved and removed."""

import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.models import User
from gigs.models import Gig, GigImage
from gigs.services import archive_gig, create_gig
from gigs.tests.factories import GigFactory, checked_picture, picture_bytes, picture_upload, stored_files
from gigs.tests.programs import program_of, send
from gigs.tests.test_services import LEAST
from marketplace.uploads import Busy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_called_yet() -> None:
    cache.clear()


@pytest.fixture
def gig(freelancer: User) -> Gig:
    return create_gig(actor=freelancer, pictures=[checked_picture(), checked_picture()], **LEAST)


def add(client: Client, gig: Gig, *files: Any, **options: Any) -> Any:
    return client.post(f"/api/gigs/{gig.pk}/images", {"files": list(files)} if files else {}, **options)


def pictures() -> list[tuple[int, int]]:
    """Id and place of each."""
    return list(GigImage.objects.order_by("position", "id").values_list("id", "position"))


def refused(answer: Any) -> tuple[int, str, list[str]]:
    return answer.status_code, answer.json()["code"], list(answer.json().get("fields", {}))


# --- Adding ---------------------------------------------------------------------------------------------------------
def test_one_or_several_come_after_the_others_drawn_afresh(gig: Gig, freelancer: User):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    secret = SimpleUploadedFile("home.jpg", picture_bytes("JPEG", size=(900, 600), exif=exif))
    before = [pk for pk, _place in pictures()]
    assert add(program_of(freelancer), gig, picture_upload()).status_code == 201
    answer = add(program_of(freelancer), gig, secret, picture_upload())
    shown = answer.json()
    assert answer.status_code == 201
    assert [image["id"] for image in shown["images"]] == [pk for pk, _place in pictures()]
    assert [place for _pk, place in pictures()] == [0, 1, 2, 3, 4]
    assert [image["id"] for image in shown["images"]][:2] == before
    assert [(image["width"], image["height"]) for image in shown["images"]][3:] == [(900, 600), (60, 40)]
    assert len(stored_files()) == 15
    for image in GigImage.objects.all():
        assert all(b"taken at home" not in _bytes(path) for path in image.paths)


def _bytes(path: str) -> bytes:
    with default_storage.open(path) as stored:
        data: bytes = stored.read()
    return data


def test_the_first_picture_of_a_gig_without_any_is_its_cover(freelancer: User):
    bare = GigFactory(freelancer=freelancer)
    shown = add(program_of(freelancer), bare, picture_upload()).json()
    assert [image["id"] for image in shown["images"]] == [Gig.objects.get().cover.pk]


def test_six_are_the_most(gig: Gig, freelancer: User):
    client = program_of(freelancer)
    before, files = pictures(), stored_files()
    assert refused(add(client, gig, *[picture_upload() for _ in range(5)])) == (409, "picture_count", [])
    assert refused(add(client, gig, *[picture_upload() for _ in range(7)])) == (422, "invalid", ["files"])
    assert (pictures(), stored_files()) == (before, files)
    assert add(client, gig, *[picture_upload() for _ in range(4)]).status_code == 201
    assert refused(add(client, gig, picture_upload())) == (409, "picture_count", [])


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.png"),
        (b"<svg/>", "drawing.svg"),
        (b"%PDF-1.4\n%%EOF", "paper.pdf"),
        (b"\x89PNG\r\n\x1a\ncut off", "torn.png"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_place_and_nothing_is_kept(gig: Gig, freelancer: User, data: bytes, name: str):
    before, files = pictures(), stored_files()
    answer = add(program_of(freelancer), gig, picture_upload(), SimpleUploadedFile(name, data))
    assert refused(answer) == (422, "invalid_file", ["files.1"])
    assert (pictures(), stored_files()) == (before, files)


def test_a_picture_larger_than_a_file_may_be_is_refused(gig: Gig, freelancer: User, settings: Any):
    settings.MAX_UPLOAD_BYTES = 100
    assert refused(add(program_of(freelancer), gig, picture_upload(size=(600, 400)))) == (422, "invalid_file", ["files.0"])


@pytest.mark.parametrize("body", [{}, {"files": ""}, {"pictures": "x"}])
def test_a_form_without_files_is_refused(gig: Gig, freelancer: User, body: dict[str, str]):
    answer = program_of(freelancer).post(f"/api/gigs/{gig.pk}/images", body)
    assert (answer.status_code, answer.json()["code"], pictures()) == (422, "invalid", pictures())


def test_when_too_many_are_drawn_just_now_it_says_when_to_come_again(gig: Gig, freelancer: User, monkeypatch: Any):
    def busy(*_args: Any, **_options: Any) -> Any:
        raise Busy("Many pictures are being worked on just now.")

    monkeypatch.setattr("gigs.api.check_picture", busy)
    answer = add(program_of(freelancer), gig, picture_upload())
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (429, "busy", "60")


def test_one_key_adds_them_once(gig: Gig, freelancer: User):
    client, key = program_of(freelancer), {"headers": {"Idempotency-Key": "one"}}
    first = add(client, gig, picture_upload(), **key)
    again = add(client, gig, picture_upload(), **key)
    other = add(client, gig, picture_upload(size=(90, 60)), **key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert (first.json(), len(pictures()), len(stored_files())) == (again.json(), 3, 9)


# --- Moving and removing --------------------------------------------------------------------------------------------
def test_a_picture_moves_to_its_place(gig: Gig, freelancer: User):
    client = program_of(freelancer)
    add(client, gig, picture_upload())
    one, two, three = (pk for pk, _place in pictures())
    for pk, place, order in ((three, 0, [three, one, two]), (three, 2, [one, two, three]), (one, 5, [two, three, one])):
        answer = send(client, "PATCH", f"gigs/{gig.pk}/images/{pk}", {"place": place})
        assert (answer.status_code, [image["id"] for image in answer.json()["images"]]) == (200, order)
        assert pictures() == list(zip(order, range(3), strict=True))


@pytest.mark.parametrize("place", [-1, 6, "0", None, 1.5, True])
def test_a_place_that_is_none_is_refused(gig: Gig, freelancer: User, place: Any):
    before = pictures()
    answer = send(program_of(freelancer), "PATCH", f"gigs/{gig.pk}/images/{before[1][0]}", {"place": place})
    assert refused(answer) == (422, "invalid", ["place"])
    assert pictures() == before


def test_a_removed_picture_takes_its_files_along(gig: Gig, freelancer: User, django_capture_on_commit_callbacks: Any):
    (first, _), (second, _) = pictures()
    with django_capture_on_commit_callbacks(execute=True):
        answer = send(program_of(freelancer), "DELETE", f"gigs/{gig.pk}/images/{first}")
    assert (answer.status_code, answer.content, pictures()) == (204, b"", [(second, 0)])
    assert stored_files() == sorted(GigImage.objects.get().paths)
    assert send(program_of(freelancer), "DELETE", f"gigs/{gig.pk}/images/{first}").status_code == 404


def test_the_last_one_stays(gig: Gig, freelancer: User):
    (first, _), (second, _) = pictures()
    send(program_of(freelancer), "DELETE", f"gigs/{gig.pk}/images/{first}")
    answer = send(program_of(freelancer), "DELETE", f"gigs/{gig.pk}/images/{second}")
    assert (refused(answer), pictures()) == ((409, "picture_count", []), [(second, 0)])


# --- Whose they are -------------------------------------------------------------------------------------------------
def calls(client: Client, gig: Gig, image_id: int | str) -> list[Any]:
    return [
        add(client, gig, picture_upload()),
        send(client, "PATCH", f"gigs/{gig.pk}/images/{image_id}", {"place": 0}),
        send(client, "DELETE", f"gigs/{gig.pk}/images/{image_id}"),
    ]


def test_only_the_owner_touches_them(gig: Gig, stranger: User, moderator: User):
    before, files = pictures(), stored_files()
    for who, status in ((None, 401), (stranger, 403), (moderator, 403)):
        assert [answer.status_code for answer in calls(program_of(who), gig, before[1][0])] == [status] * 3
    archive_gig(actor=gig.freelancer, gig=gig)
    for who, status in ((None, 401), (stranger, 404), (moderator, 404)):
        assert [answer.status_code for answer in calls(program_of(who), gig, before[1][0])] == [status] * 3
    assert (pictures(), stored_files()) == (before, files)


def test_an_archived_gig_keeps_its_own(gig: Gig, freelancer: User):
    archive_gig(actor=freelancer, gig=gig)
    before, files = pictures(), stored_files()
    answers = [refused(answer) for answer in calls(program_of(freelancer), gig, before[1][0])]
    assert answers == [(409, "gig_archived", [])] * 3
    assert (pictures(), stored_files()) == (before, files)


@pytest.mark.parametrize("image_id", [0, 2**31, 2**63, 10**30])
def test_a_picture_that_is_not_this_gigs_is_404(gig: Gig, stranger: User, freelancer: User, image_id: int):
    other = create_gig(actor=freelancer, pictures=[checked_picture()], **LEAST)
    before = pictures()
    for pk in (image_id, other.images.get().pk):
        _added, *answers = calls(program_of(freelancer), gig, pk)
        assert [answer.status_code for answer in answers] == [404, 404]
    assert {pk for pk, _place in before} <= {pk for pk, _place in pictures()}


def test_of_a_gig_that_never_was_is_404(freelancer: User):
    assert [answer.status_code for answer in calls(program_of(freelancer), Gig(pk=uuid.uuid4()), 1)] == [404] * 3
