"""What published answers of a preference model came to, once their window has passed.

Judged on those who got an answer and then did something that says a preference: how often the likeliest answer came
true, beside its chance by tenths; whether every answer's chances add up to how many chose it; what was taken for what.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import card, preferences, verification
from analytics.models import ScoreRun
from bankcrm import bulk

RESAMPLES = 200
INTERVALS = ("accuracy", "base_accuracy", "gain", "log_loss")
# The kind of a group whose name is an answer: its chances summed against how many chose it.
ANSWER = "answer"


def count(run: ScoreRun) -> dict[str, Any] | None:
    """The columns of ``Verification`` for a published run; None while its window is open or nobody did anything.

    ``observed`` are the answers that came true, ``expected`` the sum of their chances. ``result`` has ``rows`` (tenths
    of the chance), ``groups`` by answer and branch, ``ratio``, ``intervals`` and, under ``preference``, what
    ``modelling.preference_quality`` measures on answers the version has learned.
    """
    if run.state != ScoreRun.State.PUBLISHED or not verification.is_over(run, verification.data_through()):
        return None
    found = _read(run)
    if not len(found["customer_id"]):
        return None
    # scikit-learn is for workers; pages import this module for the kinds of groups.
    from analytics.modelling import verification as modelling

    known = run.version.card["preference"]
    chances = np.column_stack([found[f"c{at}"] for at in range(len(known["classes"]))])
    chosen = found["chosen"].astype(np.intp)
    right = (found["answer"].astype(np.intp) == chosen).astype(np.int8)
    judged = modelling.verify(
        right,
        np.clip(found["chance"], 0, 1),
        groups={verification.BRANCH: verification.named(found["branch"])},
        resamples=RESAMPLES,
        seed=run.pk,
    )
    whole = judged.observed_expected
    groups = [
        *_answers(known["classes"], chosen, chances),
        *(asdict(group) for group in judged.groups),
    ]
    quality = _quality(known, chosen, chances, run.pk)
    measured = quality.intervals if quality else {}
    intervals = {name: verification.plain(measured[name]) for name in INTERVALS if name in measured}
    return {
        "n": judged.n,
        "observed": judged.observed,
        "expected": whole.expected,
        "alarm": judged.alarm,
        "result": {
            "rows": [_row(row) for row in judged.deciles],
            "groups": groups,
            "ratio": {"value": whole.ratio, "low": whole.low, "high": whole.high},
            "intervals": {**intervals, "ece": verification.plain(judged.intervals["ece"])},
            "sentence": card.sentence(judged.sentence),
            "against": None,
            "preference": _kept(quality),
        },
    }


def _kept(quality: Any | None) -> dict[str, Any] | None:
    if quality is None:
        return None
    return {
        "n": quality.intervals["accuracy"].n,
        "by_class": [asdict(row) for row in quality.classes],
        "confusion": [list(row) for row in quality.confusion],
    }


def _read(run: ScoreRun) -> dict[str, NDArray[Any]]:
    """Everybody with an answer who then said a word: both as positions among the classes, and all chances."""
    model, classes = run.version.model, run.version.card["preference"]["classes"]
    words, params = preferences.subject(model).words(run.as_of, verification.complete_on(run))
    columns = ", ".join(f"a.chances[{at + 1}] AS c{at}" for at in range(len(classes)))
    statement = (
        "SELECT a.customer_id, a.chance, c.home_branch_id AS branch,"  # noqa: S608  numbers and constants of this package
        " array_position(%s::text[], a.answer::text) - 1 AS answer,"
        f" array_position(%s::text[], later.word::text) - 1 AS chosen, {columns}"
        " FROM analytics_preferenceanswer a JOIN customers_customer c ON c.id = a.customer_id"
        f" JOIN ({words}) later ON later.customer_id = a.customer_id"
        " WHERE a.score_run_id = %s AND a.answer <> '' AND later.word = ANY(%s) ORDER BY a.customer_id"
    )
    with bulk.without_time_limit():
        return bulk.read_columns(statement, [classes, classes, *params, run.pk, classes])


def _answers(
    classes: list[str], chosen: NDArray[np.intp], chances: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Per answer how many chose it against the sum of its chances; intervals wide enough for all answers together."""
    from analytics.modelling.verification import LEAST_EXPECTED, check_group

    rows = []
    for at, code in enumerate(classes):
        observed, expected = int((chosen == at).sum()), float(np.clip(chances[:, at], 0, 1).sum())
        if observed or expected >= LEAST_EXPECTED:
            rows.append(asdict(check_group(ANSWER, code, len(chosen), observed, expected, of=len(classes))))
    return rows


def _quality(
    known: dict[str, Any], chosen: NDArray[np.intp], chances: NDArray[np.float64], seed: int
) -> Any | None:
    """The quality among those who chose an answer the version has learned; None where nobody did."""
    from analytics.modelling.preference_quality import measure

    kept = [known["classes"].index(code) for code in known["kept"]]
    inside = np.isin(chosen, kept)
    if not inside.any():
        return None
    learned = np.array(known["parts"][0]["counts"], dtype=np.float64)[kept]
    return measure(
        np.searchsorted(kept, chosen[inside]),
        chances[inside][:, kept],
        learned / learned.sum(),
        known["kept"],
        resamples=RESAMPLES,
        seed=seed,
    )


def _row(row: Any) -> dict[str, Any]:
    return {
        "decile": row.decile,
        "n": row.n,
        "positives": row.responders,
        "predicted": row.predicted,
        "actual": row.actual,
        "low": row.low,
        "high": row.high,
    }
