"""Who is told what, and in which words: every kind, for both custodies."""

import inspect
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as site
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from messaging.events import KINDS as EVENTS
from messaging.letters import Letter, letter_for
from messaging.models import Notification
from orders import clocks
from orders.models import Order
from orders.notifications import (
    CASE_KINDS,
    DISBURSEMENT_TOLD,
    KINDS,
    OWED_BY_FREELANCER,
    REMINDERS,
    TOLD,
    Audience,
    disbursement_told,
    recipients,
)
from orders.services import lifecycle, payments, payouts, settlements
from orders.services.payout_accounts import save_payout_account
from orders.services.telling import remind
from orders.states import Action, Custody, DisbursementAction, Status
from orders.tests.disputing import advanced, reviewed, taken
from orders.tests.factories import deliver, hand_in_proof, method_for, order_in, place
from orders.tests.stories import DEEDS, STORIES, Cast, a_payout_account, auto_approved, declined, opened, refund_of

pytestmark = pytest.mark.once  # words; test_timeline takes every step on each database
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


def test_every_action_stands_in_the_table_and_every_kind_is_used():
    assert set(TOLD) == set(Action)
    quiet = {Action.RECORD_PAYMENT, Action.ATTACH_RECEIPT, Action.CONFIRM_REFUND}
    assert {action for action, rows in TOLD.items() if not rows} == quiet
    tables = [TOLD, REMINDERS, DISBURSEMENT_TOLD, OWED_BY_FREELANCER]
    used = {kind for table in tables for rows in table.values() for _audience, kind in rows}
    assert used | {"orders.account_added"} == {kind.name for kind in KINDS}


def test_every_reminder_belongs_to_a_clock_or_to_a_dispute():
    names = set(re.findall(r'Clock\("(\w+)", [^)]*\)', inspect.getsource(clocks)))
    acting = set(re.findall(r'Clock\("(\w+)", [^)]*\)?, Action', inspect.getsource(clocks)))
    assert set(REMINDERS) == (names - acting) | {"dispute_answer_overdue", "dispute_rule_overdue"}


def test_every_kind_has_its_three_texts_and_the_folder_nothing_else():
    folder = Path(site.BASE_DIR) / "templates" / "orders" / "email"
    wanted = {f"{kind.name.removeprefix('orders.')}.{end}" for kind in KINDS for end in ("subject.txt", "txt")}
    assert {path.name for path in folder.iterdir()} == wanted | {"_parts.txt"}


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


def letters() -> list[Letter]:
    return [letter_for(notification) for notification in Notification.objects.select_related("user")]


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
    for letter in letters():
        for secret in secrets:
            assert secret not in letter.text + letter.html


def test_direct_mail_never_speaks_of_escrow(people: dict[str, User]):
    whole_deal(people, Custody.DIRECT)
    for letter in letters():
        words = (letter.subject + letter.text + letter.html).lower()
        for word in ("escrow", "released", "releases"):
            assert word not in words


@pytest.mark.usefixtures("four_eyes")
def test_what_the_clock_does_is_told_with_its_instant(people: dict[str, User]):
    with time_machine.travel(NOW, tick=False):
        whole_deal(people, Custody.PLATFORM)
    bodies = {n.kind: n.body.replace("\u00a0", " ") for n in Notification.objects.order_by("-pk")}
    assert "expires by itself Fri 6 Mar 2026, 12:30 EAT" in bodies["orders.placed"]
    assert "decide by Mon 9 Mar 2026, 12:30 EAT" in bodies["orders.delivered"]
    assert "the delivery approves itself and 120.00 EUR goes to José Ñíguez" in bodies["orders.delivered"]
    assert "108.00 EUR" in bodies["orders.approved"]
    assert "from Mon 9 Mar 2026, 12:30 EAT on" in bodies["orders.approved"]


def test_html_escapes_what_people_typed_and_text_does_not(deal: Order):
    for letter in letters():
        assert "Logo <b>" not in letter.html
        assert "Logo &lt;b&gt;&amp;&lt;/b&gt; more" in letter.html
        assert "Logo <b>&</b> more" in letter.text or "Logo" not in letter.text
    rejected = letter_for(Notification.objects.filter(kind="orders.payment_rejected", mail__isnull=False).first())
    assert "Nothing has <arrived>." in rejected.text
    assert "Nothing has &lt;arrived&gt;." in rejected.html


def test_mail_leads_to_the_page_by_a_button_with_its_own_words(deal: Order):
    for notification in Notification.objects.filter(mail__isnull=False):
        letter = letter_for(notification)
        assert f'href="{site.SITE_URL}{notification.url}"' in letter.html
        assert "Open it" not in letter.html


