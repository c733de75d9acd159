"""Which gigs someone may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, F, FloatField, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast, NullIf
from django.shortcuts import get_object_or_404

from accounts.models import User
from gigs.models import Category, Gig

SORTS: dict[str, list[str | OrderBy]] = {
    "newest": ["-created_at", "-id"],
    "cheapest": ["price", "-id"],
    "dearest": ["-price", "-id"],
    "rated": [F("rating").desc(nulls_last=True), "-stats__rating_count", "-created_at", "-id"],
    "fastest": ["delivery_days", "-created_at", "-id"],
}
STATES = {
    "active": Q(is_active=True),
    "paused": Q(is_active=False, archived_at__isnull=True),
    "archived": Q(archived_at__isnull=False),
}


@dataclass(frozen=True)
class Filters:
    """What someone looks for. Prices only count beside their currency: two currencies are never compared."""

    categories: Sequence[Category] = ()
    currency: str = ""
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    delivery_days: int | None = None
    sort: str = "newest"


def _with_cards() -> QuerySet[Gig]:
    return Gig.objects.select_related("freelancer", "freelancer__stats", "stats", "category__parent").prefetch_related("images")


def list_public_gigs() -> QuerySet[Gig]:
    return _with_cards().filter(is_active=True, freelancer__is_active=True)


def list_newest_gigs(*, limit: int) -> list[Gig]:
    return list(list_public_gigs()[:limit])


def list_gigs_of(freelancer: User) -> QuerySet[Gig]:
    """The freelancer's gigs as the public sees them."""
    return list_public_gigs().filter(freelancer=freelancer)


def list_matching_gigs(filters: Filters) -> QuerySet[Gig]:
    """Public gigs that match; sorts and limits by price are left out as long as no currency is chosen."""
    gigs = list_public_gigs()
    if filters.categories:
        gigs = gigs.filter(category__in=filters.categories)
    if filters.delivery_days is not None:
        gigs = gigs.filter(delivery_days__lte=filters.delivery_days)
    if filters.currency:
        gigs = gigs.filter(currency=filters.currency)
        if filters.price_min is not None:
            gigs = gigs.filter(price__gte=filters.price_min)
        if filters.price_max is not None:
            gigs = gigs.filter(price__lte=filters.price_max)
    if filters.sort == "rated":
        total = Cast(F("stats__rating_sum"), FloatField())
        gigs = gigs.annotate(rating=total / NullIf(F("stats__rating_count"), 0))
    by_price = filters.sort in ("cheapest", "dearest")
    return gigs.order_by(*SORTS["newest" if by_price and not filters.currency else filters.sort])


def list_own_gigs(freelancer: User, state: str) -> QuerySet[Gig]:
    """The freelancer's gigs in one of STATES, last changed first."""
    return _with_cards().filter(STATES[state], freelancer=freelancer).order_by("-updated_at", "-id")


def count_own_gigs(freelancer: User) -> dict[str, int]:
    """How many gigs the freelancer has in each of STATES."""
    return Gig.objects.filter(freelancer=freelancer).aggregate(
        **{name: Count("pk", filter=rule) for name, rule in STATES.items()}
    )


def get_gig_for(user: User | AnonymousUser, gig_id: UUID) -> Gig:
    """An active gig, or the user's own in any state but archived; Http404 otherwise."""
    own = Q(freelancer_id=user.pk, archived_at__isnull=True) if user.is_authenticated else Q(pk__in=[])
    gigs = _with_cards().prefetch_related("requirements")
    return get_object_or_404(gigs.filter(Q(is_active=True, freelancer__is_active=True) | own), pk=gig_id)


def get_own_gig(user: User, gig_id: UUID) -> Gig:
    """The user's own gig in any state; Http404 when it is missing or someone else's."""
    return get_object_or_404(_with_cards().prefetch_related("requirements"), pk=gig_id, freelancer_id=user.pk)


def fee_percent_for(gig: Gig) -> Decimal:
    """The site's part of the price in percent: the category's, else that of the one above, else the site's.

    Where the freelancer's tier has a percentage of its own, the lower of the two.
    """
    of_shelf = gig.category.escrow_fee_pct
    if of_shelf is None and gig.category.parent:
        of_shelf = gig.category.parent.escrow_fee_pct
    percent = Decimal(settings.ESCROW_FEE_PCT) if of_shelf is None else of_shelf
    of_tier = settings.ESCROW_FEE_PCT_BY_TIER.get(gig.freelancer.tier)
    return percent if of_tier is None else min(percent, Decimal(of_tier))


def list_categories() -> list[Category]:
    """Top categories in order, each with its `shelf`: the list of those below it. One query."""
    rows = list(Category.objects.all())
    tops = [row for row in rows if row.parent_id is None]
    for top in tops:
        top.shelf = [row for row in rows if row.parent_id == top.pk]
        for child in top.shelf:
            child.parent = top
    return tops


def list_top_categories() -> QuerySet[Category]:
    return Category.objects.filter(parent__isnull=True)
