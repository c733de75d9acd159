"""What the demo's drawings share: palettes, soft grounds, and a pen that works at twice the size for smooth edges."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageColor, ImageDraw, ImageFilter

SIZE = (1200, 800)  # of a finished picture, in pixels; 3:2 as the cards show it
Point = tuple[float, float]


@dataclass(frozen=True)
class Palette:
    """Six roles: two grounds, two inks, an accent and a second one."""

    paper: str
    soft: str
    deep: str
    mid: str
    accent: str
    second: str


PALETTES = (
    Palette("#f4efe4", "#e3d9c3", "#173f3a", "#5b8a7d", "#e07a3f", "#f0c36d"),
    Palette("#eef1f5", "#d5dde8", "#1d2f55", "#6784b4", "#e4574c", "#f3b562"),
    Palette("#f7ece6", "#ecd3c6", "#4a1f2d", "#a75a63", "#d98a3d", "#7ea08f"),
    Palette("#edf3ee", "#cfe0d3", "#20382b", "#6f9a78", "#d9a52f", "#c25f45"),
    Palette("#f2eff7", "#dcd3ec", "#2d2353", "#8072b8", "#e76f6a", "#62b3ad"),
    Palette("#f6f1e9", "#e5dccf", "#26262c", "#827a72", "#2f6db3", "#e0a93c"),
    Palette("#e9f3f4", "#c6dfe2", "#10414d", "#4f97a3", "#ee8a5b", "#f5d48a"),
    Palette("#fbf0ee", "#f3d6d6", "#3a2340", "#96648f", "#ef6c57", "#f2b84f"),
    Palette("#eff2e6", "#d7dfbe", "#2f3a1e", "#7d8f4e", "#b5482f", "#e5b94e"),
    Palette("#f1f0ec", "#d9d6cd", "#122c44", "#52738f", "#c9a23b", "#a8443a"),
)
NIGHTS = (
    Palette("#16243a", "#24405c", "#f0e6d2", "#7fa3bd", "#f2a65a", "#d95d5d"),
    Palette("#1d1b33", "#3a2f5b", "#f3e9e2", "#9a8bc9", "#f07f6b", "#74c6b8"),
    Palette("#12302c", "#1f5148", "#f2ecd9", "#77b09d", "#f0b44c", "#e5775a"),
    Palette("#2b1a20", "#57303a", "#f6e8dc", "#c58b86", "#f0a04b", "#8cbfa9"),
)


def rgb(colour: str) -> tuple[int, int, int]:
    return ImageColor.getrgb(colour)[:3]


def mix(one: str, other: str, share: float) -> str:
    """`share` of the other colour in the first."""
    parts = (round(a + (b - a) * share) for a, b in zip(rgb(one), rgb(other), strict=True))
    return "#{:02x}{:02x}{:02x}".format(*parts)


def gradient(size: tuple[int, int], start: str, end: str, *, angle: float = 90) -> Image.Image:
    """From one colour to the other, downwards at 90 degrees."""
    ramp = Image.linear_gradient("L")
    if angle != 90:
        ramp = ramp.rotate(90 - angle, resample=Image.Resampling.BICUBIC, expand=True)
        turn = math.radians(90 - angle)
        half = 255 / (abs(math.sin(turn)) + abs(math.cos(turn))) / 2 - 1  # the largest upright square inside the turned one
        middle = ramp.width / 2
        ramp = ramp.crop((round(middle - half), round(middle - half), round(middle + half), round(middle + half)))
    ramp = ramp.resize(size, Image.Resampling.BICUBIC)
    seen = [level for level, count in enumerate(ramp.histogram()) if count]
    low, high = seen[0], seen[-1]
    bands = []
    for first, last in zip(rgb(start), rgb(end), strict=True):
        bands.append(ramp.point([round(first + (last - first) * (level - low) / max(high - low, 1)) for level in range(256)]))
    return Image.merge("RGB", bands)


class Canvas:
    """A sheet of 1200 × 800 units, drawn at `scale` pixels a unit."""

    def __init__(self, palette: Palette, die: Random, *, scale: float = 2) -> None:
        self.palette, self.die, self.scale = palette, die, scale
        self.size = (round(SIZE[0] * scale), round(SIZE[1] * scale))
        self._use(Image.new("RGB", self.size, palette.paper))

    def _use(self, image: Image.Image) -> None:
        self.image, self.pen = image, ImageDraw.Draw(image)

    def _px(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def _box(self, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        return (x * self.scale, y * self.scale, (x + width) * self.scale, (y + height) * self.scale)

    def ground(self, start: str, end: str, *, angle: float = 90) -> None:
        self._use(gradient(self.size, start, end, angle=angle))

    def rect(self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0) -> None:
        self.pen.rounded_rectangle(self._box(x, y, width, height), radius * self.scale, fill=fill)

    def frame(self, x: float, y: float, width: float, height: float, ink: str, *, line: float = 4, radius: float = 0) -> None:
        box = self._box(x, y, width, height)
        self.pen.rounded_rectangle(box, radius * self.scale, outline=ink, width=max(1, round(line * self.scale)))

    def disc(self, x: float, y: float, radius: float, fill: str) -> None:
        self.pen.ellipse(self._box(x - radius, y - radius, 2 * radius, 2 * radius), fill=fill)

    def oval(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        self.pen.ellipse(self._box(x, y, width, height), fill=fill)

    def ring(self, x: float, y: float, radius: float, ink: str, *, line: float = 6) -> None:
        box = self._box(x - radius, y - radius, 2 * radius, 2 * radius)
        self.pen.ellipse(box, outline=ink, width=max(1, round(line * self.scale)))

    def slice(self, x: float, y: float, radius: float, start: float, end: float, fill: str) -> None:
        self.pen.pieslice(self._box(x - radius, y - radius, 2 * radius, 2 * radius), start, end, fill=fill)

    def arc(self, x: float, y: float, radius: float, start: float, end: float, ink: str, *, line: float = 6) -> None:
        box = self._box(x - radius, y - radius, 2 * radius, 2 * radius)
        self.pen.arc(box, start, end, fill=ink, width=max(1, round(line * self.scale)))

    def shape(self, points: Sequence[Point], fill: str) -> None:
        self.pen.polygon(self._px(points), fill=fill)

    def line(self, points: Sequence[Point], ink: str, *, line: float = 6) -> None:
        self.pen.line(self._px(points), fill=ink, width=max(1, round(line * self.scale)), joint="curve")
        for x, y in (points[0], points[-1]):
            self.disc(x, y, line / 2 - 0.2, ink)

    def shadow(self, x: float, y: float, width: float, height: float, *, radius: float = 0, depth: float = 18) -> None:
        """A soft shadow under a card that is drawn next."""
        small, reach = 8, depth * 4  # blurred at an eighth: a shadow has no detail
        left, top = round((x - reach) * self.scale), round((y + depth - reach) * self.scale)
        wide, tall = round((width + 2 * reach) * self.scale), round((height + 2 * reach) * self.scale)
        unit = self.scale / small
        mask = Image.new("L", (max(wide // small, 1), max(tall // small, 1)), 0)
        box = (reach * unit, reach * unit, (reach + width) * unit, (reach + height) * unit)
        ImageDraw.Draw(mask).rounded_rectangle(box, radius * unit, fill=84)
        mask = mask.filter(ImageFilter.GaussianBlur(max(depth * 1.3 * unit, 1))).resize((wide, tall), Image.Resampling.BILINEAR)
        self.image.paste(mix(self.palette.deep, "#000000", 0.6), (left, top, left + wide, top + tall), mask)

    def sheet(self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0) -> None:
        """A card lying on the ground."""
        self.shadow(x, y, width, height, radius=radius)
        self.rect(x, y, width, height, fill, radius=radius)

    def text_lines(self, x: float, y: float, width: float, count: int, ink: str, *, gap: float = 30, line: float = 9) -> None:
        """Lines that stand for text."""
        for place in range(count):
            share = self.die.uniform(0.45, 0.75) if place == count - 1 else self.die.uniform(0.86, 1)
            self.rect(x, y + place * gap, width * share, line, ink, radius=line / 2)

    def finish(self) -> Image.Image:
        return self.image.reduce(2)


def wave(die: Random, *, start: float, end: float, middle: float, height: float, step: float = 8) -> list[Point]:
    """A quiet hill line from `start` to `end`: three sines of random phase."""
    parts = [(die.uniform(0.6, 3.4), die.uniform(0, math.tau), die.uniform(0.3, 1)) for _ in range(3)]
    whole = sum(weight for _speed, _phase, weight in parts)
    points: list[Point] = []
    x = start
    while x <= end + step:
        swing = sum(weight * math.sin(phase + speed * math.tau * (x - start) / (end - start)) for speed, phase, weight in parts)
        points.append((x, middle + height * swing / whole))
        x += step
    return points
