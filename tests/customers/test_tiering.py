"""A tier is reached at once and lost only after three months below."""

import datetime as dt

import pytest

from customers import profile, tiering
from customers.models import CustomerProfile, TierRule
from tests import facts

pytestmark = pytest.mark.django_db
MONTHS = [dt.date(2026, 6, 30), dt.date(2026, 7, 31), dt.date(2026, 8, 31), dt.date(2026, 9, 30), facts.MONTH]


@pytest.fixture
def products():
    facts.make_tiers()
    return facts.make_products()


def tiers(who):
    for month in MONTHS:
        profile.build(month)
    return list(CustomerProfile.objects.filter(customer=who).order_by("month").values_list("tier", flat=True))


def test_a_tier_is_gained_at_once_and_lost_after_three_months_below(products):
    li = facts.customer()
    for month, aum in zip(MONTHS, [50_000, 120_000, 90_000, 80_000, 70_000], strict=True):
        facts.balance(li, products["current"], aum, month)
    assert tiers(li) == ["basic", "gold", "gold", "gold", "basic"]


def test_a_month_back_above_starts_the_count_again(products):
    li = facts.customer()
    for month, aum in zip(MONTHS, [120_000, 90_000, 100_000, 80_000, 70_000], strict=True):
        facts.balance(li, products["current"], aum, month)
    assert tiers(li) == ["gold"] * 5


def test_a_loan_balance_reaches_a_tier_that_aum_does_not(products):
    li, wang = facts.customer(), facts.customer()
    facts.balance(li, products["personal-loan"], 200_000)
    facts.balance(wang, products["personal-loan"], 199_999)
    profile.build(facts.MONTH)
    found = dict(CustomerProfile.objects.values_list("customer_id", "tier"))
    assert (found[li.pk], found[wang.pk]) == ("gold", "basic")


def test_a_new_threshold_holds_from_its_day(products):
    TierRule.objects.create(
        code="gold", name="Gold", rank=2, minimum_aum=60_000, valid_from=dt.date(2026, 10, 1)
    )
    li = facts.customer()
    for month in MONTHS:
        facts.balance(li, products["current"], 70_000, month)
    assert tiers(li) == ["basic"] * 4 + ["gold"]
    assert {rule.code: int(rule.minimum_aum) for rule in tiering.rules_at(dt.date(2026, 9, 30))}[
        "gold"
    ] == 100_000
    assert {rule.code: int(rule.minimum_aum) for rule in tiering.rules_at(facts.MONTH)}["gold"] == 60_000
