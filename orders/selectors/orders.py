"""Which orders, proofs and files someone may see, and what they may do."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User
from accounts.selectors import has_needed_factor
from gigs.models import Gig
from marketplace.money import plain_amount
from orders.models import DeliveryFile, Order, OrderEvent, PaymentMethod, PaymentProof
from orders.states import FINAL, Action, Custody, Role, Status, actions_for

VERIFY = "orders.verify_payment"
REJECTIONS_BEFORE_STAFF_ONLY = 3
TABS: dict[str, frozenset[Status]] = {
    "open": frozenset(Status) - FINAL,
    "completed": frozenset({Status.COMPLETED}),
    "cancelled": frozenset({Status.CANCELLED, Status.EXPIRED}),
}
SIDES = ("buying", "selling")


@dataclass(frozen=True)
class EarlierUse:
    """Another proof with the same transaction reference or the same receipt file."""

    proof: PaymentProof
    same_reference: bool
    same_file: bool


def is_moderator(user: User | AnonymousUser) -> bool:
    return user.is_staff and user.has_perm(VERIFY) and has_needed_factor(user)


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
    return frozenset({Role.MODERATOR, Role.VERIFIER}) if is_moderator(user) else frozenset()


def list_actions_for(user: User | AnonymousUser, order: Order) -> list[Action]:
    """The actions this person has now, for buttons. A guard may still refuse one when it is pressed."""
    actions = actions_for(Status(order.status), roles_for(user, order))
    hidden = {Action.SIGN_PAYMENT}
    if not may_cancel(user, order):
        hidden.add(Action.CANCEL)
    if Action.REQUEST_REVISION in actions and not revisions_left(order):
        hidden.add(Action.REQUEST_REVISION)
    return [action for action in actions if action not in hidden]


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
    orders = list_visible_orders(user).prefetch_related(
        "answers",
        "deliveries__files",
        "revision_requests",
        "proofs",
        Prefetch("events", OrderEvent.objects.select_related("actor", "proof")),
    )
    return get_object_or_404(orders, pk=order_id)


def list_orders_for(user: User, *, side: str, tab: str) -> QuerySet[Order]:
    """The user's orders of one side (buying, selling) and tab (open, completed, cancelled), newest first."""
    return _of_side(user, side).filter(status__in=TABS[tab]).select_related("client", "freelancer")


def count_orders_for(user: User) -> dict[str, dict[str, int]]:
    """How many orders stand in each tab of each side: `counts[side][tab]`, in one query a side."""
    return {
        side: _of_side(user, side).aggregate(
            **{tab: Count("pk", filter=Q(status__in=statuses)) for tab, statuses in TABS.items()}
        )
        for side in SIDES
    }


def _of_side(user: User, side: str) -> QuerySet[Order]:
    return Order.objects.filter(**{"client" if side == "buying" else "freelancer": user})


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
    """Every proof of orders a moderator is no party to, decided ones too; none for anybody else."""
    if not is_moderator(user):
        return PaymentProof.objects.none()
    return PaymentProof.objects.exclude(Q(order__client=user) | Q(order__freelancer=user)).select_related(
        "order__client", "order__freelancer", "payment_method", "first_confirmed_by", "decided_by"
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
    return list_proofs_to_judge(user).filter(for_staff, state=PaymentProof.State.SUBMITTED).order_by("submitted_at")


def with_earlier_uses(proofs: QuerySet[PaymentProof]) -> QuerySet[PaymentProof]:
    """The same proofs, each knowing `reference_seen` and `file_seen`: whether another order's proof shows either."""
    others = PaymentProof.objects.exclude(order=OuterRef("order"))
    return proofs.annotate(
        reference_seen=Exists(others.filter(normalized_reference=OuterRef("normalized_reference"))),
        file_seen=Exists(others.filter(receipt_sha256=OuterRef("receipt_sha256"))),
    )


def list_earlier_uses(proof: PaymentProof) -> list[EarlierUse]:
    """Every other proof that shows the same reference (on any method) or the very same file, oldest first."""
    others = (
        PaymentProof.objects.filter(Q(normalized_reference=proof.normalized_reference) | Q(receipt_sha256=proof.receipt_sha256))
        .exclude(pk=proof.pk)
        .select_related("order__client", "order__freelancer")
        .order_by("submitted_at")
    )
    return [
        EarlierUse(
            other,
            same_reference=other.normalized_reference == proof.normalized_reference,
            same_file=other.receipt_sha256 == proof.receipt_sha256,
        )
        for other in others
    ]


def needs_two_signatures(order: Order) -> bool:
    """Whether two moderators must confirm the payment: into the platform's account, over the currency's FOUR_EYES_OVER."""
    limit = settings.FOUR_EYES_OVER.get(order.currency)
    return limit is not None and order.custody == Custody.PLATFORM and order.expected_amount > Decimal(limit)


def reason_to_stay(user: User) -> str:
    """Why an account may not be closed: orders that are not over. "" when nothing stands against it."""
    running = _list_party_orders(user).filter(status__in=TABS["open"]).count()
    if not running:
        return ""
    return ngettext(
        "%(count)d order is not over yet. Finish or cancel it first: somebody's money depends on it.",
        "%(count)d orders are not over yet. Finish or cancel them first: somebody's money depends on them.",
        running,
    ) % {"count": running}


def list_moderators() -> QuerySet[User]:
    """Active staff who may verify payments, by their own permission, their group's, or as superusers."""
    app_label, codename = VERIFY.split(".")
    by_group = Q(groups__permissions__codename=codename, groups__permissions__content_type__app_label=app_label)
    by_person = Q(user_permissions__codename=codename, user_permissions__content_type__app_label=app_label)
    return User.objects.filter(is_active=True, is_staff=True).filter(by_group | by_person | Q(is_superuser=True)).distinct()


def revisions_left(order: Order) -> int:
    """How many of the included rounds of changes the client has not used yet."""
    return max(order.revisions_included - len(order.revision_requests.all()), 0)
