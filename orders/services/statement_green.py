"""Many entries at once: confirming what is green, each on its own, and judging again what has stayed open."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.exceptions import DomainError
from orders.matching import Light, Verdict
from orders.models import PaymentMethod, StatementLine
from orders.services.statement_lines import check_moderator, confirm_line
from orders.services.statement_matching import Matcher, in_batches
from orders.statements import Kind

State = StatementLine.State


@dataclass(frozen=True)
class Refusal:
    """An entry of many that was left as it is, and why."""

    line: StatementLine
    message: str


@dataclass(frozen=True)
class Confirmed:
    """What `confirm_green` did: entries confirmed, signed for a second moderator, and left."""

    confirmed: list[StatementLine]
    signed: list[StatementLine]
    refused: list[Refusal]


def confirm_green(*, actor: User, line_ids: Iterable[UUID]) -> Confirmed:
    """Confirm each of these entries on its own, if it is still green now. One refusal stops none of the others."""
    done = Confirmed([], [], [])
    lines = StatementLine.objects.filter(pk__in=list(line_ids), state=State.OPEN).select_related("payment_method")
    matchers: dict[UUID, Matcher] = {}
    for line in lines:
        matcher = matchers.setdefault(line.payment_method_id, Matcher(line.payment_method))
        outcome = _confirm_if_green(actor, line, matcher)
        if isinstance(outcome, Refusal):
            done.refused.append(outcome)
        else:
            (done.signed if outcome.state == State.OPEN else done.confirmed).append(outcome)
    return done


def _confirm_if_green(actor: User, line: StatementLine, matcher: Matcher) -> StatementLine | Refusal:
    (verdict,) = judge_again([line], matcher)
    if verdict.light != Light.GREEN:
        return Refusal(line, _("It does not fit any more. Look at it on its own."))
    try:
        return confirm_line(actor=actor, line_id=line.pk)
    except DomainError as refusal:
        return Refusal(line, refusal.message)


def judge_again(lines: list[StatementLine], matcher: Matcher) -> list[Verdict]:
    """Hold open entries against the orders as they are now, and remember the verdicts."""
    verdicts = [doubted_by_rival(line, verdict) for line, verdict in zip(lines, matcher.verdicts(lines), strict=True)]
    for line, verdict in zip(lines, verdicts, strict=True):
        still_open = StatementLine.objects.filter(pk=line.pk, state=State.OPEN)
        still_open.update(light=verdict.light, reasons=verdict.reasons, order=verdict.order_id)
    return verdicts


def doubted_by_rival(line: StatementLine, verdict: Verdict) -> Verdict:
    """Amber instead of green where another open entry fits the same order."""
    if verdict.light != Light.GREEN:
        return verdict
    rivals = StatementLine.objects.filter(order=verdict.order_id, kind=Kind.CREDIT, state=State.OPEN).exclude(pk=line.pk)
    return Verdict(Light.AMBER, [["two_entries"], *verdict.reasons], verdict.order_id) if rivals.exists() else verdict


def match_again(*, actor: User, statement_id: UUID) -> int:
    """Judge the open deposits of a statement again, after orders have moved. Returns how many there are."""
    check_moderator(actor)
    lines = StatementLine.objects.filter(statement=statement_id, state=State.OPEN, kind__in=[Kind.CREDIT, Kind.REVERSAL])
    matcher = Matcher(PaymentMethod.objects.get(statements=statement_id))
    count = 0
    for batch in in_batches(lines.order_by("pk").iterator(), 500):
        judge_again(batch, matcher)
        count += len(batch)
    return count
