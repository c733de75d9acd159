"""Anything anybody can do to orders and their money, in any order and at any time: all books agree after every single step.

Hypothesis draws the steps, legal and illegal ones, of several orders between the same two people. After each of them every check
of `reconcile` is made, and a step that was refused must have left no trace.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, ClassVar
from uuid import UUID

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from accounts.models import User
from gigs.models import Category, Gig
from marketplace.exceptions import DomainError
from marketplace.money import to_minor
from messaging.models import Notification
from orders import ledger
from orders.exceptions import NotEnoughMoney
from orders.models import (
    Disbursement,
    DisbursementEvent,
    Dispute,
    LedgerAccount,
    LedgerEntry,
    LedgerTransfer,
    Order,
    OrderEvent,
    StatementLine,
)
from orders.selectors.proposals import list_steps_for
from orders.selectors.reconciliation import reconcile
from orders.services import (
    deadlines,
    payouts,
    receipts,
    statement_lines,
)
from orders.services.payout_accounts import save_payout_account
from orders.states import Action, Custody, DisbursementAction, DisbursementState, Status
from orders.tests.factories import order_in, place
from orders.tests.market import (
    BESIDE,
    DECISIONS,
    FOUR_EYES,
    LIKELY,
    OWED_MOVES,
    PEOPLE,
    PLOTS,
    PRICES,
    ROW_MOVES,
    ROW_STEPS,
    START,
    STEPS,
    TO,
    UNPAID,
    Try,
    World,
    now,
    open_world,
    some,
)

EXAMPLES, RULES_EACH, ORDERS = 40, 12, 3
WHICH, CHANCE = st.integers(0, ORDERS - 1), st.randoms(use_true_random=True)
TERMS = st.tuples(
    st.sampled_from(sorted(PRICES)),
    st.sampled_from(Custody),
    st.decimals(0, 20, places=2),
    st.sampled_from(PLOTS),
    st.sampled_from((0, 2, 5, 7, 14, 14)),
)


class Marketplace(RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.orders: list[UUID] = []
        self.number = 0  # of the last step or entry, so that each has a reference of its own
        self.traces: object = None

    def teardown(self) -> None:
        try:
            self.world.reached.update(OrderEvent.objects.values_list("action", flat=True))
            for action, kind in DisbursementEvent.objects.values_list("action", "disbursement__kind"):
                self.world.reached[f"{kind}: {action}"] += 1
        finally:
            self.travel.stop()
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    @initialize(terms=st.lists(TERMS, min_size=ORDERS, max_size=ORDERS))
    def order(self, terms: list[tuple[str, Custody, Decimal, str, int]]) -> None:
        for which, (currency, custody, fee, plot, ahead) in enumerate(terms):
            gig = self.world.gigs[currency]
            Category.objects.filter(pk=gig.category_id).update(escrow_fee_pct=fee)
            self.clock.shift(timedelta(minutes=1))
            placed = place(self.world.people["client"], Gig.objects.get(pk=gig.pk), self.world.methods[currency, custody])
            self.orders.append(placed.pk)
            self.traces = traces()
            for step in plot.split(", ")[:ahead]:
                self.tell(which, step)

    def tell(self, which: int, step: str) -> None:
        """A step of a plot: an action and who takes it, or what happens to the order otherwise."""
        match step.split():
            case ["clock"]:
                self.wait_for_clock(which)
            case ["ask"]:
                self.ask(self.world.people["freelancer"], self.read(which).currency, knob=2)
            case ["to"]:
                for row in disbursements().filter(kind=Disbursement.Kind.REFUND, payer=None):
                    self.name_account(row)
            case ["row", step, name]:
                for row in list(disbursements())[-1:]:
                    self.attempt_row(step, row, name)
            case ["find", *decisions]:
                self.arrive(self.read(which), self.read(which).amount_due, decisions)
            case [action, name]:
                self.attempt(Action(action), self.read(which), name, 0)

    @rule(which=WHICH, chance=CHANCE)
    def go_on(self, which: int, chance: Random) -> None:
        self.walk(which, chance, PEOPLE)

    @rule(which=WHICH, chance=CHANCE)
    def go_on_slowly(self, which: int, chance: Random) -> None:
        for _time in range(4):
            self.walk(which, chance, PEOPLE, steps=1)
            self.wait_for_clock(which)

    @rule(which=WHICH, chance=CHANCE)
    def forget(self, which: int, chance: Random) -> None:
        """Nobody does anything for a long time, then somebody does."""
        for _time in range(chance.randrange(2, 6)):
            self.wait_for_clock(which)
        self.walk(which, chance, ("client", "freelancer"), steps=2)

    @rule(which=WHICH, chance=CHANCE)
    def bargain(self, which: int, chance: Random) -> None:
        """What the two sides do between themselves."""
        self.walk(which, chance, ("client", "freelancer"))

    @rule(which=WHICH, chance=CHANCE)
    def decide(self, which: int, chance: Random) -> None:
        """What staff do, as soon as it is their turn."""
        waiting = Dispute.objects.filter(order=self.orders[which], closed_at=None).exclude(state=Dispute.State.UNDER_REVIEW)
        while waiting.exists():
            self.wait_for_clock(which)
        self.walk(which, chance, ("one", "two"))

    def walk(self, which: int, chance: Random, names: Sequence[str], steps: int = 6) -> None:
        """Some steps of one order that these people have on their pages."""
        for _step in range(steps):
            order = self.read(which)
            offered = [(action, name) for name in names for action in list_steps_for(self.world.people[name], order)]
            if not offered:
                return
            weights = [LIKELY.get(action, 2) for action, _name in offered]
            ((action, name),) = chance.choices(offered, weights)
            self.attempt(action, order, name, chance.randrange(12))

    def wait_for_clock(self, which: int) -> None:
        """Until the very instant of the order's next clock."""
        at = self.read(which).next_clock_at
        if at:
            self.let_pass(max(at - now(), timedelta(0)))

    @rule(chance=CHANCE)
    def pay_out(self, chance: Random) -> None:
        """Some steps of payouts, refunds and returns that are not over."""
        for _step in range(5):
            rows = list(disbursements().filter(state__in=list(ROW_MOVES)))
            if not rows:
                return
            row = chance.choice(rows)
            if row.kind == Disbursement.Kind.REFUND and row.account is None and not row.payer_id:
                self.name_account(row)
            else:
                moves = OWED_MOVES if row.payer_id else ROW_MOVES[DisbursementState(row.state)]
                step, name = chance.choice(moves).split()
                self.attempt_row(step, row, name)

    def ask(self, person: User, currency: str, knob: int) -> None:
        held = ledger.amount_in(ledger.balance(person.pk, currency))
        amount, account = some(to_minor(held, currency), currency, knob), self.world.accounts[person.pk, currency]
        self.take("ask", partial(payouts.request_payout, actor=person, account_id=account.pk, amount=amount))

    @rule(chance=CHANCE)
    def meddle_with_money(self, chance: Random) -> None:
        for _time in range(2):
            if rows := list(disbursements()):
                step, name, off = chance.choice(sorted(ROW_STEPS)), chance.choice(PEOPLE), chance.choice((0, 0, -1))
                self.attempt_row(step, chance.choice(rows), name, off)

    @rule(chance=CHANCE)
    def ask_for_payouts(self, chance: Random) -> None:
        """What is released is available after its hold, and not before."""
        freelancer = self.world.people["freelancer"]
        earning = [one for one in PRICES if ledger.amount_in(ledger.balance(freelancer.pk, one))]
        if earning and chance.random() < 0.8:
            self.let_pass(timedelta(days=8))
        for currency in earning:
            person = chance.choice((freelancer, freelancer, freelancer, self.world.people["client"]))
            self.ask(person, currency, chance.randrange(12))
        self.pay_out(chance)

    @rule(which=WHICH, chance=CHANCE)
    def find_money(self, which: int, chance: Random) -> None:
        """An entry on the account, for this order or for none, and what moderators make of it."""
        orders = [self.read(which), *map(self.read, range(len(self.orders)))]
        order = next((order for order in orders if order.custody == Custody.PLATFORM and order.status in UNPAID), orders[0])
        whole = to_minor(order.expected_amount, order.currency)
        decisions = [chance.choice(("confirm", "suspend", "suspend")), *chance.choices(DECISIONS, [2, 1, 6, 2], k=3)]
        self.arrive(order, some(whole, order.currency, chance.choice((1, 2, 2, 6))), decisions)

    def arrive(self, order: Order, amount: Decimal, decisions: list[str]) -> None:
        statement = self.world.statements[order.currency]
        self.number += 1
        line = StatementLine.objects.create(
            statement=statement,
            payment_method=statement.payment_method,
            key=str(self.number),
            position=self.number,
            booked_on=now().date(),
            amount=amount,
            currency=order.currency,
            kind="credit",
            bank_id=f"BANK{self.number:08}",
            payer_name="Amara Okafor",
        )
        kind, account = TO[order.currency]
        this, these = {"line_id": line.pk}, {"line_id": line.pk, "order_id": order.pk}
        decide: dict[str, Callable[..., object]] = {
            "confirm": partial(statement_lines.confirm_line, **these),
            "suspend": partial(statement_lines.suspend_line, **this),
            "assign": partial(statement_lines.assign_suspense, **these),
            "return": partial(statement_lines.return_line, **this, kind=kind, holder="A. Okafor", account=account),
        }
        self.traces = traces()
        for n, decision in enumerate(decisions):
            by = self.world.people[("one", "two")[n % 2]]
            if self.take(f"line: {decision}", partial(decide[decision], actor=by)):
                self.world.reached[f"line: {decision}"] += 1

    # --- How a step is taken and what must be true after it -----------------------------------------------------------
    def read(self, which: int) -> Order:
        return Order.objects.prefetch_related("proposals", "revision_requests").get(pk=self.orders[which])

    def attempt(self, action: Action, order: Order, name: str, knob: int, off: int = 0) -> None:
        person = self.world.people[name]
        step = {"actor": person, "order_id": order.pk, "seen": order.version + off}
        self.take(action, lambda: STEPS[action](Try(self.number, order, person, knob, step)))

    def attempt_row(self, step: str, row: Disbursement, name: str, off: int = 0) -> None:
        about = {"actor": self.world.people[name], "row_id": row.pk, "seen": row.version + off}
        self.take(f"row: {step}", lambda: ROW_STEPS[step](**about))

    def name_account(self, row: Disbursement) -> None:
        client = self.world.people["client"]
        account = self.world.accounts[client.pk, row.currency]
        about = {"actor": client, "row_id": row.pk, "seen": row.version, "account_id": account.pk}
        self.take("row: account", lambda: payouts.set_refund_account(**about))

    def let_pass(self, time: timedelta) -> None:
        self.clock.shift(time)

        def sweep() -> None:
            counts = deadlines.process_due(now=now())
            assert not counts["failed"], list(Order.objects.exclude(clock_error="").values("status", "clock_error"))
            receipts.issue_receipts(now=now())
            assert not deadlines.process_due(now=now()), "The second sweep of an instant finds nothing to do."

        self.take("clock", sweep)

    def take(self, what: str, step: Callable[[], object]) -> bool:
        self.clock.shift(timedelta(seconds=10))  # a receipt is owed within the hour, and comes with the clock
        self.number += 1
        try:
            step()
        except DomainError as refusal:
            self.world.taken["refused"] += 1
            assert refusal.message
            assert traces() == self.traces, f"{what} was refused and left traces"
            return False
        self.world.taken["done"] += 1
        self.traces = traces()
        breaches = {result.check.name: result.rows for result in reconcile(now=now()) if result.rows}
        assert not breaches, (what, breaches)
        if connection.vendor == "postgresql":  # what else waits for the commit, which never comes
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        return True


