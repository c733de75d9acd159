"""Codes by which banks mark charges, and payments that came back. Neither is ever a deposit, whichever way the money moved."""

import re

# Bank transaction codes of ISO 20022, the last of their three parts.
CHARGE_SUBFAMILIES = {"CHRG", "COMM", "COMT", "FEES", "TAXE"}
RETURN_SUBFAMILIES = {"RRTN", "RPCR", "UPDD", "PRDD", "RCDD", "UPCQ", "CQRV", "UPCT"}
# Three letters of SWIFT's transaction types (`NTRF`, without the first).
_CHARGE_TYPES = {"CHG", "COM"}
_RETURN_TYPES = {"RTI"}
# Business transaction codes of the German banks (in `:86:`, and in CAMT as `NTRF+166+00931`).
_GERMAN_CHARGES = {"805", "808", "809"}
_GERMAN_RETURNS = {"009", "059", "108", "109", "159", "181", "184"}


def is_charge(swift_type: str, german_code: str = "") -> bool:
    return swift_type[1:4] in _CHARGE_TYPES or german_code in _GERMAN_CHARGES


def is_return(swift_type: str, german_code: str = "") -> bool:
    return swift_type[1:4] in _RETURN_TYPES or german_code in _GERMAN_RETURNS


def split_german(code: str) -> tuple[str, str]:
    """SWIFT type and business code of a German bank's own code in CAMT; two times "" for any other."""
    match = re.match(r"([NSF][A-Z]{3})\+(\d{3})(?:\+|$)", code, re.ASCII)
    return (match[1], match[2]) if match else ("", "")
