"""How a plan goes: sales against targets by branch, product and month; fatigue; campaigns that share customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.models import Campaign, Lead, MarketingPlan, Target
from campaigns.statement import EMPTY, compose, fetched

# Customers contacted so often in a week or more often are one line of the chart.
MOST_CONTACTS = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """Targets and sales of a branch with everything below it in a month."""

    branch: int
    month: dt.date
    target: int
    sales: int
    volume: Any


def by_branch(plan: MarketingPlan, product_id: int | None = None) -> list[Cell]:
    """Every branch with a target or a sale at it or below it, per month of the plan; sums go up the whole tree.

    Sales: treated customers of the plan's campaigns who bought inside the window, in the books or reported, at the
    branch of the customer and in the month they bought. One statement.
    """
    of_target = EMPTY if product_id is None else compose("AND t.product_id = {p}", p=product_id)
    of_sale = EMPTY if product_id is None else compose("AND p.id = {p}", p=product_id)
    statement = compose(
        """WITH leaf AS (
    SELECT t.branch_id, t.month, t.sales AS target, 0 AS sales, t.volume
    FROM campaigns_plantarget t WHERE t.plan_id = {plan} {of_target}
    UNION ALL
    SELECT c.home_branch_id, date_trunc('month', sold.responded_on)::date, 0, 1, 0
    FROM (
        SELECT r.customer_id, r.product_code, min(r.responded_on) AS responded_on
        FROM campaigns_campaign o
        JOIN customers_response r ON r.campaign_code = o.code AND r.kind = 'conversion'
        JOIN customers_assignment g ON g.campaign_code = o.code AND g.customer_id = r.customer_id
        WHERE o.plan_id = {plan} AND NOT g.is_control AND r.responded_on < g.assigned_on + o.attribution_days
        GROUP BY o.id, r.customer_id, r.product_code
    ) sold
    JOIN customers_customer c ON c.id = sold.customer_id
    JOIN customers_product p ON p.code = sold.product_code
    WHERE c.home_branch_id IS NOT NULL {of_sale}
)
SELECT up.ancestor_id, leaf.month, sum(leaf.target)::int, sum(leaf.sales)::int, sum(leaf.volume)
FROM leaf JOIN bankcrm_branchlink up ON up.descendant_id = leaf.branch_id
GROUP BY 1, 2 ORDER BY 1, 2""",
        plan=plan.pk,
        of_target=of_target,
        of_sale=of_sale,
    )
    return [Cell(*row) for row in fetched(statement)]


def fatigue(first: dt.date, last: dt.date, today: dt.date) -> list[tuple[dt.date, int, int]]:
    """(Monday, contacts, customers): how many customers have so many contacts in a week between two days.

    Contacts of campaigns that reached somebody or may have, and from ``today`` on open leads at the day they are due:
    what is overdue counts in this week. ``contacts`` stops at MOST_CONTACTS, which stands for so many and more.
    """
    statement = compose(
        """SELECT week, least(contacts, {most}), count(*)
FROM (
    SELECT customer_id, date_trunc('week', day)::date AS week, count(*) AS contacts
    FROM (
        SELECT customer_id, contacted_on AS day FROM customers_contact
        WHERE contacted_on BETWEEN {first} AND least({last}, {today}::date) AND was_reached IS NOT FALSE
            AND campaign_code <> ''
        UNION ALL
        SELECT customer_id, greatest(due_on, {today}::date) FROM campaigns_lead
        WHERE state = ANY({open}) AND greatest(due_on, {today}::date) BETWEEN {first} AND {last}
    ) touches GROUP BY 1, 2
) weeks GROUP BY 1, 2 ORDER BY 1, 2""",
        most=MOST_CONTACTS,
        first=first,
        last=last,
        today=today,
        open=[str(state) for state in Lead.OPEN],
    )
    return [(week, contacts, customers) for week, contacts, customers in fetched(statement)]


def overlap(campaigns: Sequence[int]) -> dict[tuple[int, int], int]:
    """(campaign, campaign) → customers on both lists, of those selected; the diagonal is the list itself."""
    statement = compose(
        """WITH listed AS (
    SELECT o.id AS campaign_id, t.customer_id FROM campaigns_campaign o
    JOIN campaigns_target t ON t.selection_id = o.selection_id
    WHERE o.id = ANY({campaigns}) AND NOT t.is_control
)
SELECT a.campaign_id, b.campaign_id, count(*) FROM listed a JOIN listed b ON b.customer_id = a.customer_id
    AND b.campaign_id >= a.campaign_id
GROUP BY 1, 2""",
        campaigns=list(campaigns),
    )
    return {(one, other): n for one, other, n in fetched(statement)}


def in_period(plan: MarketingPlan) -> list[Campaign]:
    """Campaigns of any plan that run in the plan's period and were not cancelled, by their first day."""
    found = Campaign.objects.filter(starts_on__lte=plan.ends_on, ends_on__gte=plan.starts_on)
    found = found.exclude(state__in=[Campaign.State.CANCELLED, Campaign.State.IMPORTED])
    return list(
        found.filter(selection__in=Target.objects.values("selection")).order_by("starts_on", "pk")[:12]
    )
