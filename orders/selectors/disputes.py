"""Which cases, statements and evidence someone may see, and what they may do about them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Prefetch, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.models import User
from orders.models import Dispute, DisputeStatement, Evidence, Order, OrderEvent, Ruling, SettlementOffer
from orders.selectors.orders import RESOLVE, is_party, may, roles_for
from orders.selectors.staff import list_staff
from orders.states import Action, Custody, PaymentStatus, Status, transition_for

State = Dispute.State
ANSWERABLE = frozenset({State.OPEN, State.AWAITING_RESPONSE})
OPEN_STATES = frozenset({State.OPEN, State.AWAITING_RESPONSE, State.EVIDENCE, State.UNDER_REVIEW})
ANSWER_AT_LAST = timedelta(days=5)  # after the opening; then it goes on without the answer
AFTER_REMINDER = timedelta(hours=24)  # at least so long after a reminder that came late
MAX_EVIDENCE = 10  # pieces a person
DESK_TABS = ("mine", "unassigned", "waiting", "others", "closed")


@dataclass(frozen=True)
class Record:
    """What came of a person's earlier cases; a ruling counts as won where they got all, as lost where they got nothing."""

    person: User
    cases: list[Dispute]
    open: int
    won: int
    lost: int
    divided: int
    settled: int
    withdrawn: int


# --- For the parties ------------------------------------------------------------------------------------------------
def latest_dispute(order: Order) -> Dispute | None:
    """The case the order's page is about: the open one, else the last."""
    disputes = order.disputes.select_related("opened_by", "moderator", "appealed_by")
    return disputes.prefetch_related(*_OFFERS_AND_RULINGS).order_by("-number").first()


def last_case(order: Order) -> Dispute | None:
    """The same of an order whose disputes are known: nothing is asked."""
    return max(order.disputes.all(), key=lambda row: row.number, default=None)


_OFFERS_AND_RULINGS = (
    Prefetch("offers", SettlementOffer.objects.select_related("offered_by")),
    Prefetch("rulings", Ruling.objects.select_related("moderator")),
)


def other_side(user: User, order: Order) -> User:
    return order.freelancer if user.pk == order.client_id else order.client


def sees_all(user: User | AnonymousUser, order: Order) -> bool:
    """Whether they look at the case as a moderator. A moderator who is a party is a party."""
    return not is_party(user, order) and may(user, RESOLVE)


def list_statements_for(user: User | AnonymousUser, dispute: Dispute) -> QuerySet[DisputeStatement]:
    """What this person may read of the statements, oldest first.

    Their own and a moderator's always; the other side's once the time for statements is over (`evidence_until` is set then, and
    as soon as both are in). Nothing for who is neither a party nor a moderator.
    """
    statements = dispute.statements.select_related("author")
    if sees_all(user, dispute.order):
        return statements
    if not is_party(user, dispute.order):
        return statements.none()
    of_a_party = Q(author=F("dispute__order__client")) | Q(author=F("dispute__order__freelancer"))
    return statements.filter(Q(author=user) | ~of_a_party | Q(dispute__evidence_until__isnull=False))


def list_evidence_for(user: User | AnonymousUser, dispute: Dispute) -> QuerySet[Evidence]:
    """The evidence this person may see, oldest first: a party's own and what is for all; everything for moderators."""
    return list_visible_evidence(user).filter(dispute=dispute).order_by("created_at", "id")


def list_visible_evidence(user: User | AnonymousUser) -> QuerySet[Evidence]:
    if not user.is_authenticated:
        return Evidence.objects.none()
    party = Q(dispute__order__client=user) | Q(dispute__order__freelancer=user)
    visible = party & (Q(author=user) | Q(audience=Evidence.Audience.ALL))
    return Evidence.objects.select_related("author").filter(visible | ~party if may(user, RESOLVE) else visible)


def get_evidence_for(user: User | AnonymousUser, evidence_id: UUID) -> Evidence:
    """A piece of evidence with a file that this person may see; Http404 otherwise."""
    return get_object_or_404(list_visible_evidence(user).exclude(file=""), pk=evidence_id)


def get_pack_case_for(user: User | AnonymousUser, order_id: UUID) -> Dispute:
    """The order's case, for its parties and moderators; Http404 for anybody else and where there is none."""
    cases = Dispute.objects.select_related("order__client", "order__freelancer", "order__gig").filter(order_id=order_id)
    case = cases.order_by("-number").first()
    if case is None or not (is_party(user, case.order) or sees_all(user, case.order)):
        raise Http404
    return case


