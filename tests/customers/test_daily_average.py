"""Daily averages the bank did not give are computed: from bookings with a balance, else from month-ends."""

import datetime as dt
from decimal import Decimal

import pytest

from customers import daily_average, profile
from customers.models import CustomerProfile, MonthlyBalance
from tests import facts
from tests.customers.imports_world import merged, write
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
SEPTEMBER = dt.date(2026, 9, 30)


@pytest.fixture
def products():
    facts.make_tiers()
    return facts.make_products()


def closing(who, product, amount, month=MONTH, average=None):
    MonthlyBalance.objects.create(
        month=month, customer=who, product=product, closing=Decimal(amount), average=average
    )


def balance_of(who, product, month=MONTH):
    return MonthlyBalance.objects.get(month=month, customer=who, product=product)


def book(who, number, day, amount, after, **more):
    facts.transaction(
        who, amount, dt.date(2026, 10, day), holding_number=number, balance_after=Decimal(after), **more
    )


def test_bookings_with_a_balance_give_the_average_of_the_days(products):
    li = facts.customer()
    account = facts.holding(li, products["current"], dt.date(2015, 1, 1))
    closing(li, products["current"], 400)
    book(li, account.number, 11, 900, 1000)  # ten days at 100 before
    book(li, account.number, 21, -500, 500, hour=9)
    book(li, account.number, 21, -100, 400, hour=15)  # the day ends with this one
    profile.build(MONTH)
    # 10 × 100 + 10 × 1000 + 11 × 400 = 15400 over 31 days
    assert balance_of(li, products["current"]).computed_average == Decimal("496.77")
    assert balance_of(li, products["current"]).computed_from == "bookings"
    assert CustomerProfile.objects.get().demand_deposit == Decimal("496.77")


def test_days_before_a_contract_began_count_as_zero(products):
    li = facts.customer()
    account = facts.holding(li, products["current"], dt.date(2026, 10, 22))
    book(li, account.number, 22, 3100, 3100)
    profile.build(MONTH)
    made = balance_of(li, products["current"])
    assert (made.closing, made.computed_average, made.computed_from) == (3100, 1000, "alone")
    assert CustomerProfile.objects.get().aum == 1000


def test_contracts_without_bookings_keep_their_share_of_the_known_month_end(products):
    li = facts.customer()
    booked = facts.holding(li, products["current"], dt.date(2015, 1, 1))
    facts.holding(li, products["current"], dt.date(2016, 1, 1))
    closing(li, products["current"], 5000)
    book(li, booked.number, 1, 1000, 1000)
    profile.build(MONTH)
    assert balance_of(li, products["current"]).computed_average == 5000


def test_a_contract_known_by_bookings_alone_keeps_its_balance_in_a_month_without_any(products):
    li = facts.customer()
    account = facts.holding(li, products["current"], dt.date(2015, 1, 1))
    book(li, account.number, 1, 700, 700)
    profile.build(MONTH)
    profile.build(dt.date(2026, 11, 30))
    assert balance_of(li, products["current"], dt.date(2026, 11, 30)).computed_average == 700
    account.closed_on = dt.date(2026, 12, 10)
    account.save()
    profile.build(dt.date(2026, 12, 31))
    assert not MonthlyBalance.objects.filter(month=dt.date(2026, 12, 31)).exists()


def test_month_ends_alone_give_the_middle_between_two_and_the_days_held_in_the_first(products):
    li, wang, chen = facts.customer(), facts.customer(), facts.customer()
    closing(li, products["current"], 1000, SEPTEMBER)
    closing(li, products["current"], 2000)
    facts.holding(wang, products["fund-mixed"], dt.date(2026, 10, 22))
    closing(wang, products["fund-mixed"], 3100)
    closing(chen, products["current"], 800)
    profile.build(MONTH)
    assert balance_of(li, products["current"]).computed_average == 1500
    assert balance_of(wang, products["fund-mixed"]).computed_average == 1000
    assert balance_of(chen, products["current"]).computed_average == 800
    assert balance_of(li, products["current"], SEPTEMBER).computed_from == "closings"
    assert daily_average.shares(MONTH) == {"closings": 3}


def test_an_average_the_bank_gave_is_never_touched(products):
    li = facts.customer()
    account = facts.holding(li, products["current"], dt.date(2015, 1, 1))
    closing(li, products["current"], 400, average=Decimal("123.45"))
    book(li, account.number, 1, 400, 400)
    profile.build(MONTH)
    kept = balance_of(li, products["current"])
    assert (kept.average, kept.computed_average) == (Decimal("123.45"), None)
    assert CustomerProfile.objects.get().aum == Decimal("123.45")
    assert daily_average.shares(MONTH) == {"given": 1}


def test_bookings_that_come_later_replace_what_month_ends_gave(products):
    li = facts.customer()
    account = facts.holding(li, products["current"], dt.date(2015, 1, 1))
    closing(li, products["current"], 1000, SEPTEMBER)
    closing(li, products["current"], 2000)
    profile.build(MONTH)
    book(li, account.number, 31, 1000, 2000)
    profile.build(MONTH)
    profile.build(MONTH)
    found = balance_of(li, products["current"])
    assert (found.computed_average, found.computed_from) == (Decimal("1032.26"), "bookings")
    assert found.closing == 2000


def test_a_file_of_month_end_balances_alone_comes_in_and_its_averages_are_computed(products, cast, tmp_path):
    li = facts.customer(number="C1")
    closing(li, products["current"], 1000, SEPTEMBER)
    path = write(tmp_path, "month,customer,product,balance\n2026-10-31,C1,current,2000\n")
    file = merged(path, "balances", cast.ana)
    assert (file.inserted, file.rejected) == (1, 0)
    assert balance_of(li, products["current"]).average is None
    profile.build(MONTH)
    assert balance_of(li, products["current"]).computed_average == 1500
    again = write(
        tmp_path, "month,customer,product,balance,daily average\n2026-10-31,C1,current,2000,1700\n", "b.csv"
    )
    merged(again, "balances", cast.ana)
    profile.build(MONTH)
    assert CustomerProfile.objects.get(customer=li).aum == 1700
