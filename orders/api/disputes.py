"""Disputes for programs: the case as its parties and moderators read it, its steps, its evidence.

Moderators take, hand over and rule cases at the desk, behind their second factor; nothing here does.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Status

from accounts.callers import How, Scope
from accounts.gates import begin_writing, begins_itself, caller_of, person, reader, trader
from accounts.models import User
from marketplace.exceptions import DomainError
from marketplace.http import private_file, private_zip
from marketplace.rest.cursors import part_of
from marketplace.rest.errors import Refusal, about, answer_with
from marketplace.rest.routers import Router, file_answer
from marketplace.rest.schemas import Cursor, Limit
from marketplace.uploads import CheckedFile
from orders.api.addresses import action_shown, add_evidence_shown, order_to_read
from orders.api.steps import Step, add_step, as_asked
from orders.dispute_forms import DisputeCompletedForm, OpenDisputeForm
from orders.exceptions import AlreadyPaidOut, DisputeRefused
from orders.models import Dispute, Order
from orders.schemas.disputes import (
    AnswerDispute,
    Appeal,
    DisputeShown,
    EvidencePage,
    EvidenceShown,
    NewEvidence,
    OfferSettlement,
    OpenDispute,
    dispute_shown,
    evidence_shown,
)
from orders.schemas.rows import ActionShown
from orders.schemas.steps import Accepting, Noted
from orders.selectors import get_party_order, is_party
from orders.selectors.disputes import (
    evidence_left,
    get_evidence_for,
    has_lost,
    latest_dispute,
    list_evidence_for,
    list_statements_for,
    sees_all,
)
from orders.selectors.programs import OF_A_CASE, list_offered_steps
from orders.services import disputes, rulings, settlements
from orders.services.evidence import add_evidence as keep_evidence
from orders.services.evidence_pack import pack_name, stream_pack
from orders.services.handed_in import take_work
from orders.states import Action
from orders.states import Status as OrderStatus

answer_with(409, DisputeRefused, AlreadyPaidOut)
FIELDS = {"file_gone": "file_id", "file_redrawn": "file_id", "invalid_file": "file_id"}  # that refusals are about
router = Router(tags=["disputes"])


# --- The case -------------------------------------------------------------------------------------------------------
@router.get("orders/{uuid:order_id}/dispute", auth=reader, response=DisputeShown)
def read(request: HttpRequest, order_id: UUID) -> DisputeShown:
    """The last dispute of an order: for each side what it may read, for moderators all. 404 where there never was one."""
    case, user = _case(request, order_id), person(request)
    left = evidence_left(user, case) if case.is_open and is_party(user, case.order) else 0
    return dispute_shown(
        case,
        statements=list(list_statements_for(user, case)),
        evidence=list(list_evidence_for(user, case)),
        evidence_left=left,
        earlier=list(case.order.disputes.exclude(pk=case.pk)),
        actions=_actions(request, case.order, left),
    )


@router.get("orders/{uuid:order_id}/evidence", auth=reader, response=EvidencePage)
def list_evidence(request: HttpRequest, order_id: UUID, cursor: Cursor = "", limit: Limit = 20) -> EvidencePage:
    """What was added to the last dispute, as far as you may see it, oldest first."""
    case = _case(request, order_id)
    evidence = list_evidence_for(person(request), case)
    found, after = part_of(evidence, order=("created_at", "id"), cursor=cursor, limit=limit)
    return EvidencePage(items=[evidence_shown(row, case.order) for row in found], next=after)


@router.post("orders/{uuid:order_id}/evidence", auth=trader, response={201: EvidenceShown})
@begins_itself
def add_evidence(request: HttpRequest, order_id: UUID, evidence: NewEvidence) -> Any:
    """Add a note, with a file or without, to your open dispute. Ten of each side at most; the same sent again is added once."""
    actor = person(request)
    case = _latest(get_party_order(actor, order_id))
    with about(**FIELDS):
        file = _file(actor, evidence.file_id)
    begin_writing(request)
    try:
        row = keep_evidence(actor=actor, dispute_id=case.pk, note=evidence.note, audience=evidence.audience, file=file)
    except DisputeRefused as refusal:
        order = case.order
        raise Refusal(409, refusal.code, refusal.message, status=order.status, version=order.version) from refusal
    return Status(201, evidence_shown(row, case.order))


@router.get("evidence/{uuid:evidence_id}/file", auth=reader, response={200: None}, openapi_extra=file_answer())
def evidence_file(request: HttpRequest, evidence_id: UUID) -> FileResponse:
    """The file of a piece of evidence that you may see, byte for byte as it was handed in."""
    row = get_evidence_for(person(request), evidence_id)
    if caller_of(request).how == How.KEY and not is_party(person(request), row.dispute.order):
        raise Http404
    return private_file(row.file, name=row.name, content_type=row.content_type)


@router.get(
    "orders/{uuid:order_id}/evidence-pack",
    auth=reader,
    response={200: None},
    openapi_extra=file_answer("application/zip", "The ZIP"),
)
def evidence_pack(request: HttpRequest, order_id: UUID) -> StreamingHttpResponse:
    """All that you may see of the last dispute, in one ZIP: a page to read, the files, and their SHA-256 sums."""
    case = _case(request, order_id)
    chunks = stream_pack(viewer=person(request), dispute=case)
    return private_zip(request, chunks, name=pack_name(case))


def _case(request: HttpRequest, order_id: UUID) -> Dispute:
    """The order's last case, for its parties and, but with an API key, for who resolves disputes; Http404 for anybody else."""
    order = order_to_read(request, order_id)
    if not is_party(person(request), order) and not sees_all(person(request), order):
        raise Http404
    return _latest(order)


