"""What only one transaction at a time may do on PostgreSQL. SQLite has one writer at a time anyway."""

from enum import IntEnum

from django.db import connection


class Turn(IntEnum):
    """Numbers that name a lock; any that nothing else in the database uses."""

    RECEIPTS = 7_261_931_504
    PAYOUT_BATCHES = 7_261_931_505


def take_turns(turn: Turn) -> None:
    """Wait until nobody else has this turn, and keep it until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [turn])
