"""Orders in every situation that the page has words for, reached by calling the services."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from orders.models import Disbursement, Order, PayoutAccount
from orders.services import disputes, lifecycle, payments, payouts, proposals, rulings, settlements
from orders.services.evidence import add_evidence
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.disputing import STATEMENT, advanced, answered, disputed, reviewed, ruled, taken
from orders.tests.factories import a_receipt, deliver, hand_in_proof, order_in

P, D = Custody.PLATFORM, Custody.DIRECT


@dataclass
class Cast:
    client: User
    freelancer: User
    moderator: User
    custody: Custody

    def order(self, status: Status = Status.PENDING_PAYMENT) -> Order:
        verifier = self.moderator if self.custody == P else self.freelancer
        return order_in(status, client=self.client, freelancer=self.freelancer, verifier=verifier, custody=self.custody)

    @property
    def verifier(self) -> User:
        return self.moderator if self.custody == P else self.freelancer


Tell = Callable[[Cast], tuple[Order, datetime | None]]


@dataclass(frozen=True)
class Story:
    """`tell` makes the order and says from when to look at it; `keys` is what client and freelancer then read."""

    name: str
    tell: Tell
    pair: tuple[str, str]
    keys: tuple[str, str]
    custodies: tuple[Custody, ...] = (P, D)
    clock: str = ""  # the clock whose instant is shown as the deadline
    direct_pair: tuple[str, str] | None = field(default=None)
    direct_keys: tuple[str, str] | None = field(default=None)


def _paid(status: Status, until: str = "") -> Tell:
    def tell(cast: Cast) -> tuple[Order, datetime | None]:
        order = cast.order(status)
        return order, getattr(order, until) if until else None

    return tell


def _rejected(cast: Cast) -> Order:
    order = cast.order(Status.PAYMENT_SUBMITTED)
    return payments.reject_payment(
        actor=cast.verifier, order_id=order.pk, seen=order.version, reason="not_found", note="Not there."
    )


def _rejected_thrice(cast: Cast) -> tuple[Order, None]:
    order = cast.order()
    for _ in range(3):
        order = hand_in_proof(order)
        order = payments.reject_payment(
            actor=cast.freelancer, order_id=order.pk, seen=order.version, reason="not_found", note="No."
        )
    return hand_in_proof(order), None


def in_part(cast: Cast) -> Order:
    order = cast.order(Status.PAYMENT_SUBMITTED)
    return payments.record_partial(actor=cast.moderator, order_id=order.pk, seen=order.version, received_amount=Decimal("50"))


def _with_surplus(cast: Cast) -> tuple[Order, None]:
    order = cast.order(Status.PAYMENT_SUBMITTED)
    order = payments.confirm_payment(
        actor=cast.moderator, order_id=order.pk, seen=order.version, received_amount=Decimal("125.50"), more_arrived=True
    )
    order = deliver(lifecycle.start_work(actor=cast.freelancer, order_id=order.pk, seen=order.version))
    return lifecycle.approve(actor=cast.client, order_id=order.pk, seen=order.version), None


def _late(cast: Cast) -> tuple[Order, datetime | None]:
    order = cast.order(Status.IN_PROGRESS)
    return order, order.due_at + timedelta(hours=24)


def cancellation(order: Order, by: User, part: str) -> Order:
    return proposals.propose_cancellation(
        actor=by, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(part), reason="It does not fit."
    )


def extension(order: Order, by: User) -> Order:
    return proposals.propose_extension(actor=by, order_id=order.pk, seen=order.version, days=3, reason="I was ill.")


def pause(order: Order) -> Order:
    return proposals.ask_pause(
        actor=order.freelancer, order_id=order.pk, seen=order.version, days=5, question="Which of the two?"
    )


def overdue(order: Order) -> Order:
    Order.objects.filter(pk=order.pk).update(due_at=timezone.now() - timedelta(hours=30))
    order.refresh_from_db()
    return order


def paused(order: Order) -> Order:
    order = pause(order)
    return proposals.grant_pause(actor=order.client, order_id=order.pk, seen=order.version, answer="The first.")


def _overdue_cancellation(cast: Cast) -> tuple[Order, None]:
    order = cast.order(Status.IN_PROGRESS)
    Order.objects.filter(pk=order.pk).update(due_at=order.started_at + timedelta(hours=1))
    return cancellation(order, cast.client, "0"), None


def divided(cast: Cast, part: str = "50") -> Order:
    """Cancelled by both in the middle of the work, with this part for the freelancer."""
    order = cancellation(cast.order(Status.IN_PROGRESS), cast.client, part)
    return proposals.accept_cancellation(actor=cast.freelancer, order_id=order.pk, seen=order.version)


def declined(cast: Cast) -> Order:
    order = cast.order(Status.PAYMENT_CONFIRMED)
    return lifecycle.decline(actor=cast.freelancer, order_id=order.pk, seen=order.version)


def a_payout_account(owner: User) -> PayoutAccount:
    return PayoutAccount.objects.create(
        owner=owner,
        kind="mobile",
        currency="EUR",
        holder=owner.full_name,
        account="+254712345678",
        masked="…5678",
        created_at=timezone.now(),
    )


def refund_of(order: Order, upto: str, cast: Cast) -> Disbursement:
    """The order's refund after these steps: account, approve, send, fail or confirm. DIRECT: send, confirm."""
    row = order.disbursements.latest("created_at")
    if upto == "account":
        account = a_payout_account(row.person)
        return payouts.set_refund_account(actor=row.person, row_id=row.pk, seen=row.version, account_id=account.pk)
    if order.custody == D:
        return payouts.refund_sent(actor=cast.freelancer, row_id=row.pk, seen=row.version, reference="RF-1", proof=None)
    steps: dict[str, tuple[str, Callable[[Disbursement], Disbursement]]] = {
        "approve": ("account", lambda r: payouts.approve(actor=cast.moderator, row_id=r.pk, seen=r.version)),
        "send": ("approve", lambda r: payouts.send(actor=cast.moderator, row_id=r.pk, seen=r.version, reference="RF-1")),
        "fail": ("send", lambda r: payouts.fail(actor=cast.moderator, row_id=r.pk, seen=r.version, note="It came back.")),
        "confirm": ("send", lambda r: payouts.confirm(actor=cast.client, row_id=r.pk, seen=r.version)),
    }
    before, step = steps[upto]
    return step(refund_of(order, before, cast))


