"""The ways of the money in the browser: in parts, divided, judged, called off late, and read from a statement.

Each journey ends with books that add up.
"""

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from gigs.tests.factories import GigFactory
from orders.models import BankStatement, Order
from orders.states import PaymentStatus, Status
from orders.tests.bank_files.make import OWN_ACCOUNT, Deposit, make_camt
from orders.tests.factories import PlatformMethodFactory, order_in, picture, place

from .conftest import follow
from .test_deal import press

pytestmark = pytest.mark.browser
IBAN = "NL91ABNA0417164300"
COMPLAINT = "We agreed on three colours. The file has one, and I wrote twice without an answer."
DEFENCE = "The brief named one colour. I offered to add two more, and there was no answer to that."
REASONS = "The gig promised three colours and the file has one, so a part goes back. The rest of the work is as it was agreed."


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    path = tmp_path / "bank slip.png"
    path.write_bytes(picture("lightblue", size=(600, 800)).read())
    return path


@pytest.fixture
def later() -> Iterator[Callable[..., None]]:
    """`later(days=8)` moves the clock on, and does what the timer does every minute."""
    travels: list[time_machine.travel] = []

    def move(**time: float) -> None:
        then = timezone.now() + timedelta(**time)
        while travels:
            travels.pop().stop()
        travels.append(time_machine.travel(then, tick=True))
        travels[-1].start()
        call_command("process_deadlines", stdout=io.StringIO())

    yield move
    while travels:
        travels.pop().stop()


def books_add_up() -> None:
    call_command("issue_receipts", stdout=io.StringIO())
    out = io.StringIO()
    call_command("reconcile", stdout=out)
    assert out.getvalue().endswith(" 0 breaches\n")


def fill(page: Page, step: str, **values: str) -> None:
    """Open whatever the form is folded into, and fill it in. A radio button is named by its value."""
    for folded in page.locator(f"details:has(form[action$='/{step}/'])").all():
        if not folded.evaluate("details => details.open"):
            folded.locator("summary").first.click()
    form = page.locator(f"form[action$='/{step}/']")
    for name, value in values.items():
        field = form.locator(f"[name$={name}]")
        match field.first.get_attribute("type"):
            case "file":
                field.set_input_files(value)
            case "checkbox":
                field.check()
            case "radio":
                form.locator(f"[name$={name}][value='{value}']").check(force=True)
            case _ if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            case _:
                field.fill(value)


def look(page: Page, order: Order, headline: str) -> None:
    """The order's page says first what this person has to know."""
    page.goto(f"/orders/{order.pk}/")
    expect(page.get_by_role("heading", name=headline, exact=True)).to_be_visible()


