"""What a customer prefers: a product, a channel, a degree of risk; with probabilities, or "not enough behaviour".

The answer is one of several classes. Probabilities are calibrated by one number, the temperature (Guo et al. 2017):
p ∝ p_raw^β, fitted on rows later than the training rows, which never changes whose chance is highest. Ordered classes
(risk) use `ordinal.OrdinalClassifier`. A model is of use only where it beats quoting how often each class is chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from .bootstrap import Interval
from .correlation import correlated_groups
from .estimators import EstimatorKind, build_estimator, with_constants
from .inputs import usable_or_refused
from .matrix import FeatureSpec, check_matrix
from .ordinal import OrdinalClassifier
from .preference_quality import PreferenceQuality, mean_interval, measure, row_losses
from .response_quality import CHUNK
from .sentences import ModellingRefusal, Sentence, gettext_noop
from .splits import Slices, time_split
from .stability import Reference, feature_references

Floats = NDArray[np.float64]
PreferenceKind = Literal["nominal", "ordinal"]
# Customers of a class in the training rows below which it is not learned; a judgement, as for responses.
NEEDED: dict[EstimatorKind, int] = {"hist_gradient_boosting": 200, "logistic": 50}
NOT_ENOUGH = -1
BEHAVIOUR_NEEDED = 5
NO_ANSWER = gettext_noop("Not enough behaviour to tell.")


class NothingToPrefer(ModellingRefusal):
    """Fewer than two classes have customers enough to learn from."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """`answer` (n,) class positions, NOT_ENOUGH (-1) where too little is known; `chance` (n,) of that answer, NaN
    without one; `probabilities` (n, classes), 0 for a class that could not be learned."""

    answer: NDArray[np.int8]
    chance: NDArray[np.float32]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FittedPreference:
    """`kept` are the positions of `classes` the model knows, in the order of its columns; `left_out` says why others
    are missing. `inverse_temperature` 1 changes nothing; `calibration_refusal` says why it is 1.
    `feature_references` are the training columns, to see later whether they moved; `ignored` names features that teach
    nothing. `background` is the mean design row of the logit (empty for trees), `groups` (features,) numbers correlated
    features alike: both for reasons."""

    kind: PreferenceKind
    learner: EstimatorKind
    estimator: BaseEstimator
    classes: tuple[str, ...]
    kept: tuple[int, ...]
    left_out: tuple[Sentence, ...]
    inverse_temperature: float
    calibration_refusal: Sentence | None
    specs: tuple[FeatureSpec, ...]
    seed: int
    n: int
    counts: tuple[int, ...]
    quality: PreferenceQuality
    compared: Interval | None
    feature_references: tuple[Reference, ...] = ()
    ignored: tuple[Sentence, ...] = ()
    background: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Calibrated chances (n, classes); ValueError as in `matrix.check_matrix`."""
        matrix = check_matrix(X, self.specs)
        out = np.zeros((len(matrix), len(self.classes)), dtype=np.float32)
        for start in range(0, len(matrix), CHUNK):
            raw = raw_probabilities(self.estimator, matrix[start : start + CHUNK])
            out[start : start + CHUNK, list(self.kept)] = tempered(raw, self.inverse_temperature)
        return out

    def prefer(self, X: ArrayLike, behaviour: ArrayLike, *, needed: int = BEHAVIOUR_NEEDED) -> Preferences:
        """The preference of every row of X (n, features). `behaviour` (n,) counts what the customer was seen to do
        (transactions, contacts); fewer than `needed`, or no known feature at all, is not enough for an answer."""
        matrix = check_matrix(X, self.specs)
        seen = np.asarray(behaviour, dtype=np.float64)
        if seen.shape != (len(matrix),):
            raise ValueError(f"{len(matrix)} customers but behaviour of shape {seen.shape}")
        chances = self.predict_proba(matrix)
        enough = (np.nan_to_num(seen) >= needed) & ~np.isnan(matrix).all(axis=1)
        answer = np.where(enough, np.argmax(chances, axis=1), NOT_ENOUGH).astype(np.int8)
        chance = np.where(enough, chances.max(axis=1, initial=0), np.nan).astype(np.float32)
        return Preferences(answer, chance, chances)

    @property
    def objection(self) -> Sentence | None:
        """Why this model must not answer for anybody, or None: it is not proven to know more than the shares."""
        gain = self.quality.intervals["gain"]
        if gain.low > 0:
            return None
        return Sentence(
            gettext_noop(
                "On out-of-time rows the model is not proven to know more than how often each is chosen: "
                "log loss lower by %(gain).4f (%(low).4f to %(high).4f)."
            ),
            {"gain": gain.value, "low": gain.low, "high": gain.high},
        )


