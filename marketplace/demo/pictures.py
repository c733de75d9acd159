"""The demo's pictures: what a gig shows, and people's portraits. The same names give the same pictures."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image

from gigs.models import IMAGE_WIDTHS
from marketplace.demo import portraits
from marketplace.demo.canvas import NIGHTS, PALETTES, SIZE, Canvas, Palette
from marketplace.demo.motifs import MOTIFS
from marketplace.demo.tables import dice
from marketplace.uploads import CheckedPicture, encode_image, picture_in_widths, random_name

AVATAR = 512  # pixels
# Drawings that also read well light on dark.
BY_NIGHT = frozenset(
    {
        *("botanical", "boxes", "brand", "browser", "bubbles", "cubes", "donut", "flow"),
        *("northern", "plan", "slides", "stilllife", "swatches", "tiles", "vinyl", "waves"),
    }
)


def palette_of(seed: int, key: str) -> Palette:
    return dice(seed, "palette", key).choice(PALETTES)


def gig_pictures(gigs: list[dict[str, Any]], *, seed: int, width: int, most: int) -> dict[str, list[CheckedPicture]]:
    """The pictures of each gig by its key. Drawn side by side: encoding them is most of the work."""
    wanted = [(gig, place) for gig in gigs for place in range(min(gig["pictures"], most))]
    with ThreadPoolExecutor() as drawers:
        drawn = list(drawers.map(lambda pair: _gig_picture(*pair, seed=seed, width=width), wanted))
    pictures: dict[str, list[CheckedPicture]] = {gig["key"]: [] for gig in gigs}
    for (gig, _place), picture in zip(wanted, drawn, strict=True):
        pictures[gig["key"]].append(picture)
    return pictures


def _gig_picture(gig: dict[str, Any], place: int, *, seed: int, width: int) -> CheckedPicture:
    drawn = draw(gig["motif"], gig["key"], place, seed=seed, width=width)
    return picture_in_widths(drawn, widths=IMAGE_WIDTHS, effort=2)


def draw(motif: str, key: str, place: int, *, seed: int, width: int = SIZE[0]) -> Image.Image:
    """The picture at `place`: the first two keep the gig's palette, later ones show it in another light."""
    palette = palette_of(seed, key)
    if place >= 2:
        palette = dice(seed, "light", key, place).choice(NIGHTS if place == 2 and motif in BY_NIGHT else PALETTES)
    canvas = Canvas(palette, dice(seed, "picture", key, place), scale=2 * width / SIZE[0])
    MOTIFS[motif](canvas)
    return canvas.finish()


def portrait(key: str, *, seed: int) -> "ContentFile[bytes]":
    """A drawn square picture of a person, ready for `set_avatar`."""
    drawn = portraits.draw(dice(seed, "portrait", key), side=AVATAR)
    return ContentFile(encode_image(drawn), random_name(".webp"))
