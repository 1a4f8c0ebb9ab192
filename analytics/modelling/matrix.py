"""The feature matrix: float32, one row per customer and date, one column per `FeatureSpec`.

A missing value is NaN. A flag is 0 or 1. A categorical column holds the position of its value in
`FeatureSpec.categories`, so every estimator sees numbers and the words stay with the specification. The matrix an
estimator learned from and the one it scores therefore agree as soon as both were encoded with the same specifications.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .sentences import ModellingRefusal, gettext_noop

Floats = NDArray[np.floating[Any]]
FeatureKind = Literal["numeric", "categorical", "flag"]
KINDS = ("numeric", "categorical", "flag")
# HistGradientBoosting refuses a categorical column with more categories than its 255 bins.
CATEGORY_LIMIT = 200


class InfiniteValue(ModellingRefusal):
    """A number of the matrix is infinite; the sentence names its column."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One column: `name` as in the field catalogue, `label` as shown, `categories` of a categorical column in
    code order. `agreed`: what it says of days to come was agreed before, so ranking the outcome alone is no leak."""

    name: str
    kind: FeatureKind
    label: str
    categories: tuple[str, ...] = ()
    agreed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.name}: kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.categories and self.kind != "categorical":
            raise ValueError(f"{self.name}: only a categorical feature has categories")
        if len(self.categories) > CATEGORY_LIMIT:
            raise ValueError(
                f"{self.name}: {len(self.categories)} categories, at most {CATEGORY_LIMIT} are possible"
            )


def learn_categories(
    columns: Mapping[str, Iterable[Any]], specs: Sequence[FeatureSpec]
) -> tuple[FeatureSpec, ...]:
    """Give every categorical specification without categories those of its column, the commonest 200, sorted.

    Learn from training rows only. What is not listed is encoded as missing later.
    """
    return tuple(
        replace(spec, categories=_common_values(columns[spec.name]))
        if spec.kind == "categorical" and not spec.categories
        else spec
        for spec in specs
    )


def _common_values(column: Iterable[Any]) -> tuple[str, ...]:
    counts = Counter(str(value) for value in column if value is not None and value != "")
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return tuple(sorted(ranked[:CATEGORY_LIMIT]))


def encode(columns: Mapping[str, Sequence[Any]], specs: Sequence[FeatureSpec]) -> NDArray[np.float32]:
    """Columns of raw values (numbers, booleans, strings, None) as a float32 matrix (n, len(specs)).

    Raises ValueError naming the column when a number cannot be read, and KeyError when a column is absent.
    """
    n = len(columns[specs[0].name])
    matrix = np.empty((n, len(specs)), dtype=np.float32)
    for j, spec in enumerate(specs):
        column = columns[spec.name]
        if len(column) != n:
            raise ValueError(f"{spec.name} has {len(column)} values where {specs[0].name} has {n}")
        matrix[:, j] = _codes(column, spec) if spec.kind == "categorical" else _numbers(column, spec)
    return matrix


def _codes(column: Sequence[Any], spec: FeatureSpec) -> Floats:
    codes = {value: float(code) for code, value in enumerate(spec.categories)}
    return np.fromiter((codes.get(str(value), np.nan) for value in column), np.float32, len(column))


def _numbers(column: Sequence[Any], spec: FeatureSpec) -> Floats:
    try:
        return np.asarray(column, dtype=np.float64)  # None becomes NaN, Decimal a float
    except (TypeError, ValueError) as error:
        raise ValueError(f"{spec.name}: {error}") from error


def check_matrix(X: ArrayLike, specs: Sequence[FeatureSpec]) -> NDArray[np.float32]:
    """`X` as float32 (n, len(specs)); ValueError naming the column for infinities and codes outside the categories."""
    matrix = np.asarray(X, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[1] != len(specs):
        raise ValueError(f"the matrix has shape {matrix.shape}, expected (rows, {len(specs)})")
    for j, spec in enumerate(specs):
        column = matrix[:, j]
        if np.isinf(column).any():
            raise InfiniteValue(gettext_noop("%(name)s holds an infinite value."), name=spec.name)
        if spec.kind == "categorical":
            known = column[~np.isnan(column)]
            if known.size and (known.min() < 0 or known.max() >= len(spec.categories)):
                raise ValueError(f"{spec.name} holds a code outside its {len(spec.categories)} categories")
    return matrix


def check_labels(y: ArrayLike, n: int | None = None) -> NDArray[np.int8]:
    """`y` as int8 of zeros and ones, shape (n,); ValueError otherwise."""
    labels = np.asarray(y)
    if labels.ndim != 1 or (n is not None and len(labels) != n):
        raise ValueError(f"labels have shape {labels.shape}, expected ({'n' if n is None else n},)")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels must be 0 or 1")
    return labels.astype(np.int8)
