"""Who people are, by the API: one's own profile with the address, everybody else's without."""

import threading
import uuid
from io import BytesIO

import pytest
from auditlog.models import LogEntry
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from PIL import Image

from accounts.models import User
from accounts.services import deactivate_account, record_completed_order, record_rating, update_profile
from accounts.tests.api import bearer, code_of, with_key
from accounts.tokens import make_jwt
from marketplace.uploads import Busy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_has_called():
    cache.clear()


def patch(client: Client, **said) -> HttpResponse:
    return client.patch("/api/me", said, content_type="application/json")


def a_picture() -> SimpleUploadedFile:
    data = BytesIO()
    Image.new("RGB", (600, 700), "teal").save(data, "PNG")
    return SimpleUploadedFile("me.png", data.getvalue(), "image/png")


PUBLIC = {
    *("id", "handle", "name", "bio", "picture_url", "created_at", "orders_completed", "as_freelancer", "as_client"),
}


# --- One's own ------------------------------------------------------------------------------------------------------
def test_ones_own_profile_has_the_address(buyer: User, settings):
    said = bearer(buyer).get("/api/me").json()
    assert {name: said[name] for name in ("id", "handle", "name", "full_name", "email", "bio", "time_zone", "tier")} == {
        "id": str(buyer.pk),
        "handle": "amara",
        "name": "Amara Okafor",
        "full_name": "Amara Okafor",
        "email": "amara@example.com",
        "bio": "",
        "time_zone": "UTC",
        "tier": "free",
    }
    assert said["picture_url"] == f"{settings.SITE_URL}/people/amara/initial.svg"
    assert set(said) == PUBLIC | {"full_name", "email", "time_zone", "tier"}


def test_is_for_who_is_signed_in_and_for_keys_that_read(buyer: User):
    assert code_of(Client().get("/api/me")) == (401, "not_signed_in")
    assert with_key(buyer, "read").get("/api/me").json()["email"] == buyer.email
    assert code_of(with_key(buyer, "orders").get("/api/me")) == (403, "scope_missing")


def test_only_what_is_named_changes(buyer: User):
    client = bearer(buyer)
    answer = patch(client, bio="  Maps.\r\nAnd more. ", full_name=None)
    assert (answer.status_code, answer.json()["bio"]) == (200, "Maps.\nAnd more.")
    patch(client, full_name="Amara O.", handle="amara-o", time_zone="Africa/Lagos")
    buyer.refresh_from_db()
    assert (buyer.full_name, buyer.handle, buyer.bio, buyer.time_zone) == (
        "Amara O.",
        "amara-o",
        "Maps.\nAnd more.",
        "Africa/Lagos",
    )
    assert patch(client).json()["handle"] == "amara-o"
    assert patch(client, bio="").json()["bio"] == ""


