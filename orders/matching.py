"""How an entry of a bank statement fits an order: references found in texts, names compared, a traffic light with reasons.

Pure Python: what is looked up in the database comes in as `Candidate`, what comes out is a `Verdict`. A verdict is advice: a
person confirms the payment, and the service that does it checks everything again.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import product
from math import prod
from operator import mul
from uuid import UUID

from orders.references import ALPHABET, dashed, normalize_reference
from orders.states import Status

OPEN = frozenset({Status.PENDING_PAYMENT, Status.PAYMENT_SUBMITTED})
UNPAID_AND_OVER = frozenset({Status.EXPIRED, Status.CANCELLED})
EARLY = timedelta(days=1)  # a bank may book by another time zone
_LENGTH = 8
_MOST_WRITINGS = 3000  # of one group of eight signs: a text of nothing but doubtful letters is no reference
_RUN = re.compile(f"[{ALPHABET}]{{{_LENGTH},}}")
_WORD = re.compile(r"[A-Z0-9]+")
_NUMBER = {symbol: number for number, symbol in enumerate(ALPHABET)}
_WEIGHTS = range(2, _LENGTH + 1)
# Letters of other scripts that look like Latin ones, and what a hand, a screen or a scanner mixes up.
_SAME_LOOK = str.maketrans("АВСЕНКМРТХУЅЈΑΒΕΖΗΚΜΝΡΤΥΧ", "ABCEHKMPTXYSJABEZHKMNPTYX")
_MIXED_UP = {
    **dict.fromkeys("0O", "DQ"),
    **dict.fromkeys("1IL", "7JT"),
    **{pair[0]: pair for pair in ("S5", "5S", "B8", "8B", "Z2", "2Z", "G6", "6G", "UV", "VU")},
}


class Light(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Proof:
    """A live proof of an order: submitted, or verified; `counted` where an entry of a statement stands behind it."""

    reference: str  # normalised
    payer_name: str
    amount: Decimal  # claimed, or once verified what was received
    verified: bool
    counted: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be known of an order. `amount_due` in its currency."""

    order_id: UUID
    reference: str
    status: str
    amount_due: Decimal
    currency: str
    placed_on: date
    client_name: str
    method_id: UUID
    is_direct: bool = False  # paid to the freelancer: no money of it belongs into an account of the platform
    proofs: tuple[Proof, ...] = ()

    @property
    def names(self) -> list[str]:
        return [self.client_name, *(proof.payer_name for proof in self.proofs if not proof.verified)]


@dataclass(frozen=True, slots=True)
class Deposit:
    """One entry that came in."""

    amount: Decimal
    currency: str
    booked_on: date
    payer_name: str
    method_id: UUID


