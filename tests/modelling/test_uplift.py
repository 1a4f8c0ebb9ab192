"""Uplift learners find a planted effect, take campaigns of different shares, and are let through only with proof."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from analytics.modelling import artefact, uplift_gate
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.uplift import (
    LEARNERS,
    NoUpliftData,
    arm_weights,
    build_learner,
    cross_fit,
)
from analytics.modelling.uplift_gate import decide, segment_effects
from analytics.modelling.uplift_model import FittedUplift, fit_uplift
from analytics.modelling.uplift_pool import CampaignRows, NothingToPool, pool

SPECS = (
    FeatureSpec("mover", "numeric", "Moves"),
    FeatureSpec("buyer", "numeric", "Buys anyway"),
    FeatureSpec("region", "categorical", "Region", ("east", "west")),
)


def simulate(n=12_000, seed=0, share=0.5, effect=0.3, base=0.2):
    """Who buys anyway (`buyer`) is not who is moved (`mover` above zero, by `effect`); west is moved a little more."""
    rng = np.random.default_rng(seed)
    mover, buyer, region = rng.normal(size=n), rng.normal(size=n), rng.integers(0, 2, n)
    truth = effect * ((mover > 0) + 0.3 * region)
    treated = (rng.random(n) < share).astype(np.int8)
    chance = np.clip(base * np.exp(0.8 * buyer - 0.3), 0, 0.5) + truth * treated
    y = (rng.random(n) < chance).astype(np.int8)
    X = np.column_stack((mover, buyer, region)).astype(np.float32)
    X[::9, 1] = np.nan
    return CampaignRows(f"C{seed}", X, y, treated, np.arange(n) + seed * n, share), truth


@pytest.fixture
def small_gate(monkeypatch):
    """The gate as it is, for histories of a few thousand rows."""
    monkeypatch.setattr(uplift_gate, "CONTROLS_NEEDED", 1_500)


@pytest.mark.parametrize("kind", sorted(LEARNERS))
def test_every_learner_ranks_by_the_planted_effect(kind):
    rows, _ = simulate(seed=1)
    fresh, truth = simulate(seed=2)
    found = build_learner(kind, SPECS).fit(rows.X, rows.y, rows.treated, rows.share).predict(fresh.X)
    assert np.corrcoef(found, truth)[0, 1] > 0.8
    assert found.mean() == pytest.approx(truth.mean(), abs=0.03)


@pytest.mark.parametrize("kind", sorted(LEARNERS))
def test_learners_keep_the_contract_of_scikit_learn(kind):
    learner = build_learner(kind, SPECS, seed=4)
    again = clone(learner)
    assert again.get_params()["outcome__random_state"] == 4
    with pytest.raises(NotFittedError):
        again.predict(np.zeros((2, 3)))
    rows, _ = simulate(3_000)
    before = rows.X.copy()
    assert again.fit(rows.X, rows.y, rows.treated) is again
    np.testing.assert_array_equal(rows.X, before)
    assert again.n_features_in_ == 3
    with pytest.raises(ValueError, match="features"):
        again.predict(np.zeros((2, 2)))
    np.testing.assert_array_equal(
        again.predict(rows.X), clone(again).fit(rows.X, rows.y, rows.treated).predict(rows.X)
    )


@pytest.mark.parametrize("kind", sorted(LEARNERS))
def test_campaigns_of_different_shares_do_not_pass_for_an_effect(kind):
    # No effect at all, but the campaign that treats most also responds most; `mover` tells the campaigns apart.
    parts = []
    for seed, share, base in ((1, 0.9, 0.45), (2, 0.3, 0.1)):
        rows, _ = simulate(8_000, seed, share=share, effect=0, base=base)
        rows.X[:, 0] = seed + 0.8 * rows.X[:, 0]
        parts.append(rows)
    pooled = pool(parts)
    known = build_learner(kind, SPECS).fit(pooled.X, pooled.y, pooled.treated, pooled.propensity)
    ignored = build_learner(kind, SPECS).fit(pooled.X, pooled.y, pooled.treated)
    assert abs(known.predict(pooled.X).mean()) < 0.02
    assert abs(ignored.predict(pooled.X).mean()) > 0.02


def test_an_empty_feature_and_an_arm_without_a_value_are_learned_around():
    rows, _ = simulate(4_000)
    rows.X[:, 1] = np.nan
    rows.X[rows.treated == 0, 2] = np.nan
    for kind in LEARNERS:
        assert np.isfinite(build_learner(kind, SPECS).fit(rows.X, rows.y, rows.treated).predict(rows.X)).all()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: (rows.y, np.ones(len(rows.y))), "no control customers"),
        (lambda rows: (rows.y * rows.treated, rows.treated), "0 of .* control customers responded"),
        (lambda rows: (np.maximum(rows.y, rows.treated), rows.treated), "treated customers responded"),
    ],
)
def test_an_arm_that_teaches_nothing_is_named(change, why):
    rows, _ = simulate(1_000)
    y, treated = change(rows)
    with pytest.raises(NoUpliftData, match=why):
        build_learner("x", SPECS).fit(rows.X, y, treated)


def test_infinite_values_and_impossible_propensities_are_refused():
    rows, _ = simulate(1_000)
    learner = build_learner("t", SPECS)
    with pytest.raises(ValueError, match="between 0 and 1"):
        learner.fit(rows.X, rows.y, rows.treated, 1.0)
    with pytest.raises(ValueError, match="expected one number"):
        learner.fit(rows.X, rows.y, rows.treated, [0.5])
    rows.X[3, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        learner.fit(rows.X, rows.y, rows.treated)
    with pytest.raises(ValueError, match="unknown kind"):
        build_learner("z", SPECS)


def test_cross_fitting_scores_no_row_with_itself_and_keeps_customers_together():
    y, treated = np.tile([0, 0, 1, 1], 50), np.tile([0, 1], 100)
    customers = np.repeat(np.arange(50), 4)
    seen = np.zeros(200, dtype=int)

    def score(train, test):
        assert not set(customers[train]) & set(customers[test])
        seen[test] += 1
        return customers[test]

    scores = cross_fit(score, y, treated, customers=customers)
    assert (seen == 1).all()
    np.testing.assert_array_equal(scores, customers)


def test_pooling_leaves_out_what_was_not_a_controlled_campaign():
    good, _ = simulate(2_000, 1)
    biased, _ = simulate(2_000, 2)
    wrong_share = CampaignRows("BIASED", biased.X, biased.y, biased.treated, biased.customers, 0.8)
    uncontrolled = CampaignRows("ALL", good.X, good.y, np.ones(2_000), good.customers, 1.0)
    pooled = pool([good, wrong_share, uncontrolled])
    assert pooled.codes == ("C1",)
    assert len(pooled.y) == 2_000
    assert pooled.weight is None
    told = [str(sentence) for sentence in pooled.left_out]
    assert "BIASED treated 49.6 % where 80.0 % were designed" in told[0]
    assert "ALL held out no control group" in told[1]
    with pytest.raises(NothingToPool, match="held out no control"):
        pool([uncontrolled])
    with pytest.raises(NothingToPool, match="No past campaign"):
        pool([])


def test_weights_of_equal_shares_are_one():
    treated = np.array([1, 1, 0, 0])
    assert arm_weights(treated, np.full(4, 0.7)) == pytest.approx([1, 1, 1, 1])
    unequal = arm_weights(treated, [0.9, 0.5, 0.9, 0.5])
    assert unequal[1] / unequal[0] == pytest.approx(0.9 / 0.5)
    assert unequal[2] / unequal[3] == pytest.approx(0.5 / 0.1)


def test_a_proven_uplift_is_used(small_gate):
    rows, truth = simulate(4_000, 3)
    fitted = fit_uplift(pool([rows]), SPECS, resamples=100)
    assert (fitted.decision.use, fitted.decision.why) == ("uplift", "proven")
    assert (fitted.kind, fitted.decision.exploration, fitted.decision.label) == ("x", 0.0, None)
    assert "Uplift is used" in str(fitted.decision.sentence)
    fresh, truth = simulate(4_000, 4)
    score = fitted.predict(fresh.X)
    assert np.corrcoef(score, truth)[0, 1] > 0.8
    rows_of_deciles = fitted.decision.evidence.deciles
    assert rows_of_deciles[0].uplift > 0.2 > rows_of_deciles[-1].uplift


def test_without_an_effect_that_differs_it_falls_back_and_says_why(small_gate):
    rows, _ = simulate(4_000, 5, effect=0)
    fitted = fit_uplift(pool([rows]), SPECS, resamples=100)
    assert (fitted.decision.use, fitted.decision.why) == ("response", "qini_not_above_zero")
    assert fitted.decision.exploration == 0.20
    assert "not proven to be above zero" in str(fitted.decision.sentence)
    assert "not who is moved" in str(fitted.decision.label)


def test_too_few_controls_are_named_before_any_figure():
    rows, _ = simulate(2_000, 6)
    decision = fit_uplift(pool([rows]), SPECS, resamples=50).decision
    assert decision.why == "too_few_controls"
    assert "5000 with 300 are needed" in str(decision.sentence)


def test_a_response_model_as_good_is_preferred(small_gate):
    rows, truth = simulate(4_000, 7)
    decision = decide(rows.y, rows.treated, truth, truth, resamples=50)
    assert (decision.use, decision.why) == ("response", "not_above_response")
    assert "does not exclude zero" in str(decision.sentence)


def test_the_fallback_by_segment_is_used_where_segments_differ(small_gate, monkeypatch):
    rows, truth = simulate(4_000, 8)
    segment = (truth > np.median(truth)).astype(int)
    chance = np.random.default_rng(0).random(len(truth))
    effects = segment_effects(rows.y, rows.treated, segment)
    decision = decide(rows.y, rows.treated, chance, chance, by_segment=effects.of(segment), resamples=100)
    assert (decision.use, decision.why) == ("response_by_segment", "qini_not_above_zero")
    monkeypatch.setattr(uplift_gate, "CONTROLS_NEEDED", 10_000)
    grouped = replace(rows, X=np.column_stack([rows.X, segment]).astype(np.float32))
    specs = (*SPECS, FeatureSpec("tier", "categorical", "Tier", ("low", "high")))
    fitted = fit_uplift(pool([grouped]), specs, group=len(SPECS), resamples=100)
    assert (fitted.decision.use, fitted.decision.why) == ("response_by_segment", "too_few_controls")
    gain = fitted.predict(grouped.X)
    assert gain == pytest.approx(
        fitted.scale * fitted.estimator.predict(grouped.X) * fitted.segments.of(segment), abs=1e-6
    )
    # In the size of an effect, and a missing group gets the average one.
    assert gain.mean() == pytest.approx(fitted.segments.of(segment).mean(), rel=0.01)
    assert fitted.segments.of([-1]) == pytest.approx([fitted.segments.average])
    data = artefact.dump(fitted)
    again = artefact.load_as(FittedUplift, data, artefact.digest(data))
    assert again.predict(grouped.X) == pytest.approx(gain)


def test_held_back_rows_take_no_part_in_choosing_the_learner():
    rows, _ = simulate(2_000, 9)
    held_back = np.arange(2_000) >= 1_200
    fitted = fit_uplift(pool([rows]), SPECS, held_back=held_back, resamples=50)
    assert set(fitted.tried) == {"s", "t", "x"}
    assert fitted.tried[fitted.kind] == max(fitted.tried.values())
    assert fitted.decision.evidence.n == 800
    rows.y[held_back] = 1 - rows.y[held_back]
    assert fit_uplift(pool([rows]), SPECS, held_back=held_back, resamples=50).tried == fitted.tried


def test_segment_effects_shrink_by_their_own_uncertainty():
    rng = np.random.default_rng(1)
    segment = np.repeat([0, 1, 2], [20_000, 1_000, 40])
    effect = np.array([0.0, 0.2, 0.5])[segment]
    treated = np.tile([0, 1], len(segment) // 2)
    y = (rng.random(len(segment)) < 0.2 + effect * treated).astype(int)
    found = segment_effects(y, treated, segment)
    large, small, tiny = found.rows
    assert found.tau2 > 0
    assert abs(large.shrunk - large.uplift) < abs(small.shrunk - small.uplift) < 0.05
    assert (tiny.uplift, tiny.shrunk) == (None, found.average)
    assert large.low < 0 < large.high
    assert found.of([1, 9]) == pytest.approx([small.shrunk, found.average])
    assert segment_effects(y[:20_000], treated[:20_000], segment[:20_000]) is None
