"""Learning from an imported campaign: its own columns at assignment, its rows in file order.

Such a file is no picture of today's customers, so nothing is read from profiles. How good a model would have been is
measured by the rolling protocol: always fitted on the rows before, always scoring the next ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from analytics.modelling import rolling
from analytics.modelling.estimators import EstimatorKind
from analytics.modelling.matrix import FeatureSpec, encode, learn_categories
from analytics.models import PredictiveModel
from bankcrm import bulk

# Known only after the contact, so no model may learn from them, whatever the file calls them.
REFUSED = frozenset({"duration", "talk_seconds", "call_seconds", "outcome"})
LAST_SHARE = 0.2
WINDOW, STEP = 20_000, 250

_ROWS = """
SELECT a.id, a.customer_id, a.facts, EXISTS (
    SELECT 1 FROM customers_response r WHERE r.campaign_code = a.campaign_code AND r.customer_id = a.customer_id
    AND r.kind = 'conversion') AS label
FROM customers_assignment a WHERE a.campaign_code = %s ORDER BY a.id
"""


@dataclass(frozen=True, slots=True)
class History:
    """The campaign's rows in file order: ``ids`` of customers, ``y``, ``X``, and the columns that were refused."""

    ids: NDArray[np.int64]
    y: NDArray[np.int8]
    X: NDArray[np.float32]
    specs: tuple[FeatureSpec, ...]
    refused: tuple[str, ...]


def read(campaign_code: str, specs: tuple[FeatureSpec, ...] | None = None) -> History:
    """Every row of the imported campaign. Specifications come from the first four fifths unless given.

    Raises LookupError when the campaign has no rows or none with facts.
    """
    names = _names(campaign_code)
    refused = tuple(sorted(set(names) & REFUSED))
    kept = [spec.name for spec in specs] if specs else [name for name in names if name not in REFUSED]
    if not kept:
        raise LookupError(f"the imported campaign {campaign_code} has no columns to learn from")
    columns = ", ".join(f"rows.facts->>%s AS f{position}" for position in range(len(kept)))
    with bulk.without_time_limit():
        found = bulk.read_columns(
            f"SELECT rows.customer_id, rows.label, {columns}"  # noqa: S608  numbered columns only
            f" FROM ({_ROWS}) rows ORDER BY rows.id",
            [*kept, campaign_code],
        )
    raw = {name: found[f"f{position}"] for position, name in enumerate(kept)}
    known = specs or _specs(raw)
    values = {spec.name: _values(raw[spec.name], spec) for spec in known}
    return History(
        found["customer_id"].astype(np.int64),
        found["label"].astype(np.int8),
        encode(values, known),
        known,
        refused,
    )


def _names(campaign_code: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(facts) FROM customers_assignment WHERE campaign_code = %s ORDER BY 1",
            [campaign_code],
        )
        return [row[0] for row in cursor.fetchall()]


def _specs(raw: dict[str, NDArray[Any]]) -> tuple[FeatureSpec, ...]:
    specs = [
        FeatureSpec(name, "numeric" if _is_numeric(column) else "categorical", name)
        for name, column in raw.items()
    ]
    early = {name: column[: round(len(column) * (1 - LAST_SHARE))] for name, column in raw.items()}
    return learn_categories(early, specs)


def _is_numeric(column: NDArray[Any]) -> bool:
    known = {value for value in column if value not in (None, "")}
    try:
        return bool(known) and bool(np.isfinite(np.array(list(known), dtype=np.float64)).all())
    except ValueError:
        return False


def _values(column: NDArray[Any], spec: FeatureSpec) -> list[Any]:
    if spec.kind == "categorical":
        return list(column)
    return [None if value in (None, "") else value for value in column]


def window(n: int) -> tuple[int, int]:
    """Rows to fit on and rows to score in one step: the published protocol, smaller where the file is smaller."""
    before = n - round(n * LAST_SHARE)
    return min(WINDOW, before), max(1, min(STEP, n // 20))


def roll(model: PredictiveModel, history: History, kind: EstimatorKind) -> rolling.Rolling:
    """Out-of-sample scores of the last fifth. Raises what ``rolling_protocol`` raises."""
    rows, step = window(len(history.y))
    return rolling.rolling_protocol(
        history.X,
        history.y,
        history.specs,
        window=rows,
        step=step,
        last=LAST_SHARE,
        kind=kind,
        seed=model.pk,
    )
