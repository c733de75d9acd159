"""Every page, narrow and wide, light and dark: nothing axe finds, nothing wider than the window, no script error."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from messaging.models import OutgoingMail
from messaging.selectors import unsubscribe_url_for
from orders.models import PaymentProof
from orders.services.payments import reject_payment
from orders.states import Custody, Status
from orders.tests.factories import REACHABLE, DirectMethodFactory, hand_in_proof, order_in
from reviews.services import write_review

from .conftest import SCHEMES, WIDTHS

pytestmark = pytest.mark.browser
LONG_NAME = "Maria da Conceição Albuquerque-Wolfeschlegelsteinhausenbergerdorff Monteiro"
LONG_TITLE = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft: a whole corporate identity for it"

VISITOR = ["/", "/gigs/", "/gigs/?category=design&currency=EUR&price_min=1", "/gigs/?price_min=x&page=99", "/styleguide/"]
ACCOUNT_PAGES = ["account_login", "account_signup", "account_reset_password"]
SETTINGS_PAGES = [
    *("accounts:settings", "account_email", "account_change_password", "mfa_index", "usersessions_list", "orders:method_list"),
    *("orders:method_create", "messaging:mail_settings", "messaging:notifications", "orders:list", "gigs:mine", "gigs:create"),
]


RARE_PAGES = [
    *("accounts:picture", "accounts:close", "account_logout", "account_reauthenticate", "mfa_activate_totp", "mfa_add_webauthn"),
    *("mfa_list_webauthn", "account_reset_password"),
]


@pytest.fixture
def world(db: None) -> dict[str, list[str]]:
    """What each person can open: gigs with long words, an order in every status and custody, from both sides."""
    client, freelancer = UserFactory(full_name=LONG_NAME), UserFactory(full_name="محمد الفاسي", bio="# Hello\n\n* one\n* two")
    moderator = UserFactory(is_staff=True, is_superuser=True)
    gig = GigFactory(freelancer=freelancer, title=LONG_TITLE, description="word " * 300, price=Decimal(120), revisions_included=1)
    method = DirectMethodFactory(owner=freelancer)
    orders = [
        order_in(status, client=client, freelancer=freelancer, custody=custody, gig=gig, verifier=None)
        for custody in Custody
        for status in REACHABLE
    ]
    rejected = order_in(Status.PAYMENT_SUBMITTED, client=client, freelancer=freelancer, gig=gig)
    rejected = reject_payment(
        actor=moderator, order_id=rejected.pk, seen=rejected.version, reason="unreadable", note=LONG_TITLE * 3
    )
    waiting = hand_in_proof(order_in(client=client, freelancer=freelancer, gig=gig), transaction_reference="X" * 120)
    done = next(order for order in orders if order.status == Status.COMPLETED)
    write_review(actor=client, order=done, rating=5, comment=LONG_TITLE * 3)
    write_review(actor=freelancer, order=done, rating=4, comment="Paid at once.")
    order_pages = [order.get_absolute_url() for order in [*orders, rejected, waiting]]
    proof = PaymentProof.objects.latest("submitted_at")
    return {
        "visitor": [*VISITOR, *map(reverse, ACCOUNT_PAGES), gig.get_absolute_url(), freelancer.get_absolute_url()],
        "client": [
            "/nowhere/",
            *order_pages,
            f"/orders/new/{gig.pk}/",
            f"/orders/{done.pk}/review/",
            *map(reverse, SETTINGS_PAGES),
        ],
        "freelancer": [
            *order_pages,
            *("/orders/?side=selling&tab=completed", "/orders/?side=selling&tab=cancelled", f"/gigs/{gig.pk}/edit/"),
            *(f"/gigs/{gig.pk}/pictures/", unsubscribe_url_for(freelancer, "orders.placed").replace(settings.SITE_URL, "")),
            reverse("reviews:reply", args=[done.reviews.get(author=client).pk]),
            *map(reverse, RARE_PAGES),
            *(f"/settings/payment-methods/{method.pk}/edit/", *map(reverse, SETTINGS_PAGES)),
        ],
        "moderator": [
            *("/admin/", reverse("admin:orders_paymentproof_changelist"), f"/admin/orders/paymentproof/{proof.pk}/verify/"),
            order_pages[0],
        ],
        "people": [client, freelancer, moderator],
    }


@pytest.mark.parametrize("who", ["visitor", "client", "freelancer", "moderator"])
def test_every_page_is_accessible_and_fits(page_for, axe, watch, world, who, settings):
    settings.DEBUG = who == "visitor"  # the style guide is a page too
    watch.expect("/nowhere/")
    people: dict[str, User | None] = dict(zip(["client", "freelancer", "moderator"], world["people"], strict=True))
    page = page_for(people.get(who))
    faults = [fault for path in world[who] for fault in faults_of(page, path, axe)]
    assert not faults, "\n".join(faults)


def faults_of(page: Page, path: str, axe) -> Iterator[str]:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        response = page.goto(path)
        if response is None or response.status != (404 if path == "/nowhere/" else 200):
            yield f"{path}: status {response and response.status}"
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                yield f"{path} at {width}: wider than the window"
            try:
                axe(page)
            except AssertionError as found:
                yield f"{width} {scheme} {found}"


@pytest.mark.django_db
def test_the_pages_of_someone_new_are_accessible_and_fit(page_for, axe):
    page = page_for(UserFactory(full_name="L"))
    faults = [fault for name in SETTINGS_PAGES for fault in faults_of(page, reverse(name), axe)]
    assert not faults, "\n".join(faults)
    assert OutgoingMail.objects.count() == 0
