"""Pages that bring several apps together: the front page, a gig with its reviews, a person with their gigs and reviews."""

from uuid import UUID

from accounts.selectors import get_person
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from gigs.selectors import get_gig_for, list_gigs_of, list_newest_gigs, list_top_categories
from reviews.selectors import list_reviews_of_gig, list_reviews_of_person

NEWEST = 8
REVIEWS = 20


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "marketplace/home.html", {"gigs": list_newest_gigs(limit=NEWEST), "categories": list_top_categories()})


@require_safe
def gig(request: HttpRequest, gig_id: UUID) -> HttpResponse:
    gig = get_gig_for(request.user, gig_id)
    return render(request, "gigs/detail.html", {"gig": gig, "reviews": list_reviews_of_gig(gig)[:REVIEWS]})


@require_safe
def person(request: HttpRequest, handle: str) -> HttpResponse:
    person = get_person(handle)
    return render(
        request,
        "accounts/person.html",
        {"person": person, "gigs": list_gigs_of(person), "reviews": list_reviews_of_person(person)[:REVIEWS]},
    )
