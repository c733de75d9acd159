"""The pages of a person's money: balance, statements, payouts, refunds, accounts, receipts."""

import csv
import html
import io
import re
import uuid
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from conftest import SignIn
from orders.models import Disbursement, Order, PayoutAccount, Receipt
from orders.services import disputes, payouts
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import STATEMENT
from orders.tests.factories import PlatformMethodFactory, order_in, picture
from orders.tests.test_payouts import IBAN, OTHER_IBAN, account_of, asked, payer, refund_of, released, sent, take

__all__ = ["payer"]  # a fixture

BALANCE = "/balance/"


def url(name: str, *args: object) -> str:
    return reverse(f"orders:{name}", args=args)


def text_of(response) -> str:
    words = html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))
    return re.sub(r"\s+", " ", words)


def receipt_for(order: Order, number: int = 7) -> Receipt:
    return Receipt.objects.create(order=order, number=number, issued_at=timezone.now())


def test_the_balance_page_shows_all_four_amounts_and_no_account_number(
    buyer: User, freelancer: User, payer: User, sign_in: SignIn
):
    order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, price=Decimal(50))
    released(buyer, freelancer, "80", cleared=False)
    released(buyer, freelancer)
    sent(asked(freelancer, "30"), payer)
    response = sign_in(freelancer).get(BALANCE)
    words = text_of(response)
    for amount in ("78.00 EUR", "72.00 EUR", "50.00 EUR", "30.00 EUR"):
        assert amount in words
    assert "DE•• •••• 3000" in words and IBAN not in response.content.decode()
    assert "reference BANK-1" in words
    assert url("request_payout") + "?currency=EUR" in response.content.decode()


def test_a_page_of_money_is_for_who_owns_it(buyer: User, freelancer: User, stranger: User, payer: User, sign_in: SignIn):
    released(buyer, freelancer)
    row, refund = asked(freelancer), refund_of(buyer, freelancer)
    owed = refund_of(buyer, freelancer, Custody.DIRECT)
    pages = [
        ("withdraw_payout", row.pk, "post"),
        ("confirm_received", row.pk, "post"),
        ("retry_payout", row.pk, "get"),
        ("sent_proof", row.pk, "get"),
        ("refund_account", refund.pk, "get"),
        ("refund_sent", owed.pk, "get"),
        ("confirm_refund", owed.order_id, "post"),
        ("payout_account_archive", row.account_id, "post"),
        ("order_receipt", refund.order_id, "get"),
    ]
    theirs = sign_in(stranger)
    for name, pk, method in pages:
        assert getattr(theirs, method)(url(name, pk)).status_code == 404, name
        assert getattr(Client(), method)(url(name, pk)).status_code == 302, name
    assert sign_in(buyer).get(url("refund_sent", owed.pk)).status_code == 404
    assert sign_in(freelancer).get(url("refund_account", refund.pk)).status_code == 404
    for name in ("balance", "balance_csv", "request_payout", "payout_account_list", "payout_account_create"):
        assert "/accounts/login/" in Client().get(url(name)).url
    assert "EUR" not in text_of(theirs.get(BALANCE))


@pytest.mark.parametrize("name", ["withdraw_payout", "confirm_received", "confirm_refund", "payout_account_archive"])
def test_a_step_is_posted(name: str, freelancer: User, sign_in: SignIn):
    assert sign_in(freelancer).get(url(name, uuid.uuid4())).status_code == 405


