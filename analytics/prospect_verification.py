"""What scores of prospects came to: who of the list became a customer and opened the product within the window.

A prospect is recognised among the customers as everywhere else, by identity number or phone. Counted when it is asked
for, because a list is no bank; once a list is deleted nothing is left to count.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from analytics.modelling.limits import OBSERVED_OVER_EXPECTED
from analytics.models import ProspectRun, ProspectScore
from analytics.verification import Row, data_through
from bankcrm.proportions import wilson
from customers.models import Customer, Holding, Prospect

# The list's own keys: whoever has neither could not be recognised, so of them nothing is known.
_COUNT = f"""
SELECT s.decile, count(*), count(*) FILTER (WHERE became.product), avg(s.probability),
       count(*) FILTER (WHERE became.customer IS NOT NULL)
FROM {ProspectScore._meta.db_table} s JOIN {Prospect._meta.db_table} c ON c.id = s.prospect_id
CROSS JOIN LATERAL (
    SELECT max(k.id) AS customer, bool_or(EXISTS (
        SELECT 1 FROM {Holding._meta.db_table} h WHERE h.customer_id = k.id AND h.product_id = %s
        AND h.opened_on > %s AND h.opened_on <= %s)) AS product
    FROM {Customer._meta.db_table} k
    WHERE (k.identity_number = c.identity_number AND k.identity_number <> '') OR (k.phone = c.phone AND k.phone <> '')
) became
WHERE s.prospect_run_id = %s AND (c.identity_number <> '' OR c.phone <> '')
GROUP BY s.decile ORDER BY s.decile
"""  # noqa: S608  names of tables


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's predicted against actual: ``rows`` by decile, ``joined`` who became customers at all, ``unrecognisable``
    whom no key could tell. ``ratio`` is observed over expected with ``low`` and ``high`` from Wilson's interval."""

    run: ProspectRun
    complete_on: dt.date
    rows: tuple[Row, ...] = ()
    joined: int = 0

    @property
    def n(self) -> int:
        return sum(row.n for row in self.rows)

    @property
    def observed(self) -> int:
        return sum(row.positives for row in self.rows)

    @property
    def expected(self) -> float:
        return sum(row.n * row.predicted for row in self.rows)

    @property
    def unrecognisable(self) -> int:
        return self.run.rows - self.n

    @property
    def inside(self) -> int:
        return sum(row.inside for row in self.rows)

    @property
    def ratio(self) -> dict[str, float] | None:
        if not self.n or self.expected <= 0:
            return None
        low, high = (bound * self.n / self.expected for bound in wilson(self.observed, self.n))
        return {"value": self.observed / self.expected, "low": low, "high": high}

    @property
    def alarm(self) -> str:
        """ "over" where the scores promised too much, "under" too little, else "none"."""
        found, (lower, upper) = self.ratio, OBSERVED_OVER_EXPECTED
        if found is None:
            return "none"
        if found["value"] < lower and found["high"] < 1:
            return "over"
        return "under" if found["value"] > upper and found["low"] > 1 else "none"


def complete_on(run: ProspectRun) -> dt.date:
    """The day the last outcome of the run's window falls on."""
    return run.as_of + dt.timedelta(days=run.version.model.horizon_days)


def outcome(run: ProspectRun) -> Outcome:
    """Predicted against actual of a run; without rows while its window is open or outcomes are not in to its end."""
    return _counted(run, data_through())


def _counted(run: ProspectRun, through: dt.date | None) -> Outcome:
    until = complete_on(run)
    if through is None or through < until:
        return Outcome(run, until)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [run.version.model.product_id, run.as_of, until, run.pk])
        found = cursor.fetchall()
    rows = tuple(
        Row(decile, n, bought, float(chance), bought / n, *wilson(bought, n))
        for decile, n, bought, chance, _joined in found
    )
    return Outcome(run, until, rows, sum(joined for *_rest, joined in found))


def trend(run: ProspectRun, most: int = 12) -> list[Outcome]:
    """Counted runs of the same model and list, the newest first."""
    through = data_through()
    runs = ProspectRun.objects.filter(version__model=run.version.model_id, list_code=run.list_code)
    told = runs.select_related("version__model__product").defer("version__artefact").order_by("-pk")[:most]
    return [counted for each in told if (counted := _counted(each, through)).n]
