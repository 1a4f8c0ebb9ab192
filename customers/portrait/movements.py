"""A customer's bookings of the last year as columns."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection

MONTHS = 12  # full months before the running one
# A firm may book a hundred thousand times a year; the newest of them draw the same picture in bounded time.
MOST = 10_000

READ = """
SELECT booked_on, amount::float8, kind, channel, coalesce(hour, -1), merchant_category, counterparty
FROM customers_transaction WHERE customer_id = %s AND booked_on BETWEEN %s AND %s
ORDER BY booked_on DESC, reference DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Movements:
    """Bookings from ``first`` to ``last``, oldest first; every array has one entry per booking.

    Nothing is known of the days after ``known_to``: what has not come by then is not missing yet.
    ``amount`` is in the bank's currency, minus is money out; ``hour`` is -1 where the booking has none. ``is_cut``:
    there were more than MOST and the oldest are missing.
    """

    first: dt.date
    last: dt.date
    day: npt.NDArray[np.datetime64]
    amount: npt.NDArray[np.float64]
    kind: npt.NDArray[np.str_]
    channel: npt.NDArray[np.str_]
    hour: npt.NDArray[np.int16]
    category: npt.NDArray[np.str_]
    counterparty: npt.NDArray[np.str_]
    known_to: dt.date
    is_cut: bool = False

    def __len__(self) -> int:
        return len(self.day)


def read(customer_id: int, today: dt.date, known_to: dt.date | None = None) -> Movements:
    """The bookings of MONTHS full months and of the running one, in one query by customer and day.

    ``known_to`` is the day the bank's data reach (None: today); a later booking of this customer moves it.
    """
    first = _months_before(today, MONTHS)
    with connection.cursor() as cursor:
        cursor.execute(READ, [customer_id, first, today, MOST + 1])
        rows = cursor.fetchall()
    return of_rows(rows[:MOST][::-1], first, today, known_to, is_cut=len(rows) > MOST)


def of_rows(
    rows: list[tuple[dt.date, float, str, str, int, str, str]],
    first: dt.date,
    last: dt.date,
    known_to: dt.date | None = None,
    *,
    is_cut: bool = False,
) -> Movements:
    """Movements of (day, amount, kind, channel, hour, merchant category, counterparty), oldest first."""
    day, amount, kind, channel, hour, category, counterparty = zip(*rows, strict=True) if rows else [()] * 7
    return Movements(
        first,
        last,
        np.array(day, "datetime64[D]"),
        np.array(amount, np.float64),
        np.array(kind, np.str_),
        np.array(channel, np.str_),
        np.array(hour, np.int16),
        np.array(category, np.str_),
        np.array(counterparty, np.str_),
        max([known_to or last, *day[-1:]]),
        is_cut,
    )


def _months_before(day: dt.date, months: int) -> dt.date:
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)
