"""Population stability: has a score or a feature moved since the model was fitted?

PSI = Σ (aᵢ − eᵢ) ln(aᵢ / eᵢ) over bins fixed on the expected sample; e and a are shares. An empty bin counts as a share
of 0.0001, the customary floor. What to watch and when to act: `limits`. Siddiqi 2006.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matrix import FeatureSpec

EMPTY_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Reference:
    """The expected sample, small enough to keep with the model: inner bin `edges`, and `shares` of bins and of missing.

    A value belongs to the bin left of the first edge that is not below it (edges are upper bounds, included);
    `shares` has one entry per bin and a last one for missing values.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    n: int

    def shares_of(self, values: ArrayLike) -> NDArray[np.float64]:
        """Shares of `values` (n,) in the same bins."""
        return _shares(np.asarray(values, dtype=np.float64), self.edges)

    def psi(self, values: ArrayLike) -> float:
        """PSI of `values` (n,) against the expected sample."""
        return psi_of_shares(self.shares, self.shares_of(values))


def reference(expected: ArrayLike, bins: int = 10) -> Reference:
    """Bins between the quantiles of `expected` (n,), NaN for missing.

    A value that fills several quantiles, such as zero or a cap, gets a bin of its own; so does every value of a column
    with few (a flag, a count). Beyond the smallest and largest of these lies an empty bin, to notice what is new.
    """
    values = np.asarray(expected, dtype=np.float64)
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= 2 * bins:
        levels, spikes = distinct, distinct[:1]
    else:
        quantiles = np.quantile(values[~np.isnan(values)], np.arange(1, bins) / bins, method="inverted_cdf")
        levels, times = np.unique(quantiles, return_counts=True)
        spikes = levels[times > 1]
    edges = tuple(np.unique(np.concatenate((levels, np.nextafter(spikes, -np.inf)))).tolist())
    return Reference(edges, tuple(_shares(values, edges).tolist()), len(values))


def codes_reference(expected: ArrayLike, categories: int) -> Reference:
    """One bin per category code 0 … categories − 1, and the missing."""
    values = np.asarray(expected, dtype=np.float64)
    edges = tuple(code + 0.5 for code in range(categories - 1))
    return Reference(edges, tuple(_shares(values, edges).tolist()), len(values))


def _shares(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.float64]:
    if not len(values):
        raise ValueError("there are no rows to compare")
    return _counts(values, edges) / len(values)


def _counts(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.intp]:
    missing = np.isnan(values)
    bins = np.where(
        missing, len(edges) + 1, np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left")
    )
    return np.bincount(bins, minlength=len(edges) + 2)


class ShareCount:
    """Rows of a feature matrix counted into the bins of its references, piece by piece, so that the shares of a bank
    are known without its matrix ever being whole."""

    def __init__(self, references: Sequence[Reference]) -> None:
        self.references = tuple(references)
        self.n = 0
        self._counts = [np.zeros(len(known.edges) + 2, dtype=np.int64) for known in self.references]

    def add(self, X: NDArray[Any]) -> None:
        """Count the rows of X (n, features), NaN for missing."""
        self.n += len(X)
        for j, known in enumerate(self.references):
            self._counts[j] += _counts(X[:, j].astype(np.float64), known.edges)

    def shares(self) -> list[NDArray[np.float64]]:
        """Per feature the shares of its bins and, last, of the missing. ValueError before the first row."""
        if not self.n:
            raise ValueError("there are no rows to compare")
        return [counted / self.n for counted in self._counts]


def psi_of_shares(expected: ArrayLike, actual: ArrayLike) -> float:
    """PSI of two vectors of shares over the same bins; bins empty in both add nothing."""
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if e.shape != a.shape:
        raise ValueError(f"shares over different bins: {e.shape} and {a.shape}")
    used = (e > 0) | (a > 0)
    e, a = np.maximum(e[used], EMPTY_SHARE), np.maximum(a[used], EMPTY_SHARE)
    return float(np.sum((a - e) * np.log(a / e)))


def psi(expected: ArrayLike, actual: ArrayLike, bins: int = 10) -> float:
    """PSI of a score or a numeric feature, NaN in a bin of its own."""
    return reference(expected, bins).psi(actual)


def psi_categorical(expected: Sequence[Any], actual: Sequence[Any]) -> float:
    """PSI of a categorical feature over the union of its values; None is a value."""
    names = {name: i for i, name in enumerate(dict.fromkeys([*expected, *actual]))}
    if not len(expected) or not len(actual):
        raise ValueError("there are no rows to compare")
    shares = [
        np.bincount([names[value] for value in sample], minlength=len(names)) / len(sample)
        for sample in (expected, actual)
    ]
    return psi_of_shares(*shares)


def feature_reference(column: ArrayLike, spec: FeatureSpec) -> Reference:
    """The reference of one column of a feature matrix."""
    if spec.kind == "categorical":
        return codes_reference(column, len(spec.categories))
    return reference(column)


def feature_references(X: NDArray[Any], specs: Sequence[FeatureSpec]) -> tuple[Reference, ...]:
    """The references of all columns of a feature matrix (n, features)."""
    return tuple(feature_reference(X[:, j], spec) for j, spec in enumerate(specs))