def _refunded(make: Callable[[Cast], Order], upto: str) -> Tell:
    def tell(cast: Cast) -> tuple[Order, None]:
        order = make(cast)
        refund_of(order, upto, cast)
        return order, None

    return tell


def _paid_back(make: Callable[[Cast], Order]) -> Tell:
    """DIRECT: sent by the freelancer and confirmed by the client."""

    def tell(cast: Cast) -> tuple[Order, None]:
        order = make(cast)
        refund_of(order, "send", cast)
        return payouts.confirm_refund(actor=cast.client, order_id=order.pk, seen=order.version), None

    return tell


def opened(cast: Cast) -> Order:
    return disputed(cast.order(Status.SUBMITTED), cast.client)


def by_moderator(cast: Cast) -> Order:
    order = cast.order(Status.COMPLETED)
    return disputes.dispute_completed(
        actor=cast.moderator, order_id=order.pk, seen=order.version, reason="fraud", statement=STATEMENT
    )


def shown(order: Order, *people: User, to: str = "all") -> Order:
    """The order with a piece of evidence of each of them in its case."""
    for person in people:
        add_evidence(actor=person, dispute_id=order.disputes.get().pk, note="Our chat.", audience=to)
    return order


def judged(cast: Cast, freelancer: str = "50", client: str = "70") -> Order:
    return ruled(taken(reviewed(opened(cast)), cast.moderator), cast.moderator, freelancer, client)


