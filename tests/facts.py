"""Facts about customers for tests: each function writes one kind of fact, with defaults nobody asked about."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from customers import consumer_finance
from customers.models import (
    AssetClassWeight,
    ConsumerFinanceState,
    Contact,
    Customer,
    Holding,
    MonthlyBalance,
    Product,
    Response,
    TierRule,
    Transaction,
)

MONTH = dt.date(2026, 10, 31)
EARLIER = dt.date(2000, 1, 1)

# code → (line, asset class, is a loan, margin a year)
PRODUCTS = {
    "current": ("savings", "demand_deposit", False, "0.0120"),
    "deposit-12": ("savings", "time_deposit", False, "0.0060"),
    "wealth-steady": ("wealth", "wealth_management", False, "0.0080"),
    "fund-mixed": ("wealth", "fund", False, "0.0120"),
    "personal-loan": ("personal_loan", "", True, "0.0480"),
    "card": ("credit_card", "", True, "0.0900"),
}
_numbers = itertools.count(1)


def make_products() -> dict[str, Product]:
    """Six products by code."""
    return {
        code: Product.objects.create(
            code=code, name=code, line=line, asset_class=asset, is_loan=loan, annual_margin=margin
        )
        for code, (line, asset, loan, margin) in PRODUCTS.items()
    }


def make_tiers() -> None:
    """Private from 1,000,000, gold from 100,000 or a loan of 200,000, basic from 0; in force for ever."""
    for rank, (code, aum, loan) in enumerate(
        [("private", 1_000_000, None), ("gold", 100_000, 200_000), ("basic", 0, None)], start=1
    ):
        TierRule.objects.create(
            code=code,
            name=code.capitalize(),
            rank=rank,
            minimum_aum=aum,
            minimum_loan=loan,
            valid_from=EARLIER,
        )


def weigh(asset_class: str, weight: str, valid_from: dt.date = EARLIER) -> None:
    AssetClassWeight.objects.create(asset_class=asset_class, weight=weight, valid_from=valid_from)


def customer(name: str = "Li Na", **more: Any) -> Customer:
    number = next(_numbers)
    more = {"number": f"C{number:07}", "opened_on": dt.date(2015, 3, 10), **more}
    return Customer.objects.create(name=name, **more)


def holding(
    who: Customer, product: Product, opened_on: dt.date = dt.date(2026, 5, 4), **more: Any
) -> Holding:
    more = {"number": f"H{next(_numbers):07}", **more}
    return Holding.objects.create(customer=who, product=product, opened_on=opened_on, **more)


def balance(who: Customer, product: Product, average: Any, month: dt.date = MONTH) -> None:
    MonthlyBalance.objects.create(
        month=month, customer=who, product=product, average=Decimal(average), closing=Decimal(average)
    )


def transaction(who: Customer, amount: Any, booked_on: dt.date = dt.date(2026, 10, 12), **more: Any) -> None:
    Transaction.objects.create(
        customer=who, amount=Decimal(amount), booked_on=booked_on, reference=f"T{next(_numbers):07}", **more
    )


def contact(who: Customer, contacted_on: dt.date = dt.date(2026, 10, 20), **more: Any) -> None:
    more = {"channel": "phone", **more}
    Contact.objects.create(customer=who, contacted_on=contacted_on, reference=f"K{next(_numbers):07}", **more)


def response(who: Customer, responded_on: dt.date = dt.date(2026, 10, 22), **more: Any) -> None:
    more = {"campaign_code": "autumn", "kind": "conversion", "how": "reported", **more}
    Response.objects.create(customer=who, responded_on=responded_on, **more)


def finance(
    who: Customer,
    *states: tuple[dt.date, Any, int],
    opened_on: dt.date = dt.date(2026, 1, 5),
    **more: Any,
) -> None:
    """A consumer-finance contract by its states (day, principal outstanding, days overdue), in any order."""
    more = {"number": f"F{next(_numbers):07}", "upfront_fee": 30, "principal": 900, **more}
    for as_of, outstanding, overdue in states:
        ConsumerFinanceState.objects.create(
            customer=who,
            opened_on=opened_on,
            as_of=as_of,
            principal_outstanding=Decimal(outstanding),
            overdue_days=overdue,
            **more,
        )
    consumer_finance.derive_again()
