"""Payouts of the demo: asked for by freelancers out of what they have earned, looked after by the two moderators."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from marketplace.demo.tables import load
from marketplace.demo.world import World
from orders.models import Disbursement
from orders.selectors.payout_desk import list_batchable
from orders.selectors.payouts import list_purses
from orders.services import payouts
from orders.services.payout_batches import create_batch, export_batch

Row = dict[str, Any]
ROUTES = {  # the steps after the request, and how long after it (hours)
    "request": (),
    "withdraw": (("withdraw", 5),),
    "approve": (("approve", 20),),
    "send": (("approve", 20), ("send", 65)),
    "fail": (("approve", 20), ("send", 40), ("fail", 90)),
    "confirm": (("approve", 20), ("send", 40), ("confirm", 70)),
}


class Payout:
    """One request on its way. Where there is too little to ask for, nothing happens."""

    def __init__(self, world: World, row: Row) -> None:
        self.world, self.row = world, row
        self.made: Disbursement | None = None

    def happenings(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        asked_at = self.world.today - timedelta(days=self.row["days"])
        yield asked_at, self._request
        for step, hours in ROUTES[self.row["upto"]]:
            yield asked_at + timedelta(hours=hours), partial(self._take, step)

    def _request(self) -> None:
        person, currency = self.world.people[self.row["person"]], self.row["currency"]
        purse = next((purse for purse in list_purses(person, timezone.now()) if purse.currency == currency), None)
        amount = (purse.available * Decimal(self.row["share"])).quantize(Decimal(1), ROUND_DOWN) if purse else Decimal(0)
        if purse and amount > 0 and amount >= purse.minimum:
            account = self.world.accounts[self.row["person"], currency]
            self.made = payouts.request_payout(actor=person, account_id=account.pk, amount=amount)

    def _take(self, step: str) -> None:
        if self.made is None:
            return
        moderator, administrator = self.world.moderators()
        about: Row = {"row_id": self.made.pk, "seen": self.made.version}
        match step:
            case "approve":
                self.made = payouts.approve(actor=moderator, **about)
            case "send":
                reference = f"OUT{timezone.now():%y%m%d}{self.made.amount:.0f}"
                self.made = payouts.send(actor=administrator, **about, reference=reference)
            case "fail":
                self.made = payouts.fail(actor=administrator, **about, note=self.row["note"])
            case "confirm":
                self.made = payouts.confirm(actor=self.world.people[self.row["person"]], **about)
            case "withdraw":
                self.made = payouts.withdraw(actor=self.world.people[self.row["person"]], **about)


def happenings(world: World) -> Iterator[tuple[datetime, Callable[[], None]]]:
    """Every payout of the table, and the batches that moderators make of what is approved."""
    table = load("money")
    for row in table["payout"]:
        yield from Payout(world, row).happenings()
    for row in table["batch"]:
        yield world.today - timedelta(days=row["days"]), partial(_batch, world, row)


def _batch(world: World, row: Row) -> None:
    administrator = world.moderators()[1]
    if list_batchable(administrator, timezone.now()).filter(currency=row["currency"]).exists():
        batch = create_batch(actor=administrator, currency=row["currency"])
        if row.get("export"):
            export_batch(actor=administrator, batch_id=batch.pk)
