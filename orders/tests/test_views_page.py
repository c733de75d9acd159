import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory, RequirementFactory
from orders.models import Disbursement, Order, OrderEvent, PaymentProof, Receipt
from orders.qr import TEXTS, epc_args, payment_text
from orders.services import lifecycle, payments, proposals
from orders.states import Custody, Status
from orders.tests.disputing import disputed
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
from orders.tests.proposing import asked_for_a_pause, asked_for_time, asked_to_cancel, over, paid_in_part
from orders.tests.stories import Cast, refund_of

PLATFORM, DIRECT = Custody.PLATFORM, Custody.DIRECT
MOST_QUERIES = 15  # of which three for the proposals, the disputes and the refunds


@pytest.fixture
def order_at(buyer, freelancer):
    def make(status: Status, custody: Custody = PLATFORM, **options) -> Order:
        return order_in(status, client=buyer, freelancer=freelancer, custody=custody, **options)

    return make


def text(response) -> str:
    return re.sub(r"[ \n]+", " ", response.content.decode())


def look(browser, order: Order) -> str:
    return text(browser.get(order.get_absolute_url()))


# Which forms each side has, from the top of the page down: the buttons of docs/orders.md, and nothing else.
BOTH_WORKING = ["propose_extension", "propose_cancellation"]
WORKING = (BOTH_WORKING, ["submit_work", "propose_extension", "ask_pause", "propose_cancellation"])
FORMS = {
    (Status.PENDING_PAYMENT, PLATFORM): (["submit_payment", "cancel"], ["cancel"]),
    (Status.PENDING_PAYMENT, DIRECT): (["submit_payment", "cancel"], ["cancel"]),
    (Status.PAYMENT_SUBMITTED, PLATFORM): ([], []),
    (Status.PAYMENT_SUBMITTED, DIRECT): ([], ["confirm_payment", "reject_payment"]),
    (Status.PAYMENT_CONFIRMED, PLATFORM): (["propose_cancellation"], ["start_work", "propose_cancellation", "decline"]),
    (Status.PAYMENT_CONFIRMED, DIRECT): (["propose_cancellation"], ["start_work", "propose_cancellation", "decline"]),
    (Status.IN_PROGRESS, PLATFORM): WORKING,
    (Status.IN_PROGRESS, DIRECT): WORKING,
    (Status.SUBMITTED, PLATFORM): (["approve", "request_revision", "propose_cancellation"], ["propose_cancellation"]),
    (Status.SUBMITTED, DIRECT): (["approve", "request_revision", "propose_cancellation"], ["propose_cancellation"]),
    (Status.REVISION_REQUESTED, PLATFORM): (BOTH_WORKING, ["submit_work", *BOTH_WORKING]),
    (Status.REVISION_REQUESTED, DIRECT): (BOTH_WORKING, ["submit_work", *BOTH_WORKING]),
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


# --- Paid in part ---------------------------------------------------------------------------------------------------
def test_an_order_paid_in_part_asks_for_the_rest_alone(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED)
    order = paid_in_part(order, "45.50")
    page = look(sign_in(order.client), order)

    assert ">74.50</code>" in page and ">120.00</code>" not in page
    assert "Due are 74.50\xa0EUR." in page
    assert 'Received so far</dt><dd><bdi class="money">45.50\xa0EUR' in page
    assert 'Still to pay</dt><dd><strong><bdi class="money">74.50\xa0EUR' in page
    assert "Hand in the proof of the rest" in page
    assert "45.50\xa0EUR have arrived. They go back to you" in page
    assert "Proof 1" in page[page.index("Proof of payment</h2>") :]


def test_the_code_of_a_payment_names_what_is_still_due_and_there_is_none_for_what_is_paid(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED)
    part = paid_in_part(order, "45.50")
    assert epc_args(part)["amount"] == "74.50"
    assert TEXTS["amount"](part) == "74.50"
    assert "74.50" in payment_text(part)
    paid = order_at(Status.PAYMENT_CONFIRMED)
    browser = sign_in(paid.client)
    statuses = {what: browser.get(reverse("orders:qr", args=[paid.pk, what])).status_code for what in TEXTS}
    assert statuses == {"payment": 404, "account": 200, "amount": 404, "reference": 200}


# --- Requests -------------------------------------------------------------------------------------------------------
def test_a_request_stands_above_all_else_with_its_terms_and_its_answers(order_at, sign_in, moderator, settings):
    settings.ESCROW_FEE_PCT = "10"
    order = asked_to_cancel(order_at(Status.IN_PROGRESS))
    mine, theirs, staffs = (look(sign_in(user), order) for user in (order.client, order.freelancer, moderator))

    assert "You have proposed to cancel this order" in mine
    assert "Amara proposes to cancel this order" in theirs
    for page in (mine, theirs, staffs):
        for words in ("It takes too long.", "36.00\xa0EUR", "less the fee of", "4.00\xa0EUR", "80.00\xa0EUR"):
            assert words in page
    assert theirs.index('id="proposal"') < theirs.index("Hand over your work</h2>") < theirs.index('class="timeline"')
    forms = [re.findall(rf'action="/orders/{order.pk}/([a-z-]+)/"', page) for page in (mine, theirs, staffs)]
    assert forms == [["withdraw-proposal"], ["accept-cancellation", "decline-proposal", "submit-work"], []]
    assert 'href="#proposal"' in theirs and 'href="#proposal"' not in mine


def test_the_amount_of_a_cancellation_is_shown_as_it_was_understood_before_it_is_sent(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    browser = sign_in(order.client)
    address = reverse("orders:propose_cancellation", args=[order.pk])
    typed = {"seen": order.version, "freelancer_amount": "40,5", "reason": "Too slow."}
    first = browser.post(address, typed)
    page = text(first)

    assert (first.status_code, order.proposals.count()) == (200, 0)
    assert "79.50\xa0EUR" in page and 'name="shown" value="40.50"' in page and "Too slow." in page
    assert '<details class="card order-card order-trouble" open>' in page
    changed = browser.post(address, {**typed, "shown": "40.50", "freelancer_amount": "50"})
    assert (changed.status_code, order.proposals.count()) == (200, 0)
    assert 'name="shown" value="50.00"' in text(changed)
    sent = browser.post(address, {**typed, "shown": "50.00", "freelancer_amount": "50"})
    assert (sent.status_code, order.proposals.get().freelancer_amount) == (302, Decimal(50))


@pytest.mark.parametrize("amount", ["", "120", "121", "-1", "many"])
def test_an_amount_that_is_no_part_is_an_error_and_shows_no_division(order_at, sign_in, amount):
    order = order_at(Status.IN_PROGRESS)
    response = sign_in(order.client).post(
        reverse("orders:propose_cancellation", args=[order.pk]),
        {"seen": order.version, "freelancer_amount": amount, "reason": "Too slow.", "shown": amount},
    )

    assert (response.status_code, list(response.context["forms"]["propose_cancellation"].errors)) == (422, ["freelancer_amount"])
    assert "order-division" not in text(response)
    assert order.proposals.count() == 0


def test_a_direct_division_says_who_gives_back_what(order_at, sign_in):
    order = asked_to_cancel(order_at(Status.IN_PROGRESS, DIRECT))
    page = look(sign_in(order.freelancer), order)

    assert "<bdi>José</bdi> gives back to <bdi>Amara</bdi>" in page
    assert "less the fee" not in page[page.index('id="proposal"') : page.index("</section>", page.index('id="proposal"'))]


def test_a_pause_is_shown_and_both_can_end_it(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    order = asked_for_a_pause(order)
    page = look(sign_in(order.client), order)
    assert "José has a question and asks for a pause" in page and "Which colour?" in page
    assert "Answer and pause the order" in page and "Answer without a pause" in page

    order = proposals.grant_pause(actor=order.client, order_id=order.pk, seen=order.version, answer="Teal.")
    for user in (order.client, order.freelancer):
        page = look(sign_in(user), order)
        assert f'action="/orders/{order.pk}/resume/"' in page
        assert f'action="/orders/{order.pk}/propose-extension/"' not in page
        assert "Teal." in page


def test_the_later_day_is_shown_beside_the_one_it_was(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    Order.objects.update(due_at="2100-01-05T10:00:00Z")
    order = asked_for_time(order, days=5)
    page = look(sign_in(order.client), order)
    terms = page[page.index('id="proposal"') :]

    assert terms.index("Due so far") < terms.index("Tue 5 Jan 2100, 10:00 UTC") < terms.index("Sun 10 Jan 2100, 10:00 UTC")


# --- When it does not go to plan ------------------------------------------------------------------------------------
def test_what_ends_an_order_is_folded_away_until_it_is_needed(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    browser = sign_in(order.freelancer)
    page = look(browser, order)
    assert '<details class="card order-card order-trouble">' in page
    assert page.index("Hand over your work</h2>") < page.index("Something is not going to plan?")
    assert f'href="/orders/{order.pk}/dispute/"' in page

    page = text(browser.post(reverse("orders:ask_pause", args=[order.pk]), {"seen": order.version, "days": "99"}))
    assert '<details class="card order-card order-trouble" open>' in page


@pytest.mark.parametrize("status", [Status.PENDING_PAYMENT, Status.PAYMENT_SUBMITTED, Status.PAYMENT_CONFIRMED, Status.CANCELLED])
def test_where_there_is_nothing_to_dispute_no_dispute_is_offered(order_at, sign_in, status):
    order = order_at(status, DIRECT)
    for user in (order.client, order.freelancer):
        assert f"/orders/{order.pk}/dispute/" not in look(sign_in(user), order)


def test_a_direct_payment_nobody_checks_can_be_disputed(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED, DIRECT)
    Order.objects.update(review_due_at=timezone.now() - timedelta(minutes=1))

    assert f"/orders/{order.pk}/dispute/" in look(sign_in(order.client), order)


def test_a_completed_order_is_disputed_by_its_client_while_the_hold_runs(order_at, sign_in):
    order = order_at(Status.COMPLETED)
    assert [f"/orders/{order.pk}/dispute/" in look(sign_in(u), order) for u in (order.client, order.freelancer)] == [True, False]
    Order.objects.update(hold_until=timezone.now())
    assert f"/orders/{order.pk}/dispute/" not in look(sign_in(order.client), order)


# --- What can be done now -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("custody", Custody)
def test_a_client_can_cancel_late_work_from_the_top_of_the_page(order_at, sign_in, custody):
    order = over("due_at")(order_at(Status.IN_PROGRESS, custody))
    page = look(sign_in(order.client), order)

    assert (
        page.index("Your turn") < page.index('href="#do-cancel_late"') < page.index('<section class="card" id="do-cancel_late"')
    )
    assert page.index('id="do-cancel_late"') < page.index("Something is not going to plan?")
    assert "It was due" in page and "Do this by" not in page
    assert "do-cancel_late" not in look(sign_in(order.freelancer), order)


def test_a_client_can_cancel_what_nobody_started_from_the_top_of_the_page(order_at, sign_in):
    order = order_at(Status.PAYMENT_CONFIRMED)
    assert 'href="#do-decline"' not in look(sign_in(order.client), order)
    order = over("accept_by")(order)
    assert 'href="#do-decline"' in look(sign_in(order.client), order)
    assert 'href="#do-decline"' not in look(sign_in(order.freelancer), order)


def test_approving_says_how_long_one_can_still_report_a_fraud_and_the_end_says_it_again(order_at, sign_in):
    order = order_at(Status.SUBMITTED)
    client = sign_in(order.client)
    assert "you can open a dispute for 7 days more." in look(client, order)
    order = lifecycle.approve(actor=order.client, order_id=order.pk, seen=order.version)
    page = look(client, order)
    assert "you can open a dispute until" in page
    assert "<dt>Until</dt>" not in page  # until what?


def test_where_to_pay_is_named_as_a_bank_names_it(buyer, freelancer, sign_in):
    for method, known in ((PlatformMethodFactory(), True), (PlatformMethodFactory(kind="cash", account_number="4711"), False)):
        page = look(sign_in(buyer), place(buyer, GigFactory(freelancer=freelancer, currency="EUR"), method))
        assert (">IBAN<" in page, "Account number or address" in page) == (known, not known)
    assert ">BIC<" in page  # the routing is one, whatever the account is


def test_who_has_typed_something_wrong_is_told_what_to_do(order_at, sign_in, settings):
    order = order_at(Status.PAYMENT_SUBMITTED)
    pages = [look(sign_in(user), order) for user in (order.client, order.freelancer)]

    assert ["Something typed wrong?" in page for page in pages] == [True, False]
    assert f'href="mailto:{settings.SUPPORT_EMAIL}?subject={order.payment_reference}"' in pages[0]


# --- What goes back -------------------------------------------------------------------------------------------------
def test_a_refund_stands_on_the_page_and_the_client_says_where_it_goes(order_at, sign_in):
    order = order_at(Status.PAYMENT_CONFIRMED)
    lifecycle.decline(actor=order.freelancer, order_id=order.pk, seen=order.version)
    address = reverse("orders:refund_account", args=[order.disbursements.get().pk])
    mine, theirs = (look(sign_in(user), order) for user in (order.client, order.freelancer))

    assert (mine.count(address), theirs.count(address)) == (2, 0)  # as the thing to do, and beside the amount
    for page, words in ((mine, "You have to say where to"), (theirs, "Amara has to say where to")):
        assert "Money that goes back" in page and "The order was declined" in page and words in page


def test_a_direct_refund_is_sent_by_the_freelancer_and_confirmed_by_the_client(order_at, sign_in):
    order = order_at(Status.PAYMENT_CONFIRMED, DIRECT)
    lifecycle.decline(actor=order.freelancer, order_id=order.pk, seen=order.version)
    refund = order.disbursements.get()
    sent, confirm = reverse("orders:refund_sent", args=[refund.pk]), reverse("orders:confirm_refund", args=[order.pk])
    assert [sent in look(sign_in(user), order) for user in (order.client, order.freelancer)] == [False, True]

    Disbursement.objects.update(state="sent", sent_at=timezone.now(), reference="MP 77")
    assert [confirm in look(sign_in(user), order) for user in (order.client, order.freelancer)] == [True, False]
    assert "MP 77" in look(sign_in(order.client), order)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.PENDING_PAYMENT, "No payment is confirmed."),
        (Status.IN_PROGRESS, "Held by the platform until the client approves."),
        (Status.COMPLETED, "Released to the freelancer."),
    ],
)
def test_the_deal_says_where_the_money_is_now(order_at, sign_in, status, words):
    order = order_at(status)
    assert words in look(sign_in(order.client), order)


def test_what_goes_back_is_not_said_to_be_held(order_at, sign_in):
    order = order_at(Status.PAYMENT_CONFIRMED)
    lifecycle.decline(actor=order.freelancer, order_id=order.pk, seen=order.version)
    page = look(sign_in(order.client), order)
    assert "it goes back to the client" in page and "Held by the platform" not in page


def test_money_is_called_refunded_when_it_has_arrived(order_at, moderator, sign_in):
    order = order_at(Status.PAYMENT_CONFIRMED)
    lifecycle.decline(actor=order.freelancer, order_id=order.pk, seen=order.version)

    def badges() -> list[str]:
        return [str(badge["label"]) for badge in sign_in(order.client).get(order.get_absolute_url()).context["badges"]]

    assert badges() == ["Cancelled", "Refund under way"]
    refund_of(order, "confirm", Cast(order.client, order.freelancer, moderator, PLATFORM))
    assert badges() == ["Cancelled", "Refunded"]


# --- The way, and what stands beside it -----------------------------------------------------------------------------
def way(order: Order, browser) -> list[tuple[str, str]]:
    return [(item["label"], item["state"]) for item in browser.get(order.get_absolute_url()).context["progress"]]


def test_an_order_that_left_its_way_shows_how_far_it_came(order_at, sign_in):
    unpaid, paid = order_at(Status.CANCELLED), order_at(Status.PAYMENT_CONFIRMED)
    browser = sign_in(unpaid.client)
    paid = lifecycle.decline(actor=paid.freelancer, order_id=paid.pk, seen=paid.version)
    assert way(unpaid, browser) == [("Order", "done"), ("Cancelled", "current")]
    assert way(paid, browser) == [
        ("Order", "done"),
        ("Payment", "done"),
        ("Payment check", "done"),
        ("Cancelled", "current"),
    ]


@pytest.mark.parametrize(
    ("status", "done"),
    [
        (Status.PENDING_PAYMENT, 1),
        (Status.PAYMENT_SUBMITTED, 2),
        (Status.PAYMENT_CONFIRMED, 3),
        (Status.IN_PROGRESS, 3),
        (Status.SUBMITTED, 4),
        (Status.REVISION_REQUESTED, 3),
        (Status.COMPLETED, 5),
    ],
)
def test_the_way_shows_what_is_done_and_what_is_next(order_at, sign_in, status, done):
    order = order_at(status)
    states = [state for _label, state in way(order, sign_in(order.client))]
    assert states == (["done"] * done + ["current"] + ["todo"] * 4)[:5]


def test_both_sides_are_led_to_the_receipt_once_there_is_one(order_at, sign_in, moderator):
    order = order_at(Status.PAYMENT_CONFIRMED)
    address = reverse("orders:order_receipt", args=[order.pk])
    assert address not in look(sign_in(order.client), order)
    Receipt.objects.create(order=order, number=1, issued_at=timezone.now())
    assert [address in look(sign_in(user), order) for user in (order.client, order.freelancer, moderator)] == [True, True, False]


# --- A dispute ------------------------------------------------------------------------------------------------------
def test_a_disputed_order_leads_everybody_to_the_case(order_at, sign_in, moderator):
    order = order_at(Status.SUBMITTED)
    order = disputed(order, order.client)
    case = order.disputes.get()
    button, desk = "Open the case</a>", reverse("admin:orders_dispute_case", args=[case.pk])
    pages = [look(sign_in(user), order) for user in (order.client, order.freelancer, moderator)]

    assert [(button in page, desk in page) for page in pages] == [(True, False), (True, False), (False, True)]
    assert ["Something is not going to plan?" in page for page in pages] == [False] * 3
    assert ("Dispute", "current") in way(order, sign_in(order.client))


def test_staff_are_led_only_to_the_desks_they_may_open(order_at, sign_in, moderator):
    order = order_at(Status.PAYMENT_SUBMITTED)
    verify = reverse("admin:orders_paymentproof_verify", args=[order.proofs.get().pk])
    moderator.user_permissions.remove(Permission.objects.get(codename="verify_payment"))

    assert verify not in look(sign_in(User.objects.get(pk=moderator.pk)), order)


def test_what_people_write_to_each_other_is_shown_as_text(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    proposals.ask_pause(actor=order.freelancer, order_id=order.pk, seen=order.version, days=1, question="<b>Which</b>?\n\nهنا")
    page = look(sign_in(order.client), order)

    assert "&lt;b&gt;Which&lt;/b&gt;?" in page and "<b>Which" not in page
