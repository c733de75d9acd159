"""The demo's history: every story's steps in the order of time, so that lists and numbers read as if it had happened."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings

from gigs.models import Category
from marketplace.demo import bank, purses, talks
from marketplace.demo.deals import Deal
from marketplace.demo.pictures import gig_pictures
from marketplace.demo.plans import Plan, finished, standing
from marketplace.demo.steps import take
from marketplace.demo.tables import dice, load
from marketplace.demo.world import World, add_account, add_gig, add_method, add_person, add_programs, rest_gig
from messaging.selectors import list_notifications
from messaging.services import mark_all_read
from orders.models import Order
from orders.services.deadlines import process_due
from orders.services.receipts import issue_receipts
from reviews.services import publish_due_reviews

Row = dict[str, Any]
Happening = tuple[datetime, Callable[[], object]]
HISTORY = timedelta(days=238)
UNREAD = timedelta(hours=26)  # what people were told since is still new to them
FULL_WIDTH, SMALL_WIDTH = 960, 240  # pixels of a gig's picture
ACCOUNTS_NAMED = timedelta(days=240)  # ago: those people are paid to
STATEMENT_CAME = timedelta(minutes=50)  # ago, after the last step of every order it names
PROGRAMS_CAME = timedelta(days=3)  # ago
ACCOUNTS_OPENED = timedelta(days=255)  # ago: the site's and the freelancers' own, after the last of them signed up


def tell(world: World, *, small: bool = False) -> None:
    """Everything, from the first sign-up until today. `small` draws one tiny picture a gig and tells a tenth of the history."""
    people = {row["key"]: row for row in load("people")["person"]}
    gigs = {row["key"]: row for row in load("gigs")["gig"]}
    methods = {row["key"]: row for row in load("methods")["method"]}
    offered = {row["key"]: _offered_at(world, row, people, gigs) for row in gigs.values()}
    happenings: list[Happening] = [
        *_arrivals(world, people),
        *((world.today - ACCOUNTS_OPENED, partial(add_method, world, row)) for row in methods.values()),
        *_offers(world, gigs, offered, small=small),
        *_orders(world, people, gigs, methods, offered, small=small),
        *_visits(world),
        *((world.today - ACCOUNTS_NAMED, partial(add_account, world, row)) for row in load("money")["account"]),
        *purses.happenings(world),
        *talks.happenings(world),
        (world.today - PROGRAMS_CAME, partial(add_programs, world)),
        (world.today - STATEMENT_CAME, partial(bank.import_and_decide, world)),
        (world.today, partial(issue_receipts, now=world.today)),
    ]
    happenings.sort(key=lambda happening: happening[0])
    for moment, happen in happenings:
        _run_clocks(world, moment)
        world.clock.set(moment)
        happen()


def _run_clocks(world: World, until: datetime) -> None:
    """The clocks of orders, each at its own instant, as the worker fires them."""
    due = Order.objects.filter(next_clock_at__lte=until).order_by("next_clock_at").values_list("next_clock_at", flat=True)
    while instant := due.first():
        world.clock.set(instant)
        process_due(now=instant)


def _arrivals(world: World, people: dict[str, Row]) -> Iterator[Happening]:
    for row in people.values():
        minutes = dice(world.seed, "arrival", row["key"]).randrange(900)
        yield world.today - timedelta(days=row["days"], minutes=minutes), partial(add_person, world, row)


def _offered_at(world: World, row: Row, people: dict[str, Row], gigs: dict[str, Row]) -> datetime:
    """When a gig was first offered: the owner's first one after they signed up, others later; those nobody bought yet, lately."""
    die = dice(world.seed, "offered", row["key"])
    since = people[row["owner"]]["days"] - 3
    is_first = next(key for key, other in gigs.items() if other["owner"] == row["owner"]) == row["key"]
    days = since if is_first else die.uniform(80, since) if row["deals"] else die.uniform(2, 18)
    return world.today - timedelta(days=days, minutes=die.randrange(600))


def _offers(world: World, gigs: dict[str, Row], offered: dict[str, datetime], *, small: bool) -> Iterator[Happening]:
    width, most = (SMALL_WIDTH, 1) if small else (FULL_WIDTH, 4)
    pictures = gig_pictures(list(gigs.values()), seed=world.seed, width=width, most=most)
    for key, row in gigs.items():
        yield offered[key], partial(add_gig, world, row, pictures[key])
        if row.get("state") == "paused":
            yield world.today - timedelta(days=1), partial(rest_gig, world, row)


