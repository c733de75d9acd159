"""What conversations ask about orders. Messaging stands below the app that has them, which puts its answers here."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User


@dataclass
class Deals:
    is_between: Callable[[UUID, Collection[User]], bool]  # whether the order exists and these two are its parties
    have_running: Callable[[Collection[User]], bool]  # whether an order of these two runs, whoever buys


deals = Deals(is_between=lambda _order, _people: False, have_running=lambda _people: False)