def _judged_completed(freelancer: str, client: str) -> Callable[[Cast], Order]:
    def make(cast: Cast) -> Order:
        order = cast.order(Status.COMPLETED)
        order = disputes.dispute_completed(
            actor=cast.client, order_id=order.pk, seen=order.version, reason="fraud", statement=STATEMENT
        )
        order = ruled(taken(reviewed(order), cast.moderator), cast.moderator, freelancer, client)
        order.disbursements.update(not_before=None)  # the refund may be sent although the appeal is still possible
        return order

    return make


def _after_appeal(make: Callable[[Cast], Order]) -> Tell:
    def tell(cast: Cast) -> tuple[Order, datetime | None]:
        order = make(cast)
        return order, order.disputes.get().appeal_until

    return tell


def appealed(cast: Cast) -> Order:
    order = judged(cast)
    return rulings.appeal(actor=cast.client, order_id=order.pk, seen=order.version, reason="It was not read.")


def unpaid(cast: Cast) -> Order:
    order = cast.order(Status.PAYMENT_SUBMITTED)
    Order.objects.filter(pk=order.pk).update(review_due_at=order.created_at - timedelta(seconds=1))
    order = taken(reviewed(disputed(order, cast.client)), cast.moderator)
    return ruled(order, cast.moderator, "0", "0", not_paid=True)


def _expired(cast: Cast) -> tuple[Order, None]:
    order = cast.order()
    return lifecycle.expire(order_id=order.pk, seen=order.version, now=order.next_clock_at + timedelta(days=30)), None


def _at_once(make: Callable[[Cast], Order]) -> Tell:
    return lambda cast: (make(cast), None)


def _at(make: Callable[[Cast], Order], instant: str) -> Tell:
    def tell(cast: Cast) -> tuple[Order, datetime | None]:
        order = make(cast)
        return order, getattr(order, instant)

    return tell


A, F_, PD = PaymentStatus.AWAIT_DEPOSIT, PaymentStatus.FUNDS_HELD, PaymentStatus.PAID_DIRECT
PENDING, SUBMITTED, CONFIRMED = Status.PENDING_PAYMENT, Status.PAYMENT_SUBMITTED, Status.PAYMENT_CONFIRMED
DISPUTED, COMPLETED, CANCELLED = (Status.DISPUTED, PaymentStatus.DISPUTED), Status.COMPLETED, Status.CANCELLED
REFUNDED, SPLIT, DUE = PaymentStatus.REFUNDED, PaymentStatus.SPLIT, PaymentStatus.REFUND_DUE


def _funded(name: str, tell: Tell, status: Status, keys: tuple[str, str], clock: str) -> Story:
    return Story(name, tell, (status, F_), keys, clock=clock, direct_pair=(status, PD))


