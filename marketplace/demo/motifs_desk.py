"""Drawings of what stands on a desk or a screen: pages, tables, charts, plans."""

import math
from itertools import pairwise

from marketplace.demo.canvas import Canvas, mix


def _window(c: Canvas, x: float, y: float, width: float, height: float, *, dark: bool = False) -> None:
    p = c.palette
    c.sheet(x, y, width, height, mix(p.deep, "#000000", 0.25) if dark else "#fdfdfb", radius=20)
    for place, ink in enumerate((p.accent, p.second, p.mid)):
        c.disc(x + 34 + place * 30, y + 32, 9, ink)


def browser(c: Canvas) -> None:
    p = c.palette
    c.ground(p.soft, mix(p.soft, p.mid, 0.45), angle=55)
    _window(c, 130, 90, 940, 760)
    c.rect(260, 20 + 90, 500, 26, p.soft, radius=13)
    c.rect(130, 154, 940, 330, p.deep)
    side = c.die.random() < 0.5
    text, art = (190, 800) if side else (640, 390)
    c.rect(text, 220, 330, 34, p.paper, radius=8)
    c.rect(text, 268, 250, 34, p.paper, radius=8)
    c.rect(text, 330, 290, 12, mix(p.deep, p.paper, 0.5), radius=6)
    c.rect(text, 354, 240, 12, mix(p.deep, p.paper, 0.5), radius=6)
    c.rect(text, 400, 150, 46, p.accent, radius=23)
    c.disc(art, 320, 118, p.second)
    c.slice(art, 320, 118, 20, 200, p.accent)
    c.disc(art + 70, 262, 40, p.paper)
    for place in range(3):
        x = 190 + place * 280
        c.rect(x, 530, 250, 150, c.die.choice([p.soft, mix(p.paper, p.second, 0.4), mix(p.paper, p.mid, 0.4)]), radius=14)
        c.disc(x + 125, 605, 38, c.die.choice([p.accent, p.deep, p.mid]))
        c.rect(x, 704, 190, 14, p.deep, radius=7)
        c.rect(x, 732, 230, 10, p.soft, radius=5)
        c.rect(x, 752, 210, 10, p.soft, radius=5)


def phones(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.accent, p.second, 0.3), mix(p.accent, p.deep, 0.35), angle=50)
    for x, y, dark in ((170, 150, True), (450, 60, False), (730, 170, True)):
        c.sheet(x, y, 300, 620, "#15161a", radius=46)
        paper = mix(p.deep, "#000000", 0.2) if dark else "#fdfcf9"
        ink = p.paper if dark else p.deep
        c.rect(x + 14, y + 14, 272, 592, paper, radius=34)
        c.rect(x + 110, y + 28, 80, 16, "#15161a", radius=8)
        c.rect(x + 40, y + 74, 140, 20, ink, radius=8)
        c.rect(x + 40, y + 116, 220, 150, c.die.choice([p.second, p.accent, p.mid]), radius=20)
        c.slice(x + 150, y + 266, 74, 180, 360, mix(ink, paper, 0.25))
        c.disc(x + 205, y + 160, 20, paper)
        for row in range(4):
            top = y + 296 + row * 60
            c.disc(x + 62, top + 20, 20, (p.accent, p.second, p.mid, p.soft)[row])
            c.rect(x + 96, top + 6, c.die.uniform(90, 150), 12, ink, radius=6)
            c.rect(x + 96, top + 26, c.die.uniform(70, 160), 9, mix(paper, ink, 0.3), radius=4)
        c.rect(x + 100, y + 552, 100, 34, p.accent, radius=17)


def code(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.mid, p.deep, 0.2), mix(p.deep, "#000000", 0.1), angle=45)
    _window(c, 140, 80, 920, 780, dark=True)
    paper = mix(p.deep, "#000000", 0.25)
    indent, inks = (
        0,
        [mix(p.second, "#ffffff", 0.15), mix(p.accent, "#ffffff", 0.1), mix(p.mid, "#ffffff", 0.35), mix(paper, "#ffffff", 0.75)],
    )
    for row in range(19):
        y = 160 + row * 34
        c.rect(176, y + 2, 18, 9, mix(paper, "#ffffff", 0.25), radius=4)
        if row in (4, 5):
            c.rect(140, y - 12, 920, 34, mix(paper, "#3fa66b" if row == 5 else "#c9504a", 0.38))
        if c.die.random() < 0.12 and row not in (4, 5):
            indent = 0
            continue
        x = 230.0 + indent * 46
        for _word in range(c.die.randrange(2, 6)):
            wide = c.die.uniform(36, 150)
            if x + wide > 1010:
                break
            c.rect(x, y, wide, 13, c.die.choice(inks), radius=6)
            x += wide + 16
        indent = max(0, min(4, indent + c.die.choice([-1, 0, 0, 1])))


