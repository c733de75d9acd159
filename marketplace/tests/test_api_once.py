"""Idempotency-Key: a write that is sent again is answered as the first time and done once, whatever happens in between."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from accounts.models import KeptAnswer, User
from accounts.services import deactivate_account
from accounts.tests.api import bearer, code_of, with_key
from accounts.tests.factories import UserFactory
from gigs.models import Gig
from gigs.tests.factories import GigFactory
from marketplace.tests import planted_api
from marketplace.uploads import encode_image, open_image, pictures
from messaging.models import Attachment
from orders.states import Status
from orders.tests.factories import order_in
from orders.tests.programs import a_proof, step

pytestmark = [pytest.mark.django_db, pytest.mark.urls("marketplace.tests.planted_api")]

NOTES, FILES, SLOW = "/api/planted/notes", "/api/planted/files", "/api/planted/slow"
IN_USE = (409, "idempotency_key_in_use")
REUSED = {
    "code": "idempotency_key_reused",
    "message": "This Idempotency-Key was used for another request. Send the same request again, or take another key.",
}


@pytest.fixture(autouse=True)
def outside() -> Iterator[list[str]]:
    """What reached the outside world."""
    planted_api.sent.clear()
    planted_api.meanwhile.clear()
    yield planted_api.sent
    planted_api.meanwhile.clear()


def write(client: Client, key: str = "one", path: str = NOTES, **note: object) -> HttpResponse:
    return client.post(path, note, content_type="application/json", headers={"Idempotency-Key": key})


def is_replay(response: HttpResponse) -> bool:
    return response.headers.get("Idempotent-Replayed") == "true"


# --- The same again -------------------------------------------------------------------------------------------------
def test_the_same_write_again_is_answered_as_the_first_time_and_done_once(freelancer: User):
    first, again = (write(bearer(freelancer), text="A note") for _time in range(2))
    assert (first.status_code, is_replay(first)) == (201, False)
    assert (again.status_code, is_replay(again)) == (201, True)
    assert again.content == first.content
    assert Gig.objects.get().pk.hex == first.json()["id"].replace("-", "")
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Cache-Control"] == "private, no-cache"


def test_an_answer_without_a_body_is_given_again(freelancer: User):
    answers = [
        bearer(freelancer).patch(NOTES, {}, content_type="application/json", headers={"Idempotency-Key": "one"})
        for _time in range(2)
    ]
    assert [(answer.status_code, answer.content, is_replay(answer)) for answer in answers] == [
        (204, b"", False),
        (204, b"", True),
    ]
    assert Gig.objects.count() == 1


def test_without_a_key_each_write_is_done(freelancer: User):
    for _time in range(2):
        bearer(freelancer).post(NOTES, {}, content_type="application/json")
    assert (Gig.objects.count(), KeptAnswer.objects.count()) == (2, 0)


def test_another_key_is_another_write(freelancer: User):
    assert [is_replay(write(bearer(freelancer), key)) for key in ("one", "two", "One")] == [False, False, False]
    assert Gig.objects.count() == 3


def test_a_real_operation_takes_a_key_as_well(freelancer: User):
    gig = {"title": "A logo", "description": "Drawn.", "price": "120.00", "currency": "EUR", "delivery_days": 5}
    first, again = (write(bearer(freelancer), path="/api/gigs", **gig) for _time in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert Gig.objects.count() == 1


# --- Something else under the same key ------------------------------------------------------------------------------
def test_another_body_is_refused(freelancer: User):
    write(bearer(freelancer), text="A note")
    other = write(bearer(freelancer), text="Another")
    assert (other.status_code, other.json(), is_replay(other)) == (409, REUSED, False)
    assert Gig.objects.get().title == "A note"
    assert write(bearer(freelancer), text="A note").status_code == 201


def test_another_address_query_or_method_is_refused(freelancer: User):
    client = bearer(freelancer)
    write(client)
    headers = {"Idempotency-Key": "one"}
    assert write(client, path=f"{NOTES}?a=b").json() == REUSED
    assert client.patch(NOTES, {}, content_type="application/json", headers=headers).json() == REUSED
    assert client.post("/api/planted/behind/gigs", {}, content_type="application/json", headers=headers).json() == REUSED
    assert Gig.objects.count() == 1


def test_another_right_is_another_request(freelancer: User):
    """What an access token was told, a key with fewer rights is not told again."""
    write(bearer(freelancer))
    assert write(with_key(freelancer, "gigs")).json() == REUSED
    assert write(with_key(freelancer, "read")).json()["code"] == "scope_missing"


def test_one_persons_keys_are_nothing_to_another(freelancer: User, buyer: User):
    first, other = write(bearer(freelancer)), write(bearer(buyer))
    assert (first.status_code, other.status_code, is_replay(other)) == (201, 201, False)
    assert sorted(Gig.objects.values_list("freelancer__handle", flat=True)) == ["amara", "jose"]


def test_a_person_may_not_hear_again_once_they_are_out(freelancer: User):
    client = bearer(freelancer)
    write(client)
    deactivate_account(actor=freelancer, user=freelancer)
    assert write(client).status_code == 401


def test_staff_do_not_hear_again_what_they_were_told_with_a_power_they_have_lost(moderator: User):
    write(bearer(moderator))
    assert is_replay(write(bearer(moderator)))
    moderator.user_permissions.remove(Permission.objects.get(codename="verify_payment"))
    assert write(bearer(moderator)).json() == REUSED
    User.objects.filter(pk=moderator.pk).update(is_staff=False)
    assert write(bearer(moderator)).json() == REUSED
    assert Gig.objects.count() == 1


def test_staff_do_not_hear_again_without_their_second_factor(moderator: User, settings):
    write(bearer(moderator))
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    assert write(bearer(moderator)).json() == REUSED


def test_a_decision_is_not_shown_again_to_who_is_no_moderator_any_more(moderator: User, buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    path = f"/api/orders/{order.pk}/confirm-payment"
    decide = {"content_type": "application/json", "headers": {"Idempotency-Key": "one"}}
    first, again = (bearer(moderator).patch(path, {"amount": "120.00"}, **decide) for _time in range(2))
    assert (first.status_code, is_replay(again)) == (200, True)
    moderator.user_permissions.clear()
    late = bearer(moderator).patch(path, {"amount": "120.00"}, **decide)
    assert (late.status_code, late.json()) == (409, REUSED)


# --- Which keys there are -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a\tb", "k" * 256])
def test_a_key_that_is_none_is_refused(freelancer: User, key: str):
    response = write(bearer(freelancer), key)
    words = "An Idempotency-Key has 1 to 255 visible ASCII characters."
    assert (response.status_code, response.json()["fields"]) == (422, {"Idempotency-Key": words})
    assert (Gig.objects.count(), KeptAnswer.objects.count()) == (0, 0)


@pytest.mark.parametrize("key", ["k", "k" * 255, "!\"'#%&~", "0b5e9c1e-6f6d-4c44-8a0e-1f2a3b4c5d6e"])
def test_a_key_may_be_any_visible_ascii(freelancer: User, key: str):
    assert [is_replay(write(bearer(freelancer), key)) for _time in range(2)] == [False, True]


def test_reading_minds_no_key(freelancer: User):
    for _time in range(2):
        response = bearer(freelancer).get("/api/planted/mine", headers={"Idempotency-Key": "a b"})
        assert (response.status_code, is_replay(response)) == (200, False)
    assert KeptAnswer.objects.count() == 0


@pytest.mark.parametrize("path", ["/api/planted/behind/keeper", "/api/planted/door"])
def test_an_answer_that_holds_a_secret_is_not_kept(freelancer: User, path: str):
    for _time in range(2):
        assert is_replay(write(bearer(freelancer), path=path)) is False
    assert KeptAnswer.objects.count() == 0


def test_who_says_not_who_they_are_has_no_keys(client: Client):
    for _time in range(2):
        response = write(client, path="/api/planted/bare")
        assert (response.status_code, is_replay(response)) == (200, False)
    assert (write(client).status_code, KeptAnswer.objects.count()) == (401, 0)


def test_what_is_kept_is_unreadable_in_the_database(freelancer: User):
    write(bearer(freelancer), text="A note of mine")
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM accounts_keptanswer")
        assert "A note of mine" not in cursor.fetchone()[0]


# --- Refusals and faults leave nothing ------------------------------------------------------------------------------
@pytest.mark.parametrize(("then", "status"), [("refuse", 422), ("move on", 409)])
def test_what_is_refused_leaves_nothing_and_may_be_tried_again(freelancer: User, outside: list[str], then: str, status: int):
    client = bearer(freelancer)
    for _time in range(2):
        response = write(client, then=then)
        assert (response.status_code, is_replay(response)) == (status, False)
    assert (Gig.objects.count(), KeptAnswer.objects.count(), outside) == (0, 0, [])
    assert write(client).status_code == 201
    assert Gig.objects.count() == 1


def test_what_makes_no_sense_is_not_kept(freelancer: User):
    client = bearer(freelancer)
    assert [write(client, text="a" * 61).status_code, write(client).status_code] == [422, 201]


@pytest.mark.django_db(transaction=True)
def test_a_crash_in_between_leaves_nothing(freelancer: User, outside: list[str]):
    client = calm(freelancer)
    assert write(client, then="crash").status_code == 500
    assert (Gig.objects.count(), KeptAnswer.objects.count(), outside) == (0, 0, [])
    assert write(client).status_code == 201
    assert (Gig.objects.count(), outside) == (1, ["word"])


@pytest.mark.django_db(transaction=True)
def test_what_reaches_the_outside_world_does_so_once_and_after_the_commit(freelancer: User, outside: list[str]):
    planted_api.meanwhile.append(lambda: outside.append(f"not yet: {connection.in_atomic_block}"))
    for _time in range(3):
        write(bearer(freelancer), text="A mail")
    assert outside == ["not yet: True", "A mail"]


def test_a_replay_writes_nothing(freelancer: User):
    client = bearer(freelancer)
    write(client)
    with CaptureQueriesContext(connection) as queries:
        write(client)
    kept = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql.split('"')[1] for sql in kept] == ["accounts_keptanswer", "accounts_keptanswer"]  # is it too old, is it free?


# --- A day ----------------------------------------------------------------------------------------------------------
def test_an_answer_is_kept_for_a_day_and_no_longer(freelancer: User):
    start = timezone.now()
    replays = []
    for hours in (0, 23.99, 24.01, 47.9, 48.1):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            replays.append(is_replay(write(bearer(freelancer))))
    assert replays == [False, True, False, True, False]
    assert (Gig.objects.count(), KeptAnswer.objects.count()) == (3, 1)


def test_after_a_day_the_key_may_stand_for_something_else(freelancer: User):
    write(bearer(freelancer), text="A note")
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert write(bearer(freelancer), text="Another").json()["text"] == "Another"


# --- Uploads --------------------------------------------------------------------------------------------------------
def upload(client: Client, data: bytes = b"words", name: str = "a.txt", **fields: str) -> HttpResponse:
    file = SimpleUploadedFile(name, data, content_type="text/plain")
    return client.post(FILES, {"file": file, **fields}, headers={"Idempotency-Key": "one"})


def test_an_upload_again_is_the_same_whatever_boundary_it_has(freelancer: User):
    body = '--{0}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords\r\n--{0}--\r\n'
    answers = [
        bearer(freelancer).generic(
            "POST",
            FILES,
            body.format(boundary).encode(),
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={"Idempotency-Key": "one"},
        )
        for boundary in ("first", "second")
    ]
    assert [(answer.status_code, is_replay(answer)) for answer in answers] == [(201, False), (201, True)]
    assert answers[0].json()["text"] == answers[1].json()["text"] == "a.txt words"
    assert Gig.objects.count() == 1


@pytest.mark.parametrize("other", [{"data": b"other"}, {"name": "b.txt"}, {"note": "more"}], ids=str)
def test_another_upload_under_the_same_key_is_refused(freelancer: User, other: dict[str, object]):
    assert upload(bearer(freelancer)).status_code == 201
    assert upload(bearer(freelancer), **other).json() == REUSED
    assert Gig.objects.count() == 1


def test_a_large_upload_is_still_there_for_the_operation(freelancer: User):
    """It was read once already, for its fingerprint, from a file on the disk."""
    data = b"w" * 3_000_000
    assert len(upload(bearer(freelancer), data).json()["text"]) == len("a.txt ") + len(data)
    assert is_replay(upload(bearer(freelancer), data))


# --- What is slow comes before the transaction ----------------------------------------------------------------------
def picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", encode_image(Image.new("RGB", (60, 40), "red"), "PNG"), "image/png")


def post_picture(client: Client, path: str, **form: object) -> HttpResponse:
    return client.post(path, form, headers={"Idempotency-Key": "one"})


@pytest.mark.django_db(transaction=True)
def test_while_a_picture_is_drawn_no_transaction_is_open_and_others_write(monkeypatch: pytest.MonkeyPatch):
    person, draws, go_on = UserFactory(), threading.Event(), threading.Event()
    held: list[bool] = []

    def slowly(data: bytes) -> Image.Image:
        held.append(connection.in_atomic_block)
        draws.set()
        assert go_on.wait(10)
        return open_image(data)

    monkeypatch.setattr("marketplace.uploads.files.open_image", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(at_once, lambda: post_picture(bearer(person), "/api/attachments", file=picture()))
        assert draws.wait(10)
        others = [write(bearer(UserFactory()), text="A note").status_code, write(bearer(person), "two").status_code]
        go_on.set()
        answers = [*first.result(10), post_picture(bearer(person), "/api/attachments", file=picture())]
    assert ([answer.status_code for answer in answers], others, held) == ([201, 201], [201, 201], [False])
    assert ([is_replay(answer) for answer in answers], Attachment.objects.count()) == ([False, True], 1)


def of_a_person(buyer: User, freelancer: User) -> tuple[User, str, str]:
    return buyer, "/api/me/picture", "picture"


def of_a_gig(buyer: User, freelancer: User) -> tuple[User, str, str]:
    return freelancer, f"/api/gigs/{GigFactory(freelancer=freelancer).pk}/images", "files"


def of_a_message(buyer: User, freelancer: User) -> tuple[User, str, str]:
    return buyer, "/api/attachments", "file"


def of_a_payment(buyer: User, freelancer: User) -> tuple[User, str, str]:
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    step(bearer(buyer), order, "submit-payment", **a_proof())
    return buyer, f"/api/orders/{order.pk}/receipt", "file"


@pytest.mark.parametrize("of", [of_a_person, of_a_gig, of_a_message, of_a_payment], ids=lambda of: of.__name__)
def test_every_picture_is_drawn_before_and_once(
    buyer: User, freelancer: User, of: Callable[[User, User], tuple[User, str, str]], monkeypatch: pytest.MonkeyPatch
):
    """A picture drawn within the transaction would be a RuntimeError."""
    person, path, name = of(buyer, freelancer)
    first = post_picture(bearer(person), path, **{name: picture()})
    monkeypatch.setattr(pictures, "_room", threading.Semaphore(0))  # from here on whoever wants to draw is busy
    again = post_picture(bearer(person), path, **{name: picture()})
    assert (first.status_code in (200, 201), first.status_code, is_replay(first)) == (True, again.status_code, False)
    assert (again.content, is_replay(again)) == (first.content, True)


@pytest.mark.parametrize(("path", "then"), [(NOTES, "draw"), (SLOW, "forget")])
def test_an_operation_that_would_do_it_otherwise_fails(freelancer: User, path: str, then: str):
    with pytest.raises(RuntimeError, match="begins"):
        write(bearer(freelancer), path=path, then=then)
    assert (Gig.objects.count(), KeptAnswer.objects.count()) == (then == "forget", 0)


@pytest.mark.parametrize("refuses", [False, True])
def test_what_was_done_meanwhile_is_answered_as_it_was_and_not_done_again(freelancer: User, refuses: bool):
    """Whether the operation comes to its transaction, or refuses before because it has been done."""

    def do_it() -> None:
        planted_api.meanwhile.clear()
        answers.append(write(bearer(freelancer), path=SLOW, text="A note"))
        if refuses:
            raise planted_api.Planted("It is done.")

    answers: list[HttpResponse] = []
    planted_api.meanwhile.append(do_it)
    answers.append(write(bearer(freelancer), path=SLOW, text="A note"))
    assert [(answer.status_code, is_replay(answer)) for answer in answers] == [(201, False), (201, True)]
    assert (answers[0].content, Gig.objects.count()) == (answers[1].content, 1)


def test_a_write_that_begins_later_is_refused_and_replayed_as_any_other(freelancer: User):
    client = bearer(freelancer)
    answers = [
        write(client, path=SLOW, text=text, then=then) for text, then in (("A", "refuse"), ("B", ""), ("B", ""), ("C", ""))
    ]
    assert [(answer.status_code, is_replay(answer)) for answer in answers] == [
        (422, False),
        (201, False),
        (201, True),
        (409, False),
    ]
    assert (answers[-1].json(), Gig.objects.count()) == (REUSED, 1)


def calm(person: User) -> Client:
    """One that is answered 500 where the site breaks. Django tells every client of a process of what met any of them."""
    client = bearer(person)
    client.raise_request_exception = False
    return client


# --- Two at once ----------------------------------------------------------------------------------------------------
def at_once(*calls: Callable[[], HttpResponse]) -> list[HttpResponse]:
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], HttpResponse]) -> HttpResponse:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_of_many_at_once_one_is_done_and_the_others_are_told(outside: list[str], _round: int):
    person = UserFactory()
    answers = at_once(*[lambda: write(bearer(person), text="A note")] * 6)
    answers.append(write(bearer(person), text="A note"))
    done = [answer for answer in answers if answer.status_code == 201]
    assert [is_replay(answer) for answer in done].count(False) == 1
    assert len({answer.content for answer in done}) == 1
    assert {code_of(answer) for answer in answers if answer not in done} <= {IN_USE}
    assert (Gig.objects.count(), KeptAnswer.objects.count(), outside) == (1, 1, ["A note"])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("crashes", "ends", "after"), [(False, (201, False), (201, True)), (True, (500, False), (201, False))])
def test_who_comes_while_the_first_still_runs_is_told_so_at_once(crashes: bool, ends: object, after: object):
    person = UserFactory()
    runs, go_on = threading.Event(), threading.Event()

    def linger() -> None:
        if not runs.is_set():
            runs.set()
            assert go_on.wait(10)
            if crashes:
                raise ZeroDivisionError("planted")

    planted_api.meanwhile.append(linger)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(at_once, lambda: write(calm(person)))
        assert runs.wait(10)
        second = write(calm(person))
        assert write(calm(UserFactory())).status_code == 201  # another person's key is another
        go_on.set()
        answers = [*first.result(10), write(calm(person))]
    assert (code_of(second), second["Retry-After"]) == (IN_USE, "1")
    assert [(answer.status_code, is_replay(answer)) for answer in answers] == [ends, after]
    assert Gig.objects.count() == 2
