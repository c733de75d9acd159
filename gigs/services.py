"""The only writer of gigs."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from gigs.exceptions import GigArchived, GigChanged, GigError, GigPausedByStaff, PictureCount, QuestionsRefused
from gigs.models import MAX_DESCRIPTION, MAX_IMAGES, MAX_REQUIREMENTS, Category, Gig, GigImage, GigStats, Requirement
from marketplace.money import validate_amount
from marketplace.uploads import CheckedPicture, discard_files_on_error, random_name


class GigTerms(TypedDict):
    """What a gig promises: title and description as typed, the price in its currency, days and rounds as whole numbers."""

    title: str
    category: Category
    description: str
    price: Decimal
    currency: str
    delivery_days: int
    revisions_included: int
    auto_approve_days: int


def create_gig(
    *, actor: User, pictures: Sequence[CheckedPicture], requirements: Sequence[Requirement], **terms: Unpack[GigTerms]
) -> Gig:
    """A new active gig of `actor` with 1 to 6 pictures and up to 10 questions (unsaved rows, in order).

    Raises GigError, PictureCount, QuestionsRefused or AmountError; then no row and no file stays behind.
    """
    _check_terms(terms)
    _check_requirements(requirements)
    _check_picture_count(len(pictures))
    with discard_files_on_error() as undo:
        names = [_store(picture, undo) for picture in pictures]
        with transaction.atomic():
            gig = Gig.objects.create(freelancer=actor, **terms)
            GigStats.objects.create(gig=gig)
            _write_pictures(gig, pictures, names, start=0)
            _write_requirements(gig, requirements)
    return gig


@transaction.atomic
def update_gig(
    *,
    actor: User,
    gig: Gig,
    requirements: Sequence[Requirement],
    seen_at: datetime | None = None,
    **terms: Unpack[GigTerms],
) -> Gig:
    """Replace what the gig promises; orders already placed keep what they were promised.

    `seen_at` is the `updated_at` the editor saw. Raises GigChanged when someone saved since, GigArchived, GigError,
    QuestionsRefused or AmountError.
    """
    _check_terms(terms)
    _check_requirements(requirements)
    fresh = _lock_own(actor, gig)
    if seen_at and seen_at != fresh.updated_at:
        raise GigChanged(
            _("This gig was changed since you opened it, perhaps in another tab. Compare with the gig's page, then save again.")
        )
    for name, value in terms.items():
        setattr(fresh, name, value)
    fresh.save()
    if [_wording(row) for row in fresh.requirements.all()] != [_wording(row) for row in requirements]:
        fresh.requirements.all().delete()
        _write_requirements(fresh, requirements)
    return fresh


@transaction.atomic
def pause_gig(*, actor: User, gig: Gig) -> Gig:
    """Take the gig off the public pages; orders already placed go on. For its owner and for staff who may change gigs.

    What staff paused stays so until staff calls release_gig().
    """
    fresh = _lock(gig)
    by_staff = _is_staff_for(actor, fresh)
    if fresh.freelancer_id != actor.pk and not by_staff:
        raise GigError(_("This gig is not yours."), code="not_yours")
    if fresh.is_active or (by_staff and not fresh.paused_by_staff_at):
        fresh.is_active = False
        fresh.paused_by_staff_at = timezone.now() if by_staff else None
        fresh.save(update_fields=["is_active", "paused_by_staff_at", "updated_at"])
    return fresh


@transaction.atomic
def resume_gig(*, actor: User, gig: Gig) -> Gig:
    """Offer a paused gig again. Raises GigArchived and GigPausedByStaff."""
    fresh = _lock_own(actor, gig)
    _check_not_paused_by_staff(fresh)
    if not fresh.is_active:
        fresh.is_active = True
        fresh.save(update_fields=["is_active", "updated_at"])
    return fresh


@transaction.atomic
def release_gig(*, actor: User, gig: Gig) -> Gig:
    """Offer again what staff paused; archived meanwhile it stays archived. For staff who may change gigs, never for its owner."""
    fresh = _lock(gig)
    if not _is_staff_for(actor, fresh):
        raise GigError(_("Another moderator decides about this gig."), code="not_staff")
    if fresh.paused_by_staff_at:
        fresh.paused_by_staff_at = None
        fresh.is_active = not fresh.archived_at
        fresh.save(update_fields=["is_active", "paused_by_staff_at", "updated_at"])
    return fresh


@transaction.atomic
def archive_gig(*, actor: User, gig: Gig) -> Gig:
    """Put the gig away: gone for the public, kept for its orders."""
    fresh = _lock_own(actor, gig, archived=True)
    if not fresh.archived_at:
        fresh.is_active = False
        fresh.archived_at = timezone.now()
        fresh.save(update_fields=["is_active", "archived_at", "updated_at"])
    return fresh


@transaction.atomic
def restore_gig(*, actor: User, gig: Gig) -> Gig:
    """Bring an archived gig back, paused. Raises GigPausedByStaff."""
    fresh = _lock_own(actor, gig, archived=True)
    _check_not_paused_by_staff(fresh)
    if fresh.archived_at:
        fresh.archived_at = None
        fresh.save(update_fields=["archived_at", "updated_at"])
    return fresh


def add_images(*, actor: User, gig: Gig, pictures: Sequence[CheckedPicture]) -> list[GigImage]:
    """Add pictures after the others. Raises PictureCount over 6 and GigArchived; then no file stays behind."""
    _check_picture_count(gig.images.count() + len(pictures))
    with discard_files_on_error() as undo:
        names = [_store(picture, undo) for picture in pictures]
        with transaction.atomic():
            fresh = _lock_own(actor, gig)
            kept = _in_order(fresh)
            _check_picture_count(len(kept) + len(pictures))
            rows = _write_pictures(fresh, pictures, names, start=len(kept))
    return rows


@transaction.atomic
def remove_image(*, actor: User, gig: Gig, image_id: int) -> None:
    """Remove a picture, and its files after the commit. Removing it twice is fine; the last one stays (PictureCount)."""
    fresh = _lock_own(actor, gig)
    images = _in_order(fresh)
    gone = [image for image in images if image.pk == image_id]
    if not gone:
        return
    _check_picture_count(len(images) - 1)
    paths = gone[0].paths
    gone[0].delete()
    _in_order(fresh)
    transaction.on_commit(lambda: _delete_files(paths))


@transaction.atomic
def move_image(*, actor: User, gig: Gig, image_id: int, place: int) -> None:
    """Put a picture at `place` (from 0, the cover). A picture that is gone moves nothing."""
    fresh = _lock_own(actor, gig)
    images = _in_order(fresh)
    for image in [image for image in images if image.pk == image_id]:
        images.remove(image)
        images.insert(max(0, place), image)
    _write_order(images)


@transaction.atomic(savepoint=False)
def record_completed_order(*, gig_id: UUID) -> None:
    """Count one more completed order of a gig."""
    counters = GigStats.objects.filter(gig=gig_id)
    if not counters.update(orders_completed=F("orders_completed") + 1):
        GigStats.objects.get_or_create(gig_id=gig_id)
        counters.update(orders_completed=F("orders_completed") + 1)


def forget_completed_order(*, gig: Gig) -> None:
    """Count one completed order less: it was cancelled after all."""
    GigStats.objects.filter(gig=gig).update(orders_completed=F("orders_completed") - 1)


@transaction.atomic
def record_rating(*, gig: Gig, rating: int) -> None:
    """Add a published rating (1 to 5) to the gig's average."""
    GigStats.objects.get_or_create(gig=gig)
    GigStats.objects.filter(gig=gig).update(rating_sum=F("rating_sum") + rating, rating_count=F("rating_count") + 1)


