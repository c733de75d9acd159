from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image

from marketplace.uploads import check_receipt
from orders.models import DeliveryFile, Order
from orders.states import Custody, Status
from orders.tests.factories import a_file, deliver, hand_in_proof, order_in

PDF = b"%PDF-1.4\n<script>alert(1)</script>\n%%EOF\n"


@pytest.fixture
def order(buyer, freelancer) -> Order:
    return order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)


@pytest.fixture
def order_with_pdf(buyer, freelancer) -> Order:
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    return hand_in_proof(order, receipt=check_receipt(SimpleUploadedFile("Beleg März.pdf", PDF)))


def fetch(browser: Client, address: str) -> tuple[HttpResponse, bytes]:
    """The answer and its whole body: read to the end, so that the file behind it is closed."""
    response = browser.get(address)
    return response, response.getvalue()


def addresses(order: Order) -> list[str]:
    files = DeliveryFile.objects.filter(delivery__order=order)
    return [
        *(reverse("orders:receipt", args=[proof.pk]) for proof in order.proofs.all()),
        *(reverse("orders:delivery_file", args=[file.pk]) for file in files),
        *(reverse("orders:qr", args=[order.pk, what]) for what in ("account", "reference")),
    ]


def test_both_parties_and_moderators_get_every_file(order, moderator, sign_in):
    for user in (order.client, order.freelancer, moderator):
        browser = sign_in(user)
        assert [fetch(browser, address)[0].status_code for address in addresses(order)] == [200] * 4


def test_strangers_get_404_for_every_file(order, stranger, sign_in):
    browser = sign_in(stranger)

    assert [browser.get(address).status_code for address in addresses(order)] == [404] * 4


def test_anonymous_visitors_sign_in_first(order, client):
    assert [client.get(address).url for address in addresses(order)] == [
        f"/accounts/login/?next={address}" for address in addresses(order)
    ]


def test_nothing_can_be_posted_to_a_file(order, sign_in):
    browser = sign_in(order.client)

    assert [browser.post(address).status_code for address in addresses(order)] == [405] * 4


@pytest.mark.parametrize(
    "address",
    [
        "/orders/proofs/6bb9e94e-5f4b-4a2b-8473-f07f9edb4f5d/receipt/",
        "/orders/deliveries/6bb9e94e-5f4b-4a2b-8473-f07f9edb4f5d/",
        "/orders/6bb9e94e-5f4b-4a2b-8473-f07f9edb4f5d/qr/payment.svg",
        "/orders/deliveries/..%2f..%2fdb.sqlite3/",
        "/media/receipts/receipt.png",
    ],
)
def test_guessed_addresses_are_404(order, sign_in, address):
    assert sign_in(order.client).get(address).status_code == 404


def test_private_files_are_not_under_the_public_media(order, client):
    proof, file = order.proofs.get(), DeliveryFile.objects.get()

    assert [client.get(f"/media/{stored.name}").status_code for stored in (proof.receipt, file.file)] == [404, 404]


def test_a_picture_of_a_receipt_may_be_shown_on_the_page(order, sign_in):
    browser, address = sign_in(order.freelancer), addresses(order)[0]
    (shown, picture), (saved, _body) = fetch(browser, address + "?inline=1"), fetch(browser, address)

    assert shown["Content-Disposition"] == 'inline; filename="receipt.png"'
    assert saved["Content-Disposition"] == 'attachment; filename="receipt.png"'
    assert shown["Content-Type"] == "image/png"
    assert Image.open(BytesIO(picture)).size == (40, 30)


def test_a_pdf_is_only_ever_a_download(order_with_pdf, sign_in):
    response, body = fetch(sign_in(order_with_pdf.freelancer), addresses(order_with_pdf)[0] + "?inline=1")

    assert response["Content-Disposition"].startswith("attachment;")
    assert (response["X-Content-Type-Options"], response["Cache-Control"]) == ("nosniff", "private, no-store")
    assert "sandbox" in response["Content-Security-Policy"]
    assert body == PDF


def test_delivered_work_comes_back_byte_for_byte_and_only_as_a_download(buyer, freelancer, sign_in):
    page = b"<!doctype html><script>alert(document.cookie)</script>"
    order = deliver(order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer), files=[a_file("index.html", page)])
    file = DeliveryFile.objects.get(delivery__order=order)
    response, body = fetch(sign_in(buyer), reverse("orders:delivery_file", args=[file.pk]) + "?inline=1")

    assert response["Content-Disposition"] == 'attachment; filename="index.html"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert body == page


def test_a_file_gone_from_the_store_is_404(order, sign_in):
    proof = order.proofs.get()
    proof.receipt.storage.delete(proof.receipt.name)

    assert sign_in(order.client).get(addresses(order)[0]).status_code == 404


def test_codes_are_pictures_nobody_else_keeps(buyer, freelancer, sign_in):
    unpaid = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    response = sign_in(buyer).get(reverse("orders:qr", args=[unpaid.pk, "payment"]))

    assert (response["Content-Type"], response["Cache-Control"]) == ("image/svg+xml", "private, no-store")
    assert response.content.startswith(b"<?xml")


def test_there_is_no_code_of_anything_else(order, sign_in):
    assert sign_in(order.client).get(reverse("orders:qr", args=[order.pk, "password"])).status_code == 404
