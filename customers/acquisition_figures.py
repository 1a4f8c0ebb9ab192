"""The figures of acquisition cohorts: one statement for all groups and months, and the formulas over its sums.

Shares carry Wilson intervals. Contribution per unit of cost is a ratio of two sums; its interval is the delta method's
for a ratio estimator (W. G. Cochran, Sampling Techniques, 3rd ed., 1977, 6.3–6.4).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from bankcrm.proportions import wilson
from customers.models import Acquisition

HORIZONS = (3, 6, 12)
DIMENSIONS = ("channel", "partner", "scene")
# Below this a share says little; it is shown with its interval and flagged.
SMALL = 30
LEVEL = 0.95

_SUMS: dict[str, str] = {
    "n": "count(*)",
    "cost_n": "count(cost)",
    "cost": "coalesce(sum(cost), 0)",
    "fees": "sum(fees)",
    "borrowers": "count(*) FILTER (WHERE contracts > 0)",
    "borrowers_30": "count(*) FILTER (WHERE contracts_30 > 0)",
    "borrowers_90": "count(*) FILTER (WHERE contracts_90 > 0)",
    "contracts": "sum(contracts)",
    "contracts_30": "sum(contracts_30)",
    "contracts_90": "sum(contracts_90)",
    "outstanding": "sum(outstanding)",
    "outstanding_30": "sum(outstanding_30)",
    "outstanding_90": "sum(outstanding_90)",
    "value": "sum(value)",
    "paid_value": "coalesce(sum(value) FILTER (WHERE cost IS NOT NULL), 0)",
    "value_value": "coalesce(sum(value::float8 * value::float8) FILTER (WHERE cost IS NOT NULL), 0)",
    "value_cost": "coalesce(sum(value::float8 * cost::float8), 0)",
    "cost_cost": "coalesce(sum(cost::float8 * cost::float8), 0)",
}

# The columns the sums are taken over; of the row nothing else is read.
_READ = (
    *DIMENSIONS,
    "cohort",
    "cost",
    "fees",
    "contracts",
    "contracts_30",
    "contracts_90",
    "outstanding",
    "outstanding_30",
    "outstanding_90",
    "value",
    "second_after",
)


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``n`` with the Wilson interval; None where nobody could yet be counted (too early, or nobody)."""

    count: int
    n: int

    @property
    def value(self) -> float | None:
        return self.count / self.n if self.n else None

    @property
    def low(self) -> float | None:
        return self._ends()[0]

    @property
    def high(self) -> float | None:
        return self._ends()[1]

    @property
    def is_small(self) -> bool:
        return 0 < self.n < SMALL

    def _ends(self) -> tuple[float | None, float | None]:
        if not self.n:
            return None, None
        return wilson(self.count, self.n, LEVEL)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Contribution ÷ cost over the ``n`` customers whose cost is known; None without cost, ends None below 2."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What one group, or one cohort of it, came to. ``key`` None: all groups together; ``cohort`` None: all months."""

    key: str | None
    cohort: dt.date | None
    sums: dict[str, Any]

    @property
    def n(self) -> int:
        return int(self.sums["n"])

    @property
    def cost_per_customer(self) -> float | None:
        return float(self.sums["cost"]) / self.sums["cost_n"] if self.sums["cost_n"] else None

    @property
    def fees(self) -> float:
        return float(self.sums["fees"])

    @property
    def value(self) -> float:
        return float(self.sums["value"])

    def second(self, months: int) -> Share:
        """Who took a second product within so many months, of cohorts old enough to tell."""
        return Share(self.sums[f"second_{months}"], self.sums[f"ripe_{months}"])

    def overdue(self, days: int) -> Share:
        """Customers with a contract overdue by more than 30 or 90 days, of those with a contract."""
        return Share(self.sums[f"borrowers_{days}"], self.sums["borrowers"])

    def overdue_contracts(self, days: int) -> Share:
        return Share(int(self.sums[f"contracts_{days}"]), int(self.sums["contracts"]))

    def overdue_principal(self, days: int) -> float | None:
        """Share of the principal outstanding; it has no interval, for money is not counted in independent units."""
        total = float(self.sums["outstanding"])
        return float(self.sums[f"outstanding_{days}"]) / total if total else None

    @property
    def per_cost(self) -> Ratio:
        sums, n = self.sums, int(self.sums["cost_n"])
        cost = float(sums["cost"])
        if not cost:
            return Ratio(None, None, None, n)
        ratio = float(sums["paid_value"]) / cost
        if n < 2:
            return Ratio(ratio, None, None, n)
        spread = sums["value_value"] - 2 * ratio * sums["value_cost"] + ratio * ratio * sums["cost_cost"]
        error = math.sqrt(max(spread, 0.0) * n / (n - 1)) / cost
        half = NormalDist().inv_cdf((1 + LEVEL) / 2) * error
        return Ratio(ratio, ratio - half, ratio + half, n)

    @property
    def is_small(self) -> bool:
        return self.n < SMALL