def told(page: Page, words: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible()


def show_payment(page: Page, reference: str, amount: str, receipt: Path) -> None:
    paid_at = (timezone.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    values = {"transaction_reference": reference, "payer_name": "Amara Okafor", "amount": amount, "paid_at": paid_at}
    fill(page, "submit-payment", **values, receipt=str(receipt))
    press(page, "submit-payment")


def open_proof(desk: Page, order: Order) -> None:
    desk.goto("/admin/orders/paymentproof/")
    follow(desk.get_by_role("link", name=order.payment_reference))


def add_account(page: Page, holder: str) -> None:
    """From a page that has said that there is no account yet."""
    follow(page.get_by_role("link", name="Add an account"))
    page.fill("main [name=password]", "a long password")
    follow(page.get_by_role("button", name="Confirm"))
    expect(page.locator("[name=currency]")).to_have_value("EUR")
    page.select_option("[name=kind]", "bank")
    page.fill("main [name=holder]", holder)
    page.fill("main [name=account]", IBAN)
    follow(page.get_by_role("button", name="Save the account"))
    told(page, "Saved: ")
    expect(page.get_by_text(IBAN)).to_have_count(0)  # kept encrypted, shown with its middle left out


def pay_out(desk: Page, person: str, amount: str, reference: str) -> None:
    """The moderator approves what waits for this person, sends it, and says so."""
    desk.goto("/admin/orders/disbursement/")
    follow(desk.get_by_role("link", name=person))
    expect(desk.locator(".desk__lead")).to_contain_text(amount)
    told(desk, IBAN)
    press(desk, "approve")
    fill(desk, "send", reference=reference)
    press(desk, "send")
    expect(desk.get_by_role("heading", name="It has arrived")).to_be_visible()


def test_a_payment_that_came_short_is_held_and_the_rest_completes_it(page_for, receipt, buyer, freelancer, moderator):
    order = order_in(client=buyer, freelancer=freelancer)
    client, maker, desk = page_for(buyer, width=390), page_for(freelancer), page_for(moderator)
    look(client, order, "Pay 120.00 EUR, then hand in your proof")
    show_payment(client, "FT-1", "120", receipt)
    look(client, order, "We are checking your payment")

    # Only 70 have come: held as a part, and both sides read what is missing.
    open_proof(desk, order)
    fill(desk, "confirm", received_amount="70", arrived="less")
    press(desk, "confirm")
    told(desk, "Held as a part: 70.00 EUR")
    told(desk, "The client is asked for 50.00 EUR.")
    look(client, order, "Pay the missing 50.00 EUR, then hand in your proof")
    told(client, "70.00 EUR of 120.00 EUR has arrived and is held in escrow.")
    expect(client.locator("#received")).to_contain_text("50.00 EUR")
    expect(client.locator("#copy-amount")).to_contain_text("50")
    look(maker, order, "Waiting for Amara to pay the missing 50.00 EUR")
    told(maker, "Do not start before the rest is there.")
    expect(maker.locator("form[action$='/start-work/']")).to_have_count(0)

    # She pays the rest; it is found; he can start.
    show_payment(client, "FT-2", "50", receipt)
    open_proof(desk, order)
    expect(desk.locator(".desk__lead")).to_contain_text("50.00 EUR")
    fill(desk, "confirm", received_amount="50", arrived="exact")
    press(desk, "confirm")
    told(desk, f"Confirmed: 50.00 EUR for order {order.payment_reference}.")
    look(client, order, "Paid. José can start now")
    look(maker, order, "The money is here: start the work")
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.FUNDS_HELD)
    books_add_up()


def test_two_people_part_with_the_money_divided_and_the_refund_arrives(page_for, axe, buyer, freelancer, moderator):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    client, maker, desk = page_for(buyer, width=390), page_for(freelancer, width=390), page_for(moderator)

    # She proposes a division, sees what it means for both, and only then sends it.
    look(client, order, "José is working")
    fill(client, "propose-cancellation", freelancer_amount="50", reason="We have moved house and need no logo any more.")
    press(client, "propose-cancellation")
    division = client.locator("form[action$='/propose-cancellation/'] dl")
    expect(division).to_contain_text("José gets")
    expect(division).to_contain_text("45.00 EUR")
    expect(division).to_contain_text("50.00 EUR less the fee of 5.00 EUR")
    expect(division).to_contain_text("70.00 EUR")
    assert not order.proposals.exists()
    axe(client)
    follow(client.get_by_role("button", name="Propose this"))
    told(client, "Your request is with the other side. They have 48 hours.")
    look(client, order, "José has your proposal to cancel")

    # He reads the same amounts and agrees.
    look(maker, order, "Amara proposes to cancel: answer")
    told(maker, "We have moved house and need no logo any more.")
    told(maker, "Yes, end this order: José gets 45.00 EUR, Amara gets 70.00 EUR back. This cannot be undone.")
    fill(maker, "accept-cancellation", sure="on")
    press(maker, "accept-cancellation")
    told(maker, "Agreed. The order is cancelled.")
    look(maker, order, "This order is over: 45.00 EUR is yours")
    maker.goto("/balance/")
    expect(maker.get_by_role("main")).to_contain_text("45.00 EUR")

    # She says where her part goes, the moderator sends it, she confirms.
    look(client, order, "Say where your refund of 70.00 EUR should go")
    follow(client.locator(".next-actions").get_by_role("link", name="Say where it should go"))
    add_account(client, "Amara Okafor")
    expect(client.locator("main form [type=radio]")).to_be_checked()  # back where it was asked for, with the new one chosen
    follow(client.get_by_role("button", name="Send it there"))
    told(client, "Noted. You are told when the money is sent.")
    expect(client.get_by_role("heading", name="Your refund of 70.00 EUR is being prepared")).to_be_visible()
    pay_out(desk, "Amara Okafor", "70.00 EUR", "BACK-1")
    look(client, order, "Your refund of 70.00 EUR is on its way")
    told(client, "BACK-1")
    follow(client.get_by_role("button", name="It has arrived"))
    look(client, order, "This order is over: the money is divided")
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.SPLIT)
    books_add_up()


