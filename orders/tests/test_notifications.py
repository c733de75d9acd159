"""Who is told what, and in which words: every kind, for both custodies."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import settings as site
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from messaging.models import Notification, OutgoingMail
from orders.models import Order
from orders.notifications import KINDS, TOLD, Audience, recipients
from orders.services import lifecycle, payments
from orders.states import Action, Custody, Status
from orders.tests.factories import deliver, hand_in_proof, method_for, order_in, place

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
# What waits for somebody must say until when; the rest needs no deadline.
WITHOUT_DEADLINE = {"orders.cancelled"}


@pytest.fixture
def four_eyes(settings) -> None:
    settings.FOUR_EYES_OVER = {"EUR": "100"}


@pytest.fixture
def people(buyer: User, freelancer: User, moderator: User) -> dict[str, User]:
    second = UserFactory(full_name="Second Moderator", is_staff=True, is_superuser=True)
    User.objects.update(time_zone="Africa/Nairobi")
    return {name: User.objects.get(pk=p.pk) for name, p in [("c", buyer), ("f", freelancer), ("m", moderator), ("n", second)]}


def whole_deal(people: dict[str, User], custody: Custody) -> Order:
    """Every step once: an order rejected, confirmed (over the limit by two), revised and approved; and one cancelled."""
    client, freelancer, first, second = people.values()
    gig = GigFactory(freelancer=freelancer, title="Logo <b>&</b> more", revisions_included=1)
    method = method_for(gig, custody)
    called_off = place(client, gig, method)
    lifecycle.cancel(actor=client, order_id=called_off.pk, seen=called_off.version, note="I changed my <mind>.")
    order = hand_in_proof(place(client, gig, method))
    verifiers = [first, second] if custody == Custody.PLATFORM else [freelancer]
    order = payments.reject_payment(
        actor=verifiers[0], order_id=order.pk, seen=order.version, reason="not_found", note="Nothing has <arrived>."
    )
    order = hand_in_proof(order)
    for verifier in verifiers:
        order = payments.confirm_payment(
            actor=verifier, order_id=order.pk, seen=order.version, received_amount=order.expected_amount
        )
    order = deliver(lifecycle.start_work(actor=freelancer, order_id=order.pk, seen=order.version))
    order = lifecycle.request_revision(actor=client, order_id=order.pk, seen=order.version, items=["Rounder."])
    order = deliver(order)
    return lifecycle.approve(actor=client, order_id=order.pk, seen=order.version)


@pytest.fixture(params=Custody)
def deal(request, people: dict[str, User], four_eyes: None) -> Order:
    with time_machine.travel(NOW, tick=False):
        return whole_deal(people, request.param)


def told(person: User) -> list[str]:
    return [kind.removeprefix("orders.") for kind in person.notifications.order_by("pk").values_list("kind", flat=True)]


def test_every_step_tells_somebody_and_every_kind_is_used():
    assert set(TOLD) == set(Action)
    assert {kind for rows in TOLD.values() for _audience, kind in rows} == {kind.name for kind in KINDS}


@pytest.mark.usefixtures("four_eyes")
def test_who_is_told_what_under_platform_custody(people: dict[str, User]):
    whole_deal(people, Custody.PLATFORM)
    assert told(people["c"]) == ["payment_rejected", "payment_confirmed", "work_started", "delivered", "delivered"]
    assert told(people["f"]) == ["placed", "cancelled", "placed", "ready_to_start", "revision_requested", "approved"]
    assert told(people["m"]) == ["payment_to_check", "payment_to_check"]
    assert told(people["n"]) == ["payment_to_check", "payment_to_check", "payment_signed"]


def test_who_is_told_what_under_direct_custody(people: dict[str, User]):
    whole_deal(people, Custody.DIRECT)
    assert told(people["c"]) == ["payment_rejected", "payment_confirmed", "work_started", "delivered", "delivered"]
    assert told(people["f"]) == [
        *("placed", "cancelled", "placed", "payment_to_check", "payment_to_check"),
        *("revision_requested", "approved"),
    ]
    assert told(people["m"]) == told(people["n"]) == []


def test_a_moderator_who_confirms_in_the_freelancers_place_tells_the_freelancer(people: dict[str, User]):
    order = order_in(Status.PAYMENT_SUBMITTED, client=people["c"], freelancer=people["f"], custody=Custody.DIRECT)
    payments.confirm_payment(actor=people["m"], order_id=order.pk, seen=order.version, received_amount=order.expected_amount)
    assert told(people["f"])[-1] == "ready_to_start"


def test_after_three_rejections_the_moderators_are_told(people: dict[str, User]):
    order = order_in(client=people["c"], freelancer=people["f"], custody=Custody.DIRECT)
    Order.objects.filter(pk=order.pk).update(proofs_rejected=3)
    hand_in_proof(order)
    assert told(people["f"]) == ["placed"]
    assert told(people["m"]) == told(people["n"]) == ["payment_to_check"]


def test_a_moderator_who_is_a_party_is_never_asked_to_verify(people: dict[str, User]):
    order = order_in(client=people["m"], freelancer=people["f"])
    asked = recipients(order, Audience.VERIFIERS, but=None)
    assert (people["m"] in asked, people["n"] in asked) == (False, True)


def test_moderators_are_led_to_the_desk_and_parties_to_the_order(deal: Order, people: dict[str, User]):
    for notification in Notification.objects.all():
        if notification.user in (people["c"], people["f"]):
            assert re.fullmatch(r"/orders/[0-9a-f-]{36}/", notification.url)
        else:
            proofs = {f"/admin/orders/paymentproof/{proof.pk}/verify/" for proof in deal.proofs.all()}
            assert notification.url in proofs


def test_the_words_are_short_exact_and_say_until_when(deal: Order):
    for notification in Notification.objects.all():
        body, subject = notification.body, notification.subject
        assert 20 < len(body) < 520, body
        assert len(subject) < 120
        assert "120.00" in body + subject, body
        if notification.kind not in WITHOUT_DEADLINE and not (
            notification.kind == "orders.approved" and deal.custody == Custody.DIRECT
        ):
            assert re.search(r"\w{3} \d+ \w{3} 2026, \d\d:\d\d EAT", body), (notification.kind, body)
        for broken in ("{", "}", "  ", "None", "&amp;", "&lt;", "&#", "<bdi>"):
            assert broken not in body + subject, body


def test_every_message_names_the_orders_reference(deal: Order):
    references = set(Order.objects.values_list("payment_reference", flat=True))
    for notification in Notification.objects.all():
        assert any(reference in notification.subject + notification.body for reference in references), notification.body


def test_no_message_carries_an_account_number(deal: Order):
    secrets = {deal.deposit_address, deal.txid, *deal.proofs.values_list("transaction_reference", flat=True)}
    for mail in OutgoingMail.objects.all():
        for secret in secrets:
            assert secret not in mail.text + mail.html


def test_direct_mail_never_speaks_of_escrow(people: dict[str, User]):
    whole_deal(people, Custody.DIRECT)
    for mail in OutgoingMail.objects.all():
        words = (mail.subject + mail.text + mail.html).lower()
        for word in ("escrow", "released", "releases"):
            assert word not in words


def test_no_message_promises_a_clock(deal: Order):
    for body in Notification.objects.values_list("body", flat=True):
        for promise in ("automatic", "will be approved", "expires", "counts as"):
            assert promise not in body.lower()


def test_html_escapes_what_people_typed_and_text_does_not(deal: Order):
    for mail in OutgoingMail.objects.all():
        assert "Logo <b>" not in mail.html
        assert "Logo &lt;b&gt;&amp;&lt;/b&gt; more" in mail.html
        assert "Logo <b>&</b> more" in mail.text or "Logo" not in mail.text
    rejected = OutgoingMail.objects.filter(notification__kind="orders.payment_rejected").first()
    assert "Nothing has <arrived>." in rejected.text
    assert "Nothing has &lt;arrived&gt;." in rejected.html


def test_mail_leads_to_the_page_by_a_button_with_its_own_words(deal: Order):
    for mail in OutgoingMail.objects.all():
        assert f'href="{site.SITE_URL}{mail.notification.url}"' in mail.html
        assert "Open it" not in mail.html


def test_instants_are_those_of_the_reader(buyer: User, freelancer: User, moderator: User):
    User.objects.filter(pk=freelancer.pk).update(time_zone="America/New_York")
    with time_machine.travel(NOW, tick=False):
        order_in(client=buyer, freelancer=User.objects.get(pk=freelancer.pk))
    assert "Thu 5 Mar 2026, 04:30 EST" in Notification.objects.get(user=freelancer).body
    assert timezone.get_current_timezone_name() == "UTC"
