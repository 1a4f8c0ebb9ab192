"""Counting what published scores came to, and keeping it: one row per score run, once its window has passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analytics import preference_verification, published, verification
from analytics.models import PredictiveModel, PreferenceAnswer, Score, ScoreRun, Verification
from analytics.verification import data_through, due, is_over, published_runs
from bankcrm import audit, runs
from bankcrm.models import User

# Models of another sort of answer have their own count, with the columns of Verification, and their own rows.
COUNTED_BY: dict[str, Callable[[ScoreRun], dict[str, Any] | None]] = {
    PredictiveModel.Kind.PREFERENCE: preference_verification.count
}
NOBODY: dict[str, Any] = {
    "n": 0,
    "observed": 0,
    "expected": 0.0,
    "alarm": Verification.Alarm.NONE,
    "result": {},
}
ROWS_IN: dict[str, str] = {PredictiveModel.Kind.PREFERENCE: PreferenceAnswer._meta.db_table}


def _counted(run: ScoreRun) -> dict[str, Any] | None:
    if run.version.model.kind in COUNTED_BY:
        return COUNTED_BY[run.version.model.kind](run)
    found = verification.verify(run)
    if found is None:
        return None
    result = {
        "rows": [asdict(row) for row in found.rows],
        "groups": list(found.groups),
        "ratio": found.ratio,
        "intervals": found.intervals,
        "sentence": found.sentence,
        "against": found.against,
        "promised": found.promised,
    }
    return {
        "n": found.n,
        "observed": found.observed,
        "expected": found.expected,
        "alarm": found.alarm,
        "result": result,
    }


def count(model: PredictiveModel, user: User, job: runs.Job | None = None, *, again: bool = False) -> int:
    """Count every run of the model that is due (``again``: also those counted before) and keep what was found.

    Returns how many have a verification now that had none or an older one. Challengers' rows that served their purpose
    are dropped. Safe to repeat: a run has one verification.
    """
    through = data_through()
    waiting = due(model)
    if again:
        older = published_runs().filter(version__model=model, verification__isnull=False)
        waiting += [run for run in older.order_by("challenger", "pk") if is_over(run, through)]
    done = 0
    for position, run in enumerate(waiting):
        if job:
            job.tell(
                _("Counting what earlier scores came to, %(n)s of %(total)s")
                % {"n": position + 1, "total": len(waiting)}
            )
        # Nobody's outcome can be told: kept as such, or it would be looked for every day.
        _keep(run, _counted(run) or NOBODY, through, user, job)
        done += 1
    _drop_spent(model, job)
    return done


def _keep(
    run: ScoreRun, counted: dict[str, Any], through: dt.date | None, user: User, job: runs.Job | None
) -> None:
    values = {
        **counted,
        "data_through": through or run.as_of,
        "run": job.run if job else None,
        "computed_at": Now(),
    }
    with transaction.atomic():
        if job:
            job.fence()
        Verification.objects.update_or_create(score_run=run, defaults=values)
        audit.record(user, "model.verified", run.version.model, score_run=run.pk, alarm=counted["alarm"])


def _drop_spent(model: PredictiveModel, job: runs.Job | None) -> None:
    """Drop the rows of challengers' runs that are verified and not the newest; what they came to stays."""
    beside = ScoreRun.objects.filter(version__model=model, challenger=True, state=ScoreRun.State.PUBLISHED)
    newest = beside.order_by("-pk").first()
    spent = beside.filter(verification__isnull=False)
    for run in spent.exclude(pk=newest.pk) if newest else ():
        with transaction.atomic():
            if job:
                job.fence()
            published.drop(ScoreRun.objects.filter(pk=run.pk), ROWS_IN.get(model.kind, Score._meta.db_table))
