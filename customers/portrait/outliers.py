"""Movements far outside what this customer usually does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customers.portrait.movements import Movements
from customers.portrait.rhythm import alike

# Median and MAD are not moved by the very outliers one looks for (Hampel's identifier); 5 leaves out ordinary tails.
DEVIATIONS = 5
FLOOR = 10_000.0  # in the bank's currency: less is never worth a call
FEWEST = 10  # movements in one direction, before "usual" means anything


@dataclass(frozen=True, slots=True)
class Unusual:
    """One booking above ``limit`` = max(FLOOR, median + DEVIATIONS · MAD) of the customer's own in that direction.

    ``usual`` is that median; ``is_new`` says that nothing was booked with this other side before.
    """

    day: dt.date
    amount: float
    usual: float
    limit: float
    kind: str
    counterparty: str
    is_new: bool

    @property
    def times(self) -> float:
        """How many times the usual amount."""
        return abs(self.amount) / self.usual if self.usual else float("inf")


def unusual(movements: Movements, most: int = 8) -> list[Unusual]:
    """Bookings outside the limit of which there are no others alike: at most ``most``, newest first."""
    expected = np.zeros(len(movements), bool)
    for members in alike(movements):
        expected[members] = True
    found = []
    for direction in (movements.amount > 0, movements.amount < 0):
        size = np.abs(movements.amount[direction])
        if len(size) < FEWEST:
            continue
        usual = float(np.median(size))
        limit = max(FLOOR, usual + DEVIATIONS * float(np.median(np.abs(size - usual))))
        chosen = np.flatnonzero(direction & ~expected & (np.abs(movements.amount) > limit))
        found += [_one(movements, at, usual, limit) for at in chosen]
    largest = sorted(found, key=lambda one: -abs(one.amount))[:most]
    return sorted(largest, key=lambda one: one.day, reverse=True)


def _one(movements: Movements, at: np.intp, usual: float, limit: float) -> Unusual:
    name = movements.counterparty[at]
    return Unusual(
        movements.day[at].item(),
        float(movements.amount[at]),
        usual,
        limit,
        str(movements.kind[at]),
        str(name),
        bool(name) and not _seen(movements.counterparty[:at], name),
    )


def _seen(names: npt.NDArray[np.str_], name: np.str_) -> bool:
    return bool((names == name).any())
