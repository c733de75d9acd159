"""Every page, narrow and wide, light and dark: nothing axe finds, nothing wider than the window, no script error."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import cycle

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from marketplace.tests.world_money import entries_due, payouts_due
from marketplace.tests.world_orders import Due, cases_due, steps_due
from messaging.models import OutgoingMail
from messaging.selectors import unsubscribe_url_for
from messaging.services import report, send_message
from orders.models import LedgerTransfer, Order, PaymentProof
from orders.services.payments import reject_payment
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import answered, case_for, disputed
from orders.tests.factories import REACHABLE, DirectMethodFactory, hand_in_proof, order_in
from orders.tests.proposing import asked_to_cancel
from orders.tests.situations import order_as
from reviews.services import write_review

from .conftest import SCHEMES, WIDTHS, follow

pytestmark = pytest.mark.browser
# Each page narrow and wide, light and dark; what is light on one page is dark on the next, which has the same parts.
LOOKS = (list(zip(WIDTHS, SCHEMES, strict=True)), list(zip(WIDTHS, reversed(SCHEMES), strict=True)))
COLOURS_STAND = """(async () => {
    while (document.getAnimations().some(one => one.playState === "running")) await new Promise(requestAnimationFrame)
})()"""  # colours fade from one scheme to the other
LONG_NAME = "Maria da Conceição Albuquerque-Wolfeschlegelsteinhausenbergerdorff Monteiro"
LONG_TITLE = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft: a whole corporate identity for it"

VISITOR = ["/", "/gigs/", "/gigs/?category=design&currency=EUR&price_min=1", "/gigs/?price_min=x&page=99", "/styleguide/"]
ACCOUNT_PAGES = ["account_login", "account_signup", "account_reset_password"]
SETTINGS_PAGES = [
    *("accounts:settings", "account_email", "account_change_password", "mfa_index", "usersessions_list", "orders:method_list"),
    *("accounts:keys", "accounts:key_create"),
    *(
        "orders:method_create",
        "messaging:mail_settings",
        "messaging:contact_settings",
        "messaging:webhooks",
        "messaging:notifications",
        "orders:list",
        "gigs:mine",
        "gigs:create",
    ),
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
    words = send_message(actor=client, receiver_id=freelancer.pk, content=LONG_TITLE * 9, client_id="every-page-1")
    reported = report(actor=freelancer, message_id=words.pk, reason="off_platform", note=LONG_TITLE)
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
            *(reverse("admin:messaging_messagereport_changelist"), f"/admin/messaging/messagereport/{reported.pk}/case/"),
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
    if people.get(who):
        confirm(page)
    faults = list(faults_of(page, world[who], axe))
    assert not faults, "\n".join(faults)


def confirm(page: Page) -> None:
    """Accounts, to be paid to or into, are added by who has just typed the password."""
    page.goto(reverse("account_reauthenticate"))
    page.fill("main [name=password]", "a long password")
    follow(page.get_by_role("button", name="Confirm"))
    expect(page).to_have_url("/orders/")


def faults_of(page: Page, paths: Iterable[str], axe) -> Iterator[str]:
    for path, looks in zip(paths, cycle(LOOKS), strict=False):
        yield from _faults_at(page, path, axe, looks)


def _faults_at(page: Page, path: str, axe, looks: list[tuple[int, str]]) -> Iterator[str]:
    response = page.goto(path)
    if response is None or response.status != (404 if path == "/nowhere/" else 200):
        yield f"{path}: status {response and response.status}"
    if "reauthenticate" in page.url and "reauthenticate" not in path:
        yield f"{path}: asks for the password instead"
    if '">' in page.locator("body").inner_text():
        yield f"{path}: an attribute has spilled into the text"
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(COLOURS_STAND)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            yield f"{path} at {width}: wider than the window"
        try:
            axe(page)
        except AssertionError as found:
            yield f"{width} {scheme} {found}"


@pytest.mark.django_db
def test_the_pages_of_someone_new_are_accessible_and_fit(page_for, axe):
    page = page_for(UserFactory(full_name="L"))
    confirm(page)
    faults = list(faults_of(page, map(reverse, SETTINGS_PAGES), axe))
    assert not faults, "\n".join(faults)
    assert OutgoingMail.objects.count() == 0


# --- The money ------------------------------------------------------------------------------------------------------
BENT = ("cancel_partial", "grant_pause", "resume", "accept_extension", "cancel_late", "confirm_refund")
OVER = [
    (Status.CANCELLED, PaymentStatus.SPLIT, Custody.PLATFORM),
    (Status.CANCELLED, PaymentStatus.REFUND_DUE, Custody.DIRECT),
    (Status.EXPIRED, PaymentStatus.AWAIT_DEPOSIT, Custody.PLATFORM),
]
OWN_MONEY = ["/balance/", "/settings/payout-accounts/", "/settings/payout-accounts/new/?currency=EUR"]


@pytest.fixture
def money_world(db: None) -> dict[str, tuple[User, list[str]]]:
    """Bent and broken orders, disputes, balances, and the desks about them: what each of three people can open."""
    client, freelancer = UserFactory(full_name=LONG_NAME), UserFactory(full_name="محمد الفاسي")
    moderator = UserFactory(is_staff=True, is_superuser=True)
    sides = {"client": client, "freelancer": freelancer}
    due: Due = {}
    for area in (steps_due, cases_due, payouts_due, entries_due):
        due |= area(client, freelancer, moderator)

    def at(*names: str) -> list[str]:
        return [reverse(f"orders:{name}", kwargs=due[f"orders:{name}"][0]) for name in names]

    closed = order_as(Status.COMPLETED, PaymentStatus.SPLIT, Custody.PLATFORM, moderator=moderator, **sides)
    asked = asked_to_cancel(order_in(Status.SUBMITTED, **sides))
    opened = disputed(order_in(Status.SUBMITTED, **sides), client)
    both_heard = answered(disputed(order_in(Status.SUBMITTED, **sides), client), freelancer)
    to_rule = case_for(moderator, client, freelancer)
    over = [order_as(*ending, moderator=moderator, **sides) for ending in OVER]
    Order.objects.update(gig_title=LONG_TITLE)
    pages = [f"/orders/{due[f'orders:{step}'][0]['order_id']}/" for step in BENT]
    pages += [order.get_absolute_url() for order in (asked, opened, closed, *over)]
    pages += at("dispute", "order_receipt")
    pages += [f"{order.get_absolute_url()}dispute/" for order in (opened, both_heard, to_rule, closed)]
    unopened = due["orders:dispute_open"][0]["order_id"]
    cases = [reverse("admin:orders_dispute_case", args=[order.disputes.get().pk]) for order in (to_rule, closed)]
    return {
        "client": (client, [*OWN_MONEY, *pages, *at("refund_account"), f"/orders/{unopened}/dispute/"]),
        "freelancer": (
            freelancer,
            [*OWN_MONEY, *pages, *at("balance_month", "retry_payout", "refund_sent"), "/balance/payout/?currency=EUR"],
        ),
        "moderator": (moderator, [opened.get_absolute_url(), *cases, *desks(due)]),
    }


def desks(due: Due) -> list[str]:
    """What the case desk, the payout desk and the statement desk show, list by list, and the ledger."""

    def list_of(name: str, *tabs: str) -> list[str]:
        return [f"/admin/orders/{name}/?tab={tab}" for tab in tabs]

    def at(name: str, step: str, page: str = "") -> str:
        return reverse(f"admin:orders_{name}_{page or step}", kwargs=due[f"admin:orders_{name}_{step}"][0])

    entries = at("bankstatement", "entries")
    return [
        *list_of("dispute", "mine", "waiting", "closed"),
        *list_of("disbursement", "approve", "send", "direct", "done"),
        *(f"/admin/orders/{name}/" for name in ("payoutbatch", "bankstatement", "ledgeraccount", "ledgertransfer")),
        *(
            "/admin/orders/ledgertransfer/?q=zz",
            f"/admin/orders/ledgertransfer/{LedgerTransfer.objects.earliest('pk').pk}/change/",
        ),
        *(at("dispute", "case"), at("dispute", "open"), at("payoutbatch", "rows")),
        *(at("disbursement", step, "desk") for step in ("approve", "send", "fail", "retry", "account")),
        *(at("bankstatement", page) for page in ("columns", "green", "entry")),
        *(f"{entries}?tab={tab}" for tab in ("green", "red", "unreadable")),
    ]


@pytest.mark.parametrize("who", ["client", "freelancer", "moderator"])
def test_every_page_of_the_money_is_accessible_and_fits(page_for, axe, money_world, who):
    person, paths = money_world[who]
    page = page_for(person)
    confirm(page)
    faults = list(faults_of(page, paths, axe))
    assert not faults, "\n".join(faults)
