"""Drawings made of plain geometry: marks, swatches, boxes, arches."""

import math

from marketplace.demo.canvas import Canvas, Point, mix


def brand(c: Canvas) -> None:
    """One mark large, its small brothers in a row beside it."""
    p = c.palette
    c.ground(p.paper, p.soft, angle=60)
    variant = c.die.randrange(5)
    c.sheet(90, 90, 620, 620, p.deep, radius=36)
    mark(c, 400, 400, 210, variant, (p.paper, p.accent, p.second))
    for place in range(3):
        ground, inks = (
            (p.accent, (p.paper, p.deep, p.deep)),
            (p.paper, (p.deep, p.accent, p.second)),
            (p.second, (p.deep,) * 3),
        )[place]
        top = 90 + place * 220
        c.sheet(770, top, 340, 180, ground, radius=24)
        mark(c, 862, top + 90, 52, variant, inks)
        ink = p.deep if ground != p.accent else p.paper
        c.rect(950, top + 66, 122, 18, ink, radius=9)
        c.rect(950, top + 100, 78, 12, mix(ground, ink, 0.5), radius=6)


def mark(c: Canvas, x: float, y: float, size: float, variant: int, inks: tuple[str, ...]) -> None:
    """A little emblem of three colours around (x, y)."""
    one, two, three = inks
    match variant:
        case 0:
            c.disc(x, y, size, one)
            c.slice(x, y, size, -90, 90, two)
            c.disc(x, y + size / 2, size / 2, one)
            c.disc(x, y - size / 2, size / 2, two)
        case 1:
            c.slice(x - size, y + size, size * 2, 270, 360, one)
            c.slice(x - size, y + size, size * 1.3, 270, 360, two)
            c.slice(x - size, y + size, size * 0.62, 270, 360, three)
            c.disc(x + size * 0.62, y - size * 0.62, size * 0.36, two)
        case 2:
            for place, ink in enumerate((one, two, three)):
                c.ring(
                    x + (place - 1) * size * 0.48, y + (0.28 if place != 1 else -0.5) * size, size * 0.52, ink, line=size * 0.15
                )
        case 3:
            for step in range(8):
                angle = math.tau * step / 8
                c.disc(x + math.cos(angle) * size * 0.7, y + math.sin(angle) * size * 0.7, size * 0.25, two if step % 2 else one)
            c.disc(x, y, size * 0.3, three)
        case _:
            c.rect(x - size, y - size, size * 0.94, size * 2, one, radius=size * 0.47)
            c.slice(x + size * 0.04, y - size * 0.04, size * 0.96, -90, 0, two)
            c.disc(x + size * 0.52, y + size * 0.52, size * 0.47, three)


def swatches(c: Canvas) -> None:
    """A fan of colour cards on a table."""
    p = c.palette
    c.ground(mix(p.deep, p.mid, 0.25), p.deep, angle=70)
    inks = [p.second, p.accent, mix(p.accent, p.deep, 0.35), p.mid, mix(p.mid, p.soft, 0.5), p.soft]
    x, y = c.die.uniform(560, 640), 900
    first, step = c.die.uniform(-52, -44), c.die.uniform(16, 18.5)
    for place, ink in enumerate(inks):
        angle = math.radians(first + place * step)
        for grow in (16, 11, 6):
            c.shape(_turned(x, y, 190, 790, angle, grow=grow), mix(p.deep, mix(p.deep, p.mid, 0.25), grow / 20))
        c.shape(_turned(x, y, 190, 790, angle), "#fdfcf9")
        c.shape(_turned(x, y, 190, 500, angle, lift=290), ink)
        for row, width in ((232, 110), (194, 70)):
            c.shape(_turned(x, y, width, 13, angle, lift=row), mix(p.mid, p.soft, 0.5))


def _turned(x: float, y: float, width: float, height: float, angle: float, *, lift: float = 0, grow: float = 0) -> list[Point]:
    corners = (
        (-width / 2 - grow, -lift),
        (width / 2 + grow, -lift),
        (width / 2 + grow, -lift - height - grow),
        (-width / 2 - grow, -lift - height - grow),
    )
    cos, sin = math.cos(angle), math.sin(angle)
    return [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in corners]


