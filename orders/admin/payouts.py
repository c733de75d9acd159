"""The payout desk: a queue of payouts, refunds and returns, and one page per row where each step is a button of its own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from marketplace.desks import Answered, Data, Decision, Desk, View, paged, posts, reads, refusals
from marketplace.http import private_file
from marketplace.money import format_money, plain_amount
from orders.admin.flags import Flag
from orders.admin.records import signed_in
from orders.matching import names_match
from orders.models import Disbursement, PayoutBatch
from orders.payout_forms import FailForm, ReturnAccountForm, SeenForm, SentForm
from orders.selectors import PAY_OUT, RESOLVE, may, needs_two_people
from orders.selectors.payout_desk import DESK_TABS, count_desk, exported_before, get_desk_row, list_desk
from orders.selectors.payouts import STATE_LABELS, is_owed_by_freelancer
from orders.services import payout_accounts, payouts
from orders.services.payout_batches import approve_all
from orders.states import DisbursementState as State

NEW_ACCOUNT = timedelta(days=3)  # a thief who is signed in as somebody else names an account of their own first


def _step(form: type[forms.Form], service: Callable[..., Disbursement], said: Promise, **options: Any) -> Decision:
    def take(actor: User, row: Disbursement, data: Data) -> str:
        service(actor=actor, row_id=row.pk, **data)
        return str(said)

    return Decision(form, take, **options)


@admin.register(Disbursement)
class DisbursementAdmin(Desk):
    """One's own money is 404."""

    permission = PAY_OUT
    finds = {"row_id": get_desk_row}
    row_id, row_page = "row_id", "desk"
    decisions = {
        "approve": _step(SeenForm, payouts.approve, gettext_lazy("Approved. It can be sent now.")),
        "send": _step(SentForm, payouts.send, gettext_lazy("Marked as sent. The person is told.")),
        "fail": _step(FailForm, payouts.fail, gettext_lazy("Marked as failed. The person has your words.")),
        "retry": _step(SeenForm, payouts.retry, gettext_lazy("It waits for approval again.")),
        "confirm": _step(SeenForm, payouts.confirm, gettext_lazy("Marked as arrived.")),
        "account": _step(
            ReturnAccountForm,
            payout_accounts.set_return_account,
            gettext_lazy("The account is written down."),
            needs=lambda row: {"currency": row.currency},
        ),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Disbursement]:
        return list_desk(request.user)

    def views(self) -> dict[str, tuple[str, View]]:
        return {
            "approve_all": ("approve-all/", self.approve_all),
            "desk": ("<uuid:row_id>/desk/", self.look),
            "proof": ("<uuid:row_id>/proof/", self.proof),
        }

    def version_of(self, row: Disbursement) -> int:
        return row.version

    @reads
    def queue(self, request: HttpRequest) -> HttpResponse:
        tab = request.GET.get("tab", "approve")
        tab = tab if tab in DESK_TABS else "approve"
        kind = request.GET.get("kind", "")
        kind = kind if kind in Disbursement.Kind.values else ""
        rows = list_desk(request.user).filter(DESK_TABS[tab]).order_by("-created_at" if tab == "done" else "created_at", "pk")
        page = paged(request, rows.filter(kind=kind) if kind else rows)
        exports = exported_before(list(page))
        context = {
            "title": _("Money to send"),
            "page_obj": page,
            "rows": [_facts(row, exports.get(row.pk, [])) for row in page],
            "tab": tab,
            "kind": kind,
            "query": urlencode({"tab": tab, "kind": kind}),
            "tabs": _tabs(request, tab, kind),
            "kinds": [("", _("All kinds")), *Disbursement.Kind.choices],
        }
        return self.page(request, "queue", context)

    @reads
    def proof(self, request: HttpRequest, row: Disbursement) -> HttpResponseBase:
        if not row.proof:
            raise Http404
        return private_file(row.proof, name=row.proof_name, content_type=row.proof_type)

    @posts
    def approve_all(self, request: HttpRequest) -> HttpResponse:
        """Everything that was ticked on the page, each on its own: `row` is "<id>:<version>"."""
        seen = _ticked(request.POST.getlist("row"))
        mine = dict(list_desk(request.user).filter(pk__in=seen).values_list("pk", "version"))
        approved, refused = approve_all(actor=signed_in(request), seen={pk: seen[pk] for pk in mine})
        messages.success(request, _("Approved: %(count)d.") % {"count": approved})
        for row, why in refused:
            words = {"person": row.person or "", "amount": format_money(row.amount, row.currency), "why": why}
            messages.warning(request, _("%(amount)s %(person)s: %(why)s") % words)
        return self.to("changelist")

    def show(self, request: HttpRequest, row: Disbursement, answered: Answered) -> HttpResponse:
        facts = _facts(row, exported_before([row]).get(row.pk, []))
        context = {
            "title": _("%(kind)s of %(amount)s") % {"kind": row.get_kind_display(), "amount": facts["amount"]},
            **facts,
            "forms": {name: self.form_of(name, row) for name in self.decisions} | answered,
            "is_refused": any(form.errors for form in answered.values()),
            "refused": refusals(answered),
            "steps": _open_steps(request, row),
            "plain": plain_amount(row.amount, row.currency),
            "events": [(event, STATE_LABELS[State(event.to_state)]) for event in row.events.select_related("actor")],
        }
        return self.page(request, "desk", context)


