"""How the customer came to the bank, what that cost and what came of it (S1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customers import kyc
from customers.acquisition import COHORTS
from customers.models import ConsumerFinanceContract, Holding
from customers.tabs.seen import Seen

MOST = 50
MILESTONES = (3, 6, 12, 24)


def acquisition(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    """Two queries beside the customer's own: the contracts, and what was opened after the first product."""
    row = getattr(seen.customer, "acquisition", None)
    contracts = list(
        ConsumerFinanceContract.objects.filter(customer=seen.customer).order_by("-opened_on", "-pk")[:MOST]
    )
    opened = list(
        Holding.objects.filter(customer=seen.customer)
        .select_related("product")
        .order_by("opened_on", "pk")[: kyc.MOST_HOLDINGS]
    )
    first = opened[0] if opened else None
    codes = {first.product_id} if first else set()
    later = []
    for holding in opened[1:]:
        if holding.product_id not in codes:
            codes.add(holding.product_id)
            later.append(holding)
    return {
        "row": row,
        "cohorts": COHORTS,
        "milestones": [(months, getattr(row, f"value_{months}")) for months in MILESTONES] if row else [],
        "per_cost": row.value / row.cost if row and row.cost else None,
        "contracts": contracts,
        "totals": {
            "fees": sum(one.upfront_fee for one in contracts),
            "outstanding": sum(one.principal_outstanding for one in contracts),
            "overdue": max((one.overdue_days for one in contracts), default=0),
        },
        "first": first,
        "later": later,
    }
