"""Campaigns that walked their real way: made by Mei, selected, submitted, approved by Omar, pushed.

Customers are made by set SQL, so that a test may have hundreds of them; whatever a test wants different it updates.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm.models import Branch, User
from campaigns import lifecycle, push, targeting
from campaigns.models import Campaign, Offer, Push
from customers.models import Customer, Product
from tests.cast import Cast

TODAY = dt.date(2026, 11, 25)
MONTH = dt.date(2026, 10, 31)
EVERYBODY = {"all": [{"field": "age", "op": "between", "value": [18, 120]}]}


def run_sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def make_customers(n: int, branch: Branch, rm: User | None = None, *, prefix: str = "C") -> list[int]:
    """``n`` persons of 20 to 69 years with a phone and a profile of MONTH; returns their ids in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO customers_customer (number, name, phone, home_branch_id, primary_rm_id, opened_on)
                SELECT %s || i, 'Customer ' || i, '1380000' || lpad(i::text, 6, '0'), %s, %s, DATE '2020-01-01'
                FROM generate_series(1, %s) i RETURNING id
            ), profiled AS (
                INSERT INTO customers_customerprofile (month, customer_id, age)
                SELECT %s, id, 20 + (id %% 50) FROM made
            )
            SELECT id FROM made ORDER BY id
            """,
            [prefix, branch.pk, rm.pk if rm else None, n, MONTH],
        )
        return [row[0] for row in cursor.fetchall()]


def make_product(code: str = "fund") -> Product:
    return Product.objects.get_or_create(code=code, defaults={"name": code.capitalize(), "line": "wealth"})[0]


def make_offer(product: Product, code: str = "steady", **changes: Any) -> Offer:
    fields: dict[str, Any] = {
        "name": code,
        "margin_per_sale": 1000,
        "cost_per_contact": 10,
        "script_open": "Good morning, this is your bank.",
        "script_ask": "What are your plans with the savings?",
        "script_offer": "A fund without entry fee until the end of the year.",
    }
    return Offer.objects.create(code=code, product=product, **(fields | changes))


def make_scores(product: Product, owner: User, probabilities: dict[int, float]) -> PredictiveModel:
    """A response model whose published scores are these: customer id → probability."""
    model = PredictiveModel.objects.create(
        code=f"{product.code}-response", name="Response", product=product, owner=owner
    )
    version = ModelVersion.objects.create(
        model=model, number=1, algorithm=ModelVersion.Algorithm.TREES, trained_by=owner
    )
    run = ScoreRun.objects.create(version=version, as_of=MONTH, state=ScoreRun.State.PUBLISHED)
    run_sql(f"CREATE TABLE analytics_score_{run.pk} PARTITION OF analytics_score FOR VALUES IN ({run.pk})")
    ranked = sorted(probabilities, key=lambda pk: -probabilities[pk])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO analytics_score (score_run_id, customer_id, raw, probability, decile)"
            " VALUES (%s, %s, %s, %s, %s)",
            [
                (run.pk, pk, probabilities[pk], probabilities[pk], 1 + place * 10 // len(ranked))
                for place, pk in enumerate(ranked)
            ],
        )
    model.current_score_run = run
    model.save()
    return model


def draft(cast: Cast, code: str = "autumn", **changes: Any) -> Campaign:
    """A draft by Mei for everybody, one arm by phone, a fixed salt; ``arms`` and fields can be given."""
    product = changes.pop("product", None) or make_product()
    if "arms" not in changes:
        changes["arms"] = [{"code": "a", "offer": make_offer(product, f"{code}-offer"), "share": 1}]
    fields: dict[str, Any] = {
        "name": code.capitalize(),
        "product": product,
        "starts_on": TODAY,
        "ends_on": TODAY + dt.timedelta(days=60),
        "budget": 1_000_000,
        "condition": EVERYBODY,
        "salt": f"{code}-salt",
    }
    return lifecycle.create(cast.mei, code=code, **(fields | changes))


def selected(cast: Cast, code: str = "autumn", **changes: Any) -> Campaign:
    campaign = draft(cast, code, **changes)
    targeting.select(campaign, cast.mei, on=TODAY)
    return Campaign.objects.get(pk=campaign.pk)


def submitted(cast: Cast, code: str = "autumn", **changes: Any) -> Campaign:
    return lifecycle.submit(selected(cast, code, **changes), cast.mei)


def approved(cast: Cast, code: str = "autumn", **changes: Any) -> Campaign:
    return lifecycle.approve(submitted(cast, code, **changes), cast.omar, "Fine.")


def pushed(cast: Cast, code: str = "autumn", **changes: Any) -> tuple[Campaign, Push]:
    campaign = approved(cast, code, **changes)
    done = push.push(campaign, cast.mei, on=TODAY)
    return Campaign.objects.get(pk=campaign.pk), done


def customer(pk: int) -> Customer:
    return Customer.objects.get(pk=pk)
