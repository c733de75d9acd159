"""What of a person's balance the API gives: what there is by currency, and each movement of a month."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from marketplace.money import plain_amount
from marketplace.rest.schemas import Shown, ShownInstant
from orders.models import Order
from orders.selectors.payouts import BalanceLine, BalanceMonth, Clearing, Purse

Movement = Literal[
    "deposit", "release", "refund", "split", "reclaim", "surplus", "orphan", "assign", "payout", "repayment", "bounce"
]


class OrderNamed(Shown):
    """An order, where money of it is spoken of."""

    id: UUID
    title: str
    reference: str


class ClearingShown(Shown):
    """What one order brought, on hold until the instant `until`."""

    order: OrderNamed
    amount: str
    until: ShownInstant


class PurseShown(Shown):
    """Your money of one currency. `held` and `frozen` are still in escrow, and before the fee."""

    currency: str
    balance: str = Field(description="All that has been released to you and was not sent yet.")
    available: str = Field(description="What of the balance you can ask for now.")
    clearing: str = Field(description="What of the balance is still on hold.")
    next_clearing_at: ShownInstant | None
    asked_for: str = Field(description="What of the balance you have asked for and was not sent yet.")
    held: str = Field(description="In escrow of running orders.")
    frozen: str = Field(description="In escrow of disputed orders.")
    paid_out: str
    minimum: str = Field(description="The least you can ask for at once.")
    can_ask: bool = Field(description="Whether a payout can be asked for now.")
    on_hold: list[ClearingShown]


class MonthNamed(Shown):
    year: int
    month: int


class BalanceShown(Shown):
    """Your money as a freelancer, by currency, and the months (in your time zone) that have a statement, newest first."""

    currencies: list[PurseShown]
    months: list[MonthNamed]


class BalanceLineShown(Shown):
    """One movement. `amount` is `gross` less `fee`; `balance` is what stood there afterwards."""

    at: ShownInstant
    kind: Movement
    order: OrderNamed | None
    reference: str | None = Field(description="Of the bank or wallet, for money that was sent.")
    gross: str
    fee: str
    amount: str
    balance: str


class StatementShown(Shown):
    """A month of one currency."""

    currency: str
    opening: str
    closing: str
    lines: list[BalanceLineShown]


class BalanceMonthShown(MonthNamed):
    """All movements of your balance in a month of your time zone."""

    statements: list[StatementShown]


def order_named(order: Order) -> OrderNamed:
    return OrderNamed(id=order.pk, title=order.gig_title, reference=order.payment_reference)


def balance_shown(purses: list[Purse], months: list[date]) -> BalanceShown:
    return BalanceShown(
        currencies=[_purse_shown(purse) for purse in purses],
        months=[MonthNamed(year=month.year, month=month.month) for month in months],
    )


def _purse_shown(purse: Purse) -> PurseShown:
    amounts = {
        "balance": purse.balance,
        "available": purse.available,
        "clearing": purse.clearing_total,
        "asked_for": purse.reserved,
        "held": purse.held,
        "frozen": purse.frozen,
        "paid_out": purse.paid_out,
        "minimum": purse.minimum,
    }
    return PurseShown(
        currency=purse.currency,
        next_clearing_at=purse.clear_at,
        can_ask=purse.can_ask,
        on_hold=[_clearing_shown(part, purse.currency) for part in purse.clearing],
        **{name: plain_amount(amount, purse.currency) for name, amount in amounts.items()},
    )


def _clearing_shown(part: Clearing, currency: str) -> ClearingShown:
    order = OrderNamed(id=part.order_id, title=part.title, reference=part.reference)
    return ClearingShown(order=order, amount=plain_amount(part.amount, currency), until=part.until)


def month_shown(year: int, month: int, statements: list[BalanceMonth]) -> BalanceMonthShown:
    return BalanceMonthShown(year=year, month=month, statements=[_statement_shown(statement) for statement in statements])


def _statement_shown(statement: BalanceMonth) -> StatementShown:
    return StatementShown(
        currency=statement.currency,
        opening=plain_amount(statement.opening, statement.currency),
        closing=plain_amount(statement.closing, statement.currency),
        lines=[_line_shown(line) for line in statement.lines],
    )


def _line_shown(line: BalanceLine) -> BalanceLineShown:
    amounts = {"gross": line.gross, "fee": line.fee, "amount": line.amount, "balance": line.after}
    transfer: Any = line.transfer
    return BalanceLineShown(
        at=transfer.created_at,
        kind=transfer.kind,
        order=order_named(transfer.order) if transfer.order else None,
        reference=line.reference or None,
        **{name: plain_amount(amount, line.currency) for name, amount in amounts.items()},
    )
