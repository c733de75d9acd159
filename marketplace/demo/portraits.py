"""People's pictures: small landscapes and shapes, never faces of people who do not exist."""

import math
from random import Random

from PIL import Image

from marketplace.demo.canvas import NIGHTS, PALETTES, Canvas, mix, wave

LEFT = 200  # of the middle square of the sheet


def draw(die: Random, *, side: int) -> Image.Image:
    """A square picture of `side` pixels."""
    c = Canvas(die.choice(PALETTES + NIGHTS), die, scale=2 * side / 800)
    die.choice([_hills, _bauhaus, _bloom, _moon, _waves])(c)
    edge = round(LEFT * c.scale)
    return c.image.crop((edge, 0, c.size[0] - edge, c.size[1])).resize((side, side), Image.Resampling.BOX)


def _hills(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.second, p.paper, 0.5), p.paper)
    c.disc(c.die.uniform(420, 780), 280, 130, p.accent)
    for place, ink in enumerate((p.mid, mix(p.mid, p.deep, 0.5), p.deep)):
        c.shape([*wave(c.die, start=180, end=1020, middle=430 + place * 110, height=80), (1040, 820), (160, 820)], ink)


def _bauhaus(c: Canvas) -> None:
    p, turn = c.palette, c.die.choice([0, 90, 180, 270])
    c.ground(p.soft, p.paper, angle=50)
    c.slice(600, 400, 330, turn, turn + 180, p.deep)
    c.disc(600 + 150 * math.cos(math.radians(turn + 270)), 400 + 150 * math.sin(math.radians(turn + 270)), 130, p.accent)
    c.disc(600 + 160 * math.cos(math.radians(turn + 90)), 400 + 160 * math.sin(math.radians(turn + 90)), 90, p.second)


def _bloom(c: Canvas) -> None:
    p, petals = c.palette, c.die.choice([6, 7, 8])
    c.ground(p.deep, mix(p.deep, p.mid, 0.5), angle=60)
    for n in range(petals):
        angle = math.tau * n / petals + 0.3
        c.disc(600 + 190 * math.cos(angle), 400 + 190 * math.sin(angle), 128, p.accent if n % 2 else mix(p.accent, p.second, 0.5))
    c.disc(600, 400, 130, p.second)
    c.disc(600, 400, 56, p.deep)


def _moon(c: Canvas) -> None:
    p = c.palette
    night = mix(p.deep, "#05070c", 0.35) if p in PALETTES else p.paper
    c.ground(night, mix(night, p.mid, 0.5))
    for _star in range(26):
        c.disc(c.die.uniform(210, 990), c.die.uniform(20, 500), c.die.uniform(3, 7), mix(night, "#ffffff", 0.7))
    c.disc(600, 330, 190, p.second)
    c.disc(c.die.choice([520, 680]), 290, 165, mix(night, p.mid, 0.22))
    c.shape([*wave(c.die, start=180, end=1020, middle=640, height=60), (1040, 820), (160, 820)], mix(night, "#000000", 0.4))


def _waves(c: Canvas) -> None:
    p = c.palette
    c.ground(p.accent, p.second)
    for row in range(5):
        ink = (p.paper, p.mid, p.deep, mix(p.deep, p.mid, 0.4), mix(p.deep, "#000000", 0.3))[row]
        line = [(x, 300 + row * 105 + 52 * math.sin(x / 95 + row * 1.9)) for x in range(180, 1030, 8)]
        c.shape([*line, (1040, 820), (160, 820)], ink)
