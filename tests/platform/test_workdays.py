"""Working days skip weekends and holidays, count make-up days, and know branches; SQL and Python say the same."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection

from bankcrm import workdays
from bankcrm.models import Branch, Holiday, Leave
from bankcrm.workdays import add_working_days
from tests.cast import Cast, make_user

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


def test_a_make_up_saturday_is_a_working_day() -> None:
    Holiday.objects.create(day="2026-10-10", name="Make-up", works_as=3)
    assert add_working_days(dt.date(2026, 10, 9), 1) == dt.date(2026, 10, 10)
    assert add_working_days(dt.date(2026, 10, 12), -1) == dt.date(2026, 10, 10)


def test_the_nearest_row_wins_and_holds_below_only(cast: Cast) -> None:
    Holiday.objects.create(day="2026-10-10", name="Make-up", works_as=3)
    Holiday.objects.create(day="2026-10-10", name="North rests", branch=cast.tree.north)
    Holiday.objects.create(day="2026-10-10", name="N1 works after all", branch=cast.tree.n1, works_as=0)
    friday = dt.date(2026, 10, 9)
    due = {
        name: add_working_days(friday, 1, getattr(cast.tree, name).pk) for name in ("n1", "n2", "s1", "north")
    }
    assert due == {
        "n1": dt.date(2026, 10, 10),
        "n2": dt.date(2026, 10, 12),
        "s1": dt.date(2026, 10, 10),
        "north": dt.date(2026, 10, 12),
    }
    exceptional = workdays.exceptional_due_days(friday, 1)
    assert exceptional == {cast.tree.north.pk: dt.date(2026, 10, 12), cast.tree.n2.pk: dt.date(2026, 10, 12)}


def test_no_branch_is_exceptional_where_none_has_days_of_its_own(cast: Cast) -> None:
    Holiday.objects.create(day="2026-10-10", name="Make-up", works_as=3)
    assert workdays.exceptional_due_days(FRIDAY, 10) == {}


def test_capacity_follows_the_own_week_the_branch_and_leave(cast: Cast) -> None:
    part = make_user("pia", "rm", cast.tree.n1, daily_capacity=10, working_week=[2, 0, 1, 0, 0, 0, 0])
    Holiday.objects.create(day="2026-10-12", name="N1 closed", branch=cast.tree.n1)
    Holiday.objects.create(day="2026-10-17", name="Make-up", works_as=0)
    Leave.objects.create(user=cast.raj, first_day="2026-10-13", last_day="2026-10-14")
    monday, sunday = dt.date(2026, 10, 12), dt.date(2026, 10, 18)
    people = [part.pk, cast.rita.pk, cast.raj.pk]
    # Pia: half of Wednesday, and Saturday like a whole Monday. Rita: four days and Saturday. Raj: six less two.
    assert workdays.capacities(people, monday, sunday) == {part.pk: 15, cast.rita.pk: 100, cast.raj.pk: 80}


def test_sql_and_python_agree_on_every_branch_and_day_of_two_years(cast: Cast) -> None:
    chance = random.Random(7)
    first, last = dt.date(2026, 1, 1), dt.date(2027, 12, 31)
    places = [None, *Branch.objects.all()]
    known = set(Holiday.objects.values_list("day", "branch"))
    for _n in range(300):
        day, branch = first + dt.timedelta(days=chance.randrange(730)), chance.choice(places)
        key = (day, branch.pk if branch else None)
        if key not in known:
            known.add(key)
            Holiday.objects.create(
                day=day, branch=branch, name="x", works_as=chance.choice([None, None, 0, 3, 4, 6])
            )
    week = [2, 1, 0, 2, 1, 0, 1]
    people = {
        branch.pk: make_user(f"u{branch.pk}", "rm", branch, daily_capacity=7, working_week=week)
        for branch in Branch.objects.all()
    }
    with connection.cursor() as cursor:
        cursor.execute(workdays.CALENDAR, {"first": first, "last": last})
        in_sql = {(branch, day): like for branch, day, like in cursor.fetchall()}
    sums = workdays.capacities([user.pk for user in people.values()], first, last)
    days = [first + dt.timedelta(days=n) for n in range(730)]
    for branch, user in people.items():
        special = workdays.specials(first, last, branch)
        assert [in_sql[branch, day] for day in days] == [workdays.works_as(day, special) for day in days]
        assert sums[user.pk] == sum(workdays.capacity(user, day, special) for day in days)
    for n in (1, 5, 20):
        for start in days[:660:30]:
            usual, exceptional = add_working_days(start, n), workdays.exceptional_due_days(start, n)
            for branch in people:
                assert exceptional.get(branch, usual) == add_working_days(start, n, branch), (
                    start,
                    n,
                    branch,
                )
