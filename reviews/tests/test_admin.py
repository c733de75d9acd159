"""Reviews in the moderators' site."""

import pytest
from django.contrib.auth.models import Permission

from orders.models import Order
from orders.states import Status
from orders.tests.factories import order_in
from reviews.services import write_review

LIST = "/admin/reviews/review/"


@pytest.fixture
def order(buyer, freelancer) -> Order:
    for person in (buyer, freelancer):
        person.is_staff = True
        person.save()
        person.user_permissions.add(Permission.objects.get(codename="view_review"))
    return order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)


@pytest.fixture
def browsers(order, moderator, sign_in) -> dict:
    """Three who may read reviews: both sides of the order, and a moderator who has no part in it."""
    moderator.user_permissions.add(Permission.objects.get(codename="view_review"))
    return {"client": sign_in(order.client), "freelancer": sign_in(order.freelancer), "moderator": sign_in(moderator)}


def sights(browsers, review) -> dict[str, tuple[int, int]]:
    """How many reviews each one's list shows, and the answer to the address of this one."""
    return {
        name: (browser.get(LIST).context["cl"].result_count, browser.get(f"{LIST}{review.pk}/change/").status_code)
        for name, browser in browsers.items()
    }


def test_staff_read_no_secret_review_of_an_order_of_their_own(order, browsers):
    review = write_review(actor=order.client, order=order, rating=2, comment="Late.")
    assert sights(browsers, review) == {"client": (0, 302), "freelancer": (0, 302), "moderator": (1, 200)}


def test_published_reviews_are_read_by_all_staff(order, browsers):
    review = write_review(actor=order.client, order=order, rating=2, comment="Late.")
    write_review(actor=order.freelancer, order=order, rating=5, comment="Kind.")
    assert sights(browsers, review) == dict.fromkeys(browsers, (2, 200))


def test_reviews_are_changed_by_nobody(order, browsers):
    review = write_review(actor=order.client, order=order, rating=2, comment="Late.")
    assert browsers["moderator"].post(f"{LIST}{review.pk}/change/", {"rating": 5}).status_code == 403
    assert browsers["moderator"].post(f"{LIST}{review.pk}/delete/", {"post": "yes"}).status_code == 403
    review.refresh_from_db()
    assert (review.rating, review.comment) == (2, "Late.")
