"""One wide row per customer and month-end: everything analysis, targeting and pages read about a customer.

Computed by set SQL in ``customers.profile``; partitioned by month. Labels, units and meanings stand once, in the field
catalogue (``customers/fields.py``), so the columns here carry none.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer


def money() -> models.DecimalField:
    return models.DecimalField(max_digits=16, decimal_places=2, db_default=0)


def count() -> models.IntegerField:
    return models.IntegerField(db_default=0)


def word(length: int = 40) -> models.CharField:
    return models.CharField(max_length=length, db_default="")


def day() -> models.DateField:
    return models.DateField(null=True)


class CustomerProfile(models.Model):
    pk = models.CompositePrimaryKey("month", "customer_id")
    month = models.DateField(_("as of"))
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="profiles"
    )

    # Attributes at the date
    age = models.SmallIntegerField(null=True)
    tenure_months = models.IntegerField(null=True)
    life_stage = word(20)

    # Behaviour (S1.2)
    first_purchase_on = day()
    first_contract_on = day()
    first_use_on = day()
    last_purchase_on = day()
    held_products = ArrayField(models.CharField(max_length=40), db_default=models.Value("{}"))
    products_held = count()
    lines_held = count()
    purchases_12m = count()
    purchase_channels = ArrayField(models.CharField(max_length=16), db_default=models.Value("{}"))
    second_product_on = day()
    purchase_channel = word(10)
    activity = word(10)
    last_transaction_on = day()
    transactions_1m = count()
    transactions_3m = count()
    transactions_6m = count()
    transactions_12m = count()

    # Value (S1.3): daily averages of the month
    demand_deposit = money()
    time_deposit = money()
    wealth_management = money()
    fund = money()
    treasury_bond = money()
    insurance = money()
    precious_metal = money()
    trust = money()
    securities_custody = money()
    aum = money()
    aum_high_3m = money()
    aum_1m_ago = money()
    aum_3m_ago = money()
    aum_6m_ago = money()
    aum_12m_ago = money()
    loan_balance = money()
    loan_high_3m = money()
    card_balance = money()
    liabilities = money()
    margin_12m = money()
    fees_12m = money()
    cost_12m = money()
    contribution_12m = money()
    # The newest month-end through which every balance is known; earlier than ``month`` where one did not come in, with
    # the last known month-end of each such asset class (``loan`` and ``card`` too) in ``balances_before``.
    balances_on = day()
    balances_before = models.JSONField(db_default=models.Value({}, models.JSONField()))
    tier = word(12)
    next_maturity_on = day()
    maturing_30d = money()
    maturing_90d = money()

    # Needs (S1.4)
    preferred_product = word(16)
    preferred_channel = word(10)
    risk_preference = word(12)
    financial_preference = word(12)
    # What preference models in use say; empty without an answer
    likely_product = word(16)
    likely_product_chance = models.FloatField(null=True)
    likely_channel = word(10)
    likely_channel_chance = models.FloatField(null=True)
    likely_risk = word(12)
    likely_risk_chance = models.FloatField(null=True)
    likely_finance = word(12)
    likely_finance_chance = models.FloatField(null=True)

    # Attitude (S1.5)
    churn_wealth = models.FloatField(null=True)
    churn_loan = models.FloatField(null=True)
    facts_grade = word(2)
    loyalty_grade = word(2)

    # Portrait from transactions (S1.6)
    amount_in_1m = money()
    amount_out_1m = money()
    amount_in_3m = money()
    amount_out_3m = money()
    amount_in_6m = money()
    amount_out_6m = money()
    amount_in_12m = money()
    amount_out_12m = money()
    transfers_3m = money()
    salary_3m = money()
    largest_in_3m = money()
    counterparties_3m = count()
    top_counterparty = word(60)
    top_merchant_category = word(10)
    spend_food_3m = money()
    spend_home_3m = money()
    spend_travel_3m = money()
    spend_health_3m = money()
    spend_education_3m = money()
    spend_leisure_3m = money()
    spend_other_3m = money()
    online_3m = count()
    mobile_3m = count()
    phone_3m = count()
    epayment_3m = count()
    counter_3m = count()

    # Consumer finance (S1.8)
    upfront_fees = money()
    principal_outstanding = money()
    overdue_days = count()

    # Contact and response history
    contacts_30d = count()
    contacts_90d = count()
    contacts_180d = count()
    contacts_12m = count()
    reached_12m = count()
    last_contact_on = day()
    last_refusal_on = day()
    conversions_12m = count()
    last_conversion_on = day()

    class Meta:
        verbose_name = _("customer profile")
