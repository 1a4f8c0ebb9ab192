"""Effects and intervals agree with statsmodels and scipy, edge cases included."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from campaigns.effect import (
    Estimate,
    Interval,
    Moments,
    PairedMoments,
    cace,
    conversion_effect,
    cuped,
    newcombe,
    revenue_effect,
    roi,
    welch,
    wilson,
)
from campaigns.refusal import Code, Refusal

CASES = [
    (9000, 270, 1000, 20),
    (900, 0, 100, 0),
    (900, 900, 100, 100),
    (900, 900, 100, 0),
    (900, 0, 100, 100),
    (1, 0, 1, 1),
    (3, 2, 2, 0),
    (21387, 3238, 21306, 2262),
]


@st.composite
def two_arms(draw):
    n1, n2 = draw(st.integers(1, 3000)), draw(st.integers(1, 3000))
    return n1, draw(st.integers(0, n1)), n2, draw(st.integers(0, n2))


@pytest.mark.parametrize("counts", CASES)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_conversion_interval_is_newcombes(counts, level):
    n1, x1, n2, x2 = counts
    low, high = confint_proportions_2indep(x1, n1, x2, n2, method="newcomb", alpha=1 - level)
    effect = conversion_effect(*counts, level=level)
    assert (effect.interval.low, effect.interval.high) == pytest.approx((low, high), abs=1e-6)
    assert effect.value == pytest.approx(x1 / n1 - x2 / n2, abs=1e-12)
    for arm, count in ((effect.treated, x1), (effect.control, x2)):
        assert (arm.interval.low, arm.interval.high) == pytest.approx(
            proportion_confint(count, arm.n, alpha=1 - level, method="wilson"), abs=1e-6
        )


def test_newcombes_published_example_is_met():
    """Newcombe 1998, table II, example (a): 56/70 against 48/80 gives 0.0524 to 0.3339."""
    interval = newcombe(70, 56, 80, 48)
    assert (interval.low, interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(two_arms())
def test_p_value_is_below_five_percent_exactly_when_the_interval_excludes_zero(counts):
    effect = conversion_effect(*counts)
    assert 0 <= effect.p_value <= 1
    assert (effect.p_value < 0.05) == effect.significant


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(two_arms())
def test_the_interval_at_one_minus_p_ends_at_zero(counts):
    effect = conversion_effect(*counts)
    if 1e-9 < effect.p_value < 1:
        at_p = newcombe(*counts, level=1 - effect.p_value)
        assert min(abs(at_p.low), abs(at_p.high)) < 1e-6


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(two_arms())
def test_swapping_the_arms_turns_the_sign(counts):
    n1, x1, n2, x2 = counts
    one, other = conversion_effect(n1, x1, n2, x2), conversion_effect(n2, x2, n1, x1)
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-12)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-9)


def test_equal_rates_have_p_one():
    assert conversion_effect(100, 5, 200, 10).p_value == 1


def test_an_overwhelming_effect_keeps_a_tiny_p_value():
    assert 0 < conversion_effect(100_000, 50_000, 100_000, 100).p_value < 1e-14


def test_an_empty_arm_is_an_error():
    with pytest.raises(ValueError, match="at least one customer"):
        conversion_effect(0, 0, 100, 5)


@pytest.mark.parametrize("count", [-1, 11])
def test_more_conversions_than_customers_is_an_error(count):
    with pytest.raises(ValueError, match="is not a proportion"):
        wilson(count, 10)


def test_an_interval_that_ends_at_zero_does_not_exclude_it():
    assert not Interval(0.0, 0.1).excludes_zero
    assert not Interval(-0.1, 0.0).excludes_zero
    assert Interval(0.001, 0.1).excludes_zero
    assert Interval(-0.1, -0.001).excludes_zero


def test_a_negative_factor_swaps_the_ends():
    assert Interval(-1.0, 3.0).times(-2.0) == Interval(-6.0, 2.0)


def test_wilson_without_data_is_the_whole_range():
    assert wilson(0, 0) == Interval(0.0, 1.0)


def test_extra_conversions_are_the_effect_over_all_treated():
    total = conversion_effect(9000, 270, 1000, 20).total()
    assert total.value == pytest.approx(90)
    low, high = confint_proportions_2indep(270, 9000, 20, 1000, method="newcomb")
    assert (total.interval.low, total.interval.high) == pytest.approx((9000 * low, 9000 * high), abs=1e-6)


def moments_of(values: np.ndarray) -> Moments:
    return Moments(len(values), float(values.mean()), float(values.var(ddof=1)), int((values != 0).sum()))


def heavy_tailed(rng: np.random.Generator, n: int, rate: float) -> np.ndarray:
    return np.where(rng.random(n) < rate, rng.lognormal(8, 1.5, n), 0.0)


@pytest.mark.parametrize(("n1", "n2", "rate"), [(5000, 700, 0.2), (400, 4000, 0.5), (30, 25, 0.6)])
def test_revenue_interval_is_welchs(n1, n2, rate):
    rng = np.random.default_rng(n1)
    treated, control = heavy_tailed(rng, n1, rate), heavy_tailed(rng, n2, rate)
    expected = stats.ttest_ind(treated, control, equal_var=False)
    low, high = expected.confidence_interval(0.95)
    effect = revenue_effect(moments_of(treated), moments_of(control)).uncapped
    assert effect.p_value == pytest.approx(expected.pvalue, abs=1e-6)
    assert (effect.interval.low, effect.interval.high) == pytest.approx((low, high), rel=1e-9)


def test_revenue_under_a_hundred_buyers_is_approximate_and_from_there_on_is_not():
    few, enough = Moments(1000, 50.0, 1e6, 99), Moments(1000, 50.0, 1e6, 100)
    assert revenue_effect(enough, few).uncapped.approximate
    assert not revenue_effect(enough, enough).uncapped.approximate


def test_revenue_under_ten_buyers_is_refused():
    answer = revenue_effect(Moments(1000, 50.0, 1e6, 300), Moments(1000, 5.0, 1e5, 9))
    assert answer.uncapped is None
    assert answer.refusal.code == Code.TOO_FEW_BUYERS
    assert "9" in answer.refusal.sentence
    assert "10" in answer.refusal.needed
    assert revenue_effect(Moments(1000, 50.0, 1e6, 300), Moments(1000, 5.0, 1e5, 10)).refusal is None


def test_the_capped_effect_stands_beside_the_uncapped():
    rng = np.random.default_rng(3)
    treated, control = heavy_tailed(rng, 4000, 0.1), heavy_tailed(rng, 1000, 0.1)
    cap = float(np.quantile(np.concatenate([treated, control]), 0.99))
    cut = [np.minimum(arm, cap) for arm in (treated, control)]
    answer = revenue_effect(
        moments_of(treated),
        moments_of(control),
        capped=(moments_of(cut[0]), moments_of(cut[1])),
        cap=cap,
    )
    assert answer.cap == cap
    assert answer.capped.value == pytest.approx(cut[0].mean() - cut[1].mean())
    assert answer.uncapped.value == pytest.approx(treated.mean() - control.mean())
    widths = [e.interval.high - e.interval.low for e in (answer.capped, answer.uncapped)]
    assert widths[0] < widths[1]


def test_two_constant_arms_give_their_exact_difference():
    effect = welch(Moments(10, 5.0, 0.0, 10), Moments(10, 3.0, 0.0, 10))
    assert (effect.interval.low, effect.interval.high, effect.p_value) == (2.0, 2.0, 0.0)
    assert welch(Moments(10, 3.0, 0.0, 10), Moments(10, 3.0, 0.0, 10)).p_value == 1.0


def test_a_single_customer_has_no_variance():
    with pytest.raises(ValueError, match="at least two customers"):
        welch(Moments(1, 5.0, 0.0, 1), Moments(10, 3.0, 1.0, 10))


def test_roi_carries_the_interval_through():
    increment = Estimate(100.0, Interval(40.0, 160.0))
    answer = roi(increment, margin=50.0, cost=1000.0)
    assert (answer.value, answer.interval.low, answer.interval.high) == pytest.approx((4.0, 1.0, 7.0))
    assert answer.proved


def test_roi_with_an_interval_over_zero_is_not_proved():
    assert not roi(Estimate(100.0, Interval(10.0, 190.0)), margin=50.0, cost=1000.0).proved


def test_roi_of_a_loss_can_be_proved():
    answer = roi(Estimate(-10.0, Interval(-20.0, 5.0)), margin=50.0, cost=1000.0)
    assert answer.interval.high < 0
    assert answer.proved


def test_roi_without_cost_is_refused_and_a_negative_cost_is_an_error():
    answer = roi(Estimate(100.0, Interval(40.0, 160.0)), margin=50.0, cost=0.0)
    assert isinstance(answer, Refusal)
    assert answer.code == Code.NO_COST
    with pytest.raises(ValueError, match="negative"):
        roi(Estimate(1.0, Interval(0.0, 2.0)), margin=1.0, cost=-1.0)


def paired(after: np.ndarray, before: np.ndarray) -> PairedMoments:
    covariance = np.cov(after, before)
    return PairedMoments(
        len(after),
        float(after.mean()),
        float(covariance[0, 0]),
        float(before.mean()),
        float(covariance[1, 1]),
        float(covariance[0, 1]),
    )


def test_cuped_is_the_regression_on_arm_and_pre_period_metric():
    rng = np.random.default_rng(11)
    before = rng.lognormal(3, 1, 5000)
    treated = np.arange(5000) < 4000
    after = 0.8 * before + rng.normal(0, 12, 5000) + 3 * treated
    answer = cuped(paired(after[treated], before[treated]), paired(after[~treated], before[~treated]))
    fitted = sm.OLS(after, sm.add_constant(np.column_stack([treated, before]))).fit()
    assert answer.adjusted.value == pytest.approx(fitted.params[1], abs=1e-6)
    assert answer.theta == pytest.approx(fitted.params[2], abs=1e-6)
    residue = after - answer.theta * before
    low, high = stats.ttest_ind(residue[treated], residue[~treated], equal_var=False).confidence_interval()
    assert (answer.adjusted.interval.low, answer.adjusted.interval.high) == pytest.approx(
        (low, high), abs=1e-6
    )
    assert answer.raw.value == pytest.approx(after[treated].mean() - after[~treated].mean())


def test_cuped_gains_what_the_correlation_promises():
    """Correlation .87 leaves 1 - .87**2 = .24 of the variance."""
    rng = np.random.default_rng(12)
    before = rng.normal(size=40_000)
    after = 0.87 * before + math.sqrt(1 - 0.87**2) * rng.normal(size=40_000)
    answer = cuped(paired(after[:30_000], before[:30_000]), paired(after[30_000:], before[30_000:]))
    assert answer.variance_ratio == pytest.approx(0.243, abs=0.01)


def test_cuped_without_pre_period_variance_leaves_the_raw_effect():
    arms = PairedMoments(100, 5.0, 2.0, 0.0, 0.0, 0.0), PairedMoments(50, 4.0, 2.0, 0.0, 0.0, 0.0)
    answer = cuped(*arms)
    assert answer.adjusted.interval == answer.raw.interval
    assert (answer.theta, answer.variance_ratio) == (0.0, 1.0)


def test_contact_effect_is_the_assignment_effect_over_the_contact_difference():
    itt = conversion_effect(9000, 270, 1000, 20)
    answer = cace(itt, treated_contacted=5400, control_contacted=20)
    assert answer.contact_difference == pytest.approx(0.58)
    assert answer.estimate.value == pytest.approx(itt.value / 0.58)
    assert answer.estimate.interval.low == pytest.approx(itt.interval.low / 0.58)
    assert answer.estimate.interval.high == pytest.approx(itt.interval.high / 0.58)
    assert answer.refusal is None


@pytest.mark.parametrize(
    ("n", "treated_contacted", "control_contacted"),
    [(1000, 300, 201), (1000, 200, 400), (40, 24, 18)],
    ids=["under 10 points", "control contacted more", "F under 10"],
)
def test_contact_effect_is_refused_when_contacts_hardly_differ(n, treated_contacted, control_contacted):
    itt = conversion_effect(n, n // 10, n, n // 20)
    answer = cace(itt, treated_contacted, control_contacted)
    assert answer.estimate is None
    assert answer.refusal.code == Code.CONTACT_DIFFERENCE_SMALL


def test_contact_effect_when_everybody_and_nobody_was_contacted_is_the_assignment_effect():
    itt = conversion_effect(9000, 270, 1000, 20)
    answer = cace(itt, 9000, 0)
    assert answer.estimate.value == itt.value
    assert answer.first_stage_f == math.inf


def test_more_contacted_than_assigned_is_an_error():
    with pytest.raises(ValueError, match="more customers contacted"):
        cace(conversion_effect(100, 10, 100, 5), 101, 0)
