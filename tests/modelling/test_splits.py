"""Splits follow time, keep a date whole, and refuse a history that cannot be judged."""

import numpy as np
import pytest

from analytics.modelling.splits import CannotSplit, split_at, time_split


def month_starts(count, rows):
    months = np.datetime64("2024-01") + np.arange(count)
    return np.repeat(months.astype("datetime64[D]"), rows)


def alternating(n):
    return np.arange(n) % 2


def test_the_parts_follow_each_other_and_share_no_date():
    rng = np.random.default_rng(0)
    dates = rng.permutation(month_starts(10, 100))
    slices = time_split(dates, alternating(1_000))
    train, validation, last = (dates[rows] for _, rows in slices.parts())
    assert train.max() < validation.min() == slices.validation_from
    assert validation.max() < last.min() == slices.out_of_time_from
    assert [len(train), len(validation), len(last)] == [600, 200, 200]


def test_few_snapshots_leave_one_for_each_part():
    slices = time_split(month_starts(3, 50), alternating(150))
    assert [len(rows) for _, rows in slices.parts()] == [50, 50, 50]


def test_one_large_last_snapshot_does_not_swallow_the_others():
    dates = np.repeat([1, 2, 3, 4], [10, 10, 10, 970])
    slices = time_split(dates, alternating(1_000))
    assert [len(rows) for _, rows in slices.parts()] == [20, 10, 970]


def test_rows_whose_outcome_was_not_yet_known_are_dropped():
    dates = np.repeat(np.arange(10), 10)
    slices = split_at(dates, alternating(100), 5, 8, embargo=2)
    assert dates[slices.train].max() == 3
    assert dates[slices.validation].max() == 6
    assert slices.dropped == 20
    assert split_at(dates, alternating(100), 5, 8).dropped == 0


def test_the_summary_counts_each_part():
    dates = month_starts(10, 10)
    summary = time_split(dates, alternating(100)).summary(dates, alternating(100))
    assert summary["out_of_time"] == {"n": 20, "positives": 10, "from": "2024-09-01", "to": "2024-10-01"}


@pytest.mark.parametrize(
    ("part", "rows"),
    [("train", slice(0, 60)), ("validation", slice(60, 80)), ("out_of_time", slice(80, 100))],
)
def test_it_refuses_a_part_without_positives(part, rows):
    y = alternating(100)
    y[rows] = 0
    with pytest.raises(CannotSplit, match=f"{part} part .* has no positive"):
        time_split(np.repeat(np.arange(10), 10), y)


def test_it_refuses_a_part_of_positives_only():
    y = alternating(100)
    y[80:] = 1
    with pytest.raises(CannotSplit, match="non-responders"):
        time_split(np.repeat(np.arange(10), 10), y)


def test_it_refuses_two_snapshots_and_unknown_dates():
    with pytest.raises(CannotSplit, match="three snapshot dates; there are 2"):
        time_split([1, 1, 2, 2], [0, 1, 0, 1])
    with pytest.raises(CannotSplit, match="snapshot date"):
        time_split(np.array(["2024-01-01", "NaT", "2024-03-01"], dtype="datetime64[D]"), [0, 1, 0])


def test_a_refusal_is_a_value_error_with_a_translatable_sentence():
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the type is the point
        time_split([1, 1], [0, 1])
    assert refusal.value.sentence.values == {"found": 1}
    assert "%(found)s" in refusal.value.sentence.template


@pytest.mark.parametrize(("count", "parts"), [(5, (3, 1, 1)), (6, (4, 1, 1)), (7, (5, 1, 1)), (8, (5, 1, 2))])
def test_another_month_reaches_training_before_long(count: int, parts: tuple[int, ...]) -> None:
    dates = month_starts(count, 10)
    slices = time_split(dates, alternating(len(dates)))
    assert tuple(len(np.unique(dates[rows])) for _, rows in slices.parts()) == parts
