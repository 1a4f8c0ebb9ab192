"""Who moved up or down a tier, when, and why."""

import datetime as dt

import pytest

from customers import profile
from customers.models import TierChange, TierRule
from tests import facts
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
MONTHS = [dt.date(2026, 6, 30), dt.date(2026, 7, 31), dt.date(2026, 8, 31), dt.date(2026, 9, 30), MONTH]


@pytest.fixture
def products():
    facts.make_tiers()
    return facts.make_products()


def changes():
    return [
        (one.month, one.from_tier, one.to_tier, one.is_up, one.reason, int(one.amount), int(one.threshold))
        for one in TierChange.objects.order_by("month")
    ]


def test_up_at_once_and_down_after_three_months_each_with_what_it_was_judged_by(products):
    li = facts.customer()
    for month, aum in zip(MONTHS, [50_000, 120_000, 90_000, 80_000, 70_000], strict=True):
        facts.balance(li, products["current"], aum, month)
        profile.build(month)
    assert changes() == [
        (MONTHS[1], "basic", "gold", True, "aum", 120_000, 100_000),
        (MONTHS[4], "gold", "basic", False, "aum", 90_000, 100_000),
    ]


def test_a_loan_lifts_and_its_repayment_lowers(products):
    li = facts.customer()
    for month, owed in zip(MONTHS, [0, 250_000, 1000, 1000, 1000], strict=True):
        facts.balance(li, products["personal-loan"], owed, month)
        profile.build(month)
    assert changes() == [
        (MONTHS[1], "basic", "gold", True, "loan", 250_000, 200_000),
        (MONTHS[4], "gold", "basic", False, "loan", 1000, 200_000),
    ]


def test_moves_that_the_old_thresholds_would_not_have_made_are_the_thresholds_doing(products):
    li = facts.customer()
    for month in MONTHS:
        facts.balance(li, products["current"], 70_000, month)
    TierRule.objects.create(code="gold", name="Gold", rank=2, minimum_aum=60_000, valid_from=MONTH)
    for month in MONTHS:
        profile.build(month)
    assert changes() == [(MONTH, "basic", "gold", True, "rules", 70_000, 60_000)]


def test_a_tier_that_is_given_up_leaves_nobody_in_it(products):
    li = facts.customer()
    for month in MONTHS:
        facts.balance(li, products["current"], 150_000, month)
    TierRule.objects.create(
        code="gold", name="Gold", rank=2, minimum_aum=100_000, is_in_use=False, valid_from=MONTH
    )
    for month in MONTHS:
        profile.build(month)
    assert changes() == [(MONTH, "gold", "basic", False, "rules", 150_000, 100_000)]


def test_months_built_in_any_order_and_twice_tell_the_same_changes(products):
    li = facts.customer()
    for month, aum in zip(MONTHS, [50_000, 120_000, 90_000, 80_000, 70_000], strict=True):
        facts.balance(li, products["current"], aum, month)
    for month in (MONTH, MONTHS[1], MONTHS[3], MONTHS[0], MONTHS[2], MONTHS[2], MONTH):
        profile.build(month)
    assert [(month, to) for month, _, to, *_ in changes()] == [(MONTHS[1], "gold"), (MONTH, "basic")]


def test_a_first_tier_is_no_change(products):
    known = facts.customer()
    facts.balance(known, products["current"], 120_000)
    profile.build(MONTHS[3])
    new = facts.customer(opened_on=dt.date(2026, 10, 5))
    facts.balance(new, products["current"], 120_000)
    profile.build(MONTH)
    assert [one.customer_id for one in TierChange.objects.all()] == [known.pk]