def ripe_until(as_of: dt.date, months: int) -> dt.date:
    """The first day of the youngest cohort whose every customer has been with us for so many whole months.

    Within k months means: by the end of the k-th month after the month of acquisition.
    """
    number = as_of.year * 12 + as_of.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def figures(seen: QuerySet[Acquisition], dimension: str, as_of: dt.date) -> list[Figures]:
    """Figures of every group, every group's cohort, every cohort and of all together; one statement, in no order.

    ``seen`` holds the acquisitions that count. Raises ValueError for an unknown dimension.
    """
    if dimension not in DIMENSIONS:
        raise ValueError(dimension)
    columns = dict(_SUMS)
    limits = []
    for months in HORIZONS:
        columns[f"ripe_{months}"] = "count(*) FILTER (WHERE cohort <= %s)"
        columns[f"second_{months}"] = f"count(*) FILTER (WHERE cohort <= %s AND second_after <= {months})"
        limits += [ripe_until(as_of, months)] * 2
    source, given = _source(seen, *_READ)
    # One group and month at a time, added up here: the sums are few, and PostgreSQL would sort the rows for each level.
    statement = f"SELECT {dimension}, cohort, {', '.join(columns.values())} FROM ({source}) a GROUP BY 1, 2"  # noqa: S608  constants of this module
    with connection.cursor() as cursor:
        cursor.execute(statement, [*limits, *given])
        found = cursor.fetchall()
    levels: dict[tuple[str | None, dt.date | None], list[Any]] = {}
    for key, cohort, *sums in found:
        for level in ((None, None), (key, None), (None, cohort), (key, cohort)):
            known = levels.get(level)
            levels[level] = [old + new for old, new in zip(known, sums, strict=True)] if known else sums
    return [
        Figures(key, cohort, dict(zip(columns, sums, strict=True))) for (key, cohort), sums in levels.items()
    ]


# name → the column of months to the event; what is counted is the opposite for "stayed".
EVENTS = {
    "second": "second_after",
    "stayed": "left_after",
    "over_30": "over_30_after",
    "over_90": "over_90_after",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One cohort of the triangle: its size, and by month since acquisition how many the event has reached; None where
    the month has not ended yet."""

    cohort: dt.date
    n: int
    counts: list[int | None]


def triangle(seen: QuerySet[Acquisition], event: str, as_of: dt.date, width: int = 24) -> list[Row]:
    """Months since acquisition from 0 to ``width``; of "over_30" and "over_90" customers with a contract count only.

    One statement. Raises KeyError for an unknown event.
    """
    column = EVENTS[event]
    if event.startswith("over_"):
        seen = seen.filter(contracts__gt=0)
    source, given = _source(seen, "cohort", column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT cohort, {column}, count(*) FROM ({source}) a GROUP BY 1, 2 ORDER BY 1, 2",  # noqa: S608  constants
            given,
        )
        found = cursor.fetchall()
    cohorts: dict[dt.date, dict[int | None, int]] = {}
    for cohort, after, n in found:
        cohorts.setdefault(cohort, {})[after] = n
    return [_row(cohort, counts, event, as_of, width) for cohort, counts in cohorts.items()]


def _row(cohort: dt.date, counts: dict[int | None, int], event: str, as_of: dt.date, width: int) -> Row:
    n = sum(counts.values())
    age = (as_of.year - cohort.year) * 12 + as_of.month - cohort.month
    reached, shown = 0, []
    for month in range(width + 1):
        reached += counts.get(month, 0)
        shown.append((n - reached if event == "stayed" else reached) if month <= age else None)
    return Row(cohort, n, shown)


def _source(seen: QuerySet[Acquisition], *columns: str) -> tuple[str, tuple[Any, ...]]:
    query, given = seen.order_by().values_list(*columns).query.sql_with_params()
    return query, tuple(given)
