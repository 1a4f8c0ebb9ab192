"""Preferences: chances that mean what they say, no answer without behaviour, and no model that knows nothing."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.preference import (
    NOT_ENOUGH,
    NothingToPrefer,
    fit_preference,
    fit_temperature,
    temperature_in_time,
    tempered,
)
from analytics.modelling.preference_quality import compare, importance, measure, row_losses

CLASSES = ("savings", "wealth", "loan", "card")
SPECS = (
    FeatureSpec("balance", "numeric", "Balance"),
    FeatureSpec("region", "categorical", "Region", ("east", "west")),
    FeatureSpec("noise", "numeric", "Noise"),
)


def choices(n=4_000, seed=0, rare=0.0):
    """Truth (n, 4): multinomial logits in balance and region; the last class as rare as told."""
    rng = np.random.default_rng(seed)
    balance, region = rng.normal(size=n), rng.integers(0, 2, n)
    logits = np.column_stack((0 * balance, balance, -1.2 * balance + 0.8 * region, np.full(n, -0.5)))
    truth = softmax(logits, axis=1)
    if rare:
        truth[:, 3] = rare
        truth /= truth.sum(axis=1, keepdims=True)
    y = (rng.random(n)[:, None] > np.cumsum(truth, axis=1)).sum(axis=1)
    X = np.column_stack((balance, region, rng.normal(size=n))).astype(np.float32)
    dates = np.repeat(np.arange("2024-01", "2024-11", dtype="datetime64[M]").astype("datetime64[D]"), n // 10)
    return X, y, dates, truth


@pytest.fixture(scope="module")
def fitted():
    X, y, dates, _ = choices()
    return fit_preference(X, y, dates, SPECS, CLASSES, resamples=100)


def test_chances_are_near_the_planted_ones(fitted):
    X, _, _, truth = choices(seed=1)
    chances = fitted.predict_proba(X)
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(chances - truth).mean() < 0.03
    assert fitted.kept == (0, 1, 2, 3)
    assert fitted.objection is None
    assert fitted.quality.intervals["ece"].value < 0.06
    assert fitted.quality.intervals["gain"].low > 0
    assert [row.name for row in fitted.quality.classes] == list(CLASSES)
    assert fitted.quality.classes[1].auc.low > 0.6


def test_the_logit_stays_where_trees_prove_nothing(fitted):
    assert fitted.learner == "logistic"
    assert fitted.compared.low <= 0


def test_trees_are_used_where_they_are_proven_better():
    X, y, dates, _ = choices(8_000)
    y = np.where(np.abs(X[:, 2]) > 1, 2, y)  # a hump that no logit sees
    better = fit_preference(X, y, dates, SPECS, CLASSES, resamples=50)
    assert better.learner == "hist_gradient_boosting"
    assert better.compared.low > 0


def test_without_behaviour_there_is_no_answer(fitted):
    X, _, _, _ = choices(200, seed=2)
    X[3] = np.nan
    behaviour = np.full(200, 9.0)
    behaviour[:2] = 4, np.nan
    found = fitted.prefer(X, behaviour)
    assert found.answer[[0, 1, 3]].tolist() == [NOT_ENOUGH] * 3
    assert np.isnan(found.chance[[0, 1, 3]]).all()
    rest = np.setdiff1d(np.arange(200), [0, 1, 3])
    np.testing.assert_array_equal(found.answer[rest], found.probabilities[rest].argmax(axis=1))
    assert found.chance[rest] == pytest.approx(found.probabilities[rest].max(axis=1))
    with pytest.raises(ValueError, match="behaviour of shape"):
        fitted.prefer(X, behaviour[:5])


def test_a_class_of_a_few_is_left_out_and_named():
    X, y, dates, _ = choices(rare=0.004)
    found = fit_preference(X, y, dates, SPECS, CLASSES, resamples=20)
    assert found.kept == (0, 1, 2)
    assert "card is not learned" in str(found.left_out[0])
    assert (found.predict_proba(X)[:, 3] == 0).all()
    with pytest.raises(NothingToPrefer, match="0 of 4 have them"):
        fit_preference(X[:100], y[:100], np.repeat(np.unique(dates), 10), SPECS, CLASSES)


def test_a_model_that_knows_nothing_objects_to_itself():
    X, y, dates, _ = choices(2_000)
    found = fit_preference(X[:, 2:], y, dates, SPECS[2:], CLASSES, resamples=100)
    assert "not proven to know more" in str(found.objection)


def test_ordered_answers_keep_their_order():
    X, _, dates, _ = choices()
    hidden = X[:, 0] + np.random.default_rng(3).logistic(size=len(X))
    y = np.digitize(hidden, [-1, 1])
    words = ("cautious", "balanced", "adventurous")
    found = fit_preference(X, y, dates, SPECS, words, kind="ordinal", resamples=50)
    low, high = (np.array([[value, 0, 0]], dtype=np.float32) for value in (-2, 2))
    assert found.predict_proba(low)[0, 0] > 0.5 > found.predict_proba(low)[0, 2]
    assert found.predict_proba(high)[0, 2] > 0.5
    expected = found.predict_proba(np.column_stack((np.linspace(-3, 3, 20), np.zeros((20, 2)))))
    assert (np.diff(expected[:, 2]) >= 0).all()


def test_the_temperature_is_scikit_learns():
    X, y, _, _ = choices(3_000)
    model = LogisticRegression(C=0.01).fit(X[:1_000], y[:1_000])
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature", ensemble=False).fit(X, y)
    raw = model.predict_proba(X)
    ours = tempered(raw, fit_temperature(raw, y.astype(np.intp)))
    assert ours == pytest.approx(theirs.predict_proba(X), abs=1e-3)


def test_overconfident_chances_are_brought_back_and_the_ranking_stays():
    _, y, _, truth = choices()
    loud = tempered(truth, 3.0)
    beta, refusal = temperature_in_time(loud, y)
    assert (beta, refusal) == (pytest.approx(1 / 3, abs=0.05), None)
    assert (tempered(loud, beta).argmax(axis=1) == loud.argmax(axis=1)).all()


def test_a_temperature_that_harms_later_rows_is_refused():
    _, y, _, truth = choices()
    mixed = truth.copy()
    mixed[: len(y) // 2] = tempered(truth[: len(y) // 2], 4.0)
    beta, refusal = temperature_in_time(mixed, y)
    assert beta == 1
    assert "would rise from" in str(refusal)


def test_the_figures_are_what_they_say():
    chances = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]])
    found = measure(np.array([0, 1, 1]), chances, np.array([0.5, 0.3, 0.2]), "abc", resamples=20)
    assert found.intervals["accuracy"].value == pytest.approx(2 / 3)
    assert found.intervals["top_two"].value == 1
    assert found.intervals["log_loss"].value == pytest.approx(-np.log([0.7, 0.3, 0.5]).mean())
    assert found.intervals["base_log_loss"].value == pytest.approx(-np.log([0.5, 0.3, 0.3]).mean())
    assert found.intervals["base_accuracy"].value == pytest.approx(1 / 3)
    assert found.classes[2].auc is None
    assert found.classes[1].actual == pytest.approx(2 / 3)
    assert row_losses(np.zeros((1, 2)), np.array([0]))[0] < 40
    assert found.confusion == ((1, 0, 0), (0, 1, 1), (0, 0, 0))  # chosen down, likeliest across
    assert [(row.named, row.right) for row in found.classes] == [(1, 1), (1, 1), (1, 0)]
    assert found.classes[1].low < 2 / 3 < found.classes[1].high
    assert sum(row.n for row in found.calibration) == 3


def test_two_models_are_compared_on_the_same_rows():
    y = np.array([0, 1, 1, 0])
    sure, unsure = np.eye(2)[y] * 0.8 + 0.1, np.full((4, 2), 0.5)
    found = compare(sure, unsure, y, resamples=20)
    assert found["gain"].value == pytest.approx(np.log(0.9 / 0.5))
    assert found["accuracy"].value == pytest.approx(0.5)  # of two equal chances the first is named
    assert compare(unsure, sure, y, resamples=20)["gain"].high < 0


def test_what_drives_the_answer_comes_first(fitted):
    X, y, _, _ = choices(seed=4)
    found = importance(fitted.predict_proba, X, y, [spec.name for spec in SPECS])
    assert found[0].feature == "balance"
    assert abs(found[-1].drop) < 0.01 < found[0].drop


@pytest.mark.parametrize("y", [[0, 1, 4], [0, -1, 1], [0, 0.5, 1]])
def test_answers_outside_the_classes_are_refused(y):
    with pytest.raises(ValueError, match="positions 0 … 3"):
        fit_preference(np.zeros((3, 3)), y, np.arange(3), SPECS, CLASSES)
    with pytest.raises(ValueError, match="expected"):
        fit_preference(np.zeros((3, 3)), y[:2], np.arange(3), SPECS, CLASSES)
