"""Bad input is named and refused: nothing is learned from nothing, and no score is made without its features."""

import numpy as np
import pytest

from analytics.modelling.inputs import (
    FeatureDisappeared,
    NothingToLearnFrom,
    refuse_absent,
    refuse_disappeared,
    unseen_categories,
    unusable,
)
from analytics.modelling.matrix import encode
from analytics.modelling.reasons import contributions
from analytics.modelling.response import InsufficientData, fit_response
from analytics.modelling.splits import CannotSplit, time_split

from .conftest import simulate


@pytest.fixture
def small():
    return simulate(4_000, seed=1)


def fit(history, X, **options):
    return fit_response(X, history.y, history.dates, history.specs, history.slices, resamples=10, **options)


@pytest.mark.parametrize("kind", ["hist_gradient_boosting", "logistic"])
def test_a_constant_and_an_empty_feature_are_named_and_push_no_score(kind, small):
    X = small.X.copy()
    X[:, 4], X[:, 3] = 7, np.nan
    fitted = fit(small, X, kind=kind)
    assert [str(sentence) for sentence in fitted.ignored] == [
        "Turnover (turnover) is missing for everybody and teaches nothing.",
        "Noise (noise) is the same for everybody and teaches nothing.",
    ]
    later = X.copy()
    later[:, 4] = np.random.default_rng(0).normal(size=len(X))
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict(later))
    each, _ = contributions(fitted, X)
    assert np.abs(each[:, 3:5]).max() == 0


def test_where_no_feature_varies_nothing_is_learned(small):
    X = np.ones_like(small.X)
    with pytest.raises(NothingToLearnFrom, match="None of the 6 features") as refused:
        fit(small, X)
    assert len(refused.value.features) == 6


def test_a_flag_known_for_some_is_no_constant(small):
    X = small.X.copy()
    X[:, 2] = 1
    assert [feature.name for feature in unusable(X, small.specs)] == ["online"]
    X[::2, 2] = np.nan  # that it is known may itself say something
    assert not unusable(X, small.specs)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused_in_words(label, small):
    y = np.full(len(small.y), label)
    with pytest.raises(CannotSplit, match="positive"):
        time_split(small.dates, y)


def test_no_positives_to_learn_from_are_refused_in_words(small):
    y = small.y.copy()
    y[small.slices.train] = 0
    with pytest.raises(InsufficientData, match="there are 0"):
        fit_response(small.X, y, small.dates, small.specs, small.slices)


def test_an_infinite_value_is_named(small, logit):
    X = small.X.copy()
    X[5, 3] = -np.inf
    for act in (lambda: fit(small, X), lambda: logit.predict(X), lambda: contributions(logit, X)):
        with pytest.raises(ValueError, match="turnover holds an infinite value"):
            act()


def test_a_feature_that_disappeared_stops_the_scoring(history, trees):
    refuse_disappeared(history.X, trees.specs, trees.feature_references)
    X = history.X.copy()
    X[:, 0] = np.nan
    X[:, 1] = np.nan
    with pytest.raises(
        FeatureDisappeared, match=r"2 fields have disappeared: balance, region\. Balance .* 100\.0 %"
    ) as refused:
        refuse_disappeared(X, trees.specs, trees.feature_references)
    assert refused.value.names == ("balance", "region")
    refuse_disappeared(X[:0], trees.specs, trees.feature_references)


def test_a_feature_missing_from_the_start_has_not_disappeared(small):
    X = small.X.copy()
    X[:, 4] = np.nan
    fitted = fit(small, X, kind="logistic")
    refuse_disappeared(X, fitted.specs, fitted.feature_references)


def test_a_column_that_is_absent_is_named(history):
    columns = {spec.name: [1.0] for spec in history.specs if spec.name not in {"noise", "region"}}
    with pytest.raises(FeatureDisappeared, match="absent: region, noise"):
        refuse_absent(columns, history.specs)


def test_unseen_categories_are_named_and_scored_as_missing(history, trees):
    columns = {spec.name: [0.0] * 4 for spec in history.specs}
    columns["region"] = ["east", "moon", "mars", "moon"]
    (told,) = unseen_categories(columns, history.specs)
    assert str(told) == (
        "Region (region) has 2 values the model has not seen, in 3 of 4 rows, scored as missing: moon, mars."
    )
    gap = {**columns, "region": ["east", None, None, None]}
    assert not unseen_categories(gap, history.specs)
    np.testing.assert_array_equal(
        trees.predict(encode(columns, history.specs)), trees.predict(encode(gap, history.specs))
    )