def test_a_change_leaves_what_somebody_changed_a_moment_ago(buyer: User):
    """The person as the call found them is older than the row."""
    update_profile(actor=User.objects.get(pk=buyer.pk), full_name="Amara O.")
    update_profile(actor=buyer, bio="Maps.")
    found = User.objects.get(pk=buyer.pk)
    assert (found.full_name, found.bio, found.handle) == ("Amara O.", "Maps.", "amara")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_both_stay(buyer: User, no_worker, monkeypatch):
    barrier, answers = threading.Barrier(2), []

    def together(*told: object, **named: object) -> None:
        barrier.wait()
        update_profile(*told, **named)

    def change(**said: str) -> None:
        try:
            answers.append(patch(bearer(buyer), **said).status_code)
        finally:
            connections.close_all()

    monkeypatch.setattr("accounts.api.people.update_profile", together)
    threads = [threading.Thread(target=change, kwargs=said) for said in ({"bio": "Maps."}, {"full_name": "Amara O."})]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    found = User.objects.get(pk=buyer.pk)
    assert (answers, found.bio, found.full_name) == ([200, 200], "Maps.", "Amara O.")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("full_name", "", "invalid"),
        ("full_name", "x" * 121, "invalid"),
        ("full_name", "a\nb", "invalid"),
        ("handle", "Amara", "invalid"),
        ("handle", "a", "invalid"),
        ("handle", "-ab", "invalid"),
        ("handle", "abc\n", "invalid"),
        ("handle", "support", "handle_reserved"),
        ("full_name", "Handsel Support", "name_reserved"),
        ("full_name", "Z" + "\u0301" * 5, "invalid"),
        ("bio", "x" * 4001, "invalid"),
        ("bio", "a\u202eb", "invalid"),
        ("time_zone", "Mars/Olympus", "invalid"),
        ("time_zone", "", "invalid"),
        ("tier", "pro", "invalid"),
        ("email", "new@example.com", "invalid"),
        ("is_staff", True, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(buyer: User, field, value, code):
    answer = patch(bearer(buyer), **{"bio": "Maps.", field: value})
    assert (code_of(answer), list(answer.json()["fields"])) == ((422, code), [field])
    buyer.refresh_from_db()
    assert (buyer.full_name, buyer.handle, buyer.bio, buyer.tier, buyer.is_staff) == ("Amara Okafor", "amara", "", "free", False)


def test_a_handle_that_somebody_has_is_409(buyer: User, freelancer: User):
    answer = patch(bearer(buyer), handle=freelancer.handle)
    assert (code_of(answer), list(answer.json()["fields"])) == ((409, "handle_taken"), ["handle"])
    assert User.objects.get(pk=buyer.pk).handle == "amara"


def test_a_reserved_handle_that_one_has_already_may_stay(buyer: User):
    User.objects.filter(pk=buyer.pk).update(handle="support")
    assert patch(bearer(buyer), handle="support", bio="Maps.").status_code == 200


@pytest.mark.parametrize(("method", "path"), [("patch", "/api/me"), ("post", "/api/me/picture"), ("delete", "/api/me/picture")])
def test_no_key_changes_who_somebody_is(buyer: User, method, path):
    said = {"data": "{}", "content_type": "application/json"} if method == "patch" else {}
    assert code_of(getattr(with_key(buyer, "read", "gigs", "orders", "messages"), method)(path, **said)) == (403, "scope_missing")
    assert code_of(getattr(Client(), method)(path, **said)) == (401, "not_signed_in")


def test_a_change_is_written_down_with_who_made_it_and_from_where(buyer: User):
    before = LogEntry.objects.get_for_object(buyer).count()
    bearer(buyer).patch("/api/me", {"bio": "Maps."}, content_type="application/json", REMOTE_ADDR="203.0.113.7")
    line = LogEntry.objects.get_for_object(buyer).latest("pk")
    assert LogEntry.objects.get_for_object(buyer).count() == before + 1
    assert (line.actor, line.remote_addr, line.changes) == (buyer, "203.0.113.7", {"bio": ["", "Maps."]})


def test_a_front_end_with_a_cookie_gets_what_it_needs_to_change_something(buyer: User):
    client = Client(enforce_csrf_checks=True)
    client.cookies["access_token"] = make_jwt(buyer)
    assert code_of(patch(client, bio="Maps.")) == (403, "csrf_failed")
    assert "csrftoken" in client.get("/api/me").cookies
    answer = client.patch(
        "/api/me",
        {"bio": "Maps."},
        content_type="application/json",
        headers={"x-csrftoken": client.cookies["csrftoken"].value},
    )
    assert (answer.status_code, answer.json()["bio"]) == (200, "Maps.")
    assert "csrftoken" not in bearer(buyer).get("/api/me").cookies


# --- The picture ----------------------------------------------------------------------------------------------------
def test_a_picture_is_set_and_removed(buyer: User, settings):
    client = bearer(buyer)
    said = client.post("/api/me/picture", {"picture": a_picture()}).json()
    buyer.refresh_from_db()
    assert said["picture_url"] == f"{settings.SITE_URL}{buyer.avatar.url}"
    with default_storage.open(buyer.avatar.name) as kept:
        assert Image.open(kept).size == (512, 512)
    assert client.delete("/api/me/picture").status_code == 204
    buyer.refresh_from_db()
    assert buyer.avatar.name == ""
    assert client.delete("/api/me/picture").status_code == 204


@pytest.mark.parametrize(
    "file", [SimpleUploadedFile("x.png", b"no picture"), SimpleUploadedFile("x.png", a_picture().read()[:200])]
)
def test_what_is_no_picture_is_refused(buyer: User, file):
    answer = bearer(buyer).post("/api/me/picture", {"picture": file})
    assert (code_of(answer), list(answer.json()["fields"])) == ((422, "invalid_file"), ["picture"])
    assert User.objects.get(pk=buyer.pk).avatar.name == ""


def test_no_file_is_refused(buyer: User):
    assert code_of(bearer(buyer).post("/api/me/picture", {"picture": "me.png"})) == (422, "invalid")


def test_a_full_desk_says_when_to_come_back(buyer: User, monkeypatch):
    def busy(_upload):
        raise Busy("Try again.")

    monkeypatch.setattr("accounts.api.people.square_picture", busy)
    answer = bearer(buyer).post("/api/me/picture", {"picture": a_picture()})
    assert (code_of(answer), answer["Retry-After"]) == ((429, "busy"), "60")


# --- Others ---------------------------------------------------------------------------------------------------------
def test_a_public_profile_is_everybodys_and_has_no_address(freelancer: User, stranger: User):
    record_rating(recipient=freelancer, rating=4, as_freelancer=True)
    record_rating(recipient=freelancer, rating=5, as_freelancer=True)
    record_completed_order(freelancer=freelancer)
    said = [client.get(f"/api/users/{freelancer.pk}").json() for client in (Client(), bearer(stranger), bearer(freelancer))]
    assert said[0] == said[1] == said[2]
    assert set(said[0]) == PUBLIC
    assert (said[0]["name"], said[0]["orders_completed"]) == ("José Ñíguez", 1)
    assert (said[0]["as_freelancer"], said[0]["as_client"]) == ({"average": 4.5, "count": 2}, {"average": None, "count": 0})
    assert freelancer.email not in str(said)


def test_who_is_not_there_and_whose_account_is_closed_are_404(stranger: User):
    deactivate_account(actor=stranger, user=stranger)
    for user_id in (uuid.uuid4(), stranger.pk):
        assert code_of(Client().get(f"/api/users/{user_id}")) == (404, "not_found")
    assert code_of(Client().get("/api/users/amara")) == (404, "not_found")


def test_a_profile_is_asked_for_again_only_when_it_has_changed(freelancer: User):
    client, path = Client(), f"/api/users/{freelancer.pk}"
    tag = client.get(path)["ETag"]
    assert client.get(path, headers={"if-none-match": tag}).status_code == 304
    patch(bearer(freelancer), bio="Maps.")
    assert client.get(path, headers={"if-none-match": tag}).status_code == 200


def test_a_profile_is_one_question(freelancer: User, django_assert_num_queries):
    with django_assert_num_queries(1):
        Client().get(f"/api/users/{freelancer.pk}")
    client = bearer(freelancer)
    with django_assert_num_queries(2):
        client.get("/api/me")
