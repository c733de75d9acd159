"""The words of "what happens next", by situation and side. Where custody changes them, DIRECT_WORDS goes before WORDS."""

from orders.next_step_words.asking import ASKING, DIRECT_ASKING
from orders.next_step_words.disputing import DIRECT_DISPUTING, DISPUTING
from orders.next_step_words.ending import ENDING
from orders.next_step_words.paying import PAYING
from orders.next_step_words.rows import Row, Table
from orders.next_step_words.working import DIRECT_WORKING, WORKING

WORDS: Table = {**PAYING, **WORKING, **ASKING, **DISPUTING, **ENDING}
DIRECT_WORDS: Table = {**DIRECT_WORKING, **DIRECT_ASKING, **DIRECT_DISPUTING}

__all__ = ["DIRECT_WORDS", "WORDS", "Row", "Table"]
