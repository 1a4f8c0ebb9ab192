"""Incomes and payments that come again: same other side, similar amount, steady gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.portrait.movements import Movements

# Amounts belong together while each is at most this much above the next smaller one.
SIMILAR = 1.25
# This share of the gaps must be within the tolerance of the rhythm, or of up to MISSED times of it in a row left out.
STEADY = 0.75
MISSED = 2
# So many bookings alike are nothing unusual, in rhythm or not.
AGAIN = 3


class Rhythm(models.TextChoices):
    WEEKLY = "weekly", _("weekly")
    FORTNIGHTLY = "fortnightly", _("every two weeks")
    MONTHLY = "monthly", _("monthly")
    QUARTERLY = "quarterly", _("quarterly")


# rhythm → (days, tolerance in days, bookings needed)
GAPS: dict[Rhythm, tuple[float, int, int]] = {
    Rhythm.WEEKLY: (7, 2, 4),
    Rhythm.FORTNIGHTLY: (14, 3, 4),
    Rhythm.MONTHLY: (30.4, 5, 3),
    Rhythm.QUARTERLY: (91.3, 10, 3),
}


@dataclass(frozen=True, slots=True)
class Regular:
    """A series of bookings. ``amount`` is their median, minus for payments; ``next_on`` the day the next is expected.

    ``is_late``: the expected day and the tolerance after it have passed without it, as far as bookings are known.
    """

    counterparty: str
    kind: str
    category: str
    rhythm: Rhythm
    amount: float
    number: int
    last: dt.date
    next_on: dt.date
    is_late: bool
    members: npt.NDArray[np.int64]

    @property
    def is_income(self) -> bool:
        return self.amount > 0


def regular(movements: Movements) -> list[Regular]:
    """Every series found, incomes first, the largest sum a year first; ``members`` are indexes into ``movements``."""
    found = [one for members in alike(movements) if (one := _series(movements, members))]
    return sorted(found, key=lambda one: (not one.is_income, -abs(one.amount) / GAPS[one.rhythm][0]))


def alike(movements: Movements) -> Iterator[npt.NDArray[np.int64]]:
    """Indexes of AGAIN bookings or more with one other side (or kind and category, where none is named) and size."""
    sign = np.where(movements.amount < 0, "-", "+")
    named = movements.counterparty != ""
    side = np.where(named, movements.counterparty, np.char.add(movements.category, "\0"))
    key = np.char.add(np.char.add(sign, movements.kind), np.char.add("\0", side))
    _keys, at = np.unique(key, return_inverse=True)
    for group in range(at.max(initial=-1) + 1):
        members = np.flatnonzero(at == group)
        if len(members) < AGAIN:
            continue
        size = np.abs(movements.amount[members])
        order = np.argsort(size, kind="stable")
        steps = size[order][1:] > SIMILAR * np.maximum(size[order][:-1], 0.01)
        for part in np.split(order, np.flatnonzero(steps) + 1):
            if len(part) >= AGAIN:
                yield np.sort(members[part])


def _series(movements: Movements, members: npt.NDArray[np.int64]) -> Regular | None:
    """The series of these bookings, or None when no rhythm fits; two on one day count as one."""
    days = np.unique(movements.day[members])
    gaps = np.diff(days).astype(np.int64)
    if not len(gaps):
        return None
    for rhythm, (length, tolerance, needed) in GAPS.items():
        times = np.clip(np.round(gaps / length), 1, 1 + MISSED)
        fits = np.abs(gaps - times * length) <= tolerance
        if len(days) >= needed and abs(np.median(gaps) - length) <= tolerance and fits.mean() >= STEADY:
            last: dt.date = days[-1].item()
            expected = _next(last, days, rhythm)
            newest = members[-1]
            return Regular(
                str(movements.counterparty[newest]),
                str(movements.kind[newest]),
                str(movements.category[newest]),
                rhythm,
                float(np.median(movements.amount[members])),
                len(days),
                last,
                expected,
                expected + dt.timedelta(days=tolerance) < movements.known_to,
                members,
            )
    return None


def _next(last: dt.date, days: npt.NDArray[np.datetime64], rhythm: Rhythm) -> dt.date:
    """One rhythm after ``last``; a monthly series keeps its usual day of the month."""
    if rhythm in (Rhythm.WEEKLY, Rhythm.FORTNIGHTLY):
        return last + dt.timedelta(days=int(GAPS[rhythm][0]))
    of_month = int(np.median([day.item().day for day in days]))
    number = last.year * 12 + last.month - 1 + (1 if rhythm == Rhythm.MONTHLY else 3)
    first = dt.date(number // 12, number % 12 + 1, 1)
    longest = (dt.date(first.year + first.month // 12, first.month % 12 + 1, 1) - first).days
    return first.replace(day=min(of_month, longest))
