"""Gigs for programs."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import File, Query, Status, UploadedFile

from accounts.gates import anyone, begin_writing, begins_itself, person, reader, seller, viewer
from gigs.exceptions import GigArchived, GigChanged, GigPausedByStaff, PictureCount, TooManyGigs, TooManyNewGigs
from gigs.forms import NO_CURRENCY
from gigs.models import IMAGE_WIDTHS, MAX_IMAGES, Category, Gig, Requirement
from gigs.schemas import (
    Browse,
    CategoryPage,
    GigChange,
    GigPage,
    GigShown,
    NewGig,
    Place,
    State,
    gig_brief,
    gig_shown,
    shelf_shown,
)
from gigs.selectors import (
    SORTS,
    Filters,
    find_category,
    get_gig_for,
    get_own_gig,
    list_categories,
    list_matching_gigs,
    list_own_gigs,
    only_brief,
)
from gigs.services import (
    add_images,
    archive_gig,
    create_gig,
    move_image,
    pause_gig,
    remove_image,
    restore_gig,
    resume_gig,
    update_gig,
)
from marketplace.rest.cursors import part_of
from marketplace.rest.errors import Refusal, about, answer_with
from marketplace.rest.kept import kept_a_while
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit
from marketplace.uploads import CheckedPicture, check_picture

answer_with(409, GigArchived, GigChanged, GigPausedByStaff, PictureCount, TooManyGigs)
answer_with(429, TooManyNewGigs, wait=86_400)  # counted over a day, so surely forgotten after one
FIELDS = {"invalid_amount": "price", "category": "category", "questions_refused": "questions"}  # that refusals are about
OWN_ORDER = ("-created_at", "-id")  # not by the last change, as the page has them: what changes meanwhile would be left out
router = Router(tags=["gigs"])


@router.get("gigs", auth=anyone, response=GigPage)
def list_gigs(request: HttpRequest, filters: Query[Browse], cursor: Cursor = "", limit: Limit = 20) -> HttpResponse:
    """Active gigs, by the filters of the browse page. The answer may be ten seconds old."""
    return kept_a_while(("gigs", filters, cursor, limit), lambda: _list_matching(filters, cursor, limit))


@router.post("gigs", auth=seller, response={201: GigShown})
def create(request: HttpRequest, gig: NewGig) -> Any:
    """Offer a gig, active at once. Pictures are added afterwards."""
    with about(**FIELDS):
        made = create_gig(actor=person(request), requirements=_rows(gig), **_terms(gig))
    return Status(201, _shown(request, made.pk))


@router.get("gigs/{uuid:gig_id}", auth=anyone, response=GigShown)
def read(request: HttpRequest, gig_id: UUID) -> GigShown:
    """An active gig, or one's own."""
    return gig_shown(get_gig_for(viewer(request), gig_id))


@router.patch("gigs/{uuid:gig_id}", auth=seller, response=GigShown)
def change(request: HttpRequest, gig_id: UUID, gig: GigChange) -> GigShown:
    """Change what is named; orders already placed keep what they were promised.

    With the `updated_at` you have read it is refused (409) where somebody changed the gig since.
    """
    own = _own(request, gig_id)
    questions = None if gig.questions is None else _rows(gig)
    with about(**FIELDS):
        update_gig(actor=person(request), gig=own, requirements=questions, seen_at=gig.updated_at, **_terms(gig))
    return _shown(request, gig_id)


@router.delete("gigs/{uuid:gig_id}", auth=seller, response={204: None})
def archive(request: HttpRequest, gig_id: UUID) -> Any:
    """Put the gig away: its orders go on."""
    archive_gig(actor=person(request), gig=_own(request, gig_id))
    return Status(204, None)


@router.post("gigs/{uuid:gig_id}/restore", auth=seller, response=GigShown)
def restore(request: HttpRequest, gig_id: UUID) -> GigShown:
    """Bring an archived gig back, paused."""
    restore_gig(actor=person(request), gig=_own(request, gig_id))
    return _shown(request, gig_id)


@router.post("gigs/{uuid:gig_id}/pause", auth=seller, response=GigShown)
def pause(request: HttpRequest, gig_id: UUID) -> GigShown:
    """Take the gig off the public lists; orders already placed go on."""
    pause_gig(actor=person(request), gig=_own(request, gig_id))
    return _shown(request, gig_id)


@router.post("gigs/{uuid:gig_id}/resume", auth=seller, response=GigShown)
def resume(request: HttpRequest, gig_id: UUID) -> GigShown:
    """Offer a paused gig again. What a moderator has paused stays so (409)."""
    resume_gig(actor=person(request), gig=_own(request, gig_id))
    return _shown(request, gig_id)


