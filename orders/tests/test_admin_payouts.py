"""The payout desk and its batches in admin: who gets in, what each button does, where account numbers are shown."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import SignIn
from orders.models import BankStatement, Disbursement, PayoutAccount, PayoutBatch, StatementLine
from orders.services import payout_batches, payouts
from orders.tests.factories import PlatformMethodFactory, picture
from orders.tests.test_payouts import (
    IBAN,
    OTHER_IBAN,
    account_of,
    asked,
    holdings,
    payer,
    refund_of,
    released,
    second_payer,
    sent,
    take,
)
from orders.tests.test_views_payouts import text_of

__all__ = ["payer", "second_payer"]  # fixtures

QUEUE, BATCHES = "/admin/orders/disbursement/", "/admin/orders/payoutbatch/"
STEPS = ["approve", "send", "fail", "retry", "confirm", "account"]


def url(name: str, pk: object, model: str = "disbursement") -> str:
    return reverse(f"admin:orders_{model}_{name}", args=[pk])


@pytest.fixture
def payout(buyer: User, freelancer: User) -> Disbursement:
    released(buyer, freelancer)
    return asked(freelancer)


@pytest.fixture
def desk(payer: User, sign_in: SignIn) -> Client:
    return sign_in(payer)


def test_only_who_pays_out_comes_in(payout: Disbursement, freelancer: User, sign_in: SignIn):
    verifier = UserFactory(is_staff=True)
    verifier.user_permissions.set(Permission.objects.filter(codename__in=["verify_payment", "view_disbursement"]))
    staff, outsider = sign_in(verifier), sign_in(freelancer)
    pages = [QUEUE, BATCHES, url("desk", payout.pk), url("change", payout.pk), url("history", payout.pk)]
    for page in pages:
        assert outsider.get(page).status_code == 302 and Client().get(page).status_code == 302
        assert staff.get(page).status_code in (302, 403) and IBAN not in staff.get(page).content.decode()
    assert [staff.get(page).status_code for page in pages[:3]] == [403, 403, 403]
    for step in STEPS:
        assert staff.post(url(step, payout.pk)).status_code == 403
    assert staff.post(reverse("admin:orders_disbursement_approve_all")).status_code == 403
    assert staff.post(reverse("admin:orders_payoutbatch_collect"), {"currency": "EUR"}).status_code == 403
    assert Disbursement.objects.get().version == payout.version


def test_own_money_does_not_exist_at_the_desk(buyer: User, payer: User, desk: Client):
    released(buyer, payer)
    own, refund = asked(payer, "10"), refund_of(buyer, payer)
    assert "To approve 0" in text_of(desk.get(QUEUE))
    for row in (own, refund):
        assert desk.get(url("desk", row.pk)).status_code == 404
        assert desk.get(url("proof", row.pk)).status_code == 404
        for step in STEPS:
            assert desk.post(url(step, row.pk), {"seen": row.version}).status_code == 404
    assert desk.get(url("desk", uuid.uuid4())).status_code == 404
    posted = {"row": [f"{own.pk}:{own.version}", "nonsense", f"{uuid.uuid4()}:x"]}
    desk.post(reverse("admin:orders_disbursement_approve_all"), posted)
    assert Disbursement.objects.get(pk=own.pk).state == "requested"


def test_a_step_is_posted_and_the_queue_is_read(payout: Disbursement, desk: Client):
    assert desk.post(QUEUE).status_code == 405 and desk.post(url("desk", payout.pk)).status_code == 405
    for step in STEPS:
        assert desk.get(url(step, payout.pk)).status_code == 405
    assert desk.get(url("change", payout.pk)).url == url("desk", payout.pk)
    assert desk.post(url("change", payout.pk)).status_code == 403
    assert desk.get(reverse("admin:orders_disbursement_approve_all")).status_code == 405
    assert desk.get(reverse("admin:orders_payoutbatch_collect")).status_code == 405


def test_the_desk_has_one_name_wherever_it_stands(payout: Disbursement, desk: Client):
    for page in ("/admin/", QUEUE, url("desk", payout.pk), BATCHES):
        assert "Money to send" in text_of(desk.get(page))


def test_the_queue_masks_and_the_desk_shows_the_account(payout: Disbursement, desk: Client):
    queue = desk.get(QUEUE)
    assert "DE•• •••• 3000" in text_of(queue) and IBAN not in queue.content.decode()
    page = desk.get(url("desk", payout.pk)).content.decode()
    assert IBAN in page and "COBADEFFXXX" in page


def test_the_desk_points_at_a_new_account_and_another_name(payout: Disbursement, desk: Client, settings):
    for page in (QUEUE, url("desk", payout.pk)):
        assert "New account" in text_of(desk.get(page)) and "Another name" not in text_of(desk.get(page))
    settings.FOUR_EYES_OVER = {"EUR": "99"}
    PayoutAccount.objects.update(holder="Li Wei", created_at=payout.created_at - timedelta(days=4))
    for page in (QUEUE, url("desk", payout.pk)):
        words = text_of(desk.get(page))
        assert "Another name" in words and "Needs two people" in words and "New account" not in words


def test_from_request_to_arrival_at_the_desk(payout: Disbursement, payer: User, desk: Client):
    desk.post(url("approve", payout.pk), {"seen": 1})
    payout.refresh_from_db()
    assert (payout.state, payout.approved_by) == ("approved", payer)
    refused = desk.post(url("send", payout.pk), {"send-seen": 2, "send-reference": ""})
    assert refused.status_code == 200 and Disbursement.objects.get().state == "approved"
    desk.post(url("send", payout.pk), {"send-seen": 2, "send-reference": "BANK-1", "send-proof": picture()})
    payout.refresh_from_db()
    assert (payout.state, payout.reference, holdings()["balance"]) == ("sent", "BANK-1", Decimal(8))
    assert desk.get(url("proof", payout.pk)).getvalue().startswith(b"\x89PNG")
    second_tab = desk.post(url("send", payout.pk), {"send-seen": 2, "send-reference": "BANK-1"})
    assert "this is now “Sent”" in text_of(second_tab)
    desk.post(url("confirm", payout.pk), {"seen": 3})
    assert Disbursement.objects.get().state == "confirmed"
    assert "4. Arrived" in text_of(desk.get(url("desk", payout.pk)))


def test_a_failure_at_the_desk_keeps_the_words_of_a_refused_form(payout: Disbursement, payer: User, desk: Client):
    sent(payout, payer)
    stale = desk.post(url("fail", payout.pk), {"fail-seen": 1, "fail-note": "The account is closed."})
    assert "Someone was faster" in text_of(stale) and "The account is closed." in stale.content.decode()
    desk.post(url("fail", payout.pk), {"fail-seen": 3, "fail-note": "The account is closed."})
    assert Disbursement.objects.get().state == "failed" and holdings()["balance"] == Decimal(108)
    desk.post(url("retry", payout.pk), {"seen": 4})
    assert Disbursement.objects.get().state == "requested"


def test_over_the_limit_who_approved_has_no_button_to_send(
    payout: Disbursement, payer: User, second_payer: User, desk: Client, sign_in: SignIn, settings
):
    settings.FOUR_EYES_OVER = {"EUR": "50"}
    take(payouts.approve, payer, payout)
    mine, theirs = desk.get(url("desk", payout.pk)), sign_in(second_payer).get(url("desk", payout.pk))
    assert "Somebody else sends it" in text_of(mine) and url("send", payout.pk) not in mine.content.decode()
    assert url("send", payout.pk) in theirs.content.decode()
    refused = desk.post(url("send", payout.pk), {"send-seen": 2, "send-reference": "B-1"})
    assert "Somebody else must send it" in text_of(refused)
    assert Disbursement.objects.get().state == "approved"


def test_the_ticked_ones_are_approved(payout: Disbursement, buyer: User, freelancer: User, payer: User, desk: Client):
    refund = refund_of(buyer, freelancer)
    refund = take(payouts.set_refund_account, buyer, refund, account_id=account_of(buyer).pk)
    page = desk.get(QUEUE).content.decode()
    assert f"{payout.pk}:{payout.version}" in page and f"{refund.pk}:{refund.version}" in page
    posted = {"row": [f"{payout.pk}:{payout.version}", f"{refund.pk}:1"]}  # the second has moved on
    words = text_of(desk.post(reverse("admin:orders_disbursement_approve_all"), posted, follow=True))
    assert "Approved: 1." in words and "Someone was faster" in words
    assert Disbursement.objects.get(pk=refund.pk).state == "requested"


@pytest.mark.parametrize("tab", ["approve", "send", "sent", "failed", "no_account", "direct", "done", "nonsense"])
def test_every_tab_and_kind_opens(tab: str, payout: Disbursement, desk: Client):
    for kind in ("", "payout", "refund", "return", "nonsense"):
        assert desk.get(QUEUE, {"tab": tab, "kind": kind}).status_code == 200


def test_the_queue_costs_the_same_queries_at_any_size(payout: Disbursement, buyer: User, freelancer: User, desk: Client):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            desk.get(QUEUE)
        return len(queries)

    few = count()
    for _n in range(3):
        refund = refund_of(buyer, freelancer)
        take(payouts.set_refund_account, buyer, refund, account_id=account_of(buyer).pk)
    assert count() == few


def test_a_batch_from_the_desk_to_the_file(payout: Disbursement, payer: User, desk: Client, settings):
    settings.SEPA_DEBTOR_NAME, settings.SEPA_DEBTOR_IBAN = "Escrow", OTHER_IBAN
    take(payouts.approve, payer, payout)
    assert "1 approved amount waits for a batch: 100.00 EUR" in text_of(desk.get(BATCHES))
    response = desk.post(reverse("admin:orders_payoutbatch_collect"), {"currency": "EUR"})
    batch = PayoutBatch.objects.get()
    assert response.url == url("rows", batch.pk, "payoutbatch")
    page = desk.get(response.url)
    assert "SEPA file (pain.001) with 1 transfer" in text_of(page) and IBAN not in page.content.decode()
    assert desk.get(url("export", batch.pk, "payoutbatch")).status_code == 405
    file = desk.post(url("export", batch.pk, "payoutbatch"))
    assert file["Content-Type"] == "application/xml" and IBAN in file.content.decode()
    assert "no-store" in file["Cache-Control"]
    assert "First downloaded by" in text_of(desk.get(response.url))
    assert desk.get(BATCHES).status_code == 200
    assert "Nothing in KES" in text_of(desk.post(reverse("admin:orders_payoutbatch_collect"), {"currency": "KES"}, follow=True))
    assert desk.get(url("change", batch.pk, "payoutbatch")).url == response.url


def test_without_the_sites_own_account_the_missing_file_is_said_before_a_batch_is_made(
    payout: Disbursement, payer: User, desk: Client, settings
):
    take(payouts.approve, payer, payout)
    words = "The site does not know the account it pays from."
    settings.SEPA_DEBTOR_NAME, settings.SEPA_DEBTOR_IBAN = "", ""
    assert words in text_of(desk.get(BATCHES))
    batch = url("rows", payout_batches.create_batch(actor=payer, currency="EUR").pk, "payoutbatch")
    page = text_of(desk.get(batch))
    assert words in page and "SEPA file" not in page.replace("No SEPA file", "")
    settings.SEPA_DEBTOR_NAME, settings.SEPA_DEBTOR_IBAN = "Escrow", OTHER_IBAN
    assert words not in text_of(desk.get(BATCHES)) + text_of(desk.get(batch))


def test_each_amount_of_a_batch_leads_to_where_it_is_marked_as_sent(payout: Disbursement, payer: User, desk: Client):
    take(payouts.approve, payer, payout)
    batch = url("rows", payout_batches.create_batch(actor=payer, currency="EUR").pk, "payoutbatch")
    mark = f'<a href="{url("desk", payout.pk)}">Mark as sent</a>'
    assert mark in desk.get(batch).content.decode()
    take(payouts.send, payer, payout, reference="TR-1")
    assert mark not in desk.get(batch).content.decode()


def test_a_batch_with_own_money_does_not_exist(buyer: User, payer: User, second_payer: User, desk: Client, sign_in: SignIn):
    released(buyer, payer)
    take(payouts.approve, second_payer, asked(payer, "10"))
    sign_in(second_payer).post(reverse("admin:orders_payoutbatch_collect"), {"currency": "EUR"})
    batch = PayoutBatch.objects.get()
    assert desk.get(url("rows", batch.pk, "payoutbatch")).status_code == 404
    assert desk.post(url("export", batch.pk, "payoutbatch")).status_code == 404
    assert f"#{batch.number}" not in text_of(desk.get(BATCHES))


# --- In a file before -----------------------------------------------------------------------------------------------
AGAIN = "exported on"


def exported(payer: User) -> PayoutBatch:
    batch = payout_batches.create_batch(actor=payer, currency="EUR")
    payout_batches.export_batch(actor=payer, batch_id=batch.pk)
    return batch


def approved_refund(client: User, freelancer: User, payer: User) -> Disbursement:
    row = refund_of(client, freelancer)
    take(payouts.set_refund_account, client, row, account_id=account_of(client).pk)
    return take(payouts.approve, payer, row)


def asked_again(row: Disbursement, payer: User) -> Disbursement:
    take(payouts.fail, payer, row, note="The bank asks for a second signature.")
    take(payouts.retry, payer, row)
    return take(payouts.approve, payer, row)


@pytest.fixture
def debtor(settings) -> None:
    settings.SEPA_DEBTOR_NAME, settings.SEPA_DEBTOR_IBAN = "Escrow", OTHER_IBAN


@pytest.mark.usefixtures("debtor")
@pytest.mark.parametrize("was_sent", [True, False])
def test_who_exports_a_row_a_second_time_is_warned(payout: Disbursement, payer: User, desk: Client, was_sent: bool):
    take(payouts.approve, payer, payout)
    first = exported(payer)
    if was_sent:
        take(payouts.send, payer, payout, reference="BANK-1")
    take(payouts.fail, payer, payout, note="The bank asks for a second signature.")
    assert AGAIN in text_of(desk.get(url("desk", payout.pk)))
    take(payouts.retry, payer, payout)
    take(payouts.approve, payer, payout)
    second = payout_batches.create_batch(actor=payer, currency="EUR")
    words = f"It was in batch #{first.number} EUR, exported on"
    for page in (url("desk", payout.pk), url("rows", second.pk, "payoutbatch")):
        assert words in text_of(desk.get(page)) and "or it is paid twice" in text_of(desk.get(page))
    assert "Exported before" in text_of(desk.get(QUEUE, {"tab": "send"}))
    assert AGAIN not in text_of(desk.get(url("rows", first.pk, "payoutbatch")))
    sent_again = take(payouts.send, payer, payout, reference="BANK-2")
    assert words not in text_of(desk.get(url("desk", sent_again.pk)))


@pytest.mark.usefixtures("debtor")
def test_who_exports_a_row_for_the_first_time_is_not_warned(
    payout: Disbursement, buyer: User, freelancer: User, payer: User, desk: Client
):
    approved_refund(buyer, freelancer, payer)
    exported(payer)  # the payout waits for approval still
    take(payouts.approve, payer, payout)
    approved_refund(buyer, freelancer, payer)
    late = payout_batches.create_batch(actor=payer, currency="EUR")
    asked_again(payout, payer)
    payout_batches.export_batch(actor=payer, batch_id=late.pk)  # the payout has left it
    take(payouts.send, payer, payout, reference="BANK-1")
    approved_refund(buyer, freelancer, payer)
    exported(payer)  # the payout is sent already, by hand
    asked_again(payout, payer)
    assert AGAIN not in text_of(desk.get(url("desk", payout.pk)))
    words = text_of(desk.get(QUEUE, {"tab": "send"}))
    assert "Failed before" in words and "Exported before" not in words


@pytest.mark.usefixtures("debtor")
def test_the_warning_costs_the_same_queries_for_one_and_for_many(
    payout: Disbursement, buyer: User, freelancer: User, payer: User, desk: Client
):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "Exported before" in text_of(desk.get(QUEUE, {"tab": "send"}))
        return len(queries)

    take(payouts.approve, payer, payout)
    exported(payer)
    asked_again(payout, payer)
    few = count()
    rows = [approved_refund(buyer, freelancer, payer) for _n in range(3)]
    exported(payer)
    for row in rows:
        asked_again(row, payer)
    assert count() == few


def a_return() -> Disbursement:
    method, now = PlatformMethodFactory(), timezone.now()
    statement = BankStatement.objects.create(payment_method=method, file_name="a.csv", sha256="0" * 64, imported_at=now)
    line = StatementLine.objects.create(
        statement=statement,
        payment_method=method,
        key="k",
        position=1,
        booked_on=now.date(),
        amount=Decimal(33),
        currency="EUR",
        kind="credit",
        payer_name="Nobody Known",
    )
    row = Disbursement(kind="return", reason="orphan", statement_line=line, amount=Decimal(33), currency="EUR", created_at=now)
    row.save()
    return row


def test_money_that_fits_no_order_goes_back_to_an_account_staff_write_down(desk: Client, payer: User):
    row = a_return()
    line = row.statement_line
    payouts.ledger.post(
        kind="orphan",
        key="orphan:1",
        lines={payouts.ledger.outside("EUR"): Decimal(-33), payouts.ledger.suspense("EUR"): Decimal(33)},
        now=timezone.now(),
        statement_line=line,
    )
    typed = {"account-seen": 1, "account-kind": "bank", "account-holder": "Nobody Known", "account-account": "123"}
    assert "this is none" in text_of(desk.post(url("account", row.pk), typed))
    desk.post(url("account", row.pk), {**typed, "account-account": IBAN})
    row.refresh_from_db()
    assert (row.account.owner, row.account.account, row.version) == (None, IBAN, 2)
    sent(row, payer)
    assert holdings() == {}
    take(payouts.fail, payer, row, note="Unknown there.")
    assert holdings() == {"outside": Decimal(-33), "suspense": Decimal(33)}