def test_asking_for_a_payout(buyer: User, freelancer: User, sign_in: SignIn):
    released(buyer, freelancer)
    client = sign_in(freelancer)
    assert "Where should the money go?" in text_of(client.get(url("request_payout")))
    account = account_of(freelancer)
    assert "108.00" in client.get(url("request_payout")).content.decode()
    response = client.post(url("request_payout"), {"amount": "1.000", "account_id": str(account.pk)})
    assert response.status_code == 422 and "Available are 108.00 EUR" in text_of(response)
    assert not Disbursement.objects.exists()
    response = client.post(url("request_payout"), {"amount": "50,25", "account_id": str(account.pk)})
    assert response.url == BALANCE
    row = Disbursement.objects.get()
    assert (row.amount, row.account, row.person) == (Decimal("50.25"), account, freelancer)
    assert "50.25 EUR more asked for" in text_of(client.get(BALANCE))
    assert client.post(url("request_payout"), {"amount": "1", "account_id": str(account.pk)}).status_code == 422


def test_withdrawing_and_confirming_from_the_page(buyer: User, freelancer: User, payer: User, sign_in: SignIn):
    released(buyer, freelancer)
    client = sign_in(freelancer)
    row = asked(freelancer)
    assert client.post(url("withdraw_payout", row.pk)).status_code == 302  # without the version the page showed
    assert Disbursement.objects.get().state == "requested"
    client.post(url("withdraw_payout", row.pk), {"seen": row.version})
    assert Disbursement.objects.get().state == "withdrawn"
    row = sent(asked(freelancer), payer)
    client.post(url("confirm_received", row.pk), {"seen": row.version})
    assert Disbursement.objects.get(pk=row.pk).state == "confirmed"
    response = client.post(url("confirm_received", row.pk), {"seen": row.version}, follow=True)
    assert "Someone was faster: this is now “Arrived”" in text_of(response)


def test_a_payout_that_came_back_is_sent_to_another_account(buyer: User, freelancer: User, payer: User, sign_in: SignIn):
    released(buyer, freelancer)
    row = take(payouts.fail, payer, sent(asked(freelancer), payer), note="The account is closed.")
    other = account_of(freelancer, OTHER_IBAN)
    client = sign_in(freelancer)
    assert "The account is closed." in text_of(client.get(url("retry_payout", row.pk)))
    client.post(url("retry_payout", row.pk), {"seen": row.version, "account_id": str(other.pk)})
    row.refresh_from_db()
    assert (row.state, row.account) == ("requested", other)
    assert client.get(url("retry_payout", row.pk)).url == BALANCE


def test_a_client_says_where_the_refund_goes(buyer: User, freelancer: User, stranger: User, sign_in: SignIn):
    row, client = refund_of(buyer, freelancer), sign_in(buyer)
    assert "Say where to" in text_of(client.get(BALANCE))
    assert "No account in this currency yet" in text_of(client.get(url("refund_account", row.pk)))
    foreign, own = account_of(stranger), account_of(buyer)
    refused = client.post(url("refund_account", row.pk), {"seen": row.version, "account_id": str(foreign.pk)})
    assert refused.status_code == 422 and Disbursement.objects.get().account is None
    client.post(url("refund_account", row.pk), {"seen": row.version, "account_id": str(own.pk)})
    assert Disbursement.objects.get().account == own
    stale = client.post(url("refund_account", row.pk), {"seen": row.version, "account_id": str(own.pk)})
    assert stale.status_code == 422 and "Someone was faster" in text_of(stale)


def test_a_direct_refund_from_both_sides(buyer: User, freelancer: User, sign_in: SignIn):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    seller, client = sign_in(freelancer), sign_in(buyer)
    assert "You owe this" in text_of(seller.get(BALANCE))
    account = account_of(buyer)
    client.post(url("refund_account", row.pk), {"seen": row.version, "account_id": str(account.pk)})
    page = seller.get(url("refund_sent", row.pk))
    assert IBAN in page.content.decode()  # who sends it needs the whole number
    row.refresh_from_db()
    upload = picture(name="sent.png")
    seller.post(url("refund_sent", row.pk), {"send-seen": row.version, "send-reference": "MP-9", "send-proof": upload})
    row.refresh_from_db()
    assert (row.state, row.reference) == ("sent", "MP-9")
    assert client.get(url("sent_proof", row.pk)).getvalue().startswith(b"\x89PNG")
    assert "Confirm on the order" in text_of(client.get(BALANCE))
    order = Order.objects.get()
    assert client.post(url("confirm_refund", order.pk), {"seen": 1}).status_code == 302
    assert Order.objects.get().payment_status == PaymentStatus.REFUND_DUE
    client.post(url("confirm_refund", order.pk), {"seen": order.version})
    assert Order.objects.get().payment_status == PaymentStatus.REFUNDED
    assert "marked this refund as sent" in text_of(seller.get(url("refund_sent", row.pk)))


