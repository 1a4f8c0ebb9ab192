"""PSI by hand, with its floor, its spikes and its missing values."""

import numpy as np
import pytest

from analytics.modelling import stability
from analytics.modelling.limits import PSI_ACT
from analytics.modelling.matrix import FeatureSpec


def test_psi_of_two_categories_by_hand():
    expected, actual = ["a"] * 50 + ["b"] * 50, ["a"] * 75 + ["b"] * 25
    by_hand = 0.25 * np.log(0.75 / 0.5) + -0.25 * np.log(0.25 / 0.5)
    assert stability.psi_categorical(expected, actual) == pytest.approx(by_hand)


def test_an_unseen_category_counts_from_the_floor():
    by_hand = (0.5 - 1) * np.log(0.5) + (0.5 - 1e-4) * np.log(0.5 / 1e-4)
    assert stability.psi_categorical(["a"] * 10, ["a"] * 5 + ["b"] * 5) == pytest.approx(by_hand)


def test_the_same_sample_has_no_psi_and_a_shifted_one_has():
    rng = np.random.default_rng(0)
    values = rng.normal(size=5_000)
    assert stability.psi(values, values) == 0
    assert stability.psi(values, rng.normal(size=5_000)) < 0.01
    # ∫(φ(x−1) − φ(x)) ln(φ(x−1)/φ(x)) dx = 1 for a shift of one standard deviation; ten bins see most of it
    assert 0.8 < stability.psi(values, values + 1) < 1.0


def test_bins_hold_a_tenth_each_of_the_expected_sample():
    known = stability.reference(np.arange(1_000))
    assert known.shares == pytest.approx([0.1] * 10 + [0])


def test_a_spike_at_zero_is_one_bin_and_new_missing_values_are_seen():
    values = np.concatenate((np.zeros(600), np.linspace(1, 2, 400)))
    known = stability.reference(values)
    assert max(known.shares) == pytest.approx(0.6)
    with_gaps = values.copy()
    with_gaps[::2] = np.nan
    assert known.psi(with_gaps) > PSI_ACT
    assert known.shares_of(with_gaps)[-1] == pytest.approx(0.5)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_flag_is_compared_exactly(share):
    flag = (np.arange(1_000) < 1_000 * share).astype(float)
    half = (np.arange(1_000) < 300).astype(float)
    by_hand = (0.3 - share) * np.log(0.3 / share) + (share - 0.3) * np.log(0.7 / (1 - share))
    assert stability.psi(flag, half) == pytest.approx(by_hand)


def test_a_cap_that_loosens_is_noticed():
    rng = np.random.default_rng(1)
    capped = np.minimum(rng.exponential(size=1_000) * 20, 1)
    loosened = np.where(np.arange(1_000) % 2, capped, 0.99)
    assert stability.psi(capped, loosened) > PSI_ACT


def test_a_constant_column_notices_any_new_value():
    known = stability.reference(np.zeros(100))
    assert known.psi(np.zeros(50)) == 0
    assert known.psi(np.ones(50)) > PSI_ACT
    assert known.psi(-np.ones(50)) > PSI_ACT


def test_an_all_missing_column_is_a_reference_too():
    known = stability.reference(np.full(10, np.nan))
    assert known.psi(np.full(5, np.nan)) == 0
    assert known.psi(np.zeros(5)) > PSI_ACT


def test_category_codes_have_a_bin_each():
    spec = FeatureSpec("region", "categorical", "Region", ("a", "b", "c"))
    known = stability.feature_reference(np.array([0, 0, 1, 2, np.nan]), spec)
    assert known.shares == pytest.approx([0.4, 0.2, 0.2, 0.2])


def test_it_refuses_nothing_to_compare():
    with pytest.raises(ValueError, match="no rows"):
        stability.psi([1.0, 2.0], [])
