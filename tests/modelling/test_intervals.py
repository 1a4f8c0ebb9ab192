"""Curves, tables and distances carry intervals that cover what is true as often as they say."""

import numpy as np
import pytest

from analytics.modelling import metrics, stability
from analytics.modelling.intervals import (
    csi_intervals,
    gains_intervals,
    lift_intervals,
    observed_expected_interval,
    psi_interval,
)
from analytics.modelling.matrix import FeatureSpec


def draw(n, seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 6, size=n), 3)
    return (rng.random(n) < p).astype(int), p


def test_the_points_are_the_plain_figures():
    y, p = draw(2_000, 0)
    for row, plain in zip(lift_intervals(y, p, n=50), metrics.lift_by_decile(y, p), strict=True):
        assert (row.decile, row.n, row.responders) == (plain.decile, plain.n, plain.responders)
        assert row.lift.low <= row.lift.value == plain.lift <= row.lift.high
        assert row.cumulative_lift.low <= row.cumulative_lift.value == plain.cumulative_lift
    curve = metrics.cumulative_gains(y, p)
    shares = [0, 0.1, 0.5, 1]
    band = gains_intervals(y, p, shares, n=50)
    assert [point.value for point in band] == pytest.approx(curve.at(shares))
    assert (band[0].low, band[0].high, band[-1].low) == (0, 0, 1)
    assert band[1].low < band[1].value < band[1].high
    ratio = observed_expected_interval(y, p, n=50)
    assert ratio.value == pytest.approx(y.sum() / p.sum())
    assert ratio.low < ratio.value < ratio.high


def test_draws_of_the_fast_gains_band_are_the_slow_ones():
    y, p = draw(300, 1)
    fast = gains_intervals(y, p, [0.2], n=40, seed=5)[0]
    slow = []
    for counts in metrics_draws(y, 40, 5):
        rows = np.repeat(np.arange(len(y)), counts)
        slow.append(float(metrics.cumulative_gains(y[rows], p[rows]).at([0.2])[0]))
    assert (fast.low, fast.high) == pytest.approx(tuple(np.quantile(slow, (0.025, 0.975))))


def metrics_draws(y, n, seed):
    from analytics.modelling.bootstrap import draw_counts

    return [row for batch in draw_counts(y, n, seed=seed) for row in batch]


def test_intervals_cover_the_truth():
    big_y, big_p = draw(400_000, 99)
    lift, found = (
        metrics.lift_by_decile(big_y, big_p)[0].lift,
        metrics.cumulative_gains(big_y, big_p).at([0.2])[0],
    )
    covered = np.zeros(3)
    for seed in range(60):
        y, p = draw(1_500, seed)
        first, gains = lift_intervals(y, p, n=150)[0].lift, gains_intervals(y, p, [0.2], n=150)[0]
        ratio = observed_expected_interval(y, p, n=150)
        covered += [
            first.low <= lift <= first.high,
            gains.low <= found <= gains.high,
            ratio.low <= 1 <= ratio.high,
        ]
    assert (covered >= 50).all(), covered  # 57 of sixty are expected


def test_the_interval_of_psi_covers_the_shift_of_the_populations():
    def share_above(shift, n, seed):
        return np.random.default_rng(seed).normal(size=n) + shift

    known = stability.reference(share_above(0, 1_000_000, 1))
    truth = known.psi(share_above(0.4, 1_000_000, 2))
    covered = 0
    for seed in range(40):
        sample = stability.reference(share_above(0, 3_000, 100 + seed))
        found = psi_interval(sample, share_above(0.4, 3_000, 200 + seed), n=100)
        assert found.low <= found.value <= found.high
        covered += found.low <= truth <= found.high
    assert covered >= 34


def test_no_shift_has_an_interval_down_to_nothing():
    rng = np.random.default_rng(0)
    known = stability.reference(rng.normal(size=2_000))
    found = psi_interval(known, rng.normal(size=2_000))
    assert found.low < 0.005
    assert found.high < 0.1


def test_csi_is_the_psi_of_every_feature():
    rng = np.random.default_rng(0)
    specs = (FeatureSpec("a", "numeric", "A"), FeatureSpec("b", "categorical", "B", ("x", "y")))
    then = np.column_stack((rng.normal(size=2_000), rng.integers(0, 2, 2_000))).astype(np.float32)
    now = then.copy()
    now[:, 0] += 1
    found = csi_intervals(now, specs, stability.feature_references(then, specs))
    assert found["a"].low > 0.25
    assert found["b"].value == 0