STORIES = [
    Story("to pay", _paid(PENDING), (PENDING, A), ("pay", "pay"), clock="pay_by"),
    Story("to pay, late", _paid(PENDING, "pay_by"), (PENDING, A), ("pay, late", "pay, late"), clock="expire"),
    Story("rejected", _at_once(_rejected), (PENDING, A), ("again", "again"), clock="pay_by"),
    Story("rejected, late", _at(_rejected, "pay_by"), (PENDING, A), ("again, late", "again, late"), clock="expire"),
    Story("in part", _at_once(in_part), (PENDING, PaymentStatus.PARTIALLY_FUNDED), ("rest", "rest"), (P,), "pay_by"),
    Story(
        "the rest is checked",
        lambda cast: (hand_in_proof(in_part(cast), amount=Decimal("70")), None),
        (SUBMITTED, PaymentStatus.PARTIALLY_FUNDED),
        ("check", "check"),
        (P,),
        "review_overdue",
    ),
    Story(
        "checked",
        _paid(SUBMITTED),
        (SUBMITTED, A),
        ("check", "check"),
        clock="review_overdue",
        direct_keys=("direct check", "direct check"),
    ),
    Story(
        "checked late",
        _paid(SUBMITTED, "review_due_at"),
        (SUBMITTED, A),
        ("direct check, late", "direct check, late"),
        (D,),
        "review_overdue",
    ),
    Story("checked by staff", _rejected_thrice, (SUBMITTED, A), ("staff check", "staff check"), (D,), "review_overdue"),
    _funded("to start", _paid(CONFIRMED), CONFIRMED, ("start", "start"), "accept_overdue"),
    _funded("to start, late", _paid(CONFIRMED, "accept_by"), CONFIRMED, ("start, late", "start, late"), "accept_overdue"),
    _funded("at work", _paid(Status.IN_PROGRESS), Status.IN_PROGRESS, ("work", "work"), "overdue"),
    _funded("overdue", _paid(Status.IN_PROGRESS, "due_at"), Status.IN_PROGRESS, ("work, overdue", "work, overdue"), "overdue"),
    _funded("late", _late, Status.IN_PROGRESS, ("work, late", "work, late"), "overdue"),
    _funded(
        "paused",
        _at_once(lambda cast: paused(cast.order(Status.IN_PROGRESS))),
        Status.IN_PROGRESS,
        ("paused", "paused"),
        "pause_over",
    ),
    _funded("delivered", _paid(Status.SUBMITTED), Status.SUBMITTED, ("check work", "check work"), "auto_approve"),
    _funded(
        "delivered for the last time",
        _at_once(lambda cast: deliver(cast.order(Status.REVISION_REQUESTED))),
        Status.SUBMITTED,
        ("check last work", "check work"),
        "auto_approve",
    ),
    _funded("revised", _paid(Status.REVISION_REQUESTED), Status.REVISION_REQUESTED, ("revise", "revise"), "overdue"),
    _funded(
        "asked to cancel",
        _at_once(lambda cast: cancellation(cast.order(CONFIRMED), cast.freelancer, "50")),
        CONFIRMED,
        ("their cancellation", "my cancellation"),
        "proposal",
    ),
    _funded(
        "asked to cancel, overdue",
        _overdue_cancellation,
        Status.IN_PROGRESS,
        ("my cancellation, silence accepts", "their cancellation, silence accepts"),
        "proposal",
    ),
    _funded(
        "asked to cancel a delivery",
        _at_once(lambda cast: cancellation(cast.order(Status.SUBMITTED), cast.client, "50")),
        Status.SUBMITTED,
        ("my cancellation, delivered", "their cancellation, delivered"),
        "proposal",
    ),
    _funded(
        "asked for time",
        _at_once(lambda cast: extension(cast.order(Status.IN_PROGRESS), cast.freelancer)),
        Status.IN_PROGRESS,
        ("their extension", "my extension"),
        "proposal",
    ),
    _funded(
        "asked for a pause",
        _at_once(lambda cast: pause(cast.order(Status.IN_PROGRESS))),
        Status.IN_PROGRESS,
        ("their pause", "my pause"),
        "proposal",
    ),
    _funded(
        "asked for a pause too late",
        _at_once(lambda cast: pause(overdue(cast.order(Status.IN_PROGRESS)))),
        Status.IN_PROGRESS,
        ("their pause, overdue", "my pause, overdue"),
        "proposal",
    ),
    Story("disputed", _at_once(opened), DISPUTED, ("statement of theirs", "statement of mine"), clock="dispute"),
    Story(
        "disputed, no answer",
        _at_once(lambda cast: advanced(opened(cast))),
        DISPUTED,
        ("statement of theirs, late", "statement of mine, late"),
        clock="dispute",
    ),
    Story(
        "disputed, evidence",
        _at_once(lambda cast: answered(opened(cast), cast.freelancer)),
        DISPUTED,
        ("evidence", "evidence"),
        clock="dispute",
    ),
    Story(
        "disputed, one side has shown evidence",
        _at_once(lambda cast: shown(answered(opened(cast), cast.freelancer), cast.client)),
        DISPUTED,
        ("evidence of theirs", "evidence"),
        clock="dispute",
    ),
    Story(
        "disputed, both have shown evidence",
        _at_once(lambda cast: shown(answered(opened(cast), cast.freelancer), cast.client, cast.freelancer)),
        DISPUTED,
        ("evidence of both", "evidence of both"),
        clock="dispute",
    ),
    Story(
        "disputed, one side shows moderators alone",
        _at_once(lambda cast: shown(shown(answered(opened(cast), cast.freelancer), cast.client), cast.freelancer, to="staff")),
        DISPUTED,
        ("evidence of theirs", "evidence of both"),
        clock="dispute",
    ),
    Story(
        "offered before an answer",
        _at_once(lambda cast: offered(opened(cast), cast.client, "60")),
        DISPUTED,
        ("statement of theirs", "offer of theirs, unheard"),
        clock="dispute",
    ),
    Story(
        "asked by a moderator and offered",
        _at_once(lambda cast: offered(by_moderator(cast), cast.freelancer, "60")),
        (COMPLETED, PaymentStatus.DISPUTED),
        ("offer of theirs, unheard", "statement of mine"),
        clock="dispute",
    ),
    Story(
        "offered by who has not answered",
        _at_once(lambda cast: offered(opened(cast), cast.freelancer, "80")),
        DISPUTED,
        ("offer of theirs", "statement of mine"),
        clock="dispute",
    ),
    Story(
        "offered something else",
        _at_once(
            lambda cast: offered(offered(answered(opened(cast), cast.freelancer), cast.freelancer, "80"), cast.client, "40")
        ),
        DISPUTED,
        ("evidence", "offer of theirs"),
        clock="dispute",
    ),
    Story(
        "offered under review",
        _at_once(lambda cast: offered(reviewed(opened(cast)), cast.freelancer, "80")),
        DISPUTED,
        ("offer of theirs, review", "review"),
    ),
    Story(
        "offered to the freelancer under review",
        _at_once(lambda cast: offered(reviewed(opened(cast)), cast.client, "40")),
        DISPUTED,
        ("review", "offer of theirs, review"),
    ),
    Story("reviewed", _at_once(lambda cast: reviewed(opened(cast))), DISPUTED, ("review", "review"), clock="dispute"),
    Story("appealed", _at_once(appealed), DISPUTED, ("review of an appeal", "review of an appeal"), clock="dispute"),
    Story(
        "disputed by a moderator",
        _at_once(by_moderator),
        (COMPLETED, PaymentStatus.DISPUTED),
        ("statement of mine", "statement of mine"),
        clock="dispute",
    ),
    Story(
        "one side has answered a moderator",
        _at_once(lambda cast: answered(by_moderator(cast), cast.client)),
        (COMPLETED, PaymentStatus.DISPUTED),
        ("statement of theirs", "statement of mine"),
        clock="dispute",
    ),
    Story("done", _paid(COMPLETED), (COMPLETED, PaymentStatus.RELEASED), ("released, on hold",) * 2, (P,)),
    Story("done, cleared", _paid(COMPLETED, "hold_until"), (COMPLETED, PaymentStatus.RELEASED), ("released",) * 2, (P,)),
    Story("done, direct", _paid(COMPLETED), (COMPLETED, PD), ("paid direct, on hold",) * 2, (D,)),
    Story("done, direct, cleared", _paid(COMPLETED, "hold_until"), (COMPLETED, PD), ("paid direct",) * 2, (D,)),
    Story(
        "done, too much was paid",
        _with_surplus,
        (COMPLETED, PaymentStatus.RELEASED),
        ("refund account", "released, on hold"),
        (P,),
    ),
    Story("declined", _at_once(declined), (CANCELLED, REFUNDED), ("refund account", "refunded"), (P,)),
    Story(
        "refund to be approved",
        _refunded(declined, "account"),
        (CANCELLED, REFUNDED),
        ("refund waits", "refunded"),
        (P,),
    ),
    Story("refund approved", _refunded(declined, "approve"), (CANCELLED, REFUNDED), ("refund waits", "refunded"), (P,)),
    Story("refund sent", _refunded(declined, "send"), (CANCELLED, REFUNDED), ("refund sent", "refunded"), (P,)),
    Story("refund failed", _refunded(declined, "fail"), (CANCELLED, REFUNDED), ("refund failed", "refunded"), (P,)),
    Story("refund arrived", _refunded(declined, "confirm"), (CANCELLED, REFUNDED), ("refunded", "refunded"), (P,)),
    Story("divided", _at_once(divided), (CANCELLED, SPLIT), ("refund account", "divided, on hold"), (P,)),
    Story("divided, cleared", _at(divided, "hold_until"), (CANCELLED, SPLIT), ("refund account", "divided"), (P,)),
    Story("divided and sent", _refunded(divided, "confirm"), (CANCELLED, SPLIT), ("divided", "divided, on hold"), (P,)),
    Story("owed", _at_once(divided), (CANCELLED, DUE), ("owed", "owed"), (D,)),
    Story("owed, sent", _refunded(divided, "send"), (CANCELLED, DUE), ("owed, sent", "owed, sent"), (D,)),
    Story("owed, paid back", _paid_back(divided), (CANCELLED, REFUNDED), ("refunded", "refunded"), (D,)),
    Story(
        "ruled",
        _at_once(judged),
        (COMPLETED, SPLIT),
        ("ruled", "ruled"),
        direct_pair=(CANCELLED, DUE),
    ),
    Story(
        "ruled, not appealed",
        _after_appeal(judged),
        (COMPLETED, SPLIT),
        ("refund account", "divided, on hold"),
        (P,),
        "",
    ),
    Story(
        "ruled for the freelancer",
        _after_appeal(lambda cast: judged(cast, "120", "0")),
        (COMPLETED, PaymentStatus.RELEASED),
        ("released", "released, on hold"),
        (P,),
    ),
    Story("ruled as unpaid", _at_once(unpaid), (CANCELLED, A), ("ruled as unpaid",) * 2, (D,)),
    Story("ruled as unpaid, over", _after_appeal(unpaid), (CANCELLED, A), ("cancelled",) * 2, (D,)),
    Story(
        "lost after the end",
        _after_appeal(_judged_completed("0", "120")),
        (COMPLETED, REFUNDED),
        ("refund account", "refunded"),
        (P,),
    ),
    Story(
        "owed after the end",
        _after_appeal(_judged_completed("50", "70")),
        (COMPLETED, DUE),
        ("owed", "owed"),
        (D,),
    ),
    Story(
        "paid back after the end",
        _after_appeal(lambda cast: _paid_back(_judged_completed("0", "120"))(cast)[0]),
        (COMPLETED, REFUNDED),
        ("refunded", "refunded"),
        (D,),
    ),
    Story("cancelled", _paid(CANCELLED), (CANCELLED, A), ("cancelled",) * 2),
    Story("expired", _expired, (Status.EXPIRED, A), ("expired",) * 2),
]


