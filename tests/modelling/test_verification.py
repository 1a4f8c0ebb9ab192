"""Predicted against actual: quiet where the model keeps its word, an alarm where it does not, group by group."""

import numpy as np
import pytest

from analytics.modelling.verification import verify


def outcomes(n=20_000, seed=0, factor=1.0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 12, size=n)
    return (rng.random(n) < np.clip(p * factor, 0, 1)).astype(int), p, rng


def test_a_model_that_keeps_its_word_raises_no_alarm():
    y, p, _ = outcomes()
    found = verify(y, p, resamples=100)
    assert found.alarm == "none"
    assert found.inside >= 8
    assert found.observed_expected.low < 1 < found.observed_expected.high
    assert set(found.intervals) == {"auc", "gini", "brier", "log_loss", "ece"}
    assert sum(row.n for row in found.deciles) == found.n == len(y)
    assert "deciles the interval holds the prediction" in str(found.sentence)


@pytest.mark.parametrize(("factor", "alarm"), [(0.6, "over"), (1.6, "under")])
def test_promising_too_much_or_too_little_is_said(factor, alarm):
    y, p, _ = outcomes(factor=factor)
    found = verify(y, p, resamples=20)
    assert found.alarm == alarm
    assert f"promised too {'much' if alarm == 'over' else 'little'}" in str(found.sentence)


def test_groups_are_judged_apart_and_small_ones_not_at_all():
    y, p, rng = outcomes()
    arm = np.array(["contacted", "control", "exploration"], dtype=object)[rng.integers(0, 3, len(y))]
    y[(arm == "control") & (rng.random(len(y)) < 0.5)] = 0
    branch = np.full(len(y), None, dtype=object)
    branch[:20] = "B1"
    found = verify(y, p, groups={"arm": arm, "branch": branch}, resamples=20)
    by_group = {check.group: check for check in found.groups}
    assert [check.kind for check in found.groups] == ["arm"] * 3 + ["branch"]
    assert by_group["control"].alarm == "over"
    assert by_group["contacted"].alarm == by_group["exploration"].alarm == "none"
    assert (by_group["B1"].n, by_group["B1"].ratio, by_group["B1"].alarm) == (20, None, "none")
    assert sum(check.n for check in found.groups if check.kind == "arm") == len(y)


def test_many_groups_of_a_good_model_raise_few_alarms():
    alarms = 0
    for seed in range(20):
        y, p, rng = outcomes(8_000, seed)
        groups = {"branch": rng.integers(0, 20, len(y))}
        alarms += any(check.alarm != "none" for check in verify(y, p, groups=groups, resamples=2).groups)
    assert alarms <= 3  # one in twenty banks, not one in twenty branches


def test_one_outcome_alone_has_no_ranking():
    found = verify(np.zeros(100), np.full(100, 0.1), resamples=10)
    assert "auc" not in found.intervals
    assert found.alarm == "over"


@pytest.mark.parametrize(
    ("y", "p", "why"),
    [([0, 1], [0.5], "2 outcomes"), ([], [], "0 outcomes"), ([0, 1], [0.5, 1.5], "probability between")],
)
def test_what_cannot_be_verified_is_refused(y, p, why):
    with pytest.raises(ValueError, match=why):
        verify(y, p)
    with pytest.raises(ValueError, match="groups of shape"):
        verify([0, 1], [0.1, 0.2], groups={"branch": [1]})
