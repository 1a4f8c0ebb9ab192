"""Workbooks (.xlsx): judged by the directory of the archive before anything is unpacked, then read row by row.

Other things that call themselves a table are refused with what to do instead.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm.runs import Refused

if not openpyxl.DEFUSEDXML:
    raise ImportError("openpyxl reads workbooks of strangers here: it needs defusedxml")

ENCODING = "xlsx"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
MAX_ENTRIES = 2000
MAX_UNPACKED = 2 * 1024**3
# openpyxl keeps these in memory.
MAX_STRINGS = 64 * 1024**2
# Sheets of real tables pack 5 to 30 times; repeated zeros pack 1,000 times.
MAX_RATIO, RATIO_MATTERS_FROM = 150, 20 * 1024**2
# Excel keeps 15 digits of a number and writes longer ones with an exponent.
EXACT = 10**15
SAVE_AS = gettext_lazy("Open it in a spreadsheet program, save it as .xlsx or CSV, and bring that.")
OTHER_FORMATS = {
    b"%PDF": gettext_lazy("This is a PDF. Ask for the table as .xlsx or CSV."),
    b"PAR1": gettext_lazy("This is a Parquet file. Export it as CSV."),
    b"7z\xbc\xaf": gettext_lazy("This is a packed archive. Unpack it and bring the file inside."),
    b"Rar!": gettext_lazy("This is a packed archive. Unpack it and bring the file inside."),
}
FORMULA = re.compile(
    rb'<c r="([A-Z]{1,3}\d+)"(?![^>]*t="str")[^>]*>(?:(?!</c>).)*?</f>\s*(?:<v\s*/>|<v></v>)?\s*</c>', re.S
)


@dataclass(frozen=True)
class Row:
    line: int
    cells: list[str]


def refuse_other_formats(first: bytes) -> None:
    """Raise Refused for the first bytes of what is neither text nor a zip archive."""
    if first.startswith(OLE):
        raise Refused(
            _("The workbook is protected by a password or in the old .xls format. %(do)s") % {"do": SAVE_AS}
        )
    for mark, sentence in OTHER_FORMATS.items():
        if first.startswith(mark):
            raise Refused(str(sentence))
    if re.match(rb"\s*(<!doctype html|<html|<table|<\?xml)", first[:200], re.I):
        raise Refused(_("This is a web page or XML, not a table of rows. %(do)s") % {"do": SAVE_AS})


def judge(path: Path) -> None:
    """Look at the archive's directory only. Raises Refused for what is no plain workbook or would unpack too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _sizes(path, entries)
            _contents(archive, {entry.filename.lower() for entry in entries})
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise Refused(_("The workbook is damaged: it cannot be unpacked.")) from error


