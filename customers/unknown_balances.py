# ruff: noqa: S608  every name spliced into this SQL is a constant of this repository
"""Months of which a customer's balances are not known: no row came in, and nobody told that the contract was closed.

A balance is not known at a month-end where a product has no row of it although it had one before that was not zero, and

- a contract of the customer in the product is open on that day, or
- the bank knows no contract in it, and no balance at all of that month came in for the customer.

Such a product keeps its last month-end balance for ``MONTHS`` months, said with its date; after them it counts nothing
and is said to be not known. A month in which anything is not known never counts towards losing a tier: the months
judged are the newest three that are known.
"""

MONTHS = 3
# What the balances of a product count as: an asset class, else which debt.
CLASS = """coalesce(nullif(product.asset_class, ''),
             CASE WHEN product.line = 'credit_card' THEN 'card' ELSE 'loan' END)"""

# Few customers, as a rule: those a product of whom has no row any more, and those with a month without any.
GAPS = """
CREATE TEMPORARY TABLE profile_gap ON COMMIT DROP AS
SELECT before.customer_id FROM customers_monthlybalance before
LEFT JOIN customers_monthlybalance now
    ON now.month = %(day)s AND now.customer_id = before.customer_id AND now.product_id = before.product_id
WHERE before.month IN (%(ago_1m)s, %(ago_2m)s, %(ago_3m)s) AND now.customer_id IS NULL AND before.closing <> 0
  AND coalesce((
    SELECT bool_or(h.closed_on IS NULL OR h.closed_on > %(day)s) FROM customers_holding h
    WHERE h.customer_id = before.customer_id AND h.product_id = before.product_id AND h.opened_on <= %(day)s
  ), true)
UNION
SELECT customer_id FROM profile_earlier
WHERE last_month < %(day)s
   OR aum_1m_ago IS NULL AND first_month < %(ago_1m)s OR aum_2m_ago IS NULL AND first_month < %(ago_2m)s
   OR aum_3m_ago IS NULL AND first_month < %(ago_3m)s OR aum_6m_ago IS NULL AND first_month < %(ago_6m)s
"""


def told(average: str) -> str:
    """What is known, or carried on, of every product of those customers at each month-end of the year.

    ``known_on`` is before ``month`` where the balance is not known; ``amount`` is NULL once that is too long ago.
    ``average``: the expression over ``b`` that a known month counts.
    """
    return f"""
CREATE TEMPORARY TABLE profile_told ON COMMIT DROP AS
WITH known AS (
    SELECT b.customer_id, b.product_id, b.month, {average} AS average, b.closing,
           lead(b.month, 1, 'infinity') OVER (PARTITION BY b.customer_id, b.product_id ORDER BY b.month) AS next_month
    FROM customers_monthlybalance b JOIN profile_gap USING (customer_id)
    WHERE b.month BETWEEN %(ago_15m)s AND %(day)s
), wanted AS (
    SELECT (date_trunc('month', %(day)s::date) - (n - 1) * interval '1 month')::date - 1 AS month
    FROM generate_series(0, 12) n
)
SELECT k.customer_id, k.product_id, w.month, k.month AS known_on, CASE
    WHEN k.month = w.month THEN k.average
    WHEN (k.month + 1 + interval '{MONTHS} months')::date > w.month THEN k.closing END AS amount
FROM known k
JOIN wanted w ON w.month >= k.month AND w.month < k.next_month
CROSS JOIN LATERAL (
    SELECT CASE WHEN w.month > k.month THEN
        coalesce(bool_or(h.closed_on IS NULL OR h.closed_on > w.month), NOT EXISTS (
            SELECT FROM customers_monthlybalance o WHERE o.month = w.month AND o.customer_id = k.customer_id
        )) END AS is_open
    FROM customers_holding h
    WHERE w.month > k.month AND h.customer_id = k.customer_id AND h.product_id = k.product_id
      AND h.opened_on <= w.month
) contract
WHERE k.month = w.month OR (k.closing <> 0 AND contract.is_open)
"""


UNKNOWN = f"""
CREATE TEMPORARY TABLE profile_unknown ON COMMIT DROP AS
WITH months AS (
    SELECT t.customer_id, t.month, sum(t.amount * product.weight) AS aum,
           coalesce(sum(t.amount) FILTER (WHERE product.is_loan), 0) AS loan, bool_and(t.known_on = t.month) AS is_known
    FROM profile_told t JOIN profile_product product ON product.id = t.product_id GROUP BY t.customer_id, t.month
), newest AS (
    SELECT customer_id, aum, loan, row_number() OVER (PARTITION BY customer_id ORDER BY month DESC) AS place
    FROM months WHERE is_known
), high AS (
    SELECT customer_id, max(aum) AS aum_high, max(loan) AS loan_high FROM newest WHERE place <= 3 GROUP BY customer_id
), past AS (
    SELECT customer_id, {
    ", ".join(
        f"sum(aum) FILTER (WHERE month = %(ago_{ago})s) AS aum_{ago}_ago"
        for ago in ("1m", "2m", "3m", "6m", "12m")
    )
},
           bool_and(is_known) FILTER (WHERE month = %(day)s) AS is_known FROM months GROUP BY customer_id
), classes AS (
    SELECT t.customer_id, min(t.known_on) AS known_on,
           {CLASS} AS class
    FROM profile_told t JOIN profile_product product ON product.id = t.product_id
    WHERE t.month = %(day)s AND t.known_on < %(day)s GROUP BY t.customer_id, class
), since AS (
    SELECT customer_id, min(known_on) AS known_on, jsonb_object_agg(class, known_on) AS classes
    FROM classes GROUP BY customer_id
)
SELECT customer_id, aum_high, loan_high, aum_1m_ago, aum_2m_ago, aum_3m_ago, aum_6m_ago, aum_12m_ago, is_known,
       known_on, classes
FROM past LEFT JOIN high USING (customer_id) LEFT JOIN since USING (customer_id)
"""
