"""Facts of every kind, one day too late for the month-end of ``tests.facts``: what no profile or feature may know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from customers.models import (
    Assignment,
    Consent,
    CostRate,
    Customer,
    OwnField,
    OwnValues,
    Product,
    ProductMargin,
    QuietPeriod,
    TierChange,
    TierRule,
)
from tests import facts
from tests.facts import MONTH

LATER = MONTH + dt.timedelta(days=1)
NEXT_MONTH = dt.date(2026, 11, 30)


def own_score() -> OwnField:
    """A number of the bank's own files, a column of the feature matrix."""
    return OwnField.objects.create(code="own_score", label="Score", type="whole", heading="Score")


def everything(who: Customer, products: Mapping[str, Product], score: OwnField | None = None) -> None:
    """One row of every table of facts, settings and words of the customer, all from the day after ``MONTH`` on."""
    facts.weigh("demand_deposit", "0.1", LATER)
    TierRule.objects.create(code="basic", name="Basic", rank=3, minimum_aum=999, valid_from=LATER)
    ProductMargin.objects.create(product=products["current"], annual_margin="0.9", valid_from=LATER)
    for basis, channel in (("transaction", "mobile"), ("contact", "phone")):
        CostRate.objects.create(basis=basis, channel=channel, cost=9, valid_from=LATER)
    facts.holding(who, products["fund-mixed"], LATER, amount=5, channel="mobile", first_used_on=LATER)
    facts.balance(who, products["current"], 99, NEXT_MONTH)
    facts.transaction(who, 5000, LATER, kind="salary", channel="mobile", counterparty="later", hour=3)
    facts.transaction(who, -50, LATER, kind="card", merchant_category="food")
    facts.contact(who, LATER, was_reached=True)
    facts.response(who, LATER, campaign_code="later", kind="refusal")
    facts.response(who, LATER, campaign_code="later")
    Assignment.objects.create(campaign_code="later", customer=who, cell_code="A", assigned_on=LATER)
    facts.finance(who, (LATER, 88, 0), opened_on=LATER, upfront_fee=9, number=f"later-{who.pk}")
    facts.finance(who, (LATER, 10, 90), number=early(who))
    Consent.objects.create(customer=who, channel="all", purpose="all", is_objection=True, since=LATER)
    QuietPeriod.objects.create(customer=who, first_day=LATER, last_day=NEXT_MONTH, reason="wish")
    TierChange.objects.create(
        month=NEXT_MONTH, customer=who, from_tier="basic", to_tier="top", is_up=True, reason="aum", amount=1
    )
    if score:
        OwnValues.objects.create(customer=who, valid_from=LATER, brought_by=2, content={str(score.pk): 900})


def early(who: Customer) -> str:
    """The number of a consumer-finance contract that ``everything`` brings later news of."""
    return f"early-{who.pk}"
