"""What was predicted against what then happened, once the window of a score has passed.

Everywhere the same: per decile, predicted and actual with Wilson's interval; observed over expected with its alarm;
ranking and calibration with bootstrap intervals; and the same ratio for groups of customers (contacted, control,
exploration; segment; branch). methods.md section 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import metrics
from .bootstrap import Interval, bootstrap_intervals
from .matrix import check_labels
from .sentences import Sentence, gettext_noop

# Fewer expected outcomes than this say nothing about a group.
LEAST_EXPECTED = 5.0
Alarm = Literal["none", "over", "under"]


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """One group of customers: observed and expected outcomes, their ratio with an interval wide enough for all groups
    of its kind together (Bonferroni), and the alarm. Ratio and interval are None under five expected outcomes."""

    kind: str
    group: str
    n: int
    observed: int
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Verification:
    """`intervals`: brier, log_loss, ece and, with both outcomes, auc and gini. `alarm` of the whole: `over` when the
    model promised too much, `under` when too little; `sentence` says it."""

    n: int
    observed: int
    deciles: tuple[metrics.CalibrationRow, ...]
    inside: int
    observed_expected: metrics.ObservedExpected
    intervals: dict[str, Interval]
    groups: tuple[GroupCheck, ...]
    alarm: Alarm
    sentence: Sentence


def verify(
    y: ArrayLike,
    p: ArrayLike,
    *,
    rank: ArrayLike | None = None,
    groups: Mapping[str, Sequence[Any] | NDArray[Any]] | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> Verification:
    """Outcomes y (n,) 0/1 against published probabilities p (n,). `rank` (n,): what customers were ranked by, where
    calibration tied what it keeps apart; auc and gini are its. `groups`: per kind a label (n,) for every row, None for
    rows of no group. ValueError for different lengths, values that are no probability, or no rows."""
    labels = check_labels(y)
    chances = np.asarray(p, dtype=np.float64)
    if not len(labels) or chances.shape != labels.shape:
        raise ValueError(f"{len(labels)} outcomes but probabilities of shape {chances.shape}")
    if not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError("a published score is a probability between 0 and 1")
    measures: dict[str, tuple[Any, ArrayLike]] = {
        metric.__name__: (metric, chances) for metric in (metrics.brier, metrics.log_loss, metrics.ece)
    }
    if labels.min() != labels.max():
        ranked = chances if rank is None else rank
        measures |= {metric.__name__: (metric, ranked) for metric in (metrics.auc, metrics.gini)}
    deciles = tuple(metrics.calibration_table(labels, chances))
    whole = metrics.observed_over_expected(labels, chances)
    alarm = _alarm(whole)
    return Verification(
        n=len(labels),
        observed=int(labels.sum()),
        deciles=deciles,
        inside=sum(row.inside for row in deciles),
        observed_expected=whole,
        intervals=bootstrap_intervals(measures, labels, n=resamples, seed=seed),
        groups=tuple(
            check for kind, names in (groups or {}).items() for check in _checks(labels, chances, kind, names)
        ),
        alarm=alarm,
        sentence=_told(whole, alarm, deciles),
    )


def _checks(
    y: NDArray[np.int8], p: NDArray[np.float64], kind: str, names: Sequence[Any] | NDArray[Any]
) -> list[GroupCheck]:
    given = np.asarray(names, dtype=object)
    if given.shape != y.shape:
        raise ValueError(f"{kind}: groups of shape {given.shape} for {len(y)} customers")
    known = np.array([name is not None for name in given], dtype=np.bool_)
    found, group = np.unique(given[known].astype(str), return_inverse=True)
    size = np.bincount(group, minlength=len(found))
    outcomes = np.bincount(group, weights=y[known], minlength=len(found))
    chances = np.bincount(group, weights=p[known], minlength=len(found))
    return [
        check_group(kind, str(name), int(n), round(observed), float(expected), of=len(found))
        for name, n, observed, expected in zip(found, size, outcomes, chances, strict=True)
    ]


def check_group(kind: str, name: str, n: int, observed: int, expected: float, *, of: int) -> GroupCheck:
    """One group of `of` of its kind, from its sums."""
    if expected < LEAST_EXPECTED:
        return GroupCheck(kind, name, n, observed, expected, None, None, None, "none")
    judged = metrics.judged(observed, expected, n, 1 - 0.05 / of)
    return GroupCheck(
        kind, name, n, observed, expected, judged.ratio, judged.low, judged.high, _alarm(judged)
    )


def _alarm(judged: metrics.ObservedExpected) -> Alarm:
    if not judged.alarm:
        return "none"
    return "over" if judged.ratio < 1 else "under"


def _told(
    whole: metrics.ObservedExpected, alarm: Alarm, deciles: Sequence[metrics.CalibrationRow]
) -> Sentence:
    values = {
        "observed": whole.observed,
        "expected": whole.expected,
        "ratio": whole.ratio,
        "low": whole.low,
        "high": whole.high,
        "inside": sum(row.inside for row in deciles),
        "deciles": len(deciles),
    }
    if alarm == "over":
        template = gettext_noop(
            "The model promised too much: %(observed)s outcomes where %(expected).0f were predicted, "
            "%(ratio).2f times as many (%(low).2f to %(high).2f)."
        )
    elif alarm == "under":
        template = gettext_noop(
            "The model promised too little: %(observed)s outcomes where %(expected).0f were predicted, "
            "%(ratio).2f times as many (%(low).2f to %(high).2f)."
        )
    else:
        template = gettext_noop(
            "%(observed)s outcomes where %(expected).0f were predicted, %(ratio).2f times as many (%(low).2f to "
            "%(high).2f); in %(inside)s of %(deciles)s deciles the interval holds the prediction."
        )
    return Sentence(template, values)
