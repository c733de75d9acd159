"""The people, gigs and steps that the money machine draws from."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import time_machine

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Gig
from gigs.tests.factories import GigFactory
from marketplace.money import from_minor, to_minor
from orders.models import (
    BankStatement,
    Order,
    PaymentMethod,
    PayoutAccount,
)
from orders.services import (
    disputes,
    lifecycle,
    payments,
    payouts,
    proposals,
    rulings,
    settlements,
)
from orders.services.payout_accounts import save_payout_account
from orders.states import Action, Custody, DisbursementState, Status
from orders.tests.disputing import REASON, STATEMENT
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory, a_receipt

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PRICES = {"EUR": "120.01", "JPY": "101", "BTC": "0.00000007", "NGN": "45000000.03"}  # awkward to divide; beyond 32 bits
FOUR_EYES = {"EUR": "100"}
TO = {
    "EUR": ("bank", "DE89370400440532013000"),
    "JPY": ("bank", "0005 1234567"),
    "NGN": ("bank", "0123456789"),
    "BTC": ("coin", "bc1qar0srrr7xfkvy5l643lydnw9re59gt"),
}
PEOPLE = ("client", "freelancer", "one", "two", "stranger")
WAITS = (1, 25, 25, 49, 170)  # hours
LIKELY = {  # 2 where nothing is said: what leads on is taken more often than what leads out
    Action.DECLINE: 1,
    Action.REJECT_PAYMENT: 1,
    Action.CONFIRM_PAYMENT: 8,
    Action.RECORD_PARTIAL: 3,
    Action.CANCEL_PARTIAL: 4,
    Action.SUBMIT_PAYMENT: 6,
    Action.START_WORK: 8,
    Action.SUBMIT_WORK: 4,
    Action.APPROVE: 4,
    Action.CANCEL_LATE: 8,
    Action.ASK_PAUSE: 4,
    Action.GRANT_PAUSE: 8,
    Action.RESUME: 4,
    Action.ACCEPT_EXTENSION: 6,
    Action.ACCEPT_CANCELLATION: 4,
    Action.OPEN_DISPUTE: 4,
    Action.DISPUTE_COMPLETED: 3,
    Action.ANSWER_DISPUTE: 5,
    Action.WITHDRAW_DISPUTE: 1,
    Action.OFFER_SETTLEMENT: 4,
    Action.ACCEPT_SETTLEMENT: 4,
    Action.TAKE_CASE: 4,
    Action.RULE: 10,
    Action.APPEAL: 3,
    Action.CONFIRM_REFUND: 8,
}
DECISIONS = ("confirm", "suspend", "assign", "return")
UNPAID = (Status.PENDING_PAYMENT, Status.PAYMENT_SUBMITTED, Status.EXPIRED)
BESIDE = frozenset({Action.PLACE_ORDER, Action.SIGN_PAYMENT})  # the machine's own beginning, and the first of two confirmations


@dataclass
class World:
    """Who and what all examples share. Each example's orders are rolled back."""

    people: dict[str, User]
    gigs: dict[str, Gig]
    methods: dict[tuple[str, Custody], PaymentMethod]
    statements: dict[str, BankStatement]
    accounts: dict[tuple[UUID, str], PayoutAccount]
    taken: Counter[str] = field(default_factory=Counter)  # steps tried, by what came of them
    reached: Counter[str] = field(default_factory=Counter)  # actions that succeeded


@dataclass(frozen=True)
class Try:
    """One attempt at a step of an order. `knob` (0 to 11) turns its amounts and days."""

    number: int
    order: Order
    actor: User
    knob: int
    step: dict[str, Any]  # actor, order_id and the version seen

    @property
    def of_clock(self) -> dict[str, Any]:
        return {"order_id": self.order.pk, "seen": self.step["seen"], "now": now()}

    @property
    def evidence(self) -> dict[str, Any]:
        return {
            "transaction_reference": f"TX {0 if self.knob == 11 else self.number:06}",
            "payer_name": "Amara Okafor",
            "amount": self.order.amount_due or self.order.expected_amount,
            "paid_at": now() - timedelta(hours=1),
        }

    def part(self, whole: Decimal) -> Decimal:
        """From nothing to one minor unit too much."""
        return some(to_minor(whole, self.order.currency), self.order.currency, self.knob)

    def received(self) -> dict[str, Any]:
        """Mostly what is due."""
        due = self.order.amount_due
        unit = from_minor(1, self.order.currency)
        odd = {8: (due + unit, False), 9: (due + 3 * unit, True), 10: (due + due, True), 11: (due - unit, False)}
        amount, more = odd.get(self.knob, (due, False))
        return {"received_amount": amount, "more_arrived": more}

    def ruling(self) -> dict[str, Any]:
        if self.knob > 9:
            return {"freelancer_amount": Decimal(0), "client_amount": Decimal(0), "reason": REASON, "not_paid": True}
        share = self.part(self.order.expected_amount)
        return {"freelancer_amount": share, "client_amount": self.order.expected_amount - share, "reason": REASON}

    def complaint(self) -> dict[str, Any]:
        wanted = self.part(self.order.expected_amount) if self.knob % 2 else None
        return {"reason": "not_delivered", "statement": STATEMENT, "wanted_amount": wanted}