def action_to_open(user: User, order: Order) -> Action | None:
    """The step with which this person could open a case now; None where they cannot."""
    roles, status, money = roles_for(user, order), Status(order.status), PaymentStatus(order.payment_status)
    for action in (Action.OPEN_DISPUTE, Action.DISPUTE_COMPLETED):
        if transition_for(status, money, Custody(order.custody), action, roles) and _may_open_now(user, order, action):
            return action
    return None


def _may_open_now(user: User, order: Order, action: Action) -> bool:
    if has_withdrawn(user, order):
        return False
    now = timezone.now()
    if action == Action.DISPUTE_COMPLETED:
        return order.hold_until is not None and now < order.hold_until and not (is_party(user, order) and was_decided(order))
    return order.status != Status.PAYMENT_SUBMITTED or is_review_overdue(order, now)


def has_withdrawn(person: User, order: Order) -> bool:
    """Whether this party took back a dispute of the order: opening and withdrawing on and on would stop its clocks for good."""
    return is_party(person, order) and any(
        row.opened_by_id == person.pk and row.state == State.WITHDRAWN for row in order.disputes.all()
    )


def is_review_overdue(order: Order, now: datetime) -> bool:
    return order.review_due_at is not None and now >= order.review_due_at


def was_decided(order: Order) -> bool:
    """Whether a dispute of this order was ruled or settled: that stands, apart from an appeal."""
    return order.disputes.filter(state__in=[State.RESOLVED, State.SETTLED]).exists()


def may_answer(user: User, dispute: Dispute) -> bool:
    return dispute.state in ANSWERABLE and not dispute.statements.filter(author=user).exists()


def may_withdraw(user: User, dispute: Dispute) -> bool:
    """Its opener, or any moderator where staff opened it; not after a ruling, which an appeal has only suspended."""
    is_opener = dispute.opened_by_id == user.pk or (not dispute.is_by_party and sees_all(user, dispute.order))
    return dispute.is_open and is_opener and not dispute.rulings.all()


def may_appeal(user: User, dispute: Dispute, now: datetime) -> bool:
    """Whether this side lost the first ruling and is still in time; once per dispute. Whether money has left, the step tells."""
    return (
        dispute.state == State.RESOLVED
        and dispute.appealed_at is None
        and dispute.appeal_until is not None
        and now < dispute.appeal_until
        and has_lost(user, dispute)
    )


def has_lost(user: User, dispute: Dispute) -> bool:
    """Whether the ruling gave this side less than it asked for: what its statement says it wants, else all."""
    order, ruling = dispute.order, dispute.rulings.all().order_by("-number").first()
    if ruling is None or not is_party(user, order):
        return False
    wanted = dispute.statements.filter(author=user).values_list("wanted_amount", flat=True).first()
    if user.pk == order.client_id:
        return ruling.client_amount < order.expected_amount - (wanted or Decimal(0))
    not_paid = not ruling.freelancer_amount and not ruling.client_amount  # of a payment that never came
    return not not_paid and ruling.freelancer_amount < (order.expected_amount if wanted is None else wanted)


def standing_offer_of(person: User, dispute: Dispute) -> SettlementOffer | None:
    return dispute.offers.filter(offered_by=person, state=SettlementOffer.State.OPEN).first()


def evidence_left(user: User, dispute: Dispute) -> int:
    """How many more pieces of evidence this person may add."""
    return max(MAX_EVIDENCE - Evidence.objects.filter(dispute=dispute, author=user).count(), 0)


def may_add_evidence(user: User, dispute: Dispute) -> bool:
    """Whether this side may add a piece. Nothing is asked where the evidence is known."""
    return dispute.is_open and sum(row.author_id == user.pk for row in dispute.evidence.all()) < MAX_EVIDENCE


def answer_at_last(dispute: Dispute) -> datetime:
    """When the case goes on without a missing statement."""
    reminded = dispute.answer_reminded_at
    return max(dispute.opened_at + ANSWER_AT_LAST, reminded + AFTER_REMINDER) if reminded else dispute.opened_at + ANSWER_AT_LAST


def silent_parties(dispute: Dispute) -> list[User]:
    """Who was asked for a statement and has written none."""
    written = set(dispute.statements.values_list("author_id", flat=True))
    return [person for person in (dispute.order.client, dispute.order.freelancer) if person.pk not in written]