# --- Steps that lead to no situation of their own ----------------------------------------------------------------------
def _recorded(cast: Cast) -> Order:
    return _found(Action.RECORD_PAYMENT, cast, cast.order())


def reopened(cast: Cast) -> Order:
    return _found(Action.REOPEN, cast, _expired(cast)[0])


def _found(action: Action, cast: Cast, order: Order) -> Order:
    return payments.enter_payment(
        action=action,
        actor=cast.moderator,
        order_id=order.pk,
        seen=order.version,
        transaction_reference=f"ST-{order.payment_reference}",
        payer_name="Amara Okafor",
        amount=Decimal("120"),
        paid_at=order.created_at,
        note="Line 7 of March.",
    )


def _cancelled_in_part(cast: Cast) -> Order:
    order = in_part(cast)
    return lifecycle.cancel_partial(actor=cast.client, order_id=order.pk, seen=order.version, note="Too dear.")


def _cancelled_late(cast: Cast) -> Order:
    order = cast.order(Status.IN_PROGRESS)
    Order.objects.filter(pk=order.pk).update(due_at=order.started_at - timedelta(hours=25))
    return lifecycle.cancel_late(actor=cast.client, order_id=order.pk, seen=order.version)


def auto_approved(cast: Cast) -> Order:
    order = cast.order(Status.SUBMITTED)
    warned = order.auto_approve_at - timedelta(hours=24)
    order.reminders.create(clock="approval_soon", clock_at=warned, sent_at=warned)
    return lifecycle.auto_approve(order_id=order.pk, seen=order.version, now=order.auto_approve_at)


