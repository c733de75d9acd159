"""People's money for programs: who reads it, who moves it, and that it adds up afterwards."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
import time_machine
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer, code_of, with_key
from accounts.tests.factories import UserFactory
from conftest import SignIn
from gigs.tests.factories import GigFactory
from messaging.services import hand_in
from orders.models import Disbursement, LedgerTransfer, Order, PaymentMethod, PayoutAccount
from orders.payout_forms import SentForm
from orders.schemas import balance
from orders.schemas import payouts as schemas
from orders.selectors.reconciliation import reconcile
from orders.services import payouts
from orders.services.payout_accounts import archive_payout_account
from orders.states import Custody, DisbursementState, PaymentStatus, Status
from orders.tests.disputing import case_for, ruled
from orders.tests.factories import a_receipt, order_in, picture
from orders.tests.test_payouts import (
    IBAN,
    OTHER_IBAN,
    account_of,
    asked,
    everything,
    payer,
    refund_of,
    released,
    sent,
    take,
)

__all__ = ["payer"]  # a fixture

JSON = "application/json"
NOBODY = "00000000-0000-4000-8000-000000000000"


def post(client: Client, path: str, body: object = None, **headers: str) -> HttpResponse:
    return client.post(f"/api/{path}", body if body is not None else {}, content_type=JSON, headers=headers or None)


def patch(client: Client, path: str, body: object) -> HttpResponse:
    return client.patch(f"/api/{path}", body, content_type=JSON)


def get(client: Client, path: str) -> Any:
    response = client.get(f"/api/{path}")
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def books(db: None) -> Iterator[None]:
    """Whatever the test has done: every amount adds up."""
    yield
    breaches = [(result.check.name, result.rows) for result in reconcile(now=timezone.now()) if result.rows]
    assert breaches == []


@pytest.fixture
def earned(buyer: User, freelancer: User) -> Order:
    """The freelancer has 108.00 EUR available."""
    return released(buyer, freelancer)


@pytest.fixture
def account(freelancer: User) -> PayoutAccount:
    return account_of(freelancer)


def asking(account: PayoutAccount, amount: str = "100.00", currency: str = "EUR") -> dict[str, str]:
    return {"currency": currency, "amount": amount, "account_id": str(account.pk)}


# --- The balance ----------------------------------------------------------------------------------------------------
def test_a_balance_says_what_is_held_on_hold_available_asked_for_and_paid_out(
    buyer: User, freelancer: User, payer: User, books: None
):
    order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, price=Decimal(50))
    clearing = released(buyer, freelancer, "80", cleared=False)
    released(buyer, freelancer)
    sent(asked(freelancer, "30"), payer)
    asked(freelancer, "20.50")
    until = clearing.hold_until.isoformat().replace("+00:00", "Z")
    today = timezone.localdate()
    assert get(bearer(freelancer), "balance") == {
        "currencies": [
            {
                "currency": "EUR",
                "balance": "150.00",
                "available": "57.50",
                "clearing": "72.00",
                "next_clearing_at": until,
                "asked_for": "20.50",
                "held": "50.00",
                "frozen": "0.00",
                "paid_out": "30.00",
                "minimum": "0.00",
                "can_ask": False,
                "on_hold": [
                    {
                        "order": {
                            "id": str(clearing.pk),
                            "title": clearing.gig_title,
                            "reference": clearing.payment_reference,
                        },
                        "amount": "72.00",
                        "until": until,
                    }
                ],
            }
        ],
        "months": [{"year": today.year, "month": today.month}],
    }
    assert get(bearer(buyer), "balance") == {"currencies": [], "months": []}


def test_a_coin_keeps_all_its_digits(buyer: User, freelancer: User):
    gig = GigFactory(freelancer=freelancer, price=Decimal("0.01234567"), currency="BTC")
    order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, gig=gig)
    (purse,) = get(bearer(freelancer), "balance")["currencies"]
    assert purse["balance"] == "0.01111110"


def test_a_month_lists_every_movement(buyer: User, freelancer: User, payer: User, books: None):
    order = released(buyer, freelancer)
    row = sent(asked(freelancer, "100"), payer)
    now = timezone.now()
    shown = get(bearer(freelancer), f"balance/{now.year}/{now.month}")
    (statement,) = shown.pop("statements")
    assert shown == {"year": now.year, "month": now.month}
    release, payout = statement.pop("lines")
    assert statement == {"currency": "EUR", "opening": "0.00", "closing": "8.00"}
    about_order = {"id": str(order.pk), "title": order.gig_title, "reference": order.payment_reference}
    assert release.pop("at").endswith("Z") and payout.pop("at").endswith("Z")
    assert release == {
        "kind": "release",
        "order": about_order,
        "reference": None,
        "gross": "120.00",
        "fee": "12.00",
        "amount": "108.00",
        "balance": "108.00",
    }
    assert payout == {
        "kind": "payout",
        "order": None,
        "reference": row.reference,
        "gross": "-100.00",
        "fee": "0.00",
        "amount": "-100.00",
        "balance": "8.00",
    }


def test_a_month_is_one_of_the_persons_time_zone(buyer: User, freelancer: User, sign_in: SignIn):
    User.objects.filter(pk=freelancer.pk).update(time_zone="Pacific/Auckland")
    with time_machine.travel("2026-10-31T20:00:00Z", tick=False):  # November there
        released(buyer, freelancer)
        client = sign_in(freelancer)
        assert get(client, "balance")["months"] == [{"year": 2026, "month": 11}]
        assert client.get("/api/balance/2026/10").status_code == 404
        assert len(get(client, "balance/2026/11")["statements"][0]["lines"]) == 1


@pytest.mark.parametrize(
    "month", ["2026/0", "2026/13", "1969/1", "0/1", "99999999999999999999/1", "2026/99999999999999999999", "2026/5"]
)
def test_a_month_without_a_statement_is_404(earned: Order, freelancer: User, month: str):
    assert code_of(bearer(freelancer).get(f"/api/balance/{month}")) == (404, "not_found")


# --- Accounts -------------------------------------------------------------------------------------------------------
def test_accounts_are_shown_masked(freelancer: User, stranger: User):
    archived, used = account_of(freelancer), account_of(freelancer, OTHER_IBAN)
    account_of(stranger)
    archive_payout_account(actor=freelancer, account_id=archived.pk)
    response = bearer(freelancer).get("/api/payout-accounts")
    assert IBAN[-8:] not in response.content.decode() and OTHER_IBAN[-8:] not in response.content.decode()
    first, second = response.json()["items"]
    assert (first["id"], first["is_active"], second["is_active"]) == (str(archived.pk), False, True)
    assert {**second, "created_at": ""} == {
        "id": str(used.pk),
        "kind": "bank",
        "currency": "EUR",
        "holder": "José Ñíguez",
        "account": used.masked,
        "is_active": True,
        "created_at": "",
    }


def test_there_is_no_way_to_add_an_account(freelancer: User):
    assert code_of(post(bearer(freelancer), "payout-accounts", {})) == (405, "method_not_allowed")


# --- Asking for a payout --------------------------------------------------------------------------------------------
def test_asking_for_a_payout(earned: Order, account: PayoutAccount, freelancer: User, books: None):
    client = bearer(freelancer)
    response = post(client, "payouts", asking(account, "50.25"))
    assert response.status_code == 201
    row = Disbursement.objects.get()
    assert (row.person, row.amount, row.account, row.state) == (freelancer, Decimal("50.25"), account, "requested")
    shown = response.json()
    assert shown == get(client, f"payouts/{row.pk}")
    assert get(client, "payouts") == {"items": [shown], "next": None}
    account_told = shown.pop("account")
    assert (account_told["id"], account_told["account"]) == (str(account.pk), account.masked)
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": str(row.pk),
        "amount": "50.25",
        "currency": "EUR",
        "state": "requested",
        "version": 1,
        "sent_at": None,
        "reference": None,
        "proof_url": None,
        "failure": None,
        "actions": ["withdraw"],
    }
    (purse,) = get(client, "balance")["currencies"]
    assert (purse["asked_for"], purse["available"]) == ("50.25", "57.75")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount": "108.01"}, "not_enough_money", "amount"),
        ({"amount": "0"}, "invalid_amount", "amount"),
        ({"amount": "0.00"}, "invalid_amount", "amount"),
        ({"amount": "1.001"}, "invalid_amount", "amount"),
        ({"amount": "-1"}, "invalid", "amount"),
        ({"amount": "1,50"}, "invalid", "amount"),
        ({"amount": 50}, "invalid", "amount"),
        ({"amount": 50.5}, "invalid", "amount"),
        ({"amount": None}, "invalid", "amount"),
        ({"currency": "XXX"}, "invalid", "currency"),
        ({"currency": "eur"}, "invalid", "currency"),
        ({"currency": "USD"}, "account_refused", "account_id"),
        ({"account_id": NOBODY}, "account_refused", "account_id"),
        ({"account_id": 7}, "invalid", "account_id"),
        ({"acount_id": NOBODY}, "invalid", "acount_id"),
    ],
)
def test_a_payout_that_cannot_be_names_its_field(
    earned: Order, account: PayoutAccount, freelancer: User, changes: dict[str, object], code: str, field: str
):
    before = everything()
    response = post(bearer(freelancer), "payouts", {**asking(account), **changes})
    assert code_of(response) == (422, code)
    assert list(response.json()["fields"]) == [field]
    assert everything() == before


def test_money_goes_to_ones_own_accounts_in_use_alone(earned: Order, freelancer: User, stranger: User):
    archived, foreign = account_of(freelancer), account_of(stranger)
    archive_payout_account(actor=freelancer, account_id=archived.pk)
    for account in (archived, foreign):
        assert code_of(post(bearer(freelancer), "payouts", asking(account))) == (422, "account_refused")
    assert not Disbursement.objects.exists()


def test_the_sites_minimum_holds(earned: Order, account: PayoutAccount, freelancer: User, settings, books: None):
    settings.PAYOUT_MINIMUM = {"EUR": "25"}
    client = bearer(freelancer)
    assert get(client, "balance")["currencies"][0]["minimum"] == "25.00"
    assert code_of(post(client, "payouts", asking(account, "24.99"))) == (422, "below_minimum")
    assert not Disbursement.objects.exists()
    assert post(client, "payouts", asking(account, "25")).status_code == 201


def test_one_request_is_open_at_a_time(earned: Order, account: PayoutAccount, freelancer: User, books: None):
    client = bearer(freelancer)
    post(client, "payouts", asking(account, "10"))
    before = everything()
    assert code_of(post(client, "payouts", asking(account, "10"))) == (409, "payout_open")
    assert everything() == before


def test_money_on_hold_cannot_be_asked_for(buyer: User, freelancer: User, account: PayoutAccount):
    released(buyer, freelancer, cleared=False)
    assert code_of(post(bearer(freelancer), "payouts", asking(account, "1"))) == (422, "not_enough_money")
    assert not Disbursement.objects.exists()


# --- A payout on its way --------------------------------------------------------------------------------------------
def test_a_payout_is_withdrawn(earned: Order, freelancer: User, books: None):
    row, client = asked(freelancer), bearer(freelancer)
    shown = post(client, f"payouts/{row.pk}/withdraw").json()
    assert (shown["state"], shown["version"], shown["actions"]) == ("withdrawn", 2, [])
    assert get(client, "balance")["currencies"][0]["available"] == "108.00"


def test_a_step_needs_no_body(earned: Order, freelancer: User, books: None):
    row = asked(freelancer)
    response = bearer(freelancer).generic("POST", f"/api/payouts/{row.pk}/withdraw")
    assert (response.status_code, response.json()["state"]) == (200, "withdrawn")


def test_a_payout_is_confirmed_by_who_got_it(earned: Order, freelancer: User, payer: User, books: None):
    row, client = sent(asked(freelancer), payer), bearer(freelancer)
    shown = get(client, f"payouts/{row.pk}")
    assert (shown["state"], shown["reference"], shown["actions"]) == ("sent", "BANK-1", ["confirm"])
    assert shown["sent_at"].endswith("Z")
    shown = post(client, f"payouts/{row.pk}/confirm", {"version": shown["version"]}).json()
    assert (shown["state"], shown["actions"]) == ("confirmed", [])
    assert list(row.events.values_list("action", "actor__email"))[-1] == ("confirm", freelancer.email)


def test_a_payout_that_came_back_is_sent_to_another_account(earned: Order, freelancer: User, payer: User, books: None):
    row = take(payouts.fail, payer, sent(asked(freelancer), payer), note="The account is closed.")
    other, client = account_of(freelancer, OTHER_IBAN), bearer(freelancer)
    shown = get(client, f"payouts/{row.pk}")
    assert (shown["failure"], shown["actions"]) == ("The account is closed.", ["retry", "withdraw"])
    shown = post(client, f"payouts/{row.pk}/retry", {"account_id": str(other.pk)}).json()
    assert (shown["state"], shown["account"]["id"], shown["failure"]) == ("requested", str(other.pk), None)


def test_a_payout_that_came_back_is_sent_again_to_the_same_account(earned: Order, freelancer: User, payer: User, books: None):
    row = take(payouts.fail, payer, sent(asked(freelancer), payer), note="Try again.")
    shown = post(bearer(freelancer), f"payouts/{row.pk}/retry").json()
    assert (shown["state"], shown["account"]["id"]) == ("requested", str(row.account_id))


def test_what_came_back_goes_to_no_account_of_somebody_else(
    earned: Order, freelancer: User, stranger: User, payer: User, books: None
):
    row = take(payouts.fail, payer, sent(asked(freelancer), payer), note="No.")
    before = everything()
    response = post(bearer(freelancer), f"payouts/{row.pk}/retry", {"account_id": str(account_of(stranger).pk)})
    assert code_of(response) == (422, "account_refused")
    assert everything() == before


def test_what_came_back_is_not_sent_to_an_account_no_longer_used(earned: Order, freelancer: User, payer: User, books: None):
    row = take(payouts.fail, payer, sent(asked(freelancer), payer), note="Closed.")
    archive_payout_account(actor=freelancer, account_id=row.account_id)
    before = everything()
    assert code_of(post(bearer(freelancer), f"payouts/{row.pk}/retry")) == (422, "disbursement_refused")
    assert everything() == before


def test_what_came_back_and_was_asked_for_otherwise_is_not_sent_twice(earned: Order, freelancer: User, payer: User, books: None):
    row = take(payouts.fail, payer, sent(asked(freelancer, "100"), payer), note="No.")
    sent(asked(freelancer, "100"), payer)
    before = everything()
    assert code_of(post(bearer(freelancer), f"payouts/{row.pk}/retry")) == (422, "not_enough_money")
    assert everything() == before


@pytest.mark.parametrize(("step", "state"), [("withdraw", "sent"), ("confirm", "requested"), ("retry", "requested")])
def test_a_step_at_the_wrong_time_is_409_and_says_where_the_payout_is(
    earned: Order, freelancer: User, payer: User, step: str, state: str
):
    row = asked(freelancer)
    row = sent(row, payer) if state == "sent" else row
    before = everything()
    response = post(bearer(freelancer), f"payouts/{row.pk}/{step}")
    assert code_of(response) == (409, "disbursement_moved")
    assert (response.json()["status"], response.json()["version"]) == (state, row.version)
    assert everything() == before


def test_an_outdated_version_is_409_and_says_the_present_one(earned: Order, freelancer: User, payer: User, books: None):
    row = take(payouts.fail, payer, sent(asked(freelancer), payer), note="No.")
    before = everything()
    response = post(bearer(freelancer), f"payouts/{row.pk}/withdraw", {"version": row.version - 1})
    assert code_of(response) == (409, "disbursement_moved")
    assert (response.json()["status"], response.json()["version"]) == ("failed", row.version)
    assert everything() == before


@pytest.mark.parametrize("version", [0, -1, "1", 1.5, 2**31, True])
def test_a_version_is_a_whole_number(earned: Order, freelancer: User, version: object):
    row = asked(freelancer)
    assert code_of(post(bearer(freelancer), f"payouts/{row.pk}/withdraw", {"version": version})) == (422, "invalid")
    row.refresh_from_db()
    assert row.state == "requested"


def test_the_proof_of_a_transfer_is_downloaded(
    earned: Order, freelancer: User, stranger: User, payer: User, settings, books: None
):
    row = take(payouts.approve, payer, asked(freelancer))
    client = bearer(freelancer)
    assert client.get(f"/api/payouts/{row.pk}/proof").status_code == 404
    row = take(payouts.send, payer, row, reference="B-1", proof=a_receipt())
    assert get(client, f"payouts/{row.pk}")["proof_url"] == f"{settings.SITE_URL}/api/payouts/{row.pk}/proof"
    response = client.get(f"/api/payouts/{row.pk}/proof")
    assert response.status_code == 200 and response["Content-Disposition"].startswith("attachment")
    assert len(b"".join(response)) == row.proof.size
    assert bearer(stranger).get(f"/api/payouts/{row.pk}/proof").status_code == 404


# --- Refunds --------------------------------------------------------------------------------------------------------
def test_a_client_says_where_a_refund_goes(buyer: User, freelancer: User, books: None):
    row, client = refund_of(buyer, freelancer), bearer(buyer)
    (shown,) = get(client, "refunds")["items"]
    assert shown == get(client, f"refunds/{row.pk}")
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": str(row.pk),
        "amount": "120.00",
        "currency": "EUR",
        "state": "requested",
        "version": row.version,
        "account": None,
        "sent_at": None,
        "reference": None,
        "proof_url": None,
        "failure": None,
        "order": {"id": str(row.order_id), "title": row.order.gig_title, "reference": row.order.payment_reference},
        "reason": "declined",
        "to": {"id": str(buyer.pk), "handle": "amara", "name": "Amara Okafor"},
        "owed_by": None,
        "not_before": None,
        "actions": ["account"],
    }
    own = account_of(buyer)
    response = patch(client, f"refunds/{row.pk}/account", {"account_id": str(own.pk), "version": row.version})
    assert response.status_code == 200
    assert (response.json()["account"]["id"], response.json()["version"]) == (str(own.pk), row.version + 1)
    stale = patch(client, f"refunds/{row.pk}/account", {"account_id": str(own.pk), "version": row.version})
    assert code_of(stale) == (409, "disbursement_moved")


def test_a_refund_goes_to_no_account_of_somebody_else_or_of_another_currency(buyer: User, freelancer: User):
    row = refund_of(buyer, freelancer)
    before = everything()
    for account in (account_of(freelancer), account_of(buyer, "+254 712 345 678", "KES", "mobile")):
        response = patch(bearer(buyer), f"refunds/{row.pk}/account", {"account_id": str(account.pk)})
        assert code_of(response) == (422, "account_refused")
        assert list(response.json()["fields"]) == ["account_id"]
    assert everything() == before


def test_a_refund_that_came_back_is_asked_for_again(buyer: User, freelancer: User, payer: User, books: None):
    row, client = refund_of(buyer, freelancer), bearer(buyer)
    patch(client, f"refunds/{row.pk}/account", {"account_id": str(account_of(buyer).pk)})
    row = take(payouts.fail, payer, sent(row, payer), note="Closed.")
    other = account_of(buyer, OTHER_IBAN)
    shown = patch(client, f"refunds/{row.pk}/account", {"account_id": str(other.pk)}).json()
    assert (shown["state"], shown["account"]["id"]) == ("requested", str(other.pk))


def test_an_account_is_not_changed_once_the_refund_is_approved(buyer: User, freelancer: User, payer: User, books: None):
    row, own, client = refund_of(buyer, freelancer), account_of(buyer), bearer(buyer)
    patch(client, f"refunds/{row.pk}/account", {"account_id": str(own.pk)})
    take(payouts.approve, payer, row)
    before = everything()
    response = patch(client, f"refunds/{row.pk}/account", {"account_id": str(account_of(buyer, OTHER_IBAN).pk)})
    assert (code_of(response), response.json()["status"]) == ((409, "disbursement_moved"), "approved")
    assert everything() == before


def test_a_direct_refund_from_both_sides(buyer: User, freelancer: User, books: None):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    theirs, mine = bearer(buyer), bearer(freelancer)
    assert get(mine, "refunds") == {"items": [], "next": None}
    (owed,) = get(mine, "refunds?role=freelancer")["items"]
    assert (owed["to"]["handle"], owed["owed_by"]["handle"], owed["actions"]) == ("amara", "jose", ["sent"])
    assert get(mine, f"refunds/{row.pk}/account") == {"amount": "120.00", "currency": "EUR", "account": None}
    patch(theirs, f"refunds/{row.pk}/account", {"account_id": str(account_of(buyer).pk)})
    assert get(mine, f"refunds/{row.pk}/account")["account"] == {
        "kind": "bank",
        "holder": "Amara Okafor",
        "account": IBAN,
        "routing": PayoutAccount.objects.get().routing,
    }
    shown = post(mine, f"refunds/{row.pk}/sent", {"reference": " BANK-5 "}).json()
    assert (shown["state"], shown["reference"], shown["actions"]) == ("sent", "BANK-5", [])
    (coming,) = get(theirs, "refunds")["items"]
    assert coming["actions"] == ["confirm"]
    shown = post(theirs, f"refunds/{row.pk}/confirm", {"version": coming["version"]}).json()
    assert (shown["state"], shown["actions"]) == ("confirmed", [])
    assert Order.objects.get(pk=row.order_id).payment_status == PaymentStatus.REFUNDED
    assert not LedgerTransfer.objects.exists()
    assert get(mine, "refunds?role=freelancer")["items"] == []


def test_a_refund_is_confirmed_once_and_on_the_version_that_was_seen(buyer: User, freelancer: User, books: None):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    row = take(payouts.refund_sent, freelancer, row, reference="B-1")
    client = bearer(buyer)
    before = everything()
    outdated = post(client, f"refunds/{row.pk}/confirm", {"version": row.version - 1})
    assert (code_of(outdated), outdated.json()["version"]) == ((409, "disbursement_moved"), row.version)
    assert everything() == before
    assert post(client, f"refunds/{row.pk}/confirm").status_code == 200
    again = post(client, f"refunds/{row.pk}/confirm")
    assert (code_of(again), again.json()["status"]) == ((409, "disbursement_moved"), "confirmed")


def test_a_refund_of_the_platform_is_confirmed(buyer: User, freelancer: User, payer: User, books: None):
    row, client = refund_of(buyer, freelancer), bearer(buyer)
    assert code_of(post(client, f"refunds/{row.pk}/confirm")) == (409, "disbursement_moved")
    patch(client, f"refunds/{row.pk}/account", {"account_id": str(account_of(buyer).pk)})
    sent(row, payer)
    assert post(client, f"refunds/{row.pk}/confirm").json()["state"] == "confirmed"


def test_a_receipt_handed_in_before_goes_with_the_sending(buyer: User, freelancer: User, stranger: User, settings, books: None):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    file, foreign = (hand_in(actor=person, upload=picture()) for person in (freelancer, stranger))
    before = everything()
    for wrong in (str(foreign.pk), NOBODY):
        response = post(bearer(freelancer), f"refunds/{row.pk}/sent", {"reference": "B-1", "receipt_id": wrong})
        assert code_of(response) == (422, "file_gone")
        assert list(response.json()["fields"]) == ["receipt_id"]
    assert everything() == before
    sending = {"reference": "B-1", "receipt_id": str(file.pk)}
    shown = post(bearer(freelancer), f"refunds/{row.pk}/sent", sending, idempotency_key="one").json()
    assert shown["proof_url"] == f"{settings.SITE_URL}/api/refunds/{row.pk}/proof"
    for person in (buyer, freelancer):
        response = bearer(person).get(f"/api/refunds/{row.pk}/proof")
        assert response.status_code == 200 and b"".join(response)
    assert bearer(stranger).get(f"/api/refunds/{row.pk}/proof").status_code == 404


@pytest.mark.parametrize("custody", Custody)
def test_a_ruled_refund_waits_for_the_time_to_appeal(
    moderator: User, buyer: User, freelancer: User, custody: Custody, books: None
):
    order = ruled(case_for(moderator, buyer, freelancer, custody=custody), moderator, "20", "100")
    row = order.disbursements.get(kind="refund")
    shown = get(bearer(buyer), f"refunds/{row.pk}")
    assert (shown["reason"], shown["not_before"] is not None, shown["actions"]) == ("ruled", True, ["account"])
    if custody == Custody.PLATFORM:
        return
    before = everything()
    assert get(bearer(freelancer), f"refunds/{row.pk}")["actions"] == []
    response = post(bearer(freelancer), f"refunds/{row.pk}/sent", {"reference": "B-1"})
    assert (code_of(response), response.json()["status"]) == ((409, "too_early"), "requested")
    assert everything() == before


@pytest.mark.parametrize("reference", ["", "   ", "x" * 121, "a\nb", "\u202e", 7, None])
def test_a_sending_has_a_reference_of_one_line(buyer: User, freelancer: User, reference: object):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    response = post(bearer(freelancer), f"refunds/{row.pk}/sent", {"reference": reference})
    assert code_of(response) == (422, "invalid")
    assert list(response.json()["fields"]) == ["reference"]
    row.refresh_from_db()
    assert row.state == "requested"


def test_a_step_of_the_other_side_is_403(buyer: User, freelancer: User):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    theirs, mine = bearer(buyer), bearer(freelancer)
    before = everything()
    answers = [
        theirs.get(f"/api/refunds/{row.pk}/account"),
        post(theirs, f"refunds/{row.pk}/sent", {"reference": "B-1"}),
        post(mine, f"refunds/{row.pk}/confirm"),
        patch(mine, f"refunds/{row.pk}/account", {"account_id": str(account_of(freelancer).pk)}),
    ]
    assert [code_of(answer) for answer in answers] == [(403, "not_yours")] * 4
    assert everything() == before


# --- Who is turned away ---------------------------------------------------------------------------------------------
def writes(payout: Disbursement, refund: Disbursement, account: PayoutAccount) -> list[Callable[[Client], HttpResponse]]:
    return [
        lambda client: post(client, f"payouts/{payout.pk}/withdraw"),
        lambda client: post(client, f"payouts/{payout.pk}/confirm"),
        lambda client: post(client, f"payouts/{payout.pk}/retry"),
        lambda client: patch(client, f"refunds/{refund.pk}/account", {"account_id": str(account.pk)}),
        lambda client: post(client, f"refunds/{refund.pk}/sent", {"reference": "B-1"}),
        lambda client: post(client, f"refunds/{refund.pk}/confirm"),
    ]


def reads(payout: Disbursement, refund: Disbursement) -> list[str]:
    return [
        f"payouts/{payout.pk}",
        f"payouts/{payout.pk}/proof",
        f"refunds/{refund.pk}",
        f"refunds/{refund.pk}/proof",
        f"refunds/{refund.pk}/account",
    ]


LISTS = ["balance", "balance/2026/11", "payouts", "refunds", "refunds?role=freelancer", "payout-accounts"]


def test_nobody_does_anything_without_saying_who_they_are(earned: Order, buyer: User, freelancer: User):
    payout, refund = asked(freelancer), refund_of(buyer, freelancer)
    nobody, before = Client(), everything()
    answers = [
        *(nobody.get(f"/api/{path}") for path in [*LISTS, *reads(payout, refund)]),
        *(write(nobody) for write in writes(payout, refund, payout.account)),
        post(nobody, "payouts", asking(payout.account)),
    ]
    assert [code_of(answer) for answer in answers] == [(401, "not_signed_in")] * len(answers)
    assert everything() == before


@pytest.mark.parametrize("custody", Custody)
def test_other_peoples_money_is_not_there(
    earned: Order, buyer: User, freelancer: User, stranger: User, moderator: User, payer: User, custody: Custody, books: None
):
    payout, refund = asked(freelancer), refund_of(buyer, freelancer, custody)
    before = everything()
    for person in (stranger, moderator, payer):
        client = bearer(person)
        answers = [
            *(client.get(f"/api/{path}") for path in reads(payout, refund)),
            *(write(client) for write in writes(payout, refund, payout.account)),
        ]
        assert [code_of(answer) for answer in answers] == [(404, "not_found")] * len(answers)
        assert get(client, "balance") == {"currencies": [], "months": []}
        for path in ("payouts", "refunds", "refunds?role=freelancer", "payout-accounts"):
            assert get(client, path)["items"] == []
    assert everything() == before


def test_a_payout_is_no_refund_and_a_refund_no_payout(earned: Order, buyer: User, freelancer: User):
    payout, refund = asked(freelancer), refund_of(buyer, freelancer)
    assert bearer(freelancer).get(f"/api/refunds/{payout.pk}").status_code == 404
    assert bearer(buyer).get(f"/api/payouts/{refund.pk}").status_code == 404
    assert post(bearer(buyer), f"payouts/{refund.pk}/withdraw").status_code == 404
    assert post(bearer(freelancer), f"refunds/{payout.pk}/confirm").status_code == 404


def test_a_key_reads_with_one_scope_and_moves_money_with_another(earned: Order, buyer: User, freelancer: User, books: None):
    payout, refund = asked(freelancer), refund_of(buyer, freelancer, Custody.DIRECT)
    reader, trader = with_key(freelancer, "read"), with_key(freelancer, "orders")
    before = everything()
    for path in ("balance", "payouts", "refunds", "payout-accounts", f"payouts/{payout.pk}", f"refunds/{refund.pk}"):
        assert get(reader, path)
        assert code_of(trader.get(f"/api/{path}")) == (403, "scope_missing")
    for write in [*writes(payout, refund, payout.account), lambda client: post(client, "payouts", asking(payout.account))]:
        assert code_of(write(reader)) == (403, "scope_missing")
    assert code_of(reader.get(f"/api/refunds/{refund.pk}/account")) == (403, "scope_missing")
    assert everything() == before
    assert get(reader, f"payouts/{payout.pk}")["actions"] == get(reader, f"refunds/{refund.pk}")["actions"] == []
    assert get(trader, f"refunds/{refund.pk}/account")["amount"] == "120.00"
    assert post(trader, f"payouts/{payout.pk}/withdraw").json()["state"] == "withdrawn"


def test_a_key_of_staff_opens_nothing_but_their_own(earned: Order, buyer: User, freelancer: User, payer: User):
    payout, refund = asked(freelancer), refund_of(buyer, freelancer)
    before = everything()
    client = with_key(payer, "read", "orders")
    answers = [
        *(client.get(f"/api/{path}") for path in reads(payout, refund)),
        *(write(client) for write in writes(payout, refund, payout.account)),
    ]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * len(answers)
    assert everything() == before


# --- Once, and at once ----------------------------------------------------------------------------------------------
def test_a_payout_asked_for_twice_with_one_key_moves_once(earned: Order, account: PayoutAccount, freelancer: User, books: None):
    client, key = bearer(freelancer), {"Idempotency-Key": "payout-1"}
    first = post(client, "payouts", asking(account, "50"), **key)
    again = post(client, "payouts", asking(account, "50"), **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Disbursement.objects.count() == 1
    other = post(client, "payouts", asking(account, "51"), **key)
    assert code_of(other) == (409, "idempotency_key_reused")
    assert Disbursement.objects.count() == 1


def test_a_step_repeated_with_its_key_answers_as_the_first_time(earned: Order, freelancer: User, books: None):
    row, client, key = asked(freelancer), bearer(freelancer), {"Idempotency-Key": "back"}
    first, again = (post(client, f"payouts/{row.pk}/withdraw", {"version": 1}, **key) for _n in range(2))
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert row.events.count() == 2


def in_threads(*calls: Callable[[], HttpResponse]) -> list[HttpResponse]:
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], HttpResponse]) -> HttpResponse:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
@pytest.mark.postgres
def test_two_at_once_never_get_more_than_there_is():
    freelancer = UserFactory()
    released(UserFactory(), freelancer)
    account = account_of(freelancer)
    answers = in_threads(*(lambda: post(bearer(freelancer), "payouts", asking(account, "108")) for _n in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert Disbursement.objects.get().amount == Decimal(108)
    assert [result.rows for result in reconcile(now=timezone.now()) if result.rows] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
@pytest.mark.postgres
def test_two_at_once_with_one_key_are_one():
    freelancer = UserFactory()
    released(UserFactory(), freelancer)
    account, key = account_of(freelancer), {"Idempotency-Key": "one"}
    answers = in_threads(*(lambda: post(bearer(freelancer), "payouts", asking(account, "60"), **key) for _n in range(3)))
    assert {answer.status_code for answer in answers} <= {201, 409}  # who comes while it is under way is told to come again
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert Disbursement.objects.count() == 1
    assert [result.rows for result in reconcile(now=timezone.now()) if result.rows] == []


# --- Lists ----------------------------------------------------------------------------------------------------------
def copies(row: Disbursement, count: int) -> None:
    """As many more rows like it, a second apart."""
    fields = [field.attname for field in Disbursement._meta.concrete_fields if not field.primary_key]
    values = {name: getattr(row, name) for name in fields}
    Disbursement.objects.bulk_create(
        Disbursement(**{**values, "created_at": row.created_at + timedelta(seconds=n + 1)}) for n in range(count)
    )


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/api/{path}").status_code == 200
    return len(queries)


def test_lists_cost_the_same_at_any_size(earned: Order, buyer: User, freelancer: User, payer: User):
    payout, refund = sent(asked(freelancer, "10"), payer), refund_of(buyer, freelancer, Custody.DIRECT)
    mine, theirs = bearer(freelancer), bearer(buyer)
    paths = [
        (mine, "payouts?limit=100"),
        (theirs, "refunds?limit=100"),
        (mine, "refunds?role=freelancer&limit=100"),
        (mine, "payout-accounts?limit=100"),
    ]
    at_one = [queries_of(client, path) for client, path in paths]
    assert at_one == [2, 2, 2, 2]
    for row in (payout, refund):
        copies(row, 29)
    for _n in range(29):
        account_of(freelancer)
    assert [len(get(client, path)["items"]) for client, path in paths] == [30, 30, 30, 30]
    assert [queries_of(client, path) for client, path in paths] == at_one


def test_the_balance_costs_the_same_at_any_size(buyer: User, freelancer: User):
    released(buyer, freelancer, cleared=False)
    client, today = bearer(freelancer), timezone.now()
    paths = ["balance", f"balance/{today.year}/{today.month}"]
    at_one = [queries_of(client, path) for path in paths]
    assert at_one == [7, 3]
    for _n in range(4):
        released(buyer, freelancer, cleared=False)
    assert len(get(client, paths[1])["statements"][0]["lines"]) == 5
    assert [queries_of(client, path) for path in paths] == at_one


def test_a_list_is_walked_once_through_part_by_part(earned: Order, freelancer: User):
    row, client = asked(freelancer, "10"), bearer(freelancer)
    copies(row, 6)
    found, cursor = [], ""
    while cursor is not None:
        part = get(client, f"payouts?limit=3&cursor={cursor}")
        found += [item["id"] for item in part["items"]]
        cursor = part["next"]
    newest_first = Disbursement.objects.order_by("-created_at", "id").values_list("pk", flat=True)
    assert found == [str(pk) for pk in newest_first]
    assert code_of(client.get("/api/refunds?role=freelancer&cursor=abc")) == (422, "invalid_cursor")


# --- The schemas are those of the models and forms ------------------------------------------------------------------
def test_what_the_schemas_name_is_what_there_is():
    assert set(get_args(schemas.PayoutState)) == set(DisbursementState)
    assert set(get_args(schemas.KindName)) == set(PaymentMethod.Kind.values)
    assert set(get_args(balance.Movement)) == set(LedgerTransfer.Kind.values)
    of_refunds = set(Disbursement.Reason.values) - {"payout", "orphan"}
    assert set(get_args(schemas.RefundReason)) == of_refunds


def test_the_limit_of_a_reference_is_that_of_the_form():
    assert SentForm.base_fields["reference"].max_length == schemas.LONGEST_REFERENCE
