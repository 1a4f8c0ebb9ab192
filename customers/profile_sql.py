# ruff: noqa: S608  every name spliced into this SQL is a constant of this repository
"""The statements of a profile build: a few scans into temporary tables, then one INSERT … SELECT.

Every statement takes the same named parameters: ``day`` (the month-end), ``month_start`` (its first day), ``start_3m``,
``start_6m``, ``start_12m`` (first days of the three-, six- and twelve-month windows that end with it), ``ago_1m``,
``ago_2m``, ``ago_3m``, ``ago_6m``, ``ago_12m``, ``ago_15m`` (earlier month-ends). Nothing later than ``day`` is read;
that is the contract with training.
"""

from customers import unknown_balances
from customers.models.products import AssetClass

ASSET_CLASSES = [asset_class.value for asset_class in AssetClass]
SPENDING = ("food", "home", "travel", "health", "education", "leisure")
CHANNELS = ("online", "mobile", "phone", "epayment", "counter")

WEIGHTED_PRODUCTS = """
CREATE TEMPORARY TABLE profile_product ON COMMIT DROP AS
SELECT product.id, product.code, product.line, product.asset_class,
       CASE WHEN product.asset_class = '' OR w.is_counted IS FALSE THEN 0 ELSE coalesce(w.weight, 1) END AS weight,
       product.is_loan AND product.line <> 'credit_card' AS is_loan, product.line = 'credit_card' AS is_card
FROM customers_product product
LEFT JOIN LATERAL (
    SELECT weight, is_counted FROM customers_assetclassweight
    WHERE asset_class = product.asset_class AND valid_from <= %(day)s ORDER BY valid_from DESC LIMIT 1
) w ON true
"""


def _sum(what: str, condition: str, name: str) -> str:
    return f"coalesce(sum({what}) FILTER (WHERE {condition}), 0) AS {name}"


# The bank's own daily average, else the computed one; the month-end balance only until one is computed.
AVERAGE = "coalesce(b.average, b.computed_average, b.closing)"
_CLASSES = [_sum("b.amount", f"product.asset_class = '{code}'", code) for code in ASSET_CLASSES]

BALANCES = f"""
CREATE TEMPORARY TABLE profile_balance ON COMMIT DROP AS
SELECT b.customer_id, coalesce(sum(b.amount * product.weight), 0) AS aum, {", ".join(_CLASSES)},
       {_sum("b.amount", "product.is_loan", "loan")}, {_sum("b.amount", "product.is_card", "card")}
FROM (
    SELECT b.customer_id, b.product_id, {AVERAGE} AS amount FROM customers_monthlybalance b WHERE b.month = %(day)s
    UNION ALL
    SELECT customer_id, product_id, amount FROM profile_told WHERE month = %(day)s AND known_on < %(day)s
) b JOIN profile_product product ON product.id = b.product_id GROUP BY b.customer_id
"""

# Each product's margins and the days they held; the product's own before the first that is dated.
MARGINS = """(
    SELECT product_id, annual_margin, valid_from,
           lead(valid_from, 1, 'infinity') OVER (PARTITION BY product_id ORDER BY valid_from) AS valid_to
    FROM (
        SELECT id AS product_id, annual_margin, '-infinity'::date AS valid_from FROM customers_product
        UNION ALL SELECT product_id, annual_margin, valid_from FROM customers_productmargin
    ) margins
) margin"""
MARGIN_OF_MONTH = (
    "margin.product_id = b.product_id AND b.month >= margin.valid_from AND b.month < margin.valid_to"
)

# The year before holds most of the rows: few sums over it.
_EARLIER = [
    f"sum({AVERAGE} * product.weight) FILTER (WHERE b.month = %(ago_{ago})s) AS aum_{ago}_ago"
    for ago in ("1m", "2m", "3m", "6m", "12m")
] + [_sum(AVERAGE, f"b.month = %(ago_{ago})s AND product.is_loan", f"loan_{ago}_ago") for ago in ("1m", "2m")]

EARLIER = f"""
CREATE TEMPORARY TABLE profile_earlier ON COMMIT DROP AS
SELECT b.customer_id, min(b.month) AS first_month, max(b.month) AS last_month, {", ".join(_EARLIER)},
       {_sum(f"{AVERAGE} * margin.annual_margin / 12", "b.month > %(ago_12m)s", "margin")}
FROM customers_monthlybalance b JOIN profile_product product ON product.id = b.product_id
JOIN {MARGINS} ON {MARGIN_OF_MONTH}
WHERE b.month BETWEEN %(ago_12m)s AND %(day)s GROUP BY b.customer_id
"""