def disbursements() -> Any:
    return Disbursement.objects.order_by("created_at", "order__created_at", "reason").select_related("account")


def traces() -> tuple[object, ...]:
    """All that a step can leave behind."""
    return (
        set(Order.objects.order_by().values_list("pk", "version", "status", "payment_status", "funded_amount", "updated_at")),
        set(Disbursement.objects.order_by().values_list("pk", "version", "state", "account", "approved_by")),
        set(StatementLine.objects.order_by().values_list("pk", "state", "order")),
        *(model.objects.count() for model in (OrderEvent, DisbursementEvent, LedgerEntry, Notification)),
    )


def test_all_books_agree_after_every_step(db: None, settings: Any):
    world = open_world()
    settings.FOUR_EYES_OVER = FOUR_EYES
    Marketplace.world = world
    for plot in PLOTS:  # each to its end once, so that no kind of step is left to chance
        for custody in Custody:
            play(plot, custody)
    run_state_machine_as_test(Marketplace, settings=EVERY_STEP)
    assert world.taken.total() >= 2_000, world.taken
    assert world.taken["done"] >= 1_000, world.taken
    wanted = {*map(str, STEPS), *BESIDE}
    wanted |= {f"{kind}: {step}" for kind in ("payout", "refund") for step in DisbursementAction}
    wanted |= {f"line: {decision}" for decision in DECISIONS}
    assert sorted(wanted - set(world.reached)) == []


