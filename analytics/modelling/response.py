"""A response model: who answers an offer within the label window.

`fit_response` chooses a setting and learns on the train slice, calibrates on the validation slice, learns once more
from both and measures on the out-of-time slice; what it returns is what is used, so the figures belong to the very
estimator that scores. `compare` and `fit_champion` choose between the trees and the logit. methods.md section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from . import metrics, settings, stability
from .bootstrap import Interval, paired_difference
from .calibration import SigmoidCalibrator, calibrate_in_time
from .correlation import correlated_groups
from .estimators import KINDS, SIMPLICITY, EstimatorKind, fit_estimator
from .inputs import usable_or_refused
from .leakage import LeakageFound, drift_scan, leakage_scan
from .matrix import FeatureSpec, check_labels, check_matrix
from .response_quality import Quality, measure, raw_scores
from .sentences import ModellingRefusal, Sentence, gettext_noop
from .splits import Slices

# Positives in the train slice below which a learner is refused; a judgement of methods.md section 4.
POSITIVES_NEEDED: dict[EstimatorKind, int] = {"hist_gradient_boosting": 200, "logistic": 50}


class InsufficientData(ModellingRefusal):
    """Too few responders to learn from; `needed` and `found` are positives in the train slice."""

    def __init__(self, kind: EstimatorKind, needed: int, found: int) -> None:
        self.kind, self.needed, self.found = kind, needed, found
        super().__init__(
            gettext_noop(
                "%(kind)s needs at least %(needed)s responders in its training period; there are %(found)s."
            ),
            kind={"hist_gradient_boosting": "Gradient boosting", "logistic": "Logistic regression"}[kind],
            needed=needed,
            found=found,
        )


@dataclass(frozen=True, slots=True)
class FittedResponse:
    """Everything a scoring run, a model page and the reason codes need.

    `n` and `positives` count what it learned from, the train and validation slices, `slices` describes all three;
    `setting` names the one of `estimators.SETTINGS` it learned by; `groups` (features,) numbers correlated
    features alike; `background` is the mean design row of the logit (empty for trees); the references are the
    validation probabilities and the training columns, for monitoring without the training data; `ignored` names the
    features that are the same or missing for all training rows.
    """

    kind: EstimatorKind
    estimator: BaseEstimator
    calibrator: SigmoidCalibrator
    calibration_refusal: Sentence | None
    specs: tuple[FeatureSpec, ...]
    seed: int
    n: int
    positives: int
    slices: dict[str, dict[str, Any]]
    quality: Quality
    groups: tuple[int, ...]
    background: tuple[float, ...]
    score_reference: stability.Reference
    feature_references: tuple[stability.Reference, ...]
    ignored: tuple[Sentence, ...] = ()
    setting: str = ""

    def raw(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log-odds before calibration, (n,) float64; rank by these."""
        return raw_scores(self.estimator, check_matrix(X, self.specs))

    def predict(self, X: ArrayLike) -> NDArray[np.float32]:
        """Calibrated probabilities, (n,) float32."""
        return self.calibrator.predict(self.raw(X)).astype(np.float32)

    @property
    def objection(self) -> Sentence | None:
        """Why this model must not score anybody, or None: its out-of-time AUC is not proven to be above one half."""
        auc = self.quality.intervals["auc"]
        if auc.low > 0.5:
            return None
        return Sentence(
            gettext_noop(
                "On out-of-time rows the model ranks no better than chance: AUC %(auc).3f (%(low).3f to %(high).3f)."
            ),
            {"auc": auc.value, "low": auc.low, "high": auc.high},
        )

    def feature_psi(self, X: ArrayLike) -> dict[str, float]:
        """PSI of every feature of `X` against the training columns (the characteristic stability index)."""
        matrix = check_matrix(X, self.specs)
        pairs = zip(self.specs, self.feature_references, strict=True)
        return {spec.name: known.psi(matrix[:, j]) for j, (spec, known) in enumerate(pairs)}


