"""Which tier a customer is in: up at once, down only after three months below (S1.3)."""

from __future__ import annotations

import datetime
from decimal import Decimal

from django.db.models import QuerySet

from customers.models import TierRule

# A tier is the best one that AUM, or the loan balance, reached in the month or the two before. That is the same as
# "down only after three months below" and needs no earlier profile, so months may be built in any order.
TIER_SQL = """coalesce((
    SELECT rule.code FROM profile_tier rule
    WHERE x.aum_high >= rule.minimum_aum OR x.loan_high >= rule.minimum_loan
    ORDER BY rule.rank LIMIT 1
), '')"""


def rules_in_force(parameter: str) -> str:
    """SELECT of the tiers in force on the day of that query parameter: code, rank, minimum_aum, minimum_loan."""
    return f"""
SELECT code, rank, minimum_aum, minimum_loan FROM (
    SELECT DISTINCT ON (code) code, rank, minimum_aum, minimum_loan, is_in_use FROM customers_tierrule
    WHERE valid_from <= %({parameter})s ORDER BY code, valid_from DESC
) rule WHERE is_in_use
"""  # noqa: S608  the name of a parameter


RULES_SQL = f"CREATE TEMPORARY TABLE profile_tier ON COMMIT DROP AS {rules_in_force('day')}"


def rules_at(day: datetime.date) -> QuerySet[TierRule]:
    """The rule of every tier in force on ``day``, best tier first."""
    latest = TierRule.objects.filter(valid_from__lte=day).order_by("code", "-valid_from").distinct("code")
    return TierRule.objects.filter(pk__in=latest.values("pk"), is_in_use=True).order_by("rank")


def names_at(day: datetime.date) -> dict[str, str]:
    """Tier code → name on ``day``, best tier first."""
    return dict(rules_at(day).values_list("code", "name"))


def by_code(day: datetime.date) -> dict[str, TierRule]:
    """Tier code → its rule on ``day``, best tier first."""
    return {rule.code: rule for rule in rules_at(day)}


def is_by_loan(rule: TierRule, aum_high: Decimal | None, loan_high: Decimal | None) -> bool:
    """Whether the loan alone gives the tier: the highest assets of three months, in money, would not."""
    if rule.minimum_loan is None or aum_high is None or loan_high is None:
        return False
    return aum_high < rule.minimum_aum and loan_high >= rule.minimum_loan
