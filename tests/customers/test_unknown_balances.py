"""A month without a balance is not known: it is neither nothing nor a step down."""

import datetime as dt

import pytest

from customers import profile
from customers.models import CustomerProfile, TierChange
from tests import facts

pytestmark = pytest.mark.django_db
MAY, JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER = (
    dt.date(2026, 5, 31),
    dt.date(2026, 6, 30),
    dt.date(2026, 7, 31),
    dt.date(2026, 8, 31),
    dt.date(2026, 9, 30),
    facts.MONTH,
)


@pytest.fixture
def products():
    facts.make_tiers()
    return facts.make_products()


def built(who, month=OCTOBER):
    profile.build(month)
    return CustomerProfile.objects.get(month=month, customer=who)


def test_an_open_contract_without_a_balance_keeps_the_last_one_with_its_date(products):
    li, wang = facts.customer(), facts.customer()
    for who in (li, wang):
        facts.holding(who, products["current"])
        facts.holding(who, products["fund-mixed"])
        facts.balance(who, products["fund-mixed"], 40_000, SEPTEMBER)
        facts.balance(who, products["current"], 5_000, SEPTEMBER)
        facts.balance(who, products["current"], 6_000)
    facts.balance(wang, products["fund-mixed"], 30_000)
    found = built(li)
    assert (found.fund, found.demand_deposit, found.aum) == (40_000, 6_000, 46_000)
    assert (found.balances_on, found.balances_before) == (SEPTEMBER, {"fund": "2026-09-30"})
    known = CustomerProfile.objects.get(month=OCTOBER, customer=wang)
    assert (known.aum, known.balances_on, known.balances_before) == (36_000, OCTOBER, {})


def test_after_three_months_it_counts_nothing_and_is_said_to_be_unknown(products):
    li = facts.customer()
    facts.holding(li, products["fund-mixed"])
    facts.balance(li, products["fund-mixed"], 40_000, JULY)
    assert built(li).aum == 40_000
    found = built(li, dt.date(2026, 11, 30))
    assert (found.aum, found.balances_on, found.balances_before) == (0, JULY, {"fund": "2026-07-31"})


def test_a_told_closing_is_nothing_left_and_a_left_out_zero_stays_zero(products):
    li, wang = facts.customer(), facts.customer()
    facts.holding(li, products["fund-mixed"], closed_on=dt.date(2026, 10, 9))
    facts.balance(li, products["fund-mixed"], 40_000, SEPTEMBER)
    facts.holding(wang, products["current"])
    facts.balance(wang, products["current"], 0, SEPTEMBER)
    profile.build(OCTOBER)
    found = CustomerProfile.objects.filter(month=OCTOBER)
    assert set(found.values_list("aum", "balances_on")) == {(0, OCTOBER)}


def test_without_contracts_a_customer_none_of_whose_balances_came_is_unknown(products):
    li, wang = facts.customer(), facts.customer()
    facts.balance(li, products["current"], 40_000, SEPTEMBER)
    facts.balance(wang, products["current"], 40_000, SEPTEMBER)
    facts.balance(wang, products["fund-mixed"], 7_000, SEPTEMBER)
    facts.balance(wang, products["fund-mixed"], 7_000)
    assert built(li).balances_on == SEPTEMBER
    sold = CustomerProfile.objects.get(month=OCTOBER, customer=wang)
    assert (sold.aum, sold.balances_on) == (7_000, OCTOBER)


def test_who_never_had_a_balance_has_no_day_of_one(products):
    li = facts.customer()
    facts.holding(li, products["current"])
    assert built(li).balances_on is None


def test_months_that_are_not_known_do_not_count_towards_losing_a_tier(products):
    li, wang = facts.customer(), facts.customer()
    for who in (li, wang):
        facts.holding(who, products["current"])
        facts.balance(who, products["current"], 120_000, JUNE)
        facts.balance(who, products["current"], 90_000, JULY)
    for month in (AUGUST, SEPTEMBER):
        facts.balance(wang, products["current"], 80_000, month)
    for month in (JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER):
        profile.build(month)
    tiers = CustomerProfile.objects.order_by("month").values_list("tier", flat=True)
    assert list(tiers.filter(customer=li)) == ["gold"] * 5
    assert list(tiers.filter(customer=wang)) == ["gold"] * 3 + ["basic"] * 2
    assert list(TierChange.objects.values_list("customer_id", "month")) == [(wang.pk, SEPTEMBER)]
    # Two more months that are known, and below: with July three.
    facts.balance(li, products["current"], 80_000, SEPTEMBER)
    facts.balance(li, products["current"], 80_000)
    assert [built(li, month).tier for month in (SEPTEMBER, OCTOBER)] == ["gold", "basic"]


def test_figures_of_the_months_before_are_carried_over_a_gap_too(products):
    li = facts.customer()
    facts.holding(li, products["current"])
    for month, amount in ((JUNE, 50_000), (AUGUST, 70_000), (OCTOBER, 90_000)):
        facts.balance(li, products["current"], amount, month)
    found = built(li)
    assert (found.aum, found.aum_1m_ago, found.aum_3m_ago) == (90_000, 70_000, 50_000)
    assert (found.balances_on, found.balances_before) == (OCTOBER, {})
