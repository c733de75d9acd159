"""Telling people of what happens to an order, a payout or a refund. Who is told what stands in `orders.notifications`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import format_money
from messaging.services import Telling, notify, notify_all, webhooks
from orders.facts import OrderFacts
from orders.models import Disbursement, Order, PayoutAccount
from orders.notifications import CASE_KINDS, REMINDERS, UNTIL, disbursement_told, recipients
from orders.selectors import is_party
from orders.states import DisbursementAction


def tell(order: Order, people: Iterable[tuple[User, str]], heard: Sequence[webhooks.Heard] = (), **context: Any) -> None:
    """Tell each of them, by kind, of the order; mails get `order`, `amount`, its `facts`, and what else is in `context`."""
    facts, desk_of = OrderFacts(order), cache(partial(_desk_of, order))
    words = {"order": order, "amount": facts.amount, "facts": facts, **context}
    notify_all(
        tellings=[
            Telling(person, kind, page, words, _glance(order, facts.amount, *_until(facts, kind)))
            for person, kind in people
            for page in [order.get_absolute_url() if is_party(person, order) else desk_of(kind)]
        ],
        heard=heard,
    )


def remind(order: Order, clock: str, at: datetime | None) -> None:
    """Tell the people concerned that this clock of the order is due at `at`."""
    told = REMINDERS.get(clock, ())
    tell(order, [(person, kind) for audience, kind in told for person in recipients(order, audience, but=None)], clock_at=at)


def tell_of_disbursement(row: Disbursement, action: DisbursementAction, *, actor: User | None) -> None:
    """Tell the people concerned of this step of a payout, refund or return."""
    amount = format_money(row.amount, row.currency)
    words = {"order": row.order, "disbursement": row, "amount": amount, "actor": actor}
    notify_all(
        tellings=[
            Telling(person, kind, _page_of(row, person), words, _glance(row.order, amount))
            for person, kind in disbursement_told(row, action, but=actor)
        ]
    )


def tell_of_account(account: PayoutAccount) -> None:
    """Tell its owner that an account to be paid to was added: if it was not them, this is how they hear of it."""
    if account.owner:
        notify(
            recipient=account.owner,
            kind="orders.account_added",
            url=reverse("orders:payout_account_list"),
            context={"account": account},
        )


def _desk_of(order: Order, kind: str) -> str:
    """Where a notification of this kind leads staff; its parties are led to the order."""
    if kind in CASE_KINDS:
        return reverse("admin:orders_dispute_case", args=[order.disputes.latest("number").pk])
    proof = order.proofs.last()
    return (
        reverse("admin:orders_paymentproof_verify", args=[proof.pk]) if proof else reverse("admin:orders_paymentproof_changelist")
    )


def _page_of(row: Disbursement, person: User) -> str:
    if person.pk not in (row.person_id, row.payer_id):
        return reverse("admin:orders_disbursement_desk", args=[row.pk])
    return row.order.get_absolute_url() if row.order else reverse("orders:balance")


def _until(facts: OrderFacts, kind: str) -> list[tuple[str, datetime]]:
    """The instant that matters, where this kind has one and the order too."""
    label, source, column = UNTIL.get(kind, ("", "order", ""))
    at = getattr(getattr(facts, source), column, None)
    return [(str(label), at)] if at else []


def _glance(order: Order | None, amount: str, *until: tuple[str, datetime]) -> list[tuple[str, str | datetime]]:
    """What the mail shows at a glance, below its words."""
    title = [(_("Order"), order.gig_title)] if order else []
    reference = [(_("Reference"), order.payment_reference)] if order else []
    return [*title, (_("Amount"), amount), *reference, *until]
