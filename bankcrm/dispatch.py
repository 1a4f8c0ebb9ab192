"""Waking workers: the message is one run's id, and losing it only delays the work until the reaper looks again."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from kombu.exceptions import OperationalError

from bankcrm.celery import app
from bankcrm.models import Run

log = logging.getLogger(__name__)

TASK = "bankcrm.execute"
# A web request must not wait for a broker that hangs, and after one failure none asks it for a while.
QUICK = {
    "socket_timeout": 0.3,
    "socket_connect_timeout": 0.3,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
PAUSE_SECONDS = 5.0


class _Broker:
    """One connection per process, dropped on the first error and left alone for PAUSE_SECONDS."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.quiet_until = 0.0

    def publish(self, run_ids: Iterable[int]) -> list[int]:
        sent: list[int] = []
        if time.monotonic() < self.quiet_until:
            return sent
        try:
            if self.connection is None:
                options = {**app.conf.broker_transport_options, **QUICK}
                self.connection = app.connection_for_write(transport_options=options)
            for run_id in run_ids:
                app.send_task(TASK, args=[run_id], connection=self.connection, retry=False)
                sent.append(run_id)
        except (OperationalError, OSError) as error:
            # Beat's reaper sends whatever has no dispatched_at, so nothing is lost here.
            log.warning("the broker does not answer (%s); runs wait for the reaper", type(error).__name__)
            self.quiet_until = time.monotonic() + PAUSE_SECONDS
            self._drop()
        return sent

    def _drop(self) -> None:
        stale, self.connection = self.connection, None
        if stale is not None:
            stale.release()


_broker = _Broker()


def send(run_ids: Iterable[int]) -> int:
    """Publish the ids and mark their rows as sent. Returns how many were sent; never raises for a missing broker."""
    from django.db.models.functions import Now

    sent = _broker.publish(run_ids)
    if sent:
        Run.objects.filter(pk__in=sent, state=Run.State.QUEUED).update(dispatched_at=Now())
    return len(sent)