def test_a_dispute_is_judged_and_the_freelancer_is_paid_out(page_for, axe, later, receipt, buyer, freelancer, moderator):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    client, maker = page_for(buyer, width=390), page_for(freelancer)

    # She opens it; he does not read her before he has answered; then both read both.
    look(client, order, "Check the delivery and decide")
    client.get_by_role("heading", name="Something is not going to plan?").click()
    follow(client.get_by_role("link", name="Open a dispute"))
    told(client, "The 120.00 EUR are frozen in escrow and all clocks of the order stand still.")
    fill(client, "dispute/open", reason="not_as_agreed", statement=COMPLAINT, wanted_amount="0")
    press(client, "dispute/open")
    told(client, "The dispute is open. The money and all clocks of the order stand still.")
    look(maker, order, "A dispute is open: write your side")
    follow(maker.get_by_role("link", name="Open the case"))
    told(maker, "You read the other statement when yours is in.")
    expect(maker.get_by_text(COMPLAINT)).to_have_count(0)
    fill(maker, "dispute/answer", statement=DEFENCE, wanted_amount="120")
    press(maker, "dispute/answer")
    told(maker, "Your statement is in.")
    told(maker, COMPLAINT)
    client.reload()
    told(client, DEFENCE)
    fill(client, "dispute/evidence", note="The brief, with three colours.", file=str(receipt))
    press(client, "dispute/evidence")
    told(client, "Your evidence is added.")
    maker.reload()
    told(maker, "The brief, with three colours.")

    # A week for evidence passes. A moderator takes the case, sees what the ruling would do, and rules.
    later(days=8)
    look(client, order, "A moderator decides the dispute")
    desk = page_for(moderator)
    desk.goto("/admin/orders/dispute/?tab=unassigned")
    follow(desk.get_by_role("link", name=order.payment_reference))
    told(desk, COMPLAINT)
    told(desk, DEFENCE)
    told(desk, "bank_slip.png")
    press(desk, "take")
    told(desk, "The case is yours.")
    fill(desk, "rule", freelancer_amount="80", client_amount="40", reason=REASONS)
    press(desk, "rule")
    preview = desk.locator("section", has=desk.get_by_role("heading", name="This is what your ruling does"))
    for amount in ("72.00 EUR", "8.00 EUR", "40.00 EUR"):  # earned, fee, refund
        expect(preview).to_contain_text(amount)
    assert not order.disputes.get().rulings.exists()
    axe(desk)
    follow(desk.get_by_role("button", name="Rule so"))
    told(desk, "Ruled. Both sides are told.")
    for page in (client, maker):
        page.goto(f"/orders/{order.pk}/dispute/")
        told(page, REASONS)
        told(page, "Who got less than they asked for may appeal, once, until:")
    maker.goto("/balance/")
    expect(maker.locator(".stat", has_text="Clearing")).to_contain_text("72.00 EUR")
    expect(maker.get_by_role("link", name="Ask for a payout")).to_have_count(0)

    # Nobody appeals and the hold ends: he adds an account, asks, is sent the money, and confirms it.
    later(days=8)
    maker, desk = page_for(freelancer), page_for(moderator)
    look(maker, order, "This order is over: 72.00 EUR is yours")
    maker.goto("/balance/")
    follow(maker.get_by_role("link", name="Ask for a payout"))
    add_account(maker, "José Ñíguez")
    expect(maker.locator("main [name=amount]")).to_have_value("72.00")
    follow(maker.locator("main form button[type=submit]"))
    told(maker, "Asked for. You are told when it is sent.")
    pay_out(desk, "José Ñíguez", "72.00 EUR", "OUT-1")
    maker.reload()
    told(maker, "OUT-1")
    follow(maker.get_by_role("button", name="It has arrived"))
    told(maker, "Thank you. It is marked as arrived.")
    expect(maker.locator(".stat", has_text="Paid out")).to_contain_text("72.00 EUR")
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.SPLIT)
    books_add_up()


