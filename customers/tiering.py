"""Which tier a customer is in: up at once, down only after three months below (S1.3)."""

from __future__ import annotations

import datetime

from django.db.models import QuerySet

from customers.models import TierRule

# A tier is the best one that AUM, or the loan balance, reached in the month or the two before. That is the same as
# "down only after three months below" and needs no earlier profile, so months may be built in any order.
TIER_SQL = """coalesce((
    SELECT rule.code FROM profile_tier rule
    WHERE greatest(b.aum, e.aum_1m_ago, e.aum_2m_ago, 0) >= rule.minimum_aum
       OR greatest(b.loan, e.loan_1m_ago, e.loan_2m_ago, 0) >= rule.minimum_loan
    ORDER BY rule.rank LIMIT 1
), '')"""

RULES_SQL = """
CREATE TEMPORARY TABLE profile_tier ON COMMIT DROP AS
SELECT DISTINCT ON (code) code, rank, minimum_aum, minimum_loan FROM customers_tierrule
WHERE valid_from <= %(day)s ORDER BY code, valid_from DESC
"""


def rules_at(day: datetime.date) -> QuerySet[TierRule]:
    """The rule of every tier in force on ``day``, best tier first."""
    latest = TierRule.objects.filter(valid_from__lte=day).order_by("code", "-valid_from").distinct("code")
    return TierRule.objects.filter(pk__in=latest.values("pk")).order_by("rank")


def names_at(day: datetime.date) -> dict[str, str]:
    """Tier code → name on ``day``, best tier first."""
    return dict(rules_at(day).values_list("code", "name"))
