"""The answers of a preference model for everybody it is about: computed in chunks, written as one run's partition.

``scoring`` decides which version answers, when readers see it, and what is said of it; this module knows the rows.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import drift, features, pieces, preferences, published
from analytics.drift import Drift
from analytics.features import Batch
from analytics.modelling.preference import FittedPreference
from analytics.modelling.stability import psi_of_shares
from analytics.models import ModelVersion, ScoreRun
from bankcrm import bulk, figures, runs

TABLE = "analytics_preferenceanswer"


@dataclass(frozen=True, slots=True)
class Answers:
    """Customers ``ids`` (n,), positions of the likeliest class ``answer`` (n,), −1 without one, ``probabilities``
    (n, classes) of ``classes``; ``drift`` is how far answers and fields have moved."""

    classes: tuple[str, ...]
    ids: NDArray[np.int64]
    answer: NDArray[np.int8]
    probabilities: NDArray[np.float32]
    drift: Drift

    def __len__(self) -> int:
        return len(self.ids)


def answers(
    version: ModelVersion, fitted: FittedPreference, day: dt.date, job: runs.Job | None = None
) -> Answers:
    """The answer of everybody within the model's conditions at ``day``; whoever was seen too little has none.

    Raises runs.Refused when there is nobody, or a field that was known while learning is missing now.
    """
    model = version.model
    who = preferences.asked(model, day)
    total = features.count(day, who)
    watch = drift.Watch(fitted.specs, fitted.feature_references, total)

    def of(batch: Batch) -> pieces.Columns:
        watch.add(batch)
        found = fitted.prefer(batch.X, batch.extra["seen"], needed=model.least_seen)
        return found.answer, found.probabilities

    nobody = _("There is no customer to score in the profile of %(day)s.") % {"day": figures.day(day)}
    batches = features.chunks(day, fitted.specs, who)
    ids, answer, probabilities = pieces.put_together(batches, of, total, nobody, job)
    return Answers(
        fitted.classes, ids, answer, probabilities, _moved(version, fitted, watch, answer, probabilities)
    )


def _moved(
    version: ModelVersion,
    fitted: FittedPreference,
    watch: drift.Watch,
    answer: NDArray[np.int8],
    probabilities: NDArray[np.float32],
) -> Drift:
    """Answers, and the share without one, against what the version answered when it was trained; fields against the
    rows it learned from."""
    now = watch.known()
    moved = {
        spec.name: psi_of_shares(then.shares, each)
        for spec, then, each in zip(fitted.specs, fitted.feature_references, now, strict=False)
    }
    expected = version.card["preference"]["reference"]["shares"]
    psi = psi_of_shares(expected, preferences.shares(answer, probabilities))
    return Drift(psi, {"against": drift.TRAINING, "features": moved})


def write(run: ScoreRun, found: Answers) -> int:
    """Write the answers of one run as a partition, in a transaction; returns the rows."""
    without = len(found.classes)
    words = [*found.classes, ""]
    order = np.argsort(-found.probabilities, axis=1, kind="stable")
    known = found.answer >= 0
    rows = np.arange(len(found))
    columns: dict[str, bulk.Column] = {
        "score_run_id": np.full(len(found), run.pk, dtype=np.int64),
        "customer_id": found.ids,
        "answer": bulk.Coded(np.where(known, found.answer, without).astype(np.int64), words),
        "chance": _chance(found.probabilities[rows, order[:, 0]], known),
        "second": bulk.Coded(np.where(known, order[:, 1], without), words),
        "second_chance": _chance(found.probabilities[rows, order[:, 1]], known),
        "chances": found.probabilities.astype(np.float64),
    }
    with published.new_partition(TABLE, run.pk) as part:
        bulk.copy_columns(part, columns)
    return len(found)


def _chance(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(known, values.astype(np.float64), np.nan)
