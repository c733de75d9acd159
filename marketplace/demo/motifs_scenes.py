"""Drawings of places and things: hills, plants, a still life, the northern sky."""

import math

from marketplace.demo.canvas import Canvas, mix, wave


def _hills(c: Canvas, inks: list[str], *, top: float, drop: float, height: float) -> None:
    for place, ink in enumerate(inks):
        line = wave(c.die, start=-20, end=1220, middle=top + place * drop, height=height)
        c.shape([*line, (1240, 820), (-40, 820)], ink)


def landscape(c: Canvas) -> None:
    """Hills at dusk, a few trees, a sun or a moon."""
    p = c.palette
    c.ground(mix(p.soft, p.second, 0.35), p.paper)
    c.disc(c.die.uniform(250, 950), c.die.uniform(190, 300), c.die.uniform(70, 120), c.die.choice([p.accent, p.second]))
    inks = [mix(p.soft, p.mid, 0.5), p.mid, mix(p.mid, p.deep, 0.5), p.deep]
    _hills(c, inks[:3], top=400, drop=95, height=80)
    for _tree in range(c.die.randrange(5, 9)):
        x, y, size = c.die.uniform(80, 1120), c.die.uniform(560, 650), c.die.uniform(46, 84)
        c.rect(x - 4, y, 8, size * 1.2, mix(p.deep, "#000000", 0.2))
        if c.die.random() < 0.5:
            c.oval(x - size * 0.42, y - size, size * 0.84, size * 1.5, c.die.choice([p.deep, mix(p.deep, p.accent, 0.25)]))
        else:
            c.shape([(x, y - size * 1.4), (x + size * 0.45, y + size * 0.4), (x - size * 0.45, y + size * 0.4)], p.deep)
    _hills(c, [mix(p.deep, "#000000", 0.15)], top=700, drop=0, height=36)


def sunset(c: Canvas) -> None:
    """A frame in two gradings: the sea, and the sun going."""
    p = c.palette
    c.ground(mix(p.deep, p.accent, 0.25), mix(p.accent, p.second, 0.6))
    x = c.die.uniform(420, 780)
    for step in range(5):
        c.disc(x, 470, 230 - step * 32, mix(mix(p.accent, p.second, 0.5), "#fff6e0", 0.15 + step * 0.16))
    c.rect(0, 500, 1200, 300, mix(p.deep, p.mid, 0.2))
    for row in range(11):
        y, wide = 516 + row * 25, 60 + row * 22 + c.die.uniform(-20, 60)
        c.rect(x - wide / 2 + c.die.uniform(-30, 30), y, wide, 8, mix(p.second, p.deep, row * 0.06), radius=4)
    line = wave(c.die, start=-20, end=1220, middle=478, height=26)
    c.shape([point for point in line if point[0] < x - 260 or point[0] > x + 240] + [(1240, 502), (-40, 502)], p.deep)
    c.rect(0, 0, 1200, 58, "#0d0d10")
    c.rect(0, 742, 1200, 58, "#0d0d10")


def northern(c: Canvas) -> None:
    """Curtains of light over a fjord."""
    p = c.palette
    night = mix(p.deep, "#04070d", 0.6) if sum(map(ord, p.deep)) < sum(map(ord, p.paper)) else mix(p.paper, "#04070d", 0.5)
    c.ground(night, mix(night, p.mid, 0.45))
    for _star in range(90):
        c.disc(
            c.die.uniform(0, 1200), c.die.uniform(0, 520), c.die.uniform(0.8, 2.6), mix(night, "#ffffff", c.die.uniform(0.3, 0.9))
        )
    for ink, middle in ((p.mid, 330), (mix(p.mid, p.second, 0.6), 400), (p.second, 470)):
        crest = wave(c.die, start=-20, end=1220, middle=middle, height=95, step=15)
        for n, (x, y) in enumerate(crest):
            tall = 170 + 70 * math.sin(n * 0.21 + middle)
            for part in range(8):
                c.rect(x, y - tall * (part + 1) / 8, 11, tall / 8 + 1, mix(ink, night, 0.3 + part * 0.085))
    for ink, top, height in ((mix(night, p.mid, 0.2), 560, 70), (mix(night, "#000000", 0.35), 640, 50)):
        c.shape([*wave(c.die, start=-20, end=1220, middle=top, height=height), (1240, 820), (-40, 820)], ink)
    c.rect(0, 706, 1200, 94, mix(night, p.mid, 0.25))
    for row in range(5):
        c.rect(c.die.uniform(60, 700), 722 + row * 15, c.die.uniform(160, 420), 4, mix(night, p.second, 0.5), radius=2)


