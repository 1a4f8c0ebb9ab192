"""The bytes of a kept file, unpacked when it is gzip, and never more of them than the bank allows."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _

from bankcrm.runs import Refused

# Unpacked: a small .gz must not become a full disk.
MAX_BYTES = 500 * 1024 * 1024
CHUNK = 1 << 20
# Below it a second hand costs more than it does.
SMALLEST_HALF = 4 * CHUNK


@dataclass(frozen=True)
class Half:
    """Whole lines of a file: the bytes from ``start`` up to ``stop`` (None: to the end) and the lines before them."""

    start: int = 0
    stop: int | None = None
    before: int = 0


def halves(path: Path) -> list[Half]:
    """The file cut in two at a line end; one piece where it is small, packed or larger than the bank allows.

    Only for encodings in which the byte of a line end is never part of another character.
    """
    size = path.stat().st_size
    if not 2 * SMALLEST_HALF <= size <= MAX_BYTES:
        return [Half()]
    with path.open("rb") as source:
        packed = source.read(2) == b"\x1f\x8b"
        source.seek(size // 2)
        last = source.readline(CHUNK)
        middle = source.tell()
    if packed or not last.endswith(b"\n") or middle == size:
        return [Half()]
    first = Half(0, middle)
    return [first, Half(middle, None, sum(piece.count(b"\n") for piece in chunks(path, first)))]


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when it is gzip by its first two bytes. Raises Refused when it cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")
    except OSError as error:
        raise Refused(_("The file is missing or cannot be read.")) from error


WHOLE = Half()


def chunks(path: Path, half: Half = WHOLE) -> Iterator[bytes]:
    """The unpacked bytes in pieces, of one half where it is asked for.

    Raises Refused when the file is damaged or larger than ``MAX_BYTES``.
    """
    size = 0
    with open_bytes(path) as source:
        source.seek(half.start)
        most = MAX_BYTES + CHUNK if half.stop is None else half.stop - half.start
        while True:
            try:
                piece = source.read(min(CHUNK, most - size))
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
