"""Whose money is where: a person's balance, payouts and refunds, their accounts, their statement by month."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncMonth
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from marketplace.money import from_minor
from orders.iban import compact
from orders.models import (
    Disbursement,
    DisbursementEvent,
    LedgerAccount,
    LedgerEntry,
    LedgerTransfer,
    PaymentMethod,
    PayoutAccount,
)
from orders.states import Custody, DisbursementAction, DisbursementState, PaymentStatus

Kind, State = Disbursement.Kind, DisbursementState
RESERVING = (State.REQUESTED, State.APPROVED)  # of payouts: still on the balance, but spoken for
OPEN = (State.REQUESTED, State.APPROVED, State.SENT, State.FAILED)
STATE_LABELS = {
    State.REQUESTED: gettext_lazy("Waiting for approval"),
    State.APPROVED: gettext_lazy("Approved, about to be sent"),
    State.SENT: gettext_lazy("Sent"),
    State.CONFIRMED: gettext_lazy("Arrived"),
    State.FAILED: gettext_lazy("Did not go through"),
    State.WITHDRAWN: gettext_lazy("Withdrawn"),
}


@dataclass(frozen=True)
class Clearing:
    """Released money that is not available before `until`."""

    order_id: UUID
    title: str
    reference: str
    amount: Decimal
    until: datetime


@dataclass(frozen=True)
class Purse:
    """A person's money of one currency. `held` (in escrow of open orders) and `frozen` (of disputed ones) are before the fee."""

    currency: str
    held: Decimal
    frozen: Decimal
    balance: Decimal
    clearing: tuple[Clearing, ...]
    reserved: Decimal
    paid_out: Decimal

    @property
    def clearing_total(self) -> Decimal:
        return sum((part.amount for part in self.clearing), Decimal(0))

    @property
    def clear_at(self) -> datetime | None:
        """When the next part of it is available."""
        return min((part.until for part in self.clearing), default=None)

    @property
    def available(self) -> Decimal:
        return self.balance - self.clearing_total - self.reserved

    @property
    def minimum(self) -> Decimal:
        return payout_minimum(self.currency)

    @property
    def can_ask(self) -> bool:
        return not self.reserved and self.available > 0 and self.available >= self.minimum


def payout_minimum(currency: str) -> Decimal:
    """The least one may ask for at once; 0 where the site sets none."""
    return Decimal(settings.PAYOUT_MINIMUM.get(currency) or 0)


def list_purses(user: User, now: datetime) -> list[Purse]:
    """Each currency in which the person has, had or expects money as a freelancer, in five queries."""
    accounts = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.BALANCE, user=user)
    balance = {currency: units or 0 for currency, units in accounts.values_list("currency", "balance")}
    escrows = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.ESCROW, order__freelancer=user, balance__gt=0)
    disputed = Q(order__payment_status=PaymentStatus.DISPUTED)
    held: dict[str, int] = dict(escrows.exclude(disputed).order_by().values_list("currency").annotate(Sum("balance")))
    frozen: dict[str, int] = dict(escrows.filter(disputed).order_by().values_list("currency").annotate(Sum("balance")))
    clearing = _clearing(user, now)
    payouts = Disbursement.objects.filter(kind=Kind.PAYOUT, person=user).order_by().values_list("currency")
    by_state = payouts.annotate(
        reserved=Sum("amount", filter=Q(state__in=RESERVING)),
        gone=Sum("amount", filter=Q(state__in=(State.SENT, State.CONFIRMED))),
    )
    sums = {currency: (reserved or Decimal(0), gone or Decimal(0)) for currency, reserved, gone in by_state}
    return [
        Purse(
            currency,
            from_minor(held.get(currency, 0), currency),
            from_minor(frozen.get(currency, 0), currency),
            from_minor(balance.get(currency, 0), currency),
            tuple(clearing[currency]),
            *sums.get(currency, (Decimal(0), Decimal(0))),
        )
        for currency in sorted({*balance, *held, *frozen})
    ]


