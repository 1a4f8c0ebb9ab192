"""Qini, AUUC and uplift by decile: worked out by hand, scikit-uplift's curves, and the bootstrap's honesty."""

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from analytics.modelling import metrics
from analytics.modelling.uplift_metrics import (
    auuc,
    qini_coefficient,
    uplift_by_decile,
    uplift_intervals,
)

Y = [1, 0, 1, 1, 0, 0, 1, 0, 0, 1]
TREATED = [1, 0, 1, 0, 1, 0, 1, 1, 0, 0]
SCORE = [0.9, 0.9, 0.7, 0.6, 0.5, 0.4, 0.4, 0.3, 0.2, 0.1]
# scikit-uplift 0.5.1: qini_curve and uplift_curve of these ten rows, over rows 0, 2, 3, 4, 5, 7, 8, 9, 10.
ROWS = np.array([0, 2, 3, 4, 5, 7, 8, 9, 10])
SKLIFT_QINI = np.array([0, 1, 2, 1, 0.5, 5 / 3, 4 / 3, 1.75, 1])
SKLIFT_UPLIFT = np.array([0, 2, 3, 2, 5 / 6, 35 / 12, 32 / 15, 3.15, 2])


def simulate(n=6_000, seed=0, share=0.8):
    """One feature that decides the effect; truth (n,) is the planted uplift."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-0.05, 0.25, n)
    treated = (rng.random(n) < share).astype(int)
    y = (rng.random(n) < 0.2 + truth * treated).astype(int)
    return y, truth, treated


def test_the_curves_are_scikit_uplifts_by_a_constant():
    curve = metrics.qini(Y, SCORE, TREATED)
    assert curve.share == pytest.approx(ROWS / 10)
    assert curve.gain == pytest.approx(SKLIFT_QINI / 5)  # five treated rows
    by_hand = np.trapezoid(SKLIFT_QINI / 5, ROWS / 10) - 0.1
    assert qini_coefficient(Y, SCORE, TREATED) == pytest.approx(by_hand)
    assert auuc(Y, SCORE, TREATED) == pytest.approx(np.trapezoid(SKLIFT_UPLIFT, ROWS) / 100)


def test_the_fast_coefficient_is_the_curves_with_ties():
    y, truth, treated = simulate()
    score = np.round(truth, 2)
    assert qini_coefficient(y, score, treated) == pytest.approx(metrics.qini(y, score, treated).coefficient)


def test_the_order_of_rows_changes_nothing():
    y, truth, treated = simulate(2_000)
    score = np.round(truth, 1)
    turned = np.random.default_rng(1).permutation(len(y))
    for measure in (qini_coefficient, auuc):
        assert measure(y[turned], score[turned], treated[turned]) == pytest.approx(measure(y, score, treated))


def test_the_true_uplift_has_a_qini_above_zero_and_chance_has_not():
    y, truth, treated = simulate(20_000)
    chance = np.random.default_rng(2).random(len(y))
    found = uplift_intervals(y, {"truth": truth, "chance": chance}, treated, n=200)
    assert found.qini["truth"].low > 0
    assert found.qini["chance"].low < 0 < found.qini["chance"].high
    assert found.ahead["chance"].low > 0
    assert found.ahead["chance"].value == pytest.approx(
        found.qini["truth"].value - found.qini["chance"].value
    )
    # a score that ranks at random keeps half of the average effect
    effect = y[treated == 1].mean() - y[treated == 0].mean()
    assert found.auuc["chance"].value == pytest.approx(effect / 2, abs=0.01)


def test_the_interval_covers_the_coefficient_of_the_population():
    everyone = simulate(400_000, seed=99)
    truth = qini_coefficient(*(everyone[i] for i in (0, 1, 2)))
    covered = 0
    for seed in range(60):
        y, score, treated = simulate(1_500, seed)
        found = uplift_intervals(y, {"truth": score}, treated, n=200, seed=seed).qini["truth"]
        covered += found.low <= truth <= found.high
    assert 52 <= covered <= 60  # 95 % of sixty are 57


def test_weights_undo_campaigns_of_different_shares():
    # The second campaign responds far more and treats half: pooled plainly, its controls spoil the curve.
    one, two = simulate(40_000, 1, share=0.9), simulate(40_000, 2, share=0.5)
    y = np.concatenate((one[0], (np.random.default_rng(3).random(40_000) < 0.3) | (two[0] == 1))).astype(int)
    treated = np.concatenate((one[2], two[2]))
    campaign = np.repeat((0.0, 1.0), 40_000)  # a score that only knows the campaign
    share = np.repeat((0.9, 0.5), 40_000)
    weight = np.where(treated == 1, 1 / share, 1 / (1 - share))
    wrong = auuc(y, campaign, treated)
    right = auuc(y, campaign, treated, weight=weight)
    effects = [
        y[part & (treated == 1)].mean() - y[part & (treated == 0)].mean()
        for part in (campaign == 0, campaign == 1)
    ]
    by_hand = (3 * effects[1] + effects[0]) / 8  # two trapezoids over the two campaigns
    assert right == pytest.approx(by_hand, abs=0.001)
    assert abs(wrong - by_hand) > 0.02


def test_uplift_by_decile_has_statsmodels_newcombe_intervals():
    y, truth, treated = simulate(20_000)
    rows = uplift_by_decile(y, truth, treated)
    assert [row.decile for row in rows] == list(range(1, 11))
    assert sum(row.treated for row in rows) == treated.sum()
    assert sum(row.control_responders for row in rows) == y[treated == 0].sum()
    first = rows[0]
    by_library = confint_proportions_2indep(
        first.treated_responders, first.treated, first.control_responders, first.control, method="newcomb"
    )
    assert (first.low, first.high) == pytest.approx(by_library)
    assert first.uplift > 0.15 > rows[-1].uplift
    assert first.predicted == pytest.approx(0.235, abs=0.005)
    assert sum(row.inside for row in rows) >= 8


def test_a_decile_without_control_says_nothing():
    y, score, treated = np.array([1, 0, 1, 0]), np.array([4.0, 3, 2, 1]), np.array([1, 1, 1, 0])
    first = uplift_by_decile(y, score, treated, groups=2)[0]
    assert (first.treated, first.control) == (2, 0)
    assert (first.uplift, first.low, first.high, first.inside) == (None, None, None, None)


def test_a_score_that_is_no_uplift_is_not_held_against_it():
    row = uplift_by_decile([1, 0, 1, 0], [0.5] * 4, [1, 1, 0, 0], predicts=False)[0]
    assert (row.predicted, row.inside) == (None, None)


@pytest.mark.parametrize(
    ("y", "score", "treated", "weight", "why"),
    [
        ([1, 0], [0.5, 0.2], [1, 1], None, "treated and control"),
        ([1, 2], [0.5, 0.2], [1, 0], None, "0 or 1"),
        ([1, 0], [np.inf, 0.2], [1, 0], None, "finite"),
        ([1, 0], [0.5], [1, 0], None, "scores of shape"),
        ([1, 0], [0.5, 0.2], [1, 0], [1, 0], "positive numbers"),
        ([], [], [], None, "treated and control"),
    ],
)
def test_what_cannot_be_judged_is_refused(y, score, treated, weight, why):
    with pytest.raises(ValueError, match=why):
        qini_coefficient(y, score, treated, weight=weight)
