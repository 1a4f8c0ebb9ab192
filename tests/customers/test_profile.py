"""The month-end profile holds what was known on that day, and nothing else."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import profile
from customers.models import CustomerProfile
from tests import facts, later
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
DIGEST = (
    f"SELECT md5(string_agg(p::text, '|' ORDER BY p.customer_id)) FROM {profile.TABLE} p WHERE month = %s"
)


def profile_of(who, month=MONTH):
    return CustomerProfile.objects.get(month=month, customer=who)


def digest(month=MONTH):
    with connection.cursor() as cursor:
        cursor.execute(DIGEST, [month])
        return cursor.fetchone()[0]


@pytest.fixture
def products():
    facts.make_tiers()
    return facts.make_products()


def test_aum_is_the_weighted_sum_of_daily_averages(products):
    li = facts.customer()
    facts.weigh("fund", "0.5")
    facts.weigh("fund", "0.8", dt.date(2026, 11, 1))
    facts.balance(li, products["current"], "1000.40")
    facts.balance(li, products["fund-mixed"], "2000.20")
    facts.balance(li, products["personal-loan"], "700.00")
    facts.balance(li, products["card"], "50.00")
    assert profile.build(MONTH) == 1
    found = profile_of(li)
    assert (found.aum, found.demand_deposit, found.fund) == (
        Decimal("2000.50"),
        Decimal("1000.40"),
        Decimal("2000.20"),
    )
    assert (found.loan_balance, found.card_balance, found.liabilities) == (700, 50, 750)


def test_a_profile_is_written_for_every_customer_open_on_the_day(products):
    here = facts.customer()
    leaves_later = facts.customer(closed_on=dt.date(2026, 11, 5))
    facts.customer(closed_on=dt.date(2026, 10, 31))
    facts.customer(opened_on=dt.date(2026, 11, 1))
    profile.build(MONTH)
    assert set(CustomerProfile.objects.values_list("customer_id", flat=True)) == {here.pk, leaves_later.pk}


def test_only_a_month_end_can_be_built(products):
    with pytest.raises(ValueError, match="last day"):
        profile.build(dt.date(2026, 10, 30))


def test_no_fact_later_than_the_day_changes_the_profile(products):
    li = facts.customer(birth_date=dt.date(1980, 11, 1))
    facts.holding(li, products["deposit-12"], amount=500, matures_on=dt.date(2026, 11, 20), channel="counter")
    facts.balance(li, products["current"], 1000)
    facts.transaction(li, 100, kind="salary")
    facts.finance(li, (MONTH, 500, 4), number=later.early(li))
    profile.build(MONTH)
    before = digest()
    assert before
    later.everything(li, products)
    profile.build(MONTH)
    assert digest() == before
    facts.transaction(li, 1, MONTH)
    profile.build(MONTH)
    assert digest() != before


def test_a_past_month_says_what_was_owed_and_late_then(products):
    li = facts.customer()
    july, august, september = dt.date(2026, 7, 31), dt.date(2026, 8, 31), dt.date(2026, 9, 30)
    facts.finance(li, (july, 700, 12), (september, 400, 62), (MONTH, 0, 0))
    facts.finance(li, (september, 100, 3), opened_on=dt.date(2026, 9, 2))
    for month in (dt.date(2026, 6, 30), july, august, september, MONTH):
        profile.build(month)
    said = CustomerProfile.objects.order_by("month").values_list("principal_outstanding", "overdue_days")
    # Nothing told yet; told; a month without word keeps the last; two contracts; one paid back and one as told before.
    assert list(said) == [(0, 0), (700, 12), (700, 12), (500, 62), (100, 3)]


def test_a_rebuild_replaces_the_month_and_leaves_the_others(products):
    li = facts.customer()
    profile.build(dt.date(2026, 9, 30))
    profile.build(MONTH)
    facts.balance(li, products["current"], 10)
    assert profile.build(MONTH) == 1
    assert CustomerProfile.objects.count() == 2
    assert profile_of(li).aum == 10
    assert profile.latest_month() == MONTH
    assert profile.months() == [MONTH, dt.date(2026, 9, 30)]


def test_nothing_is_the_latest_month_before_the_first_build(products):
    assert profile.latest_month() is None
    assert profile.months() == []


def test_progress_ends_at_its_total(products):
    said = []
    profile.build(MONTH, lambda done, total: said.append((done, total)))
    assert said[-1][0] == said[-1][1] == len(said)


def test_the_number_of_queries_does_not_depend_on_the_number_of_customers(products):
    facts.customer()
    profile.build(MONTH)
    with CaptureQueriesContext(
        connection,
    ) as one:
        profile.build(MONTH)
    for number in range(30):
        facts.balance(facts.customer(), products["current"], number)
    with CaptureQueriesContext(connection) as many:
        profile.build(MONTH)
    assert len(one) == len(many)


def test_behaviour_counts_products_lines_and_purchases(products):
    li = facts.customer()
    facts.holding(li, products["current"], dt.date(2015, 3, 10), first_used_on=dt.date(2015, 3, 12))
    facts.holding(li, products["deposit-12"], dt.date(2026, 2, 1), channel="counter")
    facts.holding(li, products["deposit-12"], dt.date(2026, 3, 1), channel="mobile")
    facts.holding(
        li, products["fund-mixed"], dt.date(2026, 4, 1), channel="mobile", closed_on=dt.date(2026, 6, 1)
    )
    profile.build(MONTH)
    found = profile_of(li)
    assert found.held_products == ["current", "deposit-12"]
    assert (found.products_held, found.lines_held, found.purchases_12m) == (2, 1, 3)
    assert (found.purchase_channel, found.preferred_product) == ("mobile", "savings")
    assert (found.first_contract_on, found.first_purchase_on) == (dt.date(2015, 3, 10), dt.date(2026, 2, 1))
    assert (found.first_use_on, found.last_purchase_on) == (dt.date(2015, 3, 12), dt.date(2026, 4, 1))


def test_preferences_are_empty_without_enough_behaviour(products):
    li, wang = facts.customer(), facts.customer()
    facts.holding(li, products["fund-mixed"])
    for _ in range(4):
        facts.transaction(li, -10, channel="mobile")
    for number in range(5):
        facts.transaction(wang, -10, channel="mobile" if number else "online")
    profile.build(MONTH)
    assert (profile_of(li).preferred_product, profile_of(li).preferred_channel) == ("", "")
    assert profile_of(wang).preferred_channel == "mobile"
    assert profile_of(li).risk_preference == ""


def test_equal_preferences_are_settled_by_name_and_nothing_is_preferred_over_nothing(products):
    li, wang = facts.customer(), facts.customer()
    for channel in ("online", "mobile") * 3:
        facts.transaction(
            li, -10, channel=channel, merchant_category="travel" if channel == "online" else "food"
        )
        facts.transaction(wang, 10, merchant_category="food")
    profile.build(MONTH)
    assert (profile_of(li).preferred_channel, profile_of(li).top_merchant_category) == ("mobile", "food")
    assert (profile_of(wang).preferred_channel, profile_of(wang).top_merchant_category) == ("", "")


def test_maturities_ahead_are_summed_and_the_past_and_loans_are_not(products):
    li = facts.customer()
    facts.holding(li, products["deposit-12"], amount=100, matures_on=MONTH)
    facts.holding(li, products["deposit-12"], amount=200, matures_on=dt.date(2026, 11, 30))
    facts.holding(li, products["deposit-12"], amount=400, matures_on=dt.date(2027, 1, 29))
    facts.holding(li, products["personal-loan"], amount=800, matures_on=dt.date(2026, 11, 10))
    profile.build(MONTH)
    found = profile_of(li)
    assert (found.maturing_30d, found.maturing_90d) == (200, 600)
    assert found.next_maturity_on == dt.date(2026, 11, 30)


def test_the_portrait_sums_three_months_and_names_the_main_counterparty(products):
    li = facts.customer()
    facts.transaction(li, 9000, dt.date(2026, 8, 10), kind="salary", counterparty="Works")
    facts.transaction(li, 9000, dt.date(2026, 7, 31), kind="salary", counterparty="Old works")
    facts.transaction(
        li, -300, kind="card", merchant_category="travel", channel="epayment", counterparty="Air"
    )
    facts.transaction(li, -200, kind="transfer", channel="mobile", counterparty="Wang")
    profile.build(MONTH)
    found = profile_of(li)
    assert (found.amount_in_3m, found.amount_out_3m, found.amount_out_1m) == (9000, 500, 500)
    assert (found.salary_3m, found.transfers_3m, found.largest_in_3m) == (9000, 200, 9000)
    assert (found.top_counterparty, found.counterparties_3m) == ("Works", 3)
    assert (found.top_merchant_category, found.spend_travel_3m) == ("travel", 300)
    assert (found.transactions_1m, found.transactions_3m, found.transactions_12m) == (2, 3, 4)
    assert (found.mobile_3m, found.epayment_3m) == (1, 1)


@pytest.mark.parametrize(
    ("last", "said"),
    [(dt.date(2026, 10, 12), "active"), (dt.date(2026, 8, 20), "occasional"), (dt.date(2026, 1, 5), "quiet")],
)
def test_activity_follows_the_last_transaction(products, last, said):
    li, silent = facts.customer(), facts.customer()
    facts.transaction(li, 1, last)
    profile.build(MONTH)
    assert profile_of(li).activity == said
    assert profile_of(silent).activity == "dormant"


def test_one_conversion_known_from_two_sources_counts_once(products):
    li = facts.customer()
    facts.response(li, how="reported")
    facts.response(li, how="matched")
    facts.response(li, kind="refusal", responded_on=dt.date(2026, 6, 1))
    facts.contact(li, dt.date(2026, 10, 20), was_reached=True)
    facts.contact(li, dt.date(2026, 9, 20), was_reached=False)
    for day in (dt.date(2026, 5, 5), dt.date(2026, 5, 4), dt.date(2026, 2, 20)):
        facts.contact(li, day)
    profile.build(MONTH)
    found = profile_of(li)
    assert (found.conversions_12m, found.last_refusal_on) == (1, dt.date(2026, 6, 1))
    assert (found.contacts_30d, found.contacts_90d, found.contacts_180d, found.contacts_12m) == (1, 2, 3, 5)
    assert found.reached_12m == 1
    assert found.last_contact_on == dt.date(2026, 10, 20)


def test_loyalty_is_graded_by_facts(products):
    loyal, fallen = facts.customer(), facts.customer(opened_on=dt.date(2025, 1, 1))
    for code in ("current", "fund-mixed", "personal-loan"):
        facts.holding(loyal, products[code])
    facts.balance(loyal, products["current"], 100)
    facts.transaction(loyal, 5)
    facts.balance(fallen, products["current"], 1000, dt.date(2026, 7, 31))
    facts.balance(fallen, products["current"], 799)
    profile.build(MONTH)
    assert (profile_of(loyal).loyalty_grade, profile_of(fallen).loyalty_grade) == ("A", "D")
    assert profile_of(loyal).churn_wealth is None


def test_a_customer_of_whom_nothing_came_in_has_no_loyalty_grade(products):
    known, imported = facts.customer(), facts.customer()
    facts.holding(known, products["current"])
    profile.build(MONTH)
    assert (profile_of(known).loyalty_grade, profile_of(imported).loyalty_grade) == ("D", "")


def test_risk_and_financial_preference_follow_the_holdings(products):
    cautious, bold, borrower = facts.customer(), facts.customer(), facts.customer()
    facts.balance(cautious, products["deposit-12"], 5000)
    facts.balance(bold, products["fund-mixed"], 5000)
    facts.balance(borrower, products["personal-loan"], 5000)
    profile.build(MONTH)
    assert (profile_of(cautious).risk_preference, profile_of(cautious).financial_preference) == (
        "cautious",
        "saving",
    )
    assert (profile_of(bold).risk_preference, profile_of(bold).financial_preference) == (
        "adventurous",
        "investing",
    )
    assert (profile_of(borrower).risk_preference, profile_of(borrower).financial_preference) == (
        "",
        "borrowing",
    )