@router.get("me/gigs", auth=reader, response=GigPage)
def list_own(request: HttpRequest, state: State | None = None, cursor: Cursor = "", limit: Limit = 20) -> GigPage:
    """One's own gigs, newest first: all of them, or those in one state."""
    found, after = part_of(list_own_gigs(person(request), state), order=OWN_ORDER, cursor=cursor, limit=limit)
    return GigPage(items=[gig_brief(gig) for gig in found], next=after)


@router.get("categories", auth=anyone, response=CategoryPage)
def read_categories(request: HttpRequest) -> CategoryPage:
    """All categories in their order, in one part. Gigs stand in those that hold no others."""
    return CategoryPage(items=[shelf_shown(top) for top in list_categories()], next=None)


# --- Pictures -------------------------------------------------------------------------------------------------------
@router.post("gigs/{uuid:gig_id}/images", auth=seller, response={201: GigShown})
@begins_itself
def add_pictures(
    request: HttpRequest,
    gig_id: UUID,
    files: list[UploadedFile] = File(..., max_length=MAX_IMAGES, description="PNG, JPEG or WebP, one or several."),
) -> Any:
    """Add pictures after the others, six in all at most. They are drawn afresh, without what a camera wrote into them."""
    own = _own(request, gig_id)
    pictures = [_checked(file, place) for place, file in enumerate(files)]
    begin_writing(request)
    add_images(actor=person(request), gig=own, pictures=pictures)
    return Status(201, _shown(request, gig_id))


@router.patch("gigs/{uuid:gig_id}/images/{int:image_id}", auth=seller, response=GigShown)
def move_picture(request: HttpRequest, gig_id: UUID, image_id: int, place: Place) -> GigShown:
    """Put a picture at another place, from 0, which is the cover."""
    move_image(actor=person(request), gig=_with_picture(request, gig_id, image_id), image_id=image_id, place=place.place)
    return _shown(request, gig_id)


@router.delete("gigs/{uuid:gig_id}/images/{int:image_id}", auth=seller, response={204: None})
def remove_picture(request: HttpRequest, gig_id: UUID, image_id: int) -> Any:
    """Remove a picture for good. The last one stays (409)."""
    remove_image(actor=person(request), gig=_with_picture(request, gig_id, image_id), image_id=image_id)
    return Status(204, None)


def _checked(file: UploadedFile, place: int) -> CheckedPicture:
    with about(invalid_file=f"files.{place}"):
        return check_picture(file, widths=IMAGE_WIDTHS)


def _with_picture(request: HttpRequest, gig_id: UUID, image_id: int) -> Gig:
    """The caller's own gig, which shows this picture."""
    own = _own(request, gig_id)
    if image_id not in {image.pk for image in own.images.all()}:
        raise Http404
    return own


# --- What operations share ------------------------------------------------------------------------------------------
def _shown(request: HttpRequest, gig_id: UUID) -> GigShown:
    return gig_shown(get_own_gig(person(request), gig_id))


def _list_matching(asked: Browse, cursor: str, limit: int) -> GigPage:
    gigs = only_brief(list_matching_gigs(_filters(asked)))
    found, after = part_of(gigs, order=SORTS[asked.sort], cursor=cursor, limit=limit)
    return GigPage(items=[gig_brief(gig) for gig in found], next=after)


def _filters(asked: Browse) -> Filters:
    filters = Filters(
        category=_category(asked.category) if asked.category else None,
        currency=asked.currency or "",
        price_min=Decimal(asked.price_min) if asked.price_min else None,
        price_max=Decimal(asked.price_max) if asked.price_max else None,
        delivery_days=asked.delivery,
        freelancer_id=asked.freelancer,
        sort=asked.sort,
    )
    if filters.lacks_currency:
        raise Refusal(422, "invalid", str(NO_CURRENCY), fields={"currency": str(NO_CURRENCY)})
    return filters


def _category(slug: str) -> Category:
    found = find_category(list_categories(), slug)
    if found is None:
        message = _("There is no such category.")
        raise Refusal(422, "invalid", message, fields={"category": message})
    return found


def _own(request: HttpRequest, gig_id: UUID) -> Gig:
    """The caller's own gig. Whose gig they can see but do not own is 403, any other 404."""
    try:
        return get_own_gig(person(request), gig_id)
    except Http404:
        get_gig_for(person(request), gig_id)
        raise Refusal(403, "not_yours", _("This gig is not yours.")) from None


def _terms(gig: NewGig | GigChange) -> Any:
    """What the service takes of it, by its names."""
    named = gig.model_dump(exclude={"questions", "updated_at"}, exclude_none=True)
    if "price" in named:
        named["price"] = Decimal(named["price"])
    if "category" in named:
        named["category"] = _category(named["category"])
    return named


def _rows(gig: NewGig | GigChange) -> list[Requirement]:
    return [Requirement(**question.model_dump()) for question in gig.questions or []]
