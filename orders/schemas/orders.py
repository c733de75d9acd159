"""What the API takes to place an order and to list them, and an order as it stands in lists."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from accounts.models import User
from accounts.schemas import PersonBrief, brief
from gigs.models import MAX_REQUIREMENTS
from marketplace.money import plain_amount
from marketplace.rest.schemas import Asked, Id, Page, Shown, ShownInstant, Text, whole
from orders.models import Order, PaymentMethod
from orders.place_form import MAX_ANSWER
from orders.schemas.rows import NextShown, OrderEventShown, Side, next_shown
from orders.selectors import side_of
from orders.states import Role

StatusName = Literal[
    "PENDING_PAYMENT",
    "PAYMENT_SUBMITTED",
    "PAYMENT_CONFIRMED",
    "IN_PROGRESS",
    "SUBMITTED",
    "REVISION_REQUESTED",
    "DISPUTED",
    "COMPLETED",
    "CANCELLED",
    "EXPIRED",
]
PaymentStatusName = Literal[
    "AWAIT_DEPOSIT",
    "PARTIALLY_FUNDED",
    "FUNDS_HELD",
    "DISPUTED",
    "RELEASED",
    "REFUNDED",
    "SPLIT",
    "PAID_DIRECT",
    "REFUND_DUE",
]
CustodyName = Literal["PLATFORM", "DIRECT"]
KindName = Literal["bank", "mobile", "cash", "coin"]


# --- What a program sends -------------------------------------------------------------------------------------------
class GivenAnswer(Asked):
    """To one of the gig’s questions, by the id it has there."""

    question_id: Annotated[int, whole(1, 2**63 - 1)]
    answer: Annotated[str, Text(MAX_ANSWER)]


class NewOrder(Asked):
    """`terms` is what came with the payment methods: where the gig has changed since, nothing is ordered. Left out: as it is."""

    gig_id: Id
    payment_method_id: Id
    answers: list[GivenAnswer] = Field([], max_length=MAX_REQUIREMENTS)
    terms: str | None = Field(None, max_length=200)


class MyOrders(Asked):
    """Which of one’s orders."""

    role: Literal["client", "freelancer"] | None = Field(None, description="What you are in them; both where it is left out.")
    status: StatusName | None = None


# --- What it gets ---------------------------------------------------------------------------------------------------
class PaymentMethodShown(Shown):
    """A way to pay. Whose account it is, and its number, stand on the order."""

    id: UUID
    label: str
    kind: KindName
    custody: CustodyName = Field(description="PLATFORM: held until you approve. DIRECT: paid to the freelancer, not held.")
    currency: str
    is_reversible: bool
    pay_window_hours: int


class PaymentMethodsShown(Shown):
    """`terms` stands for what the gig promises now; send it back when ordering."""

    terms: str
    items: list[PaymentMethodShown]


class OrderBrief(Shown):
    """An order as it stands in lists."""

    id: UUID
    version: int
    status: StatusName
    payment_status: PaymentStatusName
    custody: CustodyName
    role: Side = Field(description="What you are in it.")
    title: str
    gig_id: UUID
    client: PersonBrief
    freelancer: PersonBrief
    price: str
    currency: str
    payment_reference: str
    created_at: ShownInstant
    next: NextShown


class OrderPage(Page[OrderBrief]):
    """A part of a list of orders."""


class OrderEventPage(Page[OrderEventShown]):
    """A part of what has happened to an order, oldest first."""


def method_shown(method: PaymentMethod) -> PaymentMethodShown:
    names = ("id", "label", "kind", "custody", "currency", "is_reversible", "pay_window_hours")
    return PaymentMethodShown(**{name: getattr(method, name) for name in names})


def order_brief(order: Order, user: User) -> OrderBrief:
    return OrderBrief(**brief_of(order, side_of(user, order)))


def brief_of(order: Order, side: Role) -> dict[str, Any]:
    """What both a list and the order itself show."""
    names = ("version", "status", "payment_status", "custody", "gig_id", "currency", "payment_reference", "created_at")
    return {
        **{name: getattr(order, name) for name in names},
        "id": order.pk,
        "role": side.name.lower(),
        "title": order.gig_title,
        "client": brief(order.client),
        "freelancer": brief(order.freelancer),
        "price": plain_amount(order.expected_amount, order.currency),
        "next": next_shown(order, side),
    }
