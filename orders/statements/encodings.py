"""The bytes of a statement file as text: UTF-8, UTF-16 and what Windows programs write, without reading all of it at once."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 65_536
MAX_LINE = 1_000_000
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(head: bytes) -> str:
    """The encoding the first bytes show; UTF-8 where they show none (other bytes are then read as CP1252, one by one)."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > half * 0.4 > head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > half * 0.4 > head[1::2].count(0):
        return "utf-16-be"
    return "utf-8"


def decode_head(head: bytes) -> str:
    return codecs.getincrementaldecoder(encoding_of(head))(_errors(encoding_of(head))).decode(head)


def text_chunks(file: BinaryIO) -> Iterator[str]:
    """The file as pieces of text with `\\n` for every line end. NUL, which no database keeps, becomes U+FFFD."""
    file.seek(0)
    chunk = file.read(CHUNK)
    encoding = encoding_of(chunk)
    inner = codecs.getincrementaldecoder(encoding)(_errors(encoding))
    decoder = io.IncrementalNewlineDecoder(inner, translate=True)
    while chunk:
        yield decoder.decode(chunk).replace("\0", "\ufffd")
        chunk = file.read(CHUNK)
    yield decoder.decode(b"", final=True).replace("\0", "\ufffd")


def text_lines(file: BinaryIO) -> Iterator[str]:
    """The lines of the file without their ends. A line longer than `MAX_LINE` is cut to that."""
    rest = ""
    for text in text_chunks(file):
        first, *lines = text.split("\n")
        rest = (rest + first)[:MAX_LINE] if len(rest) < MAX_LINE else rest
        for line in lines:
            yield rest
            rest = line
    if rest:
        yield rest


def _errors(encoding: str) -> str:
    return "windows_bytes" if encoding.startswith("utf-8") else "replace"


def _windows_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 as CP1252, and the five CP1252 does not know as ISO 8859-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end


codecs.register_error("windows_bytes", _windows_bytes)
