"""What a file is before anybody reads it: text or workbook, encoding, delimiter, header. Refuses in one sentence."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bankcrm.runs import Refused
from customers.imports import encodings, headers, raw_bytes, workbooks

MAX_ROWS = 5_000_000
MAX_LINE = 16 * 1024 * 1024
DELIMITERS = (",", ";", "\t", "|", "^", "\x01")
HEAD_LINES, HEAD_CHARACTERS = 200, 1 << 20
SAMPLE_ROWS = 5000
# A field may be this long before the csv reader gives up; longer than any column, so that the row can say so itself.
csv.field_size_limit(MAX_LINE)


@dataclass(frozen=True)
class Sniffed:
    """``columns`` as the header has them, ``preview`` the first data rows as text, ``header`` the line of the names
    (0: there is none), ``sheets`` what else a workbook holds, ``twins`` columns named alike, ``notes`` what to know."""

    encoding: str
    delimiter: str
    columns: list[str]
    preview: list[list[str]]
    header: int = 1
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    twins: list[str] = field(default_factory=list)
    lines: int = 0
    # Of a workbook, which is dear to open, the rows that ``sample`` would read again.
    sample: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def options(self) -> dict[str, Any]:
        """What the next reading of the same file needs besides encoding and delimiter."""
        found: dict[str, Any] = {"header": self.header, "notes": self.notes, "lines": self.lines}
        return found | {"sheet": self.sheet, "sheets": self.sheets} if self.sheet else found


def sniff(path: Path, options: Mapping[str, Any] | None = None) -> Sniffed:
    """Read the file once and say what it is.

    ``options`` may hold encoding, delimiter, header (a line; 0: none) and sheet; they are believed, if they hold.
    ``likely_delimiter`` is what earlier files of the source had.
    Raises Refused: missing, damaged, empty, too large, undecodable (with byte and row), no table at all.
    """
    options = options or {}
    first = next(raw_bytes.chunks(path), b"")
    workbooks.refuse_other_formats(first)
    if first.startswith(workbooks.ZIP):
        return _workbook(path, options)
    found = encodings.find(path, _encoding(options))
    head = _head(path, found.encoding)
    mark = options.get("delimiter") or _delimiter(head, options.get("likely_delimiter", ""))
    header = headers.find(_lines(head, mark), _header(options))
    if found.lines - header.line > MAX_ROWS:
        raise too_many_rows()
    preview = list(itertools.islice(_fields(head, mark, header.line), 5))
    if not preview:
        raise Refused(_("The file has a header and no rows."))
    notes = [found.note] if found.note else []
    return Sniffed(
        found.encoding,
        mark,
        header.columns,
        preview,
        header.line,
        twins=header.twins,
        notes=notes + header.notes,
        lines=max(found.lines - header.line, len(preview)),
    )


def too_many_rows() -> Refused:
    return Refused(
        _("The file has more than %(most)s rows. Split it and bring the parts one by one.")
        % {"most": f"{MAX_ROWS:,}"}
    )


def _encoding(options: Mapping[str, Any]) -> str:
    wanted = options.get("encoding", "")
    return "" if wanted == workbooks.ENCODING else wanted


def _header(options: Mapping[str, Any]) -> int | None:
    return None if options.get("header") in (None, "") else int(options["header"])


def _workbook(path: Path, options: Mapping[str, Any]) -> Sniffed:
    with path.open("rb") as source:
        if source.read(2) == b"\x1f\x8b":
            raise Refused(_("This is a packed archive. Unpack it and bring the file inside."))
    found = workbooks.look(path, options.get("sheet", ""), SAMPLE_ROWS)
    title, head = found.title, found.head
    if found.uncalculated:
        raise Refused(
            _(
                "Cell %(cell)s holds a formula without its value. Open the file in a spreadsheet program, save it, and"
                " bring it again."
            )
            % {"cell": found.uncalculated}
        )
    if not head:
        raise Refused(_("The sheet “%(title)s” is empty.") % {"title": title})
    header = headers.find(
        [(row.line, row.line, row.cells) for row in head[: headers.LOOK_AT]], _header(options)
    )
    width = len(header.columns)
    rows = [padded(row.cells, width) for row in head if row.line > header.line]
    if not rows:
        raise Refused(_("The sheet “%(title)s” has a header and no rows.") % {"title": title})
    notes = list(header.notes)
    if others := [each for each in found.sheets if each != title]:
        notes.insert(
            0,
            _("The sheet “%(title)s” is read; the workbook also holds: %(others)s.")
            % {"title": title, "others": ", ".join(others)},
        )
    return Sniffed(
        workbooks.ENCODING,
        ",",
        header.columns,
        rows[:5],
        header.line,
        title,
        found.sheets,
        header.twins,
        notes=notes,
        sample=[row for row in rows if len(row) == width],
    )


def padded(cells: Sequence[str], width: int) -> list[str]:
    """A row of a workbook has no empty cells at its end; a row of a table does."""
    return [*cells, *[""] * (width - len(cells))]


def sample(
    path: Path, encoding: str, delimiter: str, options: Mapping[str, Any], width: int
) -> list[list[str]]:
    """The first rows of data, up to ``SAMPLE_ROWS``, ragged ones left out. Raises Refused, UnicodeError never."""
    after = int(options.get("header", 1))
    if encoding == workbooks.ENCODING:
        return _kept_sample(path, options) or keep_sample(path, sniff(path, options))
    rows = _fields(_head(path, encoding, SAMPLE_ROWS, 8 * HEAD_CHARACTERS), delimiter, after)
    return [list(row) for row in itertools.islice(rows, SAMPLE_ROWS) if len(row) == width]


def keep_sample(path: Path, sniffed: Sniffed) -> list[list[str]]:
    """Keep the first rows of a workbook beside it, so that the mapping page need not open it; returns them."""
    if sniffed.encoding == workbooks.ENCODING:
        kept = {"sheet": sniffed.sheet, "header": sniffed.header, "rows": sniffed.sample}
        _sample_path(path).write_text(json.dumps(kept))
    return sniffed.sample


def _kept_sample(path: Path, options: Mapping[str, Any]) -> list[list[str]]:
    try:
        kept = json.loads(_sample_path(path).read_text())
    except (OSError, ValueError):
        return []
    same = (kept["sheet"], kept["header"]) == (options.get("sheet"), options.get("header"))
    return kept["rows"] if same else []


def _sample_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sample")


def long_lines(lines: io.TextIOWrapper) -> Iterator[str]:
    """The lines as they are. Raises Refused for one that no table has, before it fills the memory."""
    number = 0
    while line := lines.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise Refused(
                _("Line %(line)s is longer than %(most)s million characters: this is no table of rows.")
                % {"line": number, "most": MAX_LINE // 1024**2}
            )
        yield line


def _head(path: Path, encoding: str, most: int = HEAD_LINES, characters: int = HEAD_CHARACTERS) -> str:
    found, size = [], 0
    with encodings.text(path, encoding) as lines:
        for line in itertools.islice(long_lines(lines), most):
            found.append(line)
            size += len(line)
            if size > characters:
                break
    return "".join(found)


def _fields(head: str, delimiter: str, after: int) -> Iterator[list[str]]:
    lines = io.StringIO(head, newline="")
    for _skipped in range(after):
        lines.readline()
    return (row for row in csv.reader(lines, delimiter=delimiter, strict=False) if row)


def _lines(head: str, delimiter: str) -> list[headers.Line]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=False)
    found, before = [], 0
    for cells in itertools.islice(reader, headers.LOOK_AT):
        found.append((before + 1, reader.line_num, cells))
        before = reader.line_num
    # Excel writes such a first line for itself.
    return [
        line for line in found if not (line[0] == 1 and line[2][:1] and line[2][0].lower().startswith("sep="))
    ]


def _delimiter(head: str, likely: str = "") -> str:
    """The delimiter under which the first rows have the same number of fields, and the most of them; the likely one
    where it parts the first line."""
    if likely and likely in head.partition("\n")[0]:
        return likely
    best, most = ",", 0
    for mark in DELIMITERS:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=mark)
        rows = list(itertools.islice(filter(None, reader), 20))
        widths = [len(row) for row in rows]
        width = max(set(widths), key=lambda each: (widths.count(each), each)) if widths else 0
        same = widths.count(width)
        if width > 1 and same * width > most:
            best, most = mark, same * width
    return best
