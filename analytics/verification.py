"""Predicted against actual: what a published score run said, and what the customers then did.

Only once the horizon has passed and outcomes through its end have arrived. Shown for everybody scored, and apart for
customers campaigns treated, their control groups and the rest, because a contact changes what it is judged by.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from django.db import connection

from analytics import targets
from analytics.models import PredictiveModel, ScoreRun
from bankcrm.proportions import wilson

ARMS = ("treated", "control", "other")
# Alarm limits of observed over expected, a judgement of methods.md section 4.
ALARM_BELOW, ALARM_ABOVE = 0.8, 1.25

_PROFILED = """
SELECT s.decile,
       CASE WHEN NOT arm.assigned THEN 'other' WHEN arm.treated THEN 'treated' ELSE 'control' END AS arm,
       count(*), sum(s.probability), count(*) FILTER (WHERE {outcome})
FROM analytics_score s
JOIN customers_customer c ON c.id = s.customer_id
JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = %s
CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS assigned, coalesce(bool_or(NOT a.is_control), false) AS treated
    FROM customers_assignment a
    WHERE a.customer_id = s.customer_id AND {campaigns} AND a.assigned_on >= %s AND a.assigned_on <= %s
) arm
WHERE s.score_run_id = %s AND {known} GROUP BY 1, 2 ORDER BY 1, 2
"""
_FILED = """
SELECT s.decile, CASE WHEN a.is_control THEN 'control' ELSE 'treated' END,
       count(*), sum(s.probability), count(*) FILTER (WHERE EXISTS (
           SELECT 1 FROM customers_response r WHERE r.customer_id = a.customer_id
           AND r.campaign_code = a.campaign_code AND r.kind = 'conversion'))
FROM analytics_score s JOIN customers_assignment a
    ON a.customer_id = s.customer_id AND a.campaign_code = %s
WHERE s.score_run_id = %s GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One decile: customers, mean predicted, actual rate with its 95 % Wilson interval."""

    decile: int
    n: int
    positives: int
    predicted: float
    actual: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low <= self.predicted <= self.high


@dataclass(frozen=True, slots=True)
class Total:
    """Observed over expected of one arm (or "all") with its interval; ``alarm`` beyond the limits and not by chance."""

    arm: str
    n: int
    observed: int
    expected: float
    ratio: float
    low: float
    high: float

    @property
    def alarm(self) -> bool:
        return not ALARM_BELOW <= self.ratio <= ALARM_ABOVE and not self.low <= 1 <= self.high


@dataclass(frozen=True, slots=True)
class Verification:
    """``rows`` by decile; ``totals`` for all and every arm that has customers."""

    rows: tuple[Row, ...]
    totals: tuple[Total, ...]

    @property
    def inside(self) -> int:
        return sum(row.inside for row in self.rows)


def complete_on(run: ScoreRun) -> dt.date:
    """The day the last outcome of the run's window falls on; an imported history is complete from the start."""
    if run.version.model.history_campaign:
        return run.as_of
    return targets.window_end(run.version.model, run.as_of)


def data_through() -> dt.date | None:
    """Outcomes are in at least to this day: a holding was opened on it, or a profile was built of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest((SELECT max(opened_on) FROM customers_holding),"
            " (SELECT max(month) FROM customers_customerprofile))"
        )
        return cursor.fetchone()[0]


def verify(run: ScoreRun) -> Verification | None:
    """Predicted against actual of a published run; None while its window is open or outcomes have not arrived."""
    model = run.version.model
    if run.state != ScoreRun.State.PUBLISHED:
        return None
    if not model.history_campaign:
        through = data_through()
        if through is None or through < complete_on(run):
            return None
    with connection.cursor() as cursor:
        cursor.execute(*_statement(run))
        cells = cursor.fetchall()
    if not cells:
        return None
    if model.kind == PredictiveModel.Kind.UPLIFT:
        gained = _uplift_rows(cells)
        return Verification(gained, ()) if gained else None
    return Verification(_rows(cells), _totals(cells))


def _statement(run: ScoreRun) -> tuple[str, list[Any]]:
    model = run.version.model
    if model.history_campaign:
        return _FILED, [model.history_campaign, run.pk]
    outcome, params = targets.outcome(model, run.as_of)
    known, known_params = targets.known(model, run.as_of)
    # What a campaign for another product did to a response is no campaign's arm; of leaving every contact may be.
    campaigns, code = ("a.product_code = %s", [model.product.code]) if model.product else ("TRUE", [])
    if model.kind == PredictiveModel.Kind.UPLIFT:
        campaigns = f"{campaigns} AND a.is_random"
    statement = _PROFILED.format(outcome=outcome, campaigns=campaigns, known=known)
    return statement, [*params, run.as_of, *code, run.as_of, complete_on(run), run.pk, *known_params]


Cell = tuple[int, str, int, float, int]


def _sums(cells: list[Cell]) -> tuple[int, float, int]:
    return sum(cell[2] for cell in cells), sum(cell[3] for cell in cells), sum(cell[4] for cell in cells)


def _rows(cells: list[Cell]) -> tuple[Row, ...]:
    rows = []
    for decile in sorted({cell[0] for cell in cells}):
        n, expected, observed = _sums([cell for cell in cells if cell[0] == decile])
        low, high = wilson(observed, n)
        rows.append(Row(decile, n, observed, expected / n, observed / n, low, high))
    return tuple(rows)


def _uplift_rows(cells: list[Cell]) -> tuple[Row, ...]:
    """Treated minus control among those campaigns assigned at random later; deciles with both arms.

    The interval is Newcombe's (1998, method 10) from the Wilson bounds of both arms.
    """
    rows = []
    for decile in sorted({cell[0] for cell in cells}):
        arms = [[cell for cell in cells if cell[:2] == (decile, arm)] for arm in ("treated", "control")]
        (n1, expected1, found1), (n0, expected0, found0) = (_sums(arm) for arm in arms)
        if not n1 or not n0:
            continue
        p1, p0 = found1 / n1, found0 / n0
        (low1, high1), (low0, high0) = wilson(found1, n1), wilson(found0, n0)
        low = p1 - p0 - math.hypot(p1 - low1, high0 - p0)
        high = p1 - p0 + math.hypot(high1 - p1, p0 - low0)
        n = n1 + n0
        rows.append(Row(decile, n, found1 + found0, (expected1 + expected0) / n, p1 - p0, low, high))
    return tuple(rows)


def _totals(cells: list[Cell]) -> tuple[Total, ...]:
    totals = []
    for arm in ("all", *ARMS):
        n, expected, observed = _sums([cell for cell in cells if arm in ("all", cell[1])])
        if not n or expected <= 0:
            continue
        low, high = (bound * n / expected for bound in wilson(observed, n))
        totals.append(Total(arm, n, observed, expected, observed / expected, low, high))
    return tuple(totals)
