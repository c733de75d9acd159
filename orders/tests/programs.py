"""What programs of the two sides send, step by step."""

from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import User
from messaging.services import hand_in
from orders.models import Order

PAID_AT = "2026-01-05T09:30:00Z"
Answer = Any  # of Django's test client: a response with .json()


def step(program: Client, order: Order, name: str, *, key: str = "", **asked: object) -> Answer:
    """Take a step of the order; with an Idempotency-Key where one is given."""
    headers = {"idempotency-key": key} if key else {}
    return program.patch(f"/api/orders/{order.pk}/{name}", asked or "", content_type="application/json", headers=headers)


def form(program: Client, order: Order, name: str, *, key: str = "", **asked: object) -> Answer:
    """The same as a form, in which files may stand."""
    headers = {"idempotency-key": key} if key else {}
    body = encode_multipart(BOUNDARY, asked)
    return program.patch(f"/api/orders/{order.pk}/{name}", body, content_type=MULTIPART_CONTENT, headers=headers)


def read(program: Client, order: Order, *parts: str) -> Answer:
    return program.get("/".join(["/api/orders", str(order.pk), *parts]))


def place(program: Client, *, key: str = "", **asked: object) -> Answer:
    headers = {"idempotency-key": key} if key else {}
    return program.post("/api/orders", asked, content_type="application/json", headers=headers)


def a_proof(**changes: object) -> dict[str, object]:
    paid = {"payer_name": "Amara Okafor", "amount": "120.00", "paid_at": PAID_AT}
    return {"proof_reference": f"TX-{uuid4().hex[:12]}", **paid, **changes}


def work_of(person: User, name: str = "logo.zip", content: bytes = b"the work") -> str:
    """The id of a file that this person has handed in as work."""
    return str(hand_in(actor=person, upload=SimpleUploadedFile(name, content), as_it_is=True).pk)


def body_of(answer: Answer) -> bytes:
    """Of a download, read to its end: that closes its file."""
    return b"".join(answer.streaming_content)


def status_of(program: Client, url: str) -> int:
    answer: Answer = program.get(url)
    if answer.streaming:
        body_of(answer)
    return int(answer.status_code)
