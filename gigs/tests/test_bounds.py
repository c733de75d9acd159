"""How many gigs one freelancer may have, and make within a day."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer
from accounts.tests.factories import UserFactory
from gigs.exceptions import TooManyGigs, TooManyNewGigs
from gigs.models import Category, Gig
from gigs.services import archive_gig, create_gig, offers, restore_gig
from gigs.services.offers import MOST_GIGS, MOST_NEW_A_DAY
from gigs.tests.factories import CategoryFactory, GigFactory, checked_picture, stored_files
from gigs.tests.test_services import LEAST
from marketplace.exceptions import DomainError

BODY = {**LEAST, "price": "120.00"}


def some_gigs(count: int, freelancer: User) -> list[Gig]:
    category = CategoryFactory()
    return Gig.objects.bulk_create(Gig(freelancer=freelancer, category=category, **LEAST) for _ in range(count))


def some_old_gigs(count: int, freelancer: User) -> list[Gig]:
    gigs = some_gigs(count, freelancer)
    Gig.objects.update(created_at=timezone.now() - timedelta(days=2))
    return gigs


@pytest.mark.django_db
def test_a_freelancer_has_so_many_gigs(freelancer: User, stranger: User):
    gigs = some_old_gigs(MOST_GIGS - 1, freelancer)
    create_gig(actor=freelancer, **LEAST)
    with pytest.raises(TooManyGigs, match="You have 100 gigs, as many as one person may have"):
        create_gig(actor=freelancer, pictures=[checked_picture()], **LEAST)
    assert (Gig.objects.count(), stored_files()) == (MOST_GIGS, [])
    create_gig(actor=stranger, **LEAST)
    archive_gig(actor=freelancer, gig=gigs[0])
    create_gig(actor=freelancer, **LEAST)


@pytest.mark.django_db
def test_an_archived_gig_comes_back_only_where_there_is_room(freelancer: User):
    gig, other = some_old_gigs(MOST_GIGS, freelancer)[:2]
    archive_gig(actor=freelancer, gig=gig)
    create_gig(actor=freelancer, **LEAST)
    with pytest.raises(TooManyGigs):
        restore_gig(actor=freelancer, gig=gig)
    gig.refresh_from_db()
    assert gig.state == "archived"
    archive_gig(actor=freelancer, gig=other)
    assert restore_gig(actor=freelancer, gig=gig).state == "paused"


@pytest.mark.django_db
def test_restoring_a_gig_that_is_there_is_no_new_one(freelancer: User):
    gig = some_gigs(MOST_GIGS, freelancer)[0]
    assert restore_gig(actor=freelancer, gig=gig).state == "active"


@pytest.mark.django_db
def test_so_many_are_made_within_a_day_and_archiving_them_makes_no_room(freelancer: User):
    gigs = some_gigs(MOST_NEW_A_DAY, freelancer)
    Gig.objects.update(archived_at=timezone.now(), is_active=False)
    with pytest.raises(TooManyNewGigs, match="You have made 60 gigs within a day"):
        create_gig(actor=freelancer, pictures=[checked_picture()], **LEAST)
    assert (Gig.objects.count(), stored_files()) == (MOST_NEW_A_DAY, [])
    Gig.objects.filter(pk=gigs[0].pk).update(created_at=timezone.now() - timedelta(days=1))
    create_gig(actor=freelancer, **LEAST)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["make", "restore"])
def test_of_two_at_once_one_finds_the_last_room_gone(first: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(offers, "MOST_GIGS", 2)
    freelancer, category = UserFactory(), CategoryFactory()
    GigFactory(freelancer=freelancer)
    away = archive_gig(actor=freelancer, gig=GigFactory(freelancer=freelancer))

    def make() -> Gig:
        return create_gig(actor=freelancer, category=Category.objects.get(pk=category.pk), **LEAST)

    results = at_once(make, make if first == "make" else lambda: restore_gig(actor=freelancer, gig=away))
    assert sorted(type(result).__name__ for result in results) == ["Gig", "TooManyGigs"]
    assert Gig.objects.filter(archived_at__isnull=True).count() == 2


def at_once(*steps):
    """What each step returned, or the DomainError it met."""
    start = threading.Barrier(len(steps))

    def run(step):
        start.wait()
        try:
            return step()
        except DomainError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


@pytest.mark.django_db
def test_the_pages_say_so(freelancer: User, sign_in):
    gig = some_old_gigs(MOST_GIGS + 1, freelancer)[0]
    Gig.objects.filter(pk=gig.pk).update(archived_at=timezone.now(), is_active=False)
    answer = sign_in(freelancer).post(reverse("gigs:restore", args=[gig.pk]), follow=True)
    assert "You have 100 gigs, as many as one person may have." in answer.content.decode()


@pytest.mark.django_db
def test_a_program_is_told_409_when_it_has_them_all(freelancer: User):
    some_old_gigs(MOST_GIGS, freelancer)
    answer = bearer(freelancer).post("/api/gigs", BODY, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_gigs")


@pytest.mark.django_db
def test_a_program_is_told_429_when_it_makes_too_many_within_a_day(freelancer: User):
    some_gigs(MOST_NEW_A_DAY, freelancer)
    answer = bearer(freelancer).post("/api/gigs", BODY, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_gigs_today")
    assert answer["Retry-After"] == "86400"
