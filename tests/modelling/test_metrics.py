"""Metrics agree with scikit-learn, scipy, statsmodels and figures worked out by hand."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from analytics.modelling import metrics


@pytest.fixture
def sample():
    rng = np.random.default_rng(5)
    p = np.round(rng.beta(1, 6, size=3_000), 2)  # two digits: many ties
    return (rng.random(3_000) < p).astype(int), p


def test_ranking_figures_equal_the_libraries(sample):
    y, p = sample
    assert metrics.auc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert metrics.gini(y, p) == pytest.approx(2 * roc_auc_score(y, p) - 1, abs=1e-12)
    assert metrics.ks(y, p) == pytest.approx(ks_2samp(p[y == 1], p[y == 0]).statistic, abs=1e-12)


def test_ks_sees_a_reversed_score(sample):
    y, p = sample
    assert metrics.ks(y, -p) == pytest.approx(metrics.ks(y, p))


def test_losses_equal_the_libraries(sample):
    y, p = sample
    assert metrics.brier(y, p) == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert metrics.log_loss(y, p) == pytest.approx(log_loss(y, p), abs=1e-12)


def test_the_gains_area_follows_from_auc_and_response_rate(sample):
    y, p = sample
    rate = y.mean()
    expected = metrics.auc(y, p) * (1 - rate) + rate / 2
    assert metrics.gains_area(y, p) == pytest.approx(expected, abs=1e-12)


def test_gains_of_four_customers_by_hand():
    gains = metrics.cumulative_gains([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    assert gains.approached.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert gains.found.tolist() == [0, 0.5, 0.5, 1, 1]
    assert gains.area == pytest.approx(0.625)
    assert gains.at([0.125]).tolist() == [0.25]


def test_a_constant_score_gains_nothing_whatever_the_row_order():
    y = np.array([1] * 10 + [0] * 90)
    constant = np.full(100, 0.1)
    for labels in (y, y[::-1]):
        assert metrics.gains_area(labels, constant) == pytest.approx(0.5)
        assert metrics.top_decile_lift(labels, constant) == pytest.approx(1)
        assert len(metrics.lift_by_decile(labels, constant)) == 1


def test_decile_one_is_the_highest_tenth():
    score = np.arange(100)
    decile = metrics.deciles(score)
    assert (decile[90:] == 1).all()
    assert (decile[:10] == 10).all()
    assert np.bincount(decile)[1:].tolist() == [10] * 10


def test_equal_scores_share_a_decile():
    score = np.array([0.5] * 30 + [0.1] * 70)
    decile = metrics.deciles(score)
    assert len(set(decile[:30])) == 1
    assert len(set(decile[30:])) == 1


def test_lift_by_decile_by_hand():
    y = np.zeros(100, dtype=int)
    y[90:95] = 1  # five responders in the best tenth
    y[80:83] = 1  # three in the second
    y[:2] = 1  # two in the worst
    rows = metrics.lift_by_decile(y, np.arange(100))
    assert [row.responders for row in rows] == [5, 3, 0, 0, 0, 0, 0, 0, 0, 2]
    assert rows[0].rate == pytest.approx(0.5)
    assert rows[0].lift == pytest.approx(5.0)
    assert rows[1].cumulative_lift == pytest.approx(4.0)
    assert rows[9].cumulative_lift == pytest.approx(1.0)


def test_ece_of_two_bins_by_hand():
    y = np.array([0, 0, 1, 0, 1, 1, 1, 0])
    p = np.array([0.1, 0.1, 0.2, 0.2, 0.6, 0.7, 0.8, 0.9])
    # bins of four: |0.6 - 1| and |3.0 - 3| over eight rows
    assert metrics.ece(y, p, bins=2) == pytest.approx(0.05)


def test_the_calibration_table_carries_the_wilson_interval(sample):
    y, p = sample
    for row in metrics.calibration_table(y, p):
        low, high = proportion_confint(row.responders, row.n, method="wilson")
        assert (row.low, row.high) == pytest.approx((low, high), abs=1e-9)
        assert row.inside == (row.low <= row.predicted <= row.high)
    assert sum(row.n for row in metrics.calibration_table(y, p)) == len(y)


def test_a_doubled_probability_falls_outside_its_intervals():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.05, 0.4, size=20_000)
    y = (rng.random(len(p)) < p).astype(int)
    assert sum(row.inside for row in metrics.calibration_table(y, p)) >= 8
    assert sum(row.inside for row in metrics.calibration_table(y, 2 * p)) == 0


def test_observed_over_expected_alarms_only_when_the_interval_excludes_one():
    few = metrics.observed_over_expected([1, 1, 0, 0, 0, 0, 0, 0], np.full(8, 0.1))
    assert few.ratio == pytest.approx(2.5)
    assert few.low <= 1 <= few.high
    assert not few.alarm
    y = np.array([1] * 300 + [0] * 1_700)
    many = metrics.observed_over_expected(y, np.full(2_000, 0.1))
    assert many.ratio == pytest.approx(1.5)
    assert many.alarm
    close = metrics.observed_over_expected(y, np.full(2_000, 0.14))
    assert not close.alarm


def test_qini_of_six_customers_by_hand():
    y = [1, 0, 1, 1, 0, 0]
    treated = [1, 0, 1, 0, 1, 0]
    score = [6, 5, 4, 3, 2, 1]
    curve = metrics.qini(y, score, treated)
    # R_t 1 1 2 2 2 2, R_c 0 0 0 1 1 1, N_t 1 1 2 2 3 3, N_c 0 1 1 2 2 3
    assert curve.gain == pytest.approx(np.array([0, 1, 1, 2, 1, 0.5, 1]) / 3)
    area = (0.5 + 1 + 1.5 + 1.5 + 0.75 + 0.75) / 3 / 6
    assert curve.coefficient == pytest.approx(area - 1 / 6)


def test_qini_has_points_at_tie_boundaries_only():
    y, treated = [1, 0, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0]
    tied = metrics.qini(y, [2, 2, 2, 1, 1, 1], treated)
    swapped = metrics.qini([0, 0, 1, 1, 0, 1], [2, 2, 2, 1, 1, 1], [1, 0, 1, 0, 1, 0])
    assert len(tied.share) == 3
    assert tied.coefficient == pytest.approx(swapped.coefficient)


def test_a_score_that_knows_the_effect_has_a_positive_qini_and_its_reverse_the_opposite():
    rng = np.random.default_rng(9)
    moved = rng.random(20_000) < 0.5
    treated = rng.integers(0, 2, 20_000)
    y = (rng.random(20_000) < 0.05 + 0.2 * moved * treated).astype(int)
    good = metrics.qini(y, moved, treated).coefficient
    bad = metrics.qini(y, ~moved, treated).coefficient
    # half of the rows carry the whole effect of 0.1 per treated row: Q(1/2) = 0.1, area 0.075, minus 0.05
    assert good == pytest.approx(0.025, abs=0.004)
    assert bad == pytest.approx(-good, abs=0.002)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([0, 1, 1], [0.1, 0.2], "3 labels"),
        ([0, 2], [0.1, 0.2], "0 or 1"),
        ([0, 1], [0.1, np.nan], "finite"),
        ([1, 1], [0.1, 0.2], "non-responders"),
        ([], [], "no rows"),
    ],
)
def test_it_refuses_what_it_cannot_measure(y, p, message):
    with pytest.raises(ValueError, match=message):
        metrics.auc(y, p)


def test_qini_refuses_a_single_arm():
    with pytest.raises(ValueError, match="control"):
        metrics.qini([0, 1], [0.1, 0.2], [1, 1])
