"""Where private files are kept, and that none is without its row."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.core.files.storage import Storage, storages
from django.db.models.fields.files import FieldFile


def private_storage() -> Storage:
    """Where files live that only their parties may have. A callable, so that migrations do not freeze the place."""
    return storages["private"]


@contextmanager
def discard_files_on_error() -> Iterator[ExitStack]:
    """Give the stack a callback that deletes each file kept; they run when the block fails: no file stays without its row."""
    with ExitStack() as undo:
        yield undo
        undo.pop_all()


def discard_on_error(undo: ExitStack, field: FieldFile, stored_name: str) -> None:
    """Called before a row's file is written: a full disk leaves no half of it either."""
    undo.callback(field.storage.delete, field.field.generate_filename(field.instance, stored_name))
