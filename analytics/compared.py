"""What a customer's values are held against: the same customer one window earlier, and the middle of the own tier.

A reason keeps one of the two, whichever says more: a change that goes the way the value is high or low, else the tier,
else the customers the model learned from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import features
from analytics.features import Batch, Population
from analytics.modelling.matrix import FeatureSpec
from customers import fields as catalogue
from customers import profile, tiering
from customers.fields import Field, comparison
from customers.models import CustomerProfile

# Months between a balance and the one it is held against; a window is held against the one before it.
USUAL = 3
# Customers who stand for a tier; of fewer in one nothing is said.
SAMPLE = 20_000
FEWEST = 30


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier by name with its customers' rows (n, features) at the score's month, and the middle of every feature."""

    name: str
    rows: NDArray[np.float32]
    medians: list[float | None]

    def share_of(self, position: int, code: float) -> float:
        """How many of it have that category or flag, 0 to 1."""
        return float((self.rows[:, position] == np.float32(code)).mean())


class Others:
    """The middle of every tier at one month-end: read once, from at most about 20,000 customers of the bank."""

    def __init__(self, month: dt.date, specs: Sequence[FeatureSpec]) -> None:
        self.month, self.specs = month, tuple(specs)
        self.names = tiering.names_at(month)
        self._tiers: dict[int, Tier] | None = None

    def read(self, who: Population) -> Batch:
        """The rows of ``who`` with the place of each customer's tier, 1 the best and 0 none, as ``tier``."""
        place = ("coalesce(array_position(%s::text[], p.tier::text), 0)", (list(self.names),))
        return features.matrix(self.month, self.specs, replace(who, extra={"tier": place}))

    def of(self, place: int) -> Tier | None:
        """The customers of the tier at that place, None of too few."""
        if self._tiers is None:
            self._tiers = self._read()
        return self._tiers.get(place)

    def _read(self) -> dict[int, Tier]:
        total = CustomerProfile.objects.filter(month=self.month).count()
        batch = self.read(features.thinned(Population(), min(1.0, SAMPLE / max(total, 1))))
        tiers = batch.extra["tier"]
        return {
            place: Tier(name, batch.X[tiers == place], _medians(batch.X[tiers == place]))
            for place, name in enumerate(self.names.values(), start=1)
            if (tiers == place).sum() >= FEWEST
        }


class Earlier:
    """Values of some customers at the month-ends their fields look back to, one reading for each."""

    def __init__(self, month: dt.date, ids: Sequence[int], fields: Iterable[Field]) -> None:
        self.values: dict[str, dict[int, float]] = {}
        by_months: dict[int, list[Field]] = {}
        for field in {known.code: known for known in fields}.values():
            by_months.setdefault(0 if field.change_of else months_back(field), []).append(field)
        for months, known in by_months.items():
            self._read(month, ids, known, months)

    def _read(self, month: dt.date, ids: Sequence[int], fields: Sequence[Field], months: int) -> None:
        read = [catalogue.get(field.change_of) if field.change_of else field for field in fields]
        specs = [FeatureSpec(field.code, "numeric", str(field.label)) for field in read]
        who = Population(where="c.id = ANY(%s)", params=(list(ids),))
        batch = features.matrix(profile.month_end(month, months) if months else month, specs, who)
        for position, field in enumerate(fields):
            column = batch.X[:, position].astype(float).tolist()
            self.values[field.code] = dict(zip(batch.ids.tolist(), column, strict=True))

    def of(self, field: Field, customer: int) -> float | None:
        """The earlier value; of a change the level now. None where there was none."""
        found = self.values.get(field.code, {}).get(customer)
        return None if found is None or np.isnan(found) else found


def months_back(field: Field) -> int:
    """How many months lie between a field's value and the one it is held against."""
    return field.window or USUAL


def looks_back(field: Field) -> bool:
    """Whether an earlier value is worth reading."""
    return bool(field.change_of) or field.has_past


def change(field: Field, number: float, earlier: float | None, *, high: bool) -> dict[str, Any] | None:
    """``{"earlier", "months"}`` of a value that moved far enough, and the way it is high or low, to be told so.

    ``earlier``: what ``Earlier.of`` gives; ``number`` of a field that is itself a change, the change.
    """
    if earlier is None:
        return None
    now, then, way = number, earlier, high
    if field.change_of:
        now, then, way = earlier, earlier - number, number > 0
    if not comparison.is_notable(field, now, then, high=way):
        return None
    return {"earlier": plain(then), "months": months_back(field)}


def _medians(rows: NDArray[np.float32]) -> list[float | None]:
    known = [column[~np.isnan(column)] for column in rows.T]
    return [float(np.median(column)) if column.size else None for column in known]


def plain(value: float) -> float | int:
    """A float32 as JSON: six digits are all it holds."""
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded
