import io
from decimal import Decimal

import factory
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.tests.factories import UserFactory
from gigs.models import IMAGE_WIDTHS, Category, Gig, GigImage, GigStats, Requirement
from marketplace.uploads import CheckedPicture, picture_in_widths


class CategoryFactory(factory.django.DjangoModelFactory):
    """A category below a top one; `parent=None` makes a top category."""

    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")
    parent = factory.SubFactory("gigs.tests.factories.CategoryFactory", parent=None)


class GigStatsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = GigStats


class GigFactory(factory.django.DjangoModelFactory):
    """An active gig for 120.00 EUR in 5 days, without pictures and questions."""

    class Meta:
        model = Gig
        skip_postgeneration_save = True

    freelancer = factory.SubFactory(UserFactory)
    category = factory.SubFactory(CategoryFactory)
    title = factory.Sequence(lambda n: f"I will draw your logo, number {n}")
    description = "Three drafts, then **one** finished logo."
    price = Decimal("120.00")
    currency = "EUR"
    delivery_days = 5
    revisions_included = 2
    auto_approve_days = 7
    stats = factory.RelatedFactory(GigStatsFactory, factory_related_name="gig")


class GigImageFactory(factory.django.DjangoModelFactory):
    """The row of a picture; its files are not written."""

    class Meta:
        model = GigImage

    gig = factory.SubFactory(GigFactory)
    name = factory.Sequence(lambda n: f"{n:032x}")
    width = 1200
    height = 800


class RequirementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Requirement

    gig = factory.SubFactory(GigFactory)
    question = "What is the name of your company?"


def picture_bytes(format: str = "PNG", size: tuple[int, int] = (60, 40), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, format, **options)
    return out.getvalue()


def picture_upload(name: str = "logo.png", size: tuple[int, int] = (60, 40)) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture_bytes(size=size), content_type="image/png")


def checked_picture(size: tuple[int, int] = (60, 40)) -> CheckedPicture:
    return picture_in_widths(Image.new("RGB", size, "teal"), widths=IMAGE_WIDTHS)


def stored_files() -> list[str]:
    """The paths of all gig pictures in the store, sorted."""
    return sorted(f"gigs/{name}" for name in default_storage.listdir("gigs")[1]) if default_storage.exists("gigs") else []
