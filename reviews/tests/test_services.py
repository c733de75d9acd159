"""Two people review each other: hidden, then published, counted once."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from accounts.models import UserStats
from gigs.models import GigStats
from messaging.letters import letter_for
from messaging.models import Notification
from orders.models import Order
from orders.states import Status
from orders.tests.factories import REACHABLE, order_in
from reviews.exceptions import AlreadyReplied, AlreadyReviewed, ReplyNotPossible, ReviewClosed, ReviewNotPossible
from reviews.models import Review
from reviews.selectors import list_reviews_of_gig, list_reviews_of_person, review_panel_for
from reviews.services import publish_due_reviews, reply_to_review, write_review

FORTNIGHT = timedelta(days=14)


@pytest.fixture
def order(buyer, freelancer) -> Order:
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    Notification.objects.all().delete()
    return order


def counters(order: Order) -> dict[str, tuple[int, int]]:
    """Sum and count of the ratings of the gig, of the freelancer, and of the client."""
    gig = GigStats.objects.filter(gig=order.gig).first() or GigStats()
    freelancer = UserStats.objects.filter(user=order.freelancer).first() or UserStats()
    client = UserStats.objects.filter(user=order.client).first() or UserStats()
    assert (freelancer.client_rating_count, client.rating_count) == (0, 0)
    return {
        "gig": (gig.rating_sum, gig.rating_count),
        "freelancer": (freelancer.rating_sum, freelancer.rating_count),
        "client": (client.client_rating_sum, client.client_rating_count),
    }


NOTHING = {"gig": (0, 0), "freelancer": (0, 0), "client": (0, 0)}
BOTH = {"gig": (5, 1), "freelancer": (5, 1), "client": (3, 1)}


def told() -> list[tuple[str, str, str]]:
    rows = Notification.objects.order_by("id").values_list("user__handle", "kind", "subject")
    return [tuple(row) for row in rows]


def by_client(order: Order) -> Review:
    return write_review(actor=order.client, order=order, rating=5, comment="Wonderful.\n\nAgain!")


def by_freelancer(order: Order) -> Review:
    return write_review(actor=order.freelancer, order=order, rating=3, comment="Slow to answer.")


# --- Writing --------------------------------------------------------------------------------------------------------
def test_the_first_review_is_hidden_and_not_counted_and_the_other_side_is_invited(order):
    review = by_client(order)
    assert (review.author, review.recipient, review.gig, review.by_client) == (order.client, order.freelancer, order.gig, True)
    assert (review.rating, review.comment) == (5, "Wonderful.\n\nAgain!")
    assert (review.published_at, review.publish_at) == (None, order.completed_at + FORTNIGHT)
    assert (list(list_reviews_of_gig(order.gig)), list(list_reviews_of_person(order.freelancer))) == ([], [])
    assert counters(order) == NOTHING
    assert told() == [("jose", "reviews.invited", "Amara Okafor has reviewed you: now it is your turn")]


def test_the_invitation_keeps_the_secret(order):
    by_client(order)
    notification = Notification.objects.get()
    letter = letter_for(notification)
    for text in (notification.body, letter.text, letter.html):
        assert "Wonderful" not in text
        assert "star" not in text


def test_the_second_review_publishes_and_counts_both_and_tells_both(order):
    by_freelancer(order)
    Notification.objects.all().delete()
    second = by_client(order)
    first = Review.objects.get(by_client=False)
    assert first.published_at == second.published_at is not None
    assert list(list_reviews_of_gig(order.gig)) == [second]
    assert list(list_reviews_of_person(order.freelancer)) == [second]
    assert list(list_reviews_of_person(order.client)) == [first]
    assert counters(order) == BOTH
    assert sorted(told()) == [
        ("amara", "reviews.received", "José Ñíguez gave you 3 stars"),
        ("jose", "reviews.received", "Amara Okafor gave you 5 stars"),
    ]
    assert "Wonderful.\n\nAgain!" in Notification.objects.get(user=order.freelancer).body


def test_the_same_words_again_are_quiet_success(order):
    assert by_client(order) == by_client(order)
    by_freelancer(order)
    by_client(order)
    assert Review.objects.count() == 2
    assert counters(order) == BOTH
    assert [kind for _who, kind, _subject in told()] == ["reviews.invited", "reviews.received", "reviews.received"]


def test_other_words_the_second_time_are_refused(order):
    by_client(order)
    with pytest.raises(AlreadyReviewed):
        write_review(actor=order.client, order=order, rating=1, comment="Changed my mind.")
    assert list(Review.objects.values_list("rating", "comment")) == [(5, "Wonderful.\n\nAgain!")]
    assert len(told()) == 1


def test_a_stranger_and_a_moderator_cannot_review(order, stranger, moderator):
    for person in (stranger, moderator):
        with pytest.raises(ReviewNotPossible):
            write_review(actor=person, order=order, rating=1, comment="Bah.")
    assert (Review.objects.count(), told()) == (0, [])


@pytest.mark.parametrize("status", [status for status in REACHABLE if status != Status.COMPLETED])
def test_an_order_that_is_not_completed_cannot_be_reviewed(buyer, freelancer, status):
    order = order_in(status, client=buyer, freelancer=freelancer)
    with pytest.raises(ReviewNotPossible):
        by_client(order)
    assert Review.objects.count() == 0


def test_one_can_write_until_the_last_second_of_the_fortnight_and_not_after(order):
    with time_machine.travel(order.completed_at + FORTNIGHT, tick=False), pytest.raises(ReviewClosed):
        by_client(order)
    assert Review.objects.count() == 0
    with time_machine.travel(order.completed_at + FORTNIGHT - timedelta(seconds=1), tick=False):
        by_client(order)
    assert Review.objects.count() == 1


# --- The sweep ------------------------------------------------------------------------------------------------------
def test_after_a_fortnight_a_lonely_review_is_published_and_counted_once(order):
    review = by_client(order)
    Notification.objects.all().delete()
    due = order.completed_at + FORTNIGHT
    assert publish_due_reviews(now=due - timedelta(seconds=1)) == 0
    assert counters(order) == NOTHING
    assert [publish_due_reviews(now=due), publish_due_reviews(now=due)] == [1, 0]
    review.refresh_from_db()
    assert review.published_at == due
    assert counters(order) == {"gig": (5, 1), "freelancer": (5, 1), "client": (0, 0)}
    assert told() == [("jose", "reviews.received", "Amara Okafor gave you 5 stars")]


def test_what_the_freelancer_wrote_does_not_count_for_the_gig(order):
    by_freelancer(order)
    publish_due_reviews(now=order.completed_at + FORTNIGHT)
    assert counters(order) == {"gig": (0, 0), "freelancer": (0, 0), "client": (3, 1)}


def test_nobody_answers_a_published_review_even_when_the_sweep_was_early(order):
    by_client(order)
    publish_due_reviews(now=order.completed_at + FORTNIGHT)
    with time_machine.travel(order.completed_at + FORTNIGHT), pytest.raises(ReviewClosed):
        by_freelancer(order)
    assert Review.objects.count() == 1


def test_the_command_is_the_same_sweep(order, capsys):
    by_client(order)
    with time_machine.travel(order.completed_at + FORTNIGHT):
        call_command("publish_reviews")
    call_command("publish_reviews", verbosity=0)
    assert capsys.readouterr().out == "1 published\n"
    assert Review.objects.get().published_at is not None


# --- The reply ------------------------------------------------------------------------------------------------------
@pytest.fixture
def published(order) -> Review:
    by_freelancer(order)
    review = by_client(order)
    Notification.objects.all().delete()
    return review


def test_the_recipient_replies_once_and_the_author_is_told(published, freelancer):
    review = reply_to_review(actor=freelancer, review=published, text="Thank you.")
    assert review.reply == "Thank you."
    assert review.replied_at is not None
    assert told() == [("amara", "reviews.replied", "José Ñíguez has replied to your review")]


def test_the_same_reply_again_is_quiet_success_and_another_is_refused(published, freelancer):
    reply_to_review(actor=freelancer, review=published, text="Thank you.")
    reply_to_review(actor=freelancer, review=published, text="Thank you.")
    with pytest.raises(AlreadyReplied):
        reply_to_review(actor=freelancer, review=published, text="No thank you.")
    published.refresh_from_db()
    assert published.reply == "Thank you."
    assert len(told()) == 1


def test_nobody_but_the_recipient_replies(published, buyer, stranger, moderator):
    for person in (buyer, stranger, moderator):
        with pytest.raises(ReplyNotPossible):
            reply_to_review(actor=person, review=published, text="Me too.")
    published.refresh_from_db()
    assert (published.reply, told()) == ("", [])


def test_a_hidden_review_has_no_reply(order):
    review = by_client(order)
    with pytest.raises(ReplyNotPossible):
        reply_to_review(actor=order.freelancer, review=review, text="I guessed it.")
    review.refresh_from_db()
    assert review.reply == ""


# --- What each side sees --------------------------------------------------------------------------------------------
def test_the_panel_shows_ones_own_review_at_once_and_the_others_when_published(order):
    panel = review_panel_for(order.client, order)
    assert (panel.mine, panel.theirs, panel.can_review, panel.other) == (None, None, True, order.freelancer)
    mine = by_client(order)
    panel = review_panel_for(order.client, order)
    assert (panel.mine, panel.theirs, panel.can_review) == (mine, None, False)
    panel = review_panel_for(order.freelancer, order)
    assert (panel.mine, panel.theirs, panel.can_review) == (None, None, True)
    theirs = by_freelancer(order)
    panel = review_panel_for(order.client, order)
    assert (panel.mine, panel.theirs, panel.can_review) == (mine, theirs, False)


def test_the_panel_says_when_the_time_is_over(order):
    with time_machine.travel(order.completed_at + FORTNIGHT, tick=False):
        panel = review_panel_for(order.client, order)
    assert (panel.can_review, panel.closes_at) == (False, order.completed_at + FORTNIGHT)


# --- Races ----------------------------------------------------------------------------------------------------------
def at_once(*jobs) -> None:
    start, failures = Barrier(len(jobs)), []

    def run(job) -> None:
        start.wait()
        try:
            job()
        except Exception as failure:  # noqa: BLE001 (a thread's failure must fail the test, whatever it is)
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.postgres
@pytest.mark.skipif("connections['default'].vendor != 'postgresql'")
@pytest.mark.django_db(transaction=True)
def test_both_sides_writing_at_once_publish_and_count_once(order):
    at_once(lambda: by_client(order), lambda: by_freelancer(order), lambda: by_client(order), lambda: by_freelancer(order))
    assert Review.objects.filter(published_at__isnull=False).count() == 2
    assert counters(order) == BOTH


@pytest.mark.postgres
@pytest.mark.skipif("connections['default'].vendor != 'postgresql'")
@pytest.mark.django_db(transaction=True)
def test_two_people_who_buy_from_each_other_do_not_lock_each_other_out(buyer, freelancer):
    there = [order_in(Status.COMPLETED, client=buyer, freelancer=freelancer) for _ in range(3)]
    back = [order_in(Status.COMPLETED, client=freelancer, freelancer=buyer) for _ in range(3)]
    for order in there + back:
        by_client(order)
    at_once(*(lambda order=order: by_freelancer(order) for order in there + back))
    stats = UserStats.objects.get(user=buyer)
    assert (stats.rating_sum, stats.rating_count, stats.client_rating_sum, stats.client_rating_count) == (15, 3, 9, 3)


@pytest.mark.postgres
@pytest.mark.skipif("connections['default'].vendor != 'postgresql'")
@pytest.mark.django_db(transaction=True)
def test_several_sweeps_and_a_late_writer_at_once_count_once(order):
    by_client(order)
    due = timezone.now() + FORTNIGHT
    at_once(*[lambda: publish_due_reviews(now=due)] * 4)
    assert counters(order) == {"gig": (5, 1), "freelancer": (5, 1), "client": (0, 0)}