Reason = list[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons`: a code and its facts each, the most important first; see `orders.admin.statement_words`."""

    light: Light
    reasons: list[Reason]
    order_id: UUID | None = None


# --- References in texts --------------------------------------------------------------------------------------------
def references_in(text: str) -> list[str]:
    """Every payment reference the text contains, whatever its spaces, dashes and case, and whatever is glued to it."""
    compact = normalize_reference(text.upper().translate(_SAME_LOOK))
    groups = (run[i : i + _LENGTH] for run in _RUN.findall(compact) for i in range(len(run) - _LENGTH + 1))
    return [dashed(group) for group in dict.fromkeys(groups) if _checks(group)]


def misread_references_in(text: str) -> list[str]:
    """What the whole words of the text may mean as a reference if letters and digits that look alike were mixed up."""
    groups = dict.fromkeys(_whole_words(unicodedata.normalize("NFKD", text).upper().translate(_SAME_LOOK)))
    found = (dashed(writing) for group in groups for writing in _writings(group))
    return list(dict.fromkeys(found))


def _whole_words(text: str) -> Iterator[str]:
    """Neighbouring words that are eight signs together: people and banks break a reference anywhere."""
    words = _WORD.findall(text)
    for first in range(len(words)):
        joined = ""
        for word in words[first : first + _LENGTH]:
            joined += word
            if len(joined) == _LENGTH:
                yield joined
            if len(joined) >= _LENGTH:
                break


def _writings(group: str) -> Iterator[str]:
    choices = [_MIXED_UP.get(symbol, symbol) for symbol in group]
    if prod(map(len, choices)) <= _MOST_WRITINGS:
        yield from (writing for symbols in product(*choices) if _checks(writing := "".join(symbols)))


def _checks(group: str) -> bool:
    """`is_reference` for eight symbols of its alphabet, fast."""
    numbers = [_NUMBER[symbol] for symbol in group]
    return sum(map(mul, _WEIGHTS, numbers)) % len(ALPHABET) == numbers[-1]


def bank_references_in(text: str) -> list[str]:
    """Words of the text that may be a transaction reference a client handed in, normalised."""
    words = (normalize_reference(word) for word in text.split())
    return list(dict.fromkeys(w for w in words if 6 <= len(w) <= 120 and w.isascii() and any(map(str.isdigit, w))))


# --- Names ----------------------------------------------------------------------------------------------------------
def names_match(payer: str, client: str) -> bool:
    """Whether the payer bears all the client's names, in any order, case and spelling of accents: OKAFOR AMARA, Amara Okafor."""
    return bool(name_parts(client)) and name_parts(client) <= name_parts(payer)


@lru_cache(maxsize=16_384)
def name_parts(name: str) -> frozenset[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return frozenset("".join(c if c.isalnum() else " " for c in plain).split())


class OpenOrders:
    """Orders that wait for money, found by the amount due and a name, without looking at each."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._found: dict[tuple[Decimal, str, str], list[tuple[frozenset[str], Candidate]]] = {}
        for candidate in candidates:
            for parts in {name_parts(name) for name in candidate.names} - {frozenset[str]()}:
                key = (candidate.amount_due.normalize(), candidate.currency, min(parts))
                self._found.setdefault(key, []).append((parts, candidate))

    def paid_by(self, deposit: Deposit, *, at_most: int = 4) -> list[Candidate]:
        """Orders of this amount whose client, or the payer they named, paid; not those placed after the payment."""
        payer = name_parts(deposit.payer_name)
        found: dict[UUID, Candidate] = {}
        for part in sorted(payer):
            for parts, candidate in self._found.get((deposit.amount.normalize(), deposit.currency, part), ()):
                if parts <= payer and deposit.booked_on >= candidate.placed_on - EARLY:
                    found[candidate.order_id] = candidate
                if len(found) == at_most:
                    return list(found.values())
        return list(found.values())


# --- The light ------------------------------------------------------------------------------------------------------
def judge(
    deposit: Deposit,
    *,
    by_reference: Sequence[Candidate],
    by_proof: Sequence[Candidate],
    by_name: Sequence[Candidate],
    misread: bool = False,
) -> Verdict:
    """How the deposit fits the orders its text names, the orders whose proof shows its bank's reference, and those of its payer.

    Green: the reference, exactly what is due, an order that waits for it, no other payer than its client or whom they named, and
    nothing else that speaks against it.
    """
    named = by_reference or by_proof or by_name
    if not named:
        return Verdict(Light.RED, [["no_reference"]])
    if len(named) > 1:
        what = "several_named" if by_reference else "several_possible"
        return Verdict(Light.AMBER, [[what, *(candidate.reference for candidate in named[:4])]])
    (order,) = named
    how = ["misread" if misread else "reference"] if by_reference else ["proof_reference"] if by_proof else ["no_reference"]
    light, reasons = _fit(deposit, order, by_proof)
    payer = _payer(deposit, order)
    if light == Light.GREEN and (not by_reference or payer == [["other_name"]]):
        light = Light.AMBER
    return Verdict(light, [*reasons, how, *payer], order.order_id)


def _fit(deposit: Deposit, order: Candidate, by_proof: Sequence[Candidate]) -> tuple[Light, list[Reason]]:
    claims: list[Reason] = [["claimed", other.reference] for other in by_proof if other.order_id != order.order_id]
    if order.is_direct:
        return Light.RED, [["direct"], *claims]
    if deposit.currency != order.currency:
        return Light.RED, [["other_currency", order.currency]]
    if any(proof.verified and not proof.counted and proof.amount == deposit.amount for proof in order.proofs):
        return Light.AMBER, [["known"]]
    if order.status in UNPAID_AND_OVER:
        return Light.RED, [["late", order.status]]
    if order.status not in OPEN:
        return Light.RED, [["double"]]
    doubts = [
        (deposit.method_id != order.method_id, ["other_account"]),
        (deposit.booked_on < order.placed_on - EARLY, ["before_order"]),
    ]
    found: list[Reason] = [*(reason for applies, reason in doubts if applies), *claims]
    missing = order.amount_due - deposit.amount
    if missing:
        found.insert(0, ["amount_under" if missing > 0 else "amount_over", f"{abs(missing).normalize():f}"])
    return (Light.AMBER, found) if found else (Light.GREEN, [["amount"]])


def _payer(deposit: Deposit, order: Candidate) -> list[Reason]:
    if not deposit.payer_name:
        return []
    if any(names_match(deposit.payer_name, name) for name in order.names):
        return [["payer_name"]]
    return [["other_name"]]