def _orders(
    world: World,
    people: dict[str, Row],
    gigs: dict[str, Row],
    methods: dict[str, Row],
    offered: dict[str, datetime],
    *,
    small: bool,
) -> Iterator[Happening]:
    words, shelves = load("words"), dict(Category.objects.exclude(parent=None).values_list("slug", "parent__slug"))
    for plan in [*_standing_plans(world, gigs, methods), *_finished_plans(world, people, gigs, methods, offered, small=small)]:
        client = people[plan.client]
        deal = Deal(
            world=world,
            plan=plan,
            shelf=shelves[gigs[plan.gig]["category"]],
            payer=client["payer"] if "payer" in client else client["name"],
            words=words,
        )
        for moment, step in plan.steps:
            yield moment, partial(take, deal, step)
        yield from _publication(world, plan)


def _standing_plans(world: World, gigs: dict[str, Row], methods: dict[str, Row]) -> Iterator[Plan]:
    for number, story in enumerate(_stories()):
        key = f"standing-{number}"
        usable = _methods_of(gigs[story["gig"]], methods)[story["custody"]]
        if story["script"] == "unpaid":  # so that there is still time to pay when someone looks
            usable = [max(usable, key=lambda method: method["pay_window_hours"])]
        method = dice(world.seed, "method", key).choice(usable)
        plan = Plan(key, story["gig"], story["client"], method["key"], method["kind"], story)
        yield standing(plan, days=gigs[story["gig"]]["days"], seed=world.seed, today=world.today)


def _stories() -> list[Row]:
    """Those that go straight, then the others, whose receipts are plain: they are many."""
    return [*load("stories")["story"], *({**story, "plain": True} for story in load("troubles")["story"])]


def _finished_plans(
    world: World,
    people: dict[str, Row],
    gigs: dict[str, Row],
    methods: dict[str, Row],
    offered: dict[str, datetime],
    *,
    small: bool,
) -> Iterator[Plan]:
    deals = [(row, number, deal) for row in gigs.values() for number, deal in enumerate(row["deals"])]
    for row, number, deal in deals[::10] if small else deals:
        key = f"{row['key']}-{number}"
        die = dice(world.seed, "buyer", key)
        clients = [k for k, p in people.items() if p["role"] == "client" or (k == "felipe" and row["owner"] != "felipe")]
        anyone = die.choices(clients, [4 if k == "clara" else 1 for k in clients])[0]
        client = deal[3] if len(deal) > 3 else anyone
        method = die.choice([m for kinds in _methods_of(row, methods).values() for m in kinds])
        words = {"rating": deal[0], "says": deal[1], "reply": deal[2], "revisable": row["revisions"] > 0}
        plan = Plan(key, row["key"], client, method["key"], method["kind"], words)
        earliest = max(offered[row["key"]] + timedelta(days=1), world.today - HISTORY)
        yield finished(plan, days=row["days"], seed=world.seed, earliest=earliest, today=world.today)


def _methods_of(gig: Row, methods: dict[str, Row]) -> dict[str, list[Row]]:
    """The accounts an order of this gig can be paid into, by custody."""
    usable = [row for row in methods.values() if row["currency"] == gig["currency"]]
    direct = [row for row in usable if row.get("owner") == gig["owner"]]
    platform = [row for row in usable if "owner" not in row]
    return {"PLATFORM": platform, "DIRECT": direct}


def _publication(world: World, plan: Plan) -> Iterator[Happening]:
    """The sweep that publishes a review to which the other side never wrote theirs."""
    approved = [moment for moment, step in plan.steps if step == "approve"]
    for moment in approved:
        due = moment + timedelta(days=settings.REVIEW_WINDOW_DAYS, minutes=1)
        if due < world.today:
            yield due, partial(publish_due_reviews, now=due)


def _visits(world: World) -> Iterator[Happening]:
    """People read what they were told, every two weeks; what is newer than UNREAD still waits for them."""
    moment = world.today - UNREAD
    while moment > world.today - HISTORY:
        yield moment, partial(_read_all, world)
        moment -= timedelta(days=14)


def _read_all(world: World) -> None:
    for person in world.people.values():
        newest = list_notifications(person).first()
        if newest:
            mark_all_read(actor=person, up_to=newest.pk)