def unanswered(order: Order) -> Order:
    return proposals.answer_silence(order_id=order.pk, seen=order.version, now=order.proposal_by)


def _resumed(cast: Cast) -> Order:
    order = unanswered(pause(cast.order(Status.IN_PROGRESS)))
    return proposals.resume(actor=None, order_id=order.pk, seen=order.version, now=order.paused_until)


def _extended(cast: Cast) -> Order:
    order = extension(cast.order(Status.IN_PROGRESS), cast.freelancer)
    order = proposals.accept_extension(actor=cast.client, order_id=order.pk, seen=order.version)
    order = extension(order, cast.client)
    order = proposals.decline_proposal(actor=cast.freelancer, order_id=order.pk, seen=order.version, answer="No need.")
    order = extension(order, cast.client)
    return proposals.withdraw_proposal(actor=cast.client, order_id=order.pk, seen=order.version)


def withdrawn(cast: Cast) -> Order:
    order = opened(cast)
    return disputes.withdraw_dispute(actor=cast.client, order_id=order.pk, seen=order.version, note="We have talked.")


def offered(order: Order, by: User, amount: str) -> Order:
    return settlements.offer_settlement(actor=by, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(amount))


def settled(cast: Cast) -> Order:
    order = offered(opened(cast), cast.client, "60")
    return settlements.accept_settlement(actor=cast.freelancer, order_id=order.pk, seen=order.version)


