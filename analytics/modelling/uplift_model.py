"""The uplift model of an offer: learned from its pooled campaigns, judged on rows it has not seen, used by the gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimators import EstimatorKind, build_estimator
from .matrix import FeatureSpec, check_matrix
from .response_quality import CHUNK
from .stability import Reference, feature_references, reference
from .uplift import (
    UPLIFT_KINDS,
    ResponseLearner,
    UpliftKind,
    UpliftLearner,
    build_learner,
    cross_fit,
    refuse_arms,
)
from .uplift_gate import SegmentEffects, UpliftDecision, decide, segment_effects
from .uplift_metrics import qini_coefficient
from .uplift_pool import Pooled

Floats = NDArray[np.float64]
Score = Callable[[NDArray[np.intp], NDArray[np.intp]], Floats]


@dataclass(frozen=True, slots=True)
class FittedUplift:
    """`decision` was made on rows held back from the twins of what is kept here, which learned from all rows.

    `estimator` gives uplift, or, where the decision is for response × effect of a group, the chance to respond; then
    `group` is the column that names the group, `segments` holds the effects by its code, and `scale` brings the
    product to the size of the average effect, so that it can be multiplied with money. `tried` is the cross-fitted
    Qini of every learner on the rows that chose `kind`. The references are the training columns and scores, for
    monitoring.
    """

    kind: UpliftKind
    estimator: UpliftLearner
    specs: tuple[FeatureSpec, ...]
    seed: int
    codes: tuple[str, ...]
    n: int
    decision: UpliftDecision
    tried: dict[str, float]
    segments: SegmentEffects | None
    group: int | None = None
    scale: float = 1.0
    score_reference: Reference | None = None
    feature_references: tuple[Reference, ...] = ()

    def predict(self, X: ArrayLike) -> NDArray[np.float32]:
        """The gain in probability (n,) by what the decision is for; ValueError as in `matrix.check_matrix`.

        Where the decision is for the response alone it is the uplift that was not proven.
        """
        matrix = check_matrix(X, self.specs)
        scores = np.empty(len(matrix), dtype=np.float32)
        for start in range(0, len(matrix), CHUNK):
            scores[start : start + CHUNK] = self._gain(matrix[start : start + CHUNK])
        return scores

    def _gain(self, matrix: NDArray[np.float32]) -> Floats:
        answers = np.asarray(self.estimator.predict(matrix), dtype=np.float64)
        if self.decision.use != "response_by_segment" or self.segments is None or self.group is None:
            return answers
        return self.scale * answers * self.segments.of(group_codes(matrix, self.group))


def group_codes(X: NDArray[np.float32], column: int) -> NDArray[np.int64]:
    """The group of every row (n,): the code of a categorical column, -1 where it is missing."""
    return np.nan_to_num(X[:, column], nan=-1).astype(np.int64)


def fit_uplift(
    pooled: Pooled,
    specs: Sequence[FeatureSpec],
    *,
    response: ArrayLike | None = None,
    group: int | None = None,
    kind: UpliftKind | None = None,
    held_back: NDArray[np.bool_] | None = None,
    seed: int = 0,
    resamples: int = 500,
) -> FittedUplift:
    """Learn, judge, decide.

    `held_back` (n,) marks the rows to judge on, best the latest campaign; None cross-fits, so that every row is judged
    by a model that has not seen it. `response` (n,) is the score of a response model that has not seen the rows
    either; None learns one from the treated in the same folds. `group` is the categorical column of the fallback.
    Without `kind` the best of three by cross-fitted Qini is chosen on the rows that are not held back; without
    held-back rows that choice would flatter itself, so it is the X-learner. Raises NoUpliftData, and ValueError for
    shapes.
    """
    matrix = check_matrix(pooled.X, specs)
    refuse_arms(pooled.y, pooled.treated)
    tried: dict[str, float] = {}
    if kind is None and held_back is not None:
        tried = compared(pooled, specs, np.flatnonzero(~held_back), seed=seed)
    best: UpliftKind = max(UPLIFT_KINDS, key=lambda name: tried.get(name, 0.0))
    fit = _Fit(pooled, matrix, tuple(specs), kind or best, seed)
    effects, decision = _decided(fit, response, group, held_back, resamples)
    estimator, scale = fit.final(decision, effects, group)
    made = FittedUplift(
        kind=fit.kind,
        estimator=estimator,
        specs=tuple(specs),
        seed=seed,
        codes=pooled.codes,
        n=len(matrix),
        decision=decision,
        tried=tried,
        segments=effects,
        group=group,
        scale=scale,
        feature_references=feature_references(matrix, specs),
    )
    return replace(made, score_reference=reference(made.predict(matrix).astype(np.float64)))


def _decided(
    fit: "_Fit",
    response: ArrayLike | None,
    group: int | None,
    held_back: NDArray[np.bool_] | None,
    resamples: int,
) -> tuple[SegmentEffects | None, UpliftDecision]:
    """The effects by group from all rows, and the gate's decision on rows none of the scores was learned from."""
    pooled = fit.pooled
    judged = np.arange(len(fit.X)) if held_back is None else np.flatnonzero(held_back)
    effects, by_segment = None, None
    needed = response is None or group is not None
    own = fit.unseen(fit.response, held_back) if needed else np.empty(0)
    if group is not None:
        codes = group_codes(fit.X, group)
        effects = segment_effects(pooled.y, pooled.treated, codes, weight=pooled.weight)
        if effects is not None and effects.tau2 > 0:
            by_segment = own * fit.unseen(fit.by_segment(codes), held_back)
    decision = decide(
        pooled.y[judged],
        pooled.treated[judged],
        fit.unseen(fit.uplift, held_back),
        own if response is None else np.asarray(response, dtype=np.float64)[judged],
        by_segment=by_segment,
        weight=None if pooled.weight is None else pooled.weight[judged],
        resamples=resamples,
        seed=fit.seed,
    )
    return effects, decision


