"""The reasons of a statement entry's light in words, and the step that comes next."""

from collections.abc import Callable
from decimal import Decimal

from django.utils.translation import gettext as _

from marketplace.money import format_money
from orders.admin.flags import Flag
from orders.models import StatementLine
from orders.states import STATUS_LABELS, Status

State, Light = StatementLine.State, StatementLine.Light


LIGHT_TONES = {Light.GREEN: "ok", Light.AMBER: "wait", Light.RED: "problem", Light.NONE: "neutral"}
Words = Callable[[StatementLine, list[str]], str]

# Each code of `orders.matching` with its tone and its words.
_WORDS: dict[str, tuple[str, Words]] = {
    "amount": ("ok", lambda line, facts: _("Exactly what is due")),
    "amount_under": ("wait", lambda line, facts: _("%(amount)s less than due") % {"amount": _money(line, facts)}),
    "amount_over": ("wait", lambda line, facts: _("%(amount)s more than due") % {"amount": _money(line, facts)}),
    "reference": ("ok", lambda line, facts: _("The order's reference is in the text")),
    "misread": ("ok", lambda line, facts: _("The order's reference, with look-alike signs")),
    "proof_reference": ("wait", lambda line, facts: _("No order reference, but the one of a handed-in proof")),
    "no_reference": ("wait", lambda line, facts: _("No order reference in the text")),
    "payer_name": ("ok", lambda line, facts: _("The client paid, or the payer they named")),
    "other_name": ("wait", lambda line, facts: _("Another name paid")),
    "before_order": ("wait", lambda line, facts: _("Booked before the order was placed")),
    "other_account": ("wait", lambda line, facts: _("The order was to be paid into another account")),
    "other_currency": ("problem", lambda line, facts: _("The order is in %(currency)s") % {"currency": facts[0]}),
    "direct": ("problem", lambda line, facts: _("The order is paid to the freelancer directly")),
    "claimed": ("problem", lambda line, facts: _("Order %(order)s shows this payment as its proof") % {"order": facts[0]}),
    "two_entries": ("wait", lambda line, facts: _("Another open entry fits the same order")),
    "several_named": ("wait", lambda line, facts: _("Names several orders: %(orders)s") % {"orders": ", ".join(facts)}),
    "several_possible": ("wait", lambda line, facts: _("May be for several orders: %(orders)s") % {"orders": ", ".join(facts)}),
    "known": ("info", lambda line, facts: _("This amount was confirmed by hand for the order")),
    "late": ("problem", lambda line, facts: _("Late: the order is “%(status)s”") % {"status": STATUS_LABELS[Status(facts[0])]}),
    "double": ("problem", lambda line, facts: _("The order is paid already")),
    "reversal": ("problem", lambda line, facts: _("Money taken back or returned")),
    "debit": ("neutral", lambda line, facts: _("Money going out")),
    "charge": ("neutral", lambda line, facts: _("A charge of the bank")),
    "pending": ("neutral", lambda line, facts: _("Not booked yet")),
    "foreign": ("neutral", lambda line, facts: _("Another currency than the account's")),
}


def _money(line: StatementLine, facts: list[str]) -> str:
    return format_money(Decimal(facts[0]), line.currency)


def reasons_in_words(line: StatementLine) -> list[Flag]:
    flags = []
    for code, *facts in line.reasons:
        tone, words = _WORDS[code]
        flags.append(Flag(words(line, facts), tone))
    return flags


def next_step(line: StatementLine) -> str:
    """What a moderator does with the entry now; "" where nothing is left to do."""
    codes = {reason[0] for reason in line.reasons}
    if line.state in (State.OPEN, State.SUSPENSE) and "direct" in codes and "claimed" not in codes:
        return _("This order is paid to the freelancer directly; the client paid us by mistake. Send it back.")
    if line.state == State.SUSPENSE:
        return _("The money waits in suspense. Assign it to its order, or send it back.")
    if line.state != State.OPEN or line.light == Light.NONE:
        return ""
    if "reversal" in codes:
        return _("Look whether an order's money was taken back. If so, open a dispute for it; then note here what it was.")
    if "known" in codes:
        return _("If it is the payment that was confirmed, link the two. If it is a second one, put it into suspense.")
    if "double" in codes:
        return _("Put it into suspense, then send it back to the payer.")
    if "late" in codes:
        return _late_step(line)
    if line.order is None or "direct" in codes:
        return _("Find its order and confirm it for that one; or put it into suspense until somebody asks for it.")
    if "amount_under" in codes:
        return _("Confirm it as a part. The client is asked for the rest.")
    if "amount_over" in codes:
        return _("Confirm it. What is over becomes a refund.")
    return _("Compare it with the order, then confirm it.")


def _late_step(line: StatementLine) -> str:
    if line.order is not None and line.order.status == Status.EXPIRED:
        return _(
            "Confirm it to open the order again; the freelancer may still decline. Or put it into suspense and send it back."
        )
    return _("The order is over. Put it into suspense, then send it back to the payer.")
