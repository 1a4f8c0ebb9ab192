"""How good chances of several classes are. Log loss in natural logarithms; intervals are bootstrap percentiles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import metrics
from .bootstrap import Interval, bootstrap_interval, draw_counts
from .response_quality import Importance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """One class against all others: rows that chose it, mean predicted chance, actual share with its Wilson interval,
    AUC and calibration error over ten bins of equal size (None where all or nobody chose it), how many rows it was the
    likeliest of (`named`), and how many of those chose it (`right`)."""

    name: str
    n: int
    predicted: float
    actual: float
    low: float
    high: float
    auc: Interval | None
    ece: Interval | None
    named: int
    right: int


@dataclass(frozen=True, slots=True)
class PreferenceQuality:
    """`intervals`: log_loss; base_log_loss, of quoting the training shares; gain, the second minus the first; accuracy
    of the likeliest class; base_accuracy, of always naming the commonest; top_two; ece of the likeliest class's chance
    over ten bins of equal size. `confusion` counts rows: what was chosen down, what was likeliest across. `calibration`
    is of the likeliest class's chance, by tenths."""

    intervals: dict[str, Interval]
    classes: tuple[ClassQuality, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[metrics.CalibrationRow, ...]


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
    top, hit = chances.max(axis=1), right.astype(np.int8)
    intervals["ece"] = bootstrap_interval(metrics.ece, hit, top, n=resamples, seed=seed, stratify=False)
    table = np.bincount(y * len(names) + best[:, 0], minlength=len(names) ** 2).reshape(len(names), -1)
    return PreferenceQuality(
        intervals,
        tuple(
            _of_class(
                name, (y == code).astype(np.int8), chances[:, code], table[:, code], code, resamples, seed
            )
            for code, name in enumerate(names)
        ),
        tuple(tuple(int(count) for count in row) for row in table),
        tuple(metrics.calibration_table(hit, top)),
    )


def _of_class(
    name: str,
    chose: NDArray[np.int8],
    chance: Floats,
    named: NDArray[np.intp],
    code: int,
    resamples: int,
    seed: int,
) -> ClassQuality:
    """`named` (classes,) counts what the rows chose of which this class was the likeliest."""
    n, auc, ece = int(chose.sum()), None, None
    if 0 < n < len(chose):
        auc = bootstrap_interval(metrics.auc, chose, chance, n=resamples, seed=seed)
        ece = bootstrap_interval(metrics.ece, chose, chance, n=resamples, seed=seed, stratify=False)
    low, high = metrics.wilson(n, len(chose))
    predicted, actual = float(chance.mean()), n / len(chose)
    return ClassQuality(name, n, predicted, actual, low, high, auc, ece, int(named.sum()), int(named[code]))


def compare(
    ours: Floats, theirs: Floats, y: NDArray[np.intp], *, resamples: int = 500, seed: int = 0
) -> dict[str, Interval]:
    """Ours against theirs for the same choices y (n,), chances (n, classes) each: `gain`, by how much our log loss is
    lower, and `accuracy`, ours minus theirs, both paired row by row."""
    right = [(np.argmax(chances, axis=1) == y).astype(np.float64) for chances in (ours, theirs)]
    rows = {"gain": row_losses(theirs, y) - row_losses(ours, y), "accuracy": right[0] - right[1]}
    return {name: mean_interval(values, resamples=resamples, seed=seed) for name, values in rows.items()}


def importance(
    predict: Callable[[NDArray[np.float32]], Floats],
    X: NDArray[np.float32],
    y: NDArray[np.intp],
    names: Sequence[str],
    *,
    seed: int = 0,
    most: int = 2_000,
) -> tuple[Importance, ...]:
    """By how much the log loss of `predict` (rows → chances) rises when one feature is shuffled, the greatest first, on
    at most `most` rows of X (n, features), y (n,), evenly spaced."""
    picked = np.linspace(0, len(y) - 1, min(most, len(y))).astype(np.intp)
    rows, chosen = X[picked], y[picked]
    before = float(row_losses(predict(rows), chosen).mean())
    draw = np.random.default_rng(seed)
    found = []
    for column, name in enumerate(names):
        shuffled = rows.copy()
        shuffled[:, column] = draw.permutation(rows[:, column])
        found.append(Importance(name, float(row_losses(predict(shuffled), chosen).mean()) - before, 0.0))
    return tuple(sorted(found, key=lambda row: -row.drop))
