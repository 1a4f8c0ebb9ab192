"""Features that say the same thing, so that a reason names the thing once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.stats import rankdata

from .matrix import FeatureSpec

SAME = 0.7
ROWS_LOOKED_AT = 5_000


def correlated_groups(
    X: NDArray[np.float32], specs: Sequence[FeatureSpec], threshold: float = SAME
) -> tuple[int, ...]:
    """A group number per feature: features linked by |Spearman correlation| ≥ `threshold` share one.

    Looks at up to 5,000 evenly spaced rows; the missing take the middle rank. Category codes have no order, so a
    categorical feature is always alone. 0.7 is a judgement: half of the variance in common.
    """
    rows = np.linspace(0, len(X) - 1, min(len(X), ROWS_LOOKED_AT)).astype(np.intp)
    linked = np.eye(len(specs), dtype=bool)
    ordered = np.flatnonzero([spec.kind != "categorical" for spec in specs])
    if ordered.size:
        correlation = _spearman(X[np.ix_(rows, ordered)])
        linked[np.ix_(ordered, ordered)] |= np.abs(correlation) >= threshold
    _, groups = connected_components(linked, directed=False)
    return tuple(int(group) for group in groups)


def _spearman(X: NDArray[Any]) -> NDArray[np.float64]:
    """Rank correlation of the columns; zero where a column does not vary."""
    ranks = np.empty(X.shape, dtype=np.float64)
    for j, column in enumerate(X.T):
        known = ~np.isnan(column)
        ranks[:, j] = (known.sum() + 1) / 2
        ranks[known, j] = rankdata(column[known])
    ranks -= ranks.mean(axis=0)
    length = np.sqrt((ranks**2).sum(axis=0))
    return (ranks.T @ ranks) / np.where(length > 0, length, np.inf)[:, None] / np.where(length > 0, length, 1)
