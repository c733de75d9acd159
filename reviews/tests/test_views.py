from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from messaging.models import Notification
from orders.models import Order
from orders.states import Status
from orders.tests.factories import order_in
from reviews.models import Review
from reviews.services import publish_due_reviews, reply_to_review, write_review

WORDS = {"rating": "4", "comment": "Good work.\r\nIn time."}


@pytest.fixture
def order(buyer, freelancer) -> Order:
    return order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)


def write_url(order: Order) -> str:
    return reverse("reviews:write", args=[order.pk])


@pytest.fixture
def published(order) -> Review:
    """What the client wrote about the freelancer, public."""
    write_review(actor=order.freelancer, order=order, rating=3, comment="Fine.")
    return write_review(actor=order.client, order=order, rating=5, comment="<b>Wonderful</b>\nAgain!")


def reply_url(review: Review) -> str:
    return reverse("reviews:reply", args=[review.pk])


# --- Writing --------------------------------------------------------------------------------------------------------
def test_both_sides_find_a_form_with_the_stars_by_name(order, sign_in):
    for person in (order.client, order.freelancer):
        page = sign_in(person).get(write_url(order)).content.decode()
        assert page.count('type="radio"') == 5
        assert "5 stars:" in page
        assert "Save my review" in page


def test_a_review_is_saved_and_shown_to_its_author_alone(order, sign_in):
    client = sign_in(order.client)
    response = client.post(write_url(order), WORDS)
    assert (response.status_code, response.url) == (302, write_url(order))
    assert list(Review.objects.values_list("author", "rating", "comment")) == [(order.client_id, 4, "Good work.\nIn time.")]
    mine = client.get(write_url(order)).content.decode()
    assert "Good work.<br>In time." in mine
    assert "Save my review" not in mine
    theirs = sign_in(order.freelancer).get(write_url(order)).content.decode()
    assert "Good work" not in theirs
    assert "Save my review" in theirs


def test_a_double_click_saves_one_review_and_says_so_twice(order, sign_in):
    client = sign_in(order.client)
    assert [client.post(write_url(order), WORDS).status_code for _ in range(2)] == [302, 302]
    assert Review.objects.count() == 1


def test_other_words_from_a_second_tab_are_refused_and_kept_on_the_page(order, sign_in):
    client = sign_in(order.client)
    client.post(write_url(order), WORDS)
    response = client.post(write_url(order), {"rating": "1", "comment": "Typed in the other tab."})
    assert response.status_code == 200
    page = response.content.decode()
    assert "You have reviewed this order already." in page
    assert "Typed in the other tab." in page
    assert list(Review.objects.values_list("rating", flat=True)) == [4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"rating": ""},
        {"rating": "0"},
        {"rating": "6"},
        {"rating": "4.5"},
        {"rating": "four"},
        {"comment": ""},
        {"comment": "   \n "},
        {"comment": "x" * 2001},
        {"comment": "nul \x00 in it"},
        {"comment": "turned \u202e round"},
    ],
)
def test_bad_input_is_explained_and_nothing_written(order, sign_in, wrong):
    response = sign_in(order.client).post(write_url(order), {**WORDS, **wrong})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert (Review.objects.count(), Notification.objects.filter(kind__startswith="reviews.").count()) == (0, 0)


def test_the_persons_words_stay_when_the_stars_are_missing(order, sign_in):
    page = sign_in(order.client).post(write_url(order), {"comment": "My long text."}).content.decode()
    assert "My long text.</textarea>" in page
    assert "Choose one to five stars." in page


@pytest.mark.parametrize("who", ["stranger", "moderator"])
def test_nobody_else_finds_the_page(order, sign_in, request, who):
    person = sign_in(request.getfixturevalue(who))
    assert person.get(write_url(order)).status_code == 404
    assert person.post(write_url(order), WORDS).status_code == 404
    assert Review.objects.count() == 0


def test_writing_needs_a_sign_in_and_a_token(order, client):
    assert client.get(write_url(order)).url == f"/accounts/login/?next={write_url(order)}"
    assert client.post(write_url(order), WORDS).url == f"/accounts/login/?next={write_url(order)}"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(order.client)
    assert strict.post(write_url(order), WORDS).status_code == 403
    assert Review.objects.count() == 0


def test_an_unfinished_order_says_not_yet(buyer, freelancer, sign_in):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    client = sign_in(buyer)
    assert "once the order is completed" in client.get(write_url(order)).content.decode()
    response = client.post(write_url(order), WORDS)
    assert response.status_code == 200
    assert "once it is completed" in response.content.decode()
    assert Review.objects.count() == 0


