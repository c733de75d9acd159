"""What belongs to an order: proofs, deliveries, proposals, refunds, cases, events; what happens next and what one may do."""

from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from pydantic import Field

from marketplace.money import plain_amount
from marketplace.rest.schemas import Shown, ShownInstant
from orders.models import (
    Delivery,
    DeliveryFile,
    Dispute,
    Order,
    OrderEvent,
    PaymentProof,
    Proposal,
    RevisionRequest,
)
from orders.next_steps import next_step
from orders.selectors.proposals import division_of
from orders.states import DisbursementState, Role
from orders.timeline import entry

Party = Literal["client", "freelancer"]
Side = Literal["client", "freelancer", "moderator"]
Turn = Literal["you", "them", "platform", "nobody"]


class NextShown(Shown):
    """Whose turn it is, until when, and what happens if nobody acts; the words are in the reader’s language."""

    turn: Turn
    headline: str
    text: str
    deadline_at: ShownInstant | None
    is_overdue: bool
    if_nobody: str


class ActionShown(Shown):
    """A step that can be taken now: where, and what has to be sent."""

    action: str
    method: str
    url: str
    needs: list[str]


class ProofReceipt(Shown):
    """The receipt of a proof, without what its file said of place and device."""

    name: str
    content_type: str
    size: int = Field(description="In bytes.")
    url: str


class OrderProof(Shown):
    """One attempt to show a payment."""

    id: UUID
    attempt: int
    state: Literal["submitted", "verified", "rejected"]
    proof_reference: str
    payer_name: str
    amount: str = Field(description="As claimed.")
    paid_at: ShownInstant
    submitted_at: ShownInstant
    by_moderator: bool = Field(description="Found on the account by a moderator, who entered it.")
    receipt: ProofReceipt | None
    verified_amount: str | None
    decided_at: ShownInstant | None
    rejection_reason: str | None
    rejection_note: str | None


class WorkFile(Shown):
    """A delivered file, byte for byte as it was handed over."""

    id: UUID
    name: str
    content_type: str
    size: int = Field(description="In bytes.")
    sha256: str
    url: str


class OrderRevision(Shown):
    """What the client wants changed in a delivery."""

    number: int
    items: list[str]
    created_at: ShownInstant


class OrderDelivery(Shown):
    """One hand-over of work."""

    number: int
    note: str
    links: list[str]
    files: list[WorkFile]
    created_at: ShownInstant
    revision: OrderRevision | None


class OrderProposal(Shown):
    """What one side asks of the other, and what it means. Amounts only of a cancellation."""

    number: int
    kind: Literal["cancellation", "extension", "pause"]
    proposed_by: Party
    reason: str
    freelancer_amount: str | None = Field(description="What the freelancer keeps, before the fee.")
    freelancer_earns: str | None = Field(description="The same after the fee.")
    client_gets_back: str | None
    days: int | None
    new_due_at: ShownInstant | None
    respond_by: ShownInstant
    created_at: ShownInstant


class OrderRefund(Shown):
    """What goes back to the client. `version` is for its own steps."""

    id: UUID
    version: int
    amount: str
    reason: str
    state: Literal["requested", "approved", "sent", "confirmed", "failed"]
    sent_by: Literal["platform", "freelancer"]
    needs_account: bool = Field(description="It waits for the client to say where it should go.")
    not_before: ShownInstant | None
    sent_at: ShownInstant | None
    reference: str | None
    failure: str | None


class OrderDispute(Shown):
    """The last case of the order; all of it stands at `url`."""

    id: UUID
    number: int
    state: str
    opened_at: ShownInstant
    closed_at: ShownInstant | None
    url: str


class OrderEventShown(Shown):
    """One thing that happened. `version` of the order is the number of its last event."""

    number: int
    action: str
    title: str
    text: str
    by: Literal["client", "freelancer", "moderator", "clock"]
    name: str
    from_status: str | None
    to_status: str
    payment_status: str
    created_at: ShownInstant


