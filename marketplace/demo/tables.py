"""The demo's content as plain tables, and dice that fall the same way for the same seed."""

import random
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def load(table: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{table}.toml").read_text(encoding="utf-8"))


def dice(*names: object) -> random.Random:
    """Dice of their own for each purpose, so that a change in one place leaves every other throw as it was."""
    return random.Random(":".join(map(str, names)))  # noqa: S311 (a demo is no secret)
