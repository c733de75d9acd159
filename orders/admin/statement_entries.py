"""One entry of a statement beside the order it may be for, and the steps a moderator can take with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.exceptions import DomainError
from marketplace.money import format_money
from marketplace.read_only import ReadOnly
from orders.admin.records import signed_in
from orders.models import StatementLine
from orders.selectors import VERIFY, may, needs_two_signatures
from orders.selectors.statement_words import LIGHT_TONES, Said, next_step, reasons_in_words
from orders.selectors.statements import get_line_for, get_statement_for, is_party, list_unreadable, live_proof
from orders.services import statement_lines
from orders.statement_forms import ConfirmLineForm, NoteForm, OtherOrderForm, ReturnForm
from orders.statements import Kind
from orders.states import Status

State, Light = StatementLine.State, StatementLine.Light
Data = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """An entry as lists show it."""

    line: StatementLine
    tone: str
    reasons: list[Said]
    step: str


def in_words(line: StatementLine) -> Row:
    tone = LIGHT_TONES[Light(line.light)] if line.state == State.OPEN else "neutral"
    return Row(line, tone, reasons_in_words(line) if line.state == State.OPEN else [], next_step(line))


@dataclass(frozen=True)
class Decision:
    """A step with an entry: what is typed for it, the service that takes it, and what is said after it."""

    form: type[forms.Form]
    take: Callable[[User, StatementLine, Data], object]
    said: Callable[[StatementLine], str]


class EmptyForm(forms.Form):
    """A button, and nothing to type."""


def _confirm(actor: User, line: StatementLine, data: Data) -> object:
    return statement_lines.confirm_line(actor=actor, line_id=line.pk, seen=data["seen"])


def _for_another(actor: User, line: StatementLine, data: Data) -> object:
    step = statement_lines.assign_suspense if line.state != State.OPEN else statement_lines.confirm_line
    return step(actor=actor, line_id=line.pk, order_id=data["reference"].pk)


def _said_confirmed(line: StatementLine) -> str:
    words = {"amount": format_money(line.amount, line.currency), "order": line.order.payment_reference if line.order else ""}
    if line.state in (State.CONFIRMED, State.ASSIGNED):
        return _("Confirmed: %(amount)s for order %(order)s.") % words
    return _("Signed: %(amount)s for order %(order)s. A second moderator must confirm it now.") % words


DECISIONS = {
    "confirm": Decision(ConfirmLineForm, _confirm, _said_confirmed),
    "other": Decision(OtherOrderForm, _for_another, _said_confirmed),
    "link": Decision(
        EmptyForm,
        lambda actor, line, data: statement_lines.link_line(actor=actor, line_id=line.pk),
        lambda line: _("Linked with the payment that was confirmed. No money has moved."),
    ),
    "suspend": Decision(
        EmptyForm,
        lambda actor, line, data: statement_lines.suspend_line(actor=actor, line_id=line.pk),
        lambda line: _("The money waits in suspense. Assign it to an order, or send it back."),
    ),
    "return": Decision(
        ReturnForm,
        lambda actor, line, data: statement_lines.return_line(actor=actor, line_id=line.pk, **data),
        lambda line: _("It goes back to the payer once the return is approved and sent."),
    ),
    "ignore": Decision(
        NoteForm,
        lambda actor, line, data: statement_lines.ignore_line(actor=actor, line_id=line.pk, **data),
        lambda line: _("Put aside as no payment of a client."),
    ),
}


class EntryViews(ReadOnly, admin.ModelAdmin):
    """The pages of single entries, for the statement desk."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, VERIFY)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, VERIFY)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        self.only_moderators(request)
        if request.method == "POST":
            raise PermissionDenied
        try:
            return redirect("admin:orders_bankstatement_entries", get_statement_for(request.user, UUID(object_id)).pk)
        except ValueError as no_id:
            raise Http404 from no_id

    def entry_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        steps = [
            path(
                f"entry/<uuid:line_id>/{name}/",
                view(self.decide),
                {"decision": decision},
                name=f"orders_bankstatement_{name}",
            )
            for name, decision in DECISIONS.items()
        ]
        return [
            path("entry/<uuid:line_id>/", view(self.entry), name="orders_bankstatement_entry"),
            *steps,
            path("unreadable/<int:row_id>/", view(self.resolve), name="orders_bankstatement_resolve"),
        ]

    def entry(self, request: HttpRequest, line_id: UUID) -> HttpResponse:
        line = self._line(request, line_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._entry_page(request, line)

    def decide(self, request: HttpRequest, line_id: UUID, decision: Decision) -> HttpResponse:
        line = self._line(request, line_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = decision.form(request.POST)
        if form.is_valid():
            try:
                decision.take(signed_in(request), line, form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, decision.said(self._line(request, line_id)))
                return redirect("admin:orders_bankstatement_entries", line.statement_id)
        return self._entry_page(request, self._line(request, line_id), form)

    def resolve(self, request: HttpRequest, row_id: int) -> HttpResponse:
        self.only_moderators(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        get_object_or_404(list_unreadable(request.user, None), pk=row_id)
        form = NoteForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Write what the line is, in up to 1,000 characters. Nothing was changed."))
            return redirect("admin:orders_bankstatement_all")
        try:
            row = statement_lines.resolve_unreadable(actor=signed_in(request), row_id=row_id, **form.cleaned_data)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("admin:orders_bankstatement_all")
        messages.success(request, _("Resolved, with your note."))
        return redirect("admin:orders_bankstatement_entries", row.statement_id)

    def _entry_page(self, request: HttpRequest, line: StatementLine, answered: forms.Form | None = None) -> HttpResponse:
        order = line.order
        fresh: dict[str, forms.Form] = {
            "confirm": ConfirmLineForm(initial={"seen": order.version if order else None}),
            "other": OtherOrderForm(),
            "return": ReturnForm(initial=ReturnForm.initial_of(line)),
            "ignore": NoteForm(),
        }
        typed = {name: answered if isinstance(answered, type(form)) else form for name, form in fresh.items()}
        typed["confirm"] = fresh["confirm"]
        row, party = in_words(line), is_party(request.user, order)
        is_deposit = line.kind == Kind.CREDIT
        proof = live_proof(order) if order else None
        context = {
            "title": _("Entry of %(amount)s") % {"amount": format_money(line.amount, line.currency)},
            "row": row,
            "line": line,
            "order": order,
            "proof": proof,
            "forms": typed,
            "errors": answered.non_field_errors() if answered is not None else [],
            "is_party": party,
            "needs_two": order is not None and needs_two_signatures(order),
            "signed_by_me": proof is not None and proof.first_confirmed_by_id == request.user.pk,
            "can": _possible(line, is_deposit=is_deposit) if not party else set(),
        }
        return self.page(request, "admin/orders/bankstatement/entry.html", context)

    def _line(self, request: HttpRequest, line_id: UUID) -> StatementLine:
        self.only_moderators(request)
        return get_line_for(request.user, line_id)

    def only_moderators(self, request: HttpRequest) -> None:
        if not may(request.user, VERIFY):
            raise PermissionDenied

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


def _possible(line: StatementLine, *, is_deposit: bool) -> set[str]:
    """The decisions that are open now. A button beside the truth is still refused by the service."""
    if line.state in (State.SUSPENSE, State.RETURNED):
        waits = line.state == State.SUSPENSE
        return {"other", "return"} if waits else set()
    if line.state != State.OPEN:
        return set()
    if not is_deposit:
        return {"ignore"}
    codes = {reason[0] for reason in line.reasons}
    waiting = line.order is not None and line.order.status in (
        Status.PENDING_PAYMENT,
        Status.PAYMENT_SUBMITTED,
        Status.EXPIRED,
    )
    if "known" in codes:
        return {"link", "ignore"}
    return {"other", "suspend", "ignore"} | ({"confirm"} if waiting else set())
