"""When what happens on the demo's orders. Pure arithmetic: the steps of each script, and believable pauses between them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from marketplace.demo.tables import dice

_PAID = "place pay confirm"
_DONE = f"{_PAID} start deliver approve"
SCRIPTS = {
    "unpaid": "place",
    "rejected": "place pay reject",
    "submitted": "place pay",
    "confirmed": _PAID,
    "started": f"{_PAID} start",
    "delivered": f"{_PAID} start deliver",
    "revising": f"{_PAID} start deliver revise",
    "completed": _DONE,
    "reviewed": f"{_DONE} review_freelancer review_client",
    "replied": f"{_DONE} review_freelancer review_client reply",
    "told-by-client": f"{_DONE} review_client",
    "told-by-freelancer": f"{_DONE} review_freelancer",
    "cancelled": "place cancel",
    "cancelled-by-freelancer": "place turn_down",
}
FAST_KINDS = {"mobile", "coin"}


@dataclass(frozen=True)
class Plan:
    """One order to be: of what, by whom, paid how, and the instants of its steps, first to last."""

    key: str
    gig: str
    client: str
    method: str
    method_kind: str
    words: dict[str, Any]  # rating, says, reply, note: what the people of this order write
    steps: tuple[tuple[datetime, str], ...] = ()


def pauses(steps: list[str], *, days: int, kind: str, die: Random) -> list[timedelta]:
    """How long each step came after the one before, as people take their time."""
    hours = {
        "pay": (0.3, 1.4) if kind in FAST_KINDS else (2, 30),
        "confirm": (0.4, 8),
        "reject": (0.4, 6),
        "start": (1, 15),
        "deliver": (days * 24 * 0.3, days * 24 * 0.9),
        "revise": (3, 30),
        "approve": (3, 50),
        "review_freelancer": (1, 30),
        "review_client": (2, 60),
        "reply": (3, 50),
        "cancel": (1, 20),
        "turn_down": (1, 9),
    }
    passed: list[timedelta] = []
    for place, step in enumerate(steps):
        low, high = hours.get(step, (0, 0))
        if step == "deliver" and "revise" in steps[:place]:
            low, high = 14, 44
        passed.append(timedelta(seconds=round(die.uniform(low, high) * 3600)))
    return passed


def standing(plan: Plan, *, days: int, seed: int, today: datetime) -> Plan:
    """The plan of an order whose last step lies about `hours` before today."""
    script = "replied" if plan.words.get("reply") else plan.words["script"]
    steps = SCRIPTS[script].split()
    die = dice(seed, "pauses", plan.key)
    taken = pauses(steps, days=days, kind=plan.method_kind, die=die)
    last = today - timedelta(hours=plan.words["hours"], minutes=die.uniform(-25, 25))
    start = last - sum(taken, timedelta())
    return replace(plan, steps=_walk(steps, taken, start))


def finished(plan: Plan, *, days: int, seed: int, earliest: datetime, today: datetime) -> Plan:
    """The plan of a completed order between `earliest` and today; now and then with a rejected proof or a revision."""
    die = dice(seed, "pauses", plan.key)
    ending = "replied" if plan.words["reply"] else die.choices(["reviewed", "told-by-client", "completed"], [8, 2, 1])[0]
    steps = SCRIPTS[ending].split()
    if die.random() < 0.12:
        steps[2:2] = ["reject", "pay"]
    if plan.words["revisable"] and die.random() < (0.25 if plan.words["rating"] > 4 else 0.7):
        place = steps.index("approve")
        steps[place:place] = ["revise", "deliver"]
    taken = pauses(steps, days=days, kind=plan.method_kind, die=die)
    latest = today - timedelta(days=3) - sum(taken, timedelta())
    start = earliest + (latest - earliest) * die.random() ** 0.7  # more of them recent: the site grows
    return replace(plan, steps=_walk(steps, taken, start))


def _walk(steps: list[str], taken: list[timedelta], start: datetime) -> tuple[tuple[datetime, str], ...]:
    moment, walked = start, []
    for step, pause in zip(steps, taken, strict=True):
        moment += pause
        walked.append((moment, step))
    return tuple(walked)
