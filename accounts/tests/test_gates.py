"""What an operation asks of who calls it: each gate, to each way in."""

import pytest
from django.test import Client

from accounts.models import Scope, User
from accounts.tests.api import bearer, program, with_key
from accounts.tokens import make_jwt
from conftest import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.urls("marketplace.tests.planted_api")]

BEHIND = "/api/planted/behind/"
# Which scope of an API key each gate wants; None: no key comes in.
GATES = {
    "read": Scope.READ,
    "orders": Scope.ORDERS,
    "gigs": Scope.GIGS,
    "messages": Scope.MESSAGES,
    "message": Scope.MESSAGES,
    "owner": None,
    "keeper": None,
}
WORDS = {
    None: "No API key may do this. Use an access token.",
    **{scope: f"This API key lacks the scope “{scope.value}”." for scope in Scope},
}


def cookie(user: User) -> Client:
    client = Client()
    client.cookies["access_token"] = make_jwt(user)
    return client


@pytest.fixture
def ways(sign_in: SignIn) -> dict[str, object]:
    return {"bearer": bearer, "cookie": cookie, "session": sign_in}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("way", ["bearer", "cookie", "session"])
def test_whoever_shows_who_they_are_comes_in_by_any_gate(ways, freelancer: User, gate: str, way: str):
    client = ways[way](freelancer)
    for response in (client.get(BEHIND + gate), client.post(BEHIND + gate)):
        assert (response.status_code, response.json()) == (200, {"words": f"{way} jose@example.com"})


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("scope", list(Scope), ids=str)
def test_a_key_opens_the_gates_of_its_scopes(freelancer: User, gate: str, scope: Scope):
    response = with_key(freelancer, scope).get(BEHIND + gate)
    if GATES[gate] == scope:
        assert (response.status_code, response.json()) == (200, {"words": "key jose@example.com"})
    else:
        assert (response.status_code, response.json()) == (403, {"code": "scope_missing", "message": WORDS[GATES[gate]]})


def test_a_key_with_all_scopes_opens_no_more_than_those(freelancer: User):
    client = with_key(freelancer, *Scope)
    assert {gate: client.post(BEHIND + gate).status_code for gate in GATES} == {
        gate: 200 if scope else 403 for gate, scope in GATES.items()
    }


@pytest.mark.parametrize("gate", GATES)
def test_nobody_comes_in(client: Client, gate: str):
    assert (client.get(BEHIND + gate).status_code, client.post(BEHIND + gate).status_code) == (401, 401)


def test_an_open_gate_lets_everybody_in_and_knows_who_they_are(client: Client, freelancer: User):
    known = bearer(freelancer).post("/api/planted/bare").json()["words"]
    assert (client.post("/api/planted/bare").json()["words"], known) == ("AnonymousUser", str(freelancer))


def test_an_open_gate_wants_the_truth_from_who_says_who_they_are(client: Client, freelancer: User):
    wrong = client.get("/api/gigs", headers={"Authorization": "Bearer nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "not_signed_in")
    without_scope = with_key(freelancer, "orders").get("/api/gigs")
    assert (without_scope.status_code, without_scope.json()["code"]) == (403, "scope_missing")


def test_the_door_is_open_whatever_somebody_shows(client: Client, freelancer: User):
    wrong = {"Authorization": "Bearer nonsense", "X-API-Key": "nonsense"}
    for way in (client, bearer(freelancer), with_key(freelancer, "read")):
        assert way.post("/api/planted/door").status_code == 200
    assert client.post("/api/planted/door", headers=wrong).status_code == 200


def test_what_is_shown_first_decides_alone(freelancer: User, buyer: User):
    client = cookie(freelancer)
    client.force_login(freelancer)
    as_buyer = {"Authorization": f"Bearer {make_jwt(buyer)}"}
    assert client.get(BEHIND + "read", headers=as_buyer).json() == {"words": "bearer amara@example.com"}
    assert client.get(BEHIND + "read", headers={"Authorization": "Bearer nonsense"}).status_code == 401


@pytest.mark.parametrize("way", ["cookie", "session"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}], ids=["without a key", "with a key"])
def test_a_browsers_cookie_changes_nothing_without_the_token(ways, freelancer: User, way: str, headers: dict[str, str]):
    client = ways[way](freelancer)
    client.handler.enforce_csrf_checks = True
    assert client.get(BEHIND + "owner").status_code == 200
    refused = client.post(BEHIND + "owner", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    client.cookies["csrftoken"] = "a" * 32
    assert client.post(BEHIND + "owner", headers={**headers, "X-CSRFToken": "a" * 32}).status_code == 200


def test_a_programs_token_and_key_need_no_other(freelancer: User):
    for client in (bearer(freelancer), program(freelancer), with_key(freelancer, "gigs")):
        client.handler.enforce_csrf_checks = True
        assert client.post(BEHIND + "gigs").status_code == 200


@pytest.mark.parametrize("path", [BEHIND + "read", "/api/planted/mine"])
def test_a_closed_account_comes_in_nowhere(ways, freelancer: User, path: str):
    clients = [*(way(freelancer) for way in ways.values()), with_key(freelancer, "read")]
    assert [client.get(path).status_code for client in clients] == [200] * 4
    User.objects.filter(pk=freelancer.pk).update(is_active=False)
    assert [client.get(path).status_code for client in clients] == [401] * 4
