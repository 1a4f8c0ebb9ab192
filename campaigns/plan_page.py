"""What the page of a plan shows below its campaigns: targets and sales up the branch tree, fatigue, overlap."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import branches, clock, figures
from bankcrm.parsing import whole_number
from campaigns import plan_progress
from campaigns.models import MarketingPlan, PlanTarget
from campaigns.plan_progress import MOST_CONTACTS, Cell
from customers.models import Product

# A plan of years is shown by its last months; the sheet holds them all.
MOST_MONTHS = 12
MOST_WEEKS = 26


def progress(plan: MarketingPlan, asked: str) -> dict[str, Any]:
    """The branch tree with targets and sales by month, for one product (``asked``: its id) or all."""
    products = list(Product.objects.filter(pk__in=PlanTarget.objects.filter(plan=plan).values("product")))
    chosen = whole_number(asked)
    product = next((one for one in products if one.pk == chosen), None)
    cells = plan_progress.by_branch(plan, product.pk if product else None)
    months = sorted({cell.month for cell in cells})[-MOST_MONTHS:]
    found = {(cell.branch, cell.month): cell for cell in cells}
    totals = _totals(cells)
    rows = [
        {
            "branch": branch,
            "steps": range(depth),
            "cells": [found.get((branch.pk, month)) for month in months],
            "total": totals[branch.pk],
        }
        for branch, depth in branches.top_down()
        if branch.pk in totals
    ]
    return {"months": months, "rows": rows, "products": products, "product": product}


def _totals(cells: list[Cell]) -> dict[int, dict[str, Any]]:
    totals: dict[int, dict[str, Any]] = {}
    for cell in cells:
        total = totals.setdefault(cell.branch, {"target": 0, "sales": 0, "volume": 0})
        total["target"] += cell.target
        total["sales"] += cell.sales
        total["volume"] += cell.volume
    for total in totals.values():
        total["share"] = total["sales"] / total["target"] if total["target"] else None
    return totals


def fatigue(plan: MarketingPlan) -> dict[str, Any] | None:
    """Heat map of contacts a customer and week: None where nobody is contacted in the period."""
    first = plan.starts_on - dt.timedelta(days=plan.starts_on.weekday())
    found = plan_progress.fatigue(first, plan.ends_on, clock.today())
    if not found:
        return None
    weeks = [first + dt.timedelta(weeks=n) for n in range((plan.ends_on - first).days // 7 + 1)][-MOST_WEEKS:]
    counted: dict[tuple[dt.date, int], int] = {(week, n): customers for week, n, customers in found}
    rows = range(MOST_CONTACTS, 0, -1)
    often = sum(customers for (_week, n), customers in counted.items() if n > 1)
    return {
        "cells": [[counted.get((week, n), 0) for week in weeks] for n in rows],
        "row_labels": [_("%(n)s and more") % {"n": n} if n == MOST_CONTACTS else str(n) for n in rows],
        "column_labels": [figures.short_day(week) for week in weeks],
        "often": often,
        "ahead": clock.today() <= plan.ends_on,
    }


def overlap(plan: MarketingPlan) -> dict[str, Any] | None:
    """Which campaigns in the period want the same customers; None with fewer than two lists."""
    campaigns = plan_progress.in_period(plan)
    if len(campaigns) < 2:
        return None
    shared: dict[tuple[int, int], int] = defaultdict(int, plan_progress.overlap([c.pk for c in campaigns]))
    rows = []
    for one in campaigns:
        size = shared[one.pk, one.pk]
        cells = []
        for other in campaigns:
            n = shared[min(one.pk, other.pk), max(one.pk, other.pk)]
            cells.append({"n": n, "share": n / size if size else None, "same": one == other})
        rows.append({"campaign": one, "size": size, "cells": cells})
    return {"campaigns": campaigns, "rows": rows}
