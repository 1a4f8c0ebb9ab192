"""Whose queue a pushed lead joins: the owner's, a stand-in's, or that of whoever has most room."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from bankcrm.models import Branch, Holiday, Leave, Role, User
from campaigns import push
from campaigns.models import Campaign, Lead
from customers.models import Customer
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, make_user


@pytest.fixture
def customers(cast: Cast) -> list[int]:
    return factories.make_customers(200, cast.tree.n1, cast.rita)


def owners(campaign: Campaign) -> Counter[str]:
    return Counter(
        lead.rm.username if lead.rm else lead.unassigned_reason
        for lead in Lead.objects.filter(campaign=campaign).select_related("rm")
    )


def test_the_owner_gets_the_lead_wherever_they_sit(cast: Cast) -> None:
    ids = factories.make_customers(40, cast.tree.n1, cast.raj)
    campaign, _done = factories.pushed(cast)
    assert owners(campaign).keys() == {"raj"}
    # The customer's branch answers for the lead.
    assert set(Lead.objects.values_list("branch", flat=True)) == {cast.tree.n1.pk}
    assert len(ids) == 40


@pytest.mark.parametrize(
    ("absence", "expected"),
    [
        ("leave with stand-in", "sun"),
        ("leave without stand-in", "raj"),
        ("leave, stand-in away too", "raj"),
        ("left the bank", "raj"),
        ("leave is over", "rita"),
    ],
)
def test_a_lead_of_somebody_away_goes_to_the_stand_in_then_the_backup(
    absence: str, expected: str, cast: Cast
) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n2)
    ids = factories.make_customers(40, cast.tree.n1, cast.rita)
    Customer.objects.filter(pk__in=ids).update(backup_rm=cast.raj)
    day = dt.timedelta(days=1)
    last = TODAY - day if absence == "leave is over" else TODAY + 5 * day
    if absence == "left the bank":
        User.objects.filter(pk=cast.rita.pk).update(is_active=False)
    else:
        stand_in = None if absence == "leave without stand-in" else sun
        Leave.objects.create(user=cast.rita, first_day=TODAY - 5 * day, last_day=last, backup=stand_in)
    if "too" in absence:
        Leave.objects.create(user=sun, first_day=TODAY, last_day=TODAY)
    campaign, _done = factories.pushed(cast)
    assert owners(campaign).keys() == {expected}


def test_customers_without_an_owner_are_shared_by_room_not_by_turn(cast: Cast) -> None:
    make_user("sun", Role.RM, cast.tree.n1, daily_capacity=40)
    make_user("idle", Role.RM, cast.tree.n1, daily_capacity=0)
    make_user("away", Role.RM, cast.tree.n1)
    Leave.objects.create(user=User.objects.get(username="away"), first_day=TODAY, last_day=TODAY)
    make_user("elsewhere", Role.RM, cast.tree.n2)
    # Rita (20 a day) already has 15 open leads of an earlier campaign; Sun (40 a day) none.
    factories.make_customers(15, cast.tree.n1, cast.rita, prefix="R")
    factories.pushed(cast, "earlier", control_share="0")
    ids = factories.make_customers(90, cast.tree.n1, None, prefix="N")
    factories.run_sql("UPDATE customers_customerprofile SET age = 80 WHERE customer_id = ANY(%s)", ids)
    old = {"all": [{"field": "age", "op": "at_least", "value": 80}]}
    campaign, _done = factories.pushed(cast, "later", control_share="0", condition=old)
    # The same load per day for both: (15 + 20) / 20 = 70 / 40.
    assert owners(campaign) == {"rita": 20, "sun": 70}


@pytest.mark.parametrize("size", ["10", "5000"])
def test_the_balance_holds_across_chunks(size: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", size)
    make_user("sun", Role.RM, cast.tree.n1, daily_capacity=40)
    factories.make_customers(90, cast.tree.n1, None)
    campaign, _done = factories.pushed(cast, control_share="0")
    assert owners(campaign) == {"rita": 30, "sun": 60}


def test_nobody_to_take_it_leaves_the_lead_unassigned_with_the_reason(cast: Cast) -> None:
    empty = Branch.objects.get(pk=cast.tree.n2.pk)
    factories.make_customers(20, empty, None, prefix="E")
    ids = factories.make_customers(20, empty, None, prefix="B")
    Customer.objects.filter(pk__in=ids).update(home_branch=None)
    campaign, _done = factories.pushed(cast, control_share="0")
    assert owners(campaign) == {"nobody_in_branch": 20, "no_branch": 20}
    assert set(Lead.objects.values_list("state", flat=True)) == {Lead.State.UNASSIGNED}
    assert set(push.UNASSIGNED_REASONS) == {"nobody_in_branch", "no_branch"}


def test_leads_are_due_after_working_days(cast: Cast, customers: list[int]) -> None:
    # 25 November 2026 is a Wednesday.
    Holiday.objects.create(day=dt.date(2026, 11, 27), name="Founding day")
    factories.pushed(cast, lead_due_days=3)
    assert set(Lead.objects.values_list("due_on", flat=True)) == {dt.date(2026, 12, 1)}
