"""Days on which the bank works: not Saturdays, Sundays or holidays."""

from __future__ import annotations

import datetime as dt

from bankcrm.models import Holiday

ONE_DAY = dt.timedelta(days=1)
SATURDAY = 5
# Loaded in one query; no bank closes for so long that twice the days plus this is not enough.
MARGIN_DAYS = 60


def add_working_days(day: dt.date, n: int) -> dt.date:
    """The ``n``-th working day after ``day`` (before it when ``n`` is negative).

    With ``n`` 0 the day itself when it is a working day, else the next one.
    """
    step = -ONE_DAY if n < 0 else ONE_DAY
    reach = dt.timedelta(days=2 * abs(n) + MARGIN_DAYS)
    holidays = _holidays(day - reach, day + reach)
    if n == 0:
        while not _works(day, holidays):
            day += ONE_DAY
        return day
    left = abs(n)
    while left:
        day += step
        left -= _works(day, holidays)
    return day


def _works(day: dt.date, holidays: set[dt.date]) -> bool:
    return day.weekday() < SATURDAY and day not in holidays


def _holidays(first: dt.date, last: dt.date) -> set[dt.date]:
    return set(Holiday.objects.filter(day__range=(first, last)).values_list("day", flat=True))
