"""The demo: when it may be loaded, and that what it loads is whole, in order and the same each time."""

import re
from collections import Counter
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import User, UserStats
from accounts.tests.factories import UserFactory
from gigs.models import Gig, GigImage, GigStats
from marketplace.demo.tables import load
from marketplace.demo.world import LOGINS, PASSWORD
from messaging.models import (
    Attachment,
    Conversation,
    Message,
    MessageReport,
    Notification,
    OutgoingMail,
    Participation,
)
from orders.models import (
    BankStatement,
    Disbursement,
    Dispute,
    Order,
    OrderEvent,
    PaymentMethod,
    PaymentProof,
    PayoutBatch,
    Proposal,
    Receipt,
    StatementLine,
)
from orders.selectors import list_verification_queue
from orders.services.deadlines import process_due
from orders.states import ALLOWED_PAYMENT_STATUS, DIRECT_ONLY, PLATFORM_ONLY, Custody, DisbursementState, Status
from reviews.models import Review

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def debug(settings):
    settings.DEBUG = True


def seed(*options: str) -> str:
    out = StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def rows_of_the_demo() -> list[int]:
    return [model.objects.count() for model in (User, Gig, PaymentMethod, Order, Notification)]


def files(folder: str) -> list[str]:
    return sorted(default_storage.listdir(folder)[1]) if default_storage.exists(folder) else []


def test_it_refuses_where_debug_is_off(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="never loaded where DEBUG is off"):
        seed("--force", "--if-empty")
    assert rows_of_the_demo() == [0, 0, 0, 0, 0]


def test_it_refuses_where_people_are():
    UserFactory()
    with pytest.raises(CommandError, match="people in this database already"):
        seed("--small")
    assert rows_of_the_demo() == [1, 0, 0, 0, 0]


def test_if_empty_does_nothing_and_says_nothing_where_people_are():
    UserFactory()
    assert seed("--if-empty", "--small") == ""
    assert rows_of_the_demo() == [1, 0, 0, 0, 0]


def test_force_refuses_where_the_demo_is_already():
    UserFactory(email="client@example.com", handle="somebody")
    with pytest.raises(CommandError, match="The demo is here already: 1 of its"):
        seed("--force", "--small")
    assert rows_of_the_demo() == [1, 0, 0, 0, 0]


def test_a_failure_halfway_leaves_no_row_and_no_file():
    UserFactory(handle="siobhan-writes")  # of the last one to sign up
    now, before = timezone.now, files("avatars")
    with pytest.raises(CommandError, match="Nothing was kept"):
        seed("--force", "--small")
    assert rows_of_the_demo() == [1, 0, 0, 0, 0]
    assert files("avatars") == before
    assert timezone.now is now


def content(name: str) -> bytes:
    with default_storage.open(name) as file:
        return file.read()


def what_is_to_see() -> dict[str, list[object]]:
    """All that pages show, but the moment it was loaded and the references drawn by lot."""
    cover = {image.gig_id: content(image.path(400)) for image in GigImage.objects.filter(position=0)}
    steps = {}
    for order_id, action in OrderEvent.objects.order_by("order_id", "number").values_list("order_id", "action"):
        steps.setdefault(order_id, []).append(action)
    return {
        "people": sorted(User.objects.values_list("full_name", "handle", "email", "bio", "time_zone")),
        "portraits": sorted(content(user.avatar.name) for user in User.objects.exclude(avatar="")),
        "methods": sorted(PaymentMethod.objects.values_list("label", "account_holder", "account_number", "instructions")),
        "gigs": sorted((g.title, g.description, g.price, g.currency, g.is_active, cover[g.pk]) for g in Gig.objects.all()),
        "orders": sorted(
            (o.gig_title, o.client.handle, o.pay_to_label, o.status, o.price, *steps[o.pk])
            for o in Order.objects.select_related("client")
        ),
        "disputes": sorted(Dispute.objects.values_list("order__gig_title", "reason", "state", "number")),
        "disbursements": sorted(Disbursement.objects.values_list("kind", "reason", "amount", "currency", "state")),
        "entries": sorted(StatementLine.objects.values_list("bank_id", "amount", "light", "state")),
        "proofs": sorted(PaymentProof.objects.values_list("transaction_reference", "payer_name", "state", "rejection_note")),
        "talks": sorted(Message.objects.values_list("sender__handle", "seq", "content")),
        "reviews": sorted(Review.objects.values_list("author__handle", "gig__title", "rating", "comment", "reply")),
    }


def loaded_and_rolled_back(*options: str) -> dict[str, list[object]]:
    with transaction.atomic():
        seed(*options)
        seen = what_is_to_see()
        transaction.set_rollback(True)
    return seen