def _facts(row: Disbursement, exports: list[PayoutBatch]) -> dict[str, Any]:
    return {
        "row": row,
        "amount": format_money(row.amount, row.currency),
        "label": STATE_LABELS[State(row.state)],
        "flags": _flags(row, exports),
        "exports": exports,
        "is_early": _is_early(row),
    }


def _is_early(row: Disbursement) -> bool:
    return row.not_before is not None and row.not_before > timezone.now()


def _flags(row: Disbursement, exports: list[PayoutBatch]) -> list[Flag]:
    """What somebody who approves or sends should look at twice."""
    account, open_now = row.account, row.state in (State.REQUESTED, State.APPROVED)
    flags = [
        (needs_two_people(row.amount, row.currency), _("Needs two people"), "wait"),
        (_is_early(row), _("May still be appealed"), "wait"),
        (bool(account and row.person and not names_match(account.holder, row.person.full_name)), _("Another name"), "wait"),
        (bool(account and row.person and account.created_at > row.created_at - NEW_ACCOUNT), _("New account"), "info"),
        (bool(row.failure), _("Failed before"), "problem"),
        (bool(exports), _("Exported before"), "problem"),
    ]
    return [Flag(label, tone) for applies, label, tone in flags if applies and open_now]


def _open_steps(request: HttpRequest, row: Disbursement) -> set[str]:
    """The buttons that this person has on this row now. A service may still refuse one."""
    state, direct = State(row.state), row.payer_id is not None
    alone = row.approved_by_id == request.user.pk and needs_two_people(row.amount, row.currency)
    can = {
        "approve": state == State.REQUESTED and not direct and row.account_id is not None,
        "send": state == State.APPROVED and not alone,
        "fail": state == State.SENT or (state == State.APPROVED and not direct),
        "retry": state == State.FAILED,
        "confirm": state == State.SENT and (not is_owed_by_freelancer(row) or may(request.user, RESOLVE)),
        "account": state == State.REQUESTED and row.kind == Disbursement.Kind.RETURN,
    }
    return {name for name, open_now in can.items() if open_now}


def _tabs(request: HttpRequest, current: str, kind: str) -> list[dict[str, Any]]:
    labels = {
        "approve": _("To approve"),
        "send": _("To send"),
        "sent": _("On the way"),
        "failed": STATE_LABELS[State.FAILED],
        "no_account": _("No account yet"),
        "direct": _("Owed by freelancers"),
        "done": _("Done"),
    }
    counts = count_desk(request.user, kind)
    return [
        {"label": label, "href": f"?{urlencode({'tab': tab, 'kind': kind})}", "count": counts[tab], "current": tab == current}
        for tab, label in labels.items()
    ]


def _ticked(values: list[str]) -> dict[UUID, int]:
    """Ids and versions of the ticked rows; what is neither is left out."""
    found = {}
    for value in values:
        row_id, _mark, version = value.partition(":")
        try:
            found[UUID(row_id)] = int(version)
        except ValueError:
            continue
    return found
