"""Planted segments come back, noise has none, and frozen centroids give the same answer months later."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from analytics.modelling import segmentation
from analytics.modelling.baselines import ACTIVITY, rfm_by_tier
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.segment_preparation import SegmentPreparation, UnusableFeature, preparation
from analytics.modelling.segmentation import (
    NoStableSegments,
    TooFewCustomers,
    find_segments,
    judge,
    told,
)

SPECS = (
    FeatureSpec("age", "numeric", "Age"),
    FeatureSpec("fund", "numeric", "Funds"),
    FeatureSpec("loan", "numeric", "Loan"),
    FeatureSpec("online", "flag", "Uses online banking"),
    FeatureSpec("work", "categorical", "Occupation", ("employed", "owner", "retired")),
)


def bank(n=2_000, seed=0):
    """Young borrowers, old investors, owners with both; money with zeros and long tails, and gaps."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    age = np.array([28, 68, 46])[truth] + 4 * rng.normal(size=n)
    has_fund = rng.random(n) < np.array([0.01, 0.99, 0.98])[truth]
    has_loan = rng.random(n) < np.array([0.99, 0.01, 0.98])[truth]
    fund = has_fund * np.exp(10 + rng.normal(size=n))
    loan = has_loan * np.exp(11 + rng.normal(size=n))
    online = rng.random(n) < np.array([0.99, 0.01, 0.98])[truth]
    work = np.array([0, 2, 1])[truth]
    X = np.column_stack((age, fund, loan, online, work)).astype(np.float32)
    X[rng.random(n) < 0.05, 0] = np.nan
    X[rng.random(n) < 0.05, 4] = np.nan
    return X, truth


@pytest.fixture(scope="module")
def found():
    return find_segments(bank()[0], SPECS, resamples=5)


@parametrize_with_checks([SegmentPreparation()])
def test_the_preparation_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_planted_segments_come_back(found):
    X, truth = bank(seed=1)
    assert found.k == 3
    assert adjusted_rand_score(truth, found.assign(X)) > 0.9
    chosen = next(candidate for candidate in found.candidates if candidate.k == 3)
    assert chosen.stability > 0.95
    assert str(told(chosen)).startswith("3 segments: stable")
    assert found.shares == pytest.approx((0.5, 0.3, 0.2), abs=0.05)


def test_the_same_seed_gives_the_same_segments(found):
    again = find_segments(bank()[0], SPECS, resamples=5)
    np.testing.assert_array_equal(again.centroids, found.centroids)
    assert again.candidates == found.candidates


def test_a_cloud_without_segments_is_refused_with_the_evidence():
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(1_500, 4)).astype(np.float32)
    specs = [FeatureSpec(f"x{j}", "numeric", f"X{j}") for j in range(4)]
    with pytest.raises(NoStableSegments, match="no stable segments: of 3 to 8") as refused:
        find_segments(cloud, specs, resamples=5)
    assert len(refused.value.candidates) == 6
    assert not any(candidate.stable for candidate in refused.value.candidates)
    assert "not stable" in str(told(refused.value.candidates[0]))


def test_stability_comes_before_silhouette(monkeypatch):
    # Silhouette prefers another k; only stable ones may be chosen.
    from dataclasses import replace

    real = judge(preparation(bank()[0], SPECS).transform(bank()[0]), 3, resamples=3)
    made = {
        3: replace(real, k=3, stability=0.9, silhouette=0.2, stable=True),
        4: replace(real, k=4, stability=0.7, silhouette=0.9, stable=False),
        5: replace(real, k=5, stability=0.85, silhouette=0.3, stable=True),
    }
    monkeypatch.setattr(segmentation, "judge", lambda points, k, **_: made[k])
    assert find_segments(bank()[0], SPECS, candidates=(3, 4, 5)).k == 5


@pytest.mark.parametrize(("silhouette", "k"), [(0.97, 5), (0.94, 3)])
def test_of_two_as_well_apart_the_one_with_more_segments_is_taken(silhouette, k):
    from analytics.modelling.segmentation import Candidate, chosen_k

    passed = [
        Candidate(3, 0.9, 0.8, 1, 0.1, 0.4, True),
        Candidate(5, 0.9, 0.8, 1, 0.1, 0.4 * silhouette, True),
    ]
    assert chosen_k(passed) == k


def test_a_segment_of_a_handful_is_not_allowed():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(1_000, 2)) + at for at in (0, 20, 40)]).astype(np.float32)
    points[:6] += 500
    candidate = judge(points, 4, resamples=5)
    assert candidate.smallest < 0.02
    assert not candidate.stable
    assert "are needed" in str(told(candidate)) or "not stable" in str(told(candidate))


def test_assigning_uses_the_frozen_centroids_only(found, monkeypatch):
    X, _ = bank(seed=2)
    whole = found.assign(X)
    # one customer alone gets what he got among all: nothing is learned from who else is there
    assert [found.assign(X[i : i + 1])[0] for i in range(20)] == whole[:20].tolist()
    monkeypatch.setattr(segmentation, "CHUNK", 300)
    np.testing.assert_array_equal(found.assign(X), whole)
    points = found.preparation.transform(X)
    model = KMeans(3, init=found.centroids, n_init=1, max_iter=1).fit(points)
    model.cluster_centers_ = found.centroids
    np.testing.assert_array_equal(model.predict(points), whole)


