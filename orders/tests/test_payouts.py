"""Payouts, refunds and returns: each step, to the last cent of the ledger, and every way it is refused."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.exceptions import DomainError
from marketplace.uploads import private_storage
from messaging.models import Notification
from orders import ledger
from orders.bank_accounts import AccountRefused
from orders.exceptions import (
    ActionNotAllowed,
    DisbursementRefused,
    NotEnoughMoney,
    OrderMoved,
    SecondModeratorNeeded,
    TooEarly,
)
from orders.models import Disbursement, DisbursementEvent, LedgerAccount, LedgerEntry, LedgerTransfer, Order, PayoutAccount
from orders.selectors.payouts import balance_statement, list_purses, month_bounds, spoken_for
from orders.services import lifecycle, payouts
from orders.services.payments import confirm_payment
from orders.services.payout_accounts import archive_payout_account, save_payout_account
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import disputed
from orders.tests.factories import PlatformMethodFactory, a_receipt, hand_in_proof, order_in

IBAN = "DE89370400440532013000"
OTHER_IBAN = "NL91ABNA0417164300"


@pytest.fixture
def payer(db: None) -> User:
    return staff("payer@example.com")


@pytest.fixture
def second_payer(db: None) -> User:
    return staff("second@example.com")


def staff(email: str) -> User:
    user = UserFactory(email=email, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="pay_out"))
    return user


def account_of(owner: User, number: str = IBAN, currency: str = "EUR", kind: str = "bank") -> PayoutAccount:
    return save_payout_account(actor=owner, kind=kind, currency=currency, holder=owner.full_name, account=number)


def released(client: User, freelancer: User, price: str = "120", *, cleared: bool = True) -> Order:
    order = order_in(Status.COMPLETED, client=client, freelancer=freelancer, price=Decimal(price))
    if cleared:
        Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() - timedelta(minutes=1))
    return order


def asked(freelancer: User, amount: str = "100") -> Disbursement:
    account = PayoutAccount.objects.filter(owner=freelancer).first() or account_of(freelancer)
    return payouts.request_payout(actor=freelancer, account_id=account.pk, amount=Decimal(amount))


def refund_of(client: User, freelancer: User, custody: Custody = Custody.PLATFORM) -> Disbursement:
    order = order_in(Status.PAYMENT_CONFIRMED, client=client, freelancer=freelancer, custody=custody)
    lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version)
    return order.disbursements.get()


def take(service, actor: User, row: Disbursement, **more: object) -> Disbursement:
    return service(actor=actor, row_id=row.pk, seen=Disbursement.objects.get(pk=row.pk).version, **more)


def sent(row: Disbursement, payer: User, reference: str = "BANK-1") -> Disbursement:
    take(payouts.approve, payer, row)
    return take(payouts.send, payer, row, reference=reference)


def holdings() -> dict[str, Decimal]:
    """What each kind of account holds in euros, the empty ones left out; the kept balances agree with the entries."""
    units: dict[str, int] = {}
    for entry in LedgerEntry.objects.filter(account__currency="EUR").select_related("account"):
        units[entry.account.kind] = units.get(entry.account.kind, 0) + entry.amount
    for account in LedgerAccount.objects.exclude(balance=None):
        assert account.balance == sum(account.entries.values_list("amount", flat=True)), account
    return {kind: Decimal(amount) / 100 for kind, amount in units.items() if amount}


def everything() -> tuple[object, ...]:
    return (
        list(Disbursement.objects.order_by("pk").values()),
        DisbursementEvent.objects.count(),
        LedgerTransfer.objects.count(),
        holdings(),
    )


def test_a_balance_says_what_is_held_clearing_available_and_paid_out(buyer: User, freelancer: User, payer: User):
    order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, price=Decimal(50))
    clearing = released(buyer, freelancer, "80", cleared=False)
    released(buyer, freelancer)
    sent(asked(freelancer, "30"), payer)
    asked(freelancer, "20.50")
    (purse,) = list_purses(freelancer, timezone.now())
    assert (purse.currency, purse.held, purse.balance) == ("EUR", Decimal(50), Decimal(150))
    assert (purse.clearing_total, purse.reserved, purse.paid_out) == (Decimal(72), Decimal("20.50"), Decimal(30))
    assert purse.available == Decimal("57.50")
    assert [(part.order_id, part.until) for part in purse.clearing] == [(clearing.pk, clearing.hold_until)]
    assert purse.clear_at == clearing.hold_until
    assert list_purses(buyer, timezone.now()) == []


def test_a_balance_tells_what_is_frozen_from_what_is_held(buyer: User, freelancer: User):
    order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, price=Decimal(50))
    disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, price=Decimal(70)), buyer)
    (purse,) = list_purses(freelancer, timezone.now())
    assert (purse.held, purse.frozen) == (Decimal(50), Decimal(70))


def test_the_overview_costs_the_same_queries_at_any_size(buyer: User, freelancer: User, django_assert_num_queries):
    released(buyer, freelancer, cleared=False)
    with django_assert_num_queries(5):
        list_purses(freelancer, timezone.now())
    for _n in range(3):
        released(buyer, freelancer, cleared=False)
    with django_assert_num_queries(5):
        list_purses(freelancer, timezone.now())


def test_a_payout_leaves_the_balance_when_it_is_sent_and_not_before(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    full = {"outside": Decimal(-120), "balance": Decimal(108), "fees": Decimal(12)}
    row = asked(freelancer, "100")
    assert (row.state, row.version, holdings()) == ("requested", 1, full)
    row = take(payouts.approve, payer, row)
    assert (row.state, row.approved_by, holdings()) == ("approved", payer, full)
    row = take(payouts.send, payer, row, reference=" BANK-77 ", proof=a_receipt())
    assert (row.state, row.reference, row.version) == ("sent", "BANK-77", 3)
    assert holdings() == {"outside": Decimal(-20), "balance": Decimal(8), "fees": Decimal(12)}
    transfer = row.transfers.get()
    assert (transfer.kind, transfer.key, transfer.actor) == ("payout", f"disbursement:{row.pk}:3:send", payer)
    assert private_storage().exists(row.proof.name)
    row = take(payouts.confirm, freelancer, row)
    assert row.state == "confirmed"
    steps = list(row.events.values_list("number", "action", "to_state", "actor__email"))
    assert steps == [
        (1, "request", "requested", freelancer.email),
        (2, "approve", "approved", payer.email),
        (3, "send", "sent", payer.email),
        (4, "confirm", "confirmed", freelancer.email),
    ]


def test_two_tabs_send_once(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    row = take(payouts.approve, payer, asked(freelancer))
    payouts.send(actor=payer, row_id=row.pk, seen=row.version, reference="B-1")
    before = everything()
    with pytest.raises(DisbursementRefused, match="Sent"):
        payouts.send(actor=payer, row_id=row.pk, seen=row.version, reference="B-1")
    assert everything() == before


def test_the_second_send_leaves_no_file_behind(buyer: User, freelancer: User, payer: User, settings):
    released(buyer, freelancer)
    row = take(payouts.approve, payer, asked(freelancer))
    Disbursement.objects.filter(pk=row.pk).update(amount=Decimal(5000))  # more than there is: the ledger refuses
    proof = a_receipt()
    with pytest.raises(NotEnoughMoney):
        payouts.send(actor=payer, row_id=row.pk, seen=row.version, reference="B-1", proof=proof)
    assert not private_storage().exists(f"disbursements/{proof.stored_name}")
    assert Disbursement.objects.get().state == "approved"


@pytest.mark.parametrize("amount", ["108.01", "1000"])
def test_nobody_asks_for_more_than_is_available(amount: str, buyer: User, freelancer: User):
    released(buyer, freelancer)
    released(buyer, freelancer, cleared=False)
    with pytest.raises(NotEnoughMoney):
        asked(freelancer, amount)
    assert not Disbursement.objects.exists()
    assert asked(freelancer, "108").amount == Decimal(108)


@pytest.mark.parametrize("amount", ["0", "-1", "10.001"])
def test_an_amount_is_one_that_can_be_paid(amount: str, buyer: User, freelancer: User):
    released(buyer, freelancer)
    with pytest.raises(DomainError):
        asked(freelancer, amount)
    assert not Disbursement.objects.exists()


def test_a_site_has_a_minimum(buyer: User, freelancer: User, settings):
    settings.PAYOUT_MINIMUM = {"EUR": "25"}
    released(buyer, freelancer)
    with pytest.raises(DisbursementRefused, match="25"):
        asked(freelancer, "24.99")
    assert asked(freelancer, "25").state == "requested"


def test_one_request_at_a_time(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    first = asked(freelancer, "10")
    with pytest.raises(DisbursementRefused):
        asked(freelancer, "10")
    sent(first, payer)
    assert asked(freelancer, "10").state == "requested"


def test_only_an_own_account_in_use_is_paid_to(buyer: User, freelancer: User, stranger: User):
    released(buyer, freelancer)
    theirs, old = account_of(stranger), account_of(freelancer)
    archive_payout_account(actor=freelancer, account_id=old.pk)
    for account in (theirs, old):
        with pytest.raises(DisbursementRefused):
            payouts.request_payout(actor=freelancer, account_id=account.pk, amount=Decimal(10))
    with pytest.raises(NotEnoughMoney):  # there is none in that currency
        shillings = account_of(freelancer, "+254 712 345 678", "KES", "mobile")
        payouts.request_payout(actor=freelancer, account_id=shillings.pk, amount=Decimal(10))
    assert not Disbursement.objects.exists()


def test_withdrawing_gives_it_back_to_what_is_available(buyer: User, freelancer: User, payer: User, stranger: User):
    released(buyer, freelancer)
    row = asked(freelancer)
    with pytest.raises(ActionNotAllowed):
        take(payouts.withdraw, stranger, row)
    take(payouts.withdraw, freelancer, row)
    assert spoken_for(freelancer, "EUR", timezone.now()) == 0
    row = take(payouts.approve, payer, asked(freelancer))
    with pytest.raises(DisbursementRefused, match="Approved"):
        take(payouts.withdraw, freelancer, row)
    assert Disbursement.objects.get(pk=row.pk).state == "approved"


def test_who_may_not_pay_out_decides_nothing(buyer: User, freelancer: User, stranger: User, payer: User):
    released(buyer, freelancer)
    row = asked(freelancer)
    verifier = UserFactory(is_staff=True)
    verifier.user_permissions.set(Permission.objects.filter(codename="verify_payment"))
    before = everything()
    for person in (freelancer, buyer, stranger, verifier):
        with pytest.raises(ActionNotAllowed):
            take(payouts.approve, person, row)
    assert everything() == before
    take(payouts.approve, payer, row)
    before = everything()
    for person in (freelancer, stranger, verifier):
        with pytest.raises(ActionNotAllowed):
            take(payouts.send, person, row, reference="B-1")
        with pytest.raises(ActionNotAllowed):
            take(payouts.fail, person, row, note="No.")
    assert everything() == before


def test_staff_decide_nothing_about_their_own_money_or_deals(buyer: User, payer: User, second_payer: User):
    released(buyer, payer)
    own = asked(payer, "10")
    refund = refund_of(buyer, payer)  # the staff member is the freelancer of that order
    take(payouts.set_refund_account, buyer, refund, account_id=account_of(buyer).pk)
    before = everything()
    for row in (own, refund):
        with pytest.raises(ActionNotAllowed):
            take(payouts.approve, payer, row)
    assert everything() == before
    for row in (own, refund):
        assert take(payouts.approve, second_payer, row).state == "approved"


def test_over_the_limit_two_people_send(buyer: User, freelancer: User, payer: User, second_payer: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "50"}
    # the order's own payment is over the limit too, so it is confirmed by two
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    for verifier in (UserFactory(is_staff=True, is_superuser=True), UserFactory(is_staff=True, is_superuser=True)):
        order = confirm_payment(actor=verifier, order_id=order.pk, seen=order.version, received_amount=Decimal(120))
    lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version)
    row = order.disbursements.get()
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer).pk)
    take(payouts.approve, payer, row)
    before = everything()
    with pytest.raises(SecondModeratorNeeded):
        take(payouts.send, payer, row, reference="B-1")
    assert everything() == before
    assert take(payouts.send, second_payer, row, reference="B-1").state == "sent"


def test_a_payout_that_comes_back_is_on_the_balance_again(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    row = sent(asked(freelancer, "108"), payer)
    assert "balance" not in holdings()
    with pytest.raises(DisbursementRefused):
        take(payouts.fail, payer, row, note="  ")
    row = take(payouts.fail, payer, row, note="The account is closed.")
    assert (row.state, row.failure) == ("failed", "The account is closed.")
    assert holdings() == {"outside": Decimal(-120), "balance": Decimal(108), "fees": Decimal(12)}
    assert list(row.transfers.values_list("kind", flat=True)) == ["payout", "bounce"]
    other = account_of(freelancer, OTHER_IBAN)
    row = take(payouts.retry, freelancer, row, account_id=other.pk)
    assert (row.state, row.account, row.approved_by, row.reference) == ("requested", other, None, "")
    row = sent(row, payer, "BANK-2")
    assert holdings() == {"outside": Decimal(-12), "fees": Decimal(12)}
    assert row.transfers.count() == 3


def test_what_failed_before_it_was_sent_touches_no_ledger(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    row = take(payouts.approve, payer, asked(freelancer))
    row = take(payouts.fail, payer, row, note="The name does not fit the account.")
    assert row.state == "failed" and not row.transfers.exists()
    assert take(payouts.withdraw, freelancer, row).state == "withdrawn"


def test_money_asked_for_otherwise_is_not_sent_again(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    failed = take(payouts.fail, payer, sent(asked(freelancer, "108"), payer), note="Closed.")
    second = asked(freelancer, "50")
    with pytest.raises(DisbursementRefused):
        take(payouts.retry, freelancer, failed)
    sent(second, payer)
    with pytest.raises(NotEnoughMoney):
        take(payouts.retry, freelancer, failed)
    assert Disbursement.objects.get(pk=failed.pk).state == "failed"


def test_a_refund_goes_where_the_client_says(buyer: User, freelancer: User, stranger: User, payer: User):
    row = refund_of(buyer, freelancer)
    assert holdings() == {"outside": Decimal(-120), "refundable": Decimal(120)}
    with pytest.raises(DisbursementRefused, match="where the money goes"):
        take(payouts.approve, payer, row)
    with pytest.raises(DisbursementRefused):
        take(payouts.set_refund_account, buyer, row, account_id=account_of(stranger).pk)
    with pytest.raises(ActionNotAllowed):
        take(payouts.set_refund_account, stranger, row, account_id=account_of(stranger).pk)
    assert Disbursement.objects.get(pk=row.pk).account is None
    account = account_of(buyer)
    row = take(payouts.set_refund_account, buyer, row, account_id=account.pk)
    assert (row.state, row.account) == ("requested", account)
    with pytest.raises(ActionNotAllowed):
        take(payouts.withdraw, buyer, row)
    row = sent(row, payer)
    assert holdings() == {}
    assert (row.transfers.get().kind, row.transfers.get().order_id) == ("repayment", row.order_id)
    assert take(payouts.confirm, payer, row).state == "confirmed"


def test_an_approval_is_of_the_account_that_was_seen(buyer: User, freelancer: User, payer: User):
    row = refund_of(buyer, freelancer)
    seen = take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer).pk).version
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer, OTHER_IBAN).pk)
    with pytest.raises(DisbursementRefused):
        payouts.approve(actor=payer, row_id=row.pk, seen=seen)
    assert Disbursement.objects.get(pk=row.pk).state == "requested"


def test_a_refund_that_comes_back_is_refundable_again(buyer: User, freelancer: User, payer: User):
    row = refund_of(buyer, freelancer)
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer).pk)
    take(payouts.fail, payer, sent(row, payer), note="Wrong name.")
    assert holdings() == {"outside": Decimal(-120), "refundable": Decimal(120)}
    assert take(payouts.retry, buyer, row, account_id=account_of(buyer, OTHER_IBAN).pk).state == "requested"


def test_nothing_is_approved_while_a_ruling_may_be_appealed(buyer: User, freelancer: User, payer: User):
    row = refund_of(buyer, freelancer)
    take(payouts.set_refund_account, buyer, row, account_id=account_of(buyer).pk)
    Disbursement.objects.filter(pk=row.pk).update(not_before=timezone.now() + timedelta(hours=1))
    with pytest.raises(TooEarly):
        take(payouts.approve, payer, row)
    assert Disbursement.objects.get(pk=row.pk).state == "requested"


def test_a_direct_refund_is_sent_by_the_freelancer_and_confirmed_by_the_client(
    buyer: User, freelancer: User, payer: User, stranger: User
):
    row = refund_of(buyer, freelancer, Custody.DIRECT)
    order = Order.objects.get()
    assert (order.payment_status, row.payer) == (PaymentStatus.REFUND_DUE, freelancer)
    with pytest.raises(DisbursementRefused, match="not marked"):
        payouts.confirm_refund(actor=buyer, order_id=order.pk, seen=order.version)
    with pytest.raises(DisbursementRefused):
        take(payouts.approve, payer, row)
    with pytest.raises(ActionNotAllowed):
        take(payouts.refund_sent, buyer, row, reference="MP-1")
    row = take(payouts.refund_sent, freelancer, row, reference="MP-1", proof=a_receipt())
    assert (row.state, row.reference) == ("sent", "MP-1")
    with pytest.raises(DisbursementRefused, match="order's page"):
        take(payouts.confirm, buyer, row)
    with pytest.raises(DomainError):
        payouts.confirm_refund(actor=freelancer, order_id=order.pk, seen=order.version)
    order = payouts.confirm_refund(actor=buyer, order_id=order.pk, seen=order.version)
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.REFUNDED)
    assert Disbursement.objects.get().state == "confirmed"
    assert not LedgerTransfer.objects.exists()
    with pytest.raises(OrderMoved):
        payouts.confirm_refund(actor=stranger_moderator(), order_id=order.pk, seen=order.version - 1)


def stranger_moderator() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


def test_a_direct_refund_that_never_arrived_is_sent_again(buyer: User, freelancer: User, payer: User):
    row = take(payouts.refund_sent, freelancer, refund_of(buyer, freelancer, Custody.DIRECT), reference="MP-1")
    take(payouts.fail, payer, row, note="The client shows a statement without it.")
    assert not LedgerTransfer.objects.exists()
    assert take(payouts.refund_sent, freelancer, row, reference="MP-2").reference == "MP-2"


def test_a_surplus_of_a_direct_order_is_confirmed_by_itself(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    order = confirm_payment(
        actor=freelancer, order_id=order.pk, seen=order.version, received_amount=Decimal(150), more_arrived=True
    )
    row = take(payouts.refund_sent, freelancer, order.disbursements.get(), reference="MP-1")
    assert row.amount == Decimal(30)
    assert take(payouts.confirm, buyer, row).state == "confirmed"
    assert Order.objects.get().payment_status == PaymentStatus.PAID_DIRECT


def test_a_surplus_of_a_platform_order_is_refunded_from_the_ledger(buyer: User, freelancer: User, moderator: User, payer: User):
    order = hand_in_proof(order_in(client=buyer, freelancer=freelancer))
    order = confirm_payment(
        actor=moderator, order_id=order.pk, seen=order.version, received_amount=Decimal("120.01"), more_arrived=True
    )
    row = take(payouts.set_refund_account, buyer, order.disbursements.get(), account_id=account_of(buyer).pk)
    sent(row, payer)
    assert holdings() == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_an_account_number_is_nowhere_readable_in_the_database(buyer: User, freelancer: User, payer: User):
    released(buyer, freelancer)
    account = account_of(freelancer)
    sent(asked(freelancer), payer)
    with connection.cursor() as cursor:
        cursor.execute("SELECT account, masked, holder, routing FROM orders_payoutaccount")
        (kept,) = cursor.fetchall()
        cursor.execute("SELECT note FROM orders_disbursementevent")
        notes = cursor.fetchall()
    assert IBAN not in repr(kept) and "0532013000" not in repr(kept) + repr(notes)
    assert kept[1] == "DE•• •••• 3000"
    assert PayoutAccount.objects.get(pk=account.pk).account == IBAN


@pytest.mark.parametrize(
    ("kind", "currency", "number", "routing", "field"),
    [
        ("bank", "EUR", "DE89370400440532013001", "", "account"),
        ("bank", "EUR", "12345678", "", "account"),
        ("bank", "EUR", IBAN, "NOBANK", "routing"),
        ("bank", "USD", "DE89370400440532013001", "", "account"),
        ("bank", "USD", "12", "", "account"),
        ("bank", "BTC", "12345678", "", "currency"),
        ("coin", "EUR", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "", "currency"),
        ("coin", "USDT", "TQn9Y2khEsLJW1ChVWFMSMeRDow5KcbLSE", "", "routing"),
    ],
)
def test_an_account_nobody_could_pay_to_is_refused(
    kind: str, currency: str, number: str, routing: str, field: str, freelancer: User
):
    with pytest.raises(AccountRefused) as refusal:
        save_payout_account(actor=freelancer, kind=kind, currency=currency, holder="José", account=number, routing=routing)
    assert refusal.value.field == field
    assert not PayoutAccount.objects.exists()


def test_an_iban_is_kept_compact_with_its_bic(freelancer: User):
    account = account_of(freelancer, "de89 3704 0044 0532 0130 00")
    assert (account.account, account.routing, account.masked) == (IBAN, "COBADEFFXXX", "DE•• •••• 3000")


def test_who_adds_an_account_is_told_of_it(freelancer: User):
    account = account_of(freelancer)
    told = Notification.objects.get()
    assert (told.user, told.kind) == (freelancer, "orders.account_added")
    assert account.masked in told.body and IBAN not in told.body


def test_an_account_money_is_about_to_go_to_stays(buyer: User, freelancer: User, stranger: User):
    released(buyer, freelancer)
    row = asked(freelancer)
    with pytest.raises(DisbursementRefused):
        archive_payout_account(actor=freelancer, account_id=row.account_id)
    with pytest.raises(ActionNotAllowed):
        archive_payout_account(actor=stranger, account_id=row.account_id)
    assert PayoutAccount.objects.get().is_active


def test_a_statement_carries_every_entry_with_its_fee_and_the_balance_after(buyer: User, freelancer: User, payer: User):
    order = released(buyer, freelancer)
    row = take(payouts.fail, payer, sent(asked(freelancer, "100"), payer), note="Closed.")
    take(payouts.retry, freelancer, row)
    (statement,) = balance_statement(freelancer, None, None)
    rows = [(line.transfer.kind, line.gross, line.fee, line.amount, line.after) for line in statement.lines]
    assert rows == [
        ("release", Decimal(120), Decimal(12), Decimal(108), Decimal(108)),
        ("payout", Decimal(-100), Decimal(0), Decimal(-100), Decimal(8)),
        ("bounce", Decimal(100), Decimal(0), Decimal(100), Decimal(108)),
    ]
    assert statement.lines[0].transfer.order == order
    assert [line.reference for line in statement.lines] == ["", "BANK-1", ""]
    assert (statement.opening, statement.closing) == (Decimal(0), Decimal(108))
    now = timezone.now()
    this_month = month_bounds(now.year, now.month)
    after = balance_statement(freelancer, this_month[1], None)
    assert [(month.opening, month.lines, month.closing) for month in after] == [(Decimal(108), [], Decimal(108))]
    assert balance_statement(freelancer, None, this_month[0]) == []
    assert balance_statement(buyer, None, None) == []


def test_december_is_followed_by_january():
    start, end = month_bounds(2026, 12)
    assert (start.isoformat()[:10], end.isoformat()[:10]) == ("2026-12-01", "2027-01-01")
    with pytest.raises(ValueError, match="month"):
        month_bounds(2026, 13)


# What the walk below may be refused with: a step out of turn, and more money than there is.
STEPS = 90
EXPECTED = (DisbursementRefused, NotEnoughMoney)


@pytest.mark.parametrize("luck", range(3))
def test_whatever_people_try_available_is_never_less_than_nothing(
    luck: int, buyer: User, freelancer: User, payer: User, second_payer: User
):
    """A walk of random steps, legal or not: the ledger adds up and nobody is paid twice."""
    dice = random.Random(luck)
    orders = [released(buyer, freelancer, "120", cleared=False) for _n in range(3)]
    account_of(freelancer)

    def ask(row: Disbursement | None) -> object:
        return asked(freelancer, dice.choice(["5", "10", "20.50", "108", "500"]))

    def clear(row: Disbursement | None) -> object:
        return Order.objects.filter(pk=dice.choice(orders).pk).update(hold_until=timezone.now() - timedelta(seconds=1))

    steps = {
        "ask": ask,
        "clear": clear,
        "approve": lambda row: take(payouts.approve, payer, row),
        "send": lambda row: take(payouts.send, dice.choice([payer, second_payer]), row, reference="B"),
        "fail": lambda row: take(payouts.fail, payer, row, note="No."),
        "retry": lambda row: take(payouts.retry, freelancer, row),
        "withdraw": lambda row: take(payouts.withdraw, freelancer, row),
        "confirm": lambda row: take(payouts.confirm, freelancer, row),
    }
    done, refused = Counter[str](), Counter[str]()
    for _n in range(STEPS):
        rows = list(Disbursement.objects.order_by("created_at"))
        name = dice.choices(list(steps), weights=[4, 2, 6, 8, 2, 4, 1, 4])[0] if rows else dice.choice(["ask", "clear"])
        row = dice.choice([rows[-1], dice.choice(rows)]) if rows else None
        try:
            steps[name](row)
        except EXPECTED:
            refused[name] += 1
        else:
            done[name] += 1
        (purse,) = list_purses(freelancer, timezone.now())
        assert purse.available >= 0
        gone = Disbursement.objects.filter(state__in=["sent", "confirmed"]).values_list("amount", flat=True)
        assert purse.paid_out == sum(gone) and purse.balance == 324 - purse.paid_out
        assert ledger.amount_in(ledger.balance(freelancer.pk, "EUR")) == purse.balance
    assert sum(LedgerEntry.objects.values_list("amount", flat=True)) == 0
    assert done.total() + refused.total() == STEPS
    assert done.total() >= 10 and refused.total() >= 30 and done["send"], (done, refused)


# --- Whose account it is ----------------------------------------------------------------------------------------------
def test_an_account_that_clients_pay_into_is_nobodys_own(freelancer: User):
    method = PlatformMethodFactory(account_number="DE02 1203 0000 0000 2020 51")
    with pytest.raises(AccountRefused, match="account of this site"):
        save_payout_account(actor=freelancer, kind="bank", currency="EUR", holder="José Ñíguez", account="de02120300000000202051")
    assert not PayoutAccount.objects.exists()
    method.is_active = False
    method.save()
    save_payout_account(actor=freelancer, kind="bank", currency="EUR", holder="José Ñíguez", account="DE02120300000000202051")
