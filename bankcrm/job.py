"""What running work holds in its hand: its arguments, its lease, and the way to say how far it is."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import uuid
from types import TracebackType
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import ExpressionWrapper, QuerySet, Value, fields
from django.db.models.functions import Now

from bankcrm.models import Run, User

log = logging.getLogger(__name__)
WRITE_EVERY_SECONDS = 1.0
# A page that hears nothing for three of these says so.
HEARTBEAT_SECONDS = 4.0
# Work that has told nothing for so long hangs, however alive its process is; then the reaper may have it.
LONGEST_SILENCE_SECONDS = 1800.0


class RunCancelled(Exception):
    """Somebody asked for the work to stop; let it pass, after undoing nothing that is complete in itself."""


class LeaseLost(Exception):
    """Another worker has the run: write nothing more."""


def from_now(seconds: float) -> ExpressionWrapper:
    """The database's clock plus ``seconds``; no worker's clock decides about a lease."""
    return ExpressionWrapper(
        Now() + Value(dt.timedelta(seconds=seconds)), output_field=fields.DateTimeField()
    )


class Job:
    """One attempt at a run. ``done`` and ``total`` start where the last attempt stopped."""

    def __init__(self, run: Run, token: uuid.UUID) -> None:
        self.run = run
        self.run_id: int = run.pk
        self.arguments: dict[str, Any] = run.arguments
        self.requested_by: User | None = run.requested_by
        self.attempt: int = run.attempts
        self.done: int = run.done
        self.total: int | None = run.total
        self.note: str = run.note
        self.token = token
        self.last_word = time.monotonic()
        self._written = 0.0

    def owned(self) -> QuerySet[Run]:
        """The run's row while the lease is this attempt's; empty once it is not."""
        return Run.objects.filter(pk=self.run_id, lease_token=self.token, state=Run.State.RUNNING)

    def progress(self, done: int, total: int | None = None, note: Any = "") -> None:
        """Say how many rows of how many are done, and in which step; renews the lease. Call between transactions.

        Writes at most once a second, or at once when the step changes. Raises RunCancelled when somebody asked for
        it, LeaseLost when another worker has the run.
        """
        self.last_word = now = time.monotonic()
        step = str(note)[:200]
        changed = bool(step) and step != self.note
        self.done, self.total, self.note = done, self.total if total is None else total, step or self.note
        if now - self._written < WRITE_EVERY_SECONDS and not changed:
            return
        self._written = now
        self._renew(done=self.done, total=self.total, note=self.note)
        if Run.objects.filter(pk=self.run_id, cancel_requested=True).exists():
            raise RunCancelled

    def tell(self, note: Any) -> None:
        """Say in which step the work is and leave its figures: a step may count in another unit than the run."""
        self.progress(self.done, None, note)

    def fence(self) -> None:
        """Call first inside a chunk's transaction: it commits only if the lease was still ours. Raises LeaseLost."""
        self._renew()

    def _renew(self, **changes: Any) -> None:
        if not self.owned().update(leased_until=from_now(settings.RUN_LEASE_SECONDS), **changes):
            raise LeaseLost


class Keeper:
    """Renews the lease from a thread of its own while one statement or one fit takes longer than the lease lasts.

    It uses a connection of its own and skips a row locked by a fence, which is proof enough of life.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._keep, name=f"lease-{job.run_id}", daemon=True)

    def __enter__(self) -> Keeper:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self.thread.join()

    def _keep(self) -> None:
        while not self.stopped.wait(min(HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS / 3)):
            if time.monotonic() - self.job.last_word > LONGEST_SILENCE_SECONDS:
                log.error("run %s has told nothing for half an hour; its lease may run out", self.job.run_id)
                break
            try:
                with transaction.atomic():
                    mine = self.job.owned().select_for_update(skip_locked=True).values("pk")
                    Run.objects.filter(pk__in=mine).update(leased_until=from_now(settings.RUN_LEASE_SECONDS))
            except DatabaseError:
                log.warning("the lease of run %s could not be renewed just now", self.job.run_id)
            finally:
                connection.close()
