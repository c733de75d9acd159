"""Bank statements and their entries, for moderators who verify payments."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404

from accounts.models import User
from orders.models import BankStatement, Order, PaymentMethod, PaymentProof, StatementLine, UnreadableLine
from orders.references import dashed, normalize_reference
from orders.selectors.orders import VERIFY, may
from orders.states import Custody

State, Light = StatementLine.State, StatementLine.Light
TABS: dict[str, Q] = {
    "green": Q(state=State.OPEN, light=Light.GREEN),
    "amber": Q(state=State.OPEN, light=Light.AMBER),
    "red": Q(state=State.OPEN, light=Light.RED),
    "suspense": Q(state=State.SUSPENSE),
    "none": Q(state=State.OPEN, light=Light.NONE),
    "done": ~Q(state__in=[State.OPEN, State.SUSPENSE]),
}


def list_platform_methods() -> QuerySet[PaymentMethod]:
    """The platform's own accounts, those in use first."""
    return PaymentMethod.objects.filter(custody=Custody.PLATFORM).order_by("-is_active", "label", "id")


def get_method(method_id: UUID) -> PaymentMethod:
    """Any payment method; PaymentMethod.DoesNotExist."""
    return PaymentMethod.objects.get(pk=method_id)


def list_statements(user: User | AnonymousUser) -> QuerySet[BankStatement]:
    """The imported files, latest first."""
    if not may(user, VERIFY):
        return BankStatement.objects.none()
    return BankStatement.objects.select_related("payment_method", "imported_by").order_by("-imported_at", "pk")


def count_waiting(statements: Sequence[BankStatement]) -> dict[UUID, dict[str, int]]:
    """How many open entries of these statements have each light, in one query."""
    counts = {statement.pk: dict.fromkeys(Light.values, 0) for statement in statements}
    found = StatementLine.objects.filter(statement__in=list(counts), state=State.OPEN).order_by()
    for statement_id, light, count in found.values_list("statement", "light").annotate(Count("pk")):
        counts[statement_id][light] = count
    return counts


def get_statement_for(user: User | AnonymousUser, statement_id: UUID) -> BankStatement:
    """A statement, for who may verify; Http404 otherwise."""
    statements = BankStatement.objects.select_related("payment_method", "imported_by")
    return get_object_or_404(statements if may(user, VERIFY) else statements.none(), pk=statement_id)


def list_lines(user: User | AnonymousUser, *, statement: BankStatement | None, tab: str) -> QuerySet[StatementLine]:
    """The entries of a tab, of one statement or of all."""
    return _list_all(user).filter(TABS[tab], **({"statement": statement} if statement else {})).order_by("booked_on", "position")


def _list_all(user: User | AnonymousUser) -> QuerySet[StatementLine]:
    if not may(user, VERIFY):
        return StatementLine.objects.none()
    return StatementLine.objects.select_related("order__client", "order__freelancer", "payment_method", "statement", "decided_by")


def get_line_for(user: User | AnonymousUser, line_id: UUID) -> StatementLine:
    """An entry, for who may verify; Http404 otherwise."""
    return get_object_or_404(_list_all(user), pk=line_id)


def list_unreadable(user: User | AnonymousUser, statement: BankStatement | None) -> QuerySet[UnreadableLine]:
    """What could not be read, of one statement or of all; what nobody has looked at first."""
    if not may(user, VERIFY):
        return UnreadableLine.objects.none()
    rows = UnreadableLine.objects.select_related("statement__payment_method", "resolved_by")
    chosen = rows.filter(statement=statement) if statement else rows
    return chosen.order_by("resolved_at", "statement__imported_at", "position")


def get_unreadable(user: User | AnonymousUser, row_id: int) -> UnreadableLine:
    """A line that could not be read, for who may verify; Http404 otherwise."""
    return get_object_or_404(list_unreadable(user, None), pk=row_id)


def count_tabs(user: User | AnonymousUser, statement: BankStatement | None) -> dict[str, int | None]:
    """How many entries stand in each tab, and how many unreadable lines nobody has looked at; not all that was ever done."""
    lines = _list_all(user).select_related(None).order_by()
    lines = lines.filter(statement=statement) if statement else lines.filter(state__in=[State.OPEN, State.SUSPENSE])
    counts = lines.aggregate(**{name: Count("pk", filter=condition) for name, condition in TABS.items()})
    unreadable = list_unreadable(user, statement).filter(resolved_at=None).count()
    return {**counts, "done": counts["done"] if statement else None, "unreadable": unreadable}


def find_order(written: str) -> Order | None:
    """The order of the platform's custody with this payment reference, however it is written."""
    return Order.objects.filter(payment_reference=dashed(normalize_reference(written)), custody=Custody.PLATFORM).first()


def live_proof(order: Order) -> PaymentProof | None:
    """The proof that is being checked."""
    return order.proofs.filter(state=PaymentProof.State.SUBMITTED).select_related("first_confirmed_by").first()