def fit_response(
    X: ArrayLike,
    y: ArrayLike,
    dates: ArrayLike,
    specs: Sequence[FeatureSpec],
    slices: Slices,
    *,
    kind: EstimatorKind = "hist_gradient_boosting",
    seed: int = 0,
    resamples: int = 500,
    weight: ArrayLike | None = None,
) -> FittedResponse:
    """Fit, calibrate, measure. X (n, features) as of `dates` (n,), y (n,) 0/1, `slices` from `splits`; `weight` (n,)
    says how many rows each stands for while learning (`selection.weights`), never while measuring.

    Raises InsufficientData (positives), NothingToLearnFrom (no feature varies), LeakageFound (a feature knows the
    outcome), ValueError (shapes, kinds).
    Same input and seed give the same model.
    """
    matrix = check_matrix(X, specs)
    labels = check_labels(y, len(matrix))
    train, train_y = matrix[slices.train], labels[slices.train]
    _refuse_unlearnable(kind, train, train_y, specs)
    ignored = usable_or_refused(train, specs)
    known, setting, estimator, validation_raw = _learn(kind, matrix, labels, specs, slices, seed, weight)
    seen = matrix[known]
    in_time = labels[np.concatenate([rows for _, rows in slices.parts()])]
    decision = calibrate_in_time(validation_raw, labels[slices.validation], in_time)
    score_reference = stability.reference(decision.calibrator.predict(validation_raw))
    return FittedResponse(
        kind=kind,
        estimator=estimator,
        calibrator=decision.calibrator,
        calibration_refusal=decision.refusal,
        specs=tuple(specs),
        seed=seed,
        n=len(known),
        positives=int(labels[known].sum()),
        slices=slices.summary(dates, labels),
        quality=measure(
            estimator,
            decision.calibrator,
            matrix[slices.out_of_time],
            labels[slices.out_of_time],
            specs=specs,
            score_reference=score_reference,
            drift=tuple(drift_scan(train, matrix[slices.out_of_time], specs)),
            seed=seed,
            resamples=resamples,
        ),
        groups=correlated_groups(seen, specs),
        background=_mean_design_row(estimator, seen) if kind == "logistic" else (),
        score_reference=score_reference,
        feature_references=stability.feature_references(seen, specs),
        ignored=tuple(feature.sentence for feature in ignored),
        setting=setting,
    )


def _learn(
    kind: EstimatorKind,
    matrix: NDArray[np.float32],
    labels: NDArray[np.int8],
    specs: Sequence[FeatureSpec],
    slices: Slices,
    seed: int,
    weight: ArrayLike | None,
) -> tuple[NDArray[np.intp], str, BaseEstimator, NDArray[np.float64]]:
    """The rows learned from, the setting, the estimator, and raw scores of the validation rows to calibrate by.

    Those are of a twin that has not seen the validation rows; what scores has, as they are the newest it may know.
    scikit-learn's CalibratedClassifierCV(ensemble=False) does the same.
    """
    train = slices.train
    setting = settings.choose(kind, matrix[train], labels[train], specs, seed, weight=_of(weight, train))

    def fitted_on(rows: NDArray[np.intp]) -> BaseEstimator:
        own = _of(weight, rows)
        return fit_estimator(kind, matrix[rows], labels[rows], specs, seed, weight=own, setting=setting)

    raw = raw_scores(fitted_on(train), matrix[slices.validation])
    known = np.concatenate((train, slices.validation))
    return known, setting, fitted_on(known), raw


def _refuse_unlearnable(
    kind: EstimatorKind, X: NDArray[np.float32], y: NDArray[np.int8], specs: Sequence[FeatureSpec]
) -> None:
    if kind not in KINDS:
        raise ValueError(f"unknown kind of model {kind!r}; known: {', '.join(KINDS)}")
    positives = int(y.sum())
    if positives < POSITIVES_NEEDED[kind]:
        raise InsufficientData(kind, POSITIVES_NEEDED[kind], positives)
    if leaks := leakage_scan(X, y, specs):
        raise LeakageFound(leaks)


