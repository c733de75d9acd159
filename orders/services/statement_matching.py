"""Entries of a statement held against the orders they may belong to, a batch at a time: never a query per entry."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from orders.matching import (
    OPEN,
    Candidate,
    Deposit,
    Light,
    OpenOrders,
    Proof,
    Verdict,
    bank_references_in,
    judge,
    misread_references_in,
    references_in,
)
from orders.models import Order, PaymentMethod, PaymentProof, StatementLine
from orders.references import normalize_reference
from orders.statements import Kind
from orders.states import Custody

_AT_ONCE = 5_000  # values in one query
_FROM_CLIENTS = (Kind.CREDIT, Kind.REVERSAL)


Item = TypeVar("Item")


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of at most `size`."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


class Matcher:
    """Judges entries of one account. What waits for money is read once, when the first entry without a reference comes."""

    def __init__(self, method: PaymentMethod) -> None:
        self._method = method
        self._open: OpenOrders | None = None

    def verdicts(self, lines: Sequence[StatementLine]) -> list[Verdict]:
        """A verdict for each entry, in their order."""
        written = [references_in(line.text) if line.kind in _FROM_CLIENTS else [] for line in lines]
        named = _orders_named(written)
        found = [[named[reference] for reference in references if reference in named] for references in written]
        unnamed = [not orders and line.kind in _FROM_CLIENTS for line, orders in zip(lines, found, strict=True)]
        misread = [misread_references_in(line.text) if empty else [] for line, empty in zip(lines, unnamed, strict=True)]
        meant = _orders_named(misread)
        shown = [_references_of(line, unnamed=empty) for line, empty in zip(lines, unnamed, strict=True)]
        proven = _orders_proven(self._method, shown)
        return [
            self._verdict(
                line,
                orders or [meant[reference] for reference in doubtful if reference in meant],
                list({order.order_id: order for one in references for order in proven.get(one, ())}.values()),
                misread=not orders,
            )
            for line, orders, doubtful, references in zip(lines, found, misread, shown, strict=True)
        ]

    def _verdict(self, line: StatementLine, named: list[Candidate], proven: list[Candidate], *, misread: bool) -> Verdict:
        if line.kind == Kind.REVERSAL:
            return Verdict(Light.RED, [["reversal"]], named[0].order_id if len(named) == 1 else None)
        if line.kind != Kind.CREDIT:
            return Verdict(Light.NONE, [[line.kind]])
        deposit = Deposit(
            amount=line.amount,
            currency=line.currency,
            booked_on=line.booked_on,
            payer_name=line.payer_name,
            method_id=self._method.pk,
        )
        payers = [] if named or proven else self._open_orders().paid_by(deposit)
        return judge(deposit, by_reference=named, by_proof=proven, by_name=payers, misread=misread)

    def _open_orders(self) -> OpenOrders:
        if self._open is None:
            waiting = Order.objects.filter(payment_method=self._method, status__in=OPEN)
            proofs = PaymentProof.objects.filter(payment_method=self._method, state=PaymentProof.State.SUBMITTED)
            self._open = OpenOrders(_candidates(waiting, proofs))
        return self._open


def _references_of(line: StatementLine, *, unnamed: bool) -> list[str]:
    """The bank's own reference; and where the text names no order, whatever in it may be one."""
    if line.kind != Kind.CREDIT:
        return []
    own = [normalize_reference(line.bank_id)] if line.bank_id else []
    return [*own, *bank_references_in(line.text)] if unnamed else own


def _orders_named(written: Iterable[list[str]]) -> dict[str, Candidate]:
    """Orders by payment reference, also those that are paid to the freelancer: their clients mix up the accounts."""
    found: dict[str, Candidate] = {}
    for batch in in_batches(dict.fromkeys(chain.from_iterable(written)), _AT_ONCE):
        orders = Order.objects.filter(payment_reference__in=batch)
        for candidate in _candidates(orders, PaymentProof.objects.filter(order__in=orders)):
            found[candidate.reference] = candidate
    return found


def _orders_proven(method: PaymentMethod, shown: Iterable[list[str]]) -> dict[str, list[Candidate]]:
    """Orders of this account by the references of their live proofs, normalised."""
    found: dict[str, list[Candidate]] = {}
    for batch in in_batches(dict.fromkeys(chain.from_iterable(shown)), _AT_ONCE):
        proofs = PaymentProof.objects.filter(payment_method=method, normalized_reference__in=batch, state__in=PaymentProof.LIVE)
        pairs = list(proofs.values_list("order_id", "normalized_reference"))
        orders = Order.objects.filter(pk__in=[order_id for order_id, _reference in pairs])
        by_id = {one.order_id: one for one in _candidates(orders, PaymentProof.objects.filter(order__in=orders))}
        for order_id, reference in pairs:
            found.setdefault(reference, []).append(by_id[order_id])
    return found


def _candidates(orders: QuerySet[Order], proofs: QuerySet[PaymentProof]) -> list[Candidate]:
    by_order: dict[UUID, tuple[Proof, ...]] = {}
    claimed = proofs.filter(state__in=PaymentProof.LIVE).values_list(
        "order_id", "normalized_reference", "payer_name", "amount", "verified_amount", "state", "statement_line_id"
    )
    for order_id, reference, payer_name, amount, verified_amount, state, line_id in claimed:
        proof = Proof(
            reference=reference,
            payer_name=payer_name,
            amount=amount if verified_amount is None else verified_amount,
            verified=state == PaymentProof.State.VERIFIED,
            counted=line_id is not None,
        )
        by_order[order_id] = (*by_order.get(order_id, ()), proof)
    rows = orders.order_by().values_list(
        *("pk", "payment_reference", "status", "expected_amount", "funded_amount", "currency", "created_at"),
        *("client__full_name", "payment_method_id", "custody"),
    )
    return [
        Candidate(
            order_id=pk,
            reference=reference,
            status=status,
            amount_due=expected - funded,
            currency=currency,
            placed_on=created_at.date(),
            client_name=name,
            method_id=method_id,
            is_direct=custody == Custody.DIRECT,
            proofs=by_order.get(pk, ()),
        )
        for pk, reference, status, expected, funded, currency, created_at, name, method_id, custody in rows.iterator(
            chunk_size=5_000
        )
    ]
