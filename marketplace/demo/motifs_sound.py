"""Drawings of what is heard and what moves: waves, records, speech, film."""

import math

from marketplace.demo.canvas import Canvas, mix


def waves(c: Canvas) -> None:
    """A recording as bars, one part of it selected."""
    p = c.palette
    c.ground(p.deep, mix(p.deep, p.mid, 0.4), angle=65)
    first = c.die.randrange(16, 26)
    speeds = [(c.die.uniform(0.1, 0.5), c.die.uniform(0, 6)) for _ in range(3)]
    c.rect(80 + first * 20 - 10, 110, 22 * 20, 580, mix(p.deep, p.mid, 0.55), radius=24)
    for n in range(52):
        loud = abs(sum(math.sin(n * speed + phase) for speed, phase in speeds)) / 3
        tall = 30 + 420 * loud * math.sin(math.pi * (n + 2) / 55) + c.die.uniform(0, 40)
        inside = first <= n < first + 22
        c.rect(
            80 + n * 20,
            400 - tall / 2,
            12,
            tall,
            (p.accent if n % 3 else p.second) if inside else mix(p.mid, p.paper, 0.15),
            radius=6,
        )
    c.rect(80 + (first + 9) * 20 + 4, 90, 4, 620, p.paper)
    c.disc(80 + (first + 9) * 20 + 6, 90, 14, p.paper)


def vinyl(c: Canvas) -> None:
    p = c.palette
    c.ground(p.second, mix(p.second, p.accent, 0.7), angle=55)
    x = c.die.choice([470, 520, 560])
    c.shadow(x - 320, 80, 640, 640, radius=320, depth=26)
    c.disc(x, 400, 320, "#17171b")
    for ring in range(18):
        c.ring(x, 400, 306 - ring * 10, "#26262c" if ring % 3 else "#34343c", line=2)
    for start in (205, 25):
        c.slice(x, 400, 306, start, start + 24, "#2b2b33")
    c.disc(x, 400, 118, p.accent)
    c.slice(x, 400, 118, 90, 270, p.paper)
    c.disc(x, 400, 46, p.deep)
    c.disc(x, 400, 9, p.second)
    c.disc(990, 170, 62, p.deep)
    c.disc(990, 170, 28, p.paper)
    c.line([(990, 170), (1010, 470), (880, 600)], p.deep, line=20)
    c.line([(884, 596), (850, 632)], p.paper, line=34)


def bubbles(c: Canvas) -> None:
    """Two languages: one writes from the left, the other from the right."""
    p = c.palette
    c.ground(p.paper, mix(p.paper, p.soft, 0.8), angle=60)
    c.disc(c.die.uniform(80, 260), 120, 150, mix(p.soft, p.second, 0.3))
    c.disc(c.die.uniform(950, 1120), 700, 190, mix(p.soft, p.mid, 0.3))
    c.sheet(130, 110, 560, 310, p.deep, radius=54)
    c.shape([(220, 400), (220, 500), (330, 400)], p.deep)
    for row, share in enumerate((0.95, 0.7, 0.85, c.die.uniform(0.35, 0.6))):
        c.rect(190, 178 + row * 52, 430 * share, 20, p.paper if row else p.second, radius=10)
    c.sheet(510, 360, 560, 310, p.accent, radius=54)
    c.shape([(980, 650), (980, 750), (870, 650)], p.accent)
    for row, share in enumerate((0.8, 0.95, 0.6, c.die.uniform(0.4, 0.6))):
        wide = 430 * share
        c.rect(1010 - wide, 428 + row * 52, wide, 20, p.paper if row else p.deep, radius=10)
        if row:
            c.disc(1010 - wide * c.die.uniform(0.3, 0.7), 428 + row * 52 - 14, 6, p.paper)


def captions(c: Canvas) -> None:
    p = c.palette
    c.ground("#17181c", "#26282e")
    c.rect(120, 90, 960, 540, mix(p.mid, p.soft, 0.3), radius=16)
    c.disc(c.die.uniform(330, 860), 270, 105, p.second)
    c.shape([(120, 560), (400, 300), (590, 480), (760, 350), (1080, 590), (1080, 630), (120, 630)], mix(p.deep, p.mid, 0.35))
    c.rect(120, 560, 960, 70, mix(p.deep, p.mid, 0.15))
    for y, wide in ((496, c.die.uniform(480, 600)), (552, c.die.uniform(300, 420))):
        c.rect(600 - wide / 2 - 20, y, wide + 40, 48, "#101114", radius=8)
        c.rect(600 - wide / 2, y + 17, wide, 14, "#f4f2ea", radius=7)
    c.rect(120, 690, 960, 10, "#3b3e46", radius=5)
    c.rect(120, 690, 960 * 0.42, 10, p.accent, radius=5)
    c.disc(120 + 960 * 0.42, 695, 17, p.paper)


def timeline(c: Canvas) -> None:
    """An editing table: the film above, its tracks below."""
    p = c.palette
    c.ground("#1b1d22", "#2a2d34")
    c.rect(340, 50, 520, 300, mix(p.accent, p.second, 0.5), radius=12)
    c.disc(600 + c.die.uniform(-130, 130), 190, 70, mix(p.second, "#ffffff", 0.5))
    c.shape([(340, 350), (340, 270), (500, 200), (660, 290), (760, 240), (860, 300), (860, 350)], p.deep)
    c.disc(600, 200, 46, "#f6f3ec")
    c.shape([(586, 174), (586, 226), (628, 200)], "#1b1d22")
    inks = [p.accent, p.mid, p.second, mix(p.mid, "#ffffff", 0.3)]
    for row, ink in enumerate(inks):
        y, x = 410 + row * 90, 130.0
        c.rect(60, y, 46, 66, "#3a3e47", radius=10)
        c.rect(130, y, 1010, 66, "#23262c", radius=10)
        x += c.die.uniform(0, 90)
        while x < 1080:
            wide = min(c.die.uniform(90, 280), 1136 - x)
            c.rect(x, y + 4, wide, 58, ink, radius=10)
            if row >= 2:
                for n in range(int((wide - 20) / 9)):
                    tall = 8 + 34 * abs(math.sin(n * 0.7 + x)) * c.die.uniform(0.4, 1)
                    c.rect(x + 12 + n * 9, y + 33 - tall / 2, 4, tall, mix(ink, "#000000", 0.4), radius=2)
            else:
                c.rect(x + 14, y + 18, min(60, wide - 28), 9, mix(ink, "#000000", 0.4), radius=4)
            x += wide + c.die.choice([6, 6, 50])
    x = c.die.uniform(420, 800)
    c.rect(x, 384, 4, 380, p.paper)
    c.shape([(x - 14, 376), (x + 18, 376), (x + 2, 402)], p.paper)
