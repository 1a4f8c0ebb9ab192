"""Sigmoid calibration on a slice later than the training data: probability = expit(slope × log-odds + intercept).

Two numbers, so it keeps the ranking, needs few positives (methods.md section 4) and lives in JSON. It is
refused, and the raw probability kept, where it would turn the ranking round, does not pay on rows later still, or where
the response rate itself has not held still: a level learned at one rate is wrong at the next.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from . import metrics
from .matrix import check_labels
from .sentences import Sentence, gettext_noop

Floats = NDArray[np.floating[Any]]
# The highest over the lowest response rate of the tenths of a history, beyond chance; a judgement.
RATE_DRIFT = 5.0
BLOCKS = 10


@dataclass(frozen=True, slots=True)
class SigmoidCalibrator:
    """Maps raw log-odds (n,) to probabilities. Slope 1 and intercept 0 change nothing."""

    slope: float = 1.0
    intercept: float = 0.0
    IDENTITY: ClassVar[tuple[float, float]] = (1.0, 0.0)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.slope) and np.isfinite(self.intercept) and self.slope > 0):
            raise ValueError(f"a calibrator needs a positive slope and finite numbers, not {self!r}")

    @property
    def is_identity(self) -> bool:
        return (self.slope, self.intercept) == self.IDENTITY

    def predict(self, raw: ArrayLike) -> Floats:
        """Probabilities of raw log-odds, same shape, float64."""
        return expit(self.slope * np.asarray(raw, dtype=np.float64) + self.intercept)

    def to_json(self) -> dict[str, float]:
        return {"slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_json(cls, document: dict[str, float]) -> "SigmoidCalibrator":
        return cls(slope=float(document["slope"]), intercept=float(document["intercept"]))


@dataclass(frozen=True, slots=True)
class CalibrationDecision:
    """The calibrator to use; `refusal` says why it is the identity, None when the sigmoid was accepted."""

    calibrator: SigmoidCalibrator
    refusal: Sentence | None = None


class _LogOdds(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose decision function is its only column, so scikit-learn can calibrate stored log-odds."""

    classes_ = np.array([0, 1])
    n_features_in_ = 1

    def fit(self, X: Floats, y: ArrayLike) -> "_LogOdds":
        return self

    def decision_function(self, X: Floats) -> Floats:
        return np.asarray(X)[:, 0]

    def predict(self, X: Floats) -> NDArray[np.intp]:
        return (self.decision_function(X) > 0).astype(np.intp)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def sigmoid_parameters(raw: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Slope and intercept by scikit-learn's Platt scaling (Platt 1999, with his smoothed targets) of log-odds (n,)."""
    scores, labels = np.asarray(raw, dtype=np.float64), check_labels(y)
    model = CalibratedClassifierCV(FrozenEstimator(_LogOdds()), method="sigmoid", cv=2, ensemble=False)
    sigmoid = model.fit(scores[:, None], labels).calibrated_classifiers_[0].calibrators[0]
    return -float(sigmoid.a_), -float(sigmoid.b_)  # scikit-learn writes 1 / (1 + exp(a f + b))


def calibrate(raw: ArrayLike, y: ArrayLike, later_raw: ArrayLike, later_y: ArrayLike) -> CalibrationDecision:
    """Fit on (raw, y), accept only if Brier and log loss are no worse on the later rows; then use both for the
    final fit.

    All are log-odds and 0/1 labels. Refused, with the reason: fewer than two rows of either class, a slope that is not
    positive (on either fit), or a worse later Brier score or log loss.
    """
    early, late = check_labels(y), check_labels(later_y)
    if min(early.sum(), len(early) - early.sum()) < 2 or not len(late):
        return _refuse(gettext_noop("Not calibrated: the calibration rows hold too few outcomes."))
    slope, intercept = sigmoid_parameters(raw, early)
    if slope <= 0:
        return _refuse(gettext_noop("Not calibrated: on later rows the score ranks the wrong way round."))
    before = SigmoidCalibrator().predict(later_raw)
    after = SigmoidCalibrator(slope, intercept).predict(later_raw)
    for name, metric in (("Brier score", metrics.brier), ("log loss", metrics.log_loss)):
        raw_loss, calibrated_loss = metric(late, before), metric(late, after)
        if calibrated_loss > raw_loss:
            return _refuse(
                gettext_noop(
                    "Not calibrated: the %(metric)s of later rows would rise from %(before).5f to %(after).5f."
                ),
                metric=name,
                before=raw_loss,
                after=calibrated_loss,
            )
    slope, intercept = sigmoid_parameters(np.concatenate((raw, later_raw)), np.concatenate((early, late)))
    if slope <= 0:
        return _refuse(gettext_noop("Not calibrated: on later rows the score ranks the wrong way round."))
    return CalibrationDecision(SigmoidCalibrator(slope, intercept))


def calibrate_in_time(
    raw: NDArray[np.float64], y: NDArray[np.int8], history: ArrayLike | None = None
) -> CalibrationDecision:
    """Calibrate on rows in time order: fit on the earlier half, judge on the later half, keep both if it pays.

    `history` holds the outcomes of all known rows in time order, for `rate_drift`. Of the out-of-time rows nothing but
    their response rate takes part in the decision, so the figures measured on them stay unspoilt.
    """
    if history is not None and (moved := rate_drift(history)):
        return CalibrationDecision(SigmoidCalibrator(), moved)
    half = len(raw) // 2
    return calibrate(raw[:half], y[:half], raw[half:], y[half:])


def rate_drift(y: ArrayLike) -> Sentence | None:
    """The sentence that says how far the response rate has moved over the tenths of rows in time order, y (n,) 0/1;
    None under five times, or where the 95 % Wilson intervals of the lowest and highest tenth overlap."""
    tenths = [part for part in np.array_split(check_labels(y), BLOCKS) if len(part)]
    if len(tenths) < 2:
        return None
    rates = [float(part.mean()) for part in tenths]
    lowest, highest = int(np.argmin(rates)), int(np.argmax(rates))
    _, low_end = metrics.wilson(int(tenths[lowest].sum()), len(tenths[lowest]))
    high_start, _ = metrics.wilson(int(tenths[highest].sum()), len(tenths[highest]))
    if rates[highest] < RATE_DRIFT * rates[lowest] or high_start <= low_end:
        return None
    first, last = sorted((lowest, highest))
    return Sentence(
        gettext_noop(
            "Not calibrated: the response rate moved from %(first).0f %% to %(last).0f %% within the history, so a "
            "level learned on one part is wrong on another. Use the order of the scores, not their height."
        ),
        {"first": 100 * rates[first], "last": 100 * rates[last]},
    )


def _refuse(template: str, **values: Any) -> CalibrationDecision:
    return CalibrationDecision(SigmoidCalibrator(), Sentence(template, values))
