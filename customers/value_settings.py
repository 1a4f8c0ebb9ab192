"""What counts, earns and costs: weights of asset classes, margins, costs to serve, products; each change audited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from bankcrm import audit
from bankcrm.models import User
from bankcrm.stale import check_version
from customers import dated
from customers.models import (
    AssetClass,
    AssetClassWeight,
    ContactChannel,
    CostRate,
    Product,
    ProductLine,
    ProductMargin,
)
from customers.models.transactions import Channel
from customers.profile_sql import AVERAGE

CLASSES_ACTION, COSTS_ACTION, MARGINS_ACTION = "asset-classes", "costs", "margins"
# Every cost there can be: what, channel → the channel's label.
COSTS = {
    **{(CostRate.Basis.TRANSACTION.value, channel.value): channel.label for channel in Channel},
    **{(CostRate.Basis.CONTACT.value, channel.value): channel.label for channel in ContactChannel},
}
PRODUCT_FIELDS = ("code", "name", "line", "asset_class", "is_loan", "annual_margin", "is_active")


@dataclass(frozen=True, slots=True)
class ClassState:
    """One asset class as it counts on a day; ``valid_from`` is None where nobody ever said anything."""

    asset_class: AssetClass
    weight: Decimal
    is_counted: bool
    valid_from: dt.date | None


@dataclass(frozen=True, slots=True)
class ClassTotal:
    """Balances of one class at a month-end: their sum, and how many averages came from where."""

    amount: Decimal
    given: int
    bookings: int
    closings: int


def classes_at(day: dt.date) -> list[ClassState]:
    """All nine, in their order; one that nobody weighed counts fully."""
    latest = (
        AssetClassWeight.objects.filter(valid_from__lte=day)
        .order_by("asset_class", "-valid_from")
        .distinct("asset_class")
    )
    known = {row.asset_class: row for row in latest}
    return [
        ClassState(one, row.weight, row.is_counted, row.valid_from)
        if (row := known.get(one.value))
        else ClassState(one, Decimal(1), True, None)
        for one in AssetClass
    ]


def class_totals(month: dt.date | None) -> dict[str, ClassTotal]:
    """By asset class, one scan of the month's balances; empty without a month."""
    if month is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.asset_class, sum({AVERAGE}), count(b.average),"  # noqa: S608  a constant
            " count(*) FILTER (WHERE b.average IS NULL AND b.computed_from IN ('bookings', 'alone')),"
            " count(*) FILTER (WHERE b.average IS NULL AND b.computed_from NOT IN ('bookings', 'alone'))"
            " FROM customers_monthlybalance b JOIN customers_product p ON p.id = b.product_id"
            " WHERE b.month = %s AND p.asset_class <> '' GROUP BY 1",
            [month],
        )
        return {code: ClassTotal(*rest) for code, *rest in cursor.fetchall()}


def begin_classes(
    user: User, planned: Mapping[str, tuple[Decimal, bool]], valid_from: dt.date, reason: str = ""
) -> None:
    """Let weights and switches (class → weight, counted) hold from that day; unchanged ones are not written.

    Raises ValidationError: see ``dated.begin``.
    """
    now = {state.asset_class.value: (state.weight, state.is_counted) for state in classes_at(valid_from)}
    rows = [
        AssetClassWeight(asset_class=code, weight=weight, is_counted=counted, valid_from=valid_from)
        for code, (weight, counted) in planned.items()
        if now[code] != (weight, counted)
    ]
    changed = {row.asset_class: [str(row.weight), row.is_counted] for row in rows}
    dated.begin(user, AssetClassWeight, rows, valid_from, CLASSES_ACTION, reason, changed=changed)


def costs_at(day: dt.date) -> dict[tuple[str, str], CostRate]:
    """(what, channel) → the rate of that day; what costs nothing has none."""
    latest = (
        CostRate.objects.filter(valid_from__lte=day)
        .order_by("basis", "channel", "-valid_from")
        .distinct("basis", "channel")
    )
    return {(rate.basis, rate.channel): rate for rate in latest}


def begin_costs(
    user: User, planned: Mapping[tuple[str, str], Decimal], valid_from: dt.date, reason: str = ""
) -> None:
    """Let costs ((what, channel) → each) hold from that day; unchanged ones are not written.

    Raises ValidationError: see ``dated.begin``.
    """
    now = costs_at(valid_from)
    rows = [
        CostRate(basis=basis, channel=channel, cost=cost, valid_from=valid_from)
        for (basis, channel), cost in planned.items()
        if cost != (now[basis, channel].cost if (basis, channel) in now else 0)
    ]
    changed = {f"{row.basis} {row.channel}": str(row.cost) for row in rows}
    dated.begin(user, CostRate, rows, valid_from, COSTS_ACTION, reason, changed=changed)


@dataclass(frozen=True, slots=True)
class MarginState:
    """What a product earns on a day; ``valid_from`` is None where its first margin still holds."""

    product: Product
    margin: Decimal
    valid_from: dt.date | None


def margins_at(day: dt.date) -> list[MarginState]:
    """Every product with its margin of that day, by line and name, in two queries."""
    latest = (
        ProductMargin.objects.filter(valid_from__lte=day)
        .order_by("product_id", "-valid_from")
        .distinct("product_id")
    )
    known = {row.product_id: row for row in latest}
    order = {line: number for number, line in enumerate(ProductLine.values)}
    return [
        MarginState(product, row.annual_margin, row.valid_from)
        if (row := known.get(product.pk))
        else MarginState(product, product.annual_margin, None)
        for product in sorted(
            Product.objects.all(), key=lambda one: (order.get(one.line, len(order)), one.name)
        )
    ]


def begin_margins(user: User, planned: Mapping[str, Decimal], valid_from: dt.date, reason: str = "") -> None:
    """Let margins (product code → share of the balance a year) hold from that day; unchanged ones are not written.

    Raises ValidationError: see ``dated.begin``.
    """
    rows, changed = list[ProductMargin](), {}
    for state in margins_at(valid_from):
        code = state.product.code
        if (margin := planned.get(code, state.margin)) != state.margin:
            rows.append(ProductMargin(product=state.product, annual_margin=margin, valid_from=valid_from))
            changed[code] = [str(state.margin), str(margin)]
    dated.begin(user, ProductMargin, rows, valid_from, MARGINS_ACTION, reason, changed=changed)


@transaction.atomic
def save_product(product: Product, user: User, version: int | None = None) -> None:
    """Write a new or changed product; ``version`` is the one the form showed. Raises ValidationError when overtaken."""
    before = Product.objects.select_for_update().filter(pk=product.pk).first() if product.pk else None
    check_version(before, version)
    if before:
        product.version = before.version + 1
    product.save()
    changed = {
        name: [str(getattr(before, name)), str(getattr(product, name))]
        for name in PRODUCT_FIELDS
        if before and getattr(before, name) != getattr(product, name)
    }
    audit.record(user, "product.changed" if before else "product.created", product, changed=changed)
