"""The sigmoid calibrator: equal to scikit-learn's, kept where it pays, refused where it harms."""

import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from analytics.modelling import metrics
from analytics.modelling.calibration import (
    SigmoidCalibrator,
    calibrate,
    calibrate_in_time,
    rate_drift,
    sigmoid_parameters,
)


def draw(n, seed):
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(size=n) - 3)
    return truth, (rng.random(n) < truth).astype(np.int8)


def test_it_equals_scikit_learns_calibrated_classifier():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 3))
    y = (rng.random(3_000) < expit(X @ [1, 0.5, 0] - 2)).astype(int)
    model = LogisticRegression(class_weight="balanced").fit(X[:1_000], y[:1_000])
    reference = CalibratedClassifierCV(FrozenEstimator(model), method="sigmoid", ensemble=False).fit(
        X[1_000:], y[1_000:]
    )
    raw = model.decision_function(X)
    ours = SigmoidCalibrator(*sigmoid_parameters(raw[1_000:], y[1_000:])).predict(raw)
    assert ours == pytest.approx(reference.predict_proba(X)[:, 1], abs=1e-6)


def test_a_score_from_undersampled_training_is_brought_back():
    truth, y = draw(20_000, seed=1)
    inflated = logit(truth) + np.log(10)  # what 10 : 1 undersampling does to the odds
    decision = calibrate(inflated[:10_000], y[:10_000], inflated[10_000:], y[10_000:])
    assert decision.refusal is None
    assert decision.calibrator.slope == pytest.approx(1, abs=0.1)
    assert decision.calibrator.intercept == pytest.approx(-np.log(10), abs=0.2)
    fresh, outcomes = draw(20_000, seed=2)
    raw = logit(fresh) + np.log(10)
    assert metrics.ece(outcomes, expit(raw)) > 0.2
    assert metrics.ece(outcomes, decision.calibrator.predict(raw)) < 0.01


def test_it_is_refused_when_it_would_turn_the_ranking_round():
    truth, y = draw(4_000, seed=3)
    decision = calibrate(-logit(truth[:2_000]), y[:2_000], -logit(truth[2_000:]), y[2_000:])
    assert decision.calibrator.is_identity
    assert "wrong way round" in str(decision.refusal)


def test_it_is_refused_when_later_rows_get_worse():
    truth, y = draw(20_000, seed=4)
    raw = logit(truth)
    shifted = raw[:10_000] + 2  # the early slice suggests a correction that the later one does not need
    decision = calibrate(shifted, y[:10_000], raw[10_000:], y[10_000:])
    assert decision.calibrator.is_identity
    assert "would rise from" in str(decision.refusal)


def test_it_is_refused_without_outcomes():
    decision = calibrate(np.zeros(10), np.array([1] + [0] * 9), np.zeros(5), np.array([1, 0, 0, 0, 0]))
    assert decision.calibrator.is_identity
    assert "too few outcomes" in str(decision.refusal)


def test_two_numbers_survive_json():
    calibrator = SigmoidCalibrator(0.7, -1.3)
    again = SigmoidCalibrator.from_json(json.loads(json.dumps(calibrator.to_json())))
    assert again == calibrator
    assert again.predict([0.0, 1.0]) == pytest.approx(expit([-1.3, -0.6]))


def test_a_calibrator_that_inverts_cannot_exist():
    with pytest.raises(ValueError, match="positive slope"):
        SigmoidCalibrator(-0.1, 0)
    with pytest.raises(ValueError, match="finite"):
        SigmoidCalibrator(float("nan"), 0)


def test_it_is_refused_where_the_response_rate_does_not_hold_still():
    truth, y = draw(8_000, seed=6)
    raw = logit(truth) + np.log(10)
    assert calibrate_in_time(raw, y, y).refusal is None
    even = np.arange(40_000) * 0.6180339887 % 1  # spread without chance
    rising = even < np.linspace(0.02, 0.5, 40_000)
    decision = calibrate_in_time(raw, y, rising)
    assert decision.calibrator.is_identity
    assert "moved from 4 % to 48 % within the history" in str(decision.refusal)


def test_chance_and_a_moderate_move_are_no_drift():
    rng = np.random.default_rng(0)
    assert rate_drift(rng.random(400) < 0.03) is None  # tenths of forty rows: some have none by chance
    assert rate_drift(rng.random(40_000) < np.linspace(0.05, 0.2, 40_000)) is None
    assert rate_drift([1, 0]) is None
    falling = rate_drift(np.arange(40_000) * 0.6180339887 % 1 < np.linspace(0.5, 0.02, 40_000))
    assert "from 48 % to 4 %" in str(falling)