def botanical(c: Canvas) -> None:
    """Three stems with leaves of different kinds."""
    p = c.palette
    c.ground(p.paper, mix(p.paper, p.soft, 0.7), angle=60)
    c.disc(600, 400, 300, mix(p.soft, p.second, 0.35))
    for x, kind in zip((330, 600, 870), c.die.sample(range(4), 3), strict=True):
        lean, ink = c.die.uniform(-60, 60), c.die.choice([p.deep, p.mid, mix(p.deep, p.mid, 0.5)])
        stem = [(x + lean * (n / 20) ** 2, 740 - n * 28) for n in range(21)]
        c.line(stem, ink, line=7)
        for n in range(3, 20, 2):
            sx, sy = stem[n]
            size = 96 * (1 - n / 26)
            for side in (-1, 1):
                _leaf(c, sx, sy, size, side, kind, ink if side > 0 else mix(ink, p.paper, 0.18))
        top = stem[-1]
        c.disc(*top, 26, p.accent if kind != 3 else p.second)
        c.disc(*top, 11, p.paper)


def _leaf(c: Canvas, x: float, y: float, size: float, side: int, kind: int, ink: str) -> None:
    if kind == 0:
        c.line([(x, y), (x + side * size * 0.7, y - size * 0.5)], ink, line=5)
        c.disc(x + side * size * 0.8, y - size * 0.56, size * 0.2, ink)
        return
    slim = (0, 0.2, 0.34, 0.13)[kind]
    angle = (0, -0.6, -0.35, -0.9)[kind]
    outline = []
    for n in range(21):
        along = math.sin(n / 20 * math.pi)
        length = size * (n / 10 if n <= 10 else (20 - n) / 10)
        across = size * slim * along * (1 if n <= 10 else -1)
        outline.append(
            (
                x + side * (length * math.cos(angle) - across * math.sin(angle)),
                y + length * math.sin(angle) + across * math.cos(angle),
            )
        )
    c.shape(outline, ink)


def stilllife(c: Canvas) -> None:
    """Vessels on a table in side light."""
    p = c.palette
    c.ground(mix(p.soft, p.second, 0.25), p.paper, angle=20)
    c.rect(0, 560, 1200, 240, mix(p.soft, p.mid, 0.45))
    c.rect(0, 560, 1200, 10, mix(p.soft, "#ffffff", 0.4))
    light = c.die.uniform(120, 330)
    c.shape([(light, 0), (light + 330, 0), (light + 620, 560), (light + 230, 560)], mix(p.paper, "#ffffff", 0.55))
    places = [190, 400, 620, 830, 1010]
    inks = [p.deep, p.accent, p.second, p.mid, mix(p.accent, p.deep, 0.4)]
    c.die.shuffle(inks)
    for x, ink, kind in zip(places, inks, c.die.sample(range(5), 5), strict=True):
        y = 640 + c.die.uniform(-14, 22)
        c.oval(x - 40, y - 22, 260, 44, mix(p.mid, p.deep, 0.3))
        _vessel(c, x + 20, y, kind, ink)


def _vessel(c: Canvas, x: float, y: float, kind: int, ink: str) -> None:
    """Body, then a lighter band where the light falls; (x, y) is the middle of its foot."""
    bright, dark = mix(ink, "#ffffff", 0.3), mix(ink, "#000000", 0.25)
    match kind:
        case 0:
            widths, tall = [62, 74, 92, 100, 96, 76, 44, 30, 28, 34], 330
        case 1:
            widths, tall = [66, 70, 70, 70, 70, 70, 66, 36, 30, 32], 280
        case 2:
            widths, tall = [40, 78, 104, 114, 112, 100], 150
        case 3:
            widths, tall = [48, 84, 94, 84, 60, 46, 62], 210
        case _:
            widths, tall = [56, 58, 58, 60, 60], 170
    step = tall / (len(widths) - 1)
    for share, colour, part in ((1, ink, (-1, 1)), (1, dark, (0.35, 1)), (1, bright, (-0.72, -0.45))):
        left = [(x + w * part[0] * share, y - n * step) for n, w in enumerate(widths)]
        right = [(x + w * part[1] * share, y - n * step) for n, w in enumerate(widths)]
        c.shape([*left, *reversed(right)], colour)
    c.oval(x - widths[0], y - 12, widths[0] * 2, 24, ink)
    c.oval(x - widths[-1], y - tall - 9, widths[-1] * 2, 18, dark)
