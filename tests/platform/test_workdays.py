"""Working days skip weekends and holidays."""

import datetime as dt

import pytest

from bankcrm.models import Holiday
from bankcrm.workdays import add_working_days

FRIDAY = dt.date(2026, 9, 25)


@pytest.fixture(autouse=True)
def national_holidays(db: None) -> None:
    """1 to 7 October 2026, a Thursday to a Wednesday."""
    for number in range(1, 8):
        Holiday.objects.create(day=dt.date(2026, 10, number), name="National Day")


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, "2026-09-28"),
        (3, "2026-09-30"),
        (4, "2026-10-08"),
        (5, "2026-10-09"),
        (6, "2026-10-12"),
        (0, "2026-09-25"),
    ],
)
def test_days_are_added_over_weekend_and_holidays(n: int, expected: str) -> None:
    assert add_working_days(FRIDAY, n) == dt.date.fromisoformat(expected)


def test_nothing_added_to_a_free_day_is_the_next_working_day() -> None:
    assert add_working_days(dt.date(2026, 10, 2), 0) == dt.date(2026, 10, 8)
    assert add_working_days(dt.date(2026, 9, 26), 0) == dt.date(2026, 9, 28)


def test_days_are_taken_away_too() -> None:
    assert add_working_days(dt.date(2026, 10, 8), -1) == dt.date(2026, 9, 30)


def test_it_asks_the_database_once(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):
        add_working_days(FRIDAY, 250)
