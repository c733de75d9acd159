"""The whole deal in the browser: people meet, agree, pay by hand, work, and part content. For both custodies."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Gig
from gigs.tests.factories import CategoryFactory, GigFactory
from orders.models import Order, PaymentProof
from orders.states import Custody, PaymentStatus, Status
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory, picture
from reviews.models import Review

from .conftest import follow

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    path = tmp_path / "bank slip.png"
    path.write_bytes(picture("lightblue", size=(600, 800)).read())
    return path


@pytest.fixture
def moderator(db: None) -> User:
    user = UserFactory(email="ingrid@example.com", full_name="Ingrid Bø", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="verify_payment"))
    return user


def sign_up(page: Page, *, name: str, email: str, mailbox: list) -> None:
    page.goto("/accounts/signup/")
    page.fill("main [name=full_name]", name)
    page.fill("main [name=email]", email)
    page.fill("main [name=password1]", PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/accounts/confirm-email/**")
    page.fill("main [name=code]", re.search(r"^([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})$", mailbox[-1].body, re.M)[1])
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url(lambda url: "confirm-email" not in url)


def press(page: Page, step: str) -> None:
    follow(page.locator(f"form[action$='/{step}/'] button[type=submit]"))


def fill(page: Page, step: str, **values: str) -> None:
    form = page.locator(f"form[action$='/{step}/']")
    folded = page.locator(f"details:has(form[action$='/{step}/'])")
    if folded.count() and not folded.evaluate("details => details.open"):
        folded.locator("summary").click()
    for name, value in values.items():
        field = form.locator(f"[name$={name}]")
        match field.first.get_attribute("type"):
            case "file":
                field.set_input_files(value)
            case "checkbox":
                field.check()
            case _ if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            case _:
                field.fill(value)


def hand_in_proof(page: Page, order: Order, reference: str, receipt: Path) -> None:
    fill(
        page,
        "submit-payment",
        transaction_reference=reference,
        payer_name="Amara Okafor",
        amount="1.250,00",
        paid_at=(timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        receipt=str(receipt),
    )
    press(page, "submit-payment")
    expect(page.get_by_role("status").filter(has_text="1,250.00")).to_be_visible()


def review(page: Page, order: Order, *, stars: int, words: str) -> None:
    page.goto(f"/orders/{order.pk}/")
    follow(page.get_by_role("link", name=re.compile("review", re.I)).first)
    page.locator(f"[name=rating][value='{stars}']").check(force=True)
    page.fill("main [name=comment]", words)
    follow(page.locator("main form button[type=submit]"))


def test_the_whole_deal_with_the_platform_holding_the_money(page_for, mailoutbox, receipt, moderator, tmp_path):
    PlatformMethodFactory(label="Escrow account")
    CategoryFactory(name="Drawn by hand", parent=None)
    jose, amara, desk = page_for(), page_for(width=390), page_for(moderator)

    # A freelancer signs up and publishes a gig.
    sign_up(jose, name="José Ñíguez", email="jose@example.com", mailbox=mailoutbox)
    jose.goto("/gigs/new/")
    jose.fill("main [name=title]", "A logo drawn by hand")
    jose.select_option("[name=category]", label="Drawn by hand")
    jose.fill("main [name=description]", "Three drafts, then **one** final logo.")
    jose.fill("main [name=price]", "1.250,00")
    jose.set_input_files("[name=pictures]", str(receipt))
    follow(jose.locator("main form button[type=submit]").last)
    gig = Gig.objects.get()
    expect(jose).to_have_url(f"/gigs/{gig.pk}/")
    expect(jose.get_by_text("1,250.00").first).to_be_visible()

    # A client signs up on her phone, finds it and orders.
    sign_up(amara, name="Amara Okafor", email="amara@example.com", mailbox=mailoutbox)
    amara.goto("/gigs/")
    follow(amara.get_by_role("link", name="A logo drawn by hand").first)
    order_it = amara.get_by_role("link", name=re.compile("order", re.I)).and_(amara.locator(f"[href*='/orders/new/{gig.pk}/']"))
    follow(order_it.filter(visible=True).first)
    amara.locator("[name=payment_method]").first.check(force=True)
    amara.locator("main form button[type=submit]").click()
    amara.wait_for_url("**/orders/*/")
    order = Order.objects.get()
    expect(amara.get_by_text(order.payment_reference).first).to_be_visible()
    expect(amara.get_by_text("DE75").first).to_be_visible()

    # She pays, hands in a proof; the moderator does not find it and says why; she hands in another one.
    hand_in_proof(amara, order, "FT 2026/118-07", receipt)
    desk.goto("/admin/orders/paymentproof/")
    follow(desk.get_by_role("link", name=re.compile(order.payment_reference)).first)
    fill(desk, "reject", reason="not_found", note="Nothing has arrived under this number. Please check it on your slip.")
    press(desk, "reject")
    amara.reload()
    expect(amara.get_by_text("Nothing has arrived under this number.").first).to_be_visible()
    hand_in_proof(amara, order, "FT 2026/118-70", receipt)

    # He finds it this time, types what arrived, and confirms.
    desk.goto("/admin/orders/paymentproof/")
    follow(desk.get_by_role("link", name=re.compile(order.payment_reference)).first)
    expect(desk.locator("img[src*='receipt']").first).to_be_visible()
    fill(desk, "confirm", received_amount="1250")
    press(desk, "confirm")
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.FUNDS_HELD)

    # The freelancer works and delivers; she wants a change; he delivers again.
    jose.goto(f"/orders/{order.pk}/")
    press(jose, "start-work")
    work = tmp_path / "logo.svg.zip"
    work.write_bytes(b"PK the first logo")
    fill(jose, "submit-work", note="The first version.", files=str(work))
    press(jose, "submit-work")
    amara.goto(f"/orders/{order.pk}/")
    fill(amara, "request-revision", items="Make the bird larger\nUse the darker green")
    press(amara, "request-revision")
    jose.goto(f"/orders/{order.pk}/")
    expect(jose.get_by_text("Make the bird larger").first).to_be_visible()
    work.write_bytes(b"PK the second logo")
    fill(jose, "submit-work", note="Larger and darker.", files=str(work), links="https://example.com/preview")
    press(jose, "submit-work")

    # She downloads it, approves, and both review each other.
    amara.goto(f"/orders/{order.pk}/")
    with amara.expect_download() as download:
        amara.locator("#delivery-2 a[href*='/orders/deliveries/']").first.click()
    assert Path(download.value.path()).read_bytes() == b"PK the second logo"
    fill(amara, "approve", sure="on")
    press(amara, "approve")
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.RELEASED)
    assert [event.action for event in order.events.all()] == [
        *("place_order", "submit_payment", "reject_payment", "submit_payment", "confirm_payment"),
        *("start_work", "submit_work", "request_revision", "submit_work", "approve"),
    ]
    assert list(order.proofs.values_list("state", flat=True)) == [PaymentProof.State.REJECTED, PaymentProof.State.VERIFIED]
    review(amara, order, stars=5, words="A joy to work with.")
    visitor = page_for()
    visitor.goto(f"/gigs/{gig.pk}/")
    expect(visitor.get_by_text("A joy to work with.")).to_have_count(0)
    review(jose, order, stars=4, words="Clear wishes, paid at once.")
    visitor.reload()
    expect(visitor.get_by_text("A joy to work with.")).to_be_visible()
    visitor.goto(f"/people/{order.client.handle}/")
    expect(visitor.get_by_text("Clear wishes, paid at once.")).to_be_visible()
    assert Review.objects.filter(published_at__isnull=False).count() == 2


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_the_whole_deal_paid_straight_to_the_freelancer(page_for, watch, receipt, javascript):
    watch.expect("/confirm-payment/: console error")  # the amount that is refused below answers 422
    freelancer, client = UserFactory(full_name="Wanjirũ Mwangi"), UserFactory(full_name="محمد الفاسي")
    gig = GigFactory(freelancer=freelancer, price=1250, currency="EUR", revisions_included=1)
    DirectMethodFactory(owner=freelancer)
    theirs, mine = page_for(client, width=390, javascript=javascript), page_for(freelancer, javascript=javascript)

    theirs.goto(f"/orders/new/{gig.pk}/")
    theirs.locator("[name=payment_method]").first.check(force=True)
    theirs.locator("main form button[type=submit]").click()
    theirs.wait_for_url("**/orders/*/")
    order = Order.objects.get()
    assert order.custody == Custody.DIRECT
    expect(theirs.get_by_text("+254 712 345 678").first).to_be_visible()
    hand_in_proof(theirs, order, "QFT4X", receipt)

    mine.goto(f"/orders/{order.pk}/")
    fill(mine, "confirm-payment", received_amount="1,200", sure="on")
    press(mine, "confirm-payment")
    expect(mine.get_by_text("1,200.00").first).to_be_visible()  # not what was due: refused, and shown as it was understood
    fill(mine, "confirm-payment", received_amount="1,250", sure="on")
    press(mine, "confirm-payment")
    press(mine, "start-work")
    fill(mine, "submit-work", note="All of it.", links="https://example.com/work")
    press(mine, "submit-work")

    theirs.goto(f"/orders/{order.pk}/")
    fill(theirs, "approve", sure="on")
    press(theirs, "approve")
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.PAID_DIRECT)
    review(theirs, order, stars=5, words="شكرا جزيلا")
    review(mine, order, stars=5, words="Asante sana.")
    theirs.goto(f"/people/{freelancer.handle}/")
    expect(theirs.get_by_text("شكرا جزيلا")).to_be_visible()