def test_a_client_leaves_an_order_that_is_more_than_a_day_late(page_for, later, buyer, freelancer):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)  # due in six days
    client, maker = page_for(buyer, width=390), page_for(freelancer, width=390)
    later(days=6, hours=1)
    look(client, order, "The delivery is overdue")
    expect(client.locator("form[action$='/cancel-late/']")).to_have_count(0)
    look(maker, order, "Your delivery is overdue: deliver now")

    later(days=1)
    look(maker, order, "Deliver now: Amara can cancel")
    look(client, order, "The work is late: you can cancel now")
    told(client, "Nothing was delivered, so you can cancel and get 120.00 EUR back.")
    fill(client, "cancel-late", note="We needed it yesterday.", sure="on")
    press(client, "cancel-late")
    look(client, order, "Say where your refund of 120.00 EUR should go")
    look(maker, order, "This order is over")
    told(maker, "120.00 EUR goes back to Amara. There is nothing for you to do.")
    told(maker, "We needed it yesterday.")
    expect(maker.locator("form[action$='/submit-work/']")).to_have_count(0)
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.REFUNDED)
    books_add_up()


def test_a_statement_confirms_three_payments_with_one_button(page_for, tmp_path, buyer, freelancer, moderator):
    method = PlatformMethodFactory(label="Escrow account", account_number=OWN_ACCOUNT)
    gig = GigFactory(freelancer=freelancer)
    orders = [place(buyer, gig, method) for _number in range(3)]
    today = timezone.now().date()
    paid = [Deposit(order.payment_reference, gig.price, "Amara Okafor", today, f"B{n}") for n, order in enumerate(orders)]
    file = tmp_path / "november.xml"
    file.write_bytes(make_camt([*paid, Deposit("A GIFT", gig.price, "Li Wei", today, "B9")]))
    client, maker, desk = page_for(buyer, width=390), page_for(freelancer, width=390), page_for(moderator)
    look(client, orders[0], "Pay 120.00 EUR, then hand in your proof")

    # Reading changes no order; the green ones stand apart from what fits nothing.
    desk.goto("/admin/")
    follow(desk.get_by_role("link", name="Bank statements").first)
    fill(desk, "upload", method=str(method.pk), file=str(file))
    press(desk, "upload")
    told(desk, "november.xml was read: 4 new entries.")
    assert not Order.objects.exclude(status=Status.PENDING_PAYMENT).exists()
    follow(desk.get_by_role("link", name="Confirm 3 green payments…"))
    expect(desk.locator(".desk__lead")).to_contain_text("360.00 EUR")
    for order in orders:
        expect(desk.get_by_role("table")).to_contain_text(order.payment_reference)
    expect(desk.get_by_role("table")).not_to_contain_text("A GIFT")
    follow(desk.get_by_role("button", name="Confirm the ticked payments"))
    told(desk, "3 payments confirmed.")
    follow(desk.get_by_role("link", name=re.compile("^Fits nothing")))
    told(desk, "A GIFT")

    for order in orders:
        look(client, order, "Paid. José can start now")
        order.refresh_from_db()
        assert (order.status, order.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.FUNDS_HELD)
    client.get_by_role("heading", name="Proof 1").click()
    told(client, "Found on the account’s statement by a moderator.")
    look(maker, orders[2], "The money is here: start the work")
    assert BankStatement.objects.get().lines.count() == 4
    books_add_up()
