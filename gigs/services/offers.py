"""What gigs promise, and whether they are offered."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NotRequired, TypedDict, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from gigs.exceptions import GigChanged, GigError, GigPausedByStaff, QuestionsRefused, TooManyGigs, TooManyNewGigs
from gigs.models import MAX_DESCRIPTION, MAX_REQUIREMENTS, Category, Gig, GigStats, Requirement
from gigs.services.own import lock, lock_own
from gigs.services.pictures import check_room_for, store_picture, write_pictures
from marketplace.money import validate_amount
from marketplace.uploads import CheckedPicture, discard_files_on_error

MOST_GIGS = 100  # of one freelancer that are not archived: more than anybody offers, and the public lists stay everybody's
MOST_NEW_A_DAY = 60  # of one freelancer, those archived since too: else archiving and making anew fills lists and store for ever
DAY = timedelta(days=1)
OTHER = "other"  # the address of the category for gigs that name none


class GigTerms(TypedDict):
    """What a new gig promises: title and description as typed, the price in its currency, days and rounds as whole numbers."""

    title: str
    description: str
    price: Decimal
    currency: str
    delivery_days: int
    category: NotRequired[Category]
    revisions_included: NotRequired[int]
    auto_approve_days: NotRequired[int]


class GigChanges(TypedDict, total=False):
    """The same of a gig that stands: only what is named is changed."""

    title: str
    category: Category
    description: str
    price: Decimal
    currency: str
    delivery_days: int
    revisions_included: int
    auto_approve_days: int


def create_gig(
    *,
    actor: User,
    pictures: Sequence[CheckedPicture] = (),
    requirements: Sequence[Requirement] = (),
    **terms: Unpack[GigTerms],
) -> Gig:
    """A new active gig of `actor` with up to 6 pictures and 10 questions (unsaved rows, in order); without a category it is put
    into `other_category`.

    Raises GigError, PictureCount, QuestionsRefused, AmountError, TooManyGigs or TooManyNewGigs; then no row and no file stays
    behind.
    """
    gig = Gig(freelancer=actor, **terms)
    _check_terms(gig, terms.keys())
    _check_requirements(requirements)
    check_room_for(len(pictures))
    _check_room_for_new(actor)
    with discard_files_on_error() as undo:
        names = [store_picture(picture, undo) for picture in pictures]
        with transaction.atomic():
            _hold(actor)
            _check_room_for_new(actor)
            if gig.category_id is None:
                gig.category = other_category()
            gig.save(force_insert=True)
            GigStats.objects.create(gig=gig)
            write_pictures(gig, pictures, names, start=0)
            _write_requirements(gig, requirements)
    return gig


@transaction.atomic
def other_category() -> Category:
    """Where a gig stands that names no category: made when the first one needs it, after the others.

    Raises GigError when it holds categories of its own by now.
    """
    last = Category.objects.filter(parent__isnull=True).aggregate(last=Max("position"))["last"] or 0
    other, _is_new = Category.objects.get_or_create(slug=OTHER, defaults={"name": "Other", "position": last + 1})
    _check_category(other)
    return other


@transaction.atomic
def update_gig(
    *,
    actor: User,
    gig: Gig,
    requirements: Sequence[Requirement] | None = None,
    seen_at: datetime | None = None,
    **changes: Unpack[GigChanges],
) -> Gig:
    """Change what is named of what the gig promises, its questions only where they are given; orders already placed keep what
    they were promised.

    `seen_at` is the `updated_at` the editor saw. Raises GigChanged when someone saved since, GigArchived, GigError,
    QuestionsRefused or AmountError.
    """
    _check_requirements(requirements or ())
    fresh = lock_own(actor, gig)
    if seen_at and seen_at != fresh.updated_at:
        raise GigChanged(
            _("This gig was changed since you opened it, perhaps in another tab. Compare with the gig's page, then save again.")
        )
    for name, value in changes.items():
        setattr(fresh, name, value)
    _check_terms(fresh, changes.keys())
    fresh.save()
    if requirements is not None:
        _replace_requirements(fresh, requirements)
    return fresh


@transaction.atomic
def pause_gig(*, actor: User, gig: Gig) -> Gig:
    """Take the gig off the public pages; orders already placed go on. For its owner and for staff who may change gigs.

    What staff paused stays so until staff calls release_gig().
    """
    fresh = lock(gig)
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
    fresh = lock_own(actor, gig)
    _check_not_paused_by_staff(fresh)
    if not fresh.is_active:
        fresh.is_active = True
        fresh.save(update_fields=["is_active", "updated_at"])
    return fresh


@transaction.atomic
def release_gig(*, actor: User, gig: Gig) -> Gig:
    """Offer again what staff paused; archived meanwhile it stays archived. For staff who may change gigs, never for its owner."""
    fresh = lock(gig)
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
    fresh = lock_own(actor, gig, archived=True)
    if not fresh.archived_at:
        fresh.is_active = False
        fresh.archived_at = timezone.now()
        fresh.save(update_fields=["is_active", "archived_at", "updated_at"])
    return fresh


@transaction.atomic
def restore_gig(*, actor: User, gig: Gig) -> Gig:
    """Bring an archived gig back, paused. Raises GigPausedByStaff and TooManyGigs."""
    fresh = lock_own(actor, gig, archived=True)
    _check_not_paused_by_staff(fresh)
    if fresh.archived_at:
        _hold(actor)
        _check_room(actor)
        fresh.archived_at = None
        fresh.save(update_fields=["archived_at", "updated_at"])
    return fresh


def _hold(actor: User) -> None:
    """Until the transaction ends nobody else makes or restores a gig of theirs, so that what is counted stays true."""
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)


def _check_room(actor: User) -> None:
    if Gig.objects.filter(freelancer=actor, archived_at__isnull=True).count() >= MOST_GIGS:
        raise TooManyGigs(
            _("You have %(most)d gigs, as many as one person may have. Archive one that you no longer offer first.")
            % {"most": MOST_GIGS}
        )


def _check_room_for_new(actor: User) -> None:
    """Before pictures are stored, and again while no other gig of theirs can come in between."""
    _check_room(actor)
    if Gig.objects.filter(freelancer=actor, created_at__gt=timezone.now() - DAY).count() >= MOST_NEW_A_DAY:
        raise TooManyNewGigs(
            _("You have made %(most)d gigs within a day, as many as one person may. Make the next one tomorrow.")
            % {"most": MOST_NEW_A_DAY}
        )


def _is_staff_for(actor: User, gig: Gig) -> bool:
    """Nobody is staff for a gig of their own."""
    return gig.freelancer_id != actor.pk and actor.has_perm("gigs.change_gig")


def _check_not_paused_by_staff(gig: Gig) -> None:
    if gig.paused_by_staff_at:
        text = _("A moderator has paused this gig. Write to %(support)s to have it put back.")
        raise GigPausedByStaff(text % {"support": settings.SUPPORT_EMAIL})


def _check_terms(gig: Gig, named: Collection[str]) -> None:
    """Of what the gig says now, what was just named."""
    if "price" in named or "currency" in named:
        validate_amount(gig.price, gig.currency)
    if "category" in named:
        _check_category(gig.category)
    if len(gig.description) > MAX_DESCRIPTION:
        raise GigError(_("Keep the description under %(max)d characters.") % {"max": MAX_DESCRIPTION}, code="terms")
    try:
        gig.clean_fields(exclude={field.name for field in Gig._meta.fields if field.name not in named} | {"category"})
    except ValidationError as refusal:
        raise GigError(" ".join(refusal.messages), code="terms") from refusal


def _check_category(category: Category) -> None:
    if category.children.exists():
        raise GigError(_("Choose one of the categories below “%(name)s”.") % {"name": category.name}, code="category")


def _check_requirements(requirements: Sequence[Requirement]) -> None:
    if len(requirements) > MAX_REQUIREMENTS:
        raise QuestionsRefused(_("Ask at most %(max)d questions.") % {"max": MAX_REQUIREMENTS})
    for row in requirements:
        if row.kind == Requirement.Kind.CHOICE and len(set(row.choices)) < 2:
            raise QuestionsRefused(_("“%(question)s” needs at least two choices.") % {"question": row.question})


def _wording(row: Requirement) -> tuple[Any, ...]:
    return row.question, row.kind, row.choices, row.is_required


def _replace_requirements(gig: Gig, requirements: Sequence[Requirement]) -> None:
    """Those that say the same keep their rows."""
    if [_wording(row) for row in gig.requirements.all()] != [_wording(row) for row in requirements]:
        gig.requirements.all().delete()
        _write_requirements(gig, requirements)


def _write_requirements(gig: Gig, requirements: Sequence[Requirement]) -> None:
    for position, row in enumerate(requirements):
        row.gig, row.position = gig, position
    Requirement.objects.bulk_create(requirements)
