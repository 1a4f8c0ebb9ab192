"""The uplift model of an offer: learned from its pooled campaigns, judged on rows it has not seen, used by the gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimators import EstimatorKind, fit_estimator
from .matrix import FeatureSpec, check_matrix
from .response import CHUNK
from .stability import Reference, feature_references, reference
from .uplift import UPLIFT_KINDS, UpliftKind, UpliftLearner, build_learner, cross_fit, refuse_arms
from .uplift_gate import SegmentEffects, UpliftDecision, decide, segment_effects
from .uplift_metrics import qini_coefficient
from .uplift_pool import Pooled

Floats = NDArray[np.float64]
Score = Callable[[NDArray[np.intp], NDArray[np.intp]], Floats]


@dataclass(frozen=True, slots=True)
class FittedUplift:
    """`estimator` learned from all rows; `decision` was made on rows held back from its twins. `tried` is the
    cross-fitted Qini of every learner on the rows that chose `kind`; `segments` the effects of the fallback; the
    references are the training columns and the scores of the training rows, for monitoring."""

    kind: UpliftKind
    estimator: UpliftLearner
    specs: tuple[FeatureSpec, ...]
    seed: int
    codes: tuple[str, ...]
    n: int
    decision: UpliftDecision
    tried: dict[str, float]
    segments: SegmentEffects | None
    score_reference: Reference | None = None
    feature_references: tuple[Reference, ...] = ()

    def predict(self, X: ArrayLike) -> NDArray[np.float32]:
        """Estimated uplift (n,), in chunks of 100,000 rows; ValueError as in `matrix.check_matrix`."""
        matrix = check_matrix(X, self.specs)
        scores = np.empty(len(matrix), dtype=np.float32)
        for start in range(0, len(matrix), CHUNK):
            scores[start : start + CHUNK] = self.estimator.predict(matrix[start : start + CHUNK])
        return scores

    def targeting(
        self, X: ArrayLike, response: ArrayLike, segment: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """The score (n,) the decision allows: uplift, response × effect of the segment, or the response itself.

        `response` (n,) are response probabilities, `segment` (n,) the codes the effects were measured for.
        """
        if self.decision.use == "uplift":
            return self.predict(X)
        probability = np.asarray(response, dtype=np.float32)
        if self.decision.use == "response":
            return probability
        if self.segments is None or segment is None:
            raise ValueError("the decision needs the segment of every customer")
        return (probability * self.segments.of(segment)).astype(np.float32)


def fit_uplift(
    pooled: Pooled,
    specs: Sequence[FeatureSpec],
    *,
    response: ArrayLike | None = None,
    segment: ArrayLike | None = None,
    kind: UpliftKind | None = None,
    held_back: NDArray[np.bool_] | None = None,
    seed: int = 0,
    resamples: int = 500,
) -> FittedUplift:
    """Learn, judge, decide.

    `held_back` (n,) marks the rows to judge on, best the latest campaign; None cross-fits, so that every row is judged
    by a model that has not seen it. `response` (n,) is the score of a response model that has not seen the rows
    either; None learns one from the treated in the same folds. `segment` (n,) are codes for the fallback. Without
    `kind` the best of three by cross-fitted Qini is chosen on the rows that are not held back; without held-back rows
    that choice would flatter itself, so it is the X-learner. Raises NoUpliftData, and ValueError for shapes.
    """
    matrix = check_matrix(pooled.X, specs)
    refuse_arms(pooled.y, pooled.treated)
    tried: dict[str, float] = {}
    if kind is None and held_back is not None:
        tried = compared(pooled, specs, np.flatnonzero(~held_back), seed=seed)
    best: UpliftKind = max(UPLIFT_KINDS, key=lambda name: tried.get(name, 0.0))
    learner = kind or best
    fit = _Fit(pooled, matrix, tuple(specs), learner, seed)
    judged = np.arange(len(matrix)) if held_back is None else np.flatnonzero(held_back)
    if response is None:
        answers = fit.unseen(fit.response, held_back)
    else:
        answers = np.asarray(response, dtype=np.float64)[judged]
    effects, by_segment = None, None
    if segment is not None:
        codes = np.asarray(segment)
        effects = segment_effects(pooled.y, pooled.treated, codes, weight=pooled.weight)
        if effects is not None and effects.tau2 > 0:
            by_segment = answers * fit.unseen(fit.by_segment(codes), held_back)
    decision = decide(
        pooled.y[judged],
        pooled.treated[judged],
        fit.unseen(fit.uplift, held_back),
        answers,
        by_segment=by_segment,
        weight=None if pooled.weight is None else pooled.weight[judged],
        resamples=resamples,
        seed=seed,
    )
    estimator = fit.learner(np.arange(len(matrix)))
    return FittedUplift(
        kind=learner,
        estimator=estimator,
        specs=tuple(specs),
        seed=seed,
        codes=pooled.codes,
        n=len(matrix),
        decision=decision,
        tried=tried,
        segments=effects,
        score_reference=reference(np.asarray(estimator.predict(matrix), dtype=np.float64)),
        feature_references=feature_references(matrix, specs),
    )


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

    def response(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
        treated = train[self.pooled.treated[train] == 1]
        kind: EstimatorKind = "hist_gradient_boosting" if self.pooled.y[treated].sum() >= 200 else "logistic"
        model = fit_estimator(kind, self.X[treated], self.pooled.y[treated], self.specs, self.seed)
        return np.asarray(model.predict_proba(self.X[test])[:, 1], dtype=np.float64)

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
