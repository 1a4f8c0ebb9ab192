"""Ordered answers, such as risk preference: cautious < balanced < adventurous.

Cumulative binary models, P(y > c) for every threshold c (Frank and Hall 2001), each with the learner one would use for
a yes or no. Learned apart they may cross; their probabilities are made to fall from threshold to threshold by the mean
of the running minimum from below and the running maximum from above, so no class has a negative chance.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class OrdinalClassifier(ClassifierMixin, BaseEstimator):
    """Classes in the order of their values. `estimator`: a binary classifier with `predict_proba`, None gives a
    logistic regression. ValueError while fitting for fewer than two classes or values that are no classes."""

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: ArrayLike, y: ArrayLike) -> "OrdinalClassifier":
        """X (n, features), y (n,) ordered class values."""
        matrix, values = validate_data(
            self, X, y, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=2
        )
        check_classification_targets(values)
        self.classes_, codes = np.unique(values, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("an ordered answer needs at least two classes; the data hold one class")
        self.estimators_ = [
            self._binary().fit(matrix, (codes > threshold).astype(np.int8))
            for threshold in range(len(self.classes_) - 1)
        ]
        return self

    def cumulative(self, X: ArrayLike) -> NDArray[np.float64]:
        """P(y > class) for all classes but the last, (n, classes − 1), falling from left to right."""
        check_is_fitted(self)
        matrix = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=False)
        above = np.column_stack([model.predict_proba(matrix)[:, 1] for model in self.estimators_])
        return falling(above)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Chance of every class, (n, classes), rows add up to one."""
        return differences(self.cumulative(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likeliest class, (n,)."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[likeliest]

    def _binary(self) -> Any:
        return LogisticRegression(max_iter=2000) if self.estimator is None else clone(self.estimator)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = (
            self.estimator is not None and self.estimator.__sklearn_tags__().input_tags.allow_nan
        )
        return tags


def falling(above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows made to fall from left to right; what already falls is unchanged."""
    from_left = np.minimum.accumulate(above, axis=1)
    from_right = np.maximum.accumulate(above[:, ::-1], axis=1)[:, ::-1]
    return (from_left + from_right) / 2


def differences(cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
    """Class probabilities (n, classes) of falling P(y > class), (n, classes − 1)."""
    ends = np.ones((len(cumulative), 1)), np.zeros((len(cumulative), 1))
    return -np.diff(np.column_stack((ends[0], cumulative, ends[1])), axis=1)
