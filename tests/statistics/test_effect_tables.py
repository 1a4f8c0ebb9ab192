"""Several arms, sample ratios and shrunk cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from campaigns.effect import conversion_effect, newcombe
from campaigns.effect_tables import (
    Cell,
    holm,
    holm_intervals,
    holm_levels,
    sample_ratio,
    sample_ratio_by_group,
    shrink,
    shrink_cells,
)

P_VALUES = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(P_VALUES)
def test_a_holm_level_rejects_exactly_what_holm_rejects(p_values):
    for p, own, adjusted in zip(p_values, holm_levels(p_values), holm(p_values), strict=True):
        if abs(adjusted - 0.05) > 1e-9:
            assert (p < 1 - own) == (adjusted < 0.05)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 50])
def test_corrected_p_values_are_those_of_statsmodels(count):
    p_values = np.random.default_rng(count).random(count) ** 3
    p_values[count // 2] = p_values[0]
    expected = multipletests(p_values, method="holm")[1]
    assert holm(list(p_values)) == pytest.approx(list(expected), abs=1e-12)


def test_one_comparison_needs_no_correction():
    assert holm_levels([0.04]) == [pytest.approx(0.95)]
    assert holm([]) == []


def test_levels_step_down_and_stop_where_holm_stops():
    assert holm_levels([0.03, 0.001, 0.04]) == pytest.approx([1 - 0.025, 1 - 0.05 / 3, 1 - 0.025])


def test_holm_intervals_are_newcombes_at_the_stepped_level():
    counts = [(21387, 3238, 21306, 2262), (21307, 2400, 21306, 2262)]
    p_values = [conversion_effect(*c).p_value for c in counts]
    interval_at = [lambda level, c=c: newcombe(*c, level=level) for c in counts]
    assert holm_intervals(p_values, interval_at) == [newcombe(*counts[0], 0.975), newcombe(*counts[1], 0.95)]


def test_sample_ratio_is_the_chi_square_test():
    expected = stats.chisquare([9100, 900], [9000, 1000])
    answer = sample_ratio({"A": 9100, "control": 900}, {"A": 0.9, "control": 0.1})
    assert (answer.statistic, answer.p_value) == pytest.approx(
        (expected.statistic, expected.pvalue), abs=1e-6
    )
    assert answer.expected == pytest.approx({"A": 9000, "control": 1000})


def test_sample_ratio_blocks_a_lost_tenth_of_control_and_passes_chance():
    shares = {"A": 9, "control": 1}
    assert sample_ratio({"A": 9100, "control": 880}, shares).blocked
    assert not sample_ratio({"A": 9020, "control": 980}, shares).blocked


def test_sample_ratio_false_alarms_stay_near_one_in_a_thousand():
    rng = np.random.default_rng(5)
    control = rng.binomial(10_000, 0.1, 20_000)
    alarms = sum(
        count * sample_ratio({"A": 10_000 - int(n), "c": int(n)}, {"A": 0.9, "c": 0.1}).blocked
        for n, count in zip(*np.unique(control, return_counts=True), strict=True)
    )
    assert 4 <= alarms <= 45  # 20 expected


def test_sample_ratio_finds_eleven_percent_instead_of_ten_in_half_the_runs():
    rng = np.random.default_rng(6)
    found = np.mean(
        [
            sample_ratio({"A": 10_000 - int(n), "c": int(n)}, {"A": 0.9, "c": 0.1}).blocked
            for n in rng.binomial(10_000, 0.11, 2000)
        ]
    )
    assert found == pytest.approx(0.51, abs=0.05)


@pytest.mark.parametrize("shares", [{"A": 0.9}, {"A": 0.9, "control": 0.0}, {"A": 0.9, "B": 0.1}])
def test_sample_ratio_needs_a_positive_share_for_every_arm(shares):
    with pytest.raises(ValueError, match="share"):
        sample_ratio({"A": 90, "control": 10}, shares)


def test_sample_ratio_of_nobody_blocks_nothing():
    assert not sample_ratio({"A": 0, "control": 0}, {"A": 0.9, "control": 0.1}).blocked


def test_sample_ratio_by_branch_names_the_bad_branch_and_skips_the_tiny_one():
    shares = {"A": 0.9, "control": 0.1}
    groups = {
        "Lujiazui": {"A": 900, "control": 100},
        "Wuxi": {"A": 950, "control": 50},
        "Hefei": {"A": 20, "control": 5},
    }
    answer = sample_ratio_by_group(groups, shares)
    assert {name: test.blocked for name, test in answer.items()} == {"Lujiazui": False, "Wuxi": True}
    alone = sample_ratio(groups["Wuxi"], shares).p_value
    assert answer["Wuxi"].p_value == pytest.approx(2 * alone)


def test_shrinkage_equals_dersimonian_laird_by_hand():
    estimates, variances = np.array([0.01, 0.05, -0.02, 0.03]), np.array([1e-4, 2e-4, 1e-4, 4e-4])
    w = 1 / variances
    fixed = (w @ estimates) / w.sum()
    q = w @ (estimates - fixed) ** 2
    tau2 = (q - 3) / (w.sum() - (w**2).sum() / w.sum())
    mean = ((1 / (variances + tau2)) @ estimates) / (1 / (variances + tau2)).sum()
    answer = shrink(estimates, variances)
    assert (answer.tau2, answer.mean) == pytest.approx((tau2, mean), abs=1e-6)
    expected = (tau2 * estimates + variances * mean) / (tau2 + variances)
    assert answer.values == pytest.approx(tuple(expected), abs=1e-6)
    assert answer.ranks == (3, 1, 4, 2)
    widths = [interval.high - interval.low for interval in answer.intervals]
    assert widths[3] > widths[1] > widths[0]


def test_cells_that_differ_by_chance_only_are_all_equal_and_not_ranked():
    answer = shrink([0.010, 0.011, 0.009], [1e-4, 1e-4, 1e-4])
    assert answer.tau2 == 0
    assert answer.values == pytest.approx((0.010, 0.010, 0.010))
    assert answer.ranks == (None, None, None)
    half = 1.959964 * np.sqrt(1e-4 / 3)
    assert answer.intervals[0].high == pytest.approx(0.010 + half, abs=1e-6)


def test_a_lone_cell_keeps_its_estimate():
    answer = shrink([0.02], [1e-4])
    assert (answer.values, answer.ranks) == ((0.02,), (None,))


@pytest.mark.parametrize(("estimates", "variances"), [([], []), ([0.1], [0.0]), ([0.1, 0.2], [0.1])])
def test_shrinkage_needs_one_positive_variance_per_estimate(estimates, variances):
    with pytest.raises(ValueError, match="variance"):
        shrink(estimates, variances)


def simulated_rms(rng: np.random.Generator, count: int, spread: float) -> tuple[list[Cell], np.ndarray]:
    truth = rng.normal(0.015, spread, count)
    treated = rng.binomial(400, np.clip(0.03 + truth, 0, 1))
    control = rng.binomial(100, 0.03, count)
    cells = [
        Cell(f"RM {i}", 400, int(t), 100, int(c))
        for i, (t, c) in enumerate(zip(treated, control, strict=True))
    ]
    return cells, truth


def test_shrunk_effects_of_two_hundred_rms_are_nearer_the_truth_and_their_intervals_hold_it():
    raw_errors, shrunk_errors, covered, offsets = [], [], [], []
    for seed in range(8):
        cells, truth = simulated_rms(np.random.default_rng(seed), 200, 0.015)
        rows, shrinkage = shrink_cells(cells)
        assert shrinkage.tau2 > 0
        raw_errors.append(np.mean((np.array([row.raw.value for row in rows]) - truth) ** 2))
        shrunk_errors.append(np.mean((np.array([row.shrunk for row in rows]) - truth) ** 2))
        covered += [r.interval.low <= t <= r.interval.high for r, t in zip(rows, truth, strict=True)]
        offsets.append(shrinkage.mean - truth.mean())
    assert np.mean(shrunk_errors) < np.mean(raw_errors) / 2
    assert 0.88 < np.mean(covered) < 0.97
    assert abs(np.mean(offsets)) < 0.002


def test_cells_under_thirty_per_arm_are_left_out_and_one_without_conversions_is_kept():
    rows, _ = shrink_cells([Cell("Wuxi", 300, 0, 30, 0), Cell("Hefei", 300, 9, 29, 1)])
    assert [row.cell.label for row in rows] == ["Wuxi"]
    assert shrink_cells([Cell("Hefei", 29, 1, 300, 4)]) == ([], None)
