"""Which orders, proofs and files someone may see, and what they may do."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.models import User
from accounts.selectors import has_needed_factor
from gigs.models import Gig
from marketplace.money import plain_amount
from orders.models import DeliveryFile, Disbursement, LedgerAccount, Order, OrderEvent, PaymentMethod, PaymentProof
from orders.states import FINAL, Action, Custody, DisbursementState, PaymentStatus, Role, Status, actions_for

VERIFY = "orders.verify_payment"
RESOLVE = "orders.resolve_dispute"
PAY_OUT = "orders.pay_out"
REJECTIONS_BEFORE_STAFF_ONLY = 3
LATE_AFTER = timedelta(hours=24)
WARNED_BEFORE = timedelta(hours=23)
TABS: dict[str, frozenset[Status]] = {
    "open": frozenset(Status) - FINAL,
    "completed": frozenset({Status.COMPLETED}),
    "cancelled": frozenset({Status.CANCELLED, Status.EXPIRED}),
}
UNSETTLED_ORDER = Q(status__in=TABS["open"]) | Q(payment_status__in=(PaymentStatus.DISPUTED, PaymentStatus.REFUND_DUE))
UNSETTLED = (DisbursementState.REQUESTED, DisbursementState.APPROVED, DisbursementState.SENT, DisbursementState.FAILED)
# What next_steps reads beside the order.
NEXT_STEP_ROWS = (
    *("proposals", "disputes__statements", "disputes__offers", "disputes__evidence", "disbursements", "revision_requests"),
)


@dataclass(frozen=True)
class EarlierUse:
    """Another proof with the same transaction reference or the same receipt file."""

    proof: PaymentProof
    same_reference: bool
    same_file: bool


def is_moderator(user: User | AnonymousUser) -> bool:
    """Whether they read every order: who checks payments or rules disputes. Who pays out needs the accounts, not the deals."""
    return may(user, VERIFY) or may(user, RESOLVE)


def is_party(user: User | AnonymousUser, order: Order) -> bool:
    return user.pk in (order.client_id, order.freelancer_id)


def side_of(user: User, order: Order) -> Role:
    """Client or freelancer of this order, or else the moderator who may look at it."""
    sides = {order.client_id: Role.CLIENT, order.freelancer_id: Role.FREELANCER}
    return sides.get(user.pk, Role.MODERATOR)


def may(user: User | AnonymousUser, permission: str) -> bool:
    """Whether staff have this permission (VERIFY, RESOLVE, PAY_OUT) and the second factor it needs."""
    return user.is_staff and user.has_perm(permission) and has_needed_factor(user)


def freelancer_verifies(order: Order) -> bool:
    """Whether the freelancer checks the payments of this order: they come into their own account, and few were rejected."""
    return order.custody == Custody.DIRECT and order.proofs_rejected < REJECTIONS_BEFORE_STAFF_ONLY


def roles_for(user: User | AnonymousUser, order: Order) -> frozenset[Role]:
    """The roles of the transition table this person has on this order.

    Nobody verifies a payment of an order they are a party to, but the freelancer where `freelancer_verifies`.
    """
    if user.pk == order.client_id:
        return frozenset({Role.CLIENT})
    if user.pk == order.freelancer_id:
        return frozenset({Role.FREELANCER, Role.VERIFIER} if freelancer_verifies(order) else {Role.FREELANCER})
    if not (user.is_staff and has_needed_factor(user)):
        return frozenset()
    by_permission = {Role.VERIFIER: VERIFY, Role.MODERATOR: RESOLVE}
    return frozenset(role for role, permission in by_permission.items() if user.has_perm(permission))


def list_actions_for(user: User | AnonymousUser, order: Order) -> list[Action]:
    """The actions this person has now, for buttons. A guard may still refuse one when it is pressed."""
    actions = actions_for(
        Status(order.status), PaymentStatus(order.payment_status), Custody(order.custody), roles_for(user, order)
    )
    return [action for action in actions if action != Action.SIGN_PAYMENT and is_open_to(user, order, action)]


def is_open_to(user: User | AnonymousUser, order: Order, action: Action) -> bool:
    """Whether the guard that can be told from the order's row lets this person press the button."""
    now = timezone.now()
    match action:
        case Action.ATTACH_RECEIPT:
            return waits_for_receipt(order)
        case Action.CANCEL:
            return may_cancel(user, order)
        case Action.REQUEST_REVISION:
            return bool(revisions_left(order))
        case Action.DECLINE:
            return user.pk != order.client_id or order.accept_by is None or order.accept_by <= now
        case Action.CANCEL_PARTIAL:
            return user.pk != order.freelancer_id or order.pay_by <= now
        case Action.CANCEL_LATE:
            return is_late(order, now)
        case _:
            return True


