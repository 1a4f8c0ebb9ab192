"""Uplift learners: by how much a contact raises a customer's chance to respond. Künzel et al. 2019 (PNAS 116:4156).

All are scikit-learn estimators over the float32 matrix of `matrix.py`; `fit` takes two things more: `treated` (n,),
0 or 1 as assigned, and `propensity`, the known chance of having been treated, one number or one per row. Rows are
weighted by 1 / P(their arm), so that campaigns of different shares do not pass for an effect. `predict` gives the
difference of two probabilities, -1 to 1. Whether such a score may target anybody is decided in `uplift_gate`.

S: one model that is told the arm. T: a model per arm. X: the effects that a model of the other arm imputes are learned
as a target of their own, per arm, and mixed by propensity; best where one arm is small (methods.md section 6).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted, validate_data

from .estimators import with_constants
from .matrix import FeatureSpec, check_labels
from .sentences import ModellingRefusal, gettext_noop

Floats = NDArray[np.float64]
UpliftKind = Literal["s", "t", "x"]
UPLIFT_KINDS: tuple[UpliftKind, ...] = ("x", "t", "s")
FOLDS = 5


class NoUpliftData(ModellingRefusal):
    """An arm is missing, or nobody or everybody of an arm responded."""


class UpliftLearner(BaseEstimator, ABC):
    """What the three learners share. `outcome`: a classifier of responses, `effect`: a regressor of imputed effects;
    None gives small trees. Only the X-learner uses `effect`."""

    def __init__(self, outcome: Any = None, effect: Any = None) -> None:
        self.outcome = outcome
        self.effect = effect

    def fit(
        self, X: ArrayLike, y: ArrayLike, treated: ArrayLike, propensity: ArrayLike | None = None
    ) -> "UpliftLearner":
        """X (n, features) with NaN for missing, y and treated (n,) 0/1; `propensity` strictly between 0 and 1, by
        default the treated share. NoUpliftData for an arm without rows, responders or non-responders."""
        matrix = validate_data(self, X, dtype=np.float32, ensure_all_finite="allow-nan")
        labels, arm = check_labels(y, len(matrix)), check_labels(treated, len(matrix))
        refuse_arms(labels, arm)
        known = checked_propensity(arm, propensity)
        self.propensity_ = float(known.mean())
        self._learn(matrix, labels, arm, arm_weights(arm, known))
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Estimated uplift of every row of X, (n,)."""
        check_is_fitted(self)
        return self._uplift(
            validate_data(self, X, dtype=np.float32, ensure_all_finite="allow-nan", reset=False)
        )

    @abstractmethod
    def _learn(
        self, X: NDArray[np.float32], y: NDArray[np.int8], treated: NDArray[np.int8], weight: Floats
    ) -> None: ...

    @abstractmethod
    def _uplift(self, X: NDArray[np.float32]) -> Floats: ...

    def _outcome(self) -> Any:
        return clone(self.outcome) if self.outcome is not None else small_classifier()


class SLearner(UpliftLearner):
    """One model of the response with the arm as its last column; the uplift is what turning that column changes."""

    def _learn(
        self, X: NDArray[np.float32], y: NDArray[np.int8], treated: NDArray[np.int8], weight: Floats
    ) -> None:
        self.model_ = self._outcome().fit(with_constants(_with_arm(X, treated)), y, sample_weight=weight)

    def _uplift(self, X: NDArray[np.float32]) -> Floats:
        n = len(X)
        contacted, left_alone = (probability(self.model_, _with_arm(X, np.full(n, arm))) for arm in (1, 0))
        return contacted - left_alone


class TLearner(UpliftLearner):
    """A model of the response per arm; the uplift is their difference."""

    def _learn(
        self, X: NDArray[np.float32], y: NDArray[np.int8], treated: NDArray[np.int8], weight: Floats
    ) -> None:
        self.treated_, self.control_ = (
            self._outcome().fit(with_constants(X[inside]), y[inside], sample_weight=weight[inside])
            for inside in (treated == 1, treated == 0)
        )

    def _uplift(self, X: NDArray[np.float32]) -> Floats:
        return probability(self.treated_, X) - probability(self.control_, X)


class XLearner(TLearner):
    """Effects imputed by the other arm's model, learned per arm: τ = g τ₀ + (1 − g) τ₁ with g the propensity.

    Every imputed effect comes from a model of the other arm, so none was seen in learning it: it is cross-fitted.
    """

    def _learn(
        self, X: NDArray[np.float32], y: NDArray[np.int8], treated: NDArray[np.int8], weight: Floats
    ) -> None:
        super()._learn(X, y, treated, weight)
        here, there = treated == 1, treated == 0
        gained = y[here] - probability(self.control_, X[here])
        missed = probability(self.treated_, X[there]) - y[there]
        self.effect_treated_ = self._effect().fit(with_constants(X[here]), gained, sample_weight=weight[here])
        self.effect_control_ = self._effect().fit(
            with_constants(X[there]), missed, sample_weight=weight[there]
        )

    def _uplift(self, X: NDArray[np.float32]) -> Floats:
        g = self.propensity_
        mixed = g * self.effect_control_.predict(X) + (1 - g) * self.effect_treated_.predict(X)
        return np.clip(np.asarray(mixed, dtype=np.float64), -1, 1)

    def _effect(self) -> Any:
        return clone(self.effect) if self.effect is not None else small_regressor()


