"""Pages that bring several apps together: the front page, a gig with its reviews, a person with their gigs and reviews."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.selectors import get_person
from gigs.selectors import get_gig_for, list_gigs_of, list_newest_gigs, list_top_categories
from marketplace.paginator import CappedPaginator
from reviews.selectors import list_reviews_of_gig, list_reviews_of_person

NEWEST = 8
GIGS = 12
REVIEWS = 10


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "marketplace/home.html", {"gigs": list_newest_gigs(limit=NEWEST), "categories": list_top_categories()})


@require_safe
def gig(request: HttpRequest, gig_id: UUID) -> HttpResponse:
    gig = get_gig_for(request.user, gig_id)
    reviews = CappedPaginator(list_reviews_of_gig(gig), REVIEWS).get_page(request.GET.get("page"))
    return render(request, "gigs/detail.html", {"gig": gig, "reviews": reviews})


@require_safe
def person(request: HttpRequest, handle: str) -> HttpResponse:
    person = get_person(handle)
    gigs = CappedPaginator(list_gigs_of(person), GIGS).get_page(request.GET.get("gigs"))
    reviews = CappedPaginator(list_reviews_of_person(person), REVIEWS).get_page(request.GET.get("reviews"))
    return render(request, "accounts/person.html", {"person": person, "gigs": gigs, "reviews": reviews})