def confirmed(client: Client) -> Client:
    """Signed in, and asked for the password again just now."""
    assert client.post(reverse("account_reauthenticate"), {"password": "a long password"}).status_code == 302
    return client


OWN_IBAN = "DE02120300000000202051"  # IBAN is that of the platform's account in these tests
TYPED = {"kind": "bank", "currency": "EUR", "holder": "José Ñíguez", "account": OWN_IBAN, "routing": ""}


def test_adding_an_account_asks_for_the_password_again(freelancer: User, sign_in: SignIn):
    client, address = sign_in(freelancer), url("payout_account_create") + "?currency=EUR&next=/balance/"
    asked_first = client.get(address)
    assert asked_first.url == f"{reverse('account_reauthenticate')}?{urlencode({'next': address})}"
    assert client.post(asked_first.url, {"password": "a long password", "next": address}).url == address
    assert client.get(address).status_code == 200


def test_what_is_posted_without_the_password_is_neither_taken_nor_kept(freelancer: User, sign_in: SignIn):
    """Whoever holds a stolen session could leave an account there for the owner to confirm unseen."""
    client, address = sign_in(freelancer), url("payout_account_create")
    answer = client.post(address, TYPED)
    assert answer.url == address and OWN_IBAN not in str(dict(client.session))
    client.get(address)
    assert "confirm again that it is you" in text_of(client.get(reverse("account_reauthenticate")))
    client.post(reverse("account_reauthenticate"), {"password": "a long password", "next": address})
    client.get(address)
    assert not PayoutAccount.objects.exists()


def test_who_adds_an_account_for_a_payout_comes_back_with_it_chosen(buyer: User, freelancer: User, sign_in: SignIn):
    released(buyer, freelancer)
    older, client = account_of(freelancer, OTHER_IBAN), confirmed(sign_in(freelancer))
    asking = url("request_payout") + "?currency=EUR"
    to_add = client.get(asking).context["add_url"]
    assert asking in client.get(to_add).context["back"]
    assert client.post(to_add, {**TYPED, "account": "DE1"}).status_code == 422
    answer = client.post(to_add, TYPED)
    new = PayoutAccount.objects.exclude(pk=older.pk).get()
    assert answer.url == f"{asking}&added={new.pk}"
    assert f'value="{new.pk}" required id="id_account_id_1" checked' in client.get(answer.url).content.decode()


def test_who_adds_an_account_for_a_refund_comes_back_to_the_order(buyer: User, freelancer: User, sign_in: SignIn):
    row = refund_of(buyer, freelancer)
    order, client = row.order, confirmed(sign_in(buyer))
    choosing = client.get(order.get_absolute_url()).context["refund_to_do"]["href"]
    back = client.post(client.get(choosing).context["add_url"], TYPED).url
    assert back.startswith(choosing)
    chosen = {"seen": row.version, "account_id": str(PayoutAccount.objects.get().pk)}
    assert client.post(back, chosen).url == order.get_absolute_url()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "balance", ""])
def test_the_way_back_never_leaves_the_site(freelancer: User, sign_in: SignIn, elsewhere: str):
    client = confirmed(sign_in(freelancer))
    answer = client.post(url("payout_account_create") + "?" + urlencode({"next": elsewhere}), TYPED)
    assert answer.url.startswith(url("payout_account_list") + "?")