class ResponseLearner(UpliftLearner):
    """Not uplift but the fallback's first factor: the chance to respond when contacted, learned from the treated."""

    def _learn(
        self, X: NDArray[np.float32], y: NDArray[np.int8], treated: NDArray[np.int8], weight: Floats
    ) -> None:
        here = treated == 1
        self.model_ = self._outcome().fit(with_constants(X[here]), y[here])

    def _uplift(self, X: NDArray[np.float32]) -> Floats:
        return probability(self.model_, X)


LEARNERS: dict[UpliftKind, type[UpliftLearner]] = {"s": SLearner, "t": TLearner, "x": XLearner}


def build_learner(kind: UpliftKind, specs: Sequence[FeatureSpec] = (), seed: int = 0) -> UpliftLearner:
    """An unfitted learner with small trees that know which columns are categorical. ValueError for an unknown kind."""
    if kind not in LEARNERS:
        raise ValueError(f"unknown kind of uplift learner {kind!r}; known: {', '.join(LEARNERS)}")
    categorical = [j for j, spec in enumerate(specs) if spec.kind == "categorical"]
    return LEARNERS[kind](small_classifier(categorical, seed), small_regressor(categorical, seed))


def small_classifier(categorical: Sequence[int] = (), seed: int = 0) -> HistGradientBoostingClassifier:
    """Eight leaves a tree: effects are weak, and deeper trees learn the noise of the smaller arm."""
    return HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.05,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=list(categorical) or None,
        random_state=seed,
    )


def small_regressor(categorical: Sequence[int] = (), seed: int = 0) -> HistGradientBoostingRegressor:
    """Fewer and smaller trees than for responses: an imputed effect is mostly noise."""
    return HistGradientBoostingRegressor(
        max_iter=30,
        learning_rate=0.05,
        max_leaf_nodes=6,
        min_samples_leaf=100,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=list(categorical) or None,
        random_state=seed,
    )


def probability(model: Any, X: NDArray[Any]) -> Floats:
    """Chance of the class 1, (n,)."""
    return np.asarray(model.predict_proba(X)[:, 1], dtype=np.float64)


def _with_arm(X: NDArray[np.float32], arm: NDArray[Any]) -> NDArray[np.float32]:
    return np.column_stack((X, arm.astype(np.float32)))


def checked_propensity(treated: NDArray[np.int8], propensity: ArrayLike | None) -> Floats:
    """The known chance of treatment of every row, (n,); ValueError outside (0, 1)."""
    given = np.asarray(float(treated.mean()) if propensity is None else propensity, dtype=np.float64)
    if given.shape not in ((), treated.shape):
        raise ValueError(f"propensity has shape {given.shape}, expected one number or ({len(treated)},)")
    known = np.broadcast_to(given, treated.shape)
    if not ((known > 0) & (known < 1)).all():
        raise ValueError("the chance of being treated must lie between 0 and 1, both excluded")
    return known


def arm_weights(treated: ArrayLike, propensity: ArrayLike) -> Floats:
    """1 / P(the row's own arm), scaled to a mean of 1 inside each arm: equal propensities give weights of one."""
    arm, known = np.asarray(treated), np.asarray(propensity, dtype=np.float64)
    weight = np.where(arm == 1, 1 / known, 1 / (1 - known))
    for which in (0, 1):
        inside = arm == which
        weight[inside] /= weight[inside].mean()
    return weight


def refuse_arms(y: NDArray[np.int8], treated: NDArray[np.int8]) -> None:
    """NoUpliftData unless both arms have responders and non-responders."""
    for arm, name in ((1, "treated"), (0, "control")):
        inside = treated == arm
        n, found = int(inside.sum()), int(y[inside].sum())
        if n == 0:
            raise NoUpliftData(
                gettext_noop("There are no %(arm)s customers; uplift needs both arms."), arm=name
            )
        if found in {0, n}:
            raise NoUpliftData(
                gettext_noop(
                    "%(found)s of %(n)s %(arm)s customers responded; both outcomes are needed in each arm."
                ),
                found=found,
                n=n,
                arm=name,
            )


def cross_fit(
    score: Callable[[NDArray[np.intp], NDArray[np.intp]], ArrayLike],
    y: ArrayLike,
    treated: ArrayLike,
    *,
    customers: ArrayLike | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> Floats:
    """Scores (n,) of every row by a model that has not seen it. `score(train, test)` gets row positions and gives the
    scores of `test`.

    Folds keep the mix of arm and outcome; rows of one customer (`customers`, (n,) ids) stay together, because a
    customer of several campaigns would otherwise be recognised.
    """
    labels = check_labels(y)
    arm = check_labels(treated, len(labels))
    strata = 2 * arm + labels
    splitter = (StratifiedKFold if customers is None else StratifiedGroupKFold)(
        folds, shuffle=True, random_state=seed
    )
    scores = np.empty(len(labels))
    for train, test in splitter.split(np.zeros(len(labels)), strata, customers):
        scores[test] = score(train, test)
    return scores
