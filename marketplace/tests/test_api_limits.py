"""How often somebody may call in a minute: counted by address, person and key, and right to the second."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.cache import cache, caches
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tests.api import bearer, with_key
from conftest import SignIn
from gigs.models import Gig
from marketplace import settings as usual
from marketplace.cache import ForgivingRedisCache

pytestmark = [pytest.mark.django_db, pytest.mark.urls("marketplace.tests.planted_api")]

BEHIND, MINE, NOTES, DOOR = "/api/planted/behind/", "/api/planted/mine", "/api/planted/notes", "/api/planted/door"
NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def minute(settings) -> Iterator[time_machine.Traveller]:
    """Ten seconds into a minute in which nobody has called yet."""
    settings.API_LIMITS = {"sign_in": 2, "message": 2, "write": 3, "read": 4}
    cache.clear()
    with time_machine.travel(NOON.replace(second=10), tick=False) as traveller:
        yield traveller
    cache.clear()


def reads(client: Client, path: str = MINE, times: int = 6, **headers: str) -> list[int]:
    return [client.get(path, headers=headers).status_code for _time in range(times)]


def writes(client: Client, path: str = NOTES, times: int = 5, **headers: str) -> list[int]:
    return [client.post(path, {}, content_type="application/json", headers=headers).status_code for _time in range(times)]


def last_of(client: Client, path: str = MINE, times: int = 5) -> HttpResponse:
    return [client.get(path) for _time in range(times)][-1]


# --- The answer -----------------------------------------------------------------------------------------------------
def test_whoever_calls_too_often_is_told_how_long_to_wait(freelancer: User):
    response = last_of(bearer(freelancer))
    words = "Too many requests. Wait 50 seconds, then try again."
    assert (response.status_code, response.json()) == (429, {"code": "too_many_requests", "message": words})
    assert (response.headers["Retry-After"], response.headers["Content-Type"]) == ("50", "application/json")


@pytest.mark.parametrize(
    ("second", "microsecond", "wait"), [(0, 0, 60), (0, 1, 60), (1, 0, 59), (59, 0, 1), (59, 999_999, 1), (30, 500_000, 30)]
)
def test_the_wait_is_right_to_the_second(freelancer: User, minute, second: int, microsecond: int, wait: int):
    minute.move_to(NOON.replace(minute=1, second=second, microsecond=microsecond))
    client = bearer(freelancer)
    assert last_of(client).headers["Retry-After"] == str(wait)
    minute.shift(wait)
    assert client.get(MINE).status_code == 200


def test_a_second_less_than_told_is_too_early(freelancer: User, minute):
    client = bearer(freelancer)
    wait = int(last_of(client).headers["Retry-After"])
    minute.shift(wait - 0.001)
    assert client.get(MINE).status_code == 429
    minute.shift(0.001)
    assert reads(client) == [200, 200, 200, 200, 429, 429]


def test_a_write_too_many_does_nothing(freelancer: User):
    assert writes(bearer(freelancer)) == [201, 201, 201, 429, 429]
    assert Gig.objects.count() == 3


# --- Who is counted -------------------------------------------------------------------------------------------------
def test_each_person_has_a_count_of_their_own(freelancer: User, buyer: User):
    assert reads(bearer(freelancer))[-1] == 429
    assert reads(bearer(buyer), times=4) == [200] * 4


def test_a_persons_ways_in_count_together(freelancer: User, sign_in: SignIn):
    ways = [bearer(freelancer), sign_in(freelancer), with_key(freelancer, "read"), with_key(freelancer, "read")]
    assert [way.get(MINE).status_code for way in ways] == [200] * 4
    assert [way.get(MINE).status_code for way in ways] == [429] * 4


def test_a_person_who_moves_about_is_counted_on(freelancer: User):
    client = bearer(freelancer)
    answers = [client.get(MINE, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(5)]
    assert answers == [200, 200, 200, 200, 429]


def test_visitors_are_counted_by_address(client: Client):
    assert reads(client, "/api/gigs") == [200, 200, 200, 200, 429, 429]
    assert client.get("/api/gigs", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert client.get("/api/gigs", REMOTE_ADDR="2001:db8::7").status_code == 200


def test_a_person_is_not_counted_for_the_address_they_share(client: Client, freelancer: User):
    assert reads(client, "/api/gigs")[-1] == 429
    assert bearer(freelancer).get("/api/gigs").status_code == 200


def test_a_visitor_does_not_change_the_address_by_a_header(client: Client):
    answers = [client.get("/api/gigs", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(5)]
    assert answers == [200, 200, 200, 200, 429]


def test_behind_a_proxy_of_ours_its_word_counts_and_not_the_visitors(client: Client, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    said = [f"203.0.113.{n}, 192.0.2.1" for n in range(5)]
    assert [client.get("/api/gigs", headers={"X-Forwarded-For": header}).status_code for header in said][-1] == 429
    assert client.get("/api/gigs", headers={"X-Forwarded-For": "203.0.113.1, 192.0.2.2"}).status_code == 200


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer nonsense"}, {"X-API-Key": "hsk_0_0"}], ids=str)
def test_whoever_guesses_is_counted_by_address(client: Client, freelancer: User, headers: dict[str, str]):
    assert reads(client, **headers) == [401, 401, 401, 401, 429, 429]
    assert bearer(freelancer).get(MINE).status_code == 200


def test_who_is_not_let_in_is_counted_too(client: Client):
    assert reads(client) == [401, 401, 401, 401, 429, 429]


def test_a_key_that_lacks_the_scope_is_counted_too(freelancer: User):
    assert writes(with_key(freelancer, "read")) == [403, 403, 403, 429, 429]


# --- What is counted ------------------------------------------------------------------------------------------------
def test_reads_writes_and_messages_are_counted_apart(freelancer: User):
    client = bearer(freelancer)
    assert writes(client, BEHIND + "message") == [200, 200, 429, 429, 429]
    assert writes(client) == [201, 201, 201, 429, 429]
    assert reads(client) == [200, 200, 200, 200, 429, 429]


def test_a_head_is_a_read(freelancer: User):
    client = bearer(freelancer)
    assert [client.head(MINE).status_code for _time in range(5)] == [200, 200, 200, 200, 429]
    assert client.post(NOTES, {}, content_type="application/json").status_code == 201


def test_a_write_sent_again_is_counted_each_time(freelancer: User):
    headers = {"Idempotency-Key": "one"}
    assert writes(bearer(freelancer), **headers) == [201, 201, 201, 429, 429]
    assert Gig.objects.count() == 1


def test_each_keyed_write_is_counted_once(freelancer: User):
    client = bearer(freelancer)
    answers = [writes(client, times=1, **{"Idempotency-Key": f"{n}"}) for n in range(4)]
    assert answers == [[201], [201], [201], [429]]


@pytest.mark.parametrize(("tier", "factor"), [(User.Tier.FREE, 1), (User.Tier.PRO, 2), (User.Tier.ENTERPRISE, 5)])
def test_tiers_may_call_more_often(freelancer: User, tier: str, factor: int):
    freelancer.tier = tier
    freelancer.save(update_fields=["tier"])
    assert writes(bearer(freelancer), times=3 * factor + 1) == [201] * 3 * factor + [429]


def test_the_limits_of_the_site():
    """Where nobody sets others: as docs/operations.md says, and everyone who writes a program was told."""
    assert usual.API_LIMITS == {"sign_in": 5, "message": 60, "write": 120, "read": 600}


# --- Signing in -----------------------------------------------------------------------------------------------------
def test_the_door_counts_addresses_whoever_calls(client: Client, freelancer: User):
    knocks = [one.post(DOOR).status_code for one in (client, bearer(freelancer), client)]
    assert knocks == [200, 200, 429]
    assert client.post(DOOR, REMOTE_ADDR="192.0.2.7").status_code == 200


def token(client: Client, email: str, password: str, address: str = "192.0.2.1") -> HttpResponse:
    asked = {"email": email, "password": password}
    return client.post("/api/auth/token", asked, content_type="application/json", REMOTE_ADDR=address)


def test_passwords_are_tried_five_times_a_minute_from_an_address(client: Client, freelancer: User, settings):
    settings.API_LIMITS = {**settings.API_LIMITS, "sign_in": 5}
    answers = [token(client, f"nobody{n}@example.com", "wrong").status_code for n in range(6)]
    assert answers == [401, 401, 401, 401, 401, 429]
    assert token(client, freelancer.email, "a long password").status_code == 429


def test_passwords_of_an_account_are_tried_five_times_a_minute_from_wherever(client: Client, freelancer: User, settings, minute):
    settings.API_LIMITS = {**settings.API_LIMITS, "sign_in": 5}
    spellings = ["jose@example.com", "Jose@example.com", "JOSE@EXAMPLE.COM"]
    answers = [token(client, spellings[n % 3], "wrong", f"192.0.2.{n}").status_code for n in range(6)]
    assert answers == [401, 401, 401, 401, 401, 429]
    locked = token(client, freelancer.email, "a long password", "192.0.2.99")
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "50")
    minute.shift(50)
    assert token(client, freelancer.email, "a long password", "192.0.2.99").status_code == 200


# --- Where it is counted --------------------------------------------------------------------------------------------
def test_a_long_name_is_no_key_of_the_cache(client: Client):
    assert token(client, "a" * 240 + "@example.com", "wrong").status_code in (401, 422)


@pytest.fixture
def redis_away() -> Iterator[None]:
    there = caches["default"]
    caches["default"] = ForgivingRedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 1}})
    yield
    caches["default"] = there


def test_a_redis_that_is_away_lets_everybody_in(freelancer: User, redis_away: None):
    """A limit that nobody can count is none: the API goes on working, as the pages do."""
    assert reads(bearer(freelancer)) == [200] * 6
