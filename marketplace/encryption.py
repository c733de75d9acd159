"""Text that may not lie readable in the database or in a log: a column kept as ciphertext, and masks for people's eyes."""

import re
from functools import lru_cache
from typing import Any, NoReturn

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models

HIDDEN = "••••"
_SHORT = 8  # characters: of anything shorter, the last four would tell too much
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)


class UnreadableText(Exception):
    """None of ENCRYPTION_KEYS opens what stands in the database: a key is missing, or the text was tampered with."""


@lru_cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """The text as a Fernet token under the newest key: another one each time."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text of a token made with any of the keys; UnreadableText otherwise."""
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(token).decode()
    except InvalidToken as fault:
        raise UnreadableText("None of ENCRYPTION_KEYS opens this text. Was one removed too early?") from fault


def has_newest_key(token: str) -> bool:
    try:
        _cipher((settings.ENCRYPTION_KEYS[0],)).decrypt(token)
    except InvalidToken:
        return False
    return True


class EncryptedTextField(models.TextField):
    """Text in Python, a Fernet token in the database (empty stays empty). It is read with its row, never looked up."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, *_ignored: object) -> str | None:
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else self._refuse(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        self._refuse(lookup_name)

    def _refuse(self, lookup_name: str) -> NoReturn:
        raise FieldError(f"{self} is encrypted and cannot be looked up ({lookup_name}): find the row another way.")


def mask(text: str) -> str:
    """Enough of an account number to know it again: `DE•• •••• 3000` or the last four, nothing of a short one."""
    compact = re.sub(r"[\s.-]", "", text)
    if len(compact) < _SHORT:
        return HIDDEN
    country = f"{compact[:2].upper()}•• " if _IBAN.fullmatch(compact.upper()) else ""
    return f"{country}{HIDDEN} {compact[-4:]}"


def hide(text: str) -> str:
    """Nothing of the text, not even its length."""
    return HIDDEN
