"""Acquisition cohorts by the API: the figures of the page, of the customers the caller may see."""

from __future__ import annotations

import datetime as dt

import pytest

from customers import acquisition
from tests import facts
from tests.api.callers import Caller, problem
from tests.cast import Cast

pytestmark = pytest.mark.django_db

AS_OF = dt.date(2026, 10, 31)


@pytest.fixture
def cohorts(cast: Cast) -> None:
    """One customer of N1 by app in May, one of S1 by nobody knows what in September."""
    products = facts.make_products()
    for day, branch, channel in (
        (dt.date(2026, 5, 4), cast.tree.n1, "app"),
        (dt.date(2026, 9, 2), cast.tree.s1, ""),
    ):
        who = facts.customer(
            opened_on=day, home_branch=branch, acquisition_channel=channel, acquisition_cost=50
        )
        facts.holding(who, products["current"], day)
        facts.balance(who, products["current"], 100_000, dt.date(2026, 5, 31))
    acquisition.build(AS_OF)


def test_figures_come_by_group_and_cohort_with_their_intervals(cast: Cast, cohorts: None) -> None:
    body = Caller(cast.max).get("acquisition/").json()
    assert body["as_of"] == "2026-10-31"
    found = {(one["group"], one["cohort"]): one for one in body["figures"]}
    assert set(found) == {
        (None, None),
        ("app", None),
        ("", None),
        (None, "2026-05-01"),
        (None, "2026-09-01"),
        ("app", "2026-05-01"),
        ("", "2026-09-01"),
    }
    total = found[None, None]
    assert (total["acquired"], total["cost_per_customer"], total["is_small"]) == (2, "50.00", True)
    assert total["second_product"]["3"] | {"low": 0, "high": 0} == {
        "count": 0,
        "n": 1,
        "value": 0.0,
        "low": 0,
        "high": 0,
    }
    assert found["", None]["second_product"]["3"]["value"] is None
    assert total["value_per_cost"]["value"] == pytest.approx(100_000 * 0.012 / 12 / 100)


def test_a_filter_narrows_and_one_that_makes_no_sense_is_refused(cast: Cast, cohorts: None) -> None:
    maxs = Caller(cast.max)
    one = maxs.get("acquisition/", channel="-", by="partner").json()["figures"]
    assert {figure["acquired"] for figure in one} == {1}
    problem(maxs.get("acquisition/", by="colour"), 400, "invalid")
    problem(maxs.get("acquisition/", first="soon"), 400, "invalid")


def test_a_branch_manager_gets_the_branch_and_who_may_not_read_is_refused(cast: Cast, cohorts: None) -> None:
    figures = Caller(cast.bao).get("acquisition/").json()["figures"]
    assert next(one for one in figures if one["group"] is None and one["cohort"] is None)["acquired"] == 1
    for user in (cast.rita, cast.ada, cast.omar):
        problem(Caller(user).get("acquisition/"), 403, "forbidden")
    problem(Caller(None).get("acquisition/"), 401, "not_signed_in")


def test_before_the_first_build_there_is_nothing(cast: Cast) -> None:
    problem(Caller(cast.max).get("acquisition/"), 404, "not_found")
