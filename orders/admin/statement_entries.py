"""One entry of a statement beside the order it may be for, and the steps a moderator can take with it."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.desks import Answered, Data, Decision, Desk, posts, refusals
from marketplace.exceptions import DomainError
from marketplace.money import format_money
from orders.admin.flags import Flag
from orders.admin.records import signed_in
from orders.admin.statement_words import LIGHT_TONES, next_step, reasons_in_words
from orders.models import StatementLine, UnreadableLine
from orders.selectors import VERIFY, is_party, needs_two_signatures
from orders.selectors.statements import get_line_for, get_statement_for, get_unreadable, live_proof
from orders.services import statement_lines
from orders.statement_forms import ConfirmLineForm, NoteForm, OtherOrderForm, ReturnForm
from orders.statements import Kind
from orders.states import Status

State, Light = StatementLine.State, StatementLine.Light


@dataclass(frozen=True)
class Row:
    """An entry as lists show it."""

    line: StatementLine
    tone: str
    reasons: list[Flag]
    step: str


def in_words(line: StatementLine) -> Row:
    tone = LIGHT_TONES[Light(line.light)] if line.state == State.OPEN else "neutral"
    return Row(line, tone, reasons_in_words(line) if line.state == State.OPEN else [], next_step(line))


class EmptyForm(forms.Form):
    """A button, and nothing to type."""


def _confirm(actor: User, line: StatementLine, data: Data) -> str:
    return _said(statement_lines.confirm_line(actor=actor, line_id=line.pk, seen=data["seen"]))


def _for_another(actor: User, line: StatementLine, data: Data) -> str:
    step = statement_lines.assign_suspense if line.state != State.OPEN else statement_lines.confirm_line
    return _said(step(actor=actor, line_id=line.pk, order_id=data["reference"].pk))


def _said(line: StatementLine) -> str:
    words = {"amount": format_money(line.amount, line.currency), "order": line.order.payment_reference if line.order else ""}
    if line.state in (State.CONFIRMED, State.ASSIGNED):
        return _("Confirmed: %(amount)s for order %(order)s.") % words
    return _("Signed: %(amount)s for order %(order)s. A second moderator must confirm it now.") % words


def _link(actor: User, line: StatementLine, data: Data) -> str:
    statement_lines.link_line(actor=actor, line_id=line.pk)
    return _("Linked with the payment that was confirmed. No money has moved.")


def _suspend(actor: User, line: StatementLine, data: Data) -> str:
    statement_lines.suspend_line(actor=actor, line_id=line.pk)
    return _("The money waits in suspense. Assign it to an order, or send it back.")


def _return(actor: User, line: StatementLine, data: Data) -> str:
    statement_lines.return_line(actor=actor, line_id=line.pk, **data)
    return _("It goes back to the payer once the return is approved and sent.")


def _ignore(actor: User, line: StatementLine, data: Data) -> str:
    statement_lines.ignore_line(actor=actor, line_id=line.pk, **data)
    return _("Put aside as no payment of a client.")


class EntryDesk(Desk):
    """The pages of single entries, for the statement desk."""

    permission = VERIFY
    finds = {"line_id": get_line_for, "statement_id": get_statement_for, "row_id": get_unreadable}
    row_id = "line_id"
    decisions = {
        "confirm": Decision(ConfirmLineForm, _confirm),
        "other": Decision(OtherOrderForm, _for_another),
        "link": Decision(EmptyForm, _link),
        "suspend": Decision(EmptyForm, _suspend),
        "return": Decision(ReturnForm, _return, lambda line: {"initial": ReturnForm.initial_of(line), "currency": line.currency}),
        "ignore": Decision(NoteForm, _ignore),
    }

    def address_of(self, decision: str) -> str:
        return f"entry/{super().address_of(decision)}"

    def version_of(self, row: StatementLine) -> int | None:
        return row.order.version if row.order else None

    def after(self, request: HttpRequest, row: StatementLine) -> HttpResponse:
        return self.to("entries", row.statement_id)

    def show(self, request: HttpRequest, row: StatementLine, answered: Answered) -> HttpResponse:
        order = row.order
        party, proof = order is not None and is_party(request.user, order), live_proof(order) if order else None
        context = {
            "title": _("Entry of %(amount)s") % {"amount": format_money(row.amount, row.currency)},
            "row": in_words(row),
            "line": row,
            "order": order,
            "proof": proof,
            "forms": {name: self.form_of(name, row) for name in self.decisions} | answered,
            "refused": refusals(answered),
            "is_party": party,
            "needs_two": order is not None and needs_two_signatures(order),
            "signed_by_me": proof is not None and proof.first_confirmed_by_id == request.user.pk,
            "can": _possible(row, is_deposit=row.kind == Kind.CREDIT) if not party else set(),
        }
        return self.page(request, "entry", context)

    @posts
    def resolve(self, request: HttpRequest, row: UnreadableLine) -> HttpResponse:
        form = NoteForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Write what the line is, in up to 1,000 characters. Nothing was changed."))
            return self.to("all")
        try:
            statement_lines.resolve_unreadable(actor=signed_in(request), row_id=row.pk, **form.cleaned_data)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return self.to("all")
        messages.success(request, _("Resolved, with your note."))
        return self.to("entries", row.statement_id)


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
    if "direct" in codes:
        return {"return", "other", "suspend", "ignore"}
    return {"other", "suspend", "ignore"} | ({"confirm"} if waiting else set())
