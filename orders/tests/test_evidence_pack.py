"""The case as one ZIP: what is in it for whom, whether its sums hold, and that it never fills the memory."""

import asyncio
import hashlib
import io
import os
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from conftest import SignIn
from marketplace.http import one_by_one
from orders.models import Dispute, Order
from orders.services import rulings
from orders.services.evidence import add_evidence
from orders.services.evidence_pack import MISSING, pack_name, stream_pack
from orders.states import Status
from orders.tests.disputing import STATEMENT, answered, disputed
from orders.tests.factories import a_file, order_in


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    order = disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)
    case = order.disputes.get()
    add_evidence(actor=buyer, dispute_id=case.pk, note="<b>Our</b> chat.", audience="all", file=a_file("chat ü.txt", b"three"))
    add_evidence(actor=buyer, dispute_id=case.pk, note="My bank.", audience="staff", file=a_file("bank.txt", b"secret"))
    return order


@pytest.fixture
def case(order: Order) -> Dispute:
    return order.disputes.select_related("order").get()


def opened(viewer: User, case: Dispute) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(stream_pack(viewer=viewer, dispute=case))))
    assert archive.testzip() is None
    return archive


def test_it_holds_page_files_and_sums(case: Dispute, buyer: User):
    archive = opened(buyer, case)
    names = archive.namelist()
    assert names[0] == "index.html" and names[-1] == "SHA256SUMS"
    assert sorted(names[1:-1]) == [
        "deliveries/1/01-logo.zip",
        "evidence/01-chat_ü.txt",
        "evidence/02-bank.txt",
        "receipts/01-receipt.png",
    ]
    sums = dict(reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names[:-1]}


def test_its_page_is_escaped_and_needs_nothing_else(case: Dispute, buyer: User):
    page = opened(buyer, case).read("index.html").decode()
    assert "&lt;b&gt;Our&lt;/b&gt; chat." in page and "<b>Our" not in page
    assert STATEMENT in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")


def test_the_other_side_gets_neither_what_is_for_staff_nor_an_unrevealed_statement(
    order: Order, case: Dispute, freelancer: User, moderator: User
):
    rulings.add_staff_note(actor=moderator, dispute_id=case.pk, text="Same client as last month.")
    archive = opened(freelancer, case)
    page = archive.read("index.html").decode()
    assert "evidence/01-chat_ü.txt" in archive.namelist()
    assert not [name for name in archive.namelist() if "bank" in name]
    assert STATEMENT not in page and "My bank." not in page and "last month" not in page
    answered(order, freelancer)
    case.refresh_from_db()
    assert STATEMENT in opened(freelancer, case).read("index.html").decode()


def test_a_moderator_gets_everything_but_the_notes_of_moderators(case: Dispute, moderator: User):
    rulings.add_staff_note(actor=moderator, dispute_id=case.pk, text="Same client as last month.")
    archive = opened(moderator, case)
    page = archive.read("index.html").decode()
    assert archive.read("evidence/02-bank.txt") == b"secret"
    assert STATEMENT in page and "last month" not in page


def test_a_file_that_is_gone_is_said_to_be_missing(case: Dispute, buyer: User):
    Path(case.evidence.get(audience="staff").file.path).unlink()
    archive = opened(buyer, case)
    assert archive.read("evidence/02-bank.txt") == MISSING
    assert archive.read("evidence/01-chat_ü.txt") == b"three"


def test_its_name_is_plain(case: Dispute):
    assert pack_name(case) == f"case-{case.order.payment_reference}-1.zip"


def test_fifty_megabytes_pass_through_a_small_memory(case: Dispute, freelancer: User):
    for n in range(5):
        content = os.urandom(10 * 1024 * 1024)
        add_evidence(actor=freelancer, dispute_id=case.pk, note=f"File {n}.", audience="all", file=a_file(f"{n}.bin", content))
    del content
    tracemalloc.start()
    sent = sum(len(chunk) for chunk in stream_pack(viewer=freelancer, dispute=case))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent > 50 * 1024 * 1024
    assert peak < 4 * 1024 * 1024, f"{peak / 1024**2:.1f} MB"


def test_under_asgi_it_is_sent_piece_by_piece_too():
    async def pieces(chunks: AsyncIterator[bytes]) -> list[bytes]:
        return [chunk async for chunk in chunks]

    assert asyncio.run(pieces(one_by_one(iter([b"a", b"", b"b"])))) == [b"a", b"", b"b"]


def test_who_gets_it(
    order: Order, buyer: User, freelancer: User, stranger: User, moderator: User, client: Client, sign_in: SignIn
):
    address = reverse("orders:dispute_pack", args=[order.pk])
    answers = {person.handle: sign_in(person).get(address).status_code for person in (buyer, freelancer, stranger, moderator)}
    assert answers == {"amara": 200, "jose": 200, "li-wei": 404, "ingrid": 200}
    assert client.get(address).status_code == 302
    response = sign_in(buyer).get(address)
    assert response["Content-Type"] == "application/zip" and response["Cache-Control"] == "private, no-store"
    moderator.user_permissions.clear()
    assert sign_in(User.objects.get(pk=moderator.pk)).get(address).status_code == 404


def test_an_order_without_a_case_has_none(buyer: User, freelancer: User, sign_in: SignIn, rf: RequestFactory):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    assert sign_in(buyer).get(reverse("orders:dispute_pack", args=[order.pk])).status_code == 404
