"""Daily averages the bank did not give: from bookings that carry a balance, else from month-end balances.

A daily average is the sum of the closing balances of all days of a month over the number of its days; a day on which a
contract did not exist counts as zero. What the bank gives (``MonthlyBalance.average``) is never touched.
"""

from __future__ import annotations

import calendar
import datetime
from typing import Any

from django.db import connection

from customers.models import MonthlyBalance

# The balance a contract ended each day with holds until the next booking; before the first booking of the month it is
# that booking's balance without its amount. What the customer has in the same product on contracts that were not booked
# did not move: the difference between the known month-end balance and the booked contracts' stands for it.
FROM_BOOKINGS = """
WITH booked AS (
    SELECT holding_number, booked_on, hour, reference, amount, balance_after FROM customers_transaction
    WHERE booked_on BETWEEN %(month_start)s AND %(day)s AND balance_after IS NOT NULL AND holding_number <> ''
), daily AS (
    SELECT DISTINCT ON (holding_number, booked_on) holding_number, booked_on, balance_after FROM booked
    ORDER BY holding_number, booked_on, hour DESC NULLS LAST, reference DESC
), opening AS (
    SELECT DISTINCT ON (holding_number) holding_number, booked_on, balance_after - amount AS balance FROM booked
    ORDER BY holding_number, booked_on, hour NULLS FIRST, reference
), spans AS (
    SELECT holding_number, balance_after AS balance,
           lead(booked_on, 1, %(day)s::date + 1) OVER later - booked_on AS days,
           lead(booked_on) OVER later IS NULL AS is_last
    FROM daily WINDOW later AS (PARTITION BY holding_number ORDER BY booked_on)
    UNION ALL SELECT holding_number, balance, booked_on - %(month_start)s::date, false FROM opening
), contracts AS (
    SELECT holding_number, sum(balance * days) / %(days)s AS average,
           sum(balance) FILTER (WHERE is_last) AS closing
    FROM spans GROUP BY holding_number
), products AS (
    SELECT h.customer_id, h.product_id, sum(c.average) AS average, sum(c.closing) AS closing,
           sum(o.balance) AS opening
    FROM contracts c JOIN opening o USING (holding_number) JOIN customers_holding h ON h.number = c.holding_number
    GROUP BY h.customer_id, h.product_id
)
INSERT INTO customers_monthlybalance AS known
    (month, customer_id, product_id, closing, computed_average, computed_from)
SELECT %(day)s, p.customer_id, p.product_id, p.closing + s.silent, round(p.average + s.silent, 2), 'alone'
FROM products p
LEFT JOIN customers_monthlybalance before
    ON before.month = %(ago_1m)s AND before.customer_id = p.customer_id AND before.product_id = p.product_id
CROSS JOIN LATERAL (SELECT coalesce(before.closing - p.opening, 0) AS silent) s
ON CONFLICT (month, customer_id, product_id) DO UPDATE SET
    computed_average = excluded.computed_average
        + CASE known.computed_from WHEN 'alone' THEN 0 ELSE known.closing - excluded.closing END,
    closing = CASE known.computed_from WHEN 'alone' THEN excluded.closing ELSE known.closing END,
    computed_from = CASE known.computed_from WHEN 'alone' THEN 'alone' ELSE 'bookings' END
WHERE known.average IS NULL
"""

# A contract known by its bookings alone, and not booked this month, kept its balance.
CARRIED_ON = """
INSERT INTO customers_monthlybalance AS known
    (month, customer_id, product_id, closing, computed_average, computed_from)
SELECT %(day)s, before.customer_id, before.product_id, before.closing, before.closing, 'alone'
FROM customers_monthlybalance before
WHERE before.month = %(ago_1m)s AND before.computed_from = 'alone' AND before.average IS NULL
  AND EXISTS (
    SELECT FROM customers_holding h WHERE h.customer_id = before.customer_id AND h.product_id = before.product_id
       AND (h.closed_on IS NULL OR h.closed_on > %(day)s)
  )
ON CONFLICT (month, customer_id, product_id) DO NOTHING
"""

# Half-way between two month-ends; in the month a contract began, its days over the days of the month.
FROM_CLOSINGS = """
UPDATE customers_monthlybalance b SET computed_from = 'closings', computed_average = round(CASE
    WHEN known.before IS NOT NULL THEN (known.before + b.closing) / 2
    WHEN known.opened_on >= %(month_start)s THEN b.closing * (%(day)s::date - known.opened_on + 1) / %(days)s
    ELSE b.closing END, 2)
FROM (
    SELECT n.customer_id, n.product_id, before.closing AS before, (
        SELECT min(h.opened_on) FROM customers_holding h
        WHERE h.customer_id = n.customer_id AND h.product_id = n.product_id AND h.opened_on <= %(day)s
    ) AS opened_on
    FROM customers_monthlybalance n
    LEFT JOIN customers_monthlybalance before
        ON before.month = %(ago_1m)s AND before.customer_id = n.customer_id AND before.product_id = n.product_id
    WHERE n.month = %(day)s AND n.average IS NULL AND n.computed_from IN ('', 'closings')
) known
WHERE b.month = %(day)s AND b.customer_id = known.customer_id AND b.product_id = known.product_id
"""


def complete(day: datetime.date, since: datetime.date) -> None:
    """Compute what is missing for the month that ends on ``day`` and for months from ``since`` that were never done.

    Runs in the caller's transaction; oldest month first, because a month begins with the balance of the one before.
    """
    waiting = MonthlyBalance.objects.filter(month__gte=since, month__lt=day, average=None, computed_from="")
    months = waiting.order_by("month").values_list("month", flat=True).distinct()
    with connection.cursor() as cursor:
        for month in [*months, day]:
            parameters = _parameters(month)
            for statement in (FROM_BOOKINGS, CARRIED_ON, FROM_CLOSINGS):
                cursor.execute(statement, parameters)


def shares(day: datetime.date) -> dict[str, int]:
    """How many balances of a month have a daily average "given", from "bookings" (with "alone") and "closings"."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN average IS NOT NULL THEN 'given' WHEN computed_from = 'alone' THEN 'bookings'"
            " WHEN computed_from = '' THEN 'closings' ELSE computed_from END, count(*)"
            " FROM customers_monthlybalance WHERE month = %s GROUP BY 1",
            [day],
        )
        return dict(cursor.fetchall())


def _parameters(month: datetime.date) -> dict[str, Any]:
    first = month.replace(day=1)
    return {
        "day": month,
        "month_start": first,
        "ago_1m": first - datetime.timedelta(days=1),
        "days": calendar.monthrange(month.year, month.month)[1],
    }
