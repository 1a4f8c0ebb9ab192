"""Small workbooks, good and bad, that the tests of imports share."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

HEADER = ["number", "name", "birth_date", "monthly_income", "is_employee", "phone"]
ROW = ["C1", "王芳", dt.date(1980, 2, 29), 12960.5, True, 13812342291]


def workbook(
    rows: Sequence[Sequence[Any]], *, title: str = "Clients", mac: bool = False, **more: Any
) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = title
    if mac:
        book.epoch = CALENDAR_MAC_1904
    for row in rows:
        sheet.append(list(row))
    for name, value in more.items():
        book.create_sheet(name).append([value])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def save(folder: Path, data: bytes, name: str = "clients.xlsx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def changed(
    data: bytes, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None
) -> bytes:
    """The archive with every part run through ``change`` (None drops it) and the ``extra`` parts added."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as result,
    ):
        for name in source.namelist():
            if (part := change(name, source.read(name))) is not None:
                result.writestr(name, part)
        for name, part in (extra or {}).items():
            result.writestr(name, part)
    return target.getvalue()


def with_macros(data: bytes) -> bytes:
    """A macro workbook that somebody renamed to .xlsx."""
    return changed(data, lambda _name, part: part, {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0macro"})


def bomb() -> bytes:
    """A workbook of some kB whose sheet unpacks to 64 MB of nothing."""
    sheet = b"<worksheet>" + b" " * (64 * 1024**2)
    return changed(
        workbook([HEADER, ROW]), lambda name, part: sheet if name.startswith("xl/worksheets/") else part
    )