# Bought means: opened, and more than a current account.
HOLDINGS = """
CREATE TEMPORARY TABLE profile_holding ON COMMIT DROP AS
SELECT h.customer_id,
       min(h.opened_on) AS first_contract,
       min(h.opened_on) FILTER (WHERE product.asset_class <> 'demand_deposit') AS first_purchase,
       max(h.opened_on) FILTER (WHERE product.asset_class <> 'demand_deposit') AS last_purchase,
       min(h.first_used_on) FILTER (WHERE h.first_used_on <= %(day)s) AS first_use,
       coalesce(array_agg(DISTINCT product.code ORDER BY product.code) FILTER (WHERE open.now), '{}') AS codes,
       count(DISTINCT product.line) FILTER (WHERE open.now) AS lines,
       bool_or(product.is_loan) FILTER (WHERE open.now) AS has_loan,
       count(*) FILTER (WHERE product.asset_class <> 'demand_deposit' AND h.opened_on >= %(start_12m)s) AS bought,
       coalesce(array_agg(DISTINCT h.channel ORDER BY h.channel) FILTER (
           WHERE product.asset_class <> 'demand_deposit' AND h.opened_on >= %(start_12m)s AND h.channel <> ''
       ), '{}') AS channels,
       min(h.matures_on) FILTER (WHERE due.later) AS next_maturity,
       coalesce(sum(h.amount) FILTER (WHERE due.later AND h.matures_on <= %(day)s + 30), 0) AS due_30,
       coalesce(sum(h.amount) FILTER (WHERE due.later AND h.matures_on <= %(day)s + 90), 0) AS due_90
FROM customers_holding h JOIN profile_product product ON product.id = h.product_id
CROSS JOIN LATERAL (SELECT h.closed_on IS NULL OR h.closed_on > %(day)s AS now) open
CROSS JOIN LATERAL (SELECT open.now AND h.matures_on > %(day)s AND product.asset_class <> '' AS later) due
WHERE h.opened_on <= %(day)s
GROUP BY h.customer_id
"""

# The most frequent value of a purchase, the latest one when two are equally frequent.
PURCHASES = """
CREATE TEMPORARY TABLE profile_purchase ON COMMIT DROP AS
WITH bought AS (
    SELECT h.customer_id, left(h.channel, 10) AS channel, product.line, h.opened_on
    FROM customers_holding h JOIN profile_product product ON product.id = h.product_id
    WHERE h.opened_on BETWEEN %(start_12m)s AND %(day)s AND product.asset_class <> 'demand_deposit'
), channels AS (
    SELECT DISTINCT ON (customer_id) customer_id, channel FROM bought WHERE channel <> ''
    GROUP BY customer_id, channel ORDER BY customer_id, count(*) DESC, max(opened_on) DESC, channel
), lines AS (
    SELECT DISTINCT ON (customer_id) customer_id, line, sum(count(*)) OVER (PARTITION BY customer_id) AS times
    FROM bought GROUP BY customer_id, line ORDER BY customer_id, count(*) DESC, max(opened_on) DESC, line
)
SELECT customer_id, channels.channel, CASE WHEN lines.times >= 2 THEN lines.line END AS line
FROM lines LEFT JOIN channels USING (customer_id)
"""

# When a second, different product came.
CROSSING = """
CREATE TEMPORARY TABLE profile_crossing ON COMMIT DROP AS
SELECT customer_id, (array_agg(opened_on ORDER BY opened_on))[2] AS second_on FROM (
    SELECT customer_id, product_id, min(opened_on) AS opened_on FROM customers_holding
    WHERE opened_on <= %(day)s GROUP BY customer_id, product_id
) first GROUP BY customer_id HAVING count(*) > 1
"""


def _cost_of(basis: str) -> str:
    """Each channel's cost and the days it held; a subquery: parallel workers see no temporary table."""
    return f"""(
    SELECT channel, cost, valid_from,
           lead(valid_from, 1, 'infinity') OVER (PARTITION BY channel ORDER BY valid_from) AS valid_to
    FROM customers_costrate WHERE basis = '{basis}' AND valid_from <= %(day)s
) rate"""