def waits_for_receipt(order: Order) -> bool:
    """Whether the client's proof that is being checked was handed in without a receipt, which may still come."""
    live = (proof for proof in order.proofs.all() if proof.state == PaymentProof.State.SUBMITTED)
    return any(not proof.receipt and proof.entered_by_id is None for proof in live)


def is_late(order: Order, now: datetime) -> bool:
    """Whether the client may leave: late by a day of unpaused time, and nothing was ever delivered (row 16)."""
    return order.due_at is not None and order.paused_at is None and not order.ever_delivered and now >= order.due_at + LATE_AFTER


def may_approve_itself(order: Order, now: datetime) -> bool:
    """Whether the delivery counts as accepted: the time to decide is over, no proposal is open, and the client was warned."""
    at = order.auto_approve_at
    return at is not None and at <= now and order.proposal_by is None and _was_warned(order, at, now)


def _was_warned(order: Order, approval_at: datetime, now: datetime) -> bool:
    """Whether the client was last reminded of this approval at least a day (less a sweep's delay) ago."""
    warnings = (row for row in order.reminders.all() if row.clock == "approval_soon" and row.clock_at <= approval_at)
    warned_at = max((row.sent_at for row in warnings), default=None)
    return warned_at is not None and warned_at > (order.submitted_at or now) and now - warned_at >= WARNED_BEFORE


def may_cancel(user: User | AnonymousUser, order: Order) -> bool:
    """Whether row 4 is open to this party. A freelancer who could turn a proof down and then cancel would keep the money."""
    return user.pk == order.client_id or not order.ever_submitted_proof


def list_visible_orders(user: User | AnonymousUser) -> QuerySet[Order]:
    """Orders of which the user is a party; all of them for a moderator; none for anybody else."""
    return Order.objects.select_related("client", "freelancer", "gig") if is_moderator(user) else _list_party_orders(user)


def _list_party_orders(user: User | AnonymousUser) -> QuerySet[Order]:
    if not user.is_authenticated:
        return Order.objects.none()
    return Order.objects.select_related("client", "freelancer", "gig").filter(Q(client=user) | Q(freelancer=user))


def get_order_for(user: User | AnonymousUser, order_id: UUID) -> Order:
    """The order, for its parties and moderators; Http404 for anybody else, as if it did not exist."""
    return get_object_or_404(list_visible_orders(user), pk=order_id)


def get_party_order(user: User | AnonymousUser, order_id: UUID) -> Order:
    """The order, for its two sides; Http404 for anybody else. Moderators act at the desk, behind their second factor."""
    return get_object_or_404(_list_party_orders(user), pk=order_id)


def get_order_page_for(user: User | AnonymousUser, order_id: UUID) -> Order:
    """The order with all that its page shows, in a constant number of queries; Http404 as in `get_order_for`."""
    visible = list_visible_orders(user).select_related("receipt", "client", "freelancer", "gig")
    orders = visible.prefetch_related(
        *NEXT_STEP_ROWS,
        "answers",
        "deliveries__files",
        "proofs",
        Prefetch("events", OrderEvent.objects.select_related("actor", "proof")),
    )
    return get_object_or_404(orders, pk=order_id)


