"""Which gigs someone may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, F, FloatField, Q, QuerySet
from django.db.models.functions import Cast, Coalesce, NullIf
from django.shortcuts import get_object_or_404

from accounts.models import User
from gigs.models import Category, Gig

SORTS = {  # by columns that are never null, behind which a row can be found again
    "newest": ("-created_at", "-id"),
    "cheapest": ("price", "-id"),
    "dearest": ("-price", "-id"),
    "rated": ("-known_rating", "-known_count", "-created_at", "-id"),
    "fastest": ("delivery_days", "-created_at", "-id"),
}
IN_LISTS = (  # what a program is shown of each
    *("title", "price", "currency", "delivery_days", "is_active", "archived_at", "created_at", "updated_at"),
    *("category__slug", "category__name", "freelancer__handle", "freelancer__full_name"),
    *("stats__rating_sum", "stats__rating_count", "stats__orders_completed"),
)
BY_PRICE = ("cheapest", "dearest")
STATES = {
    "active": Q(is_active=True),
    "paused": Q(is_active=False, archived_at__isnull=True),
    "archived": Q(archived_at__isnull=False),
}


@dataclass(frozen=True)
class Filters:
    """What someone looks for. Prices only count beside their currency: two currencies are never compared."""

    category: Category | None = None  # one of `list_categories`, which stands for those below it too
    currency: str = ""
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    delivery_days: int | None = None
    freelancer_id: UUID | None = None
    sort: str = "newest"

    @property
    def lacks_currency(self) -> bool:
        has_limit = self.price_min is not None or self.price_max is not None
        return not self.currency and (has_limit or self.sort in BY_PRICE)


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
    if filters.category:
        gigs = gigs.filter(category__in=[filters.category, *getattr(filters.category, "shelf", [])])
    if filters.freelancer_id:
        gigs = gigs.filter(freelancer=filters.freelancer_id)
    if filters.delivery_days is not None:
        gigs = gigs.filter(delivery_days__lte=filters.delivery_days)
    if filters.currency:
        gigs = gigs.filter(currency=filters.currency)
        if filters.price_min is not None:
            gigs = gigs.filter(price__gte=filters.price_min)
        if filters.price_max is not None:
            gigs = gigs.filter(price__lte=filters.price_max)
    if filters.sort == "rated":
        total, counted = Cast(F("stats__rating_sum"), FloatField()), F("stats__rating_count")
        gigs = gigs.annotate(known_rating=Coalesce(total / NullIf(counted, 0), 0.0), known_count=Coalesce(counted, 0))
    by_price = filters.sort in BY_PRICE
    return gigs.order_by(*SORTS["newest" if by_price and not filters.currency else filters.sort])


def only_brief(gigs: QuerySet[Gig]) -> QuerySet[Gig]:
    """The same gigs with the columns of IN_LISTS alone: long lists cost less."""
    return gigs.select_related(None).select_related("freelancer", "stats", "category").only(*IN_LISTS)


def list_own_gigs(freelancer: User, state: str | None) -> QuerySet[Gig]:
    """The freelancer's gigs in one of STATES, or all of them, last changed first."""
    gigs = _with_cards().filter(freelancer=freelancer).order_by("-updated_at", "-id")
    return gigs.filter(STATES[state]) if state else gigs


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


def find_category(categories: Iterable[Category], slug: str) -> Category | None:
    """The one with this slug among those of `list_categories`, the tops and those below them."""
    rows = (row for top in categories for row in (top, *top.shelf))  # type: ignore[attr-defined]
    return next((row for row in rows if row.slug == slug), None)


def list_top_categories() -> QuerySet[Category]:
    return Category.objects.filter(parent__isnull=True)