def test_large_banks_are_fitted_in_mini_batches(monkeypatch):
    X, truth = bank(3_000, seed=3)
    monkeypatch.setattr(segmentation, "MINI_BATCH_ABOVE", 1_000)
    large = find_segments(X, SPECS, candidates=(3,), resamples=3)
    assert adjusted_rand_score(truth, large.assign(X)) > 0.9


def test_money_becomes_a_flag_and_a_capped_logarithm():
    amounts = np.concatenate((np.zeros(500), np.full(499, 100.0), [1e12])).astype(np.float32)
    prepared = preparation(np.column_stack((amounts, np.arange(1_000))).astype(np.float32), SPECS[:2])
    assert prepared.treatment_ == ["money", "plain"]
    assert prepared.get_feature_names_out(["fund", "age"]).tolist() == ["fund has", "fund", "age"]
    points = prepared.transform(np.array([[0, 0], [100, 0], [1e12, 0], [np.nan, np.nan]], dtype=np.float32))
    # The two columns together weigh as much as one feature.
    assert points[:3, 0] * np.sqrt(2) == pytest.approx([-1, 1, 1], abs=1e-5)
    usual = prepared.transform(np.column_stack((amounts, np.arange(1_000))))[:, 1]
    assert usual[:500] == pytest.approx(usual.mean(), abs=1e-4), "who has nothing stands at the holders' mean"
    assert points[2, 1] < 5  # the 99.5 % cap holds the outlier
    assert np.isfinite(points).all()


def test_categories_count_as_much_as_a_number():
    X, _ = bank()
    prepared = preparation(X, SPECS)
    points = prepared.transform(X)[:, prepared.owner_ == 4]
    assert points.shape[1] == 3
    distance = np.square(points[0] - points[np.flatnonzero(X[:, 4] != X[0, 4])[0]]).sum()
    assert distance == pytest.approx(2)
    gap = np.flatnonzero(np.isnan(X[:, 4]))[0]
    assert np.ptp(points[gap] + prepared.mean_[prepared.owner_ == 4]) == pytest.approx(0, abs=1e-6)


def test_what_hardly_anybody_has_carries_no_segment():
    X, _ = bank()
    X[:, 2] = 0
    X[:10, 2] = 1e6
    prepared = preparation(X, SPECS)
    assert prepared.treatment_[2] == "left out"
    assert not (prepared.owner_ == 2).any()


@pytest.mark.parametrize(
    ("value", "why"), [(np.nan, "Loan .* missing for everybody"), (7.0, "Loan .* the same for everybody")]
)
def test_a_feature_that_says_nothing_is_named(value, why):
    X, _ = bank()
    X[:, 2] = value
    with pytest.raises(UnusableFeature, match=why):
        find_segments(X, SPECS)


def test_bad_input_is_refused():
    X, _ = bank()
    with pytest.raises(TooFewCustomers, match="at least 500 customers; there are 100"):
        find_segments(X[:100], SPECS)
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="fund holds an infinite value"):
        find_segments(X, SPECS)
    with pytest.raises(ValueError, match="expected"):
        find_segments(X[:, :3], SPECS)


def test_traits_say_what_differs_and_by_how_much(found):
    X, _ = bank()
    labels = found.assign(X)
    for segment, rows in enumerate(found.traits):
        assert [abs(trait.z) for trait in rows] == sorted((abs(trait.z) for trait in rows), reverse=True)
        age = next(trait for trait in rows if trait.feature == "age")
        assert age.mean == pytest.approx(np.nanmean(X[labels == segment, 0]), rel=1e-4)
        assert age.population == pytest.approx(np.nanmean(X[:, 0]), rel=1e-4)
        assert age.ratio == pytest.approx(age.mean / age.population)
        assert age.typical == (abs(age.z) >= 0.5)
    young = {trait.feature: trait for trait in found.traits[0]}
    assert young["age"].z < -0.5
    assert young["online"].mean == pytest.approx(0.99, abs=0.02)
    assert young["fund"].ratio < 0.2
    assert young["work"].category == 0
    old = {trait.feature: trait for trait in found.traits[1]}
    assert old["work"].category == 2
    assert old["fund"].ratio > 1.5


def test_drift_of_the_features_is_seen(found):
    X, _ = bank(seed=5)
    assert max(found.feature_psi(X).values()) < 0.1
    X[:, 0] += 30
    assert found.feature_psi(X)["age"] > 0.25


def test_the_baseline_ranks_ties_by_position_and_keeps_the_never_active_apart():
    recency = [1, 2, 3, 4, 5, np.nan]
    baseline = rfm_by_tier(recency, [9, 8, 7, 6, 5, 0], [1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 0, 1], tiers=2)
    assert baseline.fifths[:, 0].tolist() == [5, 4, 3, 2, 1, 0]
    assert [ACTIVITY[code] for code in baseline.activity] == [
        "Active",
        "Active",
        "Slowing down",
        "Slowing down",
        "Quiet",
        "Never active",
    ]
    assert baseline.cell[0] == 551  # all the same amount: the first in order ranks lowest
    assert baseline.segment.tolist() == [0, 1, 2, 3, 4, 7]
    with pytest.raises(ValueError, match="tier"):
        rfm_by_tier(recency, recency, recency, [0, 0, 0, 0, 0, 2], tiers=2)
