"""How good chances of several classes are. Log loss in natural logarithms; intervals are bootstrap percentiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import metrics
from .bootstrap import Interval, bootstrap_interval, draw_counts

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """One class against all others: rows that chose it, mean predicted chance, actual share, and AUC (None where all or
    nobody chose it)."""

    name: str
    n: int
    predicted: float
    actual: float
    auc: Interval | None


@dataclass(frozen=True, slots=True)
class PreferenceQuality:
    """`intervals`: log_loss; base_log_loss, of quoting the training shares; gain, the second minus the first; accuracy
    of the likeliest class; base_accuracy, of always naming the commonest; top_two; ece of the likeliest class's chance
    over ten bins of equal size."""

    intervals: dict[str, Interval]
    classes: tuple[ClassQuality, ...]


def row_losses(chances: Floats, y: NDArray[np.intp]) -> Floats:
    """−log of the chance given to what was chosen, (n,)."""
    return -np.log(np.maximum(chances[np.arange(len(y)), y], np.finfo(np.float64).eps))


def mean_interval(values: ArrayLike, *, resamples: int = 500, seed: int = 0) -> Interval:
    """The mean of values (n,) with its bootstrap interval; `positives` counts the values above zero."""
    rows: NDArray[Any] = np.asarray(values, dtype=np.float64)
    means = np.concatenate(
        [
            counts @ rows / counts.sum(axis=1)
            for counts in draw_counts(np.zeros(len(rows)), resamples, seed=seed, stratify=False)
        ]
    )
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(rows.mean()), float(low), float(high), len(rows), int((rows > 0).sum()), resamples)


def measure(
    y: NDArray[np.intp],
    chances: Floats,
    shares: Floats,
    names: Sequence[str],
    *,
    resamples: int = 500,
    seed: int = 0,
) -> PreferenceQuality:
    """The quality of chances (n, classes) for choices y (n,); `shares` (classes,) are those of the training rows."""
    if not len(y):
        raise ValueError("there are no rows to measure")
    losses = row_losses(chances, y)
    base = -np.log(np.maximum(shares[y], np.finfo(np.float64).eps))
    best = np.argsort(-chances, axis=1, kind="stable")
    right = best[:, 0] == y
    rows = {
        "log_loss": losses,
        "base_log_loss": base,
        "gain": base - losses,
        "accuracy": right,
        "base_accuracy": y == int(np.argmax(shares)),
        "top_two": (best[:, :2] == y[:, None]).any(axis=1),
    }
    intervals = {name: mean_interval(values, resamples=resamples, seed=seed) for name, values in rows.items()}
    intervals["ece"] = bootstrap_interval(
        metrics.ece, right.astype(np.int8), chances.max(axis=1), n=resamples, seed=seed, stratify=False
    )
    classes = []
    for code, name in enumerate(names):
        chose = (y == code).astype(np.int8)
        auc = None
        if 0 < chose.sum() < len(chose):
            auc = bootstrap_interval(metrics.auc, chose, chances[:, code], n=resamples, seed=seed)
        classes.append(
            ClassQuality(name, int(chose.sum()), float(chances[:, code].mean()), float(chose.mean()), auc)
        )
    return PreferenceQuality(intervals, tuple(classes))