def _lock(gig: Gig) -> Gig:
    return Gig.objects.select_for_update().get(pk=gig.pk)


def _lock_own(actor: User, gig: Gig, *, archived: bool = False) -> Gig:
    fresh = _lock(gig)
    if fresh.freelancer_id != actor.pk:
        raise GigError(_("This gig is not yours."), code="not_yours")
    if fresh.archived_at and not archived:
        raise GigArchived(_("This gig is archived. Restore it first."))
    return fresh


def _is_staff_for(actor: User, gig: Gig) -> bool:
    """Nobody is staff for a gig of their own."""
    return gig.freelancer_id != actor.pk and actor.has_perm("gigs.change_gig")


def _check_not_paused_by_staff(gig: Gig) -> None:
    if gig.paused_by_staff_at:
        text = _("A moderator has paused this gig. Write to %(support)s to have it put back.")
        raise GigPausedByStaff(text % {"support": settings.SUPPORT_EMAIL})


def _check_terms(terms: GigTerms) -> None:
    validate_amount(terms["price"], terms["currency"])
    if terms["category"].children.exists():
        raise GigError(_("Choose one of the categories below “%(name)s”.") % {"name": terms["category"].name}, code="category")
    if len(terms["description"]) > MAX_DESCRIPTION:
        raise GigError(_("Keep the description under %(max)d characters.") % {"max": MAX_DESCRIPTION}, code="terms")
    try:
        Gig(**terms).clean_fields(exclude=["freelancer", "category"])
    except ValidationError as refusal:
        raise GigError(" ".join(refusal.messages), code="terms") from refusal