def _sizes(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = path.stat().st_size
    if len(entries) > MAX_ENTRIES:
        raise Refused(
            _("The workbook holds %(count)s parts, more than %(most)s. %(do)s")
            % {"count": len(entries), "most": MAX_ENTRIES, "do": SAVE_AS}
        )
    bomb = total > RATIO_MATTERS_FROM and total > MAX_RATIO * packed
    if bomb or total > MAX_UNPACKED:
        raise Refused(
            _("The workbook would unpack from %(packed)s kB to %(total)s MB. It was not opened.")
            % {"packed": max(packed // 1024, 1), "total": total // 1024**2}
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused(_("The workbook is protected by a password. Save it without one."))
    for entry in entries:
        if entry.filename.lower() == "xl/sharedstrings.xml" and entry.file_size > MAX_STRINGS:
            raise Refused(_("The workbook holds too much text to be opened. Save the sheet as CSV."))


def _contents(archive: zipfile.ZipFile, names: set[str]) -> None:
    if "mimetype" in names and any(name == "content.xml" for name in names):
        raise Refused(_("This is an OpenDocument spreadsheet. %(do)s") % {"do": SAVE_AS})
    if "xl/workbook.bin" in names:
        raise Refused(_("This is a binary workbook (.xlsb). %(do)s") % {"do": SAVE_AS})
    if "[content_types].xml" not in names:
        raise Refused(_("This is a packed archive. Unpack it and bring the file inside."))
    with archive.open("[Content_Types].xml") as source:
        kinds = source.read(1 << 20).lower()
    if any(name.endswith("vbaproject.bin") for name in names) or b"macroenabled" in kinds:
        raise Refused(
            _(
                "The workbook holds macros, whatever it is called. Save it as .xlsx without macros and bring that."
            )
        )
    if not any(name.startswith("xl/worksheets/") for name in names):
        raise Refused(_("This is no workbook with a table in it. %(do)s") % {"do": SAVE_AS})


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    judge(path)
    try:
        # A date beyond the calendar makes openpyxl warn; the cell comes as #VALUE! and is reported with its line.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            with (
                path.open("rb") as source,
                closing(openpyxl.load_workbook(source, read_only=True, data_only=True)) as workbook,
            ):
                yield workbook
    except Refused:
        raise
    except Exception as error:  # a stranger's XML fails openpyxl in every way there is
        raise Refused(
            _("The workbook is damaged, or holds what no table needs. %(do)s") % {"do": SAVE_AS}
        ) from error


@dataclass(frozen=True)
class Look:
    """``sheets`` are the visible ones with rows, ``head`` the first rows of the sheet ``title``, ``uncalculated`` the
    address of its first formula that carries no value ("": none): it would read as an empty cell."""

    sheets: list[str]
    title: str
    head: list[Row]
    uncalculated: str


def look(path: Path, title: str, most: int) -> Look:
    """What a workbook holds, opened once: opening reads all of its shared text. Without a ``title`` the first sheet.

    Raises Refused when there is nothing to read.
    """
    with _opened(path) as workbook:
        titles = [
            each.title for each in workbook.worksheets if each.sheet_state == "visible" and _is_table(each)
        ]
        if not titles:
            raise Refused(_("The workbook has no visible sheet with rows."))
        title = title or titles[0]
        sheet = _sheet(workbook, title)
        head = list(itertools.islice(_rows(sheet, 0), most))
        part = sheet._worksheet_path  # openpyxl names the part nowhere else
    return Look(titles, title, head, _uncalculated(path, part))


def _is_table(sheet: Any) -> bool:
    return hasattr(sheet, "iter_rows")


def _sheet(workbook: Any, title: str) -> Any:
    if title not in workbook.sheetnames:
        raise Refused(_("The workbook has no sheet “%(title)s”.") % {"title": title})
    return workbook[title]


def rows(path: Path, title: str, after: int = 0) -> Iterator[Row]:
    """The rows of a sheet below line ``after``, blank ones left out, cells as the text a CSV would hold.

    Raises Refused when the sheet is not there or the workbook is damaged.
    """
    with _opened(path) as workbook:
        yield from _rows(_sheet(workbook, title), after)


def _rows(sheet: Any, after: int) -> Iterator[Row]:
    # What a sheet says about its own size may be wrong; its rows say it again.
    sheet.reset_dimensions()
    for line, values in enumerate(sheet.iter_rows(min_row=after + 1, values_only=True), start=after + 1):
        cells = [as_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield Row(line, cells)


def _uncalculated(path: Path, part: str) -> str:
    kept = b""
    with zipfile.ZipFile(path) as archive, archive.open(part) as source:
        while piece := source.read(1 << 20):
            data = kept + piece
            if b"</f>" in data and (found := FORMULA.search(data)):
                return found[1].decode()
            kept = data[data.rfind(b"<c ") :][-4096:]
    return ""


def as_text(value: Any) -> str:
    """A cell as a CSV would hold it: ISO dates, numbers without needless places, TRUE and FALSE."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _number(value: float) -> str:
    if abs(value) >= EXACT:
        return f"{Decimal(value):.14E}"
    return format(Decimal(f"{value:.15g}"), "f")
