"""What the value pages show: tabs, tiers with their customers, classes with their balances, history of changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import figures
from bankcrm.models import User
from bankcrm.policy import REGISTRY
from customers import dated, tier_rules, tiering, value_settings
from customers.models import AssetClassWeight, CostRate, CustomerProfile, Product, ProductMargin, TierRule
from customers.tier_rules import Preview, Tier
from customers.value_settings import ClassState, MarginState

TABS = [
    (gettext_lazy("Tiers"), "tier-list"),
    (gettext_lazy("Tier changes"), "tier-change-list"),
    (gettext_lazy("Products"), "product-list"),
    (gettext_lazy("Margins"), "margin-list"),
    (gettext_lazy("Asset classes"), "asset-class-list"),
    (gettext_lazy("Costs to serve"), "cost-list"),
    (gettext_lazy("Own fields"), "own-field-list"),
    (gettext_lazy("Data dictionary"), "data-dictionary"),
]

# Changes a page tells; older ones are in the audit trail.
HISTORY = 12


def tabs(user: User, current: str) -> list[dict[str, Any]]:
    """The tabs this user may open."""
    return [
        {"label": label, "url": reverse(name), "current": name == current}
        for label, name in TABS
        if REGISTRY[name].allows(user, "GET")
    ]


def tiers(day: dt.date, month: dt.date | None) -> list[dict[str, Any]]:
    """The tiers of a day, highest first, with how many customers each has at the newest month-end."""
    counts: dict[str, int] = dict(
        CustomerProfile.objects.filter(month=month).values_list("tier").annotate(n=Count("customer_id"))
        if month
        else []
    )
    total: int = sum(counts.values())
    return [
        {
            "tier": tier,
            "customers": counts.get(tier.code, 0),
            "share": counts.get(tier.code, 0) / total if total else None,
        }
        for tier in tier_rules.in_force(day)
    ]


def tier_history(today: dt.date) -> list[dict[str, Any]]:
    """Every set of thresholds, newest first: what it changed, by whom, whether it may be taken back."""
    days = dated.versions(TierRule, tier_rules.ACTION)
    told = {}
    for number, version in enumerate(days):
        before = tier_rules.in_force(version.valid_from - dt.timedelta(days=1))
        after = tier_rules.in_force(version.valid_from)
        told[version.valid_from] = tier_rules.differences(before, after) if number < HISTORY else []
    return _history(days, lambda version: told[version.valid_from], "tiers", today)


def class_history(today: dt.date) -> list[dict[str, Any]]:
    def said(version: dated.Version) -> list[str]:
        return [
            _("%(name)s: off") % {"name": row.get_asset_class_display()}
            if not row.is_counted
            else f"{row.get_asset_class_display()}: {figures.pct(row.weight, 0)}"
            for row in version.rows
        ]

    days = dated.versions(AssetClassWeight, value_settings.CLASSES_ACTION)
    return _history(days, said, "asset-classes", today)


def cost_history(today: dt.date) -> list[dict[str, Any]]:
    def said(version: dated.Version) -> list[str]:
        return [
            f"{row.get_basis_display()}, {value_settings.COSTS.get((row.basis, row.channel), row.channel)}: "
            f"{row.cost.normalize():f}"
            for row in version.rows
        ]

    return _history(dated.versions(CostRate, value_settings.COSTS_ACTION), said, "costs", today)


def margin_history(today: dt.date) -> list[dict[str, Any]]:
    products = dict(Product.objects.values_list("pk", "name"))
    days = dated.versions(ProductMargin, value_settings.MARGINS_ACTION)

    def said(version: dated.Version) -> list[str]:
        return [f"{products[row.product_id]}: {figures.pct(row.annual_margin, 2)}" for row in version.rows]

    return _history(days, said, "margins", today)


def margin_rows(form: Mapping[str, Any], states: Sequence[MarginState]) -> list[dict[str, Any]]:
    """One row per product with its field of the form."""
    return [{"state": state, "field": form[f"margin_{state.product.code}"]} for state in states]


def _history(
    days: Sequence[dated.Version], said: Callable[[dated.Version], list[str]], what: str, today: dt.date
) -> list[dict[str, Any]]:
    in_force = next((version.valid_from for version in days if version.valid_from <= today), None)
    return [
        {
            "valid_from": version.valid_from,
            "said": said(version),
            "event": version.event,
            "is_ahead": version.valid_from > today,
            "is_now": version.valid_from == in_force,
            "undo_url": reverse("value-undo", args=[what, version.valid_from.isoformat()])
            if version.may_be_undone
            else "",
        }
        for version in days[:HISTORY]
    ]


def preview(found: Preview, before: Sequence[Tier], after: Sequence[Tier]) -> dict[str, Any]:
    """The preview as a matrix: rows are today's tiers, columns the planned ones."""
    names = {tier.code: tier.name for tier in [*before, *after]} | {"": _("no tier")}
    to_codes = [tier.code for tier in after] + ([""] if any(to == "" for _from, to in found.matrix) else [])
    from_codes = [tier.code for tier in before] + (
        [""] if any(was == "" for was, _to in found.matrix) else []
    )
    place = tier_rules.places(before, after)
    rows = []
    for was in from_codes:
        counts = [found.matrix.get((was, to), 0) for to in to_codes]
        cells = [
            {
                "count": count,
                "tone": "" if was == to else "ok" if place[to] < place[was] else "warn",
            }
            for to, count in zip(to_codes, counts, strict=True)
        ]
        rows.append({"name": names[was], "cells": cells, "total": sum(counts)})
    return {
        "found": found,
        "columns": [names[to] for to in to_codes],
        "rows": rows,
        "stay": found.customers - found.up - found.down,
    }


def class_rows(
    form: Mapping[str, Any], states: Sequence[ClassState], month: dt.date | None
) -> list[dict[str, Any]]:
    """One row per class: its form fields, its balances at the newest month-end, and where averages came from."""
    totals = value_settings.class_totals(month)
    rows = []
    for state in states:
        total = totals.get(state.asset_class.value)
        balances = total.given + total.bookings + total.closings if total else 0
        rows.append(
            {
                "state": state,
                "label": state.asset_class.label,
                "amount": total.amount if total else None,
                "counted": total.amount * state.weight if total and state.is_counted else None,
                "given": total.given / balances if total and balances else None,
                "bookings": total.bookings / balances if total and balances else None,
                "closings": total.closings / balances if total and balances else None,
                "on": form[f"on_{state.asset_class.value}"],
                "weight": form[f"weight_{state.asset_class.value}"],
            }
        )
    return rows


def cost_groups(form: Mapping[str, Any], rates: dict[tuple[str, str], CostRate]) -> list[dict[str, Any]]:
    """Transactions and contacts, each with a row per channel."""
    return [
        {
            "label": basis.label,
            "rows": [
                {
                    "label": label,
                    "field": form[f"{basis.value}_{channel}"],
                    "rate": rates.get((basis.value, channel)),
                }
                for (what, channel), label in value_settings.COSTS.items()
                if what == basis.value
            ],
        }
        for basis in CostRate.Basis
    ]


def names(day: dt.date) -> dict[str, str]:
    """Code → name of every tier there ever was; the name of ``day`` where it has one."""
    every = dict(TierRule.objects.order_by("valid_from").values_list("code", "name"))
    return every | tiering.names_at(day)
