"""The payment verification desk: a queue, and one page per proof where a moderator confirms or rejects it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from marketplace.money import format_money
from marketplace.read_only import ReadOnly
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
    may,
    needs_two_signatures,
    with_earlier_uses,
)
from orders.services.lifecycle import cancel_partial
from orders.services.payments import confirm_payment, record_partial, reject_payment
from orders.states import Action, PaymentStatus, Status
from orders.timeline import timeline

State = PaymentProof.State
PAGE_SIZE = 50
PARTS = "part"  # beside the states of a proof: parts whose rest did not come


@admin.register(PaymentProof)
class PaymentProofAdmin(ReadOnly, admin.ModelAdmin):
    """Its list is the queue, its page the verification. Whoever may not verify gets 403; a party to the order, 404."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, VERIFY)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, VERIFY)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentProof]:
        return list_proofs_to_judge(request.user)

    def get_urls(self) -> list[URLPattern]:
        views = {"verify": self.verify, "confirm": self.confirm, "reject": self.reject, "cancel": self.cancel}
        own = [
            path(f"<uuid:proof_id>/{name}/", self.admin_site.admin_view(view), name=f"orders_paymentproof_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._only_moderators(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        search = "".join(c for c in request.GET.get("q", "") if c.isprintable()).strip()[:120]
        state = request.GET.get("state", State.SUBMITTED)
        state = state if state in (*State.values, PARTS) else State.SUBMITTED
        proofs = _found(request, search) if search else _in_state(request, state)
        page = Paginator(with_earlier_uses(proofs), PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "title": _("Payments to check"),
            "rows": [{"proof": proof, "flags": flags_of(proof), "overdue": _is_overdue(proof)} for proof in page],
            "page_obj": page,
            "query": urlencode({"q": search} if search else {"state": state}),
            "search": search,
            "state": state,
            "tabs": _tabs(request, "" if search else state),
        }
        return self._page(request, "admin/orders/paymentproof/queue.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        try:
            return redirect("admin:orders_paymentproof_verify", UUID(object_id))
        except ValueError as no_id:
            raise Http404 from no_id

    def verify(self, request: HttpRequest, proof_id: UUID) -> HttpResponse:
        proof = self._proof(request, proof_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._verification(request, proof)

    def confirm(self, request: HttpRequest, proof_id: UUID) -> HttpResponse:
        proof = self._proof(request, proof_id)

        def decide(data: dict[str, Any]) -> str:
            step = {"actor": signed_in(request), "order_id": proof.order_id, "proof_id": proof.pk, "seen": data["seen"]}
            if data["arrived"] == "less":
                return _said(record_partial(**step, received_amount=data["received_amount"]))
            more = data["arrived"] == "more"
            return _said(confirm_payment(**step, received_amount=data["received_amount"], more_arrived=more))

        return self._decide(request, proof, ConfirmForm(request.POST, order=proof.order), decide)

    def reject(self, request: HttpRequest, proof_id: UUID) -> HttpResponse:
        proof = self._proof(request, proof_id)

        def decide(data: dict[str, Any]) -> str:
            reject_payment(actor=signed_in(request), order_id=proof.order_id, proof_id=proof.pk, **data)
            return _("Rejected: order %(reference)s. The client has your words.") % {"reference": proof.order.payment_reference}

        return self._decide(request, proof, RejectForm(request.POST), decide)

    def cancel(self, request: HttpRequest, proof_id: UUID) -> HttpResponse:
        """The rest of a payment never came: end the order, and refund the part."""
        proof = self._proof(request, proof_id)

        def decide(data: dict[str, Any]) -> str:
            cancel_partial(actor=signed_in(request), order_id=proof.order_id, **data)
            return _("Cancelled: order %(reference)s. The part is refunded.") % {"reference": proof.order.payment_reference}

        return self._decide(request, proof, CancelPartForm(request.POST), decide)

    def _decide(
        self, request: HttpRequest, proof: PaymentProof, form: forms.Form, decide: Callable[[dict[str, Any]], str]
    ) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if form.is_valid():
            try:
                said = decide(form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
                proof = self._proof(request, proof.pk)
                form.data = {**request.POST.dict(), form.add_prefix("seen"): proof.order.version}
            else:
                messages.success(request, said)
                return _to_the_next(request, proof)
        return self._verification(request, proof, form)

    def _verification(self, request: HttpRequest, proof: PaymentProof, answered: forms.Form | None = None) -> HttpResponse:
        order = proof.order
        fresh = [
            ConfirmForm(order=order, initial={"seen": order.version}),
            RejectForm(initial={"seen": order.version}),
            CancelPartForm(initial={"seen": order.version}),
        ]
        confirm, reject, cancel = [answered if isinstance(answered, type(form)) else form for form in fresh]
        context = {
            "title": _("Payment for %(reference)s") % {"reference": order.payment_reference},
            "proof": proof,
            "order": order,
            "answered": answered,
            "confirm": confirm,
            "reject": reject,
            "cancel": cancel,
            "is_part": (order.status, order.payment_status) == (Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED),
            "is_open": proof.state == State.SUBMITTED,
            "is_overdue": _is_overdue(proof),
            "name_matches": names_match(proof.payer_name, order.client.full_name),
            "due": due_for(proof),
            "amount_matches": proof.amount == due_for(proof),
            "paid_before_order": proof.paid_at < order.created_at,
            "needs_two": needs_two_signatures(order),
            "signed_by_me": proof.first_confirmed_by_id == request.user.pk,
            "flags": flags_of(proof),
            "earlier": list_earlier_uses(proof),
            "attempts": order.proofs.select_related("decided_by").exclude(pk=proof.pk),
            "events": timeline(order, for_staff=True),
        }
        return self._page(request, "admin/orders/paymentproof/verify.html", context)

    def _proof(self, request: HttpRequest, proof_id: UUID) -> PaymentProof:
        self._only_moderators(request)
        events = Prefetch("order__events", OrderEvent.objects.select_related("actor", "proof"))
        proofs = with_earlier_uses(list_proofs_to_judge(request.user)).prefetch_related(events)
        return get_object_or_404(proofs, pk=proof_id)

    def _only_moderators(self, request: HttpRequest) -> None:
        if not may(request.user, VERIFY):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


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


def _to_the_next(request: HttpRequest, proof: PaymentProof) -> HttpResponse:
    """The longest waiting proof that still needs this moderator, or the empty queue."""
    waiting = list_verification_queue(request.user).exclude(pk=proof.pk).exclude(first_confirmed_by=signed_in(request))
    following = waiting.first()
    if following:
        messages.info(request, _("Below is the next payment in the queue, for another order."))
        return redirect("admin:orders_paymentproof_verify", following.pk)
    return redirect("admin:orders_paymentproof_changelist")


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