def test_an_account_of_the_platform_is_nobodys_own(freelancer: User, sign_in: SignIn):
    method, client = PlatformMethodFactory(account_number="DE02 1203 0000 0000 2020 51"), confirmed(sign_in(freelancer))
    refused = client.post(url("payout_account_create"), TYPED)
    assert refused.status_code == 422 and "This is an account of this site, into which clients pay." in text_of(refused)
    assert not PayoutAccount.objects.exists()
    method.is_active = False
    method.save()
    assert client.post(url("payout_account_create"), TYPED).status_code == 302


def test_who_sends_a_refund_reads_what_a_bank_calls_it(buyer: User, freelancer: User, sign_in: SignIn):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer).pk)
    words = text_of(sign_in(freelancer).get(url("refund_sent", row.pk)))
    assert "IBAN" in words and "BIC" in words and "Bank and routing" not in words
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer, "+254712345678", kind="mobile").pk)
    words = text_of(sign_in(freelancer).get(url("refund_sent", row.pk)))
    assert "Account number or address" in words and "IBAN" not in words


def test_money_in_a_dispute_is_said_to_be_frozen(buyer: User, freelancer: User, sign_in: SignIn):
    order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, price=Decimal(50))
    order = released(buyer, freelancer, cleared=False)
    client = sign_in(freelancer)
    assert "Frozen by disputes" not in text_of(client.get(BALANCE))
    disputes.dispute_completed(actor=buyer, order_id=order.pk, seen=order.version, reason="fraud", statement=STATEMENT)
    words = text_of(client.get(BALANCE))
    assert "Held for open orders 50.00 EUR" in words and "Frozen by disputes 120.00 EUR" in words


def test_why_there_is_no_second_payout_at_once(buyer: User, freelancer: User, sign_in: SignIn):
    released(buyer, freelancer)
    asked(freelancer, "50")
    assert "withdraw the request while it waits for approval" in text_of(sign_in(freelancer).get(BALANCE))


def test_an_account_is_added_masked_and_archived(freelancer: User, sign_in: SignIn):
    client = confirmed(sign_in(freelancer))
    typed = {"kind": "bank", "currency": "EUR", "holder": "José Ñíguez", "account": "DE89 3704 0044 0532 0130 01", "routing": ""}
    refused = client.post(url("payout_account_create"), typed)
    assert refused.status_code == 422 and "this is none" in text_of(refused)
    assert not PayoutAccount.objects.exists()
    client.post(url("payout_account_create"), {**typed, "account": "DE89 3704 0044 0532 0130 00"})
    account = PayoutAccount.objects.get()
    assert (account.owner, account.account, account.routing) == (freelancer, IBAN, "COBADEFFXXX")
    page = client.get(url("payout_account_list")).content.decode()
    assert "DE•• •••• 3000" in page and "0532" not in page
    client.post(url("payout_account_archive", account.pk))
    assert not PayoutAccount.objects.get().is_active
    assert "No longer used" in text_of(client.get(url("payout_account_list")))


def test_a_statement_by_month_and_as_csv(buyer: User, freelancer: User, payer: User, sign_in: SignIn):
    order = released(buyer, freelancer)
    Order.objects.filter(pk=order.pk).update(gig_title="=HYPERLINK(1)")
    sent(asked(freelancer, "100"), payer)
    client, now = sign_in(freelancer), timezone.localtime()
    words = text_of(client.get(url("balance_month", now.year, now.month)))
    for amount in ("120.00 EUR", "12.00 EUR", "108.00 EUR", "-100.00 EUR", "8.00 EUR"):
        assert amount in words
    response = client.get(url("balance_csv"), {"month": f"{now:%Y-%m}"})
    assert response["Content-Type"].startswith("text/csv") and f"balance-{now:%Y-%m}.csv" in response["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row[5:] for row in rows] == [
        ["gross", "fee", "amount", "balance"],
        ["120.00", "12.00", "108.00", "108.00"],
        ["-100.00", "0.00", "-100.00", "8.00"],
    ]
    assert rows[1][2] == "'=HYPERLINK(1)" and rows[2][3] == "BANK-1"
    assert client.get(url("balance_csv")).content == response.content
    assert client.get(url("balance_month", 2020, 1)).status_code == 404
    assert client.get(url("balance_month", now.year, 13)).status_code == 404
    assert client.get(url("balance_month", 0, 1)).status_code == 404
    assert client.get(url("balance_csv"), {"month": "2026-99"}).status_code == 404


