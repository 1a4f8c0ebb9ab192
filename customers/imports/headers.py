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

# What programs call columns that they do not know by name; Y is what the others explain.
COUNTED = re.compile(r"[A-Za-z]?\d{1,3}|[A-Z]{1,2}|(unnamed|column|col|field|var|列)[: _]*\d{1,3}", re.I)


def in_words(name: str) -> str:
    """A heading as words in lower case: "LoanAmount", "Loan_amount" and "loan amount" are one."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+", " ", name).lower().strip()


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
    below = [line for line in filled if line[0] > last]
    if _has_names_below(cells, [line[2] for line in below]):
        if _only_counts(cells):
            line, last, cells = below[0]
            notes.append(
                _("Line %(numbered)s only numbers the columns; their names were found in line %(line)s.")
                % {"numbered": first, "line": line}
            )
            return _named(last, cells, notes)
        notes.append(
            _("Line %(line)s looks like names of columns too. If it is, say so under “Read it another way”.")
            % {"line": below[0][0]}
        )
    if first > 1:
        notes.append(_("The names of the columns were found in line %(line)s.") % {"line": first})
    if first == 1 and below and _is_data(cells):
        notes.append(_("The first line looks like data, not like names; the columns were numbered."))
        return _named(0, [""] * len(cells), notes)
    return _named(last, cells, notes)


def _has_names_below(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the line below a header is a second one: words, all different, over columns of numbers."""
    if len(rows) < 3 or len(cells) < 3:
        return False
    names = [cell.strip() for cell in rows[0]]
    filled = [name for name in names if name]
    if len(set(filled)) < len(filled) or len(filled) * 5 < len(cells) * 4:
        return False
    if any(NUMBER.fullmatch(name) for name in filled):
        return False
    numeric = [
        at
        for at in range(len(names))
        if all(at < len(row) and NUMBER.fullmatch(row[at].strip()) for row in rows[1:])
    ]
    return len(numeric) * 2 > len(filled)


def _only_counts(cells: Sequence[str]) -> bool:
    """X1, X2, … or A, B, …: what a program calls columns that it does not know by name."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return sum(bool(COUNTED.fullmatch(name)) for name in filled) * 5 >= len(filled) * 4


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
