"""Which setting of a learner suits a model's data: tried on its own training rows, earlier ones against later ones.

Validation and out-of-time rows take no part, so the figures measured on them stay unspoilt.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .estimators import SETTINGS, EstimatorKind, fit_estimator
from .matrix import FeatureSpec

# Shares of the rows in time order: learned from up to the first, tried on those up to the second.
FOLDS = ((0.5, 0.75), (0.75, 1.0))
# A setting learned and tried on fewer positives is chosen by luck; the first one is then as good as any.
LEAST = 30
# More rows decide no better and cost time; positives are kept, the others thinned evenly.
MOST_ROWS = 20_000


def choose(
    kind: EstimatorKind,
    X: NDArray[np.float32],
    y: NDArray[Any],
    specs: Sequence[FeatureSpec],
    seed: int = 0,
    *,
    weight: NDArray[Any] | None = None,
) -> str:
    """Name of the setting with the highest mean AUC on later rows, for X (n, features) and y (n,) in time order.

    The first setting where the folds hold fewer than 30 rows of either outcome.
    """
    names = list(SETTINGS[kind])
    rows = _thinned(y)
    cuts = [
        (rows[: round(a * len(rows))], rows[round(a * len(rows)) : round(b * len(rows))]) for a, b in FOLDS
    ]
    outcomes = [np.bincount(y[part].astype(np.intp), minlength=2).min() for cut in cuts for part in cut]
    if min(outcomes) < LEAST:
        return names[0]
    found = dict.fromkeys(names, 0.0)
    for early, late in cuts:
        for name in names:
            fitted = fit_estimator(
                kind,
                X[early],
                y[early],
                specs,
                seed,
                weight=None if weight is None else weight[early],
                setting=name,
            )
            found[name] += metrics.auc(y[late], fitted.decision_function(X[late]))
    return max(names, key=lambda name: found[name])


def _thinned(y: NDArray[Any]) -> NDArray[np.intp]:
    """All row positions, or with too many all positives and evenly spaced others, ascending."""
    if len(y) <= MOST_ROWS:
        return np.arange(len(y))
    classes = [np.flatnonzero(y == 0), np.flatnonzero(y == 1)]
    room = max(MOST_ROWS - len(classes[1]), MOST_ROWS // 2)
    kept = [
        rows[np.linspace(0, len(rows) - 1, min(room, len(rows))).astype(np.intp)] if label == 0 else rows
        for label, rows in enumerate(classes)
    ]
    return np.sort(np.concatenate(kept))
