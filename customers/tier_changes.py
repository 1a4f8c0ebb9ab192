# ruff: noqa: S608  what is spliced into this SQL names parameters
"""Who moved to another tier from one month-end to the next, and why; written with the profiles of the month."""

from __future__ import annotations

import datetime
from typing import Any

from customers.tiering import rules_in_force

# A move that yesterday's thresholds would not have made is the thresholds' doing. Otherwise up is the side, assets or
# personal loan, that meets the new tier, down the side that once held the old one.
RECORD = f"""
WITH now_rule AS ({rules_in_force("day")}), old_rule AS ({rules_in_force("ago_1m")}),
moved AS (
    SELECT p.customer_id, old.tier AS from_tier, p.tier AS to_tier, p.aum_high_3m AS aum, p.loan_high_3m AS loan,
           old.aum_high_3m AS aum_before, old.loan_high_3m AS loan_before
    FROM customers_customerprofile p JOIN customers_customerprofile old
        ON old.month = %(ago_1m)s AND old.customer_id = p.customer_id
    WHERE p.month = %(day)s AND p.tier <> old.tier AND old.tier <> ''
), ranked AS (
    SELECT moved.*, came.minimum_aum AS to_aum, came.minimum_loan AS to_loan,
           coalesce(left_rule.minimum_aum, was.minimum_aum) AS from_aum,
           coalesce(left_rule.minimum_loan, was.minimum_loan) AS from_loan,
           coalesce(came.rank, 32767) < coalesce(left_rule.rank, was.rank, 32767) AS is_up,
           moved.from_tier = coalesce((
               SELECT code FROM old_rule
               WHERE moved.aum >= minimum_aum OR moved.loan >= minimum_loan ORDER BY rank LIMIT 1
           ), '') AS by_rules
    FROM moved
    LEFT JOIN now_rule came ON came.code = to_tier
    LEFT JOIN now_rule left_rule ON left_rule.code = from_tier
    LEFT JOIN old_rule was ON was.code = from_tier
), judged AS (
    SELECT ranked.*, CASE
        WHEN is_up THEN coalesce(aum < to_aum, false)
        ELSE coalesce(aum_before < from_aum AND loan_before >= from_loan, false) END AS by_loan
    FROM ranked
)
INSERT INTO customers_tierchange (month, customer_id, from_tier, to_tier, is_up, reason, amount, threshold)
SELECT %(day)s, customer_id, from_tier, to_tier, is_up,
       CASE WHEN by_rules THEN 'rules' WHEN by_loan THEN 'loan' ELSE 'aum' END,
       CASE WHEN by_loan THEN loan ELSE aum END,
       CASE WHEN is_up AND by_loan THEN to_loan WHEN is_up THEN to_aum WHEN by_loan THEN from_loan ELSE from_aum END
FROM judged
"""


def record(cursor: Any, day: datetime.date) -> None:
    """Write the changes of the month that ends on ``day`` anew, and those of the next month where it is built."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM customers_customerprofile WHERE month = %s)", [_month_end(day, 1)]
    )
    later = [_month_end(day, 1)] if cursor.fetchone()[0] else []
    for month in [day, *later]:
        cursor.execute("DELETE FROM customers_tierchange WHERE month = %s", [month])
        cursor.execute(RECORD, {"day": month, "ago_1m": month.replace(day=1) - datetime.timedelta(days=1)})


def _month_end(day: datetime.date, later: int) -> datetime.date:
    first = day.replace(day=1)
    for _ in range(later + 1):
        first = (first + datetime.timedelta(days=32)).replace(day=1)
    return first - datetime.timedelta(days=1)
