"""The sums an evaluation stands on: one row per cell and group, from assignment, contact and response history only."""

from __future__ import annotations

from typing import Any

from django.db import connection

# Cells of 30 and more are shown later; the sums themselves hold every cell so that they add up.
_PEOPLE = """
WITH response AS (
    SELECT customer_id,
           bool_or(kind = %(success)s) AS success,
           bool_or(kind = 'conversion') AS converted,
           coalesce(sum(amount) FILTER (WHERE kind = 'conversion'), 0) AS amount
    FROM customers_response
    WHERE campaign_code = %(code)s AND how = ANY(%(how)s)
    GROUP BY customer_id
), contact AS (
    SELECT customer_id, count(*) AS contacts, bool_or(coalesce(was_reached, true)) AS reached
    FROM customers_contact WHERE campaign_code = %(code)s GROUP BY customer_id
), people AS (
    SELECT assignment.cell_code, assignment.is_control, assignment.is_random, assignment.decile, assignment.score,
           assignment.assigned_on, branch.name AS branch, customer.id AS customer_id,
           coalesce(response.success, false) AS success, coalesce(response.converted, false) AS converted,
           coalesce(response.amount, 0)::float8 AS amount,
           coalesce(contact.contacts, 0) AS contacts, coalesce(contact.reached, false) AS reached
    FROM customers_assignment assignment
    JOIN customers_customer customer ON customer.id = assignment.customer_id
    LEFT JOIN bankcrm_branch branch ON branch.id = customer.home_branch_id
    LEFT JOIN response ON response.customer_id = assignment.customer_id
    LEFT JOIN contact ON contact.customer_id = assignment.customer_id
    WHERE assignment.campaign_code = %(code)s
)
"""
ARMS = (
    _PEOPLE
    + """
SELECT cell_code, is_control, count(*) AS assigned, count(*) FILTER (WHERE contacts > 0) AS contacted,
       count(*) FILTER (WHERE reached) AS reached, coalesce(sum(contacts), 0)::bigint AS contacts,
       count(*) FILTER (WHERE success) AS successes, count(*) FILTER (WHERE converted) AS conversions,
       avg(amount) AS mean, coalesce(var_samp(amount), 0) AS variance, count(*) FILTER (WHERE amount <> 0) AS buyers,
       avg(least(amount, %(cap)s)) AS capped_mean, coalesce(var_samp(least(amount, %(cap)s)), 0) AS capped_variance,
       bool_and(is_random) AS is_random, min(assigned_on) AS first_day, max(assigned_on) AS last_day,
       sum(score) AS expected, count(score) AS scored
FROM people GROUP BY cell_code, is_control ORDER BY is_control, cell_code
"""
)
# The arms of many campaigns, amounts not capped: what the list of results stands on.
ARMS_OF_MANY = """
WITH asked AS (
    SELECT * FROM unnest(%(codes)s::text[], %(successes)s::text[], %(hows)s::text[]) AS asked (code, success, how)
), response AS (
    SELECT response.campaign_code, response.customer_id, bool_or(response.kind = asked.success) AS success,
           bool_or(response.kind = 'conversion') AS converted,
           coalesce(sum(response.amount) FILTER (WHERE response.kind = 'conversion'), 0)::float8 AS amount
    FROM asked JOIN customers_response response ON response.campaign_code = asked.code AND response.how = asked.how
    GROUP BY response.campaign_code, response.customer_id
), contact AS (
    SELECT campaign_code, customer_id, count(*) AS contacts
    FROM customers_contact WHERE campaign_code = ANY(%(codes)s) GROUP BY campaign_code, customer_id
)
SELECT assignment.campaign_code, assignment.cell_code, assignment.is_control, count(*) AS assigned,
       coalesce(sum(contact.contacts), 0)::bigint AS contacts,
       count(*) FILTER (WHERE response.success) AS successes,
       count(*) FILTER (WHERE response.converted) AS conversions,
       avg(coalesce(response.amount, 0)) AS mean, coalesce(var_samp(coalesce(response.amount, 0)), 0) AS variance,
       count(*) FILTER (WHERE response.amount <> 0) AS buyers,
       bool_and(assignment.is_random) AS is_random
FROM customers_assignment assignment
LEFT JOIN response USING (campaign_code, customer_id)
LEFT JOIN contact USING (campaign_code, customer_id)
WHERE assignment.campaign_code = ANY(%(codes)s)
GROUP BY assignment.campaign_code, assignment.cell_code, assignment.is_control
ORDER BY assignment.campaign_code, assignment.is_control, assignment.cell_code
"""
# {group} is one of the expressions below, never input.
_GROUP = (
    _PEOPLE
    + """
SELECT {group} AS label, count(*) FILTER (WHERE NOT is_control) AS treated_n,
       count(*) FILTER (WHERE success AND NOT is_control) AS treated_successes,
       count(*) FILTER (WHERE is_control) AS control_n,
       count(*) FILTER (WHERE success AND is_control) AS control_successes,
       sum(score) FILTER (WHERE NOT is_control) AS expected
FROM people WHERE {group} IS NOT NULL GROUP BY 1 ORDER BY 1
"""
)
BY_DECILE = _GROUP.format(group="decile")
BY_BRANCH = _GROUP.format(group="branch")
CAP = """
SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY amount)::float8 FROM customers_holding
WHERE product_id = %(product)s AND opened_on <= %(day)s AND opened_on > %(day)s::date - 366 AND amount > 0
"""
# What a relationship manager did and what came of it: a description, never an effect.
BY_RM = """
SELECT staff.full_name AS label, staff.branch_id, count(*) AS leads,
       count(*) FILTER (WHERE lead.last_outcome <> '') AS worked,
       count(*) FILTER (WHERE lead.state = 'converted') AS reported,
       count(response.id) AS conversions
FROM campaigns_lead lead
JOIN bankcrm_user staff ON staff.id = lead.rm_id
LEFT JOIN customers_response response ON response.campaign_code = %(code)s AND response.customer_id = lead.customer_id
    AND response.kind = 'conversion' AND response.how = 'matched'
WHERE lead.campaign_id = %(campaign)s
GROUP BY staff.id, staff.full_name, staff.branch_id ORDER BY staff.full_name
"""


def rows(sql: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer of a statement as dictionaries, column names as keys."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
