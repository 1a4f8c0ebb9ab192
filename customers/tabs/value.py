"""The value tab: value fields, comparison with peers, the product gap, what is held."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import figures
from customers import kyc, product_gap
from customers.fields import Area
from customers.models import Holding
from customers.tabs import comparison
from customers.tabs.overview import aum_chart, threshold
from customers.tabs.seen import Seen

# Fields that look ahead from the month-end; the page looks ahead from today.
AHEAD = ("next_maturity_on", "maturing_30d", "maturing_90d")
HORIZONS = (30, 90)


def value(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    facts = kyc.facts(seen.customer, seen.month, [Area.VALUE], seen.tier_names)
    return {
        "facts": [fact for code, fact in facts.items() if code not in kyc.ASSETS and code not in AHEAD],
        "unknown": seen.balances.said if seen.balances else "",
        "ahead_figures": _ahead(seen),
        "chart": aum_chart(seen.known_past),
        "threshold": threshold(seen),
        "holdings": [
            {"held": one, "balance": seen.on_contracts.get(one.pk), "due": _due(one, seen)}
            for one in seen.held
        ],
        "cut": len(seen.held) == kyc.MOST_HOLDINGS,
        "comparison": comparison.rows(seen, comparison.VALUE),
        "compared": comparison.said_of(seen),
        "gap": product_gap.gap(seen.profile, seen.peers, seen.relation) if seen.profile else [],
        "gap_from": product_gap.FROM,
    }


def _ahead(seen: Seen) -> list[tuple[str, str]]:
    """(label, figure) of deposits and investments that mature from today on."""
    coming = [
        (one.matures_on, seen.falls_due(one))
        for one in seen.held
        if one.matures_on and one.matures_on >= seen.today and one.product.asset_class
    ]
    next_on = min((day for day, _amount in coming), default=None)
    found = [(_("Next maturity"), figures.short_day(next_on))]
    for days in HORIZONS:
        last = seen.today + dt.timedelta(days=days)
        due = sum((amount for day, amount in coming if day <= last), Decimal(0))
        found.append((_("Matures by %(day)s") % {"day": figures.short_day(last)}, figures.money(due)))
    return found


def _due(one: Holding, seen: Seen) -> str:
    """``past``: by the bank's data it should have ended; ``unheard``: it fell due since, and nobody knows yet."""
    if one.matures_on is None or one.matures_on >= seen.today:
        return ""
    return "unheard" if seen.is_after_the_data(one.matures_on) else "past"
