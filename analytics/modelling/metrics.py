"""How good a score is. Conventions, once for all functions:

`y` (n,) holds 0 and 1, `p` (n,) a score or probability, higher = likelier. Decile 1 is the highest tenth. Equal scores
are never separated, so no figure depends on the order of the rows: deciles go by mid-rank (a large tie makes unequal
deciles, whose sizes are shown), curves have points at tie boundaries only and are straight between them.
ValueError for different lengths, labels other than 0/1, scores that are not finite, and, where a ranking is
judged, for only one class.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid
from scipy.stats import binomtest, rankdata
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve
from sklearn.metrics import log_loss as sklearn_log_loss

from .limits import OBSERVED_OVER_EXPECTED
from .matrix import check_labels

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class LiftRow:
    """One decile: rows, responders, rate, lift = rate / overall rate, and the lift of this decile and all above it."""

    decile: int
    n: int
    responders: int
    rate: float
    lift: float
    cumulative_lift: float


@dataclass(frozen=True, slots=True)
class Gains:
    """Cumulative gains: share of rows approached, share of responders found, both from 0 to 1, and the area below."""

    approached: Array
    found: Array
    area: float

    def at(self, shares: ArrayLike) -> Array:
        """Share of responders found when the given shares of rows are approached."""
        return np.interp(np.asarray(shares, dtype=np.float64), self.approached, self.found)


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One decile: mean predicted probability, actual rate, its 95 % Wilson interval, and whether that holds
    the prediction."""

    decile: int
    n: int
    responders: int
    predicted: float
    actual: float
    low: float
    high: float
    inside: bool


@dataclass(frozen=True, slots=True)
class ObservedExpected:
    """Observed responders over the sum of predicted probabilities, with interval; `alarm` by the limits above."""

    observed: int
    expected: float
    ratio: float
    low: float
    high: float
    alarm: bool


@dataclass(frozen=True, slots=True)
class Qini:
    """Qini curve (share of rows, incremental responders per treated row) and its coefficient."""

    share: Array
    gain: Array
    coefficient: float


def _pair(y: ArrayLike, p: ArrayLike, *, both: bool) -> tuple[NDArray[np.int8], Array]:
    labels = check_labels(y)
    scores = np.asarray(p, dtype=np.float64)
    if scores.shape != labels.shape:
        raise ValueError(f"{len(labels)} labels but scores of shape {scores.shape}")
    if not len(labels):
        raise ValueError("there are no rows to measure")
    if not np.isfinite(scores).all():
        raise ValueError("every score must be a finite number")
    if both and labels.min() == labels.max():
        raise ValueError("a ranking can only be judged with responders and non-responders")
    return labels, scores


def auc(y: ArrayLike, p: ArrayLike) -> float:
    """Area under the ROC curve: chance that a responder scores above a non-responder, ties counting half."""
    return float(roc_auc_score(*_pair(y, p, both=True)))


def gini(y: ArrayLike, p: ArrayLike) -> float:
    """2 × AUC − 1."""
    return 2 * auc(y, p) - 1


def ks(y: ArrayLike, p: ArrayLike) -> float:
    """Largest gap between the cumulative shares of responders and non-responders (two-sample Kolmogorov–Smirnov)."""
    false_rate, true_rate, _ = roc_curve(*_pair(y, p, both=True), drop_intermediate=False)
    return float(np.abs(true_rate - false_rate).max())


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Mean squared difference between probability and outcome (Brier 1950)."""
    labels, scores = _pair(y, p, both=False)
    return float(brier_score_loss(labels, scores, pos_label=1))


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Mean negative log-likelihood, natural logarithm; probabilities of exactly 0 or 1 are clipped by scikit-learn."""
    labels, scores = _pair(y, p, both=False)
    return float(sklearn_log_loss(labels, scores, labels=[0, 1]))