def _clearing(user: User, now: datetime) -> dict[str, list[Clearing]]:
    """What each order on hold brought onto the balance, net of what a dispute took back."""
    entries = LedgerEntry.objects.filter(
        account__user=user, account__kind=LedgerAccount.Kind.BALANCE, transfer__order__hold_until__gt=now
    )
    about = ("account__currency", "transfer__order_id", "transfer__order__gig_title", "transfer__order__payment_reference")
    rows = entries.order_by().values_list(*about, "transfer__order__hold_until").annotate(total=Sum("amount")).filter(total__gt=0)
    found: dict[str, list[Clearing]] = defaultdict(list)
    for currency, order_id, title, reference, until, total in rows.order_by("transfer__order__hold_until"):
        found[currency].append(Clearing(order_id, title, reference, from_minor(total, currency), until))
    return found


def spoken_for(user: User, currency: str, now: datetime, *, but: UUID | None = None) -> Decimal:
    """How much of a balance no new payout may take: what is clearing, and what open payouts (without `but`) take."""
    clearing = sum((part.amount for part in _clearing(user, now)[currency]), Decimal(0))
    payouts = Disbursement.objects.filter(kind=Kind.PAYOUT, person=user, currency=currency, state__in=RESERVING)
    reserved = (payouts.exclude(pk=but) if but else payouts).aggregate(total=Sum("amount"))["total"]
    return clearing + (reserved or Decimal(0))


def list_payouts_of(user: User) -> QuerySet[Disbursement]:
    """The freelancer's payouts, newest first."""
    return Disbursement.objects.filter(kind=Kind.PAYOUT, person=user).select_related("account").order_by("-created_at", "id")


def list_refunds_to(user: User) -> QuerySet[Disbursement]:
    """Money that comes back to the person as a client, newest first. What was taken back for a dispute is none."""
    rows = Disbursement.objects.filter(kind=Kind.REFUND, person=user).exclude(state=State.WITHDRAWN)
    return rows.select_related("account", "order", "payer").order_by("-created_at", "id")


def list_refunds_owed_by(user: User) -> QuerySet[Disbursement]:
    """What the person, as the freelancer of DIRECT orders, still has to send back, oldest first; sent ones at the end."""
    rows = Disbursement.objects.filter(kind=Kind.REFUND, payer=user, state__in=OPEN)
    return rows.select_related("account", "order", "person").order_by("created_at", "id")


def get_own_disbursement(user: User, row_id: UUID) -> Disbursement:
    """A payout of the person, or a refund to them; Http404 otherwise."""
    rows = Disbursement.objects.filter(kind__in=(Kind.PAYOUT, Kind.REFUND)).select_related("account", "order", "payer")
    return get_object_or_404(rows, pk=row_id, person=user)


def get_refund_owed_by(user: User, row_id: UUID) -> Disbursement:
    """A refund the person owes as the freelancer of a DIRECT order; Http404 otherwise."""
    rows = Disbursement.objects.select_related("account", "order", "person")
    return get_object_or_404(rows, pk=row_id, payer=user, kind=Kind.REFUND)


def get_sent_proof_for(user: User, row_id: UUID) -> Disbursement:
    """A disbursement with the proof of its sending, for who gets it and who owes it; Http404 otherwise."""
    rows = Disbursement.objects.filter(Q(person=user) | Q(payer=user)).exclude(proof="")
    return get_object_or_404(rows, pk=row_id)


def is_owed_by_freelancer(row: Disbursement) -> bool:
    """Whether the order itself waits for this refund (payment status REFUND_DUE): confirmed as a step of the order."""
    order = row.order
    return bool(row.payer_id and order and order.payment_status == PaymentStatus.REFUND_DUE and not is_surplus(row))


def is_surplus(row: Disbursement) -> bool:
    return row.reason == Disbursement.Reason.SURPLUS


def list_payout_accounts_of(user: User, currency: str | None = None) -> QuerySet[PayoutAccount]:
    """The person's own accounts, active ones first; with a currency the active ones of it."""
    rows = PayoutAccount.objects.filter(owner=user)
    return rows.filter(currency=currency, is_active=True) if currency else rows