def flow(c: Canvas) -> None:
    p = c.palette
    c.ground(p.paper, p.soft, angle=55)
    for x in range(30, 1200, 48):
        for y in range(30, 800, 48):
            c.disc(x, y, 2.4, mix(p.soft, p.mid, 0.4))
    columns = [(190, [400]), (480, [220, 400, 580]), (770, c.die.choice([[300, 500], [240, 560]])), (1030, [400])]
    for (x, ys), (nx, nys) in pairwise(columns):
        for y in ys:
            for ny in nys:
                bend = [(x + (nx - x) * t, y + (ny - y) * (3 * t * t - 2 * t**3)) for t in (n / 24 for n in range(25))]
                c.line(bend, mix(p.mid, p.paper, 0.2), line=6)
    for number, (x, ys) in enumerate(columns):
        for place, y in enumerate(ys):
            ink = (p.deep, p.mid, p.second, p.accent)[number]
            c.sheet(x - 92, y - 58, 184, 116, ink if number in (0, 3) else "#fdfdfa", radius=26)
            light = p.paper if number in (0, 3) else ink
            if (number + place) % 2:
                c.ring(x - 44, y, 24, light, line=9)
            else:
                c.rect(x - 68, y - 24, 48, 48, light, radius=12)
            c.rect(x - 2, y - 20, 66, 14, light, radius=7)
            c.rect(x - 2, y + 8, 44, 11, mix(light, "#fdfdfa" if number in (1, 2) else ink, 0.5), radius=5)


def grid(c: Canvas) -> None:
    """A table whose rows fall into place."""
    p = c.palette
    c.ground(p.deep, mix(p.deep, p.mid, 0.4), angle=60)
    c.sheet(110, 100, 980, 620, "#fdfdfb", radius=22)
    c.rect(110, 100, 980, 80, p.accent, radius=22)
    c.rect(110, 150, 980, 30, p.accent)
    widths = [150, 260, 180, 160, 130]
    for row in range(8):
        x, y = 150, 126 + row * 66 + (20 if row else 0)
        if row and row % 2 == 0:
            c.rect(110, y - 24, 980, 66, mix(p.paper, p.soft, 0.4))
        for column, width in enumerate(widths):
            if row == 0:
                c.rect(x, y + 4, width * 0.6, 20, p.paper, radius=8)
            elif column == 3:
                c.rect(x, y - 4, 100, 28, c.die.choice([mix(p.second, "#ffffff", 0.3), mix(p.mid, "#ffffff", 0.5)]), radius=14)
            else:
                c.rect(
                    x, y + 2, width * c.die.uniform(0.35, 0.72), 14, mix(p.deep, p.paper, 0.25 if column == 0 else 0.6), radius=7
                )
            x += width + 14
    c.frame(310, 400, 290, 66, p.accent, line=5, radius=8)


def scatter(c: Canvas) -> None:
    p = c.palette
    c.ground(p.paper, p.soft)
    c.sheet(110, 90, 980, 620, "#fdfdfb", radius=24)
    for n in range(5):
        c.rect(180, 180 + n * 105, 840, 3, p.soft)
    c.rect(180, 150, 4, 490, p.deep)
    c.rect(180, 636, 850, 4, p.deep)
    for x, y, ink, many in ((400, 480, p.mid, 40), (640, 350, p.accent, 46), (850, 260, p.second, 38)):
        for _dot in range(many):
            c.disc(
                x + c.die.gauss(0, 64),
                min(620, max(170, y + c.die.gauss(0, 52))),
                c.die.uniform(6, 15),
                mix(ink, "#ffffff", c.die.uniform(0, 0.35)),
            )
    c.line([(220, 590), (990, 190)], p.deep, line=5)
    c.ring(880, 240, 44, p.deep, line=5)


