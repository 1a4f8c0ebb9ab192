"""How a model would have done in use: refitted again and again, always on the past, always scoring the next rows.

The protocol of Moro, Cortez and Rita, Decision Support Systems 62 (2014) 22–31, for their Bank Marketing data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold

from . import metrics
from .estimators import EstimatorKind, fit_estimator
from .leakage import LeakageFound, leakage_scan
from .matrix import FeatureSpec, check_labels, check_matrix


@dataclass(frozen=True, slots=True)
class Rolling:
    """Scores (log-odds) of the last rows, from position `start`, pooled over all refits, and their outcomes."""

    start: int
    scores: NDArray[np.float64]
    outcomes: NDArray[np.int8]
    refits: int
    auc: float
    gains_area: float


def rolling_protocol(
    X: ArrayLike,
    y: ArrayLike,
    specs: Sequence[FeatureSpec],
    *,
    window: int = 20_000,
    step: int = 250,
    last: float = 0.2,
    kind: EstimatorKind = "hist_gradient_boosting",
    seed: int = 0,
) -> Rolling:
    """Over the `last` share of rows in time order: fit on the `window` rows before, score the next `step`, move on.

    Raises LeakageFound when a feature of the first window knows the outcome, ValueError when the window does not fit.
    """
    matrix = check_matrix(X, specs)
    labels = check_labels(y, len(matrix))
    start = len(matrix) - round(len(matrix) * last)
    if not 0 < window <= start < len(matrix):
        raise ValueError(f"a window of {window} rows does not fit before row {start} of {len(matrix)}")
    if leaks := leakage_scan(matrix[start - window : start], labels[start - window : start], specs):
        raise LeakageFound(leaks)
    scores = np.empty(len(matrix) - start)
    steps = range(start, len(matrix), step)
    for first in steps:
        past, ahead = slice(first - window, first), slice(first, first + step)
        estimator = fit_estimator(kind, matrix[past], labels[past], specs, seed)
        scores[first - start : first - start + step] = estimator.decision_function(matrix[ahead])
    outcomes = labels[start:]
    return Rolling(
        start,
        scores,
        outcomes,
        len(steps),
        metrics.auc(outcomes, scores),
        metrics.gains_area(outcomes, scores),
    )


def five_fold_auc(
    X: ArrayLike,
    y: ArrayLike,
    specs: Sequence[FeatureSpec],
    *,
    kind: EstimatorKind = "hist_gradient_boosting",
    seed: int = 0,
) -> float:
    """Mean AUC of five random stratified folds: only to compare with published figures, never to judge a model in use.

    Random folds see the future of every row they score, so on drifting data the figure is too good.
    """
    labels = check_labels(y)
    folds = fold_scores(X, labels, specs, kind=kind, seed=seed)
    return float(np.mean([metrics.auc(labels[rows], scores) for rows, scores in folds]))


def fold_scores(
    X: ArrayLike,
    y: ArrayLike,
    specs: Sequence[FeatureSpec],
    *,
    kind: EstimatorKind = "hist_gradient_boosting",
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Row positions and their log-odds for every random stratified fold, scored by a model of the other folds; for
    `bootstrap.mean_over_folds`. Random folds see the future: see `five_fold_auc`."""
    matrix = check_matrix(X, specs)
    labels = check_labels(y, len(matrix))
    found = []
    for repeat in range(repeats):
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed + repeat)
        for train, test in splitter.split(matrix, labels):
            estimator = fit_estimator(kind, matrix[train], labels[train], specs, seed)
            found.append((test, np.asarray(estimator.decision_function(matrix[test]), dtype=np.float64)))
    return found
