"""What of gigs the API takes and gives."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from pydantic import ConfigDict, Field

from accounts.schemas import PersonBrief, brief
from gigs.models import MAX_CHOICES, MAX_DESCRIPTION, MAX_IMAGES, MAX_REQUIREMENTS, Category, Gig, GigImage, GigStats, Requirement
from marketplace.money import plain_amount
from marketplace.rest.schemas import Amount, Asked, Currency, Flag, Id, Instant, Line, Page, Shown, ShownInstant, Text, whole

Sort = Literal["newest", "rated", "fastest", "cheapest", "dearest"]
State = Literal["active", "paused", "archived"]


# --- What a program sends -------------------------------------------------------------------------------------------
class Question(Asked):
    """What a client answers when ordering: in their own words, or with one of the choices."""

    question: Annotated[str, Line(300)]
    kind: Literal["text", "choice"] = "text"
    choices: list[Annotated[str, Line(120)]] = Field([], max_length=MAX_CHOICES)
    is_required: Flag = True


def _such_as(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class NewGig(Asked):
    model_config = _such_as(
        {
            "title": "I will draw your logo",
            "description": "Three drafts, then **one** finished logo.",
            "price": "120.00",
            "currency": "EUR",
            "delivery_days": 5,
        }
    )
    title: Annotated[str, Line(120)]
    description: Annotated[str, Text(MAX_DESCRIPTION)]
    price: Amount
    currency: Currency
    delivery_days: Annotated[int, whole(1, 365)]
    category: str | None = Field(None, max_length=60, description="The slug of a category that holds no others; else “Other”.")
    revisions_included: Annotated[int, whole(0, 20)] = 1
    auto_approve_days: Annotated[int, whole(3, 14)] = 7
    questions: list[Question] = Field([], max_length=MAX_REQUIREMENTS)


class GigChange(Asked):
    """What is left out, or null, stays as it is."""

    model_config = _such_as({"price": "140.00", "delivery_days": 4})
    title: Annotated[str, Line(120)] | None = None
    description: Annotated[str, Text(MAX_DESCRIPTION)] | None = None
    price: Amount | None = None
    currency: Currency | None = None
    delivery_days: Annotated[int, whole(1, 365)] | None = None
    category: str | None = Field(None, max_length=60)
    revisions_included: Annotated[int, whole(0, 20)] | None = None
    auto_approve_days: Annotated[int, whole(3, 14)] | None = None
    questions: list[Question] | None = Field(None, max_length=MAX_REQUIREMENTS)
    updated_at: Instant | None = Field(None, description="As you have read it, to change nothing that was changed since.")


class Place(Asked):
    model_config = _such_as({"place": 0})
    place: Annotated[int, whole(0, MAX_IMAGES - 1)]


class Browse(Asked):
    """The filters of the browse page."""

    category: str = Field("", max_length=60, description="The slug of a category; one above others stands for all of them.")
    currency: Currency | None = None
    price_min: Amount | None = None
    price_max: Amount | None = None
    freelancer: Id | None = Field(None, description="The id of whoever offers them.")
    delivery: int | None = Field(None, ge=1, le=365, description="Delivered within so many days.")
    sort: Sort = "newest"


# --- What it gets ---------------------------------------------------------------------------------------------------
class CategoryShown(Shown):
    slug: str
    name: str


class ShelfShown(CategoryShown):
    """A category at the top, and those below it."""

    categories: list[CategoryShown]


class CategoryPage(Page[ShelfShown]):
    """All categories."""


class ImageShown(Shown):
    id: int
    url: str = Field(description="800 pixels wide.")
    thumbnail_url: str = Field(description="400 pixels wide.")
    width: int
    height: int


class QuestionShown(Shown):
    id: int
    question: str
    kind: str
    choices: list[str]
    is_required: bool


class GigBrief(Shown):
    """A gig as it stands in lists."""

    id: UUID
    title: str
    price: str
    currency: str
    delivery_days: int
    category: CategoryShown
    freelancer: PersonBrief
    rating: float | None = Field(description="From 1 to 5; null before the first review.")
    rating_count: int
    orders_completed: int
    images: list[ImageShown]
    state: State
    created_at: ShownInstant
    updated_at: ShownInstant


class GigShown(GigBrief):
    """A gig with all that it promises."""

    description: str
    revisions_included: int
    auto_approve_days: int
    questions: list[QuestionShown]


class GigPage(Page[GigBrief]):
    """A part of a list of gigs."""


def category_shown(category: Category) -> CategoryShown:
    return CategoryShown(slug=category.slug, name=category.name)


def shelf_shown(top: Category) -> ShelfShown:
    return ShelfShown(slug=top.slug, name=top.name, categories=[category_shown(row) for row in top.shelf])


def image_shown(image: GigImage) -> ImageShown:
    urls = {"url": settings.SITE_URL + image.url, "thumbnail_url": settings.SITE_URL + image.thumbnail_url}
    return ImageShown(id=image.pk, width=image.width, height=image.height, **urls)


def gig_brief(gig: Gig) -> GigBrief:
    return GigBrief(**_common(gig))


def gig_shown(gig: Gig) -> GigShown:
    return GigShown(
        **_common(gig),
        description=gig.description,
        revisions_included=gig.revisions_included,
        auto_approve_days=gig.auto_approve_days,
        questions=[_question_shown(row) for row in gig.requirements.all()],
    )


def _common(gig: Gig) -> dict[str, Any]:
    stats = getattr(gig, "stats", None) or GigStats()
    return {
        "id": gig.pk,
        "title": gig.title,
        "price": plain_amount(gig.price, gig.currency),
        "currency": gig.currency,
        "delivery_days": gig.delivery_days,
        "category": category_shown(gig.category),
        "freelancer": brief(gig.freelancer),
        "rating": stats.rating,
        "rating_count": stats.rating_count,
        "orders_completed": stats.orders_completed,
        "images": [image_shown(image) for image in gig.images.all()],
        "state": gig.state,
        "created_at": gig.created_at,
        "updated_at": gig.updated_at,
    }


def _question_shown(row: Requirement) -> QuestionShown:
    names = ("question", "kind", "choices", "is_required")
    return QuestionShown(id=row.pk, **{name: getattr(row, name) for name in names})
