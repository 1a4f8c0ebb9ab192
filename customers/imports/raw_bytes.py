"""The bytes of a kept file, unpacked when it is gzip, and never more of them than the bank allows."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _

from bankcrm.runs import Refused

# Unpacked: a small .gz must not become a full disk.
MAX_BYTES = 500 * 1024 * 1024
CHUNK = 1 << 20


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
