"""Simulated campaigns with a known truth: how often the verdict is wrong."""

from datetime import date

import numpy as np
import pytest

from campaigns.effect import Moments, newcombe, welch
from campaigns.verdict import ArmCounts, Circumstances, Verdict, evaluate_arms

CIRCUMSTANCES = Circumstances(today=date(2026, 3, 1))
PROVED = (Verdict.PROVED_POSITIVE, Verdict.PROVED_NEGATIVE)


def readouts(rng: np.random.Generator, runs: int, rates: list[float], n_treated: int, n_control: int):
    """`rates` are those of control and then of each treated arm."""
    control = rng.binomial(n_control, rates[0], runs)
    treated = rng.binomial(n_treated, rates[1:], (runs, len(rates) - 1))
    for converted, base in zip(treated, control, strict=True):
        arms = [ArmCounts(f"T{i}", True, n_treated, int(count)) for i, count in enumerate(converted)]
        yield evaluate_arms([*arms, ArmCounts("control", False, n_control, int(base))], CIRCUMSTANCES)


def test_a_thousand_campaigns_without_effect_are_proved_in_three_to_seven_percent():
    runs = readouts(np.random.default_rng(1), 1000, [0.02, 0.02], 9000, 1000)
    assert 0.03 <= np.mean([readout.verdict in PROVED for readout in runs]) <= 0.07


def test_three_arms_without_effect_prove_something_no_more_often_than_one():
    runs = readouts(np.random.default_rng(2), 400, [0.05] * 4, 3000, 3000)
    share = np.mean([any(arm.verdict in PROVED for arm in readout.arms) for readout in runs])
    assert 0.005 <= share <= 0.08


@pytest.mark.parametrize(
    ("n_treated", "n_control", "base"), [(9000, 1000, 0.02), (900, 100, 0.05), (450, 50, 0.02)]
)
def test_the_interval_covers_a_true_gain_of_one_point(n_treated, n_control, base):
    rng = np.random.default_rng(n_treated)
    pairs = zip(rng.binomial(n_treated, base + 0.01, 3000), rng.binomial(n_control, base, 3000), strict=True)
    intervals = [newcombe(n_treated, int(t), n_control, int(c)) for t, c in pairs]
    assert 0.93 <= np.mean([interval.low <= 0.01 <= interval.high for interval in intervals]) <= 0.97


def test_of_the_arms_declared_different_at_most_five_percent_miss_the_truth():
    """The promise of `holm_levels`: a false coverage rate of alpha over the declared arms."""
    truth = [0.0, 0.006, 0.02]
    rates = []
    for readout in readouts(np.random.default_rng(3), 500, [0.03, *(0.03 + t for t in truth)], 6000, 6000):
        declared = [(a, t) for a, t in zip(readout.arms, truth, strict=True) if a.verdict in PROVED]
        missed = [not a.figures.interval.low <= t <= a.figures.interval.high for a, t in declared]
        rates.append(np.mean(missed) if missed else 0.0)
    assert 0.0 < np.mean(rates) <= 0.065


def test_welch_covers_the_mean_of_zero_inflated_revenue_with_many_buyers():
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(400):
        arms = [np.where(rng.random(n) < 0.1, rng.lognormal(5, 0.5, n), 0.0) for n in (9000, 2000)]
        moments = [Moments(len(a), a.mean(), a.var(ddof=1), int((a > 0).sum())) for a in arms]
        covered.append(welch(*moments).interval.low <= 0 <= welch(*moments).interval.high)
    assert 0.92 <= np.mean(covered) <= 0.98