def _latest(order: Order) -> Dispute:
    case = latest_dispute(order)
    if case is None:
        raise Http404
    case.order = order
    return case


def _file(actor: User, file_id: UUID | None) -> CheckedFile | None:
    return take_work(actor=actor, file_ids=[file_id])[0] if file_id else None


def _actions(request: HttpRequest, order: Order, pieces_left: int) -> list[ActionShown]:
    """The steps of the case that this side can take now; moderators take theirs at the desk."""
    caller = caller_of(request)
    if not caller.may(Scope.ORDERS) or not is_party(caller.user, order):
        return []
    offered = [action_shown(step, order) for step in list_offered_steps(caller.user, order) if step in OF_A_CASE]
    return [*offered, add_evidence_shown(order)] if pieces_left else offered


# --- Its steps: what each takes of what was sent --------------------------------------------------------------------
def _opening(actor: User, order: Order, asked: OpenDispute) -> dict[str, Any]:
    is_complete = order.status == OrderStatus.COMPLETED
    form = (DisputeCompletedForm if is_complete else OpenDisputeForm)(order=order)
    if asked.reason not in dict(form.fields["reason"].choices):  # type: ignore[attr-defined]
        raise _wrong("reason", _("A dispute of this order as it stands cannot be about this."))
    return {
        "service": disputes.dispute_completed if is_complete else disputes.open_dispute,
        "reason": asked.reason,
        **_said(actor, order, asked),
    }


def _said(actor: User, order: Order, asked: OpenDispute | AnswerDispute) -> dict[str, Any]:
    wanted = None if asked.wanted_amount is None else _share(order, asked.wanted_amount, "wanted_amount")
    return {"statement": asked.statement, "wanted_amount": wanted}


def _offered(actor: User, order: Order, asked: OfferSettlement) -> dict[str, Any]:
    return {"freelancer_amount": _share(order, asked.freelancer_amount, "freelancer_amount")}


def _withdrawn(actor: User, order: Order, asked: Noted) -> dict[str, Any]:
    case = latest_dispute(order)
    if case and case.is_open and case.opened_by_id != actor.pk:
        raise Refusal(403, "not_your_step", _("Only who opened a dispute can withdraw it."))
    return as_asked(actor, order, asked)


def _appealed(actor: User, order: Order, asked: Appeal) -> dict[str, Any]:
    case = latest_dispute(order)
    if case and case.state == Dispute.State.RESOLVED and case.appealed_at is None and not has_lost(actor, case):
        raise Refusal(403, "not_your_step", _("Only the side that got less than it asked for can appeal."))
    return as_asked(actor, order, asked)


def _share(order: Order, typed: str, field: str) -> Decimal:
    """A part of what is in dispute. Refusal (422) for what is no amount, or more than that."""
    try:
        return disputes.part_of(order, Decimal(typed))
    except DomainError as refusal:
        raise _wrong(field, refusal.message, refusal.code) from refusal


def _wrong(field: str, message: str, code: str = "dispute_refused") -> Refusal:
    return Refusal(422, code, message, fields={field: message})


def _open(*, service: Any, **wishes: Any) -> Order:
    opened: Order = service(**wishes)
    return opened


def _offer(**wishes: Any) -> Order:
    """Where the step is open, all that can be wrong is the amount."""
    try:
        return settlements.offer_settlement(**wishes)
    except DisputeRefused as refusal:
        raise _wrong("freelancer_amount", refusal.message) from refusal


STEPS = (
    Step(
        "open-dispute",
        (Action.OPEN_DISPUTE, Action.DISPUTE_COMPLETED),
        OpenDispute,
        _open,
        "Ask moderators for a decision: all clocks of the order stand still, and money that is held is frozen. Of a completed "
        "order only the client can, while its money is on hold. Sent again with the same words it changes nothing.",
        _opening,
    ),
    Step(
        "answer-dispute",
        (Action.ANSWER_DISPUTE,),
        AnswerDispute,
        disputes.answer_dispute,
        "Tell your side of it, once. When both statements are in, both are shown, and the time for evidence starts.",
        _said,
    ),
    Step(
        "offer-settlement",
        (Action.OFFER_SETTLEMENT,),
        OfferSettlement,
        _offer,
        "Say what the freelancer should get. Where the freelancer asks no more than the client offers, the dispute is settled "
        "at once, in the middle of the two.",
        _offered,
    ),
    Step(
        "accept-settlement",
        (Action.ACCEPT_SETTLEMENT,),
        Accepting,
        settlements.accept_settlement,
        "Take the other side’s standing offer: it ends the dispute and cannot be undone.",
    ),
    Step(
        "withdraw-dispute",
        (Action.WITHDRAW_DISPUTE,),
        Noted,
        disputes.withdraw_dispute,
        "Take back the dispute you have opened, before any ruling: the order goes on where it stood. You cannot open another.",
        _withdrawn,
    ),
    Step(
        "appeal",
        (Action.APPEAL,),
        Appeal,
        rulings.appeal,
        "Ask another moderator to decide again: the side that lost the first ruling, once, within 72 hours.",
        _appealed,
    ),
)
for step in STEPS:
    add_step(router, step)
