"""Where the names of the columns stand, and what they are called when the file does not say or says it twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bankcrm.runs import Refused

MAX_COLUMNS = 400
LOOK_AT = 20
NUMBER = re.compile(r"[+-]?[\d,]*\d(\.\d+)?%?|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*")


@dataclass(frozen=True)
class Header:
    """``line`` is the last line of the header, 0 where the file has none; ``twins`` are columns named alike."""

    line: int
    columns: list[str]
    twins: list[str]
    notes: list[str]


Line = tuple[int, int, Sequence[str]]


def find(lines: Sequence[Line], wanted: int | None = None) -> Header:
    """The header among the first ``lines`` of a file: (first line, last line, cells).

    ``wanted`` is the line a person named, 0 for "there is none". Titles above a table and blank lines are passed over.
    Raises Refused when there is no such line, or too many columns.
    """
    filled = [line for line in lines if any(cell.strip() for cell in line[2])]
    if not filled:
        raise Refused(_("The file is empty."))
    if wanted is not None:
        return _wanted(filled, wanted)
    width = max(_width(cells) for _first, _last, cells in filled)
    first, last, cells = next(line for line in filled if _width(line[2]) * 2 > width or width < 3)
    notes = []
    if first > 1:
        notes.append(_("The names of the columns were found in line %(line)s.") % {"line": first})
    rest = [line[2] for line in filled if line[0] > last]
    if first == 1 and rest and _is_data(cells):
        notes.append(_("The first line looks like data, not like names; the columns were numbered."))
        return _named(0, [""] * len(cells), notes)
    return _named(last, cells, notes)


def _wanted(filled: Sequence[Line], wanted: int) -> Header:
    if wanted == 0:
        return _named(0, [""] * max(len(cells) for _first, _last, cells in filled), [])
    for first, last, cells in filled:
        if first <= wanted <= last:
            return _named(last, cells, [])
    raise Refused(_("Line %(line)s holds no names of columns.") % {"line": wanted})


def _named(line: int, cells: Sequence[str], notes: list[str]) -> Header:
    names = [name.strip() for name in cells]
    if len(names) > MAX_COLUMNS:
        raise Refused(_("The header has more than %(most)s columns.") % {"most": MAX_COLUMNS})
    if any("\0" in name for name in names):
        raise Refused(_("The header holds a NUL byte: this is no text file."))
    twins = sorted({name for name in names if name and names.count(name) > 1})
    columns: list[str] = []
    for at, name in enumerate(names, start=1):
        columns.append(_free(name or _("Column %(position)s") % {"position": at}, columns))
    if twins:
        notes = [
            *notes,
            _("The header names a column twice: %(names)s. The later ones were numbered; say which counts.")
            % {"names": ", ".join(twins)},
        ]
    return Header(line, columns, [name for name in columns if _base(name) in twins], notes)


def _free(name: str, taken: Sequence[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def _base(name: str) -> str:
    return re.sub(r" \(\d+\)$", "", name)


def _width(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _is_data(cells: Sequence[str]) -> bool:
    """Half of the cells are numbers or dates: names of columns are not."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return sum(bool(NUMBER.fullmatch(cell)) for cell in filled) * 2 >= len(filled)
