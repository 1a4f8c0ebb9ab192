"""The product's Celery application with a few kinds of work that exist only to be interrupted.

A fault test starts its worker with ``celery -A tests.faults.celery_app``; the product itself never imports this module.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import django
from django.db import connection, transaction

from bankcrm.celery import app

django.setup()

from bankcrm import runs  # noqa: E402  (Django comes first)

if "BANKCRM_FAULT_TESTS" not in os.environ:
    raise RuntimeError("tests.faults.celery_app is for fault tests and nothing else")

__all__ = ["app"]

ROWS, CHUNK = 10_000, 100


@runs.work("faults.rows", "Rows, chunk by chunk")
def write_rows(job: runs.Job) -> dict[str, Any]:
    """Write ROWS rows under natural keys, and count in a second table what each chunk really wrote."""
    pause = float(job.arguments.get("pause", 0.03))
    for start in range(0, ROWS, CHUNK):
        with transaction.atomic(), connection.cursor() as cursor:
            job.fence()
            cursor.execute(
                """WITH fresh AS (
                       INSERT INTO faults_row (run_id, number)
                       SELECT %s, n FROM generate_series(%s::int, %s::int) n ON CONFLICT DO NOTHING RETURNING 1
                   ) INSERT INTO faults_written (run_id, rows) SELECT %s, count(*) FROM fresh""",
                [job.run_id, start + 1, start + CHUNK, job.run_id],
            )
        # A chunk that the last attempt had finished is passed quickly, and "done" does not fall back.
        job.progress(max(start + CHUNK, job.done), ROWS, f"process {os.getpid()}")
        if start + CHUNK > job.run.done:
            time.sleep(pause)
    return {"rows": ROWS}


@runs.work("faults.raise", "Always raises")
def always_raise(job: runs.Job) -> None:
    """Raise in every attempt."""
    raise ValueError("the work is broken")


@runs.work("faults.suicide", "Kills its own process")
def kill_itself(job: runs.Job) -> None:
    """What a work that runs out of memory does to its pool process."""
    job.progress(1, 10, f"process {os.getpid()}")
    os.kill(os.getpid(), signal.SIGKILL)


@runs.work("faults.quick", "Quick")
def quick(job: runs.Job) -> dict[str, Any]:
    """Do nothing and say so."""
    return {"did": "nothing"}
