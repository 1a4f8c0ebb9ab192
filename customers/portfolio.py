"""Lists of customers with the figures of a month: the portfolio page, search results and the API share them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Coalesce

from bankcrm.models import BranchLink
from customers.models.attributes import CustomerQuerySet

# Columns of the profile that lists show or sort by, under these names.
FIGURES = (
    "tier",
    "aum",
    "loyalty_grade",
    "churn_wealth",
    "churn_loan",
    "maturing_30d",
    "next_maturity_on",
    "last_contact_on",
    "activity",
    "age",
)
ORDERS: dict[str, tuple[str, ...]] = {
    "aum": ("-assets", "-pk"),
    "change": ("-change", "-pk"),
    "fall": ("change", "pk"),
    "maturity": ("next_maturity_on", "pk"),
    "number": ("number",),
}


def with_profile(customers: CustomerQuerySet, month: dt.date | None) -> CustomerQuerySet:
    """Add FIGURES and ``aum_change`` (over three months) of ``month``; all None where there is no profile yet.

    ``assets`` and ``change`` are the same with 0 for None: what lists are sorted by, so that nobody is lost.
    """
    joined = customers.annotate(
        at=FilteredRelation("profiles", condition=Q(profiles__month=month or dt.date.min))
    )
    change = F("at__aum") - F("at__aum_3m_ago")
    return joined.annotate(
        **{name: F(f"at__{name}") for name in FIGURES},
        aum_change=change,
        assets=Coalesce("at__aum", Decimal(0)),
        change=Coalesce(change, Decimal(0)),
    )


def narrowed(customers: CustomerQuerySet, filters: dict[str, Any]) -> CustomerQuerySet:
    """Apply the filters of the list: branch (code, with its subtree), rm, tier, loyalty, maturing, falling, idle.

    ``customers`` must come from ``with_profile``; a filter that is empty or not named does nothing.
    """
    tests = {
        "branch": lambda code: Q(
            home_branch__in=BranchLink.objects.filter(ancestor__code=code).values("descendant")
        ),
        "rm": lambda number: Q(primary_rm__employee_number=number),
        "tier": lambda code: Q(tier=code),
        "loyalty": lambda grade: Q(loyalty_grade=grade),
        "maturing": lambda _on: Q(maturing_30d__gt=0),
        "falling": lambda _on: Q(aum_change__lt=0),
        "idle": lambda _on: Q(last_contact_on__isnull=True),
    }
    for name, test in tests.items():
        if value := filters.get(name):
            customers = customers.filter(test(value))
    return customers