def now() -> datetime:
    return datetime.now(UTC)


def some(units: int, currency: str, knob: int) -> Decimal:
    return from_minor((units // 2, units // 3, units, 1, 0, units - 1, units + 1)[knob % 7], currency)


STEPS: dict[Action, Callable[[Try], object]] = {
    Action.SUBMIT_PAYMENT: lambda t: payments.submit_payment(**t.step, **t.evidence, receipt=a_receipt() if t.knob % 3 else None),
    Action.ATTACH_RECEIPT: lambda t: payments.attach_receipt(actor=t.actor, order_id=t.order.pk, receipt=a_receipt()),
    Action.RECORD_PAYMENT: lambda t: payments.enter_payment(action=Action.RECORD_PAYMENT, **t.step, **t.evidence),
    Action.REOPEN: lambda t: payments.enter_payment(action=Action.REOPEN, **t.step, **t.evidence),
    Action.CONFIRM_PAYMENT: lambda t: payments.confirm_payment(**t.step, **t.received()),
    Action.RECORD_PARTIAL: lambda t: payments.record_partial(**t.step, received_amount=t.part(t.order.amount_due)),
    Action.REJECT_PAYMENT: lambda t: payments.reject_payment(**t.step, reason="not_found", note="It is not there."),
    Action.CANCEL: lambda t: lifecycle.cancel(**t.step),
    Action.CANCEL_PARTIAL: lambda t: lifecycle.cancel_partial(**t.step),
    Action.EXPIRE: lambda t: lifecycle.expire(**t.of_clock),
    Action.START_WORK: lambda t: lifecycle.start_work(**t.step),
    Action.DECLINE: lambda t: lifecycle.decline(**t.step),
    Action.SUBMIT_WORK: lambda t: lifecycle.submit_work(**t.step, note="Here.", links=["https://example.com/"], files=[]),
    Action.APPROVE: lambda t: lifecycle.approve(**t.step),
    Action.AUTO_APPROVE: lambda t: lifecycle.auto_approve(**t.of_clock),
    Action.REQUEST_REVISION: lambda t: lifecycle.request_revision(**t.step, items=["Rounder."]),
    Action.CANCEL_LATE: lambda t: lifecycle.cancel_late(**t.step),
    Action.ASK_PAUSE: lambda t: proposals.ask_pause(**t.step, days=1 + t.knob, question="Which colour?"),
    Action.GRANT_PAUSE: lambda t: proposals.grant_pause(**t.step),
    Action.RESUME: lambda t: proposals.resume(**t.step),
    Action.PROPOSE_EXTENSION: lambda t: proposals.propose_extension(**t.step, days=1 + 6 * t.knob, reason="It is a lot."),
    Action.ACCEPT_EXTENSION: lambda t: proposals.accept_extension(**t.step),
    Action.PROPOSE_CANCELLATION: lambda t: proposals.propose_cancellation(
        **t.step, freelancer_amount=t.part(t.order.expected_amount), reason="Let us part."
    ),
    Action.ACCEPT_CANCELLATION: lambda t: proposals.accept_cancellation(**t.step),
    Action.DECLINE_PROPOSAL: lambda t: proposals.decline_proposal(**t.step),
    Action.WITHDRAW_PROPOSAL: lambda t: proposals.withdraw_proposal(**t.step),
    Action.OPEN_DISPUTE: lambda t: disputes.open_dispute(**t.step, **t.complaint()),
    Action.DISPUTE_COMPLETED: lambda t: disputes.dispute_completed(**t.step, **t.complaint()),
    Action.ANSWER_DISPUTE: lambda t: disputes.answer_dispute(
        **t.step, statement=STATEMENT, wanted_amount=t.part(t.order.expected_amount)
    ),
    Action.ADVANCE_DISPUTE: lambda t: disputes.advance_dispute(**t.of_clock),
    Action.TAKE_CASE: lambda t: rulings.take_case(**t.step, note="It is mine." if t.knob % 2 else ""),
    Action.WITHDRAW_DISPUTE: lambda t: disputes.withdraw_dispute(**t.step),
    Action.OFFER_SETTLEMENT: lambda t: settlements.offer_settlement(**t.step, freelancer_amount=t.part(t.order.expected_amount)),
    Action.ACCEPT_SETTLEMENT: lambda t: settlements.accept_settlement(**t.step),
    Action.RULE: lambda t: rulings.rule(**t.step, **t.ruling()),
    Action.APPEAL: lambda t: rulings.appeal(**t.step, reason="It was not like that."),
    Action.CONFIRM_REFUND: lambda t: payouts.confirm_refund(**t.step),
}
ROW_STEPS: dict[str, Callable[..., object]] = {
    "approve": payouts.approve,
    "send": lambda **step: payouts.send(**step, reference="BANK 1"),
    "refund_sent": lambda **step: payouts.refund_sent(**step, reference="MPESA 1"),
    "confirm": payouts.confirm,
    "fail": lambda **step: payouts.fail(**step, note="The bank sent it back."),
    "retry": payouts.retry,
    "withdraw": payouts.withdraw,
}
OWED_MOVES = ("refund_sent freelancer", "refund_sent freelancer", "fail one", "retry client")  # on a refund under DIRECT custody
ROW_MOVES = {  # what is tried on a payout, refund or return, and by whom, as long as it is not over
    DisbursementState.REQUESTED: ("approve one", "refund_sent freelancer", "withdraw freelancer", "approve two"),
    DisbursementState.APPROVED: ("send two", "send one", "send two", "fail one"),
    DisbursementState.SENT: ("confirm two", "fail one", "confirm client", "confirm freelancer"),
    DisbursementState.FAILED: ("retry freelancer", "retry two", "refund_sent freelancer", "withdraw freelancer"),
}
PAID = "submit_payment client, confirm_payment freelancer, confirm_payment one, confirm_payment two"
WORKING = f"{PAID}, start_work freelancer"
DELIVERED = f"{WORKING}, submit_work freelancer"
SENT = "row approve one, row send two"
BACK_AND_AGAIN = f"{SENT}, row fail one, row retry"
PLOTS = (  # of which an order has taken some steps when the example begins; one that is refused is passed over
    f"{DELIVERED}, approve client, clock, ask, {BACK_AND_AGAIN} freelancer, row withdraw freelancer",
    f"{DELIVERED}, approve client, clock, ask, {SENT}, row confirm freelancer",
    f"{DELIVERED}, request_revision client, submit_work freelancer, approve client",
    f"{DELIVERED}, approve client, dispute_completed client, withdraw_dispute client",
    f"{DELIVERED}, clock, clock, clock, clock",
    f"{DELIVERED}, open_dispute client, clock, clock, clock, take_case one, rule one, appeal freelancer, take_case two, rule two",
    f"{WORKING}, open_dispute client, answer_dispute freelancer, offer_settlement client, accept_settlement freelancer",
    f"{WORKING}, propose_extension client, accept_extension freelancer, propose_cancellation client, decline_proposal freelancer",
    f"{WORKING}, ask_pause freelancer, grant_pause client, resume freelancer, propose_extension client, withdraw_proposal client",
    f"{WORKING}, propose_cancellation client, accept_cancellation freelancer",
    f"{WORKING}, clock, clock, clock, cancel_late client",
    f"{PAID}, decline freelancer, to, {BACK_AND_AGAIN} two, {SENT}, row confirm two",
    f"{PAID}, decline freelancer, row refund_sent freelancer, confirm_refund client",
    "submit_payment client, attach_receipt client, reject_payment one, reject_payment freelancer, cancel client",
    "record_payment one, reject_payment two",
    "submit_payment client, record_partial one, record_partial two, cancel_partial client",
    "find suspend assign assign, start_work freelancer, submit_work freelancer",
    "find suspend return, find confirm confirm, start_work freelancer",
    "clock, clock, reopen one, confirm_payment two, confirm_payment one, decline freelancer",
)


def open_world() -> World:
    """Two people who deal with each other, two of the staff, a stranger; gigs, accounts and ways to pay in every currency."""
    with time_machine.travel(START, tick=False):
        people = {name: UserFactory(is_staff=name in ("one", "two"), is_superuser=name in ("one", "two")) for name in PEOPLE}
        freelancer = people["freelancer"]
        gigs = {
            currency: GigFactory(freelancer=freelancer, price=Decimal(price), currency=currency, delivery_days=6)
            for currency, price in PRICES.items()
        }
        methods = {}
        for currency in PRICES:
            methods[currency, Custody.PLATFORM] = PlatformMethodFactory(currency=currency)
            methods[currency, Custody.DIRECT] = DirectMethodFactory(currency=currency, owner=freelancer)
        statements = {
            currency: BankStatement.objects.create(
                payment_method=methods[currency, Custody.PLATFORM], file_name="march.csv", imported_at=START, is_complete=True
            )
            for currency in PRICES
        }
        accounts = {
            (person.pk, currency): save_payout_account(
                actor=person, kind=kind, currency=currency, holder=person.full_name, account=number
            )
            for person in (people["client"], freelancer)
            for currency, (kind, number) in TO.items()
        }
    return World(people, gigs, methods, statements, accounts)
