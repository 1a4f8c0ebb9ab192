"""A small bank with a known law: the more somebody keeps on demand, the likelier is a purchase within the window.

Written by set SQL, month by month, so that models can be trained on it in a second or two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection

from analytics import predictive, training
from analytics.models import ModelVersion, PredictiveModel
from bankcrm.partitions import ensure_months
from customers.models import Product
from tests.cast import Cast

LATEST = dt.date(2026, 10, 31)
MONTHS = [
    dt.date(2025, 9, 30),
    dt.date(2025, 11, 30),
    dt.date(2026, 2, 28),
    dt.date(2026, 4, 30),
    dt.date(2026, 6, 30),
    dt.date(2026, 8, 31),
]
FEATURES = ["demand_deposit", "aum", "industry", "last_transaction_on"]


def run_sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)


def make_product(code: str = "fund") -> Product:
    return Product.objects.get_or_create(
        code=code, defaults={"name": code.capitalize(), "line": "wealth", "asset_class": "fund"}
    )[0]


def make_people(n: int) -> None:
    """Customers 1 … n and one old transaction, so that the history is known to begin long ago."""
    run_sql(
        "INSERT INTO customers_customer (id, number, name, opened_on, industry)"
        " SELECT i, 'C' || i, 'Customer ' || i, DATE '2015-01-01', (ARRAY['farming', 'trade', 'health'])[1 + i %% 3]"
        " FROM generate_series(1, %s) i",
        n,
    )
    ensure_months("customers_transaction", dt.date(2024, 10, 1), dt.date(2024, 10, 1))
    run_sql(
        "INSERT INTO customers_transaction (booked_on, reference, customer_id, amount, kind)"
        " VALUES (DATE '2024-10-01', 'first', 1, 10, 'other')"
    )


def make_profiles(months: Sequence[dt.date]) -> None:
    """A profile of everybody for every month; demand deposits are spread by a hash of customer and month."""
    for month in months:
        ensure_months("customers_customerprofile", month, month)
        run_sql(
            "INSERT INTO customers_customerprofile"
            " (month, customer_id, demand_deposit, aum, last_transaction_on, transactions_12m)"
            " SELECT %s, id, mod(abs(hashint8extended(id, %s)), 1000), mod(abs(hashint8extended(id, %s)), 977),"
            " %s - (id %% 40)::int, id %% 30 FROM customers_customer",
            month,
            month.toordinal(),
            month.toordinal() + 1,
            month,
        )


def make_purchases(product: Product, months: Sequence[dt.date], rate: float = 0.12) -> None:
    """After every month those with much on demand open the product more often; closed before the next month."""
    for month in months:
        run_sql(
            "INSERT INTO customers_holding (number, customer_id, product_id, opened_on, closed_on)"
            " SELECT 'H' || customer_id || '-' || month, customer_id, %s, month + 20, month + 25"
            " FROM customers_customerprofile WHERE month = %s AND"
            " mod(abs(hashint8extended(customer_id, %s)), 10000) < 10000 * 2 * %s * demand_deposit / 1000",
            product.pk,
            month,
            month.toordinal() + 2,
            rate,
        )


def make_history(n: int = 2000, rate: float = 0.12) -> Product:
    """``n`` customers, six month-ends with outcomes, and the newest month without."""
    product = make_product()
    make_people(n)
    make_profiles([*MONTHS, LATEST])
    make_purchases(product, MONTHS, rate)
    return product


def make_model(cast: Cast, product: Product, code: str = "fund-response", **changes: Any) -> PredictiveModel:
    fields: dict[str, Any] = {"name": "Fund response", "product": product, "features": FEATURES}
    return predictive.define(cast.ana, code=code, **(fields | changes))


def make_version(model: PredictiveModel, number: int, **changes: Any) -> ModelVersion:
    """A version by its figures alone; nothing can be scored with it."""
    fields: dict[str, Any] = {"algorithm": "logistic", "trained_by": model.owner, "card": {}}
    return ModelVersion.objects.create(model=model, number=number, **(fields | changes))


def trained(cast: Cast, monkeypatch: Any, n: int = 2000) -> tuple[PredictiveModel, list[ModelVersion]]:
    """A model with versions trained on the small bank; few bootstrap draws, because their width is tested elsewhere."""
    monkeypatch.setattr(training, "RESAMPLES", 50)
    model = make_model(cast, make_history(n))
    return model, training.train(model, cast.ana)


def in_use(cast: Cast, monkeypatch: Any, n: int = 2000) -> PredictiveModel:
    """The better version promoted by Max."""
    model, versions = trained(cast, monkeypatch, n)
    predictive.promote(versions[0], cast.max)
    return PredictiveModel.objects.get(pk=model.pk)


def campaign(product: Product, code: str, day: dt.date, customers: range, every: int = 5) -> None:
    """Everybody in ``customers`` assigned on one day; one in ``every`` converts."""
    run_sql(
        "INSERT INTO customers_assignment (campaign_code, customer_id, cell_code, product_code, assigned_on)"
        " SELECT %s, i, 'a', %s, %s FROM generate_series(%s, %s) i",
        code,
        product.code,
        day,
        customers.start,
        customers.stop - 1,
    )
    run_sql(
        "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
        " SELECT i, %s, 'conversion', 'matched', %s FROM generate_series(%s, %s, %s) i",
        code,
        day + dt.timedelta(days=9),
        customers.start,
        customers.stop - 1,
        every,
    )