@pytest.mark.postgres
def test_the_small_demo_is_loaded_on_postgresql_too():
    seed("--small")
    assert set(Order.objects.values_list("status", flat=True)) == set(Status)
    _the_books_are_right()


def texts(value: object) -> list[str]:
    """Every text of a table, however deep it stands."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.once
@pytest.mark.parametrize("table", ["stories", "troubles", "words"])
def test_what_people_write_on_orders_is_shown_as_it_stands(table: str):
    """Nobody renders Markdown there, and a line break is a line break."""
    found = texts(load(table))
    assert len(found) > 20
    assert [text for text in found if re.search(r"\n|\*\*|`", text)] == []


@pytest.mark.once
def test_the_same_seed_gives_the_same_demo():
    assert loaded_and_rolled_back("--small", "--seed=7") == loaded_and_rolled_back("--small", "--seed=7")


@pytest.mark.once
def test_the_whole_demo_is_in_order():
    out = seed("--seed=3")
    now = timezone.now()

    assert all(login in out for login in (*LOGINS, PASSWORD))
    for email in LOGINS:
        person = authenticate(RequestFactory().post("/"), email=email, password=PASSWORD)
        assert person == User.objects.get(email=email)
        assert EmailAddress.objects.filter(user=person, email=email, verified=True, primary=True).count() == 1
    admin = User.objects.get(email="admin@example.com")
    assert (admin.is_staff, admin.is_superuser) == (True, True)
    assert User.objects.filter(is_staff=False, is_superuser=True).count() == 0
    assert User.objects.exclude(email__endswith="@example.com").count() == 0

    _there_is_enough_of_everything()
    _every_allowed_pair_stands_for_its_custodies()
    _quarrels_and_requests_stand_in_every_state()
    _money_is_on_every_step_of_its_way()
    _the_bank_statement_is_half_worked_through()
    _people_talk()
    _the_books_are_right()
    _counters_equal_their_rows()
    assert list_verification_queue(admin).count() >= 4
    assert OutgoingMail.objects.count() == 0
    times = list(Notification.objects.order_by("pk").values_list("created_at", flat=True))
    assert times == sorted(times)
    assert OrderEvent.objects.filter(created_at__gt=now).count() == 0
    assert Notification.objects.filter(read_at=None).count() < Notification.objects.count() / 4


def _there_is_enough_of_everything() -> None:
    assert User.objects.filter(gigs__isnull=False).distinct().count() >= 12
    assert User.objects.filter(orders_as_client__isnull=False).distinct().count() >= 8
    assert Gig.objects.count() >= 40
    assert set(Gig.objects.values_list("currency", flat=True)) == {"EUR", "USD", "KES", "NGN", "JPY", "BTC"}
    pictures = Counter(GigImage.objects.values_list("gig_id", flat=True))
    assert len(pictures) == Gig.objects.count()
    assert set(pictures.values()) <= {2, 3, 4}
    assert Order.objects.filter(status=Status.COMPLETED).count() >= 60
    assert set(PaymentMethod.objects.values_list("kind", flat=True)) == set(PaymentMethod.Kind.values)
    assert PaymentMethod.objects.filter(owner__email="freelancer@example.com", custody=Custody.DIRECT).count() >= 1
    for person in User.objects.filter(email__in=LOGINS[:2]):
        assert person.orders_as_client.count() + person.orders_as_freelancer.count() >= 20


def _every_allowed_pair_stands_for_its_custodies() -> None:
    wanted = {
        (custody.value, status.value, payment.value)
        for status, payments in ALLOWED_PAYMENT_STATUS.items()
        for payment in payments
        for custody in Custody
        if payment not in (DIRECT_ONLY if custody == Custody.PLATFORM else PLATFORM_ONLY)
    }
    assert set(Order.objects.values_list("custody", "status", "payment_status")) == wanted
    for custody in Custody:
        orders = Order.objects.filter(custody=custody)
        again = orders.filter(status=Status.PENDING_PAYMENT, proofs__state=PaymentProof.State.REJECTED)
        fresh = orders.filter(status=Status.PENDING_PAYMENT, proofs=None, pay_by__gt=timezone.now())
        completed = orders.filter(status=Status.COMPLETED)
        assert (again.exists(), fresh.exists()) == (True, True)
        assert completed.filter(reviews__published_at=None, reviews__isnull=False).exists()
        published = Counter(Review.objects.filter(order__in=completed).exclude(published_at=None).values_list("order", flat=True))
        assert 2 in published.values()
    assert Review.objects.exclude(reply="").exists()


def _quarrels_and_requests_stand_in_every_state() -> None:
    assert set(Dispute.objects.values_list("state", flat=True)) == set(Dispute.State.values)
    under_review = Dispute.objects.filter(state=Dispute.State.UNDER_REVIEW)
    assert under_review.filter(moderator=None, appealed_at=None).exists()
    assert under_review.exclude(moderator=None).exists()
    assert under_review.exclude(appealed_at=None).exists()
    assert Dispute.objects.filter(state=Dispute.State.RESOLVED, appeal_until__gt=timezone.now()).exists()
    assert set(Proposal.objects.values_list("state", flat=True)) == set(Proposal.State.values)
    assert set(Proposal.objects.filter(state=Proposal.State.OPEN).values_list("kind", flat=True)) == set(Proposal.Kind.values)


def _money_is_on_every_step_of_its_way() -> None:
    states = {kind: set() for kind in Disbursement.Kind}
    for kind, state in Disbursement.objects.values_list("kind", "state"):
        states[kind].add(state)
    assert states[Disbursement.Kind.PAYOUT] == states[Disbursement.Kind.REFUND] == set(DisbursementState)
    assert Disbursement.objects.filter(kind=Disbursement.Kind.RETURN).exists()
    assert Disbursement.objects.filter(payer=User.objects.get(email="freelancer@example.com"), state="requested").exists()
    assert Disbursement.objects.filter(person=User.objects.get(email="client@example.com"), account=None).exists()
    assert PayoutBatch.objects.filter(exported_at=None, disbursements__state=DisbursementState.APPROVED).exists()
    assert PayoutBatch.objects.exclude(exported_at=None).exists()
    paid = Order.objects.exclude(confirmed_at=None)
    assert Receipt.objects.count() == paid.count() >= 100


def _the_bank_statement_is_half_worked_through() -> None:
    statement = BankStatement.objects.get()
    State, Light = StatementLine.State, StatementLine.Light
    assert statement.is_complete
    assert {(State.OPEN, light) for light in Light} <= set(statement.lines.values_list("state", "light"))
    assert set(statement.lines.values_list("state", flat=True)) == {*State.values} - {State.ASSIGNED}
    assert statement.unreadable.filter(resolved_at=None).count() == statement.unreadable.exclude(resolved_at=None).count() == 1


def _people_talk() -> None:
    mine = Participation.objects.filter(user__email__in=LOGINS[:2], last_seq__gt=0)
    assert mine.filter(archived=False).count() >= 10
    for state in ({"last_seq__gt": F("read_seq")}, {"archived": True}, {"muted": True}):
        assert mine.filter(**state).exists()
    assert Attachment.objects.exclude(preview="").filter(message__order__isnull=False).exists()
    assert set(MessageReport.objects.values_list("decision", flat=True)) == {"", MessageReport.Decision.UPHELD}
    for talk in Conversation.objects.all():
        times = list(talk.messages.order_by("seq").values_list("created_at", flat=True))
        assert (len(times), times) == (talk.last_seq, sorted(times))
    about = Message.objects.filter(order__isnull=False).annotate(ordered_at=F("order__created_at"))
    assert about.exists()
    assert not about.filter(created_at__lt=F("ordered_at")).exists()


def _the_books_are_right() -> None:
    out = StringIO()
    call_command("reconcile", stdout=out)  # it exits on a breach
    assert out.getvalue().endswith(" 0 breaches\n")
    assert Order.objects.exclude(clock_error="").count() == 0
    assert process_due(now=timezone.now(), dry_run=True) == Counter()


def _counters_equal_their_rows() -> None:
    public = Review.objects.exclude(published_at=None)
    for stats in UserStats.objects.all():
        received = public.filter(recipient=stats.user_id)
        as_freelancer = list(received.filter(by_client=True).values_list("rating", flat=True))
        as_client = list(received.filter(by_client=False).values_list("rating", flat=True))
        completed = Order.objects.filter(freelancer=stats.user_id, status=Status.COMPLETED).count()
        assert (stats.rating_sum, stats.rating_count) == (sum(as_freelancer), len(as_freelancer))
        assert (stats.client_rating_sum, stats.client_rating_count) == (sum(as_client), len(as_client))
        assert stats.orders_completed == completed
    for stats in GigStats.objects.all():
        ratings = list(public.filter(gig=stats.gig_id, by_client=True).values_list("rating", flat=True))
        completed = Order.objects.filter(gig=stats.gig_id, status=Status.COMPLETED).count()
        assert (stats.rating_sum, stats.rating_count, stats.orders_completed) == (sum(ratings), len(ratings), completed)
