"""Bootstrap intervals: rows are drawn again with replacement, as counts, so that most metrics need no new sorting.

One seed and one set of rows give one sequence of draws, therefore differences between two scores are paired.
Percentile intervals (Efron 1979); an absolute gap such as KS or ECE is biased upwards in draws, so the interval of a
small one may lie above it. A measure of order is drawn stratified by outcome. A measure that contains the base rate
is not (`CONTAINS_BASE_RATE`): with as many responders in every draw its interval would be far too narrow.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import metrics
from .matrix import check_labels

Array = NDArray[Any]
Metric = Callable[[Array, Array], float]
# Metric of many draws: counts (draws, n) to values (draws,).
Kernel = Callable[[Array], Array]
CELLS_AT_ONCE = 2_000_000
CONTAINS_BASE_RATE: frozenset[Metric] = frozenset(
    {metrics.brier, metrics.log_loss, metrics.ece, metrics.top_decile_lift}
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % (or `confidence`) bootstrap interval, and the rows and positives it rests on."""

    value: float
    low: float
    high: float
    n: int
    positives: int
    resamples: int
    confidence: float = 0.95


def draw_counts(
    y: ArrayLike, n: int, *, seed: int, stratify: bool | ArrayLike = True
) -> Iterator[NDArray[np.int64]]:
    """Yield batches (b, rows) of how often each row is drawn; b sums to `n`. `stratify`: by `y`, not at all,
    or labels. Not at all: a draw with one outcome of two is drawn again."""
    labels = np.asarray(y)
    rows = len(labels)
    strata = labels if stratify is True else np.zeros(rows) if stratify is False else np.asarray(stratify)
    members = [np.flatnonzero(strata == value) for value in np.unique(strata)]
    rng = np.random.default_rng(seed)
    size = max(1, CELLS_AT_ONCE // max(rows, 1))
    for start in range(0, n, size):
        draws = min(size, n - start)
        counts = np.zeros(draws * rows, dtype=np.int64)
        offsets = np.arange(draws)[:, None] * rows
        for member in members:
            drawn = member[rng.integers(0, len(member), size=(draws, len(member)))] + offsets
            counts += np.bincount(drawn.ravel(), minlength=draws * rows)
        table = counts.reshape(draws, rows)
        if stratify is False:
            _redraw_single_outcomes(table, labels, rng)
        yield table


def _redraw_single_outcomes(counts: Array, labels: Array, rng: np.random.Generator) -> None:
    first = labels == labels[0]
    if first.all():
        return
    rows = len(labels)
    for row in np.flatnonzero(np.isin(counts @ first, (0, rows))):
        while (counts[row] @ first) in (0, rows):
            counts[row] = np.bincount(rng.integers(0, rows, size=rows), minlength=rows)


def bootstrap_values(
    measures: Mapping[str, tuple[Metric, ArrayLike]],
    y: ArrayLike,
    *,
    n: int = 500,
    seed: int = 0,
    stratify: bool | ArrayLike | None = None,
) -> dict[str, Array]:
    """`n` values of each measure, a (metric, score) pair. `stratify` None: as each metric needs; measures drawn alike
    are paired."""
    labels = check_labels(y)
    kernels = {
        name: _kernel(metric, labels, np.asarray(p, dtype=np.float64))
        for name, (metric, p) in measures.items()
    }
    values: dict[str, list[Array]] = {name: [] for name in measures}
    free = {name for name, (metric, _) in measures.items() if metric in CONTAINS_BASE_RATE}
    groups = (
        ((True, kernels.keys() - free), (False, free)) if stratify is None else ((stratify, set(kernels)),)
    )
    for how, names in groups:
        if not names:
            continue
        for counts in draw_counts(labels, n, seed=seed, stratify=how):
            for name in names:
                values[name].append(kernels[name](counts))
    return {name: np.concatenate(parts) for name, parts in values.items()}


def bootstrap_intervals(
    measures: Mapping[str, tuple[Metric, ArrayLike]],
    y: ArrayLike,
    *,
    n: int = 500,
    seed: int = 0,
    stratify: bool | ArrayLike | None = None,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Interval of each (metric, score) pair. The metric must take (y, p) and return one number."""
    labels = check_labels(y)
    values = bootstrap_values(measures, labels, n=n, seed=seed, stratify=stratify)
    tail = (1 - confidence) / 2
    intervals = {}
    for name, (metric, p) in measures.items():
        low, high = np.quantile(values[name], (tail, 1 - tail))
        value = float(metric(labels, np.asarray(p)))
        intervals[name] = Interval(
            value, float(low), float(high), len(labels), int(labels.sum()), n, confidence
        )
    return intervals


def bootstrap_interval(
    metric: Metric,
    y: ArrayLike,
    p: ArrayLike,
    *,
    n: int = 500,
    seed: int = 0,
    stratify: bool | ArrayLike | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Interval of one metric of one score."""
    measures = {"metric": (metric, p)}
    return bootstrap_intervals(measures, y, n=n, seed=seed, stratify=stratify, confidence=confidence)[
        "metric"
    ]


def paired_difference(
    metric: Metric,
    y: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    n: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Interval of metric(first) − metric(second) over the same draws of the same rows."""
    labels = check_labels(y)
    values = bootstrap_values({"first": (metric, first), "second": (metric, second)}, labels, n=n, seed=seed)
    tail = (1 - confidence) / 2
    low, high = np.quantile(values["first"] - values["second"], (tail, 1 - tail))
    value = float(metric(labels, np.asarray(first)) - metric(labels, np.asarray(second)))
    return Interval(value, float(low), float(high), len(labels), int(labels.sum()), n, confidence)


def mean_over_folds(
    metric: Metric,
    y: ArrayLike,
    folds: Sequence[tuple[NDArray[np.intp], ArrayLike]],
    *,
    n: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Interval of the mean of a metric over cross-validation folds, each (row positions, their scores). Rows are drawn
    once for all folds, so a row that repeated folds hold several times counts as one row."""
    labels = check_labels(y)
    kernels = [(rows, _kernel(metric, labels[rows], np.asarray(p, dtype=np.float64))) for rows, p in folds]
    draws = np.concatenate(
        [
            np.mean([kernel(counts[:, rows]) for rows, kernel in kernels], axis=0)
            for counts in draw_counts(labels, n, seed=seed, stratify=metric not in CONTAINS_BASE_RATE)
        ]
    )
    low, high = np.quantile(draws, ((1 - confidence) / 2, (1 + confidence) / 2))
    value = float(np.mean([metric(labels[rows], np.asarray(p)) for rows, p in folds]))
    return Interval(value, float(low), float(high), len(labels), int(labels.sum()), n, confidence)


class _Ranking:
    """Rows sorted once, best first, so that every draw is a sum per tie group."""

    def __init__(self, y: Array, p: Array) -> None:
        order = np.argsort(-p, kind="stable")
        starts = np.concatenate(([0], np.flatnonzero(np.diff(p[order])) + 1))
        self.scores = p[order][starts]
        self._columns = [order[y[order] == label] for label in (0, 1)]
        group = np.zeros(len(p), dtype=np.intp)
        group[starts[1:]] = 1
        group = np.cumsum(group)
        self._last = [
            np.searchsorted(group[y[order] == label], np.arange(len(starts)), side="right")
            for label in (0, 1)
        ]

    def cumulative(self, counts: Array) -> tuple[Array, Array]:
        """Non-responders and responders (draws, groups + 1) down to every tie boundary, from zero."""
        negative, positive = (
            np.concatenate((np.zeros((len(counts), 1)), np.cumsum(counts[:, columns], axis=1)), axis=1)[
                :, np.concatenate(([0], last))
            ]
            for columns, last in zip(self._columns, self._last, strict=True)
        )
        return negative, positive


def _trapezoid(heights: Array, positions: Array) -> Array:
    return ((heights[:, 1:] + heights[:, :-1]) / 2 * np.diff(positions, axis=1)).sum(axis=1)


def _auc_kernel(y: Array, p: Array) -> Kernel:
    ranking = _Ranking(y, p)

    def values(counts: Array) -> Array:
        negative, positive = ranking.cumulative(counts)
        return _trapezoid(positive, negative) / (negative[:, -1] * positive[:, -1])

    return values


def _gini_kernel(y: Array, p: Array) -> Kernel:
    kernel = _auc_kernel(y, p)
    return lambda counts: 2 * kernel(counts) - 1


def _gains_kernel(y: Array, p: Array) -> Kernel:
    ranking = _Ranking(y, p)

    def values(counts: Array) -> Array:
        negative, positive = ranking.cumulative(counts)
        everyone = negative + positive
        return _trapezoid(positive, everyone) / (everyone[:, -1] * positive[:, -1])

    return values


def _ks_kernel(y: Array, p: Array) -> Kernel:
    ranking = _Ranking(y, p)

    def values(counts: Array) -> Array:
        negative, positive = ranking.cumulative(counts)
        return np.abs(positive / positive[:, -1:] - negative / negative[:, -1:]).max(axis=1)

    return values


def _top_decile_kernel(y: Array, p: Array) -> Kernel:
    ranking = _Ranking(y, p)

    def values(counts: Array) -> Array:
        negative, positive = ranking.cumulative(counts)
        everyone = negative + positive
        tenth = everyone[:, -1] / 10
        found = [np.interp(k, x, found) for k, x, found in zip(tenth, everyone, positive, strict=True)]
        return np.array(found) / positive[:, -1] * 10

    return values


def _ece_kernel(y: Array, p: Array) -> Kernel:
    """Deciles by mid-rank are runs of tie groups, so a bin is a difference of cumulative residuals."""
    ranking = _Ranking(y, p)

    def values(counts: Array) -> Array:
        negative, positive = ranking.cumulative(counts)
        everyone = negative + positive
        residuals = np.diff(positive, axis=1) - np.diff(everyone, axis=1) * ranking.scores
        running = np.cumsum(np.concatenate((np.zeros((len(counts), 1)), residuals), axis=1), axis=1)
        bins = (everyone[:, 1:] + everyone[:, :-1]) / 2 * 10 // everyone[:, -1:]
        ends = np.stack([(bins < edge).sum(axis=1) for edge in range(11)], axis=1)
        gaps = np.diff(np.take_along_axis(running, ends, axis=1), axis=1)
        return np.abs(gaps).sum(axis=1) / everyone[:, -1]

    return values


def _mean_kernel(losses: Array) -> Kernel:
    return lambda counts: counts @ losses / counts.sum(axis=1)


def _brier_kernel(y: Array, p: Array) -> Kernel:
    return _mean_kernel((p - y) ** 2)


def _log_loss_kernel(y: Array, p: Array) -> Kernel:
    smallest = np.finfo(np.float64).eps  # scikit-learn clips at the same value
    clipped = np.clip(p, smallest, 1 - smallest)
    return _mean_kernel(-np.where(y == 1, np.log(clipped), np.log1p(-clipped)))


_KERNELS: dict[Metric, Callable[[Array, Array], Kernel]] = {
    metrics.auc: _auc_kernel,
    metrics.gini: _gini_kernel,
    metrics.gains_area: _gains_kernel,
    metrics.ks: _ks_kernel,
    metrics.top_decile_lift: _top_decile_kernel,
    metrics.ece: _ece_kernel,
    metrics.brier: _brier_kernel,
    metrics.log_loss: _log_loss_kernel,
}


def _kernel(metric: Metric, y: Array, p: Array) -> Kernel:
    if p.shape != y.shape:
        raise ValueError(f"{len(y)} labels but scores of shape {p.shape}")
    if metric in _KERNELS:
        return _KERNELS[metric](y, p)
    rows = np.arange(len(y))

    def values(counts: Array) -> Array:
        drawn = (np.repeat(rows, count) for count in counts)
        return np.array([metric(y[index], p[index]) for index in drawn])

    return values