def fit_preference(
    X: ArrayLike,
    y: ArrayLike,
    dates: ArrayLike,
    specs: Sequence[FeatureSpec],
    classes: Sequence[str],
    *,
    kind: PreferenceKind = "nominal",
    learner: EstimatorKind | None = None,
    seed: int = 0,
    resamples: int = 500,
) -> FittedPreference:
    """Learn on the early rows, calibrate on later ones, measure on the latest.

    X (n, features) as of `dates` (n,), y (n,) positions in `classes`, of ordered ones from least to most. Classes with
    too few training customers are left out, with the sentence why. Without `learner`, trees are used only where their
    log loss on the calibration rows is proven lower than the logit's. Raises NothingToPrefer, CannotSplit, ValueError.
    """
    matrix = check_matrix(X, specs)
    codes = checked_codes(y, len(matrix), len(classes))
    slices = split_by_time(dates, codes)
    kept, left_out = _learnable(codes[slices.train], classes, learner or "logistic")
    known = np.isin(codes, kept)
    parts = {name: rows[known[rows]] for name, rows in slices.parts()}
    target = np.searchsorted(kept, codes)  # of a class left out no row is used

    train, later, latest = (parts[name] for name in ("train", "validation", "out_of_time"))
    ignored = usable_or_refused(matrix[train], specs)
    how = (specs, kind, learner, resamples, seed)
    chosen, estimator, compared = _learned(matrix, target, train, later, *how)
    beta, refusal = temperature_in_time(raw_probabilities(estimator, matrix[later]), target[later])
    counts = np.bincount(codes[slices.train], minlength=len(classes))
    quality = measure(
        target[latest],
        tempered(raw_probabilities(estimator, matrix[latest]), beta),
        counts[list(kept)] / counts[list(kept)].sum(),
        [classes[code] for code in kept],
        resamples=resamples,
        seed=seed,
    )
    described = (tuple(classes), kept, left_out, beta, refusal, tuple(specs), seed)
    return FittedPreference(
        kind,
        chosen,
        estimator,
        *described,
        n=len(train),
        counts=tuple(counts.tolist()),
        quality=quality,
        compared=compared,
        feature_references=feature_references(matrix[train], specs),
        ignored=tuple(feature.sentence for feature in ignored),
        background=_background(estimator, matrix[train]),
        groups=correlated_groups(matrix[train], specs),
    )


def _background(estimator: Any, X: NDArray[np.float32]) -> tuple[float, ...]:
    """The mean design row of a logit over X (n, features); thresholds of ordered answers share their design."""
    one = estimator.estimators_[0] if isinstance(estimator, OrdinalClassifier) else estimator
    return tuple(one[0].transform(X).mean(axis=0).tolist()) if isinstance(one, Pipeline) else ()


def _learned(
    X: NDArray[np.float32],
    y: NDArray[np.intp],
    train: NDArray[np.intp],
    later: NDArray[np.intp],
    specs: Sequence[FeatureSpec],
    kind: PreferenceKind,
    learner: EstimatorKind | None,
    resamples: int,
    seed: int,
) -> tuple[EstimatorKind, Any, Interval | None]:
    """The learner used, fitted, and the log loss of the logit minus that of the trees where both were tried."""

    def fitted(name: EstimatorKind) -> Any:
        return build_preference(kind, name, specs, seed).fit(with_constants(X[train]), y[train])

    first: EstimatorKind = learner or "logistic"
    estimator = fitted(first)
    if learner is not None or np.bincount(y[train]).min() < NEEDED["hist_gradient_boosting"]:
        return first, estimator, None
    trees = fitted("hist_gradient_boosting")
    ours, theirs = (row_losses(raw_probabilities(model, X[later]), y[later]) for model in (estimator, trees))
    compared = mean_interval(ours - theirs, resamples=resamples, seed=seed)
    if compared.low > 0:
        return "hist_gradient_boosting", trees, compared
    return first, estimator, compared


