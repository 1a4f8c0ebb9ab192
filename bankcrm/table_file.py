"""A small table from a file somebody filled in by hand: CSV in UTF-8 or GB18030, columns found by their names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

MOST_ROWS = 50_000
MOST_BYTES = 5 * 1024 * 1024
# As many wrong lines as one page can show.
MOST_ERRORS = 50


class WrongFile(Exception):
    """The file cannot come in; one sentence per wrong line, at most MOST_ERRORS. Nothing was written."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("; ".join(self.sentences))


@dataclass(frozen=True, slots=True)
class Line:
    """One filled line: its number in the file and the text of every column, "" where a cell is empty or missing."""

    line: int
    cells: Mapping[str, str]


def csv_rows(content: bytes) -> list[list[str]]:
    """The cells of a CSV, delimiter and encoding found. Raises WrongFile for what is no such table."""
    if len(content) > MOST_BYTES:
        raise WrongFile([_("The file is larger than 5 MB.")])
    text = _decoded(content)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:4096], ",;\t")
    except csv.Error:
        dialect = csv.excel
    try:
        return list(csv.reader(io.StringIO(text, newline=""), dialect))
    except csv.Error as error:
        raise WrongFile([_("This is not a table of text: %(error)s.") % {"error": error}]) from error


def lines(
    rows: Sequence[Sequence[str]], columns: Mapping[str, Sequence[str]], optional: Iterable[str] = ()
) -> list[Line]:
    """The filled lines under a head line. ``columns``: column → the words that may head it, in lower case.

    Raises WrongFile without rows, with too many, or when a column is not headed exactly once (an ``optional`` one: more
    than once).
    """
    if not rows:
        raise WrongFile([_("The file is empty.")])
    places = _places(rows[0], columns, frozenset(optional))
    found = [
        Line(n, {name: _cell(cells, place) for name, place in places.items()})
        for n, cells in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in cells)
    ]
    if not found:
        raise WrongFile([_("The file has a head line and no rows.")])
    if len(found) > MOST_ROWS:
        raise WrongFile([_("The file has more than 50,000 rows.")])
    return found


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise WrongFile([_("The file is neither UTF-8 nor GB18030 text.")])


def _places(
    head: Sequence[str], columns: Mapping[str, Sequence[str]], optional: frozenset[str]
) -> dict[str, int | None]:
    names = [cell.strip().lower() for cell in head]
    places: dict[str, int | None] = {}
    for column, known in columns.items():
        found = [n for n, name in enumerate(names) if name in known]
        if len(found) > 1 or (not found and column not in optional):
            raise WrongFile([_("The head line must name the column “%(name)s” once.") % {"name": column}])
        places[column] = found[0] if found else None
    return places


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place].strip().replace("\0", "") if place is not None and place < len(cells) else ""
