"""How the rows of a person's money are shown: each with its state in words, and what can be done about it now."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.money import format_money, plain_amount
from orders.iban import compact, is_bic, is_iban
from orders.models import Disbursement, LedgerTransfer
from orders.selectors.payouts import STATE_LABELS, BalanceLine, BalanceMonth, is_owed_by_freelancer
from orders.states import DisbursementState as State

TONES = {
    State.REQUESTED: "wait",
    State.APPROVED: "info",
    State.SENT: "info",
    State.CONFIRMED: "ok",
    State.FAILED: "problem",
    State.WITHDRAWN: "neutral",
}
STATEMENT_HEADER = ["date", "what", "order", "reference", "currency", "gross", "fee", "amount", "balance"]


def payout_rows(rows: Iterable[Disbursement]) -> list[dict[str, Any]]:
    return [{**_row(row), "can_withdraw": row.state in (State.REQUESTED, State.FAILED)} for row in rows]


def refund_rows(rows: Iterable[Disbursement]) -> list[dict[str, Any]]:
    """Refunds as their receiver and, where a freelancer owes them, as that freelancer sees them."""
    return [
        {
            **_row(row),
            "needs_account": row.state == State.REQUESTED and row.account_id is None and row.payer_id is None,
            "can_change": row.state == State.REQUESTED and row.account_id is not None,
            "may_name_account": row.state == State.REQUESTED and row.account_id is None and row.payer_id is not None,
            "confirm_on_order": is_owed_by_freelancer(row),
        }
        for row in rows
    ]


def account_labels(account: str, routing: str) -> dict[str, str]:
    """What a bank calls these two, where they tell what they are."""
    return {
        "account_label": _("IBAN") if is_iban(account) else _("Account number or address"),
        "routing_label": _("BIC") if is_bic(compact(routing)) else _("Bank and routing"),
    }


def _row(row: Disbursement) -> dict[str, Any]:
    state = State(row.state)
    label = str(STATE_LABELS[state])
    if state == State.REQUESTED and row.payer_id:
        label = _("The freelancer owes it")
    elif state == State.REQUESTED and row.account_id is None:
        label = _("Needs an account")
    return {
        "row": row,
        "label": label,
        "tone": TONES[state],
        "is_sent": state == State.SENT,
        "came_back": state == State.FAILED and row.payer_id is None,
        "waits_until": row.not_before if row.not_before and row.not_before > timezone.now() else None,
    }


def with_fee_words(statement: BalanceMonth) -> dict[str, Any]:
    """The statement as its page shows it: each line with what the fee did to it, "" where there was none."""
    return {"statement": statement, "lines": [(line, _fee_words(line)) for line in statement.lines]}


def _fee_words(line: BalanceLine) -> str:
    gross, fee = (format_money(abs(amount), line.currency) for amount in (line.gross, line.fee))
    if line.fee < 0:
        return _("%(gross)s went back, and the fee of %(fee)s with it") % {"gross": gross, "fee": fee}
    return _("%(gross)s less the fee of %(fee)s") % {"gross": gross, "fee": fee} if line.fee else ""


def statement_rows(statements: Iterable[BalanceMonth]) -> Iterator[list[object]]:
    """The lines as a CSV file has them: amounts plain, times in the reader's time zone."""
    for statement in statements:
        for line in statement.lines:
            yield _statement_row(line)


def _statement_row(line: BalanceLine) -> list[object]:
    transfer = line.transfer
    amounts = (plain_amount(amount, line.currency) for amount in (line.gross, line.fee, line.amount, line.after))
    return [
        timezone.localtime(transfer.created_at).isoformat(timespec="seconds"),
        LedgerTransfer.Kind(transfer.kind).label,
        transfer.order.gig_title if transfer.order else "",
        transfer.order.payment_reference if transfer.order else line.reference,
        line.currency,
        *amounts,
    ]
