"""The value tab: value fields, comparison with peers, the product gap, what is held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customers import kyc, product_gap
from customers.fields import Area
from customers.tabs import comparison
from customers.tabs.overview import aum_chart, threshold
from customers.tabs.seen import Seen


def value(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    facts = kyc.facts(seen.customer, seen.month, [Area.VALUE], seen.tier_names)
    return {
        "facts": [fact for code, fact in facts.items() if code not in kyc.ASSETS],
        "chart": aum_chart(seen.past),
        "threshold": threshold(seen),
        "holdings": seen.held,
        "cut": len(seen.held) == kyc.MOST_HOLDINGS,
        "comparison": comparison.rows(seen, comparison.VALUE),
        "compared": comparison.said_of(seen),
        "gap": product_gap.gap(seen.profile, seen.peers, seen.relation) if seen.profile else [],
        "gap_from": product_gap.FROM,
        "today": seen.today,
    }