def is_of_platform(account: str) -> bool:
    """Whether clients pay into this very account: money that goes out would come in again."""
    numbers = PaymentMethod.objects.filter(custody=Custody.PLATFORM, is_active=True).values_list("account_number", flat=True)
    return compact(account) in map(compact, numbers)


def get_payout_account_of(user: User, account_id: UUID) -> PayoutAccount:
    """One of the person's own accounts; Http404 otherwise."""
    return get_object_or_404(PayoutAccount, pk=account_id, owner=user)


@dataclass(frozen=True)
class BalanceLine:
    """One entry of a balance account. `gross` less `fee` is `amount`; `after` is the balance then. All in its currency.

    `reference` is the bank's or wallet's for money that was sent.
    """

    entry: LedgerEntry
    currency: str
    reference: str
    amount: Decimal
    fee: Decimal
    after: Decimal

    @property
    def gross(self) -> Decimal:
        return self.amount + self.fee

    @property
    def transfer(self) -> LedgerTransfer:
        return self.entry.transfer


@dataclass(frozen=True)
class BalanceMonth:
    """The statement of one currency for a stretch of time."""

    currency: str
    opening: Decimal
    lines: list[BalanceLine]

    @property
    def closing(self) -> Decimal:
        return self.lines[-1].after if self.lines else self.opening


def list_months_of(user: User) -> list[date]:
    """The first days of the months (in the reader's time zone) in which the balance moved, newest first."""
    months = _entries_of(user).order_by().annotate(month=TruncMonth("transfer__created_at")).values_list("month", flat=True)
    return sorted({month.date() for month in months.distinct()}, reverse=True)


def balance_statement(user: User, start: datetime | None, end: datetime | None) -> list[BalanceMonth]:
    """Every entry of the person's balance from `start` to before `end` (instants; None: no limit), by currency."""
    entries = _entries_of(user)
    opening: dict[str, int] = {}
    if start:
        before = entries.filter(transfer__created_at__lt=start).order_by().values_list("account__currency")
        opening = dict(before.annotate(Sum("amount")))
        entries = entries.filter(transfer__created_at__gte=start)
    if end:
        entries = entries.filter(transfer__created_at__lt=end)
    by_currency: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_currency[entry.account.currency].append(entry)
    return [
        BalanceMonth(currency, from_minor(opening.get(currency, 0), currency), _lines(rows, currency, opening.get(currency, 0)))
        for currency in sorted({*opening, *by_currency})
        for rows in [by_currency[currency]]
        if rows or opening.get(currency)
    ]


def _entries_of(user: User) -> QuerySet[LedgerEntry]:
    fees = LedgerEntry.objects.filter(transfer=OuterRef("transfer"), account__kind=LedgerAccount.Kind.FEES).values("amount")
    sending = DisbursementEvent.objects.filter(
        disbursement=OuterRef("transfer__disbursement"),
        created_at=OuterRef("transfer__created_at"),
        action=DisbursementAction.SEND,
    )
    return (
        LedgerEntry.objects.filter(account__user=user, account__kind=LedgerAccount.Kind.BALANCE)
        .select_related("account", "transfer__order")
        .annotate(fee_units=Subquery(fees, output_field=BigIntegerField()), sent_as=Subquery(sending.values("note")[:1]))
        .order_by("transfer__created_at", "pk")
    )


def _lines(entries: Iterable[Any], currency: str, units: int) -> list[BalanceLine]:
    lines = []
    for entry in entries:
        units += entry.amount
        amounts = (from_minor(n, currency) for n in (entry.amount, entry.fee_units or 0, units))
        lines.append(BalanceLine(entry, currency, entry.sent_as or "", *amounts))
    return lines


def month_bounds(year: int, month: int) -> tuple[datetime, datetime]:
    """The instants at which a month begins and ends in the reader's time zone. ValueError where there is no such month."""
    if not 1970 <= year <= 9000:
        raise ValueError(f"{year} is no year of this site.")
    following = (year + month // 12, month % 12 + 1)
    zone = timezone.get_current_timezone()
    start, end = (datetime(y, m, 1, tzinfo=zone) for y, m in ((year, month), following))
    return start, end
