"""A payment that waits for a moderator, as a program reads it before it confirms or rejects."""

from typing import Any
from uuid import UUID

from pydantic import Field

from accounts.models import User
from accounts.schemas import PersonBrief, brief
from marketplace.money import plain_amount
from marketplace.rest.schemas import Page, Shown, ShownInstant
from orders.schemas.orders import CustodyName
from orders.schemas.rows import ActionShown, OrderProof, address, proof_shown
from orders.selectors import needs_two_signatures


class PaymentToCheck(Shown):
    """A proof of payment that waits for a moderator. Compare it with what stands on the account."""

    order_id: UUID
    order_url: str
    version: int = Field(description="Of the order: send it with the step.")
    title: str
    client: PersonBrief
    freelancer: PersonBrief
    custody: CustodyName = Field(description="DIRECT: the money went to the freelancer, who has not decided.")
    paid_into: str = Field(description="What the account is called.")
    payment_reference: str = Field(description="What the client was told to write on the payment.")
    due: str
    currency: str
    check_by: ShownInstant | None
    proof: OrderProof
    reference_seen: bool = Field(description="The proof of another order shows the same transaction reference.")
    receipt_seen: bool = Field(description="The proof of another order has the very same receipt.")
    needs_two: bool = Field(description="Two moderators have to confirm it.")
    signed: bool = Field(description="One of them has.")
    signed_by_you: bool
    actions: list[ActionShown]


class PaymentsToCheck(Page[PaymentToCheck]):
    """A part of the list of payments that wait for a moderator."""


def payment_to_check(proof: Any, viewer: User, actions: list[ActionShown]) -> PaymentToCheck:
    """Of a proof as `list_payments_to_check` finds it."""
    order = proof.order
    names = ("version", "custody", "payment_reference", "currency")
    return PaymentToCheck(
        **{name: getattr(order, name) for name in names},
        order_id=order.pk,
        order_url=address("orders", order.pk),
        title=order.gig_title,
        client=brief(order.client),
        freelancer=brief(order.freelancer),
        paid_into=order.pay_to_label,
        due=plain_amount(order.amount_due, order.currency),
        check_by=order.review_due_at,
        proof=proof_shown(proof, order),
        reference_seen=proof.reference_seen,
        receipt_seen=proof.file_seen,
        needs_two=needs_two_signatures(order),
        signed=proof.first_confirmed_by_id is not None,
        signed_by_you=proof.first_confirmed_by_id == viewer.pk,
        actions=actions,
    )
