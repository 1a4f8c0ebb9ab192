"""The overview: assets and how they moved, against peers, what is ahead, the latest entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from customers import kyc, timeline
from customers.models import AssetClass, Holding
from customers.tabs import entries
from customers.tabs.comparison import said_of
from customers.tabs.seen import Seen

LATEST = 8


def overview(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    classes = _classes(seen)
    touched = [row for row in classes if row["amount"] or row["change"] or row["due"] or row["of"]]
    year = seen.year_ago
    latest = timeline.timeline(seen.user, seen.customer, seen.today, LATEST)
    return {
        "chart": aum_chart(seen.known_past),
        "threshold": threshold(seen),
        "classes": touched,
        "nothing_in": ", ".join(str(row["label"]).lower() for row in classes if row not in touched),
        "change": seen.past[-1].aum - year.aum if year and seen.past[-1].is_known else None,
        "peers": seen.peers,
        "compared": said_of(seen),
        "entries": [entries.row(entry, seen) for entry in latest],
    }


def aum_chart(past: list[kyc.Past]) -> list[dict[str, Any]]:
    points = [(date_format(one.month, pgettext("date", "M y")), one.aum) for one in past]
    return [{"label": _("AUM"), "points": points}] if len(points) > 1 else []


def threshold(seen: Seen) -> list[dict[str, Any]]:
    """The next tier's threshold as a mark of the chart; none at the top or too far away to draw."""
    if seen.profile is None:
        return []
    ranks = {rule.code: rule.rank for rule in seen.tiers}
    rank = ranks.get(seen.profile.tier)
    above = [rule for rule in seen.tiers if rank is None or rule.rank < rank]
    if not above or above[-1].minimum_aum > 2 * seen.profile.aum:
        return []
    return [{"y": float(above[-1].minimum_aum), "label": above[-1].name}]


def _classes(seen: Seen) -> list[dict[str, Any]]:
    """One row per asset class: amount, share of assets and the peers', change in 12 months, what matures next."""
    profile, year = seen.profile, seen.year_ago
    if profile is None:
        return []
    total = sum(getattr(profile, code) for code in kyc.ASSETS)
    coming: dict[str, list[Holding]] = defaultdict(list)
    for one in seen.held:
        if one.matures_on and one.matures_on >= seen.today:
            coming[one.product.asset_class].append(one)
    return [
        _class(asset_class, float(getattr(profile, asset_class.value)), float(total), year, coming, seen)
        for asset_class in AssetClass
    ]


def _class(
    asset_class: AssetClass,
    amount: float,
    total: float,
    year: kyc.Past | None,
    coming: dict[str, list[Holding]],
    seen: Seen,
) -> dict[str, Any]:
    due = coming.get(asset_class.value)
    balances = seen.balances
    is_nothing_known = balances is not None and balances.no_amount(asset_class.value)
    return {
        "label": asset_class.label,
        "amount": amount,
        "of": balances.of(asset_class.value) if balances else "",
        "is_unknown": is_nothing_known,
        "share": amount / total if total else None,
        "peer": seen.peers.shares[asset_class.value] if seen.peers else None,
        "change": amount - year.amounts[asset_class.value] if year and not is_nothing_known else None,
        "due": due[0].matures_on if due else None,
        "due_amount": seen.falls_due(due[0]) if due else None,
    }
