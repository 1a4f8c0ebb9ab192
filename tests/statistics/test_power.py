"""What a control group will be able to show, before launch."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import power_proportions_2indep

from campaigns.power import (
    control_needed,
    judgeable,
    minimum_detectable_effect,
    power_curve,
    power_of,
    sample_needed,
)


@pytest.mark.parametrize(
    ("n_treated", "n_control", "points"), [(9000, 1000, 1.60), (90_000, 10_000, 0.44)], ids=["small", "large"]
)
def test_minimum_detectable_effect_at_two_percent(n_treated, n_control, points):
    assert round(minimum_detectable_effect(0.02, n_treated, n_control) * 100, 2) == points


def test_half_a_point_at_nine_to_one_needs_seventy_nine_thousand_customers():
    assert sample_needed(0.02, 0.005, 0.1) == (71_320, 7_925)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.floats(0.001, 0.8), st.integers(100, 50_000), st.integers(100, 50_000), st.sampled_from([0.01, 0.05])
)
def test_the_minimum_detectable_effect_has_exactly_the_asked_power(base_rate, n_treated, n_control, alpha):
    mde = minimum_detectable_effect(base_rate, n_treated, n_control, power=0.8, alpha=alpha)
    if mde is not None:
        result = power_proportions_2indep(mde, base_rate, n_treated, n_control / n_treated, alpha)
        assert result.power == pytest.approx(0.8, abs=1e-6)


def test_power_agrees_with_the_arcsine_approximation_to_a_point():
    effect_size = 2 * (0.13**0.5 - 0.10**0.5) / (0.115 * 0.885) ** 0.5 * 0.115**0.5
    other = NormalIndPower().power(effect_size, 2000, 0.05, ratio=1)
    assert power_of(0.03, 0.10, 2000, 2000) == pytest.approx(other, abs=0.01)


def test_an_effect_shown_by_nobody_is_none():
    assert minimum_detectable_effect(0.5, 2, 2) is None


def test_a_base_rate_of_zero_still_has_a_minimum_detectable_effect():
    assert 0.004 < minimum_detectable_effect(0.0, 9000, 1000) < 0.006


@pytest.mark.parametrize(("base_rate", "n_control"), [(1.0, 100), (-0.1, 100), (0.1, 0)])
def test_impossible_rates_and_empty_arms_are_errors(base_rate, n_control):
    with pytest.raises(ValueError, match=r"base rate|at least one customer"):
        minimum_detectable_effect(base_rate, 1000, n_control)


@pytest.mark.parametrize("effect", [0.0095, 0.01, 0.011, 0.012, 0.015, 0.02, 0.03])
def test_the_control_needed_is_the_smallest_that_suffices(effect):
    needed = control_needed(0.02, effect, 10_000)
    assert power_of(effect, 0.02, 10_000 - needed, needed) >= 0.8
    assert power_of(effect, 0.02, 10_000 - needed + 1, needed - 1) < 0.8


def test_no_control_is_large_enough_for_half_a_point_in_ten_thousand():
    assert control_needed(0.02, 0.005, 10_000) is None


def test_the_control_needed_is_never_under_thirty():
    assert control_needed(0.02, 0.9, 10_000) == 30
    assert control_needed(0.02, 0.9, 50) is None


@pytest.mark.parametrize("effect", [0.0, -0.01, 0.98])
def test_an_effect_that_cannot_be_is_an_error(effect):
    with pytest.raises(ValueError, match="effect must be positive"):
        sample_needed(0.02, effect, 0.1)
    with pytest.raises(ValueError, match="effect must be positive"):
        control_needed(0.02, effect, 10_000)


def test_the_curve_falls_as_the_control_grows_to_half():
    curve = power_curve(0.02, 10_000)
    mdes = [point.mde for point in curve]
    assert mdes == sorted(mdes, reverse=True)
    assert all(point.n_treated + point.n_control == 10_000 for point in curve)
    at_ten = next(point for point in curve if point.control_share == 0.10)
    assert at_ten.mde == minimum_detectable_effect(0.02, 9000, 1000)


def test_the_curve_leaves_out_shares_that_withhold_nobody():
    assert [point.control_share for point in power_curve(0.1, 40, shares=(0.0, 0.01, 0.5, 1.0))] == [0.5]


def test_a_campaign_large_enough_is_judgeable():
    answer = judgeable(0.02, 90_000, 10_000, 0.005)
    assert answer.judgeable
    assert "0.44 points" in answer.sentence
    assert answer.n_control_needed is None


def test_a_campaign_too_small_says_what_it_would_take():
    answer = judgeable(0.02, 9000, 1000, 0.005)
    assert not answer.judgeable
    assert "only effects of 1.60 points" in answer.sentence
    assert "71,320 treated and 7,925 control" in answer.sentence
    assert (answer.n_treated_needed, answer.n_control_needed, answer.larger_control) == (71_320, 7_925, None)


def test_a_campaign_too_small_by_its_share_alone_names_the_larger_control():
    assert judgeable(0.02, 9000, 1000, 0.01).larger_control == control_needed(0.02, 0.01, 10_000)


def test_an_arm_under_thirty_cannot_be_judged():
    answer = judgeable(0.02, 9000, 29, 0.5)
    assert not answer.judgeable
    assert "at least 30 customers" in answer.sentence


def test_arms_that_show_nothing_at_all_say_so():
    answer = judgeable(0.9, 30, 30, 0.05)
    assert not answer.judgeable
    assert "cannot show an effect of any size" in answer.sentence


@pytest.mark.parametrize(
    ("expected", "shown"), [(-0.002, "−0.20 points"), (0.0, "0.00 points"), (0.99, None)]
)
def test_an_expected_loss_is_not_judgeable_as_a_gain_and_is_no_error(expected, shown):
    answer = judgeable(0.02, 9000, 1000, expected)
    assert answer.judgeable == (shown is None)
    assert answer.n_control_needed is None
    if shown:
        assert f"the expected effect is {shown}." in answer.sentence
