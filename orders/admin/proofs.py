"""The payment verification desk: a queue, and one page per proof where a moderator confirms or rejects it."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.desks import Answered, Data, Decision, Desk, View, paged, reads, refusals, searched
from marketplace.money import format_money
from orders.admin.flags import due_for, flags_of
from orders.admin.records import signed_in
from orders.desk_forms import CancelPartForm, ConfirmForm, RejectForm
from orders.matching import names_match
from orders.models import Order, OrderEvent, PaymentProof
from orders.references import normalize_reference
from orders.selectors import (
    VERIFY,
    list_earlier_uses,
    list_overdue_parts,
    list_proofs_to_judge,
    list_verification_queue,
    needs_two_signatures,
    with_earlier_uses,
)
from orders.services.lifecycle import cancel_partial
from orders.services.payments import confirm_payment, record_partial, reject_payment
from orders.states import Action, PaymentStatus, Status
from orders.timeline import timeline

State = PaymentProof.State
PARTS = "part"  # beside the states of a proof: parts whose rest did not come


def _proof(user: User, proof_id: UUID) -> PaymentProof:
    events = Prefetch("order__events", OrderEvent.objects.select_related("actor", "proof"))
    return get_object_or_404(with_earlier_uses(list_proofs_to_judge(user)).prefetch_related(events), pk=proof_id)


def _confirm(actor: User, proof: PaymentProof, data: Data) -> str:
    step = {"actor": actor, "order_id": proof.order_id, "proof_id": proof.pk, "seen": data["seen"]}
    if data["arrived"] == "less":
        return _said(record_partial(**step, received_amount=data["received_amount"]))
    more = data["arrived"] == "more"
    return _said(confirm_payment(**step, received_amount=data["received_amount"], more_arrived=more))


def _reject(actor: User, proof: PaymentProof, data: Data) -> str:
    reject_payment(actor=actor, order_id=proof.order_id, proof_id=proof.pk, **data)
    return _("Rejected: order %(reference)s. The client has your words.") % {"reference": proof.order.payment_reference}


def _cancel(actor: User, proof: PaymentProof, data: Data) -> str:
    """The rest of a payment never came: end the order, and refund the part."""
    cancel_partial(actor=actor, order_id=proof.order_id, **data)
    return _("Cancelled: order %(reference)s. The part is refunded.") % {"reference": proof.order.payment_reference}


@admin.register(PaymentProof)
class PaymentProofAdmin(Desk):
    """A party to the order gets 404."""

    permission = VERIFY
    finds = {"proof_id": _proof}
    row_id, row_page = "proof_id", "verify"
    decisions = {
        "confirm": Decision(ConfirmForm, _confirm, lambda proof: {"order": proof.order}),
        "reject": Decision(RejectForm, _reject),
        "cancel": Decision(CancelPartForm, _cancel),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentProof]:
        return list_proofs_to_judge(request.user)

    def views(self) -> dict[str, tuple[str, View]]:
        return {"verify": ("<uuid:proof_id>/verify/", self.look)}

    def version_of(self, row: PaymentProof) -> int:
        return row.order.version

    @reads
    def queue(self, request: HttpRequest) -> HttpResponse:
        search = searched(request)
        state = request.GET.get("state", State.SUBMITTED)
        state = state if state in (*State.values, PARTS) else State.SUBMITTED
        page = paged(request, with_earlier_uses(_found(request, search) if search else _in_state(request, state)))
        context = {
            "title": _("Payments to check"),
            "rows": [{"proof": proof, "flags": flags_of(proof), "overdue": _is_overdue(proof)} for proof in page],
            "page_obj": page,
            "query": urlencode({"q": search} if search else {"state": state}),
            "search": search,
            "state": state,
            "tabs": _tabs(request, "" if search else state),
        }
        return self.page(request, "queue", context)

    def after(self, request: HttpRequest, row: PaymentProof) -> HttpResponse:
        """The longest waiting proof that still needs this moderator, or the empty queue."""
        waiting = list_verification_queue(request.user).exclude(pk=row.pk).exclude(first_confirmed_by=signed_in(request))
        following = waiting.first()
        if following is None:
            return self.to("changelist")
        messages.info(request, _("Below is the next payment in the queue, for another order."))
        return self.to("verify", following.pk)

    def show(self, request: HttpRequest, row: PaymentProof, answered: Answered) -> HttpResponse:
        order, due = row.order, due_for(row)
        context = {
            "title": _("Payment for %(reference)s") % {"reference": order.payment_reference},
            "proof": row,
            "order": order,
            "refused": refusals(answered),
            **{name: self.form_of(name, row) for name in self.decisions},
            **answered,
            "is_part": (order.status, order.payment_status) == (Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED),
            "is_open": row.state == State.SUBMITTED,
            "is_overdue": _is_overdue(row),
            "name_matches": names_match(row.payer_name, order.client.full_name),
            "due": due,
            "amount_matches": row.amount == due,
            "paid_before_order": row.paid_at < order.created_at,
            "needs_two": needs_two_signatures(order),
            "signed_by_me": row.first_confirmed_by_id == request.user.pk,
            "flags": flags_of(row),
            "earlier": list_earlier_uses(row),
            "attempts": order.proofs.select_related("decided_by").exclude(pk=row.pk),
            "events": timeline(order, for_staff=True),
        }
        return self.page(request, "verify", context)


def _said(order: Order) -> str:
    last = order.events.latest("number")
    amount = Decimal(last.data.get("received") or order.amount_due)
    words = {
        "amount": format_money(amount, order.currency),
        "due": format_money(order.amount_due, order.currency),
        "reference": order.payment_reference,
    }
    return {
        Action.CONFIRM_PAYMENT: _("Confirmed: %(amount)s for order %(reference)s."),
        Action.RECORD_PARTIAL: _("Held as a part: %(amount)s for order %(reference)s. The client is asked for %(due)s."),
        Action.SIGN_PAYMENT: _("Signed: order %(reference)s. A second moderator must confirm it now."),
    }[Action(last.action)] % words


def _in_state(request: HttpRequest, state: str) -> Any:
    if state == State.SUBMITTED:
        return list_verification_queue(request.user)
    if state == PARTS:
        return list_overdue_parts(request.user)
    return list_proofs_to_judge(request.user).filter(state=state).order_by("-decided_at")


def _found(request: HttpRequest, search: str) -> Any:
    """Proofs by the bank's reference, the order's own, or the client's e-mail, in any state."""
    by_text = Q(order__payment_reference__iexact=search) | Q(order__client__email__iexact=search)
    reference = normalize_reference(search)
    matching = by_text | Q(normalized_reference=reference) if reference else by_text
    return list_proofs_to_judge(request.user).filter(matching).order_by("-submitted_at")


def _tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    labels = {
        State.SUBMITTED: _("Waiting"),
        PARTS: _("Rest overdue"),
        State.VERIFIED: _("Verified"),
        State.REJECTED: _("Rejected"),
    }
    return [
        {"label": label, "href": f"?state={state}", "count": _in_state(request, state).count(), "current": state == current}
        for state, label in labels.items()
    ]


def _is_overdue(proof: PaymentProof) -> bool:
    due = proof.order.review_due_at
    return proof.state == State.SUBMITTED and due is not None and due < timezone.now()
