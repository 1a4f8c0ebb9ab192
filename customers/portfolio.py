"""Lists of customers with the figures of a month: the portfolio page, search results and the API share them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from bankcrm.models import BranchLink
from customers.models import Holding
from customers.models.attributes import CustomerQuerySet

DUE_DAYS = 30
# Columns of the profile that lists show or sort by, under these names.
FIGURES = (
    "tier",
    "aum",
    "balances_on",
    "aum_high_3m",
    "loan_high_3m",
    "loyalty_grade",
    "churn_wealth",
    "churn_loan",
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


def with_profile(customers: CustomerQuerySet, month: dt.date | None, today: dt.date) -> CustomerQuerySet:
    """Add FIGURES and ``aum_change`` (over three months) of ``month``; all None where there is no profile yet.

    ``assets`` and ``change`` are the same with 0 for None: what lists are sorted by, so that nobody is lost.
    ``maturing_30d`` and ``next_maturity_on`` look ahead from the business day ``today``, not from the month-end: what
    matured in between is no longer ahead, whatever the newest data say.
    """
    joined = customers.annotate(
        at=FilteredRelation("profiles", condition=Q(profiles__month=month or dt.date.min))
    )
    change = F("at__aum") - F("at__aum_3m_ago")
    ahead = maturities(today).filter(customer=OuterRef("pk"))
    soon = ahead.filter(matures_on__lte=due_by(today))
    summed = soon.order_by().values("customer").annotate(sum=Sum("amount")).values("sum")
    return joined.alias(is_maturing=Exists(soon)).annotate(
        **{name: F(f"at__{name}") for name in FIGURES},
        aum_change=change,
        assets=Coalesce("at__aum", Decimal(0)),
        change=Coalesce(change, Decimal(0)),
        maturing_30d=Coalesce(Subquery(summed), Decimal(0)),
        next_maturity_on=Subquery(ahead.order_by("matures_on").values("matures_on")[:1]),
    )


def due_by(today: dt.date) -> dt.date:
    """The last day that "within 30 days" means on ``today``."""
    return today + dt.timedelta(days=DUE_DAYS)


def maturities(today: dt.date) -> QuerySet[Holding]:
    """Deposits and investments held on ``today`` that mature then or later."""
    held = Q(closed_on__isnull=True) | Q(closed_on__gt=today)
    found = Holding.objects.filter(held, matures_on__gte=today, opened_on__lte=today)
    return found.exclude(product__asset_class="")


def narrowed(customers: CustomerQuerySet, filters: dict[str, Any]) -> CustomerQuerySet:
    """Apply the filters of the list: branch (code, with its subtree), rm, tier, loyalty, maturing, falling, idle.

    ``customers`` must come from ``with_profile``; a filter that is empty or not named does nothing, one that is false
    asks for the others.
    """
    tests = {
        "branch": lambda code: Q(
            home_branch__in=BranchLink.objects.filter(ancestor__code=code).values("descendant")
        ),
        "rm": lambda number: Q(primary_rm__employee_number=number),
        "tier": lambda code: Q(tier=code),
        "loyalty": lambda grade: Q(loyalty_grade=grade),
        "maturing": lambda yes: Q(is_maturing=yes),
        "falling": lambda yes: Q(aum_change__lt=0) if yes else Q(aum_change__gte=0),
        "idle": lambda yes: Q(last_contact_on__isnull=yes),
    }
    for name, test in tests.items():
        if (value := filters.get(name)) not in (None, ""):
            customers = customers.filter(test(value))
    return customers