# A year of bookings is only counted, summed and priced; what they say in detail is read over the quarter.
YEAR = f"""
CREATE TEMPORARY TABLE profile_year ON COMMIT DROP AS
SELECT t.customer_id, max(t.booked_on) AS last_on, count(*) AS n,
       count(*) FILTER (WHERE t.booked_on >= %(start_6m)s) AS n_6m,
       sum(t.amount) FILTER (WHERE t.amount > 0 AND t.booked_on >= %(start_6m)s) AS in_6m,
       -sum(t.amount) FILTER (WHERE t.amount < 0 AND t.booked_on >= %(start_6m)s) AS out_6m,
       sum(t.amount) FILTER (WHERE t.amount > 0) AS in_12m, -sum(t.amount) FILTER (WHERE t.amount < 0) AS out_12m,
       {", ".join(f"count(*) FILTER (WHERE t.channel = '{code}') AS {code}" for code in CHANNELS)},
       -sum(t.amount) FILTER (WHERE t.kind = 'fee') AS fees, sum(rate.cost) AS cost
FROM customers_transaction t LEFT JOIN {_cost_of("transaction")}
    ON rate.channel = t.channel AND t.booked_on >= rate.valid_from AND t.booked_on < rate.valid_to
WHERE t.booked_on BETWEEN %(start_12m)s AND %(day)s
GROUP BY t.customer_id
"""

QUARTER = f"""
CREATE TEMPORARY TABLE profile_quarter ON COMMIT DROP AS
SELECT customer_id, count(*) AS n, count(*) FILTER (WHERE booked_on >= %(month_start)s) AS n_1m,
       {", ".join(f"count(*) FILTER (WHERE channel = '{code}') AS {code}" for code in CHANNELS)},
       sum(amount) FILTER (WHERE amount > 0 AND booked_on >= %(month_start)s) AS in_1m,
       -sum(amount) FILTER (WHERE amount < 0 AND booked_on >= %(month_start)s) AS out_1m,
       sum(amount) FILTER (WHERE amount > 0) AS in_3m, -sum(amount) FILTER (WHERE amount < 0) AS out_3m,
       max(amount) FILTER (WHERE amount > 0) AS largest,
       sum(abs(amount)) FILTER (WHERE kind = 'transfer') AS transfers,
       sum(amount) FILTER (WHERE kind IN ('salary', 'pension') AND amount > 0) AS salary,
       bool_or(kind = 'pension') AS has_pension,
       {
    ", ".join(
        f"-sum(amount) FILTER (WHERE amount < 0 AND merchant_category = '{code}') AS spend_{code}"
        for code in SPENDING
    )
},
       -sum(amount) FILTER (WHERE amount < 0 AND merchant_category IN ('other', 'insurance')) AS spend_other
FROM customers_transaction WHERE booked_on BETWEEN %(start_3m)s AND %(day)s
GROUP BY customer_id
"""

COUNTERPARTIES = """
CREATE TEMPORARY TABLE profile_counterparty ON COMMIT DROP AS
WITH turnover AS (
    SELECT customer_id, counterparty, sum(abs(amount)) AS amount FROM customers_transaction
    WHERE booked_on BETWEEN %(start_3m)s AND %(day)s AND counterparty <> ''
    GROUP BY customer_id, counterparty
)
SELECT DISTINCT ON (customer_id) customer_id, counterparty, count(*) OVER (PARTITION BY customer_id) AS number
FROM turnover ORDER BY customer_id, amount DESC, counterparty
"""

# A fee is of the day its contract began; what is owed and late is the newest the bank had said by the month-end.
CONSUMER_FINANCE = """
CREATE TEMPORARY TABLE profile_finance ON COMMIT DROP AS
SELECT contract.customer_id, sum(contract.upfront_fee) AS fees,
       coalesce(sum(contract.upfront_fee) FILTER (WHERE contract.opened_on >= %(start_12m)s), 0) AS fees_12m,
       coalesce(sum(state.principal_outstanding), 0) AS outstanding, coalesce(max(state.overdue_days), 0) AS overdue
FROM customers_consumerfinancecontract contract
LEFT JOIN LATERAL (
    SELECT s.principal_outstanding, s.overdue_days FROM customers_consumerfinancestate s
    WHERE s.number = contract.number AND s.as_of <= %(day)s ORDER BY s.as_of DESC LIMIT 1
) state ON true
WHERE contract.opened_on <= %(day)s GROUP BY contract.customer_id
"""

CONTACTS = f"""
CREATE TEMPORARY TABLE profile_contact ON COMMIT DROP AS
SELECT k.customer_id, count(*) AS n_12m, count(*) FILTER (WHERE k.was_reached) AS reached,
       max(k.contacted_on) AS last_on, sum(rate.cost) AS cost,
       count(*) FILTER (WHERE k.contacted_on > %(day)s - 30) AS n_30d,
       count(*) FILTER (WHERE k.contacted_on > %(day)s - 90) AS n_90d,
       count(*) FILTER (WHERE k.contacted_on > %(day)s - 180) AS n_180d
FROM customers_contact k LEFT JOIN {_cost_of("contact")}
    ON rate.channel = k.channel AND k.contacted_on >= rate.valid_from AND k.contacted_on < rate.valid_to
WHERE k.contacted_on BETWEEN %(start_12m)s AND %(day)s GROUP BY k.customer_id
"""