def build_preference(
    kind: PreferenceKind, learner: EstimatorKind, specs: Sequence[FeatureSpec], seed: int
) -> BaseEstimator:
    """An unfitted classifier of several classes. ValueError for an unknown kind."""
    base = build_estimator(learner, specs, seed)
    if kind == "nominal":
        return base
    if kind == "ordinal":
        return OrdinalClassifier(base)
    raise ValueError(f"unknown kind of preference {kind!r}; known: nominal, ordinal")


def checked_codes(y: ArrayLike, n: int, classes: int) -> NDArray[np.intp]:
    """`y` as class positions (n,); ValueError outside 0 … classes − 1."""
    codes = np.asarray(y)
    if codes.shape != (n,):
        raise ValueError(f"answers have shape {codes.shape}, expected ({n},)")
    if n and (not np.equal(np.mod(codes, 1), 0).all() or codes.min() < 0 or codes.max() >= classes):
        raise ValueError(f"answers must be positions 0 … {classes - 1}")
    return codes.astype(np.intp)


def split_by_time(dates: ArrayLike, codes: NDArray[np.intp]) -> Slices:
    """`splits.time_split`; every part must hold the commonest class and another one."""
    commonest = int(np.argmax(np.bincount(codes)))
    return time_split(dates, (codes == commonest).astype(np.int8))


def _learnable(
    codes: NDArray[np.intp], classes: Sequence[str], learner: EstimatorKind
) -> tuple[tuple[int, ...], tuple[Sentence, ...]]:
    counts = np.bincount(codes, minlength=len(classes))
    needed = NEEDED[learner]
    kept = tuple(int(code) for code in np.flatnonzero(counts >= needed))
    left_out = tuple(
        Sentence(
            gettext_noop("%(name)s is not learned: %(found)s customers chose it, %(needed)s are needed."),
            {"name": classes[code], "found": int(counts[code]), "needed": needed},
        )
        for code in np.flatnonzero(counts < needed).tolist()
    )
    if len(kept) < 2:
        raise NothingToPrefer(
            gettext_noop(
                "Two choices with at least %(needed)s customers each are needed; %(found)s of %(all)s have them."
            ),
            needed=needed,
            found=len(kept),
            all=len(classes),
        )
    return kept, left_out


def raw_probabilities(estimator: Any, X: NDArray[np.float32]) -> Floats:
    """Chances before calibration, (n, classes known)."""
    return np.asarray(estimator.predict_proba(X), dtype=np.float64)


def tempered(raw: Floats, inverse_temperature: float) -> Floats:
    """p^β / Σ p^β, row by row, (n, classes)."""
    logs = inverse_temperature * np.log(np.maximum(raw, np.finfo(np.float64).tiny))
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(raw: Floats, y: NDArray[np.intp]) -> float:
    """β that minimises the log loss of y (n,) under `tempered(raw, β)`, between 0.05 and 20."""

    def loss(log_beta: float) -> float:
        return float(row_losses(tempered(raw, float(np.exp(log_beta))), y).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def temperature_in_time(raw: Floats, y: NDArray[np.intp]) -> tuple[float, Sentence | None]:
    """β from rows in time order: fitted on the earlier half, kept if the later half's log loss is no worse, then fitted
    on both; otherwise 1 and the sentence why."""
    half = len(raw) // 2
    beta = fit_temperature(raw[:half], y[:half])
    before, after = (
        float(row_losses(chances, y[half:]).mean()) for chances in (raw[half:], tempered(raw[half:], beta))
    )
    if after > before:
        template = gettext_noop(
            "Not calibrated: the log loss of later rows would rise from %(before).5f to %(after).5f."
        )
        return 1.0, Sentence(template, {"before": before, "after": after})
    return fit_temperature(raw, y), None
