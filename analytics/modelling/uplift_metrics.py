"""How well a score says who is moved by being contacted. Conventions, once for all functions:

`y` (n,) and `treated` (n,) hold 0 and 1, `score` (n,) anything that ranks, higher = treat first. Assignment was at
random. Equal scores are never separated. `weight` (n,) stands for campaigns of different treated shares pooled into one
(`uplift.pool` makes it); counts are then sums of weights. Without it every row counts once and the formulas are those
of `metrics.qini`. Gains are per treated row or per row, never normalised by a perfect curve: scikit-uplift's
coefficients are, so the two differ; its curves are ours times a constant (tests hold them to it). Radcliffe 2007.
ValueError for different lengths, labels other than 0/1, scores that are not finite, or only one arm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid
from statsmodels.stats.proportion import confint_proportions_2indep

from .bootstrap import Interval, draw_counts
from .matrix import check_labels
from .metrics import deciles

Array = NDArray[Any]
Value = Callable[["ArmCounts"], Array]


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Rows and responders of both arms among the best-scored rows, down to every tie boundary, from zero; (draws,
    boundaries + 1). `everyone` counts rows without weights."""

    treated: Array
    treated_responders: Array
    control: Array
    control_responders: Array
    everyone: Array


@dataclass(frozen=True, slots=True)
class UpliftRow:
    """One decile by score: rows and responders of both arms, mean predicted uplift, actual difference in response
    rate with its 95 % Newcombe interval, and whether that holds the prediction. Differences are None where an arm is
    absent; `predicted` is None for a score that is not an uplift."""

    decile: int
    treated: int
    treated_responders: int
    control: int
    control_responders: int
    predicted: float | None
    uplift: float | None
    low: float | None
    high: float | None
    inside: bool | None


class ArmRanking:
    """Rows of both arms sorted once, best score first, so that the curves of every bootstrap draw are sums."""

    def __init__(self, y: ArrayLike, score: ArrayLike, treated: ArrayLike, weight: ArrayLike | None) -> None:
        self.y, scores, self.arm, self.weight = checked(y, score, treated, weight)
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        group = np.searchsorted(ends, np.arange(len(order)), side="left")
        self._columns, self._last = {}, {}
        for arm in (1, 0):
            for label in (1, 0):
                inside = (self.arm[order] == arm) & (self.y[order] == label)
                self._columns[arm, label] = order[inside]
                self._last[arm, label] = np.searchsorted(group[inside], np.arange(len(ends)), side="right")
        self._ends = ends

    def counts(self, drawn: Array) -> ArmCounts:
        """Of `drawn` (draws, n), how often each row was drawn."""
        responders = {arm: self._cumulative(drawn, arm, 1, weigh=True) for arm in (1, 0)}
        rows = {arm: responders[arm] + self._cumulative(drawn, arm, 0, weigh=True) for arm in (1, 0)}
        if self.weight is None:
            everyone = rows[1] + rows[0]
        else:
            everyone = sum(self._cumulative(drawn, *key, weigh=False) for key in self._columns)
        return ArmCounts(rows[1], responders[1], rows[0], responders[0], everyone)

    def _cumulative(self, drawn: Array, arm: int, label: int, *, weigh: bool) -> Array:
        columns = self._columns[arm, label]
        picked = drawn[:, columns]
        if weigh and self.weight is not None:
            picked = picked * self.weight[columns]
        start = np.zeros((len(drawn), 1))
        summed = np.concatenate((start, np.cumsum(picked, axis=1)), axis=1)[:, self._last[arm, label]]
        return np.concatenate((start, summed), axis=1)


