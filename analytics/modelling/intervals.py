"""Bootstrap intervals of what is a curve, a table or a distance between two samples; single figures have theirs in
`bootstrap`. Percentile intervals, 95 % unless told otherwise; every figure keeps its rows and positives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import metrics
from .bootstrap import Interval, draw_counts
from .matrix import FeatureSpec, check_labels, check_matrix
from .stability import Reference, psi_of_shares

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class DecileInterval:
    """Lift of one decile and of it with all above, each with its interval; `n` and `responders` of the decile."""

    decile: int
    n: int
    responders: int
    lift: Interval
    cumulative_lift: Interval


def _interval(point: float, draws: Array, n: int, positives: int, confidence: float) -> Interval:
    low, high = np.quantile(draws, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(point, float(low), float(high), n, positives, len(draws), confidence)


def lift_intervals(
    y: ArrayLike,
    p: ArrayLike,
    *,
    groups: int = 10,
    n: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> list[DecileInterval]:
    """`metrics.lift_by_decile` with intervals. Deciles are those of the sample, so a row stays in its decile in every
    draw; draws are not stratified, because the overall rate is part of a lift."""
    labels = check_labels(y)
    rows = metrics.lift_by_decile(labels, p, groups)
    group = metrics.deciles(p, groups)
    inside = np.array([group == row.decile for row in rows], dtype=np.float64)
    drawn = [_lifts(counts, labels, inside) for counts in draw_counts(labels, n, seed=seed, stratify=False)]
    lift, cumulative = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    return [
        DecileInterval(
            row.decile,
            row.n,
            row.responders,
            _interval(row.lift, lift[:, i], row.n, row.responders, confidence),
            _interval(row.cumulative_lift, cumulative[:, i], row.n, row.responders, confidence),
        )
        for i, row in enumerate(rows)
    ]


def _lifts(counts: Array, labels: Array, inside: Array) -> tuple[Array, Array]:
    n = np.maximum(counts @ inside.T, 1)
    responders = (counts * labels) @ inside.T
    overall = np.maximum((counts * labels).sum(axis=1), 1) / counts.sum(axis=1)
    cumulative = np.cumsum(responders, axis=1) / np.cumsum(n, axis=1)
    return responders / n / overall[:, None], cumulative / overall[:, None]


def gains_intervals(
    y: ArrayLike,
    p: ArrayLike,
    shares: ArrayLike,
    *,
    n: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> list[Interval]:
    """Share of responders found when the given shares (0 to 1) of the rows are approached, with intervals: the band of
    the gains curve. Draws are stratified by outcome."""
    labels = check_labels(y)
    points = np.asarray(shares, dtype=np.float64)
    values = metrics.cumulative_gains(labels, p).at(points)
    scores = np.asarray(p, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    drawn = []
    for counts in draw_counts(labels, n, seed=seed):
        everyone = np.cumsum(counts[:, order], axis=1)[:, ends]
        found = np.cumsum((counts * labels)[:, order], axis=1)[:, ends]
        for k, r in zip(everyone, found, strict=True):
            approached = np.concatenate(([0], k)) / k[-1]
            drawn.append(np.interp(points, approached, np.concatenate(([0], r)) / r[-1]))
    band = np.array(drawn)
    positives = int(labels.sum())
    return [
        _interval(float(value), band[:, i], len(labels), positives, confidence)
        for i, value in enumerate(values)
    ]


def observed_expected_interval(
    y: ArrayLike, p: ArrayLike, *, n: int = 500, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """Observed over expected responders with a bootstrap interval (`metrics.observed_over_expected` has Wilson's)."""
    labels = check_labels(y)
    point = metrics.observed_over_expected(labels, p).ratio
    chances = np.asarray(p, dtype=np.float64)
    drawn = [
        (counts @ labels) / (counts @ chances) for counts in draw_counts(labels, n, seed=seed, stratify=False)
    ]
    return _interval(point, np.concatenate(drawn), len(labels), int(labels.sum()), confidence)


def psi_interval(
    known: Reference, values: ArrayLike, *, n: int = 500, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """PSI of values (n,) against a reference, with interval: both samples are drawn again, bin by bin.

    PSI cannot be negative and noise only adds to it, so the draws lie above the figure by the noise of one comparison,
    about (bins − 1)(1/n + 1/m); they are shifted back by their median's distance from it, not below zero.
    """
    actual = known.shares_of(values)
    point = psi_of_shares(known.shares, actual)
    m = len(np.asarray(values))
    rng = np.random.default_rng(seed)
    expected_draws = rng.multinomial(known.n, np.asarray(known.shares), size=n) / known.n
    actual_draws = rng.multinomial(m, actual, size=n) / m
    draws = np.array([psi_of_shares(e, a) for e, a in zip(expected_draws, actual_draws, strict=True)])
    shifted = np.maximum(draws - (np.median(draws) - point), 0)
    return _interval(point, shifted, m, 0, confidence)


def csi_intervals(
    X: ArrayLike,
    specs: Sequence[FeatureSpec],
    references: Sequence[Reference],
    *,
    n: int = 200,
    seed: int = 0,
) -> dict[str, Interval]:
    """`psi_interval` of every feature of X (n, features) against the training columns: the characteristic stability
    index, by feature name."""
    matrix = check_matrix(X, specs)
    pairs = enumerate(zip(specs, references, strict=True))
    return {spec.name: psi_interval(known, matrix[:, j], n=n, seed=seed) for j, (spec, known) in pairs}