def _of(weight: ArrayLike | None, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    return None if weight is None else np.asarray(weight, dtype=np.float64)[rows]


def _mean_design_row(estimator: Any, train: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(value) for value in estimator[0].transform(train).mean(axis=0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """AUC of the champion minus that of the challenger on the same rows, paired; who wins, and the sentence why."""

    difference: Interval
    winner: Literal["champion", "challenger"]
    sentence: Sentence


def compare(
    champion: FittedResponse,
    challenger: FittedResponse,
    X: ArrayLike,
    y: ArrayLike,
    *,
    resamples: int = 500,
    seed: int = 0,
) -> Comparison:
    """Judge two models on out-of-time rows X (n, features), y (n,), which neither learned from.

    Whoever is better beyond the 95 % interval wins; when it holds zero, the simpler kind does, and between two of one
    kind the champion stays. The two may use different features only if both matrices are the same `X`.
    """
    first, second = champion.raw(X), challenger.raw(X)
    difference = paired_difference(metrics.auc, y, first, second, n=resamples, seed=seed)
    values = {"difference": difference.value, "low": difference.low, "high": difference.high}
    if difference.low > 0:
        template = gettext_noop(
            "The champion ranks better: AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f)."
        )
        return Comparison(difference, "champion", Sentence(template, values))
    if difference.high < 0:
        template = gettext_noop(
            "The challenger ranks better: AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f)."
        )
        return Comparison(difference, "challenger", Sentence(template, values))
    if SIMPLICITY.index(challenger.kind) < SIMPLICITY.index(champion.kind):
        template = gettext_noop(
            "No difference is proven: AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f). The simpler one is used."
        )
        return Comparison(difference, "challenger", Sentence(template, values))
    template = gettext_noop(
        "No difference is proven: AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f). The champion stays."
    )
    return Comparison(difference, "champion", Sentence(template, values))


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to use, the other one if it could be fitted, and how they compared."""

    chosen: FittedResponse
    other: FittedResponse | None
    comparison: Comparison | None


def fit_champion(
    X: ArrayLike,
    y: ArrayLike,
    dates: ArrayLike,
    specs: Sequence[FeatureSpec],
    slices: Slices,
    *,
    seed: int = 0,
    resamples: int = 500,
    weight: ArrayLike | None = None,
) -> Choice:
    """Fit the logit and, with enough responders, the trees; use the trees only if they are proven better.

    Raises what `fit_response` raises for the logit; InsufficientData then means: use `rules.rule_score`.
    """
    logit = fit_response(
        X, y, dates, specs, slices, kind="logistic", seed=seed, resamples=resamples, weight=weight
    )
    try:
        trees = fit_response(X, y, dates, specs, slices, seed=seed, resamples=resamples, weight=weight)
    except InsufficientData:
        return Choice(logit, None, None)
    rows = slices.out_of_time
    comparison = compare(
        trees, logit, np.asarray(X)[rows], np.asarray(y)[rows], resamples=resamples, seed=seed
    )
    return _chosen(trees, logit, comparison.difference)


def chosen_by(choice: Choice, difference: Interval) -> Choice:
    """The same two learners chosen by another difference of AUC, trees minus logit, such as that of `rolling`."""
    if choice.other is None:
        return choice
    by_kind = {fitted.kind: fitted for fitted in (choice.chosen, choice.other)}
    return _chosen(by_kind["hist_gradient_boosting"], by_kind["logistic"], difference)


def _chosen(trees: FittedResponse, logit: FittedResponse, difference: Interval) -> Choice:
    """The trees only where they are proven better: the logit is the simpler one."""
    if difference.low > 0:
        return Choice(trees, logit, Comparison(difference, "champion", _learners(difference)))
    return Choice(logit, trees, Comparison(difference, "challenger", _learners(difference)))


def _learners(difference: Interval) -> Sentence:
    """Trees minus logit in words: while two kinds are tried there is no champion to speak of."""
    values = {"difference": difference.value, "low": difference.low, "high": difference.high}
    if difference.low > 0:
        template = gettext_noop(
            "Trees rank better than the logistic regression: AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f)."
        )
    elif difference.high < 0:
        template = gettext_noop(
            "Trees rank worse than the logistic regression: AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f)."
        )
    else:
        template = gettext_noop(
            "No difference between trees and the logistic regression is proven:"
            " AUC %(difference)+.4f (%(low)+.4f to %(high)+.4f). The simpler one is used."
        )
    return Sentence(template, values)