def compared(
    pooled: Pooled, specs: Sequence[FeatureSpec], rows: NDArray[np.intp], *, seed: int = 0
) -> dict[str, float]:
    """Cross-fitted Qini of the three learners on the given rows: the choice between them sees no other row."""
    part = Pooled(
        pooled.X[rows],
        pooled.y[rows],
        pooled.treated[rows],
        pooled.customers[rows],
        pooled.propensity[rows],
        pooled.campaign[rows],
        pooled.codes,
        pooled.left_out,
    )
    matrix = check_matrix(part.X, specs)
    found: dict[str, float] = {}
    for kind in UPLIFT_KINDS:
        fit = _Fit(part, matrix, tuple(specs), kind, seed)
        scores = fit.unseen(fit.uplift, None)
        found[kind] = qini_coefficient(part.y, scores, part.treated, weight=part.weight)
    return found


@dataclass(frozen=True, slots=True)
class _Fit:
    """One way of scoring rows from other rows, cross-fitted or held back."""

    pooled: Pooled
    X: NDArray[np.float32]
    specs: tuple[FeatureSpec, ...]
    kind: UpliftKind
    seed: int

    def learner(self, train: NDArray[np.intp]) -> UpliftLearner:
        return build_learner(self.kind, self.specs, self.seed).fit(
            self.X[train], self.pooled.y[train], self.pooled.treated[train], self.pooled.propensity[train]
        )

    def uplift(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
        return self.learner(train).predict(self.X[test])

    def responder(self, train: NDArray[np.intp]) -> ResponseLearner:
        treated = train[self.pooled.treated[train] == 1]
        kind: EstimatorKind = "hist_gradient_boosting" if self.pooled.y[treated].sum() >= 200 else "logistic"
        learner = ResponseLearner(build_estimator(kind, self.specs, self.seed))
        learner.fit(self.X[train], self.pooled.y[train], self.pooled.treated[train])
        return learner

    def response(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
        return self.responder(train).predict(self.X[test])

    def final(
        self, decision: UpliftDecision, effects: SegmentEffects | None, group: int | None
    ) -> tuple[UpliftLearner, float]:
        """What the decision is for, learned from all rows, and the scale of the fallback's product."""
        everyone = np.arange(len(self.X))
        if decision.use != "response_by_segment" or effects is None or group is None:
            return self.learner(everyone), 1.0
        learner = self.responder(everyone)
        gained = effects.of(group_codes(self.X, group))
        average, product = float(gained.mean()), float((learner.predict(self.X) * gained).mean())
        # Of opposite signs it would turn the order round.
        return learner, average / product if average * product > 0 else 1.0

    def by_segment(self, codes: NDArray[np.int64]) -> Score:
        weight = self.pooled.weight

        def score(train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
            effects = segment_effects(
                self.pooled.y[train],
                self.pooled.treated[train],
                codes[train],
                weight=None if weight is None else weight[train],
            )
            return np.zeros(len(test)) if effects is None else effects.of(codes[test])

        return score

    def unseen(self, score: Score, held_back: NDArray[np.bool_] | None) -> Floats:
        if held_back is not None:
            return score(np.flatnonzero(~held_back), np.flatnonzero(held_back))
        return cross_fit(
            score, self.pooled.y, self.pooled.treated, customers=self.pooled.customers, seed=self.seed
        )