# --- For the desk ---------------------------------------------------------------------------------------------------
def list_cases_for(user: User | AnonymousUser) -> QuerySet[Dispute]:
    """Every case of orders a moderator is no party to, by deadline; none for who may not resolve."""
    if not may(user, RESOLVE):
        return Dispute.objects.none()
    cases = Dispute.objects.exclude(Q(order__client=user) | Q(order__freelancer=user))
    people = cases.select_related("order__client", "order__freelancer", "order__gig", "opened_by", "moderator", "appealed_by")
    return people.order_by(F("order__dispute_by").asc(nulls_last=True), "opened_at")


def list_cases_in(user: User, tab: str) -> QuerySet[Dispute]:
    """The cases of one of DESK_TABS."""
    cases = list_cases_for(user)
    match tab:
        case "mine":
            return cases.filter(moderator=user, state__in=OPEN_STATES)
        case "unassigned":
            return cases.filter(moderator=None, state=State.UNDER_REVIEW)
        case "waiting":
            return cases.filter(state__in=OPEN_STATES - {State.UNDER_REVIEW})
        case "others":
            return cases.filter(state=State.UNDER_REVIEW, moderator__isnull=False).exclude(moderator=user)
        case _:
            return cases.exclude(state__in=OPEN_STATES).order_by("-closed_at")


def search_cases(user: User, text: str) -> QuerySet[Dispute]:
    """Cases by the order's reference or the e-mail of either side, in any state."""
    either = Q(order__client__email__iexact=text) | Q(order__freelancer__email__iexact=text)
    return list_cases_for(user).filter(either | Q(order__payment_reference__iexact=text))


def get_case_for(user: User | AnonymousUser, dispute_id: UUID) -> Dispute:
    """A case with what its desk shows; Http404 for a party, and where there is none."""
    events = Prefetch("order__events", OrderEvent.objects.select_related("actor", "proof"))
    cases = list_cases_for(user).prefetch_related(
        events, *_OFFERS_AND_RULINGS, "order__proofs", "order__answers", "order__deliveries__files", "staff_notes__author"
    )
    return get_object_or_404(cases, pk=dispute_id)


def may_have_case(person: User, dispute: Dispute) -> bool:
    """Whether a case can be given to this person: a moderator, no party, and not who made the ruling that is appealed."""
    return sees_all(person, dispute.order) and not dispute.rulings.filter(moderator=person).exists()


def list_colleagues_for(dispute: Dispute) -> list[User]:
    """The moderators a case may be handed to, but not the one who has it."""
    staff = list_staff(RESOLVE).order_by("full_name")
    return [person for person in staff if person.pk != dispute.moderator_id and may_have_case(person, dispute)]


def record_of(person: User, *, but: Dispute) -> Record:
    """A person's other cases, newest first, and what came of them."""
    mine = Q(order__client=person) | Q(order__freelancer=person)
    cases = list(Dispute.objects.filter(mine).exclude(pk=but.pk).select_related("order").order_by("-opened_at"))
    ends = Counter(case.state for case in cases)
    shares = [_share(person, case) for case in cases if case.state == State.RESOLVED]
    return Record(
        person=person,
        cases=cases,
        open=sum(case.is_open for case in cases),
        won=sum(share == 1 for share in shares),
        lost=sum(share == 0 for share in shares),
        divided=sum(0 < share < 1 for share in shares),
        settled=ends[State.SETTLED],
        withdrawn=ends[State.WITHDRAWN],
    )


def _share(person: User, case: Dispute) -> Decimal:
    """What of the money a ruling gave this person, from 0 to 1."""
    freelancers = (case.freelancer_amount or Decimal(0)) / case.order.expected_amount
    return freelancers if person.pk == case.order.freelancer_id else 1 - freelancers


def list_case_steps(user: User, order: Order, dispute: Dispute | None) -> list[Action]:
    """What this side can do about the order's last dispute now, or to open one; `dispute` is that last one."""
    opening = action_to_open(user, order)
    if dispute is None:
        return [opening] if opening else []
    steps = {
        Action.ANSWER_DISPUTE: may_answer(user, dispute),
        Action.OFFER_SETTLEMENT: dispute.is_open,
        Action.ACCEPT_SETTLEMENT: dispute.is_open and standing_offer_of(other_side(user, order), dispute) is not None,
        Action.WITHDRAW_DISPUTE: may_withdraw(user, dispute),
        Action.APPEAL: may_appeal(user, dispute, timezone.now()),
    }
    return [*(step for step, allowed in steps.items() if allowed), *([opening] if opening else [])]
