"""Bring every encrypted text under the newest key, so that an older one can be taken away."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db.models import Model, TextField
from django.db.models.functions import Cast

from marketplace.encryption import EncryptedTextField, decrypt, has_newest_key

BATCH = 500  # rows read at a time


def encrypted_columns() -> Iterator[tuple[type[Model], str]]:
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name


def tokens(model: type[Model], name: str) -> Any:
    """The rows with `token`, the column as it stands in the database."""
    return model._base_manager.annotate(token=Cast(name, TextField())).exclude(token=None).exclude(token="")


def rotate(model: type[Model], name: str) -> int:
    """How many rows were encrypted anew. A row that somebody changes meanwhile is theirs."""
    changed, last = 0, None
    while batch := list(_after(tokens(model, name), last).order_by("pk").values_list("pk", "token")[:BATCH]):
        for pk, token in batch:
            if not has_newest_key(token):
                changed += tokens(model, name).filter(pk=pk, token=token).update(**{name: decrypt(token)})
        last = batch[-1][0]
    return changed


def _after(rows: Any, last: Any) -> Any:
    return rows if last is None else rows.filter(pk__gt=last)


class Command(BaseCommand):
    help = "Encrypts every encrypted text of the database with the first of ENCRYPTION_KEYS. Running it again changes nothing."

    def handle(self, *args: object, **options: object) -> None:
        for model, name in encrypted_columns():
            self.stdout.write(f"{model._meta.label}.{name}: {rotate(model, name)} encrypted anew")
