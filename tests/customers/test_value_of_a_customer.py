"""What a customer is worth: asset classes by weight, margin and fees less the cost to serve, each by its date."""

import datetime as dt
from decimal import Decimal

import pytest

from customers import profile
from customers.models import (
    AssetClassWeight,
    ConsumerFinanceContract,
    CostRate,
    CustomerProfile,
    ProductMargin,
)
from tests import facts
from tests.facts import EARLIER, MONTH

pytestmark = pytest.mark.django_db


@pytest.fixture
def products():
    facts.make_tiers()
    return facts.make_products()


def profile_of(who, month=MONTH):
    return CustomerProfile.objects.get(month=month, customer=who)


def cost(basis, channel, each, valid_from=EARLIER):
    CostRate.objects.create(basis=basis, channel=channel, cost=Decimal(each), valid_from=valid_from)


def finance(who, number, opened_on, fee):
    ConsumerFinanceContract.objects.create(
        number=number,
        customer=who,
        opened_on=opened_on,
        upfront_fee=fee,
        principal=900,
        principal_outstanding=500,
        as_of=MONTH,
    )


def test_margin_is_the_product_s_share_of_the_balances_of_twelve_months_loans_included(products):
    li = facts.customer()
    facts.balance(li, products["current"], "12000.00", dt.date(2025, 10, 31))  # the thirteenth month
    facts.balance(li, products["current"], "1000.00", dt.date(2025, 11, 30))
    facts.balance(li, products["current"], "3000.00")
    facts.balance(li, products["personal-loan"], "10000.00")
    profile.build(MONTH)
    found = profile_of(li)
    assert found.margin_12m == Decimal("44.00")  # (1000 + 3000) × 0.012 / 12 + 10000 × 0.048 / 12
    assert (found.fees_12m, found.cost_12m, found.contribution_12m) == (0, 0, Decimal("44.00"))
    assert found.aum_12m_ago == 12000


def test_each_month_earns_the_margin_of_its_last_day_and_a_finished_month_keeps_its_own(products):
    li, september = facts.customer(), dt.date(2026, 9, 30)
    for month in (dt.date(2026, 8, 31), september, MONTH):
        facts.balance(li, products["current"], "10000.00", month)
        facts.balance(li, products["card"], "1200.00", month)
    profile.build(september)
    assert profile_of(li, september).margin_12m == Decimal("38.00")  # 2 × (10 + 9)
    for margin, valid_from in [("0.0240", MONTH), ("0.5000", dt.date(2026, 11, 1))]:
        ProductMargin.objects.create(product=products["current"], annual_margin=margin, valid_from=valid_from)
    profile.build(september)
    profile.build(MONTH)
    assert profile_of(li, september).margin_12m == Decimal("38.00")
    assert profile_of(li).margin_12m == Decimal("67.00")  # 2 × (10 + 9) + 20 + 9


def test_fees_are_booked_fees_less_what_was_paid_back_and_up_front_fees_of_twelve_months(products):
    li = facts.customer()
    facts.transaction(li, "-30.50", kind="fee")
    facts.transaction(li, "10.00", kind="fee")
    facts.transaction(li, "-99.00", dt.date(2025, 10, 31), kind="fee")
    facts.transaction(li, "-500.00", kind="card")
    finance(li, "new", dt.date(2025, 11, 1), 70)
    finance(li, "old", dt.date(2025, 10, 31), 700)
    profile.build(MONTH)
    assert profile_of(li).fees_12m == Decimal("90.50")
    assert profile_of(li).upfront_fees == 770


def test_cost_is_every_transaction_and_contact_at_the_cost_of_its_channel_on_that_day(products):
    li, wang = facts.customer(), facts.customer()
    cost("transaction", "counter", "8")
    cost("transaction", "counter", "10", dt.date(2026, 10, 1))
    cost("transaction", "counter", "99", dt.date(2026, 11, 1))
    cost("contact", "phone", "12.5")
    cost("contact", "counter", "1000")
    facts.transaction(li, 5, dt.date(2026, 9, 30), channel="counter")
    facts.transaction(li, 5, dt.date(2026, 10, 1), channel="counter")
    facts.transaction(li, 5, channel="mobile")
    facts.transaction(li, 5, dt.date(2025, 10, 31), channel="counter")
    facts.contact(li, was_reached=False)
    facts.contact(li, channel="letter")
    facts.transaction(wang, 5, channel="")
    profile.build(MONTH)
    assert profile_of(li).cost_12m == Decimal("30.50")
    assert profile_of(li).contribution_12m == Decimal("-30.50")
    assert profile_of(wang).cost_12m == 0


def test_a_class_that_is_off_counts_nothing_from_its_day_and_is_still_told(products):
    AssetClassWeight.objects.create(asset_class="fund", weight=1, valid_from=EARLIER)
    AssetClassWeight.objects.create(
        asset_class="fund", weight=1, is_counted=False, valid_from=dt.date(2026, 10, 1)
    )
    li = facts.customer()
    for month in (dt.date(2026, 9, 30), MONTH):
        facts.balance(li, products["fund-mixed"], 5000, month)
        facts.balance(li, products["current"], 100, month)
        profile.build(month)
    assert (profile_of(li).aum, profile_of(li).fund) == (100, 5000)
    assert profile_of(li, dt.date(2026, 9, 30)).aum == 5100


def test_the_highest_of_three_months_is_kept_for_assets_and_for_loans_apart(products):
    li = facts.customer()
    months = [dt.date(2026, 7, 31), dt.date(2026, 8, 31), dt.date(2026, 9, 30), MONTH]
    for month, assets, owed in zip(months, [9000, 700, 800, 600], [50, 10, 30, 20], strict=True):
        facts.balance(li, products["current"], assets, month)
        facts.balance(li, products["personal-loan"], owed, month)
    profile.build(MONTH)
    assert (profile_of(li).aum_high_3m, profile_of(li).loan_high_3m) == (800, 30)


def test_a_second_product_counts_from_the_day_a_different_one_came(products):
    li, wang = facts.customer(), facts.customer()
    facts.holding(li, products["current"], dt.date(2015, 1, 1))
    facts.holding(li, products["current"], dt.date(2016, 1, 1))
    facts.holding(li, products["card"], dt.date(2018, 5, 1), closed_on=dt.date(2019, 1, 1))
    facts.holding(li, products["fund-mixed"], dt.date(2020, 1, 1))
    facts.holding(wang, products["card"], dt.date(2020, 1, 1))
    profile.build(MONTH)
    assert profile_of(li).second_product_on == dt.date(2018, 5, 1)
    assert profile_of(wang).second_product_on is None


def test_every_channel_of_a_year_s_purchases_is_named(products):
    li = facts.customer()
    facts.holding(li, products["deposit-12"], dt.date(2026, 2, 1), channel="mobile")
    facts.holding(li, products["fund-mixed"], dt.date(2026, 3, 1), channel="counter")
    facts.holding(li, products["fund-mixed"], dt.date(2025, 3, 1), channel="phone")
    facts.holding(li, products["current"], dt.date(2026, 3, 1), channel="online")
    profile.build(MONTH)
    assert profile_of(li).purchase_channels == ["counter", "mobile"]
