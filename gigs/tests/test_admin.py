"""Gigs and their shelf in the moderators' site."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Category, Gig
from gigs.tests.factories import CategoryFactory, GigFactory, GigImageFactory, RequirementFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf_keeper(db: None) -> User:
    """Staff who may look after gigs and categories."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="gigs"))
    return user


@pytest.fixture
def browser(sign_in: Any, shelf_keeper: User) -> Client:
    return sign_in(shelf_keeper)


@pytest.mark.parametrize("query", ["", "?q=logo", "?q=jose@example.com", "?is_active__exact=1", "?q=not-a-uuid"])
def test_the_list_of_gigs_opens(browser: Client, query: str):
    GigFactory()
    assert browser.get(f"/admin/gigs/gig/{query}").status_code == 200


def test_a_gig_can_be_saved_and_only_its_category_moves(browser: Client):
    gig = GigFactory(title="Mine")
    GigImageFactory(gig=gig)
    RequirementFactory(gig=gig)
    elsewhere = CategoryFactory()
    form = {"category": elsewhere.pk, "title": "Yours", "price": "1", "is_active": ""}
    for inline in ("requirements", "images"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    address = f"/admin/gigs/gig/{gig.pk}/change/"
    assert browser.get(address).status_code == 200
    assert browser.post(address, form)["Location"] == "/admin/gigs/gig/"
    fresh = Gig.objects.get()
    assert (fresh.category, fresh.title, fresh.price, fresh.is_active) == (elsewhere, "Mine", gig.price, True)


def test_chosen_gigs_are_paused(browser: Client):
    gig, other = GigFactory(), GigFactory()
    form = {"action": "pause", "_selected_action": [gig.pk]}
    assert "1 gig paused." in browser.post("/admin/gigs/gig/", form, follow=True).text
    assert (Gig.objects.get(pk=gig.pk).state, Gig.objects.get(pk=other.pk).state) == ("paused", "active")


def test_what_a_moderator_paused_is_put_back(browser: Client, shelf_keeper: User):
    gig, own = GigFactory(), GigFactory(freelancer=shelf_keeper)
    browser.post("/admin/gigs/gig/", {"action": "pause", "_selected_action": [gig.pk]})
    Gig.objects.filter(pk=own.pk).update(is_active=False, paused_by_staff_at=timezone.now())
    form = {"action": "release", "_selected_action": [gig.pk, own.pk]}
    response = browser.post("/admin/gigs/gig/", form, follow=True)
    assert "1 gig put back." in response.text
    assert "Another moderator decides about this gig." in response.text
    assert (Gig.objects.get(pk=gig.pk).state, Gig.objects.get(pk=own.pk).state) == ("active", "paused")


def test_gigs_are_neither_added_nor_deleted(browser: Client):
    gig = GigFactory()
    assert browser.get("/admin/gigs/gig/add/").status_code == 403
    assert browser.post(f"/admin/gigs/gig/{gig.pk}/delete/", {"post": "yes"}).status_code == 403
    browser.post("/admin/gigs/gig/", {"action": "delete_selected", "_selected_action": [gig.pk], "post": "yes"})
    assert Gig.objects.get() == gig


def test_a_category_is_added_below_a_top_one(browser: Client):
    design = Category.objects.get(slug="design")
    form = {"name": "Tattoos", "slug": "tattoos", "parent": design.pk, "position": 9}
    assert browser.post("/admin/gigs/category/add/", form).status_code == 302
    assert Category.objects.get(slug="tattoos").parent == design


def test_a_category_can_be_saved_unchanged_and_keeps_its_address(browser: Client):
    category = Category.objects.get(slug="illustration")
    form = {"name": "Drawing", "slug": "other", "parent": category.parent_id, "position": 1}
    assert browser.post(f"/admin/gigs/category/{category.pk}/change/", form).status_code == 302
    category.refresh_from_db()
    assert (category.name, category.slug) == ("Drawing", "illustration")


def test_there_is_no_third_level(browser: Client):
    below = Category.objects.get(slug="illustration")
    response = browser.post("/admin/gigs/category/add/", {"name": "Deep", "slug": "deep", "parent": below.pk, "position": 0})
    assert response.status_code == 200
    assert not Category.objects.filter(slug="deep").exists()


def test_a_category_that_holds_others_stays_at_the_top(browser: Client):
    design, software = Category.objects.get(slug="design"), Category.objects.get(slug="software")
    form = {"name": "Design", "parent": software.pk, "position": 0}
    response = browser.post(f"/admin/gigs/category/{design.pk}/change/", form)
    assert "so it stays at the top" in response.text
    design.refresh_from_db()
    assert design.parent is None


def test_a_category_that_gigs_stand_in_takes_no_others(browser: Client):
    top = CategoryFactory(parent=None)
    GigFactory(category=top)
    response = browser.post("/admin/gigs/category/add/", {"name": "Sub", "slug": "sub", "parent": top.pk, "position": 0})
    assert "Move them into one below it first" in response.text
    assert not Category.objects.filter(slug="sub").exists()


def test_a_used_category_is_not_deleted(browser: Client):
    gig = GigFactory()
    response = browser.post(f"/admin/gigs/category/{gig.category_id}/delete/", {"post": "yes"})
    assert response.status_code == 200
    assert Category.objects.filter(pk=gig.category_id).exists()


def test_without_the_permission_nothing_opens(sign_in: Any, moderator: User):
    assert sign_in(moderator).get("/admin/gigs/gig/").status_code == 403
