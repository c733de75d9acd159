"""When what happens on the demo's orders. Pure arithmetic: the steps of each script, and believable pauses between them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from marketplace.demo.tables import dice

_PAID = "place pay confirm"
_WORK = f"{_PAID} start"
_GIVEN = f"{_WORK} deliver"
_DONE = f"{_GIVEN} approve"
_PART = "place pay_part record_part"
_FOUGHT = f"{_GIVEN} dispute respond"
_JUDGED = f"{_FOUGHT} take_case rule"
SCRIPTS = {
    "unpaid": "place",
    "rejected": "place pay reject",
    "submitted": "place pay",
    "confirmed": _PAID,
    "started": _WORK,
    "delivered": _GIVEN,
    "revising": f"{_GIVEN} revise",
    "completed": _DONE,
    "reviewed": f"{_DONE} review_freelancer review_client",
    "replied": f"{_DONE} review_freelancer review_client reply",
    "told-by-client": f"{_DONE} review_client",
    "told-by-freelancer": f"{_DONE} review_freelancer",
    "cancelled": "place cancel",
    "cancelled-by-freelancer": "place turn_down",
    # paid in part
    "paid-in-part": _PART,
    "rest-handed-in": f"{_PART} pay",
    "part-given-up": f"{_PART} leave_part",
    # agreed on the way
    "declined": f"{_PAID} decline",
    "declined-and-named": f"{_PAID} decline name_account",
    "declined-and-sent": f"{_PAID} decline name_account approve_refund send_refund",
    "declined-sent-back": f"{_PAID} decline send_back",
    "declined-paid-back": f"{_PAID} decline send_back have_back",
    "end-asked": f"{_WORK} ask_end",
    "end-withdrawn": f"{_WORK} ask_end withdraw",
    "parted": f"{_WORK} ask_end agree_end",
    "parted-and-approved": f"{_WORK} ask_end agree_end name_account approve_refund",
    "time-asked": f"{_WORK} ask_time",
    "time-given": f"{_WORK} ask_time give_time",
    "time-refused": f"{_WORK} ask_time refuse",
    "time-overtaken": f"{_WORK} ask_time deliver",
    "pause-asked": f"{_WORK} ask_pause",
    "paused": f"{_WORK} ask_pause give_pause",
    "left-late": f"{_WORK} leave_late name_account approve_refund send_refund confirm_refund",
    # disputed
    "disputed": f"{_GIVEN} dispute",
    "disputed-unpaid": "place pay protest",
    "answered": f"{_FOUGHT} show show_staff client_offers freelancer_offers",
    "waiting-for-review": _FOUGHT,
    "taken": f"{_FOUGHT} show take_case write_note",
    "ruled": _JUDGED,
    "ruled-and-refunded": f"{_JUDGED} name_account approve_refund send_refund confirm_refund",
    "appealed": f"{_JUDGED} appeal",
    "settled": f"{_FOUGHT} client_offers freelancer_accepts",
    "dispute-withdrawn": f"{_GIVEN} dispute withdraw_dispute",
    "disputed-by-staff": f"{_DONE} dispute_by_staff",
    "disputed-later": f"{_DONE} dispute_later",
    "given-back": f"{_DONE} dispute_later freelancer_offers client_accepts name_account approve_refund send_refund fail_refund",
    "owed-back": f"{_DONE} dispute_later freelancer_offers client_accepts",
    "paid-back": f"{_DONE} dispute_later freelancer_offers client_accepts send_back have_back",
}
_PAUSES = {  # hours between a step and the one before; where a clock runs first, more than it takes
    "pay_part": (0.3, 1.4),
    "record_part": (0.5, 6),
    "leave_part": (5, 40),
    "decline": (1, 14),
    "name_account": (2, 20),
    "approve_refund": (73, 90),
    "send_refund": (2, 20),
    "confirm_refund": (20, 50),
    "fail_refund": (24, 60),
    "send_back": (5, 40),
    "have_back": (5, 30),
    "ask_end": (12, 30),
    "agree_end": (2, 30),
    "withdraw": (3, 20),
    "ask_time": (10, 20),
    "give_time": (1, 20),
    "refuse": (1, 20),
    "ask_pause": (4, 20),
    "give_pause": (1, 20),
    "dispute": (10, 40),
    "protest": (25, 30),
    "dispute_later": (20, 60),
    "dispute_by_staff": (20, 60),
    "respond": (8, 40),
    "show": (4, 20),
    "show_staff": (1, 4),
    "client_offers": (3, 20),
    "freelancer_offers": (3, 20),
    "freelancer_accepts": (2, 20),
    "client_accepts": (2, 20),
    "take_case": (170, 190),
    "write_note": (0.2, 1),
    "rule": (10, 40),
    "appeal": (10, 40),
    "withdraw_dispute": (10, 30),
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
        **_PAUSES,
        "leave_late": (days * 24 + 26, days * 24 + 40),
    }
    passed: list[timedelta] = []
    for place, step in enumerate(steps):
        low, high = hours.get(step, (0, 0))
        if step == "deliver" and "revise" in steps[:place]:
            low, high = 14, 44
        if step == "deliver" and steps[place - 1] == "ask_time":  # before the time to answer is over
            low, high = 8, 30
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
