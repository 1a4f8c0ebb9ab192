"""A small bank in which what customers do next follows from what they have on demand, with luck, three months apart."""

from __future__ import annotations

import datetime as dt
from typing import Any

from analytics import predictive, preference_training
from analytics.models import ModelVersion, PredictiveModel
from bankcrm.partitions import ensure_months
from customers.models import Product
from tests.analytics import bank
from tests.cast import Cast

MONTHS = [
    dt.date(2025, 7, 31),
    dt.date(2025, 10, 31),
    dt.date(2026, 1, 31),
    dt.date(2026, 4, 30),
    dt.date(2026, 7, 31),
]
FEATURES = ["demand_deposit", "aum", "preferred_product", "risk_preference"]
# line of a product → its asset class
LINES = {"savings": "time_deposit", "wealth": "wealth_management", "insurance": "insurance"}


def make(n: int = 2000) -> None:
    """People with profiles of all months; of every 30 customers five were seen to do less than five things."""
    bank.make_people(n)
    bank.make_profiles([*MONTHS, bank.LATEST])


def purchases(months: list[dt.date] = MONTHS) -> None:
    """Six of ten buy within the window. Below 500 on demand four of five buy savings, above it wealth management;
    nobody buys the third product twice in a hundred."""
    for line, asset_class in LINES.items():
        Product.objects.get_or_create(
            code=line, defaults={"name": line.capitalize(), "line": line, "asset_class": asset_class}
        )
    for month in months:
        bank.run_sql(
            "INSERT INTO customers_holding (number, customer_id, product_id, opened_on, closed_on)"
            " SELECT 'H' || p.customer_id || '-' || p.month, p.customer_id, product.id, p.month + 20, p.month + 25"
            " FROM customers_customerprofile p CROSS JOIN LATERAL ("
            "   SELECT mod(abs(hashint8extended(p.customer_id, %s)), 1000) AS luck,"
            "          mod(abs(hashint8extended(p.customer_id, %s)), 1000) AS buys) drawn"
            " JOIN customers_product product ON product.code = CASE"
            "   WHEN drawn.luck < 10 THEN 'insurance'"
            "   WHEN (p.demand_deposit < 500) = (drawn.luck < 800) THEN 'savings' ELSE 'wealth' END"
            " WHERE p.month = %s AND drawn.buys < 600",
            month.toordinal() + 1,
            month.toordinal() + 2,
            month,
        )


def book(customer: int, channel: str, day: dt.date, times: int) -> None:
    ensure_months("customers_transaction", day, day)
    bank.run_sql(
        "INSERT INTO customers_transaction (booked_on, reference, customer_id, amount, kind, channel)"
        " SELECT %s, %s || i, %s, 10, 'other', %s FROM generate_series(1, %s) i",
        day,
        f"{customer}-{channel}-{day}-",
        customer,
        channel,
        times,
    )


def define(cast: Cast, target: str = "product", **changes: Any) -> PredictiveModel:
    fields: dict[str, Any] = {
        "code": f"prefers-{target}",
        "name": f"Prefers {target}",
        "kind": "preference",
        "target": target,
        "horizon_days": 85,
        "features": FEATURES,
        "feeds": f"likely_{target}",
    }
    return predictive.define(cast.ana, **(fields | changes))


def trained(cast: Cast, monkeypatch: Any, **changes: Any) -> tuple[PredictiveModel, ModelVersion]:
    """A model of the next product line with one version, from few bootstrap draws."""
    monkeypatch.setattr(preference_training, "RESAMPLES", 50)
    make()
    purchases()
    model = define(cast, **changes)
    (version,) = preference_training.train(model, cast.ana)
    return model, version


def in_use(cast: Cast, monkeypatch: Any, **changes: Any) -> PredictiveModel:
    """The same, promoted by Max."""
    model, version = trained(cast, monkeypatch, **changes)
    predictive.promote(version, cast.max)
    return PredictiveModel.objects.get(pk=model.pk)