def play(plot: str, custody: Custody) -> None:
    marketplace = Marketplace()
    try:
        marketplace.order([("EUR", custody, Decimal("7.35"), plot, len(plot))])
    finally:
        marketplace.teardown()


EVERY_STEP = settings(
    max_examples=EXAMPLES,
    stateful_step_count=RULES_EACH,
    derandomize=True,
    phases=[Phase.generate],  # a failure prints its steps as they were; making them fewer would take minutes
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


# --- Faults planted in books that were right (more of them in test_reconcile_faults) --------------------------------------
def found() -> set[str]:
    return {result.check.name for result in reconcile(now=datetime.now(UTC)) if result.rows}


def released(client: User, freelancer: User) -> LedgerTransfer:
    order = order_in(Status.COMPLETED, client=client, freelancer=freelancer)
    assert not found()
    return order.transfers.get(kind=LedgerTransfer.Kind.RELEASE)


def post_again(release: LedgerTransfer, key: str) -> None:
    """The same money to the same accounts, as a service that runs twice would. Another order's deposit would have to pay."""
    order = release.order
    fee = Decimal(12)
    places = {ledger.escrow(order): -order.price, ledger.fees("EUR"): fee}
    places[ledger.balance(order.freelancer_id, "EUR")] = order.price - fee
    LedgerAccount.objects.filter(order=order).update(balance=F("balance") + 12_000)
    ledger.post(kind=release.kind, key=key, lines=places, now=release.created_at, order=order)


def test_a_release_posted_again_is_refused_by_its_key(buyer: User, freelancer: User):
    release = released(buyer, freelancer)
    with pytest.raises(IntegrityError), transaction.atomic():
        post_again(release, release.key)
    assert not found()


def test_a_release_posted_again_under_another_key_is_found(buyer: User, freelancer: User):
    post_again(released(buyer, freelancer), "another")
    assert {"ended_once", "balance_kept", "not_negative"} <= found()


def test_a_release_of_money_that_is_not_there_is_refused(buyer: User, freelancer: User):
    release = released(buyer, freelancer)
    lines = {ledger.escrow(release.order): Decimal(-1), ledger.fees("EUR"): Decimal(1)}
    with pytest.raises(NotEnoughMoney), transaction.atomic():
        ledger.post(kind=release.kind, key="another", lines=lines, now=release.created_at, order=release.order)
    assert not found()


def test_a_payout_marked_sent_by_hand_is_found(buyer: User, freelancer: User, moderator: User):
    released(buyer, freelancer)
    cleared = datetime.now(UTC)
    Order.objects.update(hold_until=cleared, next_clock_at=cleared)
    account = save_payout_account(actor=freelancer, kind="bank", currency="EUR", holder="J", account=TO["EUR"][1])
    row = payouts.request_payout(actor=freelancer, account_id=account.pk, amount=Decimal(50))
    payouts.approve(actor=moderator, row_id=row.pk, seen=row.version)
    assert not found()
    Disbursement.objects.update(state="sent", sent_at=datetime.now(UTC), reference="BANK 1")
    assert {"sent_is_booked", "disbursement_agrees_with_history"} <= found()
