"""Building the month-end profile: one wide row per customer, computed by set SQL from facts up to that day."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Callable

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.freshness import Freshness
from bankcrm.partitions import ensure_months
from customers import (
    attitude,
    daily_average,
    dated,
    peers,
    preferences,
    profile_columns,
    profile_sql,
    tier_changes,
    tiering,
    unknown_balances,
)
from customers.models import Customer, CustomerProfile

TABLE = CustomerProfile._meta.db_table
# Sort and hash memory of the build alone; the server's default is for many small queries.
WORK_MEMORY = "256MB"

LATE_BALANCES = f"""
SELECT EXISTS (
    SELECT FROM {TABLE} p
    JOIN customers_monthlybalance b ON b.month = p.month AND b.customer_id = p.customer_id
    JOIN customers_product product ON product.id = b.product_id
    WHERE p.month = %s AND p.balances_on IS DISTINCT FROM p.month
      AND (p.balances_on IS NULL OR jsonb_exists(p.balances_before, {unknown_balances.CLASS}))
)
"""  # noqa: S608  names of tables and columns

Progress = Callable[[int, int], object]


def month_end(day: datetime.date, months_back: int = 0) -> datetime.date:
    """The last day of the month ``months_back`` before the one of ``day``; after it when negative."""
    number = day.year * 12 + day.month - 1 - months_back
    year, month = number // 12, number % 12 + 1
    return datetime.date(year, month, calendar.monthrange(year, month)[1])


def latest_month() -> datetime.date | None:
    """The as-of date of the newest profile; None before the first build."""
    return CustomerProfile.objects.order_by("-month").values_list("month", flat=True).first()


def newest_data() -> datetime.date | None:
    """The last month-end through which balances or transactions came in; None where there are neither."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT max(month) FROM customers_monthlybalance),"
            " (SELECT max(booked_on) FROM customers_transaction)"
        )
        balance, booked = cursor.fetchone()
    days = [balance] if balance else []
    if booked:
        days.append(booked if booked == month_end(booked) else month_end(booked, 1))
    return max(days, default=None)


def misses_somebody(day: datetime.date) -> bool:
    """Whether a customer of that month-end has no profile of it: one who came in after it was built."""
    there = Q(opened_on__isnull=True) | Q(opened_on__lte=day)
    still = Q(closed_on__isnull=True) | Q(closed_on__gt=day)
    built = CustomerProfile.objects.filter(month=day, customer=OuterRef("pk"))
    return Customer.objects.filter(there, still).filter(~Exists(built)).exists()


def was_before_its_balances(day: datetime.date) -> bool:
    """Whether a balance that a profile of that month-end says it does not know has come in since it was built."""
    with connection.cursor() as cursor:
        cursor.execute(LATE_BALANCES, [day])
        return bool(cursor.fetchone()[0])


def freshness() -> Freshness | None:
    """What the top bar says about the age of customer data; None before the first profile."""
    return freshness_of(latest_month())


def freshness_of(month: datetime.date | None) -> Freshness | None:
    """The same of a page that knows the newest month."""
    return Freshness(_("data to %(day)s") % {"day": figures.short_day(month)}) if month else None


def months() -> list[datetime.date]:
    """As-of dates of every profile built, newest first, without reading the profiles: one look-up per month."""
    with connection.cursor() as cursor:
        cursor.execute("""
            WITH RECURSIVE built (month) AS (
                (SELECT max(month) FROM customers_customerprofile)
                UNION ALL
                SELECT (SELECT max(month) FROM customers_customerprofile WHERE month < built.month) FROM built
                WHERE built.month IS NOT NULL
            ) SELECT month FROM built WHERE month IS NOT NULL
        """)
        return [row[0] for row in cursor.fetchall()]


def build(day: datetime.date, progress: Progress | None = None) -> int:
    """Write the profile of every customer open on ``day``, a month-end; returns the number of rows.

    Reads no fact later than ``day``. A month built before is replaced in one transaction: readers see the old rows
    until the new ones are complete, and two builds of one month wait for each other. ``progress(done, total)`` is
    called after every step, in steps. Raises ValueError unless ``day`` is the last of its month.
    """
    if day != month_end(day):
        raise ValueError(f"{day} is not the last day of a month")
    # Alone in its transaction, so that the new partition's lock ends before the work begins.
    with transaction.atomic():
        ensure_months(TABLE, day, day)
    parameters = _parameters(day)
    steps = [("profile_tier", tiering.RULES_SQL), *profile_sql.SCANS]
    total = len(steps) + 1
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"profile:{day}"])
        cursor.execute(
            "SELECT set_config('statement_timeout', '0', true), set_config('work_mem', %s, true)",
            [WORK_MEMORY],
        )
        # Thresholds that a profile was built with are not taken back: see dated.undo.
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext(%s))", [dated.LOCK])
        daily_average.complete(day, parameters["ago_12m"])
        for done, (table, statement) in enumerate(steps, start=1):
            cursor.execute(statement, parameters)
            cursor.execute(f"ANALYZE {table}")
            if progress:
                progress(done, total)
        CustomerProfile.objects.filter(month=day).delete()
        cursor.execute(_insert(), parameters)
        rows = cursor.rowcount
        attitude.fill(day)
        preferences.fill(day)
        peers.write(cursor, day)
        tier_changes.record(cursor, day)
        for table, _statement in steps:
            cursor.execute(f"DROP TABLE pg_temp.{table}")
        if progress:
            progress(total, total)
    return rows


def _parameters(day: datetime.date) -> dict[str, datetime.date]:
    return {
        "day": day,
        "month_start": day.replace(day=1),
        "start_3m": month_end(day, 2).replace(day=1),
        "start_6m": month_end(day, 5).replace(day=1),
        "start_12m": month_end(day, 11).replace(day=1),
        **{f"ago_{months}m": month_end(day, months) for months in (1, 2, 3, 6, 12, 15)},
    }


def _insert() -> str:
    columns = profile_columns.COLUMNS
    return f"INSERT INTO {TABLE} ({', '.join(columns)}) SELECT {', '.join(columns.values())} {profile_sql.CUSTOMERS}"
