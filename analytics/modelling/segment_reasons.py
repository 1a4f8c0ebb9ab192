"""Why is a customer in this segment and not in the next nearest one? Exact, feature by feature.

The nearest centroid c decides; with c' the next nearest, |x − c'|² − |x − c|² is a sum over prepared columns, and so
over features. What adds most holds the customer here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .matrix import check_matrix
from .segmentation import Segmentation


@dataclass(frozen=True, slots=True)
class Held:
    """One feature that holds a customer in a segment: its position and its share of all that does (0 to 1)."""

    feature: int
    share: float


@dataclass(frozen=True, slots=True)
class Place:
    """The nearest segment of a row, the next nearest, and the features that hold it, strongest first. `margin` is the
    difference of the squared distances; `gains` (features,) add up to it."""

    segment: int
    rival: int
    held: tuple[Held, ...]
    margin: float
    gains: NDArray[np.float64]


def place(fitted: Segmentation, row: NDArray[np.float32], *, top: int = 2) -> Place:
    """Where one row (features,) belongs and what holds it there. ValueError as in `matrix.check_matrix`."""
    point = fitted.preparation.transform(check_matrix(row[None, :], fitted.specs))[0].astype(np.float64)
    apart = np.square(fitted.centroids.astype(np.float64) - point)
    segment, rival = np.argsort(apart.sum(axis=1), kind="stable")[:2].tolist()
    gains = np.zeros(len(fitted.specs))
    np.add.at(gains, fitted.preparation.owner_, apart[rival] - apart[segment])
    upward = np.maximum(gains, 0)
    order = [int(j) for j in np.argsort(-upward, kind="stable")[:top] if upward[j] > 0]
    held = tuple(Held(j, float(upward[j] / upward.sum())) for j in order)
    return Place(segment, rival, held, float(gains.sum()), gains)
