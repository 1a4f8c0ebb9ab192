"""The two learners of a response model, built from feature specifications.

Both read the float32 matrix of `matrix.py`. They are deliberately small: at bank-pilot size the logit is level with the
trees (methods.md section 4), and reasons have to stay computable.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import skew
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from .matrix import FeatureSpec

EstimatorKind = Literal["hist_gradient_boosting", "logistic"]
KINDS: tuple[EstimatorKind, ...] = ("hist_gradient_boosting", "logistic")
# Ways to set a learner; which one fits a model's data is seen on its own later rows (`settings`). No path of a tree
# has more than 6 features, so exact Shapley values stay a table of 64 rows per leaf.
SETTINGS: dict[EstimatorKind, dict[str, dict[str, Any]]] = {
    "hist_gradient_boosting": {
        "steady": {"max_iter": 80, "learning_rate": 0.05, "max_leaf_nodes": 16, "min_samples_leaf": 50},
        "shallow": {
            "max_iter": 200,
            "learning_rate": 0.05,
            "max_leaf_nodes": 8,
            "max_depth": 3,
            "min_samples_leaf": 20,
            "max_features": 0.3,
        },
        "fine": {
            "max_iter": 120,
            "learning_rate": 0.03,
            "max_leaf_nodes": 31,
            "min_samples_leaf": 5,
            "max_features": 0.3,
        },
        "long": {
            "max_iter": 300,
            "learning_rate": 0.05,
            "max_leaf_nodes": 31,
            "min_samples_leaf": 20,
            "l2_regularization": 5.0,
        },
    },
    "logistic": {"plain": {"C": 1.0}, "held": {"C": 0.05}},
}
# Simplest first: of two models that cannot be told apart the simpler one wins.
SIMPLICITY: tuple[EstimatorKind, ...] = ("logistic", "hist_gradient_boosting")


class SignedLog(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """sign(x) · log(1 + |x|) for columns whose sample skewness exceeds `threshold` in size, others unchanged.

    Money and counts have long tails that would own a linear score; ages and rates do not and keep their unit.
    """

    def __init__(self, threshold: float = 2.0) -> None:
        self.threshold = threshold

    def fit(self, X: NDArray[Any], y: Any = None) -> "SignedLog":
        X = validate_data(self, X, dtype=np.float64)
        varies = X.max(axis=0) > X.min(axis=0)
        skewness = np.zeros(X.shape[1])
        skewness[varies] = skew(X[:, varies], axis=0)
        self.long_tailed_ = np.abs(skewness) > self.threshold
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float64]:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.where(self.long_tailed_, np.sign(X) * np.log1p(np.abs(X)), X)


def build_estimator(
    kind: EstimatorKind, specs: Sequence[FeatureSpec], seed: int, setting: str = ""
) -> BaseEstimator:
    """An unfitted classifier with `decision_function` in log-odds, by the first of its `SETTINGS` or the one named.
    ValueError for an unknown kind."""
    if kind == "hist_gradient_boosting":
        return _trees(specs, seed, SETTINGS[kind][setting or "steady"])
    if kind == "logistic":
        return _logit(specs, SETTINGS[kind][setting or "plain"])
    raise ValueError(f"unknown kind of model {kind!r}; known: {', '.join(KINDS)}")


def fit_estimator(
    kind: EstimatorKind,
    X: NDArray[np.float32],
    y: NDArray[Any],
    specs: Sequence[FeatureSpec],
    seed: int = 0,
    *,
    weight: NDArray[Any] | None = None,
    setting: str = "",
) -> BaseEstimator:
    """The fitted classifier of `build_estimator` for a checked matrix X (n, features) and labels y (n,); `weight` (n,)
    says how many rows each stands for, None one each."""
    estimator = build_estimator(kind, specs, seed, setting)
    if kind == "logistic":
        return estimator.fit(X, y, logit__sample_weight=weight)
    return estimator.fit(with_constants(X), y, sample_weight=weight)


def with_constants(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """X with zeros where a column has no value at all: scikit-learn 1.9 cannot bin such a column; as a constant it is
    never split on, so never used."""
    empty = np.isnan(X).all(axis=0)
    return np.where(empty, np.float32(0), X) if empty.any() else X


def _positions(specs: Sequence[FeatureSpec], *kinds: str) -> list[int]:
    return [j for j, spec in enumerate(specs) if spec.kind in kinds]


def _trees(
    specs: Sequence[FeatureSpec], seed: int, chosen: Mapping[str, Any]
) -> HistGradientBoostingClassifier:
    common = {
        "max_depth": 6,
        "l2_regularization": 1.0,
        "early_stopping": False,  # it would hold out rows at random
        "categorical_features": _positions(specs, "categorical") or None,
        "random_state": seed,
    }
    return HistGradientBoostingClassifier(**{**common, **chosen})


def _logit(specs: Sequence[FeatureSpec], chosen: Mapping[str, Any]) -> Pipeline:
    numeric = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("log", SignedLog()),
            ("scale", StandardScaler()),
        ]
    )
    categorical = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False)
    design = ColumnTransformer(
        [
            ("numeric", numeric, _positions(specs, "numeric", "flag")),
            ("categorical", categorical, _positions(specs, "categorical")),
        ]
    )
    return Pipeline([("design", design), ("logit", LogisticRegression(max_iter=2000, **chosen))])
