"""A segment keeps its number from fit to fit; when too few customers stay, the alarm says so."""

import numpy as np
import pytest

from analytics.modelling.segment_identity import match_segments, migration


def test_renumbered_segments_get_their_numbers_back():
    old = np.repeat([4, 7, 9], [500, 300, 200])
    new = np.repeat([2, 0, 1], [500, 300, 200])
    matching = match_segments(old, new)
    assert matching.identity == (7, 9, 4)
    np.testing.assert_array_equal(matching.relabel(new), old)
    assert (matching.retained, matching.alarm) == (1.0, False)
    assert matching.migration.tolist() == [[500, 0, 0], [0, 300, 0], [0, 0, 200]]
    assert matching.rows == matching.columns == (4, 7, 9)


def test_the_matching_keeps_most_customers_over_all_not_one_by_one():
    # Greedy would pair (0, 0) for 60 and be left with 0 for the other: 60 kept; the best pairing keeps 110.
    old = np.repeat([0, 0, 1], [60, 50, 60])
    new = np.repeat([0, 1, 0], [60, 50, 60])
    matching = match_segments(old, new)
    assert matching.identity == (1, 0)
    assert matching.retained == pytest.approx(110 / 170)


def test_an_alarm_when_too_few_stay():
    rng = np.random.default_rng(0)
    matching = match_segments(rng.integers(0, 4, 1_000), rng.integers(0, 4, 1_000))
    assert matching.alarm
    assert "the segments themselves have changed" in str(matching.sentence)
    steady = match_segments(np.repeat([0, 1], 500), np.repeat([0, 1], [550, 450]))
    assert not steady.alarm
    assert str(steady.sentence) == "95 % of 1000 customers stay in their segment."


def test_a_new_segment_gets_a_number_never_used():
    old = np.repeat([0, 1], [600, 400])
    new = np.repeat([0, 2, 1], [500, 100, 400])
    matching = match_segments(old, new, used=(0, 1, 5))
    assert matching.identity == (0, 1, 6)
    assert matching.columns == (0, 1, 6)
    assert matching.migration.tolist() == [[500, 0, 100], [0, 400, 0]]


def test_a_segment_nobody_knew_continues_none():
    matching = match_segments(np.zeros(10, int), np.zeros(10, int), segments=2)
    assert matching.identity == (0, 1)
    both = match_segments(np.repeat([0, 1], 5), np.zeros(10, int), segments=2)
    assert both.identity == (0, 2)  # 1 has ended: its number is not given to an empty segment


def test_migration_counts_who_came_and_who_left():
    table = migration([3, 3, 8, 8, -1], [3, 8, 8, -1, 3], [3, 8])
    assert table.tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [([1, 2], [1], "different customers"), ([], [], "known to both"), ([-1], [0], "negative")],
)
def test_labels_that_cannot_be_matched_are_refused(old, new, why):
    with pytest.raises(ValueError, match=why):
        match_segments(old, new)