def get_gig_to_order(gig_id: UUID) -> Gig:
    """A gig in any state, so that the page can say why it cannot be ordered now; Http404 when there is none."""
    gigs = Gig.objects.select_related("freelancer", "freelancer__stats", "stats").prefetch_related("requirements", "images")
    return get_object_or_404(gigs, pk=gig_id)


def list_payment_methods_for(gig: Gig) -> QuerySet[PaymentMethod]:
    """The accounts a client may pay this gig into: the platform's and the freelancer's own, active, in the gig's currency."""
    return PaymentMethod.objects.filter(is_active=True, currency=gig.currency).filter(
        Q(custody=Custody.PLATFORM) | Q(owner=gig.freelancer_id)
    )


def list_payment_methods_of(owner: User) -> QuerySet[PaymentMethod]:
    """A freelancer's own accounts, active ones first."""
    return PaymentMethod.objects.filter(owner=owner, custody=Custody.DIRECT).order_by("-is_active", "label", "id")


def get_payment_method_of(owner: User, method_id: UUID) -> PaymentMethod:
    """One of a freelancer's own accounts; Http404 otherwise."""
    return get_object_or_404(list_payment_methods_of(owner), pk=method_id)


def gig_terms(gig: Gig) -> str:
    """What a client agrees to, in one line, so that an order placed from a stale page is noticed."""
    return (
        f"{plain_amount(gig.price, gig.currency)} {gig.currency}"
        f"|{gig.delivery_days}d|{gig.revisions_included}r|{gig.auto_approve_days}a"
        f"|{hashlib.sha256(repr(_words_of(gig)).encode()).hexdigest()[:16]}"
    )


def _words_of(gig: Gig) -> list[object]:
    questions = [(row.pk, row.question, row.kind, row.choices, row.is_required) for row in gig.requirements.all()]
    return [gig.title, gig.description, questions]


def get_proof_for(user: User | AnonymousUser, proof_id: UUID) -> PaymentProof:
    """A proof of an order the user may see; Http404 otherwise."""
    return get_object_or_404(PaymentProof.objects.select_related("order"), pk=proof_id, order__in=list_visible_orders(user))


def get_delivery_file_for(user: User | AnonymousUser, file_id: UUID) -> DeliveryFile:
    """A delivered file of an order the user may see; Http404 otherwise."""
    return get_object_or_404(DeliveryFile, pk=file_id, delivery__order__in=list_visible_orders(user))


def list_proofs_to_judge(user: User | AnonymousUser) -> QuerySet[PaymentProof]:
    """Every proof of orders a moderator is no party to, decided ones too; none for who may not verify."""
    if not may(user, VERIFY):
        return PaymentProof.objects.none()
    return PaymentProof.objects.exclude(Q(order__client=user) | Q(order__freelancer=user)).select_related(
        "order__client", "order__freelancer", "payment_method", "first_confirmed_by", "decided_by", "entered_by", "statement_line"
    )


def list_verification_queue(user: User | AnonymousUser) -> QuerySet[PaymentProof]:
    """Proofs that wait for a moderator, longest waiting first; never those of orders the moderator is a party to.

    DIRECT payments are the freelancer's to check; they come here after three rejections, or when their review is overdue.
    """
    for_staff = (
        Q(order__custody=Custody.PLATFORM)
        | Q(order__proofs_rejected__gte=REJECTIONS_BEFORE_STAFF_ONLY)
        | Q(order__review_due_at__lt=timezone.now())
    )
    return (
        list_proofs_to_judge(user)
        .filter(for_staff, state=PaymentProof.State.SUBMITTED, order__status=Status.PAYMENT_SUBMITTED)
        .order_by("submitted_at")
    )


