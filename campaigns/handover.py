"""Open leads that go along: with a customer's portfolio, or with a branch that closes.

A lead somebody is working on at this very moment stays with them and is counted; everything else moves in the order of
lead ids, as every move of leads does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from bankcrm import branches, people
from bankcrm.models import Branch
from campaigns import queue
from campaigns.models import Lead
from customers import ties, transfer_plan
from customers.models import PortfolioTransfer

# Alias l: leads of the customer that their relationship manager has to work.
_OPEN = "l.state IN ('new', 'working', 'unassigned')"
_HELD = (
    "l.claimed_by_id IS NOT NULL"
    f" AND l.claimed_at >= statement_timestamp() - interval '{queue.CLAIM_MINUTES} minutes'"
)


def by_manager(users: Collection[int]) -> dict[int, int]:
    """User id → open leads."""
    found = Lead.objects.filter(rm__in=users, state__in=queue.WORKABLE).values_list("rm")
    return dict(found.annotate(n=Count("pk")).order_by())


def by_branch() -> dict[int, int]:
    """Branch id → open leads."""
    found = Lead.objects.open().filter(branch__isnull=False).values_list("branch")
    return dict(found.annotate(n=Count("pk")).order_by())


def give_branch(old: Branch, new: Branch) -> int:
    """Put the open leads of a branch under another; who works them stays. Returns how many."""
    ids = Lead.objects.open().filter(branch=old).order_by("pk").select_for_update(no_key=True).values("pk")
    return Lead.objects.filter(pk__in=ids).update(branch=new)


def preview(moves: str, parameters: dict[str, Any]) -> dict[str, int]:
    """What would move with the customers of ``moves`` (SQL of customer_id, from_rm_id, to_rm_id)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH moves AS MATERIALIZED ({moves})
            SELECT count(*), count(*) FILTER (WHERE l.next_at IS NOT NULL), count(*) FILTER (WHERE {_HELD})
            FROM moves m JOIN campaigns_lead l ON l.customer_id = m.customer_id
                AND l.rm_id IS NOT DISTINCT FROM m.from_rm_id AND {_OPEN}
            """,  # noqa: S608  constants of this module and of customers.transfer_sql
            parameters,
        )
        leads, appointments, held = cursor.fetchone()
    return {"leads": leads, "appointments": appointments, "in_work": held}


def move(done: PortfolioTransfer) -> dict[str, int]:
    """Give the open leads of the transfer's customers to their new relationship managers; in its transaction."""
    if done.open_leads != PortfolioTransfer.OpenLeads.MOVE:
        return {"leads": 0}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH locked AS MATERIALIZED (
                SELECT l.id, l.rm_id, l.branch_id, l.state, l.version, m.to_rm_id, m.to_branch_id
                FROM customers_portfoliomove m JOIN campaigns_lead l ON l.customer_id = m.customer_id
                WHERE m.transfer_id = %(transfer)s AND l.rm_id IS NOT DISTINCT FROM m.from_rm_id
                    AND {_OPEN} AND NOT ({_HELD})
                ORDER BY l.id FOR NO KEY UPDATE OF l
            ), noted AS (
                INSERT INTO campaigns_leadhandover
                    (transfer_id, lead_id, from_rm_id, to_rm_id, from_branch_id, from_state, version)
                SELECT %(transfer)s, id, rm_id, to_rm_id, branch_id, state, version + 1 FROM locked
                RETURNING lead_id
            )
            SELECT count(*) FROM noted
            """,  # noqa: S608  constants of this module
            {"transfer": done.pk},
        )
        moved = cursor.fetchone()[0]
        # A statement of its own: it sees the rows as they were locked, not as the first statement began with.
        cursor.execute(
            """
            UPDATE campaigns_lead l SET rm_id = h.to_rm_id, version = h.version, claimed_by_id = NULL,
                claimed_at = NULL, branch_id = coalesce(m.to_branch_id, l.branch_id),
                state = CASE WHEN l.state = 'unassigned' THEN 'new' ELSE l.state END
            FROM campaigns_leadhandover h
            JOIN customers_portfoliomove m ON m.transfer_id = h.transfer_id
            WHERE h.transfer_id = %s AND l.id = h.lead_id AND m.customer_id = l.customer_id
            """,
            [done.pk],
        )
    return {"leads": moved}


def undo(done: PortfolioTransfer) -> dict[str, int]:
    """Give leads back that nobody touched since, of customers who went back; in the undo's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH locked AS MATERIALIZED (
                SELECT l.id, h.from_rm_id, h.from_branch_id, h.from_state
                FROM campaigns_leadhandover h JOIN campaigns_lead l ON l.id = h.lead_id
                JOIN customers_portfoliomove m
                    ON m.transfer_id = h.transfer_id AND m.customer_id = l.customer_id
                WHERE h.transfer_id = %s AND l.version = h.version AND l.rm_id = h.to_rm_id
                    AND l.state IN ('new', 'working') AND l.claimed_by_id IS NULL AND m.undone_at IS NOT NULL
                ORDER BY l.id FOR NO KEY UPDATE OF l
            )
            UPDATE campaigns_lead l SET rm_id = locked.from_rm_id, branch_id = locked.from_branch_id,
                state = locked.from_state, version = l.version + 1
            FROM locked WHERE l.id = locked.id
            """,
            [done.pk],
        )
        back = cursor.rowcount
        cursor.execute("SELECT count(*) FROM campaigns_leadhandover WHERE transfer_id = %s", [done.pk])
        moved = cursor.fetchone()[0]
    return {"leads": back, "leads_kept": moved - back}


def declare() -> None:
    """Tell the people pages and portfolio transfers; called in ``AppConfig.ready``."""
    people.holds("leads", people.Duty(_("Open leads"), by_manager, ties.TRANSFER))
    branches.belongs("leads", branches.Belonging(_("Open leads"), by_branch, give_branch))
    transfer_plan.goes_along("leads", transfer_plan.Companion(preview, move, undo))