def _check_requirements(requirements: Sequence[Requirement]) -> None:
    if len(requirements) > MAX_REQUIREMENTS:
        raise QuestionsRefused(_("Ask at most %(max)d questions.") % {"max": MAX_REQUIREMENTS})
    for row in requirements:
        if row.kind == Requirement.Kind.CHOICE and len(set(row.choices)) < 2:
            raise QuestionsRefused(_("“%(question)s” needs at least two choices.") % {"question": row.question})


def _check_picture_count(count: int) -> None:
    if count < 1:
        raise PictureCount(_("A gig needs at least one picture."))
    if count > MAX_IMAGES:
        raise PictureCount(_("A gig shows at most %(max)d pictures.") % {"max": MAX_IMAGES})


def _wording(row: Requirement) -> tuple[Any, ...]:
    return row.question, row.kind, row.choices, row.is_required


def _write_requirements(gig: Gig, requirements: Sequence[Requirement]) -> None:
    for position, row in enumerate(requirements):
        row.gig, row.position = gig, position
    Requirement.objects.bulk_create(requirements)


def _store(picture: CheckedPicture, undo: ExitStack) -> str:
    """Write the files of a picture under a new name; `undo` deletes them unless it is told otherwise."""
    image = GigImage(name=random_name(""))
    undo.callback(_delete_files, image.paths)
    for width, data in picture.files.items():
        default_storage.save(image.path(width), ContentFile(data))
    return image.name


def _delete_files(paths: Iterable[str]) -> None:
    for path in paths:
        default_storage.delete(path)


def _write_pictures(gig: Gig, pictures: Sequence[CheckedPicture], names: Sequence[str], *, start: int) -> list[GigImage]:
    return GigImage.objects.bulk_create(
        GigImage(gig=gig, name=name, position=start + place, width=picture.width, height=picture.height)
        for place, (name, picture) in enumerate(zip(names, pictures, strict=True))
    )


def _in_order(gig: Gig) -> list[GigImage]:
    """The pictures as they stand, numbered from 0 without gaps."""
    images = list(gig.images.all())
    _write_order(images)
    return images


def _write_order(images: Sequence[GigImage]) -> None:
    for place, image in enumerate(images):
        if image.position != place:
            image.position = place
            image.save(update_fields=["position"])
