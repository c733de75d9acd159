"""What of disputes the API takes and gives: the case, what each side says and shows, how it ended."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from accounts.schemas import PersonBrief, brief
from marketplace.money import plain_amount
from marketplace.rest.schemas import Amount, Asked, Id, Page, Shown, ShownInstant, Text
from orders.models import Dispute, DisputeStatement, Evidence, Order, Ruling, SettlementOffer
from orders.schemas.orders import PaymentStatusName, StatusName
from orders.schemas.rows import ActionShown, Party, Side, address, amount_or_none
from orders.schemas.steps import StepAsked

DisputeReason = Literal["not_delivered", "not_as_agreed", "unresponsive", "beyond_scope", "payment", "fraud", "reversal", "other"]
DisputeState = Literal["open", "awaiting_response", "evidence", "under_review", "resolved", "settled", "withdrawn"]
OfferState = Literal["open", "replaced", "accepted", "lapsed"]
Audience = Literal["all", "staff"]
MOST_SAID = DisputeStatement._meta.get_field("text").max_length or 0
MOST_APPEALED = Dispute._meta.get_field("appeal_reason").max_length or 0
MOST_NOTED = Evidence._meta.get_field("note").max_length or 0
Share = Annotated[Amount, Field(description="What the freelancer should get, before the fee; from 0 to all that is in dispute.")]


# --- What a program sends -------------------------------------------------------------------------------------------
class OpenDispute(StepAsked):
    """What is wrong. The other side reads the statement when both are in, or the time to answer is over; nobody changes it."""

    reason: DisputeReason = Field(description="`payment` only while a payment is not confirmed; after completion only some.")
    statement: Annotated[str, Text(MOST_SAID, DisputeStatement.AT_LEAST)]
    wanted_amount: Share | None = None


class AnswerDispute(StepAsked):
    """Your side of it, once. Nobody changes it afterwards."""

    statement: Annotated[str, Text(MOST_SAID)]
    wanted_amount: Share | None = None


class OfferSettlement(StepAsked):
    """What you would settle for. It replaces your last offer; where offers meet or cross, the middle is agreed at once."""

    freelancer_amount: Share


class Appeal(StepAsked):
    """What the ruling got wrong. Both sides and the next moderator read it."""

    reason: Annotated[str, Text(MOST_APPEALED)]


class NewEvidence(Asked):
    """A note on the case, and the file it speaks of, if there is one."""

    note: Annotated[str, Text(MOST_NOTED)] = Field(description="What it shows.")
    audience: Audience = Field("all", description="`staff`: moderators alone, not the other side.")
    file_id: Id | None = Field(None, description="Of a file handed in before with POST /attachments, as work.")


# --- What it gets ---------------------------------------------------------------------------------------------------
class StatementRead(Shown):
    """What somebody says of it."""

    by: Side
    name: str
    text: str
    wanted_amount: str | None = Field(description="What they think the freelancer should get, before the fee.")
    created_at: ShownInstant


class OfferShown(Shown):
    """What a side would settle for: the freelancer’s part, before the fee. Only one that is `open` can be accepted."""

    by: Party
    freelancer_amount: str
    client_amount: str
    state: OfferState
    created_at: ShownInstant


class EvidenceFile(Shown):
    name: str
    content_type: str
    size: int = Field(description="In bytes.")
    sha256: str
    url: str


class EvidenceShown(Shown):
    """A note, and perhaps a file, that somebody added to the case."""

    id: UUID
    by: Side
    name: str
    audience: Audience
    note: str
    file: EvidenceFile | None
    created_at: ShownInstant


class EvidencePage(Page[EvidenceShown]):
    """A part of the evidence, oldest first."""


class RulingShown(Shown):
    """What a moderator decided, and why. The amounts are before the fee; both are 0 where the payment never came."""

    number: int
    moderator: str
    freelancer_amount: str
    client_amount: str
    reason: str
    created_at: ShownInstant


class AppealShown(Shown):
    by: Party
    reason: str
    appealed_at: ShownInstant


class DisputedOrder(Shown):
    """The order of the case. Steps of the case want its `version`."""

    id: UUID
    version: int
    title: str
    payment_reference: str
    status: StatusName
    payment_status: PaymentStatusName
    client: PersonBrief
    freelancer: PersonBrief


class EarlierDispute(Shown):
    number: int
    reason: DisputeReason
    state: DisputeState
    opened_at: ShownInstant
    closed_at: ShownInstant | None


class DisputeShown(EarlierDispute):
    """The last dispute of an order, as far as you may read it. `actions` are the steps that you can take now."""

    id: UUID
    order: DisputedOrder
    amount: str = Field(description="All that is in dispute.")
    currency: str
    opened_by: Side
    moderator: str | None = Field(description="Who has the case.")
    answer_by: ShownInstant
    evidence_until: ShownInstant | None
    rule_by: ShownInstant | None
    appeal_until: ShownInstant | None
    statements: list[StatementRead]
    is_sealed: bool = Field(description="Nobody reads the other’s statement yet: both are shown when both are in, or time is up.")
    offers: list[OfferShown]
    evidence: list[EvidenceShown]
    evidence_left: int = Field(description="How many more pieces you may add.")
    rulings: list[RulingShown]
    appeal: AppealShown | None
    freelancer_amount: str | None = Field(description="As it ended, before the fee.")
    client_amount: str | None
    earlier: list[EarlierDispute]
    actions: list[ActionShown]


# --- How rows become these ------------------------------------------------------------------------------------------
def dispute_shown(
    dispute: Dispute,
    *,
    statements: list[DisputeStatement],
    evidence: list[Evidence],
    evidence_left: int,
    earlier: list[Dispute],
    actions: list[ActionShown],
) -> DisputeShown:
    """The case with what of it the reader may see, which the caller has found."""
    order = dispute.order
    names = ("answer_by", "evidence_until", "rule_by", "appeal_until")
    ended = dispute.freelancer_amount
    return DisputeShown(
        **_in_short(dispute),
        **{name: getattr(dispute, name) for name in names},
        id=dispute.pk,
        order=_order_shown(order),
        amount=plain_amount(order.expected_amount, order.currency),
        currency=order.currency,
        opened_by=_side(dispute.opened_by_id, order),
        moderator=str(dispute.moderator) if dispute.moderator else None,
        statements=[_statement_shown(row, order) for row in statements],
        is_sealed=dispute.is_open and dispute.evidence_until is None,
        offers=[_offer_shown(row, order) for row in dispute.offers.all()],
        evidence=[evidence_shown(row, order) for row in evidence],
        evidence_left=evidence_left,
        rulings=[_ruling_shown(row, order) for row in dispute.rulings.all()],
        appeal=_appeal_shown(dispute),
        freelancer_amount=amount_or_none(ended, order.currency),
        client_amount=amount_or_none(None if ended is None else order.expected_amount - ended, order.currency),
        earlier=[EarlierDispute(**_in_short(row)) for row in earlier],
        actions=actions,
    )


def evidence_shown(row: Evidence, order: Order) -> EvidenceShown:
    return EvidenceShown(
        id=row.pk,
        by=_side(row.author_id, order),
        name=str(row.author),
        file=_file_shown(row) if row.file else None,
        **{name: getattr(row, name) for name in ("audience", "note", "created_at")},
    )


def _file_shown(row: Evidence) -> EvidenceFile:
    names = ("name", "content_type", "size", "sha256")
    return EvidenceFile(**{name: getattr(row, name) for name in names}, url=address("evidence", row.pk, "file"))


def _in_short(dispute: Dispute) -> dict[str, Any]:
    return {name: getattr(dispute, name) for name in ("number", "reason", "state", "opened_at", "closed_at")}


def _side(person_id: UUID, order: Order) -> Side:
    sides: dict[UUID, Side] = {order.client_id: "client", order.freelancer_id: "freelancer"}
    return sides.get(person_id, "moderator")


def _party(person_id: UUID, order: Order) -> Party:
    return "client" if person_id == order.client_id else "freelancer"


def _order_shown(order: Order) -> DisputedOrder:
    names = ("version", "payment_reference", "status", "payment_status")
    return DisputedOrder(
        **{name: getattr(order, name) for name in names},
        id=order.pk,
        title=order.gig_title,
        client=brief(order.client),
        freelancer=brief(order.freelancer),
    )


def _statement_shown(row: DisputeStatement, order: Order) -> StatementRead:
    return StatementRead(
        by=_side(row.author_id, order),
        name=str(row.author),
        text=row.text,
        wanted_amount=amount_or_none(row.wanted_amount, order.currency),
        created_at=row.created_at,
    )


def _offer_shown(row: SettlementOffer, order: Order) -> OfferShown:
    return OfferShown(
        by=_party(row.offered_by_id, order),
        freelancer_amount=plain_amount(row.freelancer_amount, order.currency),
        client_amount=plain_amount(order.expected_amount - row.freelancer_amount, order.currency),
        **{name: getattr(row, name) for name in ("state", "created_at")},
    )


def _ruling_shown(row: Ruling, order: Order) -> RulingShown:
    return RulingShown(
        number=row.number,
        moderator=str(row.moderator),
        freelancer_amount=plain_amount(row.freelancer_amount, order.currency),
        client_amount=plain_amount(row.client_amount, order.currency),
        reason=row.reason,
        created_at=row.created_at,
    )


def _appeal_shown(dispute: Dispute) -> AppealShown | None:
    if dispute.appealed_at is None or dispute.appealed_by_id is None:
        return None
    return AppealShown(
        by=_party(dispute.appealed_by_id, dispute.order), reason=dispute.appeal_reason, appealed_at=dispute.appealed_at
    )
