"""Which days the bank works: not Saturdays and Sundays, unless a holiday row says otherwise for the bank or a branch.

A row without a branch holds for everybody, a branch's row for its subtree; the nearest row wins. A make-up working
day (调休) is worked like the weekday it names, so that part-time staff know theirs. The same rules stand here twice, in
Python for one branch and in SQL for all of them; ``tests/platform/test_workdays.py`` holds one against the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from django.db import connection

from bankcrm.models import User

ONE_DAY = dt.timedelta(days=1)
SATURDAY = 5
# Loaded in one query; no bank closes for so long that twice the days plus this is not enough.
MARGIN_DAYS = 60

# Day → the weekday it is worked like, or None where nobody works.
Special = Mapping[dt.date, int | None]

# Every branch and day from %(first)s to %(last)s, with the weekday it is worked like (0 Monday) or NULL.
CALENDAR = """
SELECT b.id AS branch_id, d.day::date AS day,
    CASE WHEN special.branch_id IS NOT NULL THEN special.works_as
        WHEN extract(isodow FROM d.day) < 6 THEN extract(isodow FROM d.day)::int - 1 END AS works_as
FROM bankcrm_branch b
CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d (day)
LEFT JOIN (
    SELECT DISTINCT ON (inner_b.id, h.day) inner_b.id AS branch_id, h.day, h.works_as
    FROM bankcrm_holiday h CROSS JOIN bankcrm_branch inner_b
    LEFT JOIN bankcrm_branchlink l ON l.ancestor_id = h.branch_id AND l.descendant_id = inner_b.id
    WHERE h.day BETWEEN %(first)s AND %(last)s AND (h.branch_id IS NULL OR l.id IS NOT NULL)
    ORDER BY inner_b.id, h.day, l.depth NULLS LAST
) special ON special.branch_id = b.id AND special.day = d.day
"""


def add_working_days(day: dt.date, n: int, branch: int | None = None) -> dt.date:
    """The ``n``-th working day of a branch (of the whole bank) after ``day``, before it when ``n`` is negative.

    With ``n`` 0 the day itself when it is a working day, else the next one.
    """
    step = -ONE_DAY if n < 0 else ONE_DAY
    reach = dt.timedelta(days=2 * abs(n) + MARGIN_DAYS)
    special = specials(day - reach, day + reach, branch)
    if n == 0:
        while works_as(day, special) is None:
            day += ONE_DAY
        return day
    left = abs(n)
    while left:
        day += step
        left -= works_as(day, special) is not None
    return day


def works_as(day: dt.date, special: Special) -> int | None:
    """The weekday a day is worked like, None when nobody works; ``special`` comes from ``specials``."""
    if day in special:
        return special[day]
    return day.weekday() if day.weekday() < SATURDAY else None


def specials(first: dt.date, last: dt.date, branch: int | None = None) -> dict[dt.date, int | None]:
    """The days of a period that are not what their weekday says, for a branch or for the whole bank. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT h.day, h.works_as FROM bankcrm_holiday h
            LEFT JOIN bankcrm_branchlink l ON l.ancestor_id = h.branch_id AND l.descendant_id = %s
            WHERE h.day BETWEEN %s AND %s AND (h.branch_id IS NULL OR l.id IS NOT NULL)
            ORDER BY l.depth DESC NULLS FIRST
            """,
            [branch, first, last],
        )
        return dict(cursor.fetchall())


def exceptional_due_days(day: dt.date, n: int) -> dict[int, dt.date]:
    """``add_working_days`` (``n`` ≥ 0) for every branch where it is not what it is for the bank: branch id → day.

    Empty, after one small query, unless a branch has days of its own.
    """
    usual = add_working_days(day, n)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM bankcrm_holiday WHERE branch_id IS NOT NULL AND day >= %s)", [day]
        )
        if not cursor.fetchone()[0]:
            return {}
        cursor.execute(
            f"""
            SELECT branch_id, day FROM (
                SELECT branch_id, day, row_number() OVER (PARTITION BY branch_id ORDER BY day) AS nth
                FROM ({CALENDAR}) calendar WHERE works_as IS NOT NULL
            ) numbered WHERE nth = %(n)s AND day <> %(usual)s
            """,  # noqa: S608  a constant of this module
            {
                "first": day + ONE_DAY if n else day,
                "last": day + dt.timedelta(days=2 * n + MARGIN_DAYS),
                "n": max(n, 1),
                "usual": usual,
            },
        )
        return dict(cursor.fetchall())


def capacities(users: Iterable[int], first: dt.date, last: dt.date) -> dict[int, float]:
    """User id → leads they can work from ``first`` to ``last``: their own week, their branch's days, without leave.

    One statement, whatever the number of people and days.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT u.id, u.daily_capacity * coalesce(sum(u.working_week[calendar.works_as + 1]), 0) / 2.0
            FROM bankcrm_user u
            LEFT JOIN ({CALENDAR}) calendar ON calendar.branch_id = u.branch_id AND NOT EXISTS (
                SELECT FROM bankcrm_leave l
                WHERE l.user_id = u.id AND calendar.day BETWEEN l.first_day AND l.last_day
            )
            WHERE u.id = ANY(%(users)s) GROUP BY u.id
            """,  # noqa: S608  a constant of this module
            {"users": list(users), "first": first, "last": last},
        )
        return {pk: float(leads) for pk, leads in cursor.fetchall()}


def capacity(user: User, day: dt.date, special: Special) -> float:
    """Leads ``user`` can work on one day, leave aside; ``special`` is that of the user's branch."""
    like = works_as(day, special)
    return 0.0 if like is None else user.daily_capacity * user.working_week[like] / 2
