"""Small works and the steps that tests of runs share."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from bankcrm import runs
from bankcrm.job import Job, from_now
from bankcrm.models import AuditEvent, Run


def trail(run: Run) -> list[tuple[str, str]]:
    """From and to of every audit row of the run, in order."""
    rows = AuditEvent.objects.filter(object_type="bankcrm.run", object_id=str(run.pk)).order_by("pk")
    return list(rows.values_list("from_state", "to_state"))


def count_to_three(job: Job) -> dict[str, Any]:
    for number in range(1, 4):
        job.progress(number, 3, "counting")
    return {"counted": 3}


def break_off(job: Job) -> None:
    job.progress(1, 3)
    raise RuntimeError("phone 13812345678")


def refuse(job: Job) -> None:
    raise runs.Refused("The file is empty.")


def expire(run: Run) -> None:
    """As if the worker had vanished a lease ago."""
    Run.objects.filter(pk=run.pk).update(leased_until=from_now(-1))


def forget_wait(run: Run) -> None:
    """As if the back-off had passed."""
    Run.objects.filter(pk=run.pk).update(available_at=from_now(-1))


def database_now() -> dt.datetime:
    """What the database's clock says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]
