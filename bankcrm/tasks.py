"""The platform's messages to workers. What there is to do stands in the database; these only say "look"."""

from __future__ import annotations

from bankcrm import heartbeat, runs
from bankcrm.celery import app


@app.task(name="bankcrm.execute")
def execute(run_id: int) -> None:
    """Do one run, if it is still to be done."""
    runs.execute(run_id)


@app.task(name="bankcrm.reap")
def reap() -> None:
    """Free dropped runs, send unsent ones."""
    runs.reap()


@app.task(name="bankcrm.canary")
def canary() -> None:
    """A worker that does this is alive and not deaf."""
    heartbeat.beat()


@app.task(name="bankcrm.daily")
def daily() -> None:
    """Ask for what is done once a day, if nobody has asked yet today."""
    runs.start_daily()