def test_a_mail_shows_the_order_at_a_glance(deal: Order):
    facts = dict(Notification.objects.filter(kind="orders.placed").first().facts)
    assert facts["Order"] == deal.gig_title
    assert facts["Amount"].replace("\u00a0", " ") == "120.00 EUR"
    assert facts["Reference"] == deal.payment_reference
    assert re.fullmatch(r"\w{3} \d+ \w{3} 2026, \d\d:\d\d EAT", facts["The client pays by"])


def test_instants_are_those_of_the_reader(buyer: User, freelancer: User, moderator: User):
    User.objects.filter(pk=freelancer.pk).update(time_zone="America/New_York")
    with time_machine.travel(NOW, tick=False):
        order_in(client=buyer, freelancer=User.objects.get(pk=freelancer.pk))
    assert "Thu 5 Mar 2026, 04:30 EST" in Notification.objects.get(user=freelancer).body
    assert timezone.get_current_timezone_name() == "UTC"


# --- Everything that can happen, told in both custodies -----------------------------------------------------------------
def remind_of_all(order: Order) -> None:
    """Every reminder of the order's clocks, as the sweep sends them."""
    for clock in clocks.clocks_of(order):
        remind(order, clock.name, clock.at)


def pay_out(cast: Cast) -> None:
    """One payout that fails and is tried again, and one that a moderator confirms."""
    order = cast.order(Status.COMPLETED)
    Order.objects.filter(pk=order.pk).update(hold_until=order.completed_at)
    account = a_payout_account(cast.freelancer)
    moderators = {"actor": cast.moderator}
    row = payouts.request_payout(actor=cast.freelancer, account_id=account.pk, amount=Decimal("20"))
    row = payouts.approve(**moderators, row_id=row.pk, seen=row.version)
    row = payouts.send(**moderators, row_id=row.pk, seen=row.version, reference="PO-1")
    row = payouts.fail(**moderators, row_id=row.pk, seen=row.version, note="The account is <closed>.")
    row = payouts.retry(actor=cast.freelancer, row_id=row.pk, seen=row.version)
    row = payouts.approve(**moderators, row_id=row.pk, seen=row.version)
    row = payouts.send(**moderators, row_id=row.pk, seen=row.version, reference="PO-2")
    payouts.confirm(**moderators, row_id=row.pk, seen=row.version)


@pytest.fixture(params=Custody)
def everything(request, people: dict[str, User]) -> Cast:
    """All stories, deeds, reminders and payouts of one custody."""
    cast = Cast(people["c"], people["f"], people["m"], request.param)
    with time_machine.travel(NOW, tick=False):
        for story in STORIES:
            if cast.custody in story.custodies:
                order, _when = story.tell(cast)
                remind_of_all(Order.objects.get(pk=order.pk))
        for deed, custodies in DEEDS:
            if cast.custody in custodies:
                deed(cast)
        if cast.custody == Custody.PLATFORM:
            pay_out(cast)
    return cast


UNTOLD = {  # in the world of `everything`, by custody
    Custody.PLATFORM: {"orders.payment_signed", "orders.refund_promised", "orders.refund_owed"},
    Custody.DIRECT: {
        *("orders.payment_signed", "orders.payment_partial", "orders.reopened", "orders.hold_over", "orders.money_failed"),
        *("orders.refund_account_needed", "orders.to_pay_out", "orders.ready_to_start"),
    },
}
PLAYED_OUT = {  # nothing waits for anybody, or there is no deadline
    *("orders.cancelled", "orders.expired", "orders.called_off", "orders.proposal_closed", "orders.approved"),
    *("orders.dispute_settled", "orders.settlement_offered", "orders.dispute_withdrawn", "orders.dispute_ruled"),
    *("orders.refund_account_needed", "orders.refund_promised", "orders.refund_owed", "orders.case_to_rule"),
    *("orders.money_sent", "orders.money_arrived", "orders.money_failed", "orders.to_pay_out", "orders.dispute_moved"),
}


