"""The shape of the table's rows, and sentences that several rows share."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.states import Role

Words = str | Promise
Table = dict[tuple[str, Role], "Row"]


@dataclass(frozen=True)
class Row:
    """One cell of the table. The words may name what `orders.next_steps.NAMES` lists; `deadline` is a path from OrderFacts."""

    turn: str
    headline: Words
    text: Words
    if_nobody: Words = ""
    deadline: str = ""


def both(key: str, row: Row) -> Table:
    """The same words for both sides."""
    return {(key, Role.CLIENT): row, (key, Role.FREELANCER): row}


WAITS_FOR_A_PERSON = _("It waits until a person has decided. No clock confirms or refuses a payment.")
