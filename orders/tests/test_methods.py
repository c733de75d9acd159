"""A freelancer's own accounts: pages, validation, and whose they are."""

import uuid
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conftest import SignIn
from orders.iban import is_iban
from orders.method_forms import PaymentMethodForm
from orders.models import Order, PaymentMethod
from orders.states import Custody
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory, order_in
from orders.tests.test_views_payouts import confirmed

pytestmark = pytest.mark.django_db

LIST, CREATE = "/settings/payment-methods/", "/settings/payment-methods/new/"
GOOD = {
    "kind": "mobile",
    "currency": "KES",
    "label": "M-Pesa",
    "account_holder": "José Ñíguez",
    "account_number": "+254 712 345 678",
    "routing": "",
    "instructions": "",
    "pay_window_hours": "",
}


@pytest.fixture
def method(freelancer: User) -> PaymentMethod:
    return DirectMethodFactory(owner=freelancer, label="Old wallet")


def edit(method: PaymentMethod) -> str:
    return reverse("orders:method_edit", args=[method.pk])


def archive(method: PaymentMethod) -> str:
    return reverse("orders:method_archive", args=[method.pk])


def rows() -> list[dict]:
    return list(PaymentMethod.objects.order_by("pk").values())


# --- Pages ----------------------------------------------------------------------------------------------------------
def test_an_account_is_added_as_direct_and_ones_own(freelancer: User, sign_in: SignIn):
    answer = confirmed(sign_in(freelancer)).post(CREATE, GOOD)
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    method = PaymentMethod.objects.get()
    assert (method.owner, method.custody, method.kind, method.currency) == (freelancer, Custody.DIRECT, "mobile", "KES")
    assert (method.label, method.account_holder, method.account_number) == ("M-Pesa", "José Ñíguez", "+254 712 345 678")
    assert (method.pay_window_hours, method.is_reversible, method.is_active) == (2, False, True)


def test_smuggled_fields_change_nothing(freelancer: User, stranger: User, sign_in: SignIn):
    confirmed(sign_in(freelancer)).post(CREATE, {**GOOD, "custody": "PLATFORM", "owner": str(stranger.pk), "is_active": "false"})
    method = PaymentMethod.objects.get()
    assert (method.owner, method.custody, method.is_active) == (freelancer, Custody.DIRECT, True)


def test_bad_input_keeps_what_was_typed(freelancer: User, sign_in: SignIn):
    answer = confirmed(sign_in(freelancer)).post(CREATE, {**GOOD, "label": "", "account_holder": "José\u202e"})
    form = answer.context["form"]
    assert set(form.errors) == {"label", "account_holder"}
    assert form["account_number"].value() == "+254 712 345 678"
    assert rows() == []


def test_the_list_shows_ones_own_accounts_alone(freelancer: User, stranger: User, method: PaymentMethod, sign_in: SignIn):
    old = DirectMethodFactory(owner=freelancer, is_active=False)
    DirectMethodFactory(owner=stranger)
    PlatformMethodFactory()
    answer = sign_in(freelancer).get(LIST)
    assert (answer.context["offered"], answer.context["archived"]) == ([method], [old])


def test_an_empty_list_says_what_direct_means(freelancer: User, sign_in: SignIn):
    page = sign_in(freelancer).get(LIST).content.decode()
    assert "no escrow behind them" in page
    assert "does not hold the money" in page


def test_the_list_takes_as_many_queries_for_thirty(freelancer: User, sign_in: SignIn, django_assert_max_num_queries):
    client = sign_in(freelancer)
    DirectMethodFactory(owner=freelancer)
    with django_assert_max_num_queries(50) as one:
        client.get(LIST)
    DirectMethodFactory.create_batch(29, owner=freelancer)
    with django_assert_max_num_queries(len(one)) as thirty:
        client.get(LIST)
    assert len(thirty) == len(one)


def test_an_edit_leaves_running_orders_alone_and_says_so(freelancer: User, buyer: User, sign_in: SignIn):
    order = order_in(client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    method, client = order.payment_method, confirmed(sign_in(freelancer))
    assert "Running orders do not change" in client.get(edit(method)).content.decode()
    answer = client.post(edit(method), {**GOOD, "currency": "EUR", "account_number": "0700 000 000"}, follow=True)
    assert "Orders already placed keep the account they were promised." in answer.content.decode()
    method.refresh_from_db()
    assert (method.account_number, method.label) == ("0700 000 000", "M-Pesa")
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.deposit_address, fresh.pay_to_label) == (order.deposit_address, order.pay_to_label)


def test_an_archived_account_is_no_longer_offered(freelancer: User, method: PaymentMethod, sign_in: SignIn):
    client = sign_in(freelancer)
    for _double_click in range(2):
        answer = client.post(archive(method))
        assert (answer.status_code, answer["Location"]) == (302, LIST)
        assert not PaymentMethod.objects.get().is_active


def test_an_archived_account_stays_as_it_is(freelancer: User, sign_in: SignIn):
    method = DirectMethodFactory(owner=freelancer, is_active=False)
    before = rows()
    assert confirmed(sign_in(freelancer)).post(edit(method), GOOD)["Location"] == LIST
    assert rows() == before


