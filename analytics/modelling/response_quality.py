"""The evidence of a response model on rows it has not seen: ranking, calibration, lift, what it leans on, drift."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance

from . import metrics, stability
from .bootstrap import Interval, bootstrap_intervals
from .calibration import SigmoidCalibrator
from .leakage import Drift
from .matrix import FeatureSpec

# Rows predicted at once: as float64, which scikit-learn makes of them, they stay in the processor's cache while one
# tree after the other walks over them; twice as fast as a hundred thousand.
CHUNK = 8_192
IMPORTANCE_ROWS = 5_000
GAINS_POINTS = np.linspace(0, 1, 21)


@dataclass(frozen=True, slots=True)
class Importance:
    """Fall of the out-of-time AUC when one feature is shuffled, mean and standard deviation of three shuffles.

    Global: it says what the model leans on, never why one customer scores high.
    """

    feature: str
    drop: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The out-of-time evidence.

    `intervals` by name: auc, gini, ks, top_decile_lift, gains_area (of the raw score), brier, log_loss, ece (of the
    probability). `gains` is (share approached, share found) in steps of 5 %. `score_psi` goes from validation to
    out-of-time rows; `drift` names the features that moved from training to out-of-time rows.
    """

    intervals: dict[str, Interval]
    observed_expected: metrics.ObservedExpected
    lift: tuple[metrics.LiftRow, ...]
    gains: tuple[tuple[float, float], ...]
    calibration: tuple[metrics.CalibrationRow, ...]
    importance: tuple[Importance, ...]
    score_psi: float
    drift: tuple[Drift, ...]


def raw_scores(estimator: BaseEstimator, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Decision function, ``CHUNK`` rows at a time."""
    scores = np.empty(len(matrix), dtype=np.float64)
    for start in range(0, len(matrix), CHUNK):
        scores[start : start + CHUNK] = estimator.decision_function(matrix[start : start + CHUNK])
    return scores


def measure(
    estimator: BaseEstimator,
    calibrator: SigmoidCalibrator,
    X: NDArray[np.float32],
    y: NDArray[np.int8],
    *,
    specs: Sequence[FeatureSpec],
    score_reference: stability.Reference,
    drift: tuple[Drift, ...],
    seed: int,
    resamples: int,
) -> Quality:
    """The evidence of an estimator and its calibrator on out-of-time rows X (n, features), y (n,) 0/1."""
    raw = raw_scores(estimator, X)
    probability = calibrator.predict(raw)
    ranking: tuple[Callable[..., float], ...] = (
        metrics.auc,
        metrics.gini,
        metrics.ks,
        metrics.top_decile_lift,
        metrics.gains_area,
    )
    value: tuple[Callable[..., float], ...] = (metrics.brier, metrics.log_loss, metrics.ece)
    measures: dict[str, tuple[Callable[..., float], ArrayLike]] = {
        metric.__name__: (metric, raw) for metric in ranking
    }
    measures |= {metric.__name__: (metric, probability) for metric in value}
    gains = metrics.cumulative_gains(y, raw).at(GAINS_POINTS)
    return Quality(
        intervals=bootstrap_intervals(measures, y, n=resamples, seed=seed),
        observed_expected=metrics.observed_over_expected(y, probability),
        lift=tuple(metrics.lift_by_decile(y, raw)),
        gains=tuple((float(x), float(found)) for x, found in zip(GAINS_POINTS, gains, strict=True)),
        calibration=tuple(metrics.calibration_table(y, probability)),
        importance=_importance(estimator, X, y, specs, seed),
        score_psi=score_reference.psi(probability),
        drift=drift,
    )


def _importance(
    estimator: BaseEstimator,
    X: NDArray[np.float32],
    y: NDArray[np.int8],
    specs: Sequence[FeatureSpec],
    seed: int,
) -> tuple[Importance, ...]:
    rows = _spread(y, IMPORTANCE_ROWS)
    result = permutation_importance(
        estimator, X[rows], y[rows], scoring="roc_auc", n_repeats=3, random_state=seed, n_jobs=1
    )
    order = np.argsort(-result.importances_mean, kind="stable")
    return tuple(
        Importance(specs[j].name, float(result.importances_mean[j]), float(result.importances_std[j]))
        for j in order
    )


def _spread(y: NDArray[np.int8], limit: int) -> NDArray[np.intp]:
    """At most about `limit` row positions, evenly spaced inside each class, so both stay represented."""
    if len(y) <= limit:
        return np.arange(len(y))
    classes = [np.flatnonzero(y == label) for label in (0, 1)]
    sizes = [max(2, round(limit * len(rows) / len(y))) for rows in classes]
    picked = [
        rows[np.linspace(0, len(rows) - 1, min(size, len(rows))).astype(np.intp)]
        for rows, size in zip(classes, sizes, strict=True)
    ]
    return np.sort(np.concatenate(picked))
