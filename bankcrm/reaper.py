"""Finding what was dropped: runs whose worker vanished, and runs that nobody was told about."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from bankcrm import audit, dispatch
from bankcrm.job import from_now
from bankcrm.models import Run

State = Run.State
MAX_ATTEMPTS = 3
REAP_AT_ONCE = 500


def reap() -> dict[str, int]:
    """Free what was dropped and send what was not: returns counts of waiting, dead, cancelled and sent runs.

    Called by beat every RUN_REAPER_SECONDS. Any number of reapers may run at once.
    """
    counts = {"waiting": 0, "dead": 0, "cancelled": 0}
    with transaction.atomic():
        dropped = Run.objects.select_for_update(skip_locked=True).filter(
            state=State.RUNNING, leased_until__lt=Now()
        )
        for run in dropped.order_by("pk")[:REAP_AT_ONCE]:
            counts[_free(run)] += 1
    stale = from_now(-max(settings.RUN_LEASE_SECONDS, 2 * settings.RUN_REAPER_SECONDS))
    due = Run.objects.filter(state=State.QUEUED, available_at__lte=Now())
    unsent = due.filter(dispatched_at=None) | due.filter(dispatched_at__lt=stale)
    ids = list(unsent.order_by("available_at").values_list("pk", flat=True)[:REAP_AT_ONCE])
    return {**counts, "sent": dispatch.send(ids)}


def _free(run: Run) -> str:
    """Decide about one run whose worker vanished; the row is locked.

    An attempt that got further than any before it does not count: many deployments may interrupt a long import, while
    work that kills its worker at the same place stops getting further and is given up.
    """
    changes: dict[str, Any] = {"lease_token": None, "leased_until": None}
    if run.done > run.result.get("mark", 0):
        run.attempts -= 1
        changes["attempts"] = run.attempts
    if run.cancel_requested:
        to, word = State.CANCELLED, "cancelled"
    elif run.attempts >= MAX_ATTEMPTS:
        to, word = State.DEAD, "dead"
        changes["error"] = _("The worker vanished in attempt %(attempt)s, as in the attempts before.") % {
            "attempt": run.attempts
        }
    else:
        # No back-off: the work did nothing wrong, its worker was killed.
        to, word = State.QUEUED, "waiting"
        changes |= {"available_at": Now(), "dispatched_at": None}
    if to != State.QUEUED:
        changes["finished_at"] = Now()
    Run.objects.filter(pk=run.pk).update(state=to, **changes)
    audit.record(
        None,
        f"run.{word}",
        run,
        from_state=State.RUNNING,
        to_state=to,
        reason="the worker's lease ran out",
        attempt=run.attempts,
    )
    return word