def list_overdue_parts(user: User | AnonymousUser) -> QuerySet[PaymentProof]:
    """Verified parts of payments whose rest did not come in time: staff decide what becomes of them."""
    stuck = {"order__status": Status.PENDING_PAYMENT, "order__payment_status": PaymentStatus.PARTIALLY_FUNDED}
    proofs = list_proofs_to_judge(user).filter(**stuck, state=PaymentProof.State.VERIFIED)
    return proofs.filter(order__pay_by__lt=timezone.now()).order_by("order__pay_by")


def with_earlier_uses(proofs: QuerySet[PaymentProof]) -> QuerySet[PaymentProof]:
    """The same proofs, each knowing `reference_seen` and `file_seen`: whether another order's proof shows either."""
    others = PaymentProof.objects.exclude(order=OuterRef("order"))
    return proofs.annotate(
        reference_seen=Exists(others.filter(normalized_reference=OuterRef("normalized_reference"))),
        file_seen=Exists(others.filter(receipt_sha256=OuterRef("receipt_sha256")).exclude(receipt_sha256="")),
    )


def list_earlier_uses(proof: PaymentProof) -> list[EarlierUse]:
    """Every other proof that shows the same reference (on any method) or the very same file, oldest first."""
    same_file = Q(receipt_sha256=proof.receipt_sha256) & ~Q(receipt_sha256="")
    others = (
        PaymentProof.objects.filter(Q(normalized_reference=proof.normalized_reference) | same_file)
        .exclude(pk=proof.pk)
        .select_related("order__client", "order__freelancer")
        .order_by("submitted_at")
    )
    return [
        EarlierUse(
            other,
            same_reference=other.normalized_reference == proof.normalized_reference,
            same_file=bool(other.receipt_sha256) and other.receipt_sha256 == proof.receipt_sha256,
        )
        for other in others
    ]


def needs_two_people(amount: Decimal, currency: str) -> bool:
    """Whether an amount is over the currency's FOUR_EYES_OVER."""
    limit = settings.FOUR_EYES_OVER.get(currency)
    return limit is not None and amount > Decimal(limit)


def needs_two_signatures(order: Order, received: Decimal = Decimal(0)) -> bool:
    """Whether two moderators must confirm the payment: into the platform's account, its price or what arrived over the limit."""
    return order.custody == Custody.PLATFORM and needs_two_people(max(order.expected_amount, received), order.currency)


def is_between(order_id: UUID, people: Collection[User]) -> bool:
    """Whether this order exists and these two are its parties."""
    return _list_between(people).filter(pk=order_id).exists()


def have_running_order(people: Collection[User]) -> bool:
    """Whether an order of these two is not over, or its money not settled. One that nobody has paid for is a click, no more."""
    running = _list_between(people).filter(UNSETTLED_ORDER)
    return running.exclude(status=Status.PENDING_PAYMENT, payment_status=PaymentStatus.AWAIT_DEPOSIT).exists()


def _list_between(people: Collection[User]) -> QuerySet[Order]:
    return Order.objects.filter(client__in=people, freelancer__in=people)


def reason_to_stay(user: User) -> str:
    """Why an account may not be closed: orders that are not over, or money that is here or on its way. "" when nothing is."""
    running = _list_party_orders(user).filter(UNSETTLED_ORDER).count()
    if running:
        return ngettext(
            "%(count)d order is not over yet. Finish or cancel it first: somebody's money depends on it.",
            "%(count)d orders are not over yet. Finish or cancel them first: somebody's money depends on them.",
            running,
        ) % {"count": running}
    on_its_way = Disbursement.objects.filter(Q(person=user) | Q(payer=user), state__in=UNSETTLED)
    if LedgerAccount.objects.filter(user=user, balance__gt=0).exists() or on_its_way.exists():
        return gettext("Money of yours is still here or on its way. See your balance: have it paid out first.")
    return ""


def revisions_left(order: Order) -> int:
    """How many of the included rounds of changes the client has not used yet."""
    return max(order.revisions_included - len(order.revision_requests.all()), 0)
