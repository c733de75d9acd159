"""What the site keeps of a sale: the category's percentage, else the one above it, else the site's; a tier may lower it."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Category, Gig
from gigs.selectors import fee_percent_for
from gigs.tests.factories import CategoryFactory, GigFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.ESCROW_FEE_PCT = "10"
    settings.ESCROW_FEE_PCT_BY_TIER = {"pro": "8", "enterprise": "5.50"}


def a_gig(*, own: str | None = None, above: str | None = None, tier: str = "free") -> Gig:
    top = CategoryFactory(parent=None, escrow_fee_pct=above and Decimal(above))
    category = CategoryFactory(parent=top, escrow_fee_pct=own and Decimal(own))
    gig = GigFactory(category=category, freelancer=UserFactory(tier=tier))
    return Gig.objects.get(pk=gig.pk)


@pytest.mark.parametrize(
    ("own", "above", "tier", "percent"),
    [
        (None, None, "free", "10"),
        ("7.25", None, "free", "7.25"),
        (None, "12", "free", "12"),
        ("7.25", "12", "free", "7.25"),
        ("0", "12", "free", "0"),
        (None, "0", "free", "0"),
        (None, None, "pro", "8"),
        (None, None, "enterprise", "5.50"),
        ("3", None, "enterprise", "3"),
        ("12", None, "enterprise", "5.50"),
        (None, "6", "pro", "6"),
        ("0", None, "pro", "0"),
    ],
)
def test_the_fee_follows_the_shelf_and_the_lower_of_it_and_the_tier_counts(own, above, tier, percent):
    assert fee_percent_for(a_gig(own=own, above=above, tier=tier)) == Decimal(percent)


def test_a_top_category_has_its_own_or_the_sites():
    assert fee_percent_for(GigFactory(category=CategoryFactory(parent=None))) == 10
    assert fee_percent_for(GigFactory(category=CategoryFactory(parent=None, escrow_fee_pct=Decimal(4)))) == 4


def test_a_tier_that_is_not_named_pays_like_everyone(settings):
    settings.ESCROW_FEE_PCT_BY_TIER = {"enterprise": "5"}
    assert fee_percent_for(a_gig(tier="pro")) == 10


def test_it_costs_no_query_where_the_gig_was_read_for_its_page(django_assert_num_queries):
    gig = Gig.objects.select_related("freelancer", "category__parent").get(pk=a_gig().pk)
    with django_assert_num_queries(0):
        fee_percent_for(gig)


@pytest.mark.parametrize("percent", [Decimal("-0.01"), Decimal("100.01")])
def test_the_database_refuses_a_fee_outside_of_the_price(percent):
    category = CategoryFactory()
    with pytest.raises(IntegrityError, match="gigs_category_fee_percent"), transaction.atomic():
        Category.objects.filter(pk=category.pk).update(escrow_fee_pct=percent)
    assert Category.objects.get(pk=category.pk).escrow_fee_pct is None


@pytest.mark.parametrize("percent", [Decimal(0), Decimal("0.01"), Decimal("99.99"), Decimal(100), None])
def test_the_database_takes_every_fee_within(percent):
    assert Category.objects.get(pk=CategoryFactory(escrow_fee_pct=percent).pk).escrow_fee_pct == percent


def test_the_database_refuses_a_tier_that_does_not_exist(buyer: User):
    with pytest.raises(IntegrityError, match="accounts_user_tier"), transaction.atomic():
        User.objects.filter(pk=buyer.pk).update(tier="gold")
    assert User.objects.get(pk=buyer.pk).tier == User.Tier.FREE


class TestInTheAdmin:
    @pytest.fixture
    def browser(self, sign_in: Any) -> Client:
        keeper = UserFactory(is_staff=True)
        keeper.user_permissions.set(Permission.objects.filter(content_type__app_label="gigs"))
        return sign_in(keeper)

    def form(self, category: Category, percent: str) -> dict[str, Any]:
        return {"name": category.name, "parent": category.parent_id, "position": "0", "escrow_fee_pct": percent}

    @pytest.mark.parametrize(("typed", "kept"), [("7.5", Decimal("7.5")), ("0", Decimal(0)), ("", None)])
    def test_a_fee_is_set_and_taken_away(self, browser: Client, typed: str, kept: Decimal | None):
        category = CategoryFactory(escrow_fee_pct=Decimal(9))
        assert browser.post(f"/admin/gigs/category/{category.pk}/change/", self.form(category, typed)).status_code == 302
        assert Category.objects.get(pk=category.pk).escrow_fee_pct == kept

    @pytest.mark.parametrize("typed", ["100.01", "-1", "7.125", "ten", "NaN"])
    def test_a_senseless_fee_is_refused_in_words(self, browser: Client, typed: str):
        category = CategoryFactory(escrow_fee_pct=Decimal(9))
        answer = browser.post(f"/admin/gigs/category/{category.pk}/change/", self.form(category, typed))
        assert (answer.status_code, "escrow_fee_pct" in answer.context["adminform"].form.errors) == (200, True)
        assert Category.objects.get(pk=category.pk).escrow_fee_pct == 9
