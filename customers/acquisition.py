"""How customers came to us and what became of them (S1.8): one row per acquired customer, built by set SQL.

Cohorts are calendar months of ``opened_on``, the newest COHORTS of them, and none before balances are known: the
contribution since acquisition would be a part of it only.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from bankcrm.job import Job
from customers import acquisition_sql
from customers.models import Acquisition
from customers.profile import WORK_MEMORY, month_end

COHORTS = 36
TABLE = Acquisition._meta.db_table


def build(as_of: dt.date, job: Job | None = None) -> int:
    """Write every acquisition anew as of a month-end; returns the rows. Readers see the old ones until it is complete.

    An older month than the one built before is refused a place: 0 rows are written. Raises ValueError unless ``as_of``
    is the last of its month.
    """
    if as_of != month_end(as_of):
        raise ValueError(f"{as_of} is not the last day of a month")
    with transaction.atomic(), connection.cursor() as cursor:
        if job:
            job.fence()
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('customers.acquisition'))")
        built = built_as_of()
        if built and built > as_of:
            return 0
        cursor.execute(
            "SELECT set_config('statement_timeout', '0', true), set_config('work_mem', %s, true)",
            [WORK_MEMORY],
        )
        parameters = {"as_of": as_of, "first": first_cohort(as_of)}
        for table, statement in acquisition_sql.STEPS:
            cursor.execute(statement, parameters)
            cursor.execute(f"ANALYZE {table}")
        Acquisition.objects.all().delete()
        cursor.execute(acquisition_sql.INSERT, parameters)
        rows = int(cursor.rowcount)
        for table, _statement in acquisition_sql.STEPS:
            cursor.execute(f"DROP TABLE pg_temp.{table}")
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")
    return rows


def first_cohort(as_of: dt.date) -> dt.date:
    """The first day of the oldest cohort there is at ``as_of``."""
    oldest = month_end(as_of, COHORTS - 1).replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(month) FROM customers_monthlybalance")
        known = cursor.fetchone()[0]
    return max(oldest, known.replace(day=1)) if known else oldest


def built_as_of() -> dt.date | None:
    """The month-end the rows are of; None before the first build."""
    return Acquisition.objects.values_list("as_of", flat=True).first()