def test_after_a_fortnight_the_page_says_that_the_time_is_over(order, sign_in):
    write_review(actor=order.freelancer, order=order, rating=3, comment="Fine.")
    later = order.completed_at + timedelta(days=14)
    publish_due_reviews(now=later)
    with time_machine.travel(later):
        client = sign_in(order.client)
        page = client.get(write_url(order)).content.decode()
        assert "The time to review is over" in page
        assert "Fine." in page
        response = client.post(write_url(order), WORDS)
    assert "The time to review this order is over." in response.content.decode()
    assert Review.objects.count() == 1


def test_a_published_review_is_plain_text_with_its_line_breaks(order, published, sign_in):
    page = sign_in(order.freelancer).get(write_url(order)).content.decode()
    assert "&lt;b&gt;Wonderful&lt;/b&gt;<br>Again!" in page
    assert reply_url(published) in page


def test_the_page_asks_few_questions(order, published, sign_in, django_assert_max_num_queries):
    client = sign_in(order.client)
    with django_assert_max_num_queries(6):
        client.get(write_url(order))


# --- Replying -------------------------------------------------------------------------------------------------------
def test_the_recipient_replies_in_public(order, published, sign_in):
    client = sign_in(order.freelancer)
    assert "Wonderful" in client.get(reply_url(published)).content.decode()
    response = client.post(reply_url(published), {"text": "Thank you.\nReally."})
    assert (response.status_code, response.url) == (302, write_url(order))
    page = sign_in(order.client).get(write_url(order)).content.decode()
    assert "Thank you.<br>Really." in page


def test_a_second_reply_is_refused_and_the_first_stays(order, published, sign_in):
    reply_to_review(actor=order.freelancer, review=published, text="Thank you.")
    client = sign_in(order.freelancer)
    assert "You have replied already." in client.get(reply_url(published)).content.decode()
    assert client.post(reply_url(published), {"text": "Thank you."}).status_code == 302
    response = client.post(reply_url(published), {"text": "On second thought."})
    assert response.status_code == 200
    assert "You have replied to this review already." in response.content.decode()
    published.refresh_from_db()
    assert published.reply == "Thank you."


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "nul \x00"])
def test_a_bad_reply_is_explained_and_nothing_written(order, published, sign_in, text):
    response = sign_in(order.freelancer).post(reply_url(published), {"text": text})
    assert response.status_code == 200
    assert response.context["form"].errors
    published.refresh_from_db()
    assert published.reply == ""


@pytest.mark.parametrize("who", ["buyer", "stranger", "moderator"])
def test_nobody_else_replies(published, sign_in, request, who):
    person = sign_in(request.getfixturevalue(who))
    assert person.get(reply_url(published)).status_code == 404
    assert person.post(reply_url(published), {"text": "Me too."}).status_code == 404
    published.refresh_from_db()
    assert published.reply == ""


def test_a_hidden_review_cannot_be_found_by_its_number(order, sign_in):
    hidden = write_review(actor=order.client, order=order, rating=1, comment="Hidden.")
    person = sign_in(order.freelancer)
    assert person.get(reply_url(hidden)).status_code == 404
    assert person.post(reply_url(hidden), {"text": "I guessed it."}).status_code == 404
    hidden.refresh_from_db()
    assert hidden.reply == ""


def test_replying_needs_a_sign_in(published, client):
    assert client.post(reply_url(published), {"text": "Me."}).url == f"/accounts/login/?next={reply_url(published)}"
    published.refresh_from_db()
    assert published.reply == ""


# --- Admin ----------------------------------------------------------------------------------------------------------
def test_admin_reads_reviews_and_changes_none(published, moderator, sign_in):
    moderator.is_superuser = True
    moderator.save()
    admin = sign_in(moderator)
    before = list(Review.objects.values())
    change = reverse("admin:reviews_review_change", args=[published.pk])
    assert admin.get(reverse("admin:reviews_review_changelist")).status_code == 200
    assert admin.get(change).status_code == 200
    assert admin.post(change, {"rating": 1}).status_code == 403
    assert admin.get(reverse("admin:reviews_review_add")).status_code == 403
    assert admin.post(reverse("admin:reviews_review_delete", args=[published.pk]), {"post": "yes"}).status_code == 403
    assert list(Review.objects.values()) == before
