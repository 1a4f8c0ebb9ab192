"""What is typical of a segment: where its customers differ from all customers, by how much, and in which direction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .matrix import FeatureSpec
from .segment_preparation import SegmentPreparation

TYPICAL = 0.5


@dataclass(frozen=True, slots=True)
class Trait:
    """One feature in one segment.

    `z`: segment mean minus population mean of the prepared column, in population standard deviations (of money the
    larger of having it and how much). `mean` and `population` are raw means of the known values (of a flag and of a
    category the share, 0 to 1), `ratio` the first over the second, None over zero. `category` is the code a
    categorical trait is about. `typical`: |z| of at least 0.5.
    """

    feature: str
    z: float
    mean: float
    population: float
    ratio: float | None
    category: int | None
    typical: bool


def traits(
    X: NDArray[np.float32],
    labels: NDArray[np.intp],
    prepared: SegmentPreparation,
    specs: Sequence[FeatureSpec],
) -> tuple[tuple[Trait, ...], ...]:
    """All traits of every segment, strongest first; X (n, features) raw, `labels` (n,) 0 … k − 1. Features the
    preparation left out are not described."""
    points = prepared.transform(X)
    k = int(labels.max()) + 1
    spread = np.where(points.std(axis=0) > 0, points.std(axis=0), 1)
    z = np.array([points[labels == segment].mean(axis=0) for segment in range(k)]) / spread
    found = []
    for segment in range(k):
        inside = X[labels == segment]
        rows = [
            _trait(j, spec, inside, X, z[segment][prepared.owner_ == j])
            for j, spec in enumerate(specs)
            if (prepared.owner_ == j).any()
        ]
        found.append(tuple(sorted(rows, key=lambda trait: -abs(trait.z))))
    return tuple(found)


def _trait(
    j: int, spec: FeatureSpec, inside: NDArray[np.float32], X: NDArray[np.float32], z: NDArray[np.float64]
) -> Trait:
    strongest = int(np.argmax(np.abs(z)))
    category = None
    if spec.kind == "categorical":
        category = strongest
        mean, population = (float((values[:, j] == category).mean()) for values in (inside, X))
    else:
        mean, population = (_known_mean(values[:, j]) for values in (inside, X))
    ratio = mean / population if population else None
    value = float(z[strongest])
    return Trait(spec.name, value, mean, population, ratio, category, abs(value) >= TYPICAL)


def _known_mean(column: NDArray[np.float32]) -> float:
    known = column[~np.isnan(column)].astype(np.float64)
    return float(known.mean()) if known.size else 0.0
