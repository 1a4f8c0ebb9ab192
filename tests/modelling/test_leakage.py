"""A feature that knows the outcome blocks the fit; an honest strong one does not."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from analytics.modelling.leakage import (
    LeakageFound,
    drift_scan,
    leakage_scan,
    preference_leaks,
    single_feature_auc,
    without,
)
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.response import fit_response
from analytics.modelling.rolling import rolling_protocol


@pytest.fixture
def outcome():
    return (np.random.default_rng(0).random(4_000) < 0.1).astype(np.int8)


def test_the_scan_names_the_field(outcome):
    rng = np.random.default_rng(1)
    duration = rng.normal(size=4_000) + 3 * outcome
    X = np.column_stack([rng.normal(size=4_000), duration])
    specs = [FeatureSpec("age", "numeric", "Age"), FeatureSpec("duration", "numeric", "Call duration")]
    (leak,) = leakage_scan(X, outcome, specs)
    assert leak.feature == 1
    assert str(leak.sentence).startswith(
        "Call duration (duration) alone ranks the outcome with an AUC of 0.9"
    )


def test_a_preference_that_lasts_is_no_leak_and_a_field_that_knows_the_next_choice_is():
    rng = np.random.default_rng(4)
    today = rng.integers(0, 3, size=6_000)
    later = np.where(rng.random(6_000) < 0.93, today, rng.integers(0, 3, size=6_000))
    habit = (today == 1) * 8 + rng.poisson(1, size=6_000)
    told = (later == 1) * 8 + rng.poisson(1, size=6_000)
    specs = [
        FeatureSpec("mobile_3m", "numeric", "Mobile bank"),
        FeatureSpec("survey", "numeric", "Survey"),
        FeatureSpec("preferred", "categorical", "Preferred", ("a", "b", "c")),
    ]
    X = np.column_stack([habit, told, today]).astype(np.float32)

    # The rule for a yes or no would refuse the habit too.
    assert {one.name for one in leakage_scan(X, (later == 1).astype(np.int8), specs)} > {"survey"}
    (leak,) = preference_leaks(X, later, today, specs, ["Counter", "Mobile", "Phone"])
    assert leak.name == "survey"
    assert str(leak.sentence).startswith(
        "Survey (survey) alone tells who chose Mobile later with an AUC of 1.0"
    )
    # The field that says what was preferred, written anew after the choice, knows it all but certainly.
    X[:, 2] = later
    assert "preferred" in [one.name for one in preference_leaks(X, later, later, specs, ["a", "b", "c"])]
    # Sixty of a class are too few to be sure of a little over the limit.
    few = np.where(np.arange(6_000) < 60, 1, 2 * (np.arange(6_000) % 2))
    strong = (few == 1) * 2.15 + np.random.default_rng(8).normal(size=6_000)
    narrow = np.column_stack([strong]).astype(np.float32)
    assert leakage_scan(narrow, (few == 1).astype(np.int8), specs[:1])
    assert not preference_leaks(narrow, few, np.full(6_000, -1), specs[:1], ["a", "b", "c"])
    # Unknown today, everybody: then a field is judged by the limit alone.
    nobody = np.full(6_000, -1)
    assert {one.name for one in preference_leaks(X, later, nobody, specs, ["a", "b", "c"])} >= {"survey"}


def test_a_feature_filled_in_only_after_success_leaks_by_its_gaps(outcome):
    closed = np.where(outcome == 1, np.random.default_rng(2).normal(size=4_000), np.nan)
    assert single_feature_auc(closed, outcome) > 0.99


def test_a_reversed_or_unordered_leak_is_found(outcome):
    rng = np.random.default_rng(3)
    noise = rng.uniform(-1, 1, size=4_000)
    assert single_feature_auc(noise - 3 * outcome, outcome) > 0.99
    middle = np.where(outcome == 1, 0.05 * noise, np.sign(noise) * (1 + np.abs(noise)))
    assert single_feature_auc(middle, outcome) > 0.95


def test_a_category_leaks_but_many_random_ones_do_not(outcome):
    rng = np.random.default_rng(4)
    assert single_feature_auc((2 * outcome).astype(float), outcome, categorical=True) > 0.99
    random = rng.integers(0, 190, size=4_000).astype(float)
    assert single_feature_auc(random, outcome, categorical=True) < 0.6


def test_an_honest_strong_feature_passes(outcome):
    honest = np.random.default_rng(5).normal(size=4_000) + 1.2 * outcome
    specs = [FeatureSpec("score", "numeric", "Score")]
    assert 0.75 < single_feature_auc(honest, outcome) < 0.9
    assert leakage_scan(honest[:, None], outcome, specs) == []
    # close to 0.9 the exact figure decides, not the binned one, in either direction
    exact = pytest.approx(roc_auc_score(outcome, honest))
    assert single_feature_auc(honest, outcome) == exact
    assert single_feature_auc(-honest, outcome) == exact


def test_neither_a_fit_nor_the_rolling_protocol_accepts_a_leak(history):
    X = history.X.copy()
    X[:, 4] = history.y * 5 + X[:, 4]
    with pytest.raises(LeakageFound, match="Noise") as refusal:
        fit_response(X, history.y, history.dates, history.specs, history.slices, kind="logistic")
    assert [leak.name for leak in refusal.value.leaks] == ["noise"]
    with pytest.raises(LeakageFound, match="Noise"):
        rolling_protocol(X, history.y, history.specs, window=2_000)


def test_a_calendar_is_named_and_can_be_left_out(history):
    X = history.X.copy()
    X[:, 4] = np.arange(len(X)) / len(X)
    train, later = history.slices.train, history.slices.out_of_time
    (drift,) = drift_scan(X[train], X[later], history.specs)
    assert (drift.feature, drift.name) == (4, "noise")
    assert "Noise (noise) has moved since training" in str(drift.sentence)
    assert drift_scan(history.X[train], history.X[later], history.specs) == []
    rest, specs = without(X, history.specs, {drift.feature})
    assert [spec.name for spec in specs] == ["balance", "region", "online", "turnover", "balance_echo"]
    np.testing.assert_array_equal(rest, X[:, [0, 1, 2, 3, 5]])
    with pytest.raises(ValueError, match="no feature"):
        without(X, history.specs, range(6))


def test_what_was_agreed_beforehand_may_rank_the_outcome_alone():
    rng = np.random.default_rng(4)
    outcome = rng.integers(0, 2, 500).astype(np.int8)
    due = (outcome + rng.normal(0, 0.1, 500)).astype(np.float32)[:, None]
    recorded = FeatureSpec("due", "numeric", "Due")
    assert [leak.name for leak in leakage_scan(due, outcome, [recorded])] == ["due"]
    assert leakage_scan(due, outcome, [replace(recorded, agreed=True)]) == []
