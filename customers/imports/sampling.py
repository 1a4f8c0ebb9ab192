"""What the first rows of a file show of each column: its values, and how its days and numbers are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from customers.imports.day_readers import SHAPES

# More different values than this are no code list.
FEW = 40
LONGEST_CODE = 60
PLAIN_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}([.\s']\d{3})+)(,\d+)?")
MOMENT = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?$")
# From so many rows on a column that never varies, or never repeats, shows what it is.
TELLING = 20
IDENTIFIER = re.compile(
    r"(^|[ _])(id|ids|no|num|number|nr|ref|key|uuid|guid)$|(Id|ID|No|Num|Number|Ref)$|号码?$|编号$|代码$",
    re.I,
)
# What a value looks like whatever its column is called; most of a column's values must.
LOOKS = {
    "identity": re.compile(r"[1-9]\d{5}(19|20)\d{9}[\dXx]"),
    "phone": re.compile(r"(\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}


@dataclass(frozen=True)
class Column:
    """``values`` are the different ones with their counts, most frequent first; ``seen`` counts all cells looked at."""

    name: str
    values: list[tuple[str, int]]
    filled: int
    seen: int

    @property
    def is_code_list(self) -> bool:
        few = len(self.values) <= FEW and all(len(value) <= LONGEST_CODE for value, _count in self.values)
        return few and (len(self.values) * 2 <= self.filled or len(self.values) <= 4)

    @property
    def names_rows(self) -> bool:
        """Called an identifier, and of another value in every one of many rows."""
        return self.could_name_rows and self.filled >= TELLING

    @property
    def could_name_rows(self) -> bool:
        """The same of a file of few rows, where a person looks at every one of them."""
        is_unique = self.filled == self.seen == len(self.values) > 1
        return is_unique and IDENTIFIER.search(self.name.strip()) is not None

    def with_more(self, words: Mapping[str, int]) -> Column:
        """The same with words that the first rows do not show, after theirs."""
        known = {value for value, _count in self.values}
        more = [(word, count) for word, count in words.items() if word not in known]
        return replace(self, values=[*self.values, *more]) if more else self

    def examples(self, count: int = 3) -> list[str]:
        return [value for value, _count in self.values[:count]]

    def looks_like(self, kind: str) -> bool:
        """Four of five values have the look of an identity number, a phone, an e-mail."""
        fitting = sum(count for value, count in self.values if LOOKS[kind].fullmatch(value))
        return self.filled >= 1 and fitting * 5 >= self.filled * 4

    def day_forms(self) -> list[str]:
        """Forms that every value fits, the likelier first; none for a column of something else."""
        days = [MOMENT.sub("", value) for value, _count in self.values[:500]]
        return [
            form
            for form, shape in SHAPES.items()
            if days and all(re.match(shape, day) and _possible(form, day) for day in days)
        ]

    def number_form(self) -> str:
        """``comma`` where numbers are written 1.234,50, else ``point``."""
        numbers = [value for value, _count in self.values[:500]]
        with_comma = [value for value in numbers if "," in value]
        if (
            with_comma
            and all(COMMA_NUMBER.fullmatch(value) for value in numbers)
            and not all(PLAIN_NUMBER.fullmatch(value) for value in numbers)
        ):
            return "comma"
        return "point"

    def odd_numbers(self) -> list[str]:
        """Values that are no numbers, of a column that may be a list of bands such as 60K-80K."""
        shape = COMMA_NUMBER if self.number_form() == "comma" else PLAIN_NUMBER
        return [value for value, _count in self.values if not shape.fullmatch(value.strip("￥¥$€£ "))]


def is_number(text: str) -> bool:
    """Whether a column of numbers may hold the text, in one of the two ways of writing them."""
    return bool(PLAIN_NUMBER.fullmatch(text) or COMMA_NUMBER.fullmatch(text))


def columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """One for each name, from rows as wide as the names."""
    found = []
    for at, name in enumerate(names):
        counts = Counter(value for row in rows if at < len(row) and (value := row[at].strip()))
        found.append(Column(name, counts.most_common(), sum(counts.values()), len(rows)))
    return found


def _possible(form: str, day: str) -> bool:
    """The month of the form is one: what tells 31/12 from 12/31."""
    parts = [int(part) for part in re.findall(r"\d+", day)]
    if form.startswith("serial"):
        return 7000 <= float(day) <= 73000
    if form == "mon":
        return True
    if form in ("dmy", "mdy"):
        days, months = parts[:2] if form == "dmy" else (parts[1], parts[0])
        return months <= 12 and days <= 31
    if form == "yymmdd":
        return 1 <= int(day[2:4]) <= 12 and 1 <= int(day[4:]) <= 31
    month = parts[1] if len(parts) > 1 else int(day[4:6])
    return 1 <= month <= 12
