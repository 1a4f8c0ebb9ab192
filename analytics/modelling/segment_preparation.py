"""Customers as points whose distances mean something, for clustering.

Money is zero where a product is not held and long-tailed where it is. Such a column becomes two: a flag (has it) and
log(1 + amount) with amounts above the 99.5 % quantile set to it; both standardised, together of the weight of one
feature. Who has nothing stands at the holders' mean amount: the flag alone says so, once. Never raw, and never by
quantiles: the spike of zeros would own the clusters (methods.md section 5).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import skew
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .matrix import FeatureSpec
from .sentences import ModellingRefusal, gettext_noop

WINSOR = 0.995
# What fewer than two in a hundred have, or lack, cannot carry a segment of that least size.
LEAST_SHARE = 0.02
LONG_TAIL = 2.0


class UnusableFeature(ModellingRefusal):
    """A feature says nothing about anybody."""


class SegmentPreparation(TransformerMixin, BaseEstimator):
    """Standardised columns for clustering, (n, columns) float32.

    `categories` gives the number of categories per feature, 0 for a number; None means numbers only. Found while
    fitting, per feature (`treatment_`): `money` (non-negative, two in a hundred or more are zero), `tail` (skewness
    above 2: sign · log1p), `plain`, `flag` (0/1), `categorical` (an indicator per category, not standardised: two
    customers of different categories are then as far apart as two average ones in a standardised number), or `left out`
    (fewer than 2 % differ from the rest). The missing take the median, of categories no indicator.
    """

    def __init__(self, categories: Sequence[int] | None = None, winsor: float = WINSOR) -> None:
        self.categories = categories
        self.winsor = winsor

    def fit(self, X: ArrayLike, y: Any = None) -> "SegmentPreparation":
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2)
        p = matrix.shape[1]
        sizes = np.zeros(p, dtype=int) if self.categories is None else np.asarray(self.categories)
        self.treatment_ = [_treatment(matrix[:, j], int(sizes[j])) for j in range(p)]
        self.median_ = np.array([_median(matrix[:, j]) for j in range(p)])
        self.low_, self.high_ = (np.full(p, value) for value in (-np.inf, np.inf))
        self.usual_ = np.zeros(p)
        for j, treatment in enumerate(self.treatment_):
            self.low_[j], self.high_[j] = self._caps(matrix[:, j], treatment)
            if treatment == "money":
                held = matrix[matrix[:, j] > 0, j]
                self.usual_[j] = np.log1p(np.minimum(held, self.high_[j])).mean()
        blocks = [self._block(matrix[:, j], j) for j in range(p)]
        self.owner_ = np.repeat(np.arange(p), [block.shape[1] for block in blocks])
        raw = np.column_stack(blocks) if self.owner_.size else np.zeros((len(matrix), 0))
        indicator = np.isin(self.owner_, [j for j in range(p) if self.treatment_[j] == "categorical"])
        spread = raw.std(axis=0)
        self.mean_ = raw.mean(axis=0)
        money = np.isin(self.owner_, [j for j in range(p) if self.treatment_[j] == "money"])
        self.scale_ = np.where(indicator | (spread == 0), 1.0, spread) * np.where(money, np.sqrt(2), 1.0)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        check_is_fitted(self)
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        out = np.empty((len(matrix), len(self.owner_)), dtype=np.float32)
        for j in range(matrix.shape[1]):
            columns = np.flatnonzero(self.owner_ == j)
            if columns.size:
                block = self._block(matrix[:, j], j)
                out[:, columns] = (block - self.mean_[columns]) / self.scale_[columns]
        return out

    def _caps(self, column: NDArray[Any], treatment: str) -> tuple[float, float]:
        known = column[~np.isnan(column)]
        if treatment == "money":
            return 0.0, float(np.quantile(known[known > 0], self.winsor))
        if treatment in {"tail", "plain"}:
            low, high = np.quantile(known, (1 - self.winsor, self.winsor))
            return float(low), float(high)
        return -np.inf, np.inf

    def _block(self, column: NDArray[Any], j: int) -> NDArray[np.float64]:
        """The unstandardised columns of one feature, (n, 0 to categories)."""
        treatment = self.treatment_[j]
        if treatment == "left out":
            return np.empty((len(column), 0))
        if treatment == "categorical":
            sizes = self.categories or ()
            return (column[:, None] == np.arange(sizes[j])).astype(np.float64)
        filled = np.where(np.isnan(column), self.median_[j], column)
        values = np.clip(filled, self.low_[j], self.high_[j])
        if treatment == "money":
            return np.column_stack((values > 0, np.where(values > 0, np.log1p(values), self.usual_[j])))
        if treatment == "tail":
            values = np.sign(values) * np.log1p(np.abs(values))
        return values[:, None]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Names such as `x0` (amount), `x0 has` (flag of money) and `x3 = 2` (category code)."""
        check_is_fitted(self)
        given = [f"x{j}" for j in range(self.n_features_in_)] if input_features is None else input_features
        names: list[str] = []
        for j, name in enumerate(np.asarray(given, dtype=object)):
            count = int((self.owner_ == j).sum())
            if self.treatment_[j] == "categorical":
                names += [f"{name} = {code}" for code in range(count)]
            elif self.treatment_[j] == "money":
                names += [f"{name} has", str(name)]
            else:
                names += [str(name)] * count
        return np.array(names, dtype=object)


def _median(column: NDArray[Any]) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if known.size else 0.0


def _treatment(column: NDArray[Any], categories: int) -> str:
    known = column[~np.isnan(column)]
    if not known.size:
        return "left out"
    _, counts = np.unique(known, return_counts=True)
    if counts.max() > (1 - LEAST_SHARE) * len(column):
        return "left out"
    if categories:
        return "categorical"
    if np.isin(known, (0, 1)).all():
        return "flag"
    zeros = float((known == 0).mean())
    if known.min() >= 0 and zeros >= LEAST_SHARE:
        return "money"
    return "tail" if abs(float(skew(known))) > LONG_TAIL else "plain"


def preparation(X: NDArray[np.float32], specs: Sequence[FeatureSpec]) -> SegmentPreparation:
    """The fitted preparation of X (n, features). UnusableFeature names the first that is missing for everybody or the
    same for everybody, or says that none of them varies enough."""
    for j, spec in enumerate(specs):
        known = X[~np.isnan(X[:, j]), j]
        if not known.size:
            raise UnusableFeature(
                gettext_noop("%(label)s (%(name)s) is missing for everybody."),
                label=spec.label,
                name=spec.name,
            )
        if known.min() == known.max() and len(known) == len(X):
            raise UnusableFeature(
                gettext_noop("%(label)s (%(name)s) is the same for everybody."),
                label=spec.label,
                name=spec.name,
            )
    fitted = SegmentPreparation([len(spec.categories) for spec in specs]).fit(X)
    if not fitted.owner_.size:
        raise UnusableFeature(gettext_noop("No feature differs for more than two customers in a hundred."))
    return fitted
