"""The sample files that stand beside this module: invented accounts, written the way banks write."""

from pathlib import Path


def sample(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()
