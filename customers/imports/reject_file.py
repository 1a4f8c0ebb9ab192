"""The rows that were left out, as a file of the same columns: mended in a spreadsheet, it can be brought again.

Two columns more say the line of the first file and every reason; they are left out when the file comes back.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from django.utils.translation import gettext as _

from customers.imports.proposing import REJECT_COLUMNS
from customers.models import ImportFile, ImportReject

# Spreadsheets run a cell that begins so as a formula, Chinese ones also in full width.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BATCH = 2000
# Reasons that go away when somebody says on the mapping page what a word means.
UNKNOWN_WORDS = ("unknown_value", "not_yes_or_no", "unknown_branch", "unknown_product", "unknown_staff")
UNKNOWN = (*UNKNOWN_WORDS, "not_a_number")
LOOK_AT = 5000


class _Line:
    """A file that hands back what is written to it: csv.writer for a stream."""

    def write(self, text: str) -> str:
        return text


def lines(file: ImportFile) -> Iterator[str]:
    """The file in pieces of text: a header, then one row for each line that was left out, in order."""
    writer = csv.writer(_Line())
    kept = [at for at, name in enumerate(file.columns) if name not in REJECT_COLUMNS]
    yield "\ufeff" + writer.writerow([*(as_text(file.columns[at]) for at in kept), *REJECT_COLUMNS])
    rejects = ImportReject.objects.filter(file=file, is_warning=False).order_by("line", "code", "column")
    found = rejects.values_list("line", "column", "reason", "raw").iterator(chunk_size=BATCH)
    for line, group in groupby(found, key=lambda row: row[0]):
        rows = list(group)
        cells = fields(rows[0][3], file.delimiter)
        shown = [cells[at] if at < len(cells) else "" for at in kept]
        why = _reasons(rows, cells[len(file.columns) :])
        yield writer.writerow([*map(as_text, shown), line, as_text(why)])


def unknown_words(file: ImportFile) -> dict[str, dict[str, int]]:
    """Column → word → how often, of words that left rows out because nobody has said what they mean."""
    found: dict[str, Counter[str]] = {}
    rejects = ImportReject.objects.filter(file=file, code__in=UNKNOWN).order_by("line")
    at = {name: position for position, name in enumerate(file.columns)}
    for column, raw in rejects.values_list("column", "raw")[:LOOK_AT]:
        cells = fields(raw, file.delimiter)
        if column in at and at[column] < len(cells):
            found.setdefault(column, Counter())[cells[at[column]].strip()] += 1
    return {column: dict(words) for column, words in found.items()}


def fields(raw: str, delimiter: str) -> list[str]:
    """The cells of a row as it is kept; one cell for a row that no reader understands."""
    try:
        return next(csv.reader([raw], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return [raw]


def _reasons(rows: Iterable[tuple[int, str, str, str]], surplus: list[str]) -> str:
    words = [f"{column}: {reason}" if column else reason for _line, column, reason, _raw in rows]
    if surplus:
        words.append(_("What was too much: %(cells)s") % {"cells": ", ".join(surplus)})
    return " ".join(words)


def as_text(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would take it for a formula; an import takes it off."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