def checked(
    y: ArrayLike, score: ArrayLike, treated: ArrayLike, weight: ArrayLike | None
) -> tuple[NDArray[np.int8], Array, NDArray[np.int8], Array | None]:
    """The four inputs as arrays of one length; ValueError as the module says."""
    labels = check_labels(y)
    arm = check_labels(treated, len(labels))
    scores = np.asarray(score, dtype=np.float64)
    if scores.shape != labels.shape:
        raise ValueError(f"{len(labels)} labels but scores of shape {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("every score must be a finite number")
    if not len(labels) or arm.min() == arm.max():
        raise ValueError("uplift can only be judged with treated and control rows")
    if weight is None:
        return labels, scores, arm, None
    weights = np.asarray(weight, dtype=np.float64)
    if weights.shape != labels.shape or not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError("weights must be positive numbers, one per row")
    return labels, scores, arm, weights


def qini_values(counts: ArmCounts) -> Array:
    """Qini coefficient (draws,): area under Q over k/n minus Q(n)/2, with Q as `metrics.qini` defines it."""
    control = np.divide(
        counts.control_responders * counts.treated,
        counts.control,
        out=np.zeros_like(counts.control),
        where=counts.control > 0,
    )
    gain = (counts.treated_responders - control) / counts.treated[:, -1:]
    return _area(gain, counts) - gain[:, -1] / 2


def auuc_values(counts: ArmCounts) -> Array:
    """Area under the uplift curve (draws,): U(k) = [R_t/N_t − R_c/N_c] · k/n over k/n; an arm not yet seen counts 0.

    Per row of the population, so a score that ranks at random has half of the average effect. scikit-uplift draws
    the same curve n times as high.
    """
    rates = [
        np.divide(found, rows, out=np.zeros_like(rows), where=rows > 0)
        for found, rows in (
            (counts.treated_responders, counts.treated),
            (counts.control_responders, counts.control),
        )
    ]
    return _area((rates[0] - rates[1]) * counts.everyone / counts.everyone[:, -1:], counts)


def _area(heights: Array, counts: ArmCounts) -> Array:
    return np.asarray(trapezoid(heights, counts.everyone / counts.everyone[:, -1:], axis=1))


def qini_coefficient(
    y: ArrayLike, score: ArrayLike, treated: ArrayLike, *, weight: ArrayLike | None = None
) -> float:
    """The coefficient of `metrics.qini`, with optional weights. methods.md section 6."""
    return _once(qini_values, y, score, treated, weight)


def auuc(y: ArrayLike, score: ArrayLike, treated: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Area under the uplift curve, see `auuc_values`."""
    return _once(auuc_values, y, score, treated, weight)


def _once(
    value: Value, y: ArrayLike, score: ArrayLike, treated: ArrayLike, weight: ArrayLike | None
) -> float:
    ranking = ArmRanking(y, score, treated, weight)
    return float(value(ranking.counts(np.ones((1, len(ranking.y)))))[0])


MEASURES: dict[str, Value] = {"qini": qini_values, "auuc": auuc_values}


@dataclass(frozen=True, slots=True)
class UpliftIntervals:
    """Per score: `qini` and `auuc` with their intervals; per score other than the first: `ahead`, the Qini of the
    first minus its own, over the same draws."""

    qini: dict[str, Interval]
    auuc: dict[str, Interval]
    ahead: dict[str, Interval]


def uplift_intervals(
    y: ArrayLike,
    scores: Mapping[str, ArrayLike],
    treated: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    n: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> UpliftIntervals:
    """Bootstrap percentile intervals of all `scores`, drawn anew inside each arm, so comparisons are paired."""
    rankings = {name: ArmRanking(y, score, treated, weight) for name, score in scores.items()}
    first = next(iter(rankings.values()))
    everyone = np.ones((1, len(first.y)))
    drawn: dict[tuple[str, str], list[Array]] = {}
    for counts in draw_counts(first.y, n, seed=seed, stratify=first.arm):
        for name, ranking in rankings.items():
            summed = ranking.counts(counts)
            for measure, value in MEASURES.items():
                drawn.setdefault((measure, name), []).append(value(summed))
    values = {key: np.concatenate(parts) for key, parts in drawn.items()}
    points = {
        (measure, name): float(value(rankings[name].counts(everyone))[0])
        for measure, value in MEASURES.items()
        for name in rankings
    }

    def interval(point: float, draws: Array) -> Interval:
        low, high = np.quantile(draws, ((1 - confidence) / 2, (1 + confidence) / 2))
        return Interval(point, float(low), float(high), len(first.y), int(first.y.sum()), n, confidence)

    names = list(scores)
    measured = {
        measure: {name: interval(points[measure, name], values[measure, name]) for name in names}
        for measure in MEASURES
    }
    ahead = {
        name: interval(
            points["qini", names[0]] - points["qini", name],
            values["qini", names[0]] - values["qini", name],
        )
        for name in names[1:]
    }
    return UpliftIntervals(measured["qini"], measured["auuc"], ahead)


def newcombe(
    treated_responders: float, treated: float, control_responders: float, control: float, level: float = 0.95
) -> tuple[float, float]:
    """Newcombe's interval (1998, method 10) of the difference of two response rates, by statsmodels."""
    low, high = confint_proportions_2indep(
        treated_responders, treated, control_responders, control, method="newcomb", alpha=1 - level
    )
    return float(low), float(high)


def uplift_by_decile(
    y: ArrayLike,
    score: ArrayLike,
    treated: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    groups: int = 10,
    predicts: bool = True,
) -> list[UpliftRow]:
    """Actual uplift per tenth of the score, deciles by mid-rank as in `metrics.deciles`, 1 = highest.

    `predicts`: the score is itself an uplift, to be held against the actual one. With weights the rates are weighted
    and the interval uses Kish's effective sizes (Σw)² / Σw²; the counts shown stay plain counts.
    """
    labels, scores, arm, weights = checked(y, score, treated, weight)
    group = deciles(scores, groups)
    rows = []
    for decile in range(1, groups + 1):
        inside = group == decile
        if not inside.any():
            continue
        arms = [inside & (arm == which) for which in (1, 0)]
        predicted = float(scores[inside].mean()) if predicts else None
        counts = [int(part.sum()) for part in arms]
        found = [int(labels[part].sum()) for part in arms]
        figures = _difference(labels, arms, weights, predicted) if all(counts) else (None,) * 4
        rows.append(UpliftRow(decile, counts[0], found[0], counts[1], found[1], predicted, *figures))
    return rows


def _difference(
    labels: Array, arms: list[Array], weights: Array | None, predicted: float | None
) -> tuple[float, float, float, bool | None]:
    sizes, responders = [], []
    for part in arms:
        w = np.ones(int(part.sum())) if weights is None else weights[part]
        size = w.sum() ** 2 / (w**2).sum()
        sizes.append(float(size))
        responders.append(float((w * labels[part]).sum() / w.sum() * size))
    low, high = newcombe(responders[0], sizes[0], responders[1], sizes[1])
    uplift = responders[0] / sizes[0] - responders[1] / sizes[1]
    return uplift, low, high, None if predicted is None else low <= predicted <= high