def bars(c: Canvas) -> None:
    p = c.palette
    c.ground(p.soft, p.paper, angle=70)
    c.sheet(100, 90, 1000, 620, "#fdfdfb", radius=24)
    c.rect(160, 140, 210, 24, p.deep, radius=8)
    c.rect(160, 178, 130, 14, p.soft, radius=7)
    line = []
    for month in range(12):
        x, tall = 166 + month * 73, 130 + 90 * math.sin(month / 2.1 + c.die.uniform(-0.3, 0.3)) + month * 11
        c.rect(x, 650 - tall, 28, tall, p.mid if month != 8 else p.accent, radius=8)
        c.rect(x + 33, 650 - tall * 0.66, 20, tall * 0.66, p.soft, radius=6)
        line.append((x + 24, 540 - tall * 0.85 + c.die.uniform(-12, 12)))
    c.rect(150, 648, 900, 5, p.deep)
    c.line(line, p.second, line=8)
    for point in line:
        c.disc(*point, 10, p.paper)
        c.ring(*point, 10, p.second, line=5)


def donut(c: Canvas) -> None:
    p = c.palette
    c.ground(p.deep, mix(p.deep, p.mid, 0.35), angle=60)
    shares, inks, start = [38, 26, 20, 16], [p.accent, p.second, p.mid, p.paper], -90.0
    c.die.shuffle(shares)
    for share, ink in zip(shares, inks, strict=True):
        c.slice(410, 400, 270 if ink == p.accent else 250, start + 1, start + share * 3.6 - 1, ink)
        start += share * 3.6
    c.disc(410, 400, 140, mix(p.deep, p.mid, 0.18))
    for row, (share, ink) in enumerate(zip(shares, inks, strict=True)):
        y = 220 + row * 104
        c.disc(770, y + 12, 18, ink)
        c.rect(812, y - 4, 170, 16, p.paper, radius=8)
        c.rect(812, y + 24, 250, 10, mix(p.deep, p.mid, 0.5), radius=5)
        c.rect(812, y + 24, 250 * share / 40, 10, ink, radius=5)


def ledger(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.mid, p.soft, 0.5), mix(p.mid, p.deep, 0.35), angle=60)
    c.sheet(170, 80, 560, 760, "#fdfbf5", radius=10)
    c.rect(230, 130, 250, 24, p.deep, radius=8)
    for row in range(13):
        y = 200 + row * 44
        c.rect(230, y + 26, 440, 2, p.soft)
        c.rect(230, y, 36, 12, p.mid, radius=6)
        c.rect(290, y, c.die.uniform(90, 210), 12, mix(p.deep, "#fdfbf5", 0.35), radius=6)
        wide = c.die.uniform(40, 90)
        c.rect(670 - wide, y, wide, 12, p.accent if row in (3, 8) else p.deep, radius=6)
    for place, (x, y) in enumerate(((780, 130), (850, 300), (770, 480))):
        paper = ("#ffffff", mix(p.second, "#ffffff", 0.6), "#ffffff")[place]
        c.sheet(x, y, 260, 210, paper, radius=6)
        c.rect(x + 30, y + 30, 110, 18, p.deep, radius=6)
        c.text_lines(x + 30, y + 70, 200, 3, mix(p.mid, paper, 0.4), gap=28)
        c.rect(x + 150, y + 160, 80, 20, p.accent, radius=6)
    for tooth in range(13):
        c.disc(790 + tooth * 20, 690, 10, mix(p.mid, p.deep, 0.2))


def slides(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.deep, p.mid, 0.3), p.deep, angle=70)
    for x, y, share in ((640, 70, 0.55), (720, 300, 0.55), (640, 530, 0.55), (90, 180, 1.0)):
        wide, tall = 480 * share * 1.35, 330 * share * 1.35
        paper = c.die.choice(["#fdfcf8", p.paper]) if share == 1 else c.die.choice([p.paper, p.second, p.soft])
        c.sheet(x, y, wide, tall, paper, radius=14)
        c.rect(x + wide * 0.08, y + tall * 0.12, wide * 0.42, tall * 0.07, p.deep, radius=6)
        ox, oy, size = x + wide * 0.68, y + tall * 0.58, tall * 0.26
        if share == 1:
            c.disc(ox, oy, size, p.accent)
            c.disc(ox - size * 1.1, oy - size * 0.2, size * 0.62, p.second)
            c.arc(ox, oy, size * 1.3, 200, 340, p.deep, line=6)
            c.text_lines(x + wide * 0.08, y + tall * 0.34, wide * 0.24, 4, p.mid, gap=tall * 0.11)
        else:
            c.disc(ox, oy, size, c.die.choice([p.accent, p.mid, p.deep]))
            c.text_lines(x + wide * 0.08, y + tall * 0.36, wide * 0.3, 3, mix(p.mid, paper, 0.25), gap=tall * 0.14)


