"""Programs that call the API, as their people let them."""

from typing import Any

from django.test import Client

from accounts.models import User
from accounts.tokens import make_jwt


def program_of(person: User | None) -> Client:
    """What a program of this person gets and sends; of a visitor for None."""
    return Client(headers={"Authorization": f"Bearer {make_jwt(person)}"}) if person else Client()


def send(client: Client, method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    return client.generic(method, f"/api/{address}", data=_json(body), content_type="application/json")


def _json(body: dict[str, Any] | None) -> str:
    return Client()._encode_json(body, "application/json") if body is not None else ""


def walk(client: Client, address: str, *, limit: int = 2, between: Any = None) -> list[Any]:
    """Every item of a list, part by part; `between` is called after each part."""
    items: list[Any] = []
    cursor = ""
    mark = "&" if "?" in address else "?"
    while cursor is not None:
        answer = client.get(f"/api/{address}{mark}limit={limit}&cursor={cursor}")
        assert answer.status_code == 200, answer.content
        part = answer.json()
        assert len(part["items"]) <= limit
        items += part["items"]
        cursor = part["next"]
        if between:
            between()
    return items
