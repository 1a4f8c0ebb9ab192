"""Ordered answers: chances fall from threshold to threshold, add up, and recover a planted order."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from analytics.modelling.estimators import SignedLog
from analytics.modelling.ordinal import OrdinalClassifier, differences, falling


@parametrize_with_checks([OrdinalClassifier(), SignedLog()])
def test_the_estimators_keep_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def answers(n=3_000, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    hidden = 1.5 * X[:, 0] + rng.logistic(size=n)
    return X, np.digitize(hidden, [-1, 1.5])


def test_a_planted_order_is_recovered():
    X, y = answers()
    fitted = OrdinalClassifier().fit(X, y)
    fresh, truth = answers(seed=1)
    chances = fitted.predict_proba(fresh)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert (chances >= 0).all()
    for code in range(3):
        assert chances[:, code].mean() == pytest.approx((truth == code).mean(), abs=0.03)
    assert fitted.estimators_[0].coef_[0, 0] == pytest.approx(1.5, abs=0.2)
    assert (fitted.predict(fresh) == truth).mean() > 0.55


def test_crossing_models_are_made_to_fall():
    above = np.array([[0.5, 0.7, 0.1], [0.9, 0.5, 0.2]])
    fallen = falling(above)
    assert (np.diff(fallen, axis=1) <= 0).all()
    assert fallen[0].tolist() == pytest.approx([0.6, 0.6, 0.1])
    assert fallen[1] == pytest.approx(above[1])  # what falls already stays
    assert differences(fallen).sum(axis=1) == pytest.approx(1)
    assert (differences(fallen) >= 0).all()


def test_trees_take_gaps():
    X, y = answers(1_000)
    X[::5, 1] = np.nan
    fitted = OrdinalClassifier(HistGradientBoostingClassifier(max_iter=5)).fit(X, y)
    chances = fitted.predict_proba(X)
    assert (chances >= 0).all()
    with pytest.raises(ValueError, match="NaN"):
        OrdinalClassifier().fit(X, y)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        OrdinalClassifier().fit(np.zeros((5, 1)), np.ones(5, int))
