"""Which drawing stands for which kind of work."""

from collections.abc import Callable

from marketplace.demo import motifs_desk as desk
from marketplace.demo import motifs_scenes as scenes
from marketplace.demo import motifs_shapes as shapes
from marketplace.demo import motifs_sound as sound
from marketplace.demo.canvas import Canvas

MOTIFS: dict[str, Callable[[Canvas], None]] = {
    "arches": shapes.arches,
    "bars": desk.bars,
    "botanical": scenes.botanical,
    "boxes": shapes.boxes,
    "brand": shapes.brand,
    "browser": desk.browser,
    "bubbles": sound.bubbles,
    "captions": sound.captions,
    "code": desk.code,
    "cubes": shapes.cubes,
    "donut": desk.donut,
    "envelopes": shapes.envelopes,
    "flow": desk.flow,
    "grid": desk.grid,
    "landscape": scenes.landscape,
    "lattice": shapes.lattice,
    "ledger": desk.ledger,
    "manuscript": desk.manuscript,
    "northern": scenes.northern,
    "orbits": shapes.orbits,
    "phones": desk.phones,
    "plan": desk.plan,
    "rings": shapes.rings,
    "scatter": desk.scatter,
    "slides": desk.slides,
    "stilllife": scenes.stilllife,
    "sunset": scenes.sunset,
    "swatches": shapes.swatches,
    "tiles": shapes.tiles,
    "timeline": sound.timeline,
    "vinyl": sound.vinyl,
    "waves": sound.waves,
}