def test_everything_is_told_in_short_exact_finished_words_and_leads_to_its_page(everything: Cast):
    references = set(Order.objects.values_list("payment_reference", flat=True))
    for told in Notification.objects.exclude(kind="orders.account_added").select_related("user"):
        check_where_it_leads(told, everything)
        words = f"{told.subject} {told.body}"
        assert len(told.subject) < 130, told.subject
        assert 20 < len(told.body) < 560, (told.kind, len(told.body), told.body)
        assert not re.search(r"[{}%]|  |None|&\w+;|<bdi>| \.|\.\.|““| ,|\(\)", words), (told.kind, words)
        assert re.search(r"\d\.\d\d\u00a0EUR", words), (told.kind, words)
        if told.kind not in PLAYED_OUT:
            assert re.search(r"\w{3} \d+ \w{3} 2026, \d\d:\d\d EAT", words), (told.kind, words)
        if told.kind not in {"orders.to_pay_out", "orders.money_sent", "orders.money_arrived", "orders.money_failed"}:
            assert any(reference in words for reference in references), (told.kind, words)
        if everything.custody == Custody.DIRECT:
            assert not re.search(r"escrow|releas|less the fee|the fee", words.lower()), (told.kind, words)
    kinds = set(Notification.objects.values_list("kind", flat=True)) | {"orders.account_added"}
    assert kinds == {kind.name for kind in KINDS} - UNTOLD[everything.custody]


def test_the_owner_of_a_new_payout_account_is_mailed_even_if_they_want_no_mail(buyer: User):
    with time_machine.travel(NOW, tick=False):
        account = save_payout_account(actor=buyer, kind="mobile", currency="KES", holder="Amara Okafor", account="+254712345678")
    notification = Notification.objects.get()
    assert (notification.user, notification.url) == (buyer, "/settings/payout-accounts/")
    words = "On Mon 2 Mar 2026, 09:30 UTC this account was added to those your money can be sent to: "
    assert notification.body.startswith(f"{words}{account.masked}.")
    assert "712345" not in notification.body
    assert notification.mail.recipient == buyer.email


def check_where_it_leads(told: Notification, cast: Cast) -> None:
    assert told.user.is_staff or not EVENTS[told.kind].for_staff
    if told.user_id in (cast.client.pk, cast.freelancer.pk):
        assert re.fullmatch(r"/orders/[0-9a-f-]{36}/|/balance/", told.url), told.url
    else:
        cases = dict.fromkeys(CASE_KINDS, "dispute")
        desk = {"orders.to_pay_out": "disbursement", **cases}.get(told.kind, "paymentproof")
        assert told.url.startswith(f"/admin/orders/{desk}/"), (told.kind, told.url)


def test_a_clock_tells_both_sides_and_a_person_only_the_other(people: dict[str, User]):
    cast = Cast(people["c"], people["f"], people["m"], Custody.PLATFORM)
    auto_approved(cast)
    assert told(cast.client)[-1] == told(cast.freelancer)[-1] == "auto_approved"
    declined(cast)
    assert told(cast.client)[-2:] == ["refund_account_needed", "called_off"]
    assert "called_off" not in told(cast.freelancer)


def test_a_clock_that_only_reminds_does_not_say_that_the_dispute_has_moved(people: dict[str, User]):
    cast = Cast(people["c"], people["f"], people["m"], Custody.PLATFORM)
    order = opened(cast)
    before = told(cast.client)
    order = advanced(order)
    assert told(cast.client) == before
    assert told(cast.freelancer)[-2:] == ["dispute_opened", "dispute_answer_missing"]
    order = reviewed(order)
    assert told(cast.client)[-2:] == ["dispute_moved", "dispute_moved"]
    assert told(people["m"])[-1] == told(people["n"])[-1] == "case_to_rule"
    both = told(cast.client)
    advanced(order)
    assert told(cast.client) == both
    assert told(people["m"])[-2:] == ["case_to_rule", "case_to_rule"]


def test_a_case_is_its_moderators_once_they_have_it(people: dict[str, User]):
    cast = Cast(people["c"], people["f"], people["m"], Custody.PLATFORM)
    order = reviewed(opened(cast))
    assert set(recipients(order, Audience.CASE, but=None)) == {people["m"], people["n"]}
    order = taken(order, people["n"])
    assert recipients(order, Audience.CASE, but=None) == [people["n"]]


def test_staff_without_the_permission_are_not_asked(people: dict[str, User], settings):
    clerk = UserFactory(full_name="Clerk Payer", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="pay_out"))
    cast = Cast(people["c"], people["f"], people["m"], Custody.PLATFORM)
    pay_out(cast)
    opened(cast)
    assert set(told(clerk)) == {"to_pay_out"}


def test_payout_words_never_go_to_who_gets_the_money(people: dict[str, User]):
    cast = Cast(people["c"], people["n"], people["m"], Custody.PLATFORM)
    pay_out(cast)
    assert "to_pay_out" not in told(people["n"])
    assert told(people["m"]).count("to_pay_out") == 2