# One conversion known from two sources is one conversion of the campaign.
RESPONSES = """
CREATE TEMPORARY TABLE profile_response ON COMMIT DROP AS
SELECT customer_id,
       max(responded_on) FILTER (WHERE kind = 'refusal') AS last_refusal,
       max(responded_on) FILTER (WHERE kind = 'conversion') AS last_conversion,
       count(DISTINCT campaign_code)
           FILTER (WHERE kind = 'conversion' AND responded_on >= %(start_12m)s) AS conversions
FROM customers_response WHERE responded_on <= %(day)s GROUP BY customer_id
"""

# (temporary table, statement, what progress says)
SCANS = [
    ("profile_product", WEIGHTED_PRODUCTS),
    ("profile_earlier", EARLIER),
    ("profile_gap", unknown_balances.GAPS),
    ("profile_told", unknown_balances.told(AVERAGE)),
    ("profile_unknown", unknown_balances.UNKNOWN),
    ("profile_balance", BALANCES),
    ("profile_holding", HOLDINGS),
    ("profile_purchase", PURCHASES),
    ("profile_crossing", CROSSING),
    ("profile_year", YEAR),
    ("profile_quarter", QUARTER),
    ("profile_counterparty", COUNTERPARTIES),
    ("profile_finance", CONSUMER_FINANCE),
    ("profile_contact", CONTACTS),
    ("profile_response", RESPONSES),
]

CUSTOMERS = (
    """
FROM customers_customer c
LEFT JOIN profile_balance b ON b.customer_id = c.id
LEFT JOIN profile_earlier e ON e.customer_id = c.id
LEFT JOIN profile_unknown g ON g.customer_id = c.id
LEFT JOIN profile_holding h ON h.customer_id = c.id
LEFT JOIN profile_purchase u ON u.customer_id = c.id
LEFT JOIN profile_crossing s ON s.customer_id = c.id
LEFT JOIN profile_year y ON y.customer_id = c.id
LEFT JOIN profile_quarter q ON q.customer_id = c.id
LEFT JOIN profile_counterparty w ON w.customer_id = c.id
LEFT JOIN profile_finance f ON f.customer_id = c.id
LEFT JOIN profile_contact k ON k.customer_id = c.id
LEFT JOIN profile_response r ON r.customer_id = c.id
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.birth_date <= %(day)s AND c.birth_date > %(day)s::date - interval '121 years'
                THEN extract(year FROM age(%(day)s::date, c.birth_date))::smallint END AS age,
           (extract(year FROM age(%(day)s::date, c.opened_on)) * 12
            + extract(month FROM age(%(day)s::date, c.opened_on)))::int AS tenure,
           coalesce(b.loan, 0) + coalesce(b.card, 0) AS liabilities,
           greatest(b.aum, g.aum_high, coalesce(g.aum_1m_ago, e.aum_1m_ago), coalesce(g.aum_2m_ago, e.aum_2m_ago), 0)
               AS aum_high,
           greatest(b.loan, g.loan_high, e.loan_1m_ago, e.loan_2m_ago, 0) AS loan_high,
           coalesce(g.aum_3m_ago, e.aum_3m_ago) AS aum_3m_ago,
           CASE WHEN g.is_known IS FALSE THEN g.known_on WHEN e.customer_id IS NOT NULL THEN %(day)s::date END
               AS balances_on,
           coalesce(e.margin, 0) AS margin, coalesce(y.fees, 0) + coalesce(f.fees_12m, 0) AS fees,
           coalesce(y.cost, 0) + coalesce(k.cost, 0) AS cost,
           """
    + " + ".join(f"coalesce(b.{code}, 0)" for code in ASSET_CLASSES)
    + """ AS assets,
           coalesce(b.fund, 0) + coalesce(b.trust, 0) + coalesce(b.securities_custody, 0)
               + coalesce(b.precious_metal, 0) AS risky,
           coalesce(b.time_deposit, 0) + coalesce(b.treasury_bond, 0) AS saving
) x
CROSS JOIN LATERAL (SELECT x.risky + coalesce(b.wealth_management, 0) AS investing) z
WHERE (c.opened_on IS NULL OR c.opened_on <= %(day)s) AND (c.closed_on IS NULL OR c.closed_on > %(day)s)
"""
)
