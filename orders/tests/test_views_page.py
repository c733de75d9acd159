import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory, RequirementFactory
from orders.models import Order, OrderEvent, PaymentProof
from orders.services import lifecycle, payments
from orders.states import Custody, Status
from orders.tests.factories import (
    REACHABLE,
    DirectMethodFactory,
    PlatformMethodFactory,
    a_file,
    deliver,
    hand_in_proof,
    order_in,
    place,
)

PLATFORM, DIRECT = Custody.PLATFORM, Custody.DIRECT
MOST_QUERIES = 12


@pytest.fixture
def order_at(buyer, freelancer):
    def make(status: Status, custody: Custody = PLATFORM, **options) -> Order:
        return order_in(status, client=buyer, freelancer=freelancer, custody=custody, **options)

    return make


def text(response) -> str:
    return re.sub(r"[ \n]+", " ", response.content.decode())


def look(browser, order: Order) -> str:
    return text(browser.get(order.get_absolute_url()))


# Which forms each side has: the buttons of docs/orders.md, and nothing else.
FORMS = {
    (Status.PENDING_PAYMENT, PLATFORM): (["submit_payment", "cancel"], ["cancel"]),
    (Status.PENDING_PAYMENT, DIRECT): (["submit_payment", "cancel"], ["cancel"]),
    (Status.PAYMENT_SUBMITTED, PLATFORM): ([], []),
    (Status.PAYMENT_SUBMITTED, DIRECT): ([], ["confirm_payment", "reject_payment"]),
    (Status.PAYMENT_CONFIRMED, PLATFORM): ([], ["start_work"]),
    (Status.PAYMENT_CONFIRMED, DIRECT): ([], ["start_work"]),
    (Status.IN_PROGRESS, PLATFORM): ([], ["submit_work"]),
    (Status.IN_PROGRESS, DIRECT): ([], ["submit_work"]),
    (Status.SUBMITTED, PLATFORM): (["approve", "request_revision"], []),
    (Status.SUBMITTED, DIRECT): (["approve", "request_revision"], []),
    (Status.REVISION_REQUESTED, PLATFORM): ([], ["submit_work"]),
    (Status.REVISION_REQUESTED, DIRECT): ([], ["submit_work"]),
    (Status.COMPLETED, PLATFORM): ([], []),
    (Status.COMPLETED, DIRECT): ([], []),
    (Status.CANCELLED, PLATFORM): ([], []),
    (Status.CANCELLED, DIRECT): ([], []),
}


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("status", REACHABLE)
def test_each_side_has_exactly_the_forms_of_its_turn(order_at, sign_in, moderator, status, custody):
    order = order_at(status, custody)
    pages = [sign_in(user).get(order.get_absolute_url()) for user in (order.client, order.freelancer, moderator)]
    names = [re.findall(rf'action="/orders/{order.pk}/([a-z-]+)/"', text(page)) for page in pages]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert [[name.replace("-", "_") for name in side] for side in names] == [*FORMS[status, custody], []]


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("status", REACHABLE)
def test_every_look_is_cheap_and_writes_nothing(order_at, sign_in, moderator, status, custody):
    order = order_at(status, custody)
    before = (Order.objects.get(pk=order.pk).updated_at, OrderEvent.objects.count())
    for user in (order.client, order.freelancer, moderator):
        browser = sign_in(user)
        with CaptureQueriesContext(connection) as queries:
            browser.get(order.get_absolute_url())
        assert len(queries) <= MOST_QUERIES
    assert (Order.objects.get(pk=order.pk).updated_at, OrderEvent.objects.count()) == before


def test_thirty_events_proofs_and_files_cost_as_much_as_one(order_at, sign_in, moderator):
    few = order_at(Status.SUBMITTED)
    gig = GigFactory(freelancer=few.freelancer, revisions_included=20)
    RequirementFactory.create_batch(5, gig=gig, is_required=False)
    many = place(few.client, gig, few.payment_method)
    for _ in range(5):
        many = hand_in_proof(many)
        many = payments.reject_payment(actor=moderator, order_id=many.pk, seen=many.version, reason="unreadable", note="Blurred.")
    many = hand_in_proof(many)
    many = payments.confirm_payment(actor=moderator, order_id=many.pk, seen=many.version, received_amount=many.expected_amount)
    many = lifecycle.start_work(actor=many.freelancer, order_id=many.pk, seen=many.version)
    for _ in range(9):
        many = deliver(many, files=[a_file(f"{n}.zip") for n in range(4)])
        many = lifecycle.request_revision(actor=many.client, order_id=many.pk, seen=many.version, items=["Rounder"])
    many = deliver(many)
    assert many.version >= 30
    for user in (many.client, many.freelancer, moderator):
        browser, counts = sign_in(user), []
        for order in (few, few, many):
            with CaptureQueriesContext(connection) as queries:
                browser.get(order.get_absolute_url())
            counts.append(len(queries))
        assert counts[1] == counts[2] <= MOST_QUERIES