def test_adding_and_changing_an_account_ask_for_the_password_again(freelancer: User, method: PaymentMethod, sign_in: SignIn):
    client, before = sign_in(freelancer), rows()
    for address in (CREATE, edit(method)):
        assert client.get(address).url == f"{reverse('account_reauthenticate')}?{urlencode({'next': address})}"
        answer = client.post(address, {**GOOD, "account_number": "0799 999 999"})
        assert answer.url == address and "0799 999 999" not in str(dict(client.session))
    confirmed(client)
    assert [client.get(address).status_code for address in (CREATE, edit(method))] == [200, 200]
    assert rows() == before


# --- Access ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", [edit, archive])
def test_a_strangers_account_is_404(address, method: PaymentMethod, stranger: User, moderator: User, sign_in: SignIn):
    before = rows()
    for person in (stranger, moderator):
        assert confirmed(sign_in(person)).post(address(method), GOOD).status_code == 404
    assert rows() == before


@pytest.mark.parametrize("address", [edit, archive])
def test_a_platform_account_is_nobodys_here(address, freelancer: User, sign_in: SignIn):
    method = PlatformMethodFactory()
    assert confirmed(sign_in(freelancer)).post(address(method), GOOD).status_code == 404


def test_anonymous_visitors_are_sent_to_sign_in(method: PaymentMethod):
    before = rows()
    for address in (LIST, CREATE, edit(method), archive(method)):
        for send in (Client().get, Client().post):
            answer = send(address)
            assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={address}")
    assert rows() == before


def test_archiving_by_get_is_405(method: PaymentMethod, freelancer: User, sign_in: SignIn):
    assert sign_in(freelancer).get(archive(method)).status_code == 405
    assert PaymentMethod.objects.get().is_active


def test_what_does_not_exist_is_404(freelancer: User, sign_in: SignIn):
    assert confirmed(sign_in(freelancer)).get(reverse("orders:method_edit", args=[uuid.uuid4()])).status_code == 404


# --- What may be typed ----------------------------------------------------------------------------------------------
def errors(**typed: str) -> dict[str, list[str]]:
    return PaymentMethodForm({**GOOD, **typed}).errors


@pytest.mark.parametrize(
    ("kind", "currency", "hours"), [("mobile", "KES", 2), ("coin", "BTC", 2), ("bank", "EUR", 72), ("cash", "EUR", 72)]
)
def test_an_empty_pay_window_is_the_usual_one_of_its_kind(kind: str, currency: str, hours: int):
    form = PaymentMethodForm({**GOOD, "kind": kind, "currency": currency})
    assert form.is_valid()
    assert form.instance.pay_window_hours == hours


def test_a_typed_pay_window_is_kept():
    form = PaymentMethodForm({**GOOD, "pay_window_hours": "12"})
    assert form.is_valid()
    assert form.instance.pay_window_hours == 12


@pytest.mark.parametrize("hours", ["0", "721", "-2", "1.5", "soon"])
def test_a_pay_window_out_of_range_is_refused(hours: str):
    assert set(errors(pay_window_hours=hours)) == {"pay_window_hours"}


@pytest.mark.parametrize("name", ["label", "account_holder", "account_number", "routing"])
@pytest.mark.parametrize("text", ["two\nlines", "nul\x00", "turned\u202e", "x" * 121])
def test_lines_are_lines(name: str, text: str):
    assert set(errors(**{name: text})) == {name}


@pytest.mark.parametrize(("text", "wrong"), [("turned\u202e", True), ("x" * 4001, True), ("two\nlines", False)])
def test_instructions_may_have_several_lines(text: str, wrong: bool):
    assert set(errors(instructions=text)) == ({"instructions"} if wrong else set())


@pytest.mark.parametrize(("kind", "currency"), [("card", "EUR"), ("bank", "EURO"), ("", "EUR"), ("bank", "")])
def test_unknown_kinds_and_currencies_are_refused(kind: str, currency: str):
    assert errors(kind=kind, currency=currency) != {}


def test_an_iban_is_kept_without_its_spaces():
    form = PaymentMethodForm({**GOOD, "kind": "bank", "currency": "EUR", "account_number": "de89 3704 0044 0532 0130 00"})
    assert form.is_valid()
    assert form.instance.account_number == "DE89370400440532013000"


@pytest.mark.parametrize("number", ["DE89 3704 0044 0532 0130 01", "DE98 3704 0044 0532 0130 00", "GB82WEST12345698765423"])
def test_a_mistyped_iban_is_refused(number: str):
    assert set(errors(kind="bank", currency="EUR", account_number=number)) == {"account_number"}


@pytest.mark.parametrize("number", ["0712345678", "12-34-56 12345678", "GB12345678"])
def test_other_account_numbers_are_taken_as_they_are(number: str):
    form = PaymentMethodForm({**GOOD, "kind": "bank", "currency": "GBP", "account_number": number})
    assert form.is_valid()
    assert form.instance.account_number == number


@pytest.mark.parametrize("iban", ["GB82WEST12345698765432", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"])
def test_right_check_digits(iban: str):
    assert is_iban(iban)


def test_coins_go_to_coin_addresses_and_nothing_else():
    assert set(errors(kind="coin", currency="EUR")) == {"currency"}
    assert set(errors(kind="bank", currency="BTC")) == {"currency"}


def test_a_coin_of_several_networks_names_its_network():
    assert set(errors(kind="coin", currency="USDT")) == {"routing"}
    assert errors(kind="coin", currency="USDT", routing="TRC-20") == {}