def tiles(c: Canvas) -> None:
    """A feed: twelve little compositions that belong together."""
    p = c.palette
    c.ground(p.paper, p.soft)
    inks, columns, side, gap = [p.deep, p.accent, p.second, p.mid, p.soft], 4, 228, 24
    left, top = (1200 - columns * side - 3 * gap) / 2, (800 - 3 * side - 2 * gap) / 2
    for place in range(12):
        x, y = left + place % columns * (side + gap), top + place // columns * (side + gap)
        ground, ink, third = c.die.sample(inks, 3)
        c.rect(x, y, side, side, ground, radius=20)
        match c.die.randrange(6):
            case 0:
                c.disc(x + side / 2, y + side / 2, side * 0.3, ink)
            case 1:
                c.slice(x + side / 2, y + side * 0.78, side * 0.36, 180, 360, ink)
                c.disc(x + side / 2, y + side * 0.28, side * 0.1, third)
            case 2:
                for row in range(3):
                    c.rect(x + 44, y + 62 + row * 40, side - 88 - row * 38, 20, ink, radius=10)
            case 3:
                c.rect(x + side * 0.28, y + side * 0.2, side * 0.44, side * 0.6, ink, radius=side * 0.22)
                c.disc(x + side / 2, y + side * 0.42, side * 0.13, third)
            case 4:
                for n in range(9):
                    c.disc(
                        x + side * (0.25 + n % 3 * 0.25), y + side * (0.25 + n // 3 * 0.25), side * 0.06, ink if n % 2 else third
                    )
            case _:
                c.ring(x + side / 2, y + side / 2, side * 0.3, ink, line=14)
                c.disc(x + side / 2, y + side / 2, side * 0.13, third)


def _prism(c: Canvas, x: float, y: float, width: float, height: float, faces: tuple[str, str, str]) -> None:
    """A box seen from above its front edge; (x, y) is the lowest corner."""
    half, rise = width * 0.866, width * 0.5
    top, left, right = faces
    c.shape([(x, y), (x - half, y - rise), (x - half, y - rise - height), (x, y - height)], left)
    c.shape([(x, y), (x + half, y - rise), (x + half, y - rise - height), (x, y - height)], right)
    c.shape([(x, y - height), (x - half, y - rise - height), (x, y - 2 * rise - height), (x + half, y - rise - height)], top)


def boxes(c: Canvas) -> None:
    """Three packages of one family."""
    p = c.palette
    c.ground(p.soft, p.paper, angle=80)
    c.rect(0, 610, 1200, 190, mix(p.soft, p.mid, 0.35))
    inks = c.die.sample([p.accent, p.deep, p.second, p.mid], 3)
    for ink, x, y, width, height in zip(inks, (330, 905, 620), (640, 660, 730), (150, 130, 170), (330, 210, 400), strict=True):
        c.oval(x - width, y - 60, width * 2.1, 90, mix(p.soft, p.deep, 0.35))
        _prism(c, x, y, width, height, (mix(ink, "#ffffff", 0.28), ink, mix(ink, "#000000", 0.22)))
        half, label = width * 0.866, mix(ink, "#ffffff", 0.82)
        low, tall = y - height * 0.25, height * 0.42
        c.shape([(x, low), (x - half, low - width / 2), (x - half, low - width / 2 - tall), (x, low - tall)], label)
        c.shape(
            [(x, low), (x + half, low - width / 2), (x + half, low - width / 2 - tall), (x, low - tall)],
            mix(label, "#000000", 0.14),
        )
        c.oval(x - half * 0.68, low - width * 0.26 - tall * 0.75, half * 0.36, tall * 0.52, ink)


def cubes(c: Canvas) -> None:
    """A heap of cubes on an isometric floor."""
    p = c.palette
    c.ground(p.deep, mix(p.deep, p.mid, 0.45), angle=75)
    side = 92
    for row in range(5):
        for column in range(5):
            high = max(0, c.die.choice([0, 1, 1, 2, 3]) - (row + column) // 4)
            x, y = 600 + (column - row) * side * 0.866, 390 + (row + column) * side * 0.5
            for level in range(max(high, 0) or 1):
                ink = [p.mid, p.second, p.accent, p.paper][(row * 2 + column + level) % 4]
                flat = 26 if not high else side
                _prism(
                    c,
                    x,
                    y - level * side,
                    side * 0.97,
                    flat,
                    (mix(ink, "#ffffff", 0.25), mix(ink, "#000000", 0.08), mix(ink, "#000000", 0.3)),
                )


def arches(c: Canvas) -> None:
    """Arches inside arches, and a sun between them."""
    p = c.palette
    c.ground(p.paper, p.soft)
    c.disc(c.die.uniform(330, 870), 230, 110, p.second)
    for x, size in ((300, 250), (900, 250), (600, 330)):
        for ring, ink in enumerate([p.deep, p.paper, p.accent, p.soft, p.mid]):
            radius = size * (1 - ring * 0.19)
            c.slice(x, 560, radius, 180, 360, ink)
            c.rect(x - radius, 558, radius * 2, 260, ink)
    c.rect(0, 740, 1200, 60, p.deep)


def rings(c: Canvas) -> None:
    """Circles that overlap like ripples."""
    p = c.palette
    c.ground(p.deep, mix(p.deep, p.mid, 0.5), angle=50)
    for x, y, ink in ((380, 430, p.accent), (640, 330, p.second), (800, 500, p.paper)):
        for step in range(7):
            c.ring(x, y, 50 + step * 42, mix(ink, p.deep, step * 0.13), line=13 - step)
        c.disc(x, y, 26, ink)


def orbits(c: Canvas) -> None:
    """A small planetary machine."""
    p = c.palette
    c.ground(mix(p.deep, "#000000", 0.25), mix(p.deep, p.mid, 0.4), angle=65)
    for _star in range(70):
        c.disc(c.die.uniform(0, 1200), c.die.uniform(0, 800), c.die.uniform(1, 3), mix(p.deep, p.paper, c.die.uniform(0.3, 0.8)))
    x, y = 600, 400
    c.disc(x, y, 92, p.second)
    c.disc(x - 22, y - 22, 58, mix(p.second, "#ffffff", 0.3))
    for radius, size, ink in zip((170, 250, 345, 450), (20, 34, 24, 48), (p.paper, p.accent, p.mid, p.soft), strict=True):
        c.ring(x, y, radius, mix(p.deep, p.paper, 0.35), line=3)
        angle = c.die.uniform(0, math.tau)
        if radius > 360:
            angle = c.die.choice([c.die.uniform(-0.6, 0.6), math.pi + c.die.uniform(-0.6, 0.6)])
        px, py = x + radius * math.cos(angle), y + radius * math.sin(angle)
        c.disc(px, py, size, ink)
        c.slice(px, py, size, math.degrees(angle) - 90, math.degrees(angle) + 90, mix(ink, "#000000", 0.25))


def lattice(c: Canvas) -> None:
    """A woven lattice with a keyhole of light."""
    p = c.palette
    c.ground(mix(p.deep, "#000000", 0.3), p.deep, angle=60)
    for row in range(9):
        for column in range(13):
            x, y = column * 100 + (row % 2) * 50, row * 100
            near = max(0.0, 1 - math.hypot(x - 600, y - 390) / 620)
            ink = mix(mix(p.deep, p.mid, 0.35), p.accent if (row + column) % 3 else p.second, near)
            c.shape([(x, y - 46), (x + 44, y), (x, y + 46), (x - 44, y)], mix(p.deep, ink, 0.35 + near * 0.65))
    c.disc(600, 390, 150, p.deep)
    c.ring(600, 390, 150, p.paper, line=10)
    c.disc(600, 355, 46, p.paper)
    c.shape([(600, 345), (648, 478), (552, 478)], p.paper)


def envelopes(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.mid, p.paper, 0.4), mix(p.mid, p.deep, 0.3), angle=55)
    for x, y, ink in ((120, 110, p.second), (640, 160, p.accent), (220, 430, p.deep), (700, 480, p.paper)):
        c.sheet(x, y, 400, 260, ink, radius=14)
        shade = mix(ink, "#000000", 0.14)
        c.shape(
            [(x, y + 250), (x + 160, y + 120), (x + 240, y + 120), (x + 400, y + 250), (x + 390, y + 260), (x + 10, y + 260)],
            mix(ink, "#ffffff", 0.16),
        )
        c.shape([(x + 6, y + 4), (x + 394, y + 4), (x + 215, y + 158), (x + 185, y + 158)], shade)
        c.disc(x + 200, y + 140, 30, mix(p.accent, p.deep, 0.3) if ink != p.deep else p.second)
        c.disc(x + 200, y + 140, 15, mix(ink, "#ffffff", 0.5))