def amount_or_none(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else plain_amount(amount, currency)


def address(*parts: object) -> str:
    """The full address of something in the API."""
    return "/".join([f"{settings.SITE_URL}/api", *map(str, parts)])


def next_shown(order: Order, side: Role) -> NextShown:
    """A moderator is never "you": what the client reads is told as waiting for the client."""
    step = next_step(order, side)
    turn: Any = "them" if side == Role.MODERATOR and step.turn == "you" else step.turn
    return NextShown(
        turn=turn,
        headline=step.headline,
        text=step.text,
        deadline_at=step.deadline_at,
        is_overdue=step.is_overdue,
        if_nobody=step.if_nobody,
    )


def proof_shown(proof: PaymentProof, order: Order) -> OrderProof:
    names = ("id", "attempt", "state", "payer_name", "paid_at", "submitted_at", "decided_at")
    return OrderProof(
        **{name: getattr(proof, name) for name in names},
        proof_reference=proof.transaction_reference,
        amount=plain_amount(proof.amount, order.currency),
        by_moderator=proof.entered_by_id is not None,
        receipt=_receipt_shown(proof) if proof.receipt else None,
        verified_amount=amount_or_none(proof.verified_amount, order.currency),
        rejection_reason=proof.rejection_reason or None,
        rejection_note=proof.rejection_note or None,
    )


def _receipt_shown(proof: PaymentProof) -> ProofReceipt:
    return ProofReceipt(
        name=proof.receipt_name,
        content_type=proof.receipt_type,
        size=proof.receipt_size,
        url=address("orders", proof.order_id, "proofs", proof.pk, "receipt"),
    )


def delivery_shown(delivery: Delivery, revision: RevisionRequest | None) -> OrderDelivery:
    return OrderDelivery(
        number=delivery.number,
        note=delivery.note,
        links=delivery.links,
        files=[_file_shown(file, delivery) for file in delivery.files.all()],
        created_at=delivery.created_at,
        revision=_revision_shown(revision) if revision else None,
    )


def _revision_shown(revision: RevisionRequest) -> OrderRevision:
    return OrderRevision(number=revision.number, items=revision.items, created_at=revision.created_at)


def _file_shown(file: DeliveryFile, delivery: Delivery) -> WorkFile:
    names = ("id", "name", "content_type", "size", "sha256")
    url = address("orders", delivery.order_id, "files", file.pk)
    return WorkFile(**{name: getattr(file, name) for name in names}, url=url)


def proposal_shown(proposal: Proposal, order: Order) -> OrderProposal:
    share = proposal.freelancer_amount if proposal.kind == Proposal.Kind.CANCELLATION else None
    division = None if share is None else division_of(order, share)
    names = ("number", "kind", "reason", "days", "new_due_at", "respond_by", "created_at")
    return OrderProposal(
        **{name: getattr(proposal, name) for name in names},
        proposed_by="client" if proposal.proposed_by_id == order.client_id else "freelancer",
        freelancer_amount=amount_or_none(share, order.currency),
        freelancer_earns=amount_or_none(division.earned if division else None, order.currency),
        client_gets_back=amount_or_none(division.back if division else None, order.currency),
    )


def refund_of_order(row: Any) -> OrderRefund:
    """Of a disbursement."""
    is_stuck = row.state == DisbursementState.FAILED
    is_unnamed = row.state == DisbursementState.REQUESTED and row.account_id is None
    return OrderRefund(
        id=row.pk,
        version=row.version,
        amount=plain_amount(row.amount, row.currency),
        reason=row.reason,
        state=row.state,
        sent_by="freelancer" if row.payer_id else "platform",
        needs_account=row.payer_id is None and (is_stuck or is_unnamed),
        not_before=row.not_before,
        sent_at=row.sent_at,
        reference=row.reference or None,
        failure=(row.failure or None) if is_stuck else None,
    )


def dispute_of_order(dispute: Dispute) -> OrderDispute:
    names = ("number", "state", "opened_at", "closed_at")
    url = address("orders", dispute.order_id, "dispute")
    return OrderDispute(id=dispute.pk, **{name: getattr(dispute, name) for name in names}, url=url)


def event_shown(event: OrderEvent, order: Order) -> OrderEventShown:
    """In the words of the order's page: what moderators noted for each other is not among them."""
    told = entry(order, event)
    sides: dict[object, Literal["client", "freelancer", "clock"]]
    sides = {order.client_id: "client", order.freelancer_id: "freelancer", None: "clock"}
    return OrderEventShown(
        number=event.number,
        action=event.action,
        title=told["title"],
        text=told["text"],
        by=sides.get(event.actor_id, "moderator"),
        name=told["who"],
        from_status=event.from_status or None,
        to_status=event.to_status,
        payment_status=event.payment_status,
        created_at=event.created_at,
    )
