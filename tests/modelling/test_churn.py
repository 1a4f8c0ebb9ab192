"""Definitions of leaving are data, labels follow them, and two chances give the grade the database gives."""

import json

import numpy as np
import pytest

from analytics.modelling.churn import (
    EARLY_DAYS,
    TIMES_AVERAGE,
    ChurnDefinition,
    label_balance,
    label_prepayment,
    loyalty_grades,
)

FALLS = ChurnDefinition("falls", 90, share=0.5, least=1_000)
CLOSES = ChurnDefinition("closes", 60)
PREPAYS = ChurnDefinition("prepays", 90)


def test_a_balance_that_falls_under_the_share_has_left():
    before = [2_000, 2_000, 2_000, 999, 0, np.nan, 1_000]
    after = [1_000, 999, np.nan, 0, 50, 10, 2_000]
    labels = label_balance(FALLS, before, after)
    assert labels.asked.tolist() == [True, True, True, False, False, False, True]
    assert labels.left.tolist() == [0, 1, 1, 0, 0, 0, 0]


def test_closing_is_having_nothing_left():
    labels = label_balance(CLOSES, [10, 10, 0], [0.01, 0, 0])
    assert labels.asked.tolist() == [True, True, False]
    assert labels.left.tolist() == [0, 1, 0]


def test_repaying_shortly_before_the_due_date_is_no_prepayment():
    due = ["2025-12-31", "2025-12-31", "2025-03-20", "2025-01-15", "2025-12-31", "2025-12-31"]
    closed = ["2025-03-01", "2025-07-01", "2025-03-01", "2025-01-10", "NaT", "2024-12-01"]
    labels = label_prepayment(PREPAYS, "2025-01-01", due, closed, [100] * 6)
    assert labels.asked.tolist() == [True, True, True, False, True, False]
    assert labels.left.tolist() == [1, 0, 0, 0, 0, 0]


def test_a_definition_survives_json_and_reads_as_a_sentence():
    for definition in (FALLS, CLOSES, PREPAYS):
        assert ChurnDefinition.from_json(json.loads(json.dumps(definition.to_json()))) == definition
    assert str(FALLS.sentence) == "The balance falls under 50 % of what it was within 90 days."
    with pytest.raises(ValueError, match="not a churn definition"):
        ChurnDefinition.from_json({"event": "falls"})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"event": "leaves", "days": 9}, "unknown event"),
        ({"event": "falls", "days": 9}, "share between"),
        ({"event": "falls", "days": 9, "share": 1.0}, "share between"),
        ({"event": "closes", "days": 9, "share": 0.5}, "only a falling"),
        ({"event": "closes", "days": 0}, "at least one day"),
        ({"event": "closes", "days": 1, "least": -1}, "negative"),
    ],
)
def test_impossible_definitions_cannot_exist(arguments, why):
    with pytest.raises(ValueError, match=why):
        ChurnDefinition(**arguments)


def test_each_way_of_leaving_is_read_from_its_own_facts():
    with pytest.raises(ValueError, match="dates of contracts"):
        label_balance(PREPAYS, [1], [1])
    with pytest.raises(ValueError, match="dates of contracts"):
        label_prepayment(FALLS, "2025-01-01", [], [], [])
    with pytest.raises(ValueError, match="different customers"):
        label_balance(FALLS, [1, 2], [1])


def test_the_higher_multiple_decides_and_facts_are_the_best_possible():
    # binary fractions, so that a multiple of exactly 1.5, 2 and 3 is that
    grades = loyalty_grades(
        ["A", "A", "A", "A", "D", "B", "A"],
        [0.125, 0.1875, 0.25, 0.125, 0.0, np.nan, np.nan],
        [0.03125, 0.0625, 0.0625, 0.1875, 0.0, 0.0625, np.nan],
        averages=(0.125, 0.0625),
    )
    assert grades.tolist() == ["A", "B", "C", "D", "D", "B", "A"]


def test_the_average_is_that_of_the_customers_it_was_computed_for():
    grades = loyalty_grades(["A"] * 4, [0.125, 0.125, 0.5, np.nan], [np.nan] * 4)
    assert grades.tolist() == ["A", "A", "C", "A"]  # average 0.25: the third is twice as likely
    assert loyalty_grades(["A", "C"], [0, 0], [np.nan, np.nan]).tolist() == ["A", "C"]


def test_the_rules_are_those_of_the_database():
    from analytics import targets
    from customers import attitude

    assert TIMES_AVERAGE == attitude.LIMITS
    assert EARLY_DAYS == targets.EARLY_DAYS


def test_what_is_no_chance_or_no_grade_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        loyalty_grades(["A"], [1.2], [0])
    with pytest.raises(ValueError, match="grades are"):
        loyalty_grades(["E"], [0.2], [0])
    with pytest.raises(ValueError, match="different customers"):
        loyalty_grades(["A"], [0.2, 0.1], [0])
