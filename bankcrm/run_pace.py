"""How fast running work is, and whether anything was heard of it lately."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from bankcrm.job import HEARTBEAT_SECONDS
from bankcrm.models import Run

# Three heartbeats: one may come late on a busy machine, and a fit may hold its process for some seconds.
SILENT_AFTER_SECONDS = 3 * HEARTBEAT_SECONDS


def seconds_silent(run: Run) -> float | None:
    """How long running work has not been heard of, once that is longer than a worker at work stays silent.

    Every word and every heartbeat renews the lease; what holds it is taken over by another worker when it ends.
    """
    silent = _seconds_since_word(run)
    return silent if silent is not None and silent > SILENT_AFTER_SECONDS else None


def seconds_left(run: Run) -> float | None:
    """Time left at the pace so far; None where there is no pace, after the end, and while nothing is heard of it.

    Time in which nothing was heard is no pace: a dead worker's estimate would grow without end.
    """
    since_word = _seconds_since_word(run)
    if since_word is None or since_word > SILENT_AFTER_SECONDS:
        return None
    if not run.total or not 0 < run.done < run.total or not run.started_at:
        return None
    at_work = (timezone.now() - run.started_at).total_seconds() - since_word
    return max(0.0, at_work * (run.total - run.done) / run.done - since_word)


def _seconds_since_word(run: Run) -> float | None:
    if run.state != Run.State.RUNNING or run.leased_until is None:
        return None
    # The web's clock and the database's may differ by a little; a word from the future was heard just now.
    return max(0.0, settings.RUN_LEASE_SECONDS - (run.leased_until - timezone.now()).total_seconds())
