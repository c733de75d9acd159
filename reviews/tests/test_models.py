import pytest
from django.db import IntegrityError, transaction

from orders.states import Status
from orders.tests.factories import order_in
from reviews.models import Review


@pytest.fixture
def fields(buyer, freelancer) -> dict:
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    return {
        "order": order,
        "gig": order.gig,
        "author": buyer,
        "recipient": freelancer,
        "by_client": True,
        "rating": 4,
        "comment": "Good.",
        "publish_at": order.completed_at,
    }


def refuses(**fields) -> None:
    before = Review.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(**fields)
    assert Review.objects.count() == before


@pytest.mark.parametrize("rating", [0, 6])
def test_the_database_knows_one_to_five_stars(fields, rating):
    refuses(**{**fields, "rating": rating})


def test_the_database_knows_one_review_a_person(fields):
    Review.objects.create(**fields)
    refuses(**{**fields, "by_client": False})


def test_the_database_knows_one_review_a_side(fields, stranger):
    Review.objects.create(**fields)
    refuses(**{**fields, "author": stranger})


def test_the_database_knows_that_nobody_reviews_themselves(fields, buyer):
    refuses(**{**fields, "recipient": buyer})


def test_the_database_knows_that_a_reply_has_a_time(fields):
    refuses(**{**fields, "reply": "Thanks."})