def deciles(p: ArrayLike, groups: int = 10) -> NDArray[np.int64]:
    """Decile of every row by descending mid-rank, 1 = highest; equal scores share a decile."""
    scores = np.asarray(p, dtype=np.float64)
    ranks = rankdata(-scores, method="average")
    return np.minimum((ranks - 0.5) * groups // max(len(scores), 1), groups - 1).astype(np.int64) + 1


def _by_decile(labels: Array, scores: Array, groups: int) -> list[tuple[int, int, int, float]]:
    """(decile, rows, responders, sum of scores) of the deciles that are not empty."""
    group = deciles(scores, groups)
    n = np.bincount(group, minlength=groups + 1)
    responders = np.bincount(group, weights=labels, minlength=groups + 1)
    total = np.bincount(group, weights=scores, minlength=groups + 1)
    return [(d, int(n[d]), round(responders[d]), float(total[d])) for d in range(1, groups + 1) if n[d]]


def lift_by_decile(y: ArrayLike, p: ArrayLike, groups: int = 10) -> list[LiftRow]:
    """Response rate of each tenth over the overall rate. Lift is not uplift: it says who responds, not who is moved."""
    labels, scores = _pair(y, p, both=True)
    overall = labels.mean()
    rows, seen, found = [], 0, 0
    for decile, n, responders, _ in _by_decile(labels, scores, groups):
        seen, found = seen + n, found + responders
        rate = responders / n
        rows.append(
            LiftRow(decile, n, responders, rate, float(rate / overall), float(found / seen / overall))
        )
    return rows


def top_decile_lift(y: ArrayLike, p: ArrayLike) -> float:
    """Response rate of the best tenth over the overall rate, from the gains curve, so ties at the border count
    in part."""
    return float(cumulative_gains(y, p).at(0.1)) / 0.1


def cumulative_gains(y: ArrayLike, p: ArrayLike) -> Gains:
    """Share of responders found against share of rows approached, best scores first; area by the trapezoidal rule.

    With response rate r the area is AUC × (1 − r) + r / 2. Moro et al. 2014 report it as ALIFT.
    """
    labels, scores = _pair(y, p, both=True)
    order = np.argsort(-scores, kind="stable")
    ends = _tie_ends(scores[order])
    approached = np.concatenate(([0], ends + 1)) / len(labels)
    found = np.concatenate(([0], np.cumsum(labels[order], dtype=np.int64)[ends])) / labels.sum()
    return Gains(approached, found, float(trapezoid(found, approached)))


def gains_area(y: ArrayLike, p: ArrayLike) -> float:
    """Area under the cumulative gains curve."""
    return cumulative_gains(y, p).area


def _tie_ends(ordered: Array) -> NDArray[np.intp]:
    """Position of the last row of every run of equal values."""
    return np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)


def ece(y: ArrayLike, p: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error over `bins` equal-frequency bins (deciles by mid-rank): Σ nᵦ/n · |mean p − mean y|.

    Equal frequency, because response scores crowd near zero and bins of equal width would leave most of them in one.
    """
    labels, scores = _pair(y, p, both=False)
    gaps = (abs(total - responders) for _, _, responders, total in _by_decile(labels, scores, bins))
    return sum(gaps) / len(labels)


def calibration_table(
    y: ArrayLike, p: ArrayLike, groups: int = 10, confidence: float = 0.95
) -> list[CalibrationRow]:
    """Predicted against actual per decile, with the Wilson (1927) interval of the actual rate."""
    labels, scores = _pair(y, p, both=False)
    rows = []
    for decile, n, responders, total in _by_decile(labels, scores, groups):
        low, high = wilson(responders, n, confidence)
        predicted = total / n
        inside = low <= predicted <= high
        rows.append(CalibrationRow(decile, n, responders, predicted, responders / n, low, high, inside))
    return rows


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a rate."""
    interval = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def observed_over_expected(y: ArrayLike, p: ArrayLike, confidence: float = 0.95) -> ObservedExpected:
    """Responders over the sum of probabilities; the interval is Wilson's for the rate, divided by the mean probability.

    Alarm outside 0.8–1.25 with an interval that excludes 1 (methods.md section 4). ValueError if nothing was expected.
    """
    labels, scores = _pair(y, p, both=False)
    return judged(int(labels.sum()), float(scores.sum()), len(labels), confidence)


def judged(observed: int, expected: float, n: int, confidence: float = 0.95) -> ObservedExpected:
    """`observed_over_expected` from the sums alone."""
    if expected <= 0:
        raise ValueError("the probabilities add up to nothing, so there is no ratio")
    low, high = (bound * n / expected for bound in wilson(observed, n, confidence))
    ratio = observed / expected
    lower, upper = OBSERVED_OVER_EXPECTED
    alarm = not lower <= ratio <= upper and not low <= 1 <= high
    return ObservedExpected(observed, expected, ratio, low, high, alarm)


def qini(y: ArrayLike, score: ArrayLike, treated: ArrayLike) -> Qini:
    """Qini curve and coefficient of an uplift score under random assignment; `treated` (n,) holds 0 and 1.

    Rows in descending score, at tie boundaries only: Q(k) = [R_t(k) − R_c(k) · N_t(k) / N_c(k)] / N_t, with R
    responders and N rows among the first k, and N_t all treated rows; the control term is 0 while no control
    row was seen. Coefficient = area under Q over k/n (trapezoids from the origin) − Q(n)/2; it is not
    normalised by a perfect curve, so it differs from scikit-uplift's. Radcliffe 2007; methods.md section 6.
    """
    labels, scores = _pair(y, score, both=False)
    arm = check_labels(treated, len(labels))
    if arm.min() == arm.max():
        raise ValueError("Qini needs treated and control rows")
    order = np.argsort(-scores, kind="stable")
    ends = _tie_ends(scores[order])
    t, r = arm[order].astype(np.int64), labels[order].astype(np.int64)
    n_t, n_c = np.cumsum(t)[ends], np.cumsum(1 - t)[ends]
    r_t, r_c = np.cumsum(r * t)[ends], np.cumsum(r * (1 - t))[ends]
    control = np.divide(r_c * n_t, n_c, out=np.zeros(len(ends)), where=n_c > 0)
    gain = np.concatenate(([0.0], (r_t - control) / t.sum()))
    share = np.concatenate(([0], ends + 1)) / len(labels)
    return Qini(share, gain, float(trapezoid(gain, share) - gain[-1] / 2))
