"""What a file is before anybody reads it: encoding, delimiter, header, size. Refuses a whole file in one sentence."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _

from bankcrm.runs import Refused

# Unpacked: a small .gz must not become a full disk.
MAX_BYTES = 500 * 1024 * 1024
MAX_COLUMNS = 400
CHUNK = 1 << 20
DELIMITERS = ",;\t|"
PREVIEW_ROWS = 5
# A field may be this long before the csv reader gives up; longer than any column, so that the row can say so itself.
csv.field_size_limit(16 * 1024 * 1024)


@dataclass(frozen=True)
class Sniffed:
    """``columns`` as the header has them, ``preview`` the first data rows as text."""

    encoding: str
    delimiter: str
    columns: list[str]
    preview: list[list[str]]


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when it is gzip by its first two bytes. Raises Refused when it cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")
    except OSError as error:
        raise Refused(_("The file is missing or cannot be read.")) from error


def chunks(path: Path) -> Iterator[bytes]:
    """The unpacked bytes in pieces. Raises Refused when the file is damaged or larger than ``MAX_BYTES``."""
    size = 0
    with open_bytes(path) as source:
        while True:
            try:
                piece = source.read(CHUNK)
            except (OSError, EOFError, zlib.error) as error:
                raise Refused(_("The file is damaged: it cannot be unpacked to its end.")) from error
            if not piece:
                return
            size += len(piece)
            if size > MAX_BYTES:
                raise Refused(
                    _(
                        "The file is larger than %(limit)s MB unpacked. Split it and bring the parts one by one."
                    )
                    % {"limit": MAX_BYTES // 1024**2}
                )
            yield piece


def sniff(path: Path, encoding: str = "", delimiter: str = "") -> Sniffed:
    """Read the file once and say what it is; ``encoding`` and ``delimiter`` given are believed, if they hold.

    Raises Refused: missing, damaged, empty, too large, undecodable (with byte and row), duplicate or unnamed columns.
    """
    found = _encoding(path, encoding)
    with text(path, found) as lines:
        head = "".join(line for _number, line in zip(range(200), lines, strict=False))
    if not head.strip():
        raise Refused(_("The file is empty."))
    mark = delimiter or _delimiter(head)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=mark, strict=False)
    columns = [name.strip() for name in next(rows)]
    _check_header(columns)
    preview = [row for _number, row in zip(range(PREVIEW_ROWS), filter(None, rows), strict=False)]
    if not preview:
        raise Refused(_("The file has a header and no rows."))
    return Sniffed(found, mark, columns, preview)


def text(path: Path, encoding: str) -> io.TextIOWrapper:
    """The file as text with its line ends as they are."""
    return io.TextIOWrapper(open_bytes(path), encoding=_codec(encoding), newline="", errors="strict")


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def decoder(encoding: str) -> codecs.IncrementalDecoder:
    """Turns the chunks of such a file into text, without its byte-order mark."""
    return codecs.getincrementaldecoder(_codec(encoding))("strict")


def _encoding(path: Path, wanted: str) -> str:
    """The encoding that decodes every byte: the wanted one, else by mark, else UTF-8, else GB18030."""
    first = next(chunks(path), b"")
    if not first:
        raise Refused(_("The file is empty."))
    if wanted:
        candidates = [wanted]
    elif first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        candidates = ["utf-16"]
    elif first[:3] == codecs.BOM_UTF8:
        candidates = ["utf-8"]
    else:
        candidates = ["utf-8", "gb18030"]
    failures = []
    for name in candidates:
        failure = _first_failure(path, name)
        if failure is None:
            return name
        failures.append((name, failure))
    name, (byte, row, value) = failures[-1]
    raise Refused(
        _("The file is not %(encodings)s text: byte %(byte)s (0x%(value)02X) in row %(row)s cannot be read.")
        % {
            "encodings": " / ".join(each.upper() for each, _failure in failures),
            "byte": byte,
            "value": value,
            "row": row,
        }
    )


def _first_failure(path: Path, encoding: str) -> tuple[int, int, int] | None:
    """(offset counted from 1, row counted from 1, value) of the first byte that does not decode."""
    decode = decoder(encoding)
    before, rows = 0, 1
    pending = b""
    for piece in [*_with_end(chunks(path))]:
        try:
            decode.decode(piece, final=not piece)
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            data = pending + piece
            good = data[:start]
            value = data[start] if start < len(data) else 0
            return before - len(pending) + start + 1, rows + good.count(b"\n") - pending.count(b"\n"), value
        before += len(piece)
        rows += piece.count(b"\n")
        pending = decode.getstate()[0] if piece else b""
    return None


def _with_end(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield b""


def _delimiter(head: str) -> str:
    """The delimiter under which the first rows have the same number of fields, and the most of them."""
    best, most = ",", 0
    for mark in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=mark) if row][:20]
        width = len(rows[0]) if rows else 0
        same = sum(len(row) == width for row in rows)
        if width > 1 and same * width > most:
            best, most = mark, same * width
    return best


def _check_header(columns: list[str]) -> None:
    if len(columns) > MAX_COLUMNS:
        raise Refused(_("The header has more than %(most)s columns.") % {"most": MAX_COLUMNS})
    for position, name in enumerate(columns, start=1):
        if not name:
            raise Refused(_("Column %(position)s of the header has no name.") % {"position": position})
        if "\0" in name:
            raise Refused(_("The header holds a NUL byte: this is no text file."))
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise Refused(
            _("The header names a column twice: %(names)s. Rename one of each pair.")
            % {"names": ", ".join(twice)}
        )
