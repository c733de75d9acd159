"""Disputes for programs: from the opening to the end, what each side may read of them, and who is turned away."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer, code_of, with_key
from accounts.tokens import make_jwt
from messaging.services import hand_in
from orders import dispute_forms as forms
from orders.models import Dispute, Evidence, Order, SettlementOffer
from orders.schemas import disputes as schemas
from orders.schemas.steps import Noted
from orders.selectors.disputes import latest_dispute
from orders.selectors.reconciliation import reconcile
from orders.services import disputes, settlements
from orders.services.evidence import add_evidence
from orders.states import Custody, Status
from orders.tests.disputing import STATEMENT, answered, case_for, disputed, everything, money, reviewed, ruled, taken
from orders.tests.factories import a_file, order_in, picture

JSON = "application/json"
NOBODY = "00000000-0000-4000-8000-000000000000"
ANSWER = "It is what was agreed, and the three colours stand in the second file."
OPENING = {"reason": "not_as_agreed", "statement": STATEMENT}
STEPS: dict[str, dict[str, Any]] = {
    "open-dispute": OPENING,
    "answer-dispute": {"statement": ANSWER},
    "offer-settlement": {"freelancer_amount": "60.00"},
    "accept-settlement": {},
    "withdraw-dispute": {},
    "appeal": {"reason": "The second file was not opened."},
}


def step(client: Client, order: Order, name: str, **body: object) -> HttpResponse:
    return client.patch(f"/api/orders/{order.pk}/{name}", body, content_type=JSON)


def accept(client: Client, order: Order, **seen: int) -> HttpResponse:
    """The standing offer, as it is now."""
    return step(client, order, "accept-settlement", **{"version": Order.objects.get(pk=order.pk).version, **seen})


def done(response: HttpResponse, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def read(client: Client, order: Order) -> Any:
    return done(client.get(f"/api/orders/{order.pk}/dispute"))


def show(client: Client, order: Order, **body: object) -> HttpResponse:
    return client.post(f"/api/orders/{order.pk}/evidence", body, content_type=JSON)


def offered(case: Any) -> list[str]:
    return [action["action"] for action in case["actions"]]


def in_utc(instant: Any) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.fixture
def books(db: None) -> Iterator[None]:
    """Whatever the test has done: every amount adds up."""
    yield
    breaches = [(result.check.name, result.rows) for result in reconcile(now=timezone.now()) if result.rows]
    assert breaches == []


@pytest.fixture
def delivered(buyer: User, freelancer: User) -> Order:
    return order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)


@pytest.fixture
def order(delivered: Order, buyer: User) -> Order:
    """With a dispute that the client has opened."""
    return disputed(delivered, buyer)


# --- From the opening to the end ------------------------------------------------------------------------------------
@pytest.mark.parametrize("custody", Custody)
def test_a_dispute_from_opening_to_settlement(buyer: User, freelancer: User, custody: Custody, books: None):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, custody=custody)
    theirs, mine = bearer(buyer), bearer(freelancer)

    shown = done(step(theirs, order, "open-dispute", **OPENING, wanted_amount="0"))
    assert (shown["status"], shown["payment_status"], shown["version"]) == ("DISPUTED", "DISPUTED", order.version + 1)
    assert shown["dispute"]["url"] == f"{settings.SITE_URL}/api/orders/{order.pk}/dispute"
    assert offered(read(mine, order)) == ["answer_dispute", "offer_settlement", "add_evidence"]
    assert offered(read(theirs, order)) == ["withdraw_dispute", "offer_settlement", "add_evidence"]

    done(step(mine, order, "answer-dispute", statement=ANSWER, wanted_amount="120"))
    case = read(theirs, order)
    assert [(said["by"], said["text"], said["wanted_amount"]) for said in case["statements"]] == [
        ("client", STATEMENT, "0.00"),
        ("freelancer", ANSWER, "120.00"),
    ]
    assert (case["state"], case["is_sealed"]) == ("evidence", False)

    done(show(mine, order, note="My drafts."), 201)
    done(step(theirs, order, "offer-settlement", freelancer_amount="40"))
    assert "accept_settlement" in offered(read(mine, order))
    done(step(mine, order, "offer-settlement", freelancer_amount="90.00"))
    done(step(theirs, order, "offer-settlement", freelancer_amount="70"))
    shown = done(accept(mine, order))
    paid = {Custody.PLATFORM: ("COMPLETED", "SPLIT"), Custody.DIRECT: ("CANCELLED", "REFUND_DUE")}
    assert (shown["status"], shown["payment_status"]) == paid[custody]

    case = read(theirs, order)
    assert (case["state"], case["freelancer_amount"], case["client_amount"]) == ("settled", "70.00", "50.00")
    assert [(offer["by"], offer["freelancer_amount"], offer["state"]) for offer in case["offers"]] == [
        ("client", "40.00", "replaced"),
        ("freelancer", "90.00", "lapsed"),
        ("client", "70.00", "accepted"),
    ]
    assert case["actions"] == [] and case["evidence_left"] == 0
    expected = {"balance": Decimal(63), "refundable": Decimal(50), "fees": Decimal(7)} if custody == Custody.PLATFORM else {}
    assert money(order) == expected


def test_a_case_as_its_other_side_reads_it(order: Order, buyer: User, freelancer: User):
    row = latest_dispute(order)
    assert row
    at = f"{settings.SITE_URL}/api/orders/{order.pk}"
    assert read(bearer(freelancer), order) == {
        "id": str(row.pk),
        "number": 1,
        "reason": "not_as_agreed",
        "state": "awaiting_response",
        "opened_at": in_utc(row.opened_at),
        "closed_at": None,
        "order": {
            "id": str(order.pk),
            "version": order.version,
            "title": order.gig_title,
            "payment_reference": order.payment_reference,
            "status": "DISPUTED",
            "payment_status": "DISPUTED",
            "client": {"id": str(buyer.pk), "handle": "amara", "name": "Amara Okafor"},
            "freelancer": {"id": str(freelancer.pk), "handle": "jose", "name": "José Ñíguez"},
        },
        "amount": "120.00",
        "currency": "EUR",
        "opened_by": "client",
        "moderator": None,
        "answer_by": in_utc(row.answer_by),
        "evidence_until": None,
        "rule_by": None,
        "appeal_until": None,
        "statements": [],
        "is_sealed": True,
        "offers": [],
        "evidence": [],
        "evidence_left": 10,
        "rulings": [],
        "appeal": None,
        "freelancer_amount": None,
        "client_amount": None,
        "earlier": [],
        "actions": [
            {"action": "answer_dispute", "method": "PATCH", "url": f"{at}/answer-dispute", "needs": ["statement"]},
            {"action": "offer_settlement", "method": "PATCH", "url": f"{at}/offer-settlement", "needs": ["freelancer_amount"]},
            {"action": "add_evidence", "method": "POST", "url": f"{at}/evidence", "needs": ["note"]},
        ],
    }


def test_a_completed_order_is_disputed_by_the_same_step(buyer: User, freelancer: User, books: None):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    refused = step(bearer(buyer), order, "open-dispute", **OPENING)
    assert code_of(refused) == (422, "dispute_refused")
    assert list(refused.json()["fields"]) == ["reason"]
    assert not Dispute.objects.exists()
    wishes = {"reason": "fraud", "statement": STATEMENT}
    assert code_of(step(bearer(freelancer), order, "open-dispute", **wishes)) == (409, "action_not_allowed")
    shown = done(step(bearer(buyer), order, "open-dispute", reason="fraud", statement=STATEMENT))
    assert (shown["status"], shown["payment_status"]) == ("COMPLETED", "DISPUTED")
    shown = done(step(bearer(buyer), order, "withdraw-dispute", note="We have found it."))
    assert (shown["status"], shown["payment_status"]) == ("COMPLETED", "RELEASED")


@pytest.mark.parametrize("reason", ["payment", "reversal"])
def test_a_paid_order_is_not_disputed_about_its_payment(delivered: Order, buyer: User, reason: str):
    response = step(bearer(buyer), delivered, "open-dispute", reason=reason, statement=STATEMENT)
    assert code_of(response) == (422, "dispute_refused")
    assert not Dispute.objects.exists()


def test_a_direct_payment_nobody_checks_is_disputed_once_its_review_is_overdue(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    wishes = {"reason": "payment", "statement": STATEMENT}
    assert code_of(step(bearer(buyer), order, "open-dispute", **wishes)) == (409, "too_early")
    Order.objects.filter(pk=order.pk).update(review_due_at=timezone.now() - timedelta(seconds=1))
    done(step(bearer(buyer), order, "open-dispute", **wishes))
    for amount in ("0", "120"):
        before = everything()
        response = step(bearer(freelancer), order, "offer-settlement", freelancer_amount=amount)
        assert code_of(response) == (422, "dispute_refused")
        assert list(response.json()["fields"]) == ["freelancer_amount"]
        assert everything() == before


def test_crossing_offers_settle_in_the_middle(order: Order, buyer: User, freelancer: User, books: None):
    done(step(bearer(freelancer), order, "offer-settlement", freelancer_amount="50"))
    shown = done(step(bearer(buyer), order, "offer-settlement", freelancer_amount="70"))
    assert (shown["status"], shown["payment_status"]) == ("COMPLETED", "SPLIT")
    assert read(bearer(buyer), order)["freelancer_amount"] == "60.00"


def test_the_loser_appeals_and_the_winner_does_not(moderator: User, buyer: User, freelancer: User, books: None):
    order = ruled(case_for(moderator, buyer, freelancer), moderator)
    theirs, mine = bearer(buyer), bearer(freelancer)
    case = read(mine, order)
    (ruling,) = case["rulings"]
    assert (ruling["moderator"], ruling["freelancer_amount"], ruling["client_amount"]) == ("Ingrid Bø", "0.00", "120.00")
    assert (case["appeal_until"] is not None, offered(case), offered(read(theirs, order))) == (True, ["appeal"], [])
    before = everything()
    assert code_of(step(theirs, order, "appeal", reason="I want more.")) == (403, "not_your_step")
    assert everything() == before
    shown = done(step(mine, order, "appeal", reason="The second file was not opened."))
    assert (shown["status"], shown["payment_status"]) == ("DISPUTED", "DISPUTED")
    case = read(theirs, order)
    appeal = case["appeal"]
    assert (case["state"], appeal["by"], appeal["reason"]) == ("under_review", "freelancer", "The second file was not opened.")
    assert code_of(step(mine, order, "withdraw-dispute")) == (403, "not_your_step")
    assert code_of(step(theirs, order, "withdraw-dispute")) == (409, "dispute_refused")  # after a ruling nobody does


def test_a_withdrawn_dispute_stands_among_the_earlier_ones(order: Order, buyer: User, freelancer: User):
    assert code_of(step(bearer(freelancer), order, "withdraw-dispute")) == (403, "not_your_step")
    shown = done(step(bearer(buyer), order, "withdraw-dispute", note="We have talked."))
    assert shown["status"] == "SUBMITTED"
    assert code_of(step(bearer(buyer), order, "open-dispute", **OPENING)) == (409, "dispute_refused")
    done(step(bearer(freelancer), order, "open-dispute", **OPENING))
    case = read(bearer(buyer), order)
    assert (case["number"], case["opened_by"]) == (2, "freelancer")
    assert [(row["number"], row["state"]) for row in case["earlier"]] == [(1, "withdrawn")]


# --- What may be read -----------------------------------------------------------------------------------------------
def test_no_statement_is_read_before_both_are_in(order: Order, buyer: User, freelancer: User, moderator: User):
    mine = bearer(freelancer)
    assert read(mine, order)["statements"] == []
    assert STATEMENT not in mine.get(f"/api/orders/{order.pk}").content.decode()
    assert STATEMENT not in mine.get(f"/api/orders/{order.pk}/events").content.decode()
    assert STATEMENT not in pack_of(mine, order).read("index.html").decode()
    assert [said["text"] for said in read(bearer(buyer), order)["statements"]] == [STATEMENT]
    assert [said["text"] for said in read(bearer(moderator), order)["statements"]] == [STATEMENT]
    done(step(mine, order, "answer-dispute", statement=ANSWER))
    for person in (buyer, freelancer, moderator):
        assert [said["text"] for said in read(bearer(person), order)["statements"]] == [STATEMENT, ANSWER]


def test_evidence_for_moderators_alone_the_other_side_never_sees(order: Order, buyer: User, freelancer: User, moderator: User):
    file = hand_in(actor=buyer, upload=SimpleUploadedFile("names.txt", b"My address book."), as_it_is=True)
    added = done(show(bearer(buyer), order, note="Who told me.", audience="staff", file_id=str(file.pk)), 201)
    path = added["file"]["url"].removeprefix(settings.SITE_URL)
    mine = bearer(freelancer)
    assert (read(mine, order)["evidence"], done(mine.get(f"/api/orders/{order.pk}/evidence"))["items"]) == ([], [])
    assert mine.get(path).status_code == 404
    assert [name for name in pack_of(mine, order).namelist() if name.startswith("evidence/")] == []
    assert "Who told me." not in pack_of(mine, order).read("index.html").decode()
    for person in (buyer, moderator):
        client = bearer(person)
        assert read(client, order)["evidence"] == [added]
        assert done(client.get(f"/api/orders/{order.pk}/evidence")) == {"items": [added], "next": None}
        assert b"".join(client.get(path)) == b"My address book."
        assert "evidence/01-names.txt" in pack_of(client, order).namelist()


def test_what_moderators_write_to_each_other_is_in_no_answer(moderator: User, buyer: User, freelancer: User):
    order = disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)
    order = taken(reviewed(order), moderator)
    Dispute.objects.get().staff_notes.create(author=moderator, text="I know them both.", created_at=timezone.now())
    for person in (buyer, freelancer, moderator):
        client = bearer(person)
        for path in ("", "/dispute", "/evidence", "/events"):
            assert "I know them both." not in client.get(f"/api/orders/{order.pk}{path}").content.decode()
    assert read(bearer(buyer), order)["moderator"] == "Ingrid Bø"


def test_a_moderator_who_is_a_party_is_a_party(order: Order, buyer: User, freelancer: User):
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    row = add_evidence(actor=buyer, dispute_id=order.disputes.get().pk, note="Secret.", audience="staff", file=a_file())
    client = bearer(freelancer)
    case = read(client, order)
    assert (case["statements"], case["evidence"]) == ([], [])
    assert client.get(f"/api/evidence/{row.pk}/file").status_code == 404


# --- Evidence -------------------------------------------------------------------------------------------------------
def test_evidence_with_its_file_is_kept_byte_for_byte(order: Order, buyer: User, freelancer: User):
    file = hand_in(actor=buyer, upload=picture(name="screen.png"), as_it_is=True)
    added = done(show(bearer(buyer), order, note="What came.", audience="all", file_id=str(file.pk)), 201)
    row = Evidence.objects.get()
    assert added == {
        "id": str(row.pk),
        "by": "client",
        "name": "Amara Okafor",
        "audience": "all",
        "note": "What came.",
        "file": {
            "name": "screen.png",
            "content_type": "image/png",
            "size": file.size,
            "sha256": file.sha256,
            "url": f"{settings.SITE_URL}/api/evidence/{row.pk}/file",
        },
        "created_at": in_utc(row.created_at),
    }
    response = bearer(freelancer).get(f"/api/evidence/{row.pk}/file")
    assert b"".join(response) == picture(name="screen.png").read()
    assert response["Content-Disposition"].startswith("attachment") and response["X-Content-Type-Options"] == "nosniff"


def test_the_same_evidence_twice_is_added_once(order: Order, buyer: User):
    first, again = (done(show(bearer(buyer), order, note="Our chat."), 201) for _n in range(2))
    assert first == again
    assert Evidence.objects.count() == 1


def test_a_file_for_evidence_is_ones_own_and_as_it_was(order: Order, buyer: User, freelancer: User):
    foreign = hand_in(actor=freelancer, upload=SimpleUploadedFile("a.txt", b"mine"), as_it_is=True)
    drawn = hand_in(actor=buyer, upload=picture())
    wanted = [(str(foreign.pk), "file_gone"), (NOBODY, "file_gone"), (str(drawn.pk), "file_redrawn")]
    for file_id, code in wanted:
        response = show(bearer(buyer), order, note="See.", file_id=file_id)
        assert code_of(response) == (422, code)
        assert list(response.json()["fields"]) == ["file_id"]
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "note"),
        ({"note": ""}, "note"),
        ({"note": "  \n "}, "note"),
        ({"note": "x" * 2001}, "note"),
        ({"note": "\u200b"}, "note"),
        ({"note": 5}, "note"),
        ({"note": "x", "audience": "everybody"}, "audience"),
        ({"note": "x", "audience": None}, "audience"),
        ({"note": "x", "file_id": "abc"}, "file_id"),
        ({"note": "x", "files": []}, "files"),
    ],
)
def test_evidence_that_cannot_be_names_its_field(order: Order, buyer: User, body: dict[str, object], field: str):
    response = show(bearer(buyer), order, **body)
    assert code_of(response) == (422, "invalid")
    assert list(response.json()["fields"]) == [field]
    assert not Evidence.objects.exists()


def test_ten_pieces_are_the_most(order: Order, buyer: User, freelancer: User):
    client = bearer(buyer)
    for n in range(10):
        done(show(client, order, note=f"Piece {n}."), 201)
    case = read(client, order)
    assert (case["evidence_left"], len(case["evidence"]), "add_evidence" in offered(case)) == (0, 10, False)
    assert code_of(show(client, order, note="One more.")) == (409, "dispute_refused")
    assert Evidence.objects.count() == 10
    assert read(bearer(freelancer), order)["evidence_left"] == 10


def test_a_closed_case_takes_no_evidence(order: Order, buyer: User):
    order = disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=order.version)
    response = show(bearer(buyer), order, note="Late.")
    assert code_of(response) == (409, "dispute_refused")
    assert (response.json()["status"], response.json()["version"]) == ("SUBMITTED", order.version)
    assert not Evidence.objects.exists()


def test_evidence_is_walked_once_through_part_by_part(order: Order, buyer: User, freelancer: User):
    for n in range(4):
        for person in (buyer, freelancer):
            add_evidence(actor=person, dispute_id=order.disputes.get().pk, note=f"Piece {n}.", audience="all")
    found, cursor, client = [], "", bearer(buyer)
    while cursor is not None:
        part = done(client.get(f"/api/orders/{order.pk}/evidence?limit=3&cursor={cursor}"))
        found += [item["id"] for item in part["items"]]
        cursor = part["next"]
    assert found == [str(pk) for pk in Evidence.objects.order_by("created_at", "id").values_list("pk", flat=True)]


def pack_of(client: Client, order: Order) -> zipfile.ZipFile:
    response = client.get(f"/api/orders/{order.pk}/evidence-pack")
    assert response.status_code == 200 and response["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(response)))


def test_the_pack_is_a_zip_with_sums(order: Order, buyer: User):
    response = bearer(buyer).get(f"/api/orders/{order.pk}/evidence-pack")
    assert response.streaming and response["Cache-Control"] == "private, no-store"
    assert response["Content-Disposition"] == f'attachment; filename="case-{order.payment_reference}-1.zip"'
    names = zipfile.ZipFile(io.BytesIO(b"".join(response))).namelist()
    assert names[0] == "index.html" and names[-1] == "SHA256SUMS"


@pytest.mark.django_db(transaction=True)
def test_the_pack_streams_under_asgi_too(order: Order, buyer: User):
    async def fetch() -> bytes:
        token = {"Authorization": f"Bearer {make_jwt(buyer)}"}
        response = await AsyncClient().get(f"/api/orders/{order.pk}/evidence-pack", headers=token)
        assert response.status_code == 200 and response.is_async
        return b"".join([chunk async for chunk in response])

    assert zipfile.ZipFile(io.BytesIO(async_to_sync(fetch)())).testzip() is None


# --- Who is turned away ---------------------------------------------------------------------------------------------
def reads(order: Order, file: Evidence) -> list[str]:
    of_order = f"/api/orders/{order.pk}"
    return [f"{of_order}/dispute", f"{of_order}/evidence", f"{of_order}/evidence-pack", f"/api/evidence/{file.pk}/file"]


def statuses(client: Client, paths: list[str]) -> list[int]:
    answers = [client.get(path) for path in paths]
    for answer in answers:
        _sent = b"".join(answer) if answer.streaming else answer.content
    return [answer.status_code for answer in answers]


def writes(order: Order) -> list[Callable[[Client], HttpResponse]]:
    steps = [
        lambda client, name=name, body=body: step(client, order, name, **body, version=order.version)
        for name, body in STEPS.items()
    ]
    return [*steps, lambda client: show(client, order, note="See.")]


@pytest.fixture
def piece(order: Order, buyer: User) -> Evidence:
    return add_evidence(actor=buyer, dispute_id=order.disputes.get().pk, note="See.", audience="all", file=a_file())


def test_nobody_does_anything_without_saying_who_they_are(order: Order, piece: Evidence):
    nobody, before = Client(), everything()
    answers = [*(nobody.get(path) for path in reads(order, piece)), *(write(nobody) for write in writes(order))]
    assert [code_of(answer) for answer in answers] == [(401, "not_signed_in")] * len(answers)
    assert everything() == before


def test_a_stranger_finds_nothing(order: Order, piece: Evidence, stranger: User):
    client, before = bearer(stranger), everything()
    answers = [*(client.get(path) for path in reads(order, piece)), *(write(client) for write in writes(order))]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * len(answers)
    assert everything() == before


def test_a_moderator_reads_all_and_acts_at_the_desk_alone(order: Order, piece: Evidence, moderator: User):
    client, before = bearer(moderator), everything()
    assert statuses(client, reads(order, piece)) == [200] * 4
    case = read(client, order)
    assert (case["actions"], case["evidence_left"], case["is_sealed"]) == ([], 0, True)
    answers = [write(client) for write in writes(order)]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * len(answers)
    assert everything() == before


def test_a_key_of_a_moderator_opens_nothing_but_their_own_deals(order: Order, piece: Evidence, moderator: User):
    client, before = with_key(moderator, "read", "orders"), everything()
    answers = [*(client.get(path) for path in reads(order, piece)), *(write(client) for write in writes(order))]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * len(answers)
    assert everything() == before


def test_who_only_checks_payments_reads_no_case(order: Order, piece: Evidence, moderator: User):
    moderator.user_permissions.set(Permission.objects.filter(codename="verify_payment"))
    client = bearer(moderator)
    assert client.get(f"/api/orders/{order.pk}").status_code == 200
    assert statuses(client, reads(order, piece)) == [404] * 4


def test_a_key_reads_with_one_scope_and_acts_with_another(order: Order, piece: Evidence, freelancer: User):
    looks, acts = with_key(freelancer, "read"), with_key(freelancer, "orders")
    before = everything()
    assert statuses(looks, reads(order, piece)) == [200] * 4
    assert read(looks, order)["actions"] == []
    assert [code_of(acts.get(path)) for path in reads(order, piece)] == [(403, "scope_missing")] * 4
    assert {code_of(write(looks)) for write in writes(order)} == {(403, "scope_missing")}
    assert everything() == before
    assert step(acts, order, "answer-dispute", statement=ANSWER).status_code == 200
    assert done(show(acts, order, note="My drafts."), 201)["by"] == "freelancer"


def test_an_order_without_a_dispute_has_none_to_read(delivered: Order, buyer: User):
    client = bearer(buyer)
    for path in ("dispute", "evidence", "evidence-pack"):
        assert code_of(client.get(f"/api/orders/{delivered.pk}/{path}")) == (404, "not_found")
    assert code_of(show(client, delivered, note="See.")) == (404, "not_found")


# --- Steps that are refused -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in STEPS if name != "open-dispute"])
def test_a_step_without_a_dispute_is_409_and_says_where_the_order_is(delivered: Order, buyer: User, name: str):
    before = everything()
    response = step(bearer(buyer), delivered, name, **STEPS[name], version=delivered.version)
    assert code_of(response) == (409, "action_not_allowed")
    assert (response.json()["status"], response.json()["version"]) == ("SUBMITTED", delivered.version)
    assert everything() == before


@pytest.mark.parametrize("name", STEPS)
def test_a_step_of_a_settled_case_changes_nothing(order: Order, buyer: User, freelancer: User, name: str):
    order = settlements.offer_settlement(actor=buyer, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(60))
    order = settlements.accept_settlement(actor=freelancer, order_id=order.pk, seen=order.version)
    before = everything()
    body = {**STEPS[name], **({"reason": "fraud"} if name == "open-dispute" else {})}
    response = step(bearer(buyer), order, name, **body, version=order.version)
    assert response.status_code == 409
    assert (response.json()["status"], response.json()["version"]) == ("COMPLETED", order.version)
    assert everything() == before


def test_a_second_answer_and_an_offer_of_nobody_are_409(order: Order, buyer: User, freelancer: User):
    before = everything()
    assert code_of(step(bearer(buyer), order, "answer-dispute", statement=ANSWER)) == (409, "dispute_refused")
    assert code_of(accept(bearer(buyer), order)) == (409, "dispute_refused")
    assert everything() == before
    done(step(bearer(buyer), order, "offer-settlement", freelancer_amount="10"))
    assert code_of(accept(bearer(buyer), order)) == (409, "dispute_refused")  # one's own
    assert Dispute.objects.get().is_open


def test_an_offer_is_taken_as_it_was_read_and_not_as_it_was_changed_since(order: Order, buyer: User, freelancer: User):
    """The freelancer offers to take little, and asks for all before the client agrees."""
    settlements.offer_settlement(actor=freelancer, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(10))
    read_at = Order.objects.get(pk=order.pk).version
    settlements.offer_settlement(actor=freelancer, order_id=order.pk, seen=read_at, freelancer_amount=Decimal(100))
    client, before = bearer(buyer), everything()
    assert code_of(step(client, order, "accept-settlement")) == (422, "invalid")
    assert code_of(accept(client, order, version=read_at)) == (409, "order_moved")
    assert everything() == before
    [action] = [one for one in read(client, order)["actions"] if one["action"] == "accept_settlement"]
    assert action["needs"] == ["version"]


def test_an_outdated_version_is_409(order: Order, buyer: User, freelancer: User):
    answered(order, freelancer)
    before = everything()
    response = step(bearer(buyer), order, "offer-settlement", freelancer_amount="10", version=order.version)
    assert code_of(response) == (409, "order_moved")
    assert response.json()["version"] == order.version + 1
    assert everything() == before


def test_the_same_step_sent_again_is_taken_once(delivered: Order, buyer: User):
    first, again = (done(step(bearer(buyer), delivered, "open-dispute", **OPENING, version=delivered.version)) for _n in range(2))
    assert first["version"] == again["version"] == delivered.version + 1
    assert Dispute.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "body", "code", "field"),
    [
        ("open-dispute", {"reason": "other", "statement": "It is bad."}, "invalid", "statement"),
        ("open-dispute", {"reason": "other", "statement": "x" * 8001}, "invalid", "statement"),
        ("open-dispute", {"reason": "boredom", "statement": STATEMENT}, "invalid", "reason"),
        ("open-dispute", {"statement": STATEMENT}, "invalid", "reason"),
        ("open-dispute", {**OPENING, "wanted_amount": "120.01"}, "dispute_refused", "wanted_amount"),
        ("open-dispute", {**OPENING, "wanted_amount": "1.001"}, "invalid_amount", "wanted_amount"),
        ("open-dispute", {**OPENING, "wanted_amount": "-1"}, "invalid", "wanted_amount"),
        ("open-dispute", {**OPENING, "wanted_amount": 20}, "invalid", "wanted_amount"),
        ("answer-dispute", {"statement": " "}, "invalid", "statement"),
        ("answer-dispute", {"statement": ANSWER, "wanted_amount": "500"}, "dispute_refused", "wanted_amount"),
        ("offer-settlement", {}, "invalid", "freelancer_amount"),
        ("offer-settlement", {"freelancer_amount": None}, "invalid", "freelancer_amount"),
        ("offer-settlement", {"freelancer_amount": "500"}, "dispute_refused", "freelancer_amount"),
        ("offer-settlement", {"freelancer_amount": "10.005"}, "invalid_amount", "freelancer_amount"),
        ("withdraw-dispute", {"note": "x" * 1001}, "invalid", "note"),
        ("appeal", {"reason": ""}, "invalid", "reason"),
        ("appeal", {"reason": "x" * 4001}, "invalid", "reason"),
        ("accept-settlement", {"sure": True, "version": 1}, "invalid", "sure"),
        ("accept-settlement", {}, "invalid", "version"),
    ],
)
def test_what_cannot_be_said_names_its_field(
    delivered: Order, buyer: User, freelancer: User, name: str, body: dict[str, object], code: str, field: str
):
    order = delivered if name == "open-dispute" else disputed(delivered, freelancer)
    before = everything()
    response = step(bearer(buyer), order, name, **body)
    assert code_of(response) == (422, code)
    assert list(response.json()["fields"]) == [field]
    assert everything() == before


# --- What it costs --------------------------------------------------------------------------------------------------
def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_reading_a_case_costs_the_same_at_any_size(order: Order, buyer: User, freelancer: User):
    """One of each, against thirty offers and as much evidence as the two may add."""
    case = order.disputes.get()
    order = answered(order, freelancer)
    settlements.offer_settlement(actor=buyer, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(10))
    add_evidence(actor=buyer, dispute_id=case.pk, note="One.", audience="all")
    client = bearer(freelancer)
    paths = [f"/api/orders/{order.pk}/dispute", f"/api/orders/{order.pk}/evidence?limit=100"]
    at_one = [queries_of(client, path) for path in paths]
    assert at_one == [12, 6]
    for n in range(29):
        lapsed = SettlementOffer(
            dispute=case, offered_by=buyer, freelancer_amount=Decimal(n), state="replaced", created_at=timezone.now()
        )
        lapsed.save()
    for n in range(9):
        for person in (buyer, freelancer):
            add_evidence(actor=person, dispute_id=case.pk, note=f"Piece {n}.", audience="all", file=a_file())
    assert len(done(client.get(paths[0]))["offers"]) == 30
    assert len(done(client.get(paths[1]))["items"]) == 19
    assert [queries_of(client, path) for path in paths] == at_one


# --- The schemas are those of the models and forms ------------------------------------------------------------------
def test_what_the_schemas_name_is_what_there_is():
    assert set(get_args(schemas.DisputeReason)) == set(Dispute.Reason.values)
    assert set(get_args(schemas.DisputeState)) == set(Dispute.State.values)
    assert set(get_args(schemas.OfferState)) == set(SettlementOffer.State.values)
    assert set(get_args(schemas.Audience)) == set(Evidence.Audience.values)


@pytest.mark.parametrize(
    ("form", "name", "schema", "field"),
    [
        (forms.OpenDisputeForm, "statement", schemas.OpenDispute, "statement"),
        (forms.AnswerForm, "statement", schemas.AnswerDispute, "statement"),
        (forms.WithdrawForm, "note", Noted, "note"),
        (forms.AppealForm, "reason", schemas.Appeal, "reason"),
        (forms.EvidenceForm, "note", schemas.NewEvidence, "note"),
    ],
)
def test_the_limits_are_those_of_the_forms(form: Any, name: str, schema: Any, field: str):
    typed, sent = form.base_fields[name], schema.model_json_schema()["properties"][field]
    assert (sent["maxLength"], sent["minLength"]) == (typed.max_length, typed.min_length or int(typed.required))