def met(cast: Cast) -> Order:
    return offered(offered(opened(cast), cast.client, "80"), cast.freelancer, "60")


def _overdue_ruling(cast: Cast) -> Order:
    return advanced(reviewed(advanced(opened(cast))))


def _receipt_added(cast: Cast) -> Order:
    order = hand_in_proof(cast.order(Status.PENDING_PAYMENT), receipt=None)
    return payments.attach_receipt(actor=cast.client, order_id=order.pk, receipt=a_receipt())


DEEDS: list[tuple[Callable[[Cast], Order], tuple[Custody, ...]]] = [
    (_receipt_added, (P, D)),
    (_recorded, (P,)),
    (reopened, (P,)),
    (_cancelled_in_part, (P,)),
    (_cancelled_late, (P, D)),
    (auto_approved, (P, D)),
    (_resumed, (P, D)),
    (_extended, (P, D)),
    (lambda cast: unanswered(extension(cast.order(Status.IN_PROGRESS), cast.freelancer)), (P, D)),
    (lambda cast: unanswered(_overdue_cancellation(cast)[0]), (P, D)),
    (withdrawn, (P, D)),
    (settled, (P, D)),
    (met, (P, D)),
    (_overdue_ruling, (P, D)),
    (lambda cast: judged(cast, "0", "120"), (P, D)),
]
