"""The pictures of a gig: rows and files, at most MAX_IMAGES, numbered from 0."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from gigs.exceptions import PictureCount
from gigs.models import MAX_IMAGES, Gig, GigImage
from gigs.services.own import lock_own
from marketplace.uploads import CheckedPicture, discard_files_on_error, random_name


def add_images(*, actor: User, gig: Gig, pictures: Sequence[CheckedPicture]) -> list[GigImage]:
    """Add pictures after the others. Raises PictureCount over 6 and GigArchived; then no file stays behind."""
    check_room_for(gig.images.count() + len(pictures))
    with discard_files_on_error() as undo:
        names = [store_picture(picture, undo) for picture in pictures]
        with transaction.atomic():
            fresh = lock_own(actor, gig)
            kept = _in_order(fresh)
            check_room_for(len(kept) + len(pictures))
            rows = write_pictures(fresh, pictures, names, start=len(kept))
    return rows


@transaction.atomic
def remove_image(*, actor: User, gig: Gig, image_id: int) -> None:
    """Remove a picture, and its files after the commit. Removing it twice is fine; the last one stays (PictureCount)."""
    fresh = lock_own(actor, gig)
    images = _in_order(fresh)
    gone = [image for image in images if image.pk == image_id]
    if not gone:
        return
    if len(images) == 1:
        raise PictureCount(_("The last picture stays. Add another one first, then remove this one."))
    paths = gone[0].paths
    gone[0].delete()
    _in_order(fresh)
    transaction.on_commit(lambda: _delete_files(paths))


@transaction.atomic
def move_image(*, actor: User, gig: Gig, image_id: int, place: int) -> None:
    """Put a picture at `place` (from 0, the cover). A picture that is gone moves nothing."""
    fresh = lock_own(actor, gig)
    images = _in_order(fresh)
    for image in [image for image in images if image.pk == image_id]:
        images.remove(image)
        images.insert(max(0, place), image)
    _write_order(images)


def check_room_for(count: int) -> None:
    if count > MAX_IMAGES:
        raise PictureCount(_("A gig shows at most %(max)d pictures.") % {"max": MAX_IMAGES})


def store_picture(picture: CheckedPicture, undo: ExitStack) -> str:
    """Write the files of a picture under a new name; `undo` deletes them unless it is told otherwise."""
    image = GigImage(name=random_name(""))
    undo.callback(_delete_files, image.paths)
    for width, data in picture.files.items():
        default_storage.save(image.path(width), ContentFile(data))
    return image.name


def write_pictures(gig: Gig, pictures: Sequence[CheckedPicture], names: Sequence[str], *, start: int) -> list[GigImage]:
    return GigImage.objects.bulk_create(
        GigImage(gig=gig, name=name, position=start + place, width=picture.width, height=picture.height)
        for place, (name, picture) in enumerate(zip(names, pictures, strict=True))
    )


def _delete_files(paths: Iterable[str]) -> None:
    for path in paths:
        default_storage.delete(path)


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
