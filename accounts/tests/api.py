"""Programs as the tests have them: one with a token of its own sign-in, one with an API key."""

from itertools import count

from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.services import make_key, sign_in
from accounts.tokens import make_jwt


def bearer(user: User) -> Client:
    """Calls with a token for this person."""
    return Client(headers={"authorization": f"Bearer {make_jwt(user)}"})


def program(user: User) -> Client:
    """Signed in with the password of the factory: its token ends with its session."""
    return Client(headers={"authorization": f"Bearer {sign_in(email=user.email, password='a long password').access}"})


numbers = count(1)  # no two keys of a person have one name


def with_key(user: User, *scopes: str) -> Client:
    """Calls with an API key that opens these scopes."""
    return Client(headers={"x-api-key": make_key(actor=user, name=f"Bot {next(numbers)}", scopes=scopes, password=None)[1]})


def code_of(answer: HttpResponse) -> tuple[int, str]:
    """How a call was refused: status and code."""
    return answer.status_code, answer.json()["code"]