def test_money_that_went_back_is_said_without_minus_signs(buyer: User, freelancer: User, sign_in: SignIn):
    order = released(buyer, freelancer, cleared=False)
    disputes.dispute_completed(actor=buyer, order_id=order.pk, seen=order.version, reason="fraud", statement=STATEMENT)
    now = timezone.localtime()
    words = text_of(sign_in(freelancer).get(url("balance_month", now.year, now.month)))
    assert "120.00 EUR less the fee of 12.00 EUR" in words
    assert "120.00 EUR went back, and the fee of 12.00 EUR with it" in words
    assert "fee of -" not in words


def test_the_balance_page_costs_the_same_queries_at_any_size(buyer: User, freelancer: User, payer: User, sign_in: SignIn):
    client = sign_in(freelancer)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(BALANCE).status_code == 200
        return len(queries)

    for _n in range(2):
        released(buyer, freelancer, cleared=False)
        released(buyer, freelancer)
        sent(asked(freelancer, "10"), payer)
        refund_of(freelancer, buyer)
    few = count()
    for _n in range(3):
        released(buyer, freelancer, cleared=False)
        sent(asked(freelancer, "10"), payer)
        refund_of(freelancer, buyer)
    assert count() == few


def test_a_receipt_shows_the_fee_to_the_freelancer_only(
    buyer: User, freelancer: User, moderator: User, stranger: User, sign_in: SignIn
):
    order = released(buyer, freelancer)
    page = url("order_receipt", order.pk)
    assert sign_in(buyer).get(page).status_code == 404  # not issued yet
    receipt_for(order, 41)
    client_copy, freelancer_copy = (text_of(sign_in(person).get(page)) for person in (buyer, freelancer))
    for words in (client_copy, freelancer_copy):
        for fact in (
            "Receipt 41",
            "Amara Okafor",
            "José Ñíguez",
            order.gig_title,
            order.payment_reference,
            order.txid,
            "120.00 EUR",
        ):
            assert fact in words
        assert "UTC" in words and "Deposit" in words
    assert "108.00" not in client_copy and "12.00" not in client_copy.replace("120.00", "") and "Fee" not in client_copy
    assert "Fee of the platform 12.00 EUR 10 %" in freelancer_copy and "108.00 EUR" in freelancer_copy
    assert sign_in(stranger).get(page).status_code == 404
    assert sign_in(moderator).get(page).status_code == 200


def test_a_receipt_shows_what_was_refunded(buyer: User, freelancer: User, payer: User, sign_in: SignIn):
    row = refund_of(buyer, freelancer)
    receipt_for(row.order)
    client = sign_in(buyer)
    assert "To be refunded 120.00 EUR" in text_of(client.get(url("order_receipt", row.order_id)))
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer).pk)
    sent(row, payer, "BANK-5")
    words = text_of(client.get(url("order_receipt", row.order_id)))
    assert "Refund sent 120.00 EUR" in words and "BANK-5" in words and "Paid less refunds 0.00 EUR" in words


def test_a_receipt_of_a_direct_order_says_who_held_the_money(buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    receipt_for(order)
    for person in (buyer, freelancer):
        words = text_of(sign_in(person).get(url("order_receipt", order.pk)))
        assert "recorded this payment but did not hold the money" in words
        assert "Fee of the platform" not in words and "On the ledger" not in words
