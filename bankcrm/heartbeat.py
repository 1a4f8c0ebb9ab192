"""Whether work gets done: when a worker last answered, how long work has waited, what was given up."""

from __future__ import annotations

import datetime as dt
import socket
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from bankcrm.models import Run

# One row, kept for ever and hidden from the lists: a table of its own would hold nothing else.
KIND = "bankcrm.heartbeat"
SILENT_AFTER_SECONDS = 180


@dataclass(frozen=True)
class Health:
    """``worker_seconds`` since a worker answered (None: never), ``queue_seconds`` the oldest due run has waited."""

    worker_seconds: float | None
    queue_seconds: float | None
    waiting: int
    running: int
    dead: int

    @property
    def worker_is_silent(self) -> bool:
        return self.worker_seconds is None or self.worker_seconds > SILENT_AFTER_SECONDS


def beat() -> None:
    """Write that a worker answers now."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [KIND])
        if not Run.objects.filter(kind=KIND).update(finished_at=Now(), note=socket.gethostname()[:200]):
            Run.objects.create(
                kind=KIND, state=Run.State.DONE, finished_at=Now(), note=socket.gethostname()[:200]
            )


def health() -> Health:
    """The figures of the operations line, in one query."""
    figures = Run.objects.aggregate(
        now=Max(Now()),
        answered=Max("finished_at", filter=Q(kind=KIND)),
        oldest=Min("available_at", filter=Q(state=Run.State.QUEUED, available_at__lte=Now())),
        waiting=Count("pk", filter=Q(state=Run.State.QUEUED)),
        running=Count("pk", filter=Q(state=Run.State.RUNNING)),
        dead=Count("pk", filter=Q(state=Run.State.DEAD)),
    )
    now = figures["now"] or timezone.now()
    return Health(
        worker_seconds=_seconds(now, figures["answered"]),
        queue_seconds=_seconds(now, figures["oldest"]),
        waiting=figures["waiting"],
        running=figures["running"],
        dead=figures["dead"],
    )


def _seconds(now: dt.datetime, then: dt.datetime | None) -> float | None:
    return None if then is None else max(0.0, (now - then).total_seconds())