def plan(c: Canvas) -> None:
    p = c.palette
    c.ground(p.deep, mix(p.deep, p.mid, 0.25), angle=60)
    for n in range(0, 1200, 40):
        c.rect(n, 0, 1, 800, mix(p.deep, p.mid, 0.35))
        c.rect(0, n, 1200, 1, mix(p.deep, p.mid, 0.35))
    ink, split, cross = p.paper, c.die.choice([520, 600, 680]), c.die.choice([360, 400, 440])
    c.rect(220, 130, split - 220, 540, mix(p.deep, p.mid, 0.5))
    c.rect(split, cross, 980 - split, 670 - cross, mix(p.deep, p.accent, 0.4))
    c.frame(210, 120, 780, 560, ink, line=18)
    c.rect(split - 7, 130, 14, cross - 230, ink)
    c.rect(split - 7, cross - 10, 14, 690 - cross, ink)
    c.rect(split, cross - 7, 260, 14, ink)
    c.rect(split - 10, cross - 100, 20, 92, mix(p.deep, p.mid, 0.3))
    c.arc(split, cross - 100, 92, 0, 90, ink, line=4)
    c.line([(split, cross - 100), (split + 92, cross - 100)], ink, line=4)
    for x in (300, 760):
        c.rect(x, 118, 140, 22, p.second)
    c.frame(270, 480, 180, 140, ink, line=4, radius=10)
    c.rect(284, 492, 60, 50, mix(ink, p.deep, 0.5), radius=8)
    c.rect(376, 492, 60, 50, mix(ink, p.deep, 0.5), radius=8)
    c.frame(split + 90, cross + 60, 170, 110, p.second, line=5, radius=55)
    for seat in range(3):
        c.disc(split + 115 + seat * 60, cross + 38, 16, p.second)
    c.disc(330, 270, 52, p.accent)
    c.ring(330, 270, 66, ink, line=4)
    c.rect(210, 728, 780, 3, p.second)
    for x in (210, split, 990):
        c.line([(x - 8, 738), (x + 8, 720)], p.second, line=4)


def manuscript(c: Canvas) -> None:
    p = c.palette
    c.ground(mix(p.soft, p.second, 0.25), mix(p.soft, p.mid, 0.4), angle=50)
    c.shadow(310, 60, 560, 760)
    c.shape([(350, 50), (920, 90), (870, 850), (300, 830)], mix(p.paper, p.soft, 0.5))
    c.sheet(290, 70, 580, 780, "#fdfbf6", radius=4)
    c.rect(350, 140, 300, 30, p.deep, radius=6)
    for row in range(14):
        y = 220 + row * 40
        wide = 460 * (c.die.uniform(0.4, 0.7) if row in (5, 13) else c.die.uniform(0.93, 1))
        c.rect(350, y, wide, 10, mix(p.deep, "#fdfbf6", 0.55), radius=5)
        if c.die.random() < 0.35:
            x, cut = 350 + c.die.uniform(0, 260), c.die.uniform(60, 140)
            c.rect(x, y - 3, cut, 5, p.accent, radius=2)
            c.arc(x + cut / 2, y - 4, cut / 3, 190, 350, p.accent, line=4)
    for y in (260, 470):
        c.rect(842, y, 8, 130, p.accent, radius=4)
        c.text_lines(905, y + 10, 170, 4, p.accent, gap=30, line=7)
    x, y = c.die.uniform(900, 960), 560
    c.shape([(x, y), (x + 26, y - 8), (x + 190, y + 250), (x + 158, y + 270)], p.deep)
    c.shape([(x, y), (x + 26, y - 8), (x - 8, y - 34)], p.second)
