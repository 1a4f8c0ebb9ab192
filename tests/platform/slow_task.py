"""A task that takes its time, for a worker that is told to stop; run as ``celery -A tests.platform.slow_task``."""

import time

from bankcrm.celery import app

app.conf.worker_soft_shutdown_timeout = 4.0


@app.task(name="tests.slow")
def slow(seconds: float) -> None:
    time.sleep(seconds)
