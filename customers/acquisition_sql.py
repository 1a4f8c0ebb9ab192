"""The statements that build one row per acquired customer: a few temporary tables, then one INSERT … SELECT.

Parameters: ``first`` (first day of the first cohort), ``as_of`` (a month-end). Nothing later than ``as_of`` is read.
"""

from customers.profile_sql import AVERAGE, MARGIN_OF_MONTH, MARGINS

MILESTONES = (3, 6, 12, 24)


def _number(day: str) -> str:
    return f"(extract(year FROM {day})::int * 12 + extract(month FROM {day})::int)"


def months_after(day: str) -> str:
    """Calendar months from the month of acquisition to the month of ``day``; what came before counts as month 0."""
    return f"greatest(0, {_number(day)} - a.month_number)::smallint"


ACQUIRED = f"""
CREATE TEMPORARY TABLE acquired ON COMMIT DROP AS
SELECT c.id AS customer_id, date_trunc('month', c.opened_on)::date AS cohort, {_number("c.opened_on")} AS month_number,
       c.acquisition_channel AS channel, c.acquisition_partner AS partner, c.acquisition_scene AS scene,
       c.acquisition_cost AS cost, CASE WHEN c.closed_on <= %(as_of)s THEN c.closed_on END AS closed_on
FROM customers_customer c WHERE c.opened_on BETWEEN %(first)s AND %(as_of)s
"""  # noqa: S608  constants of this module

# A product counts once, from its first contract; a consumer-finance contract is a product like another.
SECOND = """
CREATE TEMPORARY TABLE acquired_second ON COMMIT DROP AS
SELECT customer_id, day FROM (
    SELECT customer_id, day, row_number() OVER (PARTITION BY customer_id ORDER BY day) AS place
    FROM (
        SELECT h.customer_id, min(h.opened_on) AS day
        FROM customers_holding h JOIN acquired USING (customer_id)
        WHERE h.opened_on <= %(as_of)s GROUP BY h.customer_id, h.product_id
        UNION ALL
        SELECT s.customer_id, min(s.opened_on)
        FROM customers_consumerfinancestate s JOIN acquired USING (customer_id)
        WHERE s.as_of <= %(as_of)s GROUP BY s.customer_id
    ) products
) held WHERE place = 2
"""

CONTRACTS = """
CREATE TEMPORARY TABLE acquired_contract ON COMMIT DROP AS
SELECT DISTINCT ON (s.number) s.number, s.customer_id, s.opened_on, s.upfront_fee, s.principal_outstanding,
       s.overdue_days,
       min(s.as_of) FILTER (WHERE s.overdue_days > 30) OVER contract AS over_30_on,
       min(s.as_of) FILTER (WHERE s.overdue_days > 90) OVER contract AS over_90_on
FROM customers_consumerfinancestate s JOIN acquired USING (customer_id)
WHERE s.as_of <= %(as_of)s
WINDOW contract AS (PARTITION BY s.number)
ORDER BY s.number, s.as_of DESC
"""

FINANCE = """
CREATE TEMPORARY TABLE acquired_finance ON COMMIT DROP AS
SELECT customer_id, count(*) AS contracts, sum(upfront_fee) AS fees, sum(principal_outstanding) AS outstanding,
       count(*) FILTER (WHERE overdue_days > 30) AS contracts_30,
       count(*) FILTER (WHERE overdue_days > 90) AS contracts_90,
       coalesce(sum(principal_outstanding) FILTER (WHERE overdue_days > 30), 0) AS outstanding_30,
       coalesce(sum(principal_outstanding) FILTER (WHERE overdue_days > 90), 0) AS outstanding_90,
       min(over_30_on) AS over_30_on, min(over_90_on) AS over_90_on
FROM acquired_contract GROUP BY customer_id
"""

# The margin of each month on its average balance, and the fees taken up front in the month of their contract.
VALUE = f"""
CREATE TEMPORARY TABLE acquired_value ON COMMIT DROP AS
SELECT customer_id, sum(amount) AS value,
       {", ".join(f"sum(amount) FILTER (WHERE after <= {n}) AS value_{n}" for n in MILESTONES)}
FROM (
    SELECT a.customer_id, {months_after("b.month")} AS after,
           {AVERAGE} * margin.annual_margin / 12 AS amount
    FROM customers_monthlybalance b JOIN acquired a ON a.customer_id = b.customer_id
    JOIN {MARGINS} ON {MARGIN_OF_MONTH}
    WHERE b.month BETWEEN %(first)s AND %(as_of)s AND b.month >= a.cohort
    UNION ALL
    SELECT a.customer_id, {months_after("f.opened_on")}, f.upfront_fee
    FROM acquired_contract f JOIN acquired a USING (customer_id)
) contributions GROUP BY customer_id
"""  # noqa: S608  constants of this module

STEPS = [
    ("acquired", ACQUIRED),
    ("acquired_second", SECOND),
    ("acquired_contract", CONTRACTS),
    ("acquired_finance", FINANCE),
    ("acquired_value", VALUE),
]

_COLUMNS: dict[str, str] = {
    "customer_id": "a.customer_id",
    "cohort": "a.cohort",
    "channel": "a.channel",
    "partner": "a.partner",
    "scene": "a.scene",
    "cost": "a.cost",
    "left_after": months_after("a.closed_on"),
    "second_after": months_after("s.day"),
    **{
        name: f"coalesce(f.{name}, 0)"
        for name in ("contracts", "fees", "outstanding", "contracts_30", "contracts_90", "outstanding_30")
    },
    "outstanding_90": "coalesce(f.outstanding_90, 0)",
    "over_30_after": months_after("f.over_30_on"),
    "over_90_after": months_after("f.over_90_on"),
    **{
        f"value_{n}": f"CASE WHEN a.month_number + {n} <= {_number('%(as_of)s::date')}"
        f" THEN coalesce(v.value_{n}, 0) END"
        for n in MILESTONES
    },
    "value": "coalesce(v.value, 0)",
    "as_of": "%(as_of)s::date",
    "built_at": "statement_timestamp()",
}

# A date that is not there gives NULL in greatest(0, …) only when asked for.
_NULLABLE = {
    "left_after": "a.closed_on",
    "second_after": "s.day",
    "over_30_after": "f.over_30_on",
    "over_90_after": "f.over_90_on",
}

INSERT = f"""
INSERT INTO customers_acquisition ({", ".join(_COLUMNS)})
SELECT {
    ", ".join(
        f"CASE WHEN {_NULLABLE[name]} IS NOT NULL THEN {text} END" if name in _NULLABLE else text
        for name, text in _COLUMNS.items()
    )
}
FROM acquired a LEFT JOIN acquired_second s USING (customer_id) LEFT JOIN acquired_finance f USING (customer_id)
LEFT JOIN acquired_value v USING (customer_id)
"""  # noqa: S608  constants of this module
