"""Which encoding the bytes of a text file are in: by its mark, by what every byte allows, and only then by its label.

A label is believed where the bytes allow it. What cannot be read is answered with the byte and the row.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from bankcrm.runs import Refused
from customers.imports import raw_bytes

# Encodings a person may choose, besides letting the file decide.
KNOWN = ("utf-8", "gb18030", "utf-16", "big5", "cp1252")
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# So many characters beyond U+0800 that are valid UTF-8 do not come about in any other encoding.
CERTAIN = 4
FAR = re.compile("[\u0800-\U0010ffff]")
HIGH_RUN = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class Failure:
    """The first byte that does not decode: offset and row counted from 1; ``cut`` when the file ends within a
    character; ``far`` how many characters of three bytes and more were read before it (counted up to the first MB)."""

    byte: int
    row: int
    value: int
    cut: bool
    far: int


@dataclass(frozen=True)
class Found:
    """``lines`` counts those of the whole file, quoted line ends too; ``note`` says why a label was not believed."""

    encoding: str
    lines: int
    note: str = ""


def text(path: Path, encoding: str) -> io.TextIOWrapper:
    """The file as text with its line ends as they are."""
    return io.TextIOWrapper(
        raw_bytes.open_bytes(path), encoding=_codec(encoding), newline="", errors="strict"
    )


def decoder(encoding: str) -> codecs.IncrementalDecoder:
    """Turns the chunks of such a file into text, without its byte-order mark."""
    return codecs.getincrementaldecoder(_codec(encoding))("strict")


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def find(path: Path, wanted: str = "") -> Found:
    """The encoding that decodes every byte. Raises Refused, naming the byte and the row, where none does."""
    first = next(raw_bytes.chunks(path), b"")
    if not first or first in MARKS:
        raise Refused(_("The file is empty."))
    marked = next((name for mark, name in MARKS.items() if first.startswith(mark)), "")
    if marked:
        return _only(path, marked, wanted)
    if silent := _utf16_without_mark(first):
        return _only(path, silent, wanted)
    certain = _scan(path, "utf-8")
    if wanted in ("utf-8", "utf-16") or not wanted:
        return _guess(path, first, certain, wanted)
    if isinstance(certain, Found) and _far(first) >= CERTAIN:
        return _noted("utf-8", certain.lines, wanted)
    return _only(path, wanted, wanted)


def _guess(path: Path, first: bytes, utf8: Found | Failure, wanted: str) -> Found:
    if isinstance(utf8, Found):
        return _noted("utf-8", utf8.lines, wanted)
    if wanted == "utf-8" or utf8.far >= (1 if utf8.cut else CERTAIN):
        raise _refusal(["utf-8"], utf8)
    other = "cp1252" if _is_western(first) else "gb18030"
    found = _scan(path, other)
    if isinstance(found, Failure):
        raise _refusal(["utf-8", other], found)
    return _noted(other, found.lines, wanted)


def _only(path: Path, encoding: str, wanted: str) -> Found:
    found = _scan(path, encoding)
    if isinstance(found, Failure):
        raise _refusal([encoding], found)
    return _noted(encoding, found.lines, wanted)


def _noted(encoding: str, lines: int, wanted: str) -> Found:
    if not wanted or wanted == encoding:
        return Found(encoding, lines)
    note = _("You said %(wanted)s; the bytes are %(found)s, so it was read as that.")
    return Found(encoding, lines, note % {"wanted": wanted.upper(), "found": encoding.upper()})


def _refusal(tried: list[str], failure: Failure) -> Refused:
    words = {
        "encodings": " / ".join(name.upper() for name in tried),
        "byte": failure.byte,
        "value": failure.value,
        "row": failure.row,
    }
    if failure.cut:
        return Refused(
            _(
                "The file was cut off: it ends in row %(row)s in the middle of a character (byte %(byte)s,"
                " 0x%(value)02X). Bring the whole file."
            )
            % words
        )
    return Refused(
        _("The file is not %(encodings)s text: byte %(byte)s (0x%(value)02X) in row %(row)s cannot be read.")
        % words
    )


def _scan(path: Path, encoding: str) -> Found | Failure:
    decode = decoder(encoding)
    before = rows = returns = 0
    start, last, pending = "", "\n", b""
    for piece in _with_end(raw_bytes.chunks(path)):
        try:
            decoded = decode.decode(piece, final=not piece)
        except UnicodeError as error:
            return _failure(error, piece, pending, before, max(rows, returns), start, encoding)
        start, last = start or decoded, decoded[-1:] or last
        before += len(piece)
        rows += decoded.count("\n")
        returns += decoded.count("\r")
        pending = decode.getstate()[0] if piece else b""
    # The last line may go without its end.
    return Found(encoding, max(rows, returns) + (last not in "\r\n"))


def _failure(
    error: UnicodeError, piece: bytes, pending: bytes, before: int, rows: int, start: str, encoding: str
) -> Failure:
    at = error.start if isinstance(error, UnicodeDecodeError) else 0
    data = pending + piece
    good = data[:at].decode(_codec(encoding), "ignore")
    ends = ("unexpected end", "incomplete", "truncated")
    return Failure(
        byte=before - len(pending) + at + 1,
        row=rows + max(good.count("\n"), good.count("\r")) + 1,
        value=data[at] if at < len(data) else 0,
        cut=not piece and any(word in str(error) for word in ends),
        far=len(FAR.findall(start or good)),
    )


def _with_end(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield b""


def _far(first: bytes) -> int:
    return len(FAR.findall(first.decode("utf-8", "ignore")))


def _utf16_without_mark(first: bytes) -> str:
    """UTF-16 of mostly Latin letters has a zero in every other byte; text in any other encoding has none."""
    head = first[:4000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 < len(head):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_western(first: bytes) -> bool:
    """Letters with accents stand alone between plain ones; Chinese is written in pairs of bytes."""
    runs = [len(run) for run in HIGH_RUN.findall(first)]
    return bool(runs) and sum(length == 1 for length in runs) * 10 >= len(runs) * 8