def test_strangers_get_404_and_anonymous_visitors_sign_in(order_at, stranger, sign_in, client):
    order = order_at(Status.PENDING_PAYMENT)

    assert sign_in(stranger).get(order.get_absolute_url()).status_code == 404
    assert sign_in(UserFactory(is_staff=True)).get(order.get_absolute_url()).status_code == 404
    assert sign_in(stranger).get(reverse("orders:detail", args=[uuid.uuid4()])).status_code == 404
    assert client.get(order.get_absolute_url()).url == f"/accounts/login/?next=/orders/{order.pk}/"
    assert sign_in(order.client).post(order.get_absolute_url()).status_code == 405


def test_only_the_client_who_has_to_pay_sees_where_to(order_at, sign_in, moderator):
    order = order_at(Status.PENDING_PAYMENT)
    pages = [look(sign_in(user), order) for user in (order.client, order.freelancer, moderator)]

    assert ["Where to pay" in page for page in pages] == [True, False, False]
    for value in ("120.00", order.deposit_address, order.pay_to_holder, order.pay_to_routing, order.payment_reference):
        assert f">{value}</code>" in pages[0]
    assert f'src="/orders/{order.pk}/qr/payment.svg"' in pages[0]


def test_where_to_pay_is_what_was_promised_and_not_what_the_method_says_today(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    order.payment_method.account_number = "GB29NWBK60161331926819"
    order.payment_method.save()

    assert "GB29NWBK60161331926819" not in look(sign_in(order.client), order)


def test_instructions_are_markdown_made_safe(buyer, freelancer, sign_in):
    method = PlatformMethodFactory(instructions="Ask for **Ingrid**. <script>alert(1)</script>")
    order = place(buyer, GigFactory(freelancer=freelancer), method)
    page = look(sign_in(buyer), order)

    assert "Ask for <strong>Ingrid</strong>." in page
    assert "<script>alert" not in page


def test_a_coin_order_shows_the_code_a_wallet_reads(buyer, freelancer, sign_in):
    method = PlatformMethodFactory(kind="coin", currency="BTC", account_number="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
    order = place(buyer, GigFactory(freelancer=freelancer, currency="BTC", price=Decimal("0.01500001")), method)
    page = look(sign_in(buyer), order)

    assert ">0.01500001</code>" in page
    assert page.count(f'src="/orders/{order.pk}/qr/account.svg"') == 2
    assert f'src="/orders/{order.pk}/qr/payment.svg"' not in page


@pytest.mark.parametrize("status", [Status.PENDING_PAYMENT, Status.PAYMENT_CONFIRMED, Status.SUBMITTED, Status.COMPLETED])
def test_a_direct_order_says_that_the_platform_does_not_hold_the_money(order_at, sign_in, status):
    order = order_at(status, DIRECT)

    for user in (order.client, order.freelancer):
        assert "Paid to the freelancer directly: this site records it but does not hold it." in look(sign_in(user), order)


def test_approving_says_who_gets_what(order_at, sign_in, settings):
    settings.ESCROW_FEE_PCT = "12.5"
    page = look(sign_in((order := order_at(Status.SUBMITTED)).client), order)

    assert 'takes <bdi class="money">120.00\xa0EUR</bdi> out of escrow: <bdi class="money">105.00\xa0EUR</bdi> for José' in page
    assert '<bdi class="money">15.00\xa0EUR</bdi> fee' in page


def test_a_rejected_proof_is_explained_where_the_next_one_is_handed_in(order_at, sign_in, moderator):
    order = order_at(Status.PAYMENT_SUBMITTED)
    payments.reject_payment(
        actor=moderator, order_id=order.pk, seen=order.version, reason="name_mismatch", note="Paid by <i>somebody</i> else."
    )
    page = look(sign_in(order.client), order)

    places = [
        page.index(s) for s in ("Your proof was not accepted", "Paid by &lt;i&gt;somebody&lt;/i&gt; else.", "Where to pay</h2>")
    ]
    assert places == sorted(places)
    assert "The payer&#x27;s name does not match" in page


def test_every_attempt_stays_readable_in_the_history(order_at, sign_in, moderator):
    order = order_at(Status.PAYMENT_SUBMITTED)
    order = payments.reject_payment(actor=moderator, order_id=order.pk, seen=order.version, reason="unreadable", note="Blurred.")
    order = hand_in_proof(order)
    payments.confirm_payment(actor=moderator, order_id=order.pk, seen=order.version, received_amount=order.expected_amount)
    response = sign_in(order.freelancer).get(order.get_absolute_url())
    receipts = [f"/orders/proofs/{proof.pk}/receipt/" for proof in PaymentProof.objects.order_by("attempt")]

    assert [(entry["title"], entry["who"], entry["role"], entry["href"]) for entry in response.context["timeline"]] == [
        ("Payment of 120.00\xa0EUR confirmed", "Ingrid Bø", "moderator", receipts[1]),
        ("Proof of payment 2 handed in", "Amara Okafor", "client", receipts[1]),
        ("Proof 1 not accepted: The receipt cannot be read", "Ingrid Bø", "moderator", receipts[0]),
        ("Proof of payment 1 handed in", "Amara Okafor", "client", receipts[0]),
        ("Order placed", "Amara Okafor", "client", ""),
    ]


def test_who_confirmed_a_direct_payment_is_called_the_freelancer(order_at, sign_in):
    order = order_at(Status.PAYMENT_CONFIRMED, DIRECT)
    newest = sign_in(order.client).get(order.get_absolute_url()).context["timeline"][0]

    assert (newest["who"], newest["role"]) == ("José Ñíguez", "freelancer")


def test_links_of_a_delivery_leave_without_a_trace(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    deliver(order, links=["https://example.org/?a=1&b=2"], note="<b>Bold</b>\n\nهنا")
    page = look(sign_in(order.client), order)

    assert 'href="https://example.org/?a=1&amp;b=2" rel="noopener nofollow ugc noreferrer"' in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page


def test_points_to_change_are_a_list_above_the_form_that_answers_them(order_at, sign_in):
    order = order_at(Status.SUBMITTED)
    lifecycle.request_revision(actor=order.client, order_id=order.pk, seen=order.version, items=["Rounder", "Less <red>"])
    page = look(sign_in(order.freelancer), order)

    assert page.index("<li>Rounder</li><li>Less &lt;red&gt;</li>") < page.index("Hand over your work</h2>")
    assert "0 of 1 left" in page


def test_when_all_revisions_are_used_the_page_says_so(order_at, sign_in):
    order = deliver(order_at(Status.REVISION_REQUESTED))

    assert "All revisions this order includes are used." in look(sign_in(order.client), order)


def test_a_time_that_is_over_is_told_as_such(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    Order.objects.update(pay_by=timezone.now() - timedelta(hours=1))

    assert "The time to pay is over, but the order still stands." in look(sign_in(order.client), order)
    assert "The time to pay is over. The order stands until one of you cancels it" in look(sign_in(order.freelancer), order)


def test_a_completed_order_leads_to_its_reviews(order_at, sign_in, moderator):
    order = order_at(Status.COMPLETED)
    pages = [look(sign_in(user), order) for user in (order.client, order.freelancer, moderator)]

    assert [f'href="/orders/{order.pk}/review/"' in page for page in pages] == [True, True, False]


def test_a_moderator_is_led_to_the_desk_while_a_proof_waits(order_at, sign_in, moderator):
    waiting, paid = order_at(Status.PAYMENT_SUBMITTED), order_at(Status.PAYMENT_CONFIRMED)
    browser = sign_in(moderator)

    assert reverse("admin:orders_paymentproof_verify", args=[waiting.proofs.get().pk]) in look(browser, waiting)
    assert reverse("admin:orders_paymentproof_verify", args=[paid.proofs.get().pk]) not in look(browser, paid)
    assert "Your turn" not in look(browser, order_at(Status.PENDING_PAYMENT))


def test_a_moderator_who_is_a_party_has_only_their_own_sides_forms(moderator, freelancer, sign_in):
    order = order_in(Status.PAYMENT_SUBMITTED, client=moderator, freelancer=freelancer)

    assert sign_in(moderator).get(order.get_absolute_url()).context["forms"] == {}


def test_times_stand_in_the_persons_own_zone(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    Order.objects.update(created_at="2026-01-05T10:00:00Z")
    order.client.time_zone = "Asia/Kolkata"
    order.client.save()

    assert "5 Jan 2026, 15:30 IST" in look(sign_in(order.client), order)


def test_the_answers_of_the_client_stand_on_both_sides_pages(buyer, freelancer, sign_in):
    gig = GigFactory(freelancer=freelancer)
    question = RequirementFactory(gig=gig)
    order = place(buyer, gig, DirectMethodFactory(owner=freelancer, currency="EUR"), answers={question.pk: "Bäckerei & <Söhne>"})

    for user in (buyer, freelancer):
        assert "Bäckerei &amp; &lt;Söhne&gt;" in look(sign_in(user), order)