def test_a_refund_under_direct_custody_is_told_as_the_freelancers_debt(people: dict[str, User]):
    cast = Cast(people["c"], people["f"], people["m"], Custody.DIRECT)
    order = declined(cast)
    row = order.disbursements.get()
    assert disbursement_told(row, DisbursementAction.REQUEST, but=None) == [
        (cast.client, "orders.refund_promised"),
        (cast.freelancer, "orders.refund_owed"),
    ]
    refund_of(order, "send", cast)
    payouts.confirm_refund(actor=cast.client, order_id=order.pk, seen=order.version)
    assert told(cast.client)[-1] == "money_sent"
    assert told(cast.freelancer)[-2:] == ["refund_owed", "money_arrived"]


# --- What has been overtaken ------------------------------------------------------------------------------------------
def asked(person: User) -> list[str]:
    """What still says "your turn" to them, oldest first."""
    unread = Notification.objects.filter(user=person, severity="action", read_at=None).order_by("pk")
    return [kind.removeprefix("orders.") for kind in unread.values_list("kind", flat=True)]


def test_what_asked_somebody_to_act_is_read_once_the_order_has_moved_on(buyer: User, freelancer: User):
    elsewhere = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    assert asked(freelancer) == ["ready_to_start", "ready_to_start"]
    order = lifecycle.start_work(actor=freelancer, order_id=order.pk, seen=order.version)
    order = deliver(order)
    assert (asked(freelancer), asked(buyer)) == (["ready_to_start"], ["delivered"])
    lifecycle.approve(actor=buyer, order_id=order.pk, seen=order.version)
    assert (asked(freelancer), asked(buyer)) == (["ready_to_start"], [])
    assert Notification.objects.get(user=freelancer, severity="action", read_at=None).url == elsewhere.get_absolute_url()
    assert Notification.objects.filter(user=freelancer, kind="orders.approved", read_at=None).exists()  # news stay new


def test_what_a_step_itself_asks_for_stays_unread(people: dict[str, User]):
    cast = Cast(people["c"], people["f"], people["m"], Custody.PLATFORM)
    declined(cast)
    assert asked(cast.client) == ["refund_account_needed"]
    assert asked(cast.freelancer) == []
    order = advanced(opened(cast))  # a reminder of a missing statement
    assert "dispute_answer_missing" in asked(cast.freelancer)
    offer = {"seen": order.version, "freelancer_amount": Decimal(40)}
    order = settlements.offer_settlement(actor=cast.client, order_id=order.pk, **offer)
    assert asked(cast.freelancer)[-1] == "settlement_offered"
    assert "dispute_answer_missing" in asked(cast.freelancer)  # an offer of the other side answers nothing
    taken(reviewed(order), cast.moderator)  # staff do not answer for the parties
    assert asked(cast.client) == ["refund_account_needed"]


def test_a_step_overtakes_in_one_query(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    with CaptureQueriesContext(connection) as queries:
        lifecycle.start_work(actor=freelancer, order_id=order.pk, seen=order.version)
    assert len([q for q in queries.captured_queries if q["sql"].startswith('UPDATE "messaging_notification"')]) == 1


def test_a_proof_costs_as_many_questions_however_many_moderators_are_told(buyer: User, freelancer: User, moderator: User):
    told, asked = [], []
    for more in (0, 5):
        for other in UserFactory.create_batch(more, is_staff=True):
            other.user_permissions.set(moderator.user_permissions.all())
        order = order_in(client=buyer, freelancer=freelancer)
        with CaptureQueriesContext(connection) as queries:
            hand_in_proof(order)
        told.append(Notification.objects.filter(url__contains=str(order.proofs.get().pk)).count())
        asked.append(len(queries))
    assert told[1] == told[0] + 5
    assert asked[1] == asked[0]


def test_the_warning_before_an_approval_cannot_be_misread(people: dict[str, User]):
    with time_machine.travel(NOW, tick=False):
        order = order_in(Status.SUBMITTED, client=people["c"], freelancer=people["f"])
        remind_of_all(order)
    warning = Notification.objects.get(kind="orders.approval_soon")
    body = warning.body.replace("\u00a0", " ")
    assert warning.subject.startswith("Decide by Mon 9 Mar 2026, 12:30 EAT, or it approves itself: ")
    assert "approves itself on Mon 9 Mar 2026, 12:30 EAT, and 120.00 EUR goes to José Ñíguez." in body
    assert "To stop that, ask for changes, if a round is left, or open a dispute" in body
