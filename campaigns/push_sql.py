"""One chunk of a push as one statement: history for everybody, a reason for who is withheld, a lead for the rest.

A lead goes to the customer's relationship manager; on leave, to the stand-in named for the leave, else the customer's
backup; without either, to whoever in the home branch has most room: the next lead goes where open leads per unit of
daily capacity are fewest. Nobody there: the lead waits unassigned and says why.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from campaigns.contact_policy import blocked_code, policy
from campaigns.models import Campaign, ContactRule, Push
from campaigns.statement import Piece, compose, join


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the statement of one chunk needs: targets of the selection with ids above ``after``, at most ``size``."""

    campaign: Campaign
    push: Push
    channels: list[str]
    excludes_holders: bool
    is_random: bool
    rules: list[ContactRule]
    on: dt.date
    due_on: dt.date
    after: int
    size: int


_SCOPE = Piece("AND customer_id = ANY(ARRAY(SELECT customer_id FROM chunk))")


def chunk_statement(chunk: Chunk) -> Piece:
    """Returns one row: last target id of the chunk (NULL: none left), targets in it, leads made."""
    return compose(
        """WITH {chunk},
{checked},
assigned AS (
    INSERT INTO customers_assignment
        (campaign_code, customer_id, cell_code, is_control, is_random, product_code, assigned_on, score, decile, source)
    SELECT {campaign_code}, customer_id, CASE WHEN is_control THEN 'control' ELSE arm_code END, is_control,
        {is_random}, {product}, {on}, probability, decile, 'push'
    FROM chunk
    ON CONFLICT DO NOTHING
),
held AS (
    UPDATE campaigns_target t SET withheld = checked.held FROM checked WHERE t.id = checked.id AND checked.held <> ''
),
{allocated},
leads AS (
    INSERT INTO campaigns_lead
        (campaign_id, push_id, target_id, customer_id, arm_id, branch_id, rm_id, state, unassigned_reason, value,
        due_on)
    SELECT {campaign}, {push}, id, customer_id, arm_id, branch_id, rm_id,
        CASE WHEN rm_id IS NULL THEN 'unassigned' ELSE 'new' END, unassigned_reason, value, {due_on}
    FROM allocated ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT (SELECT max(id) FROM chunk), (SELECT count(*) FROM chunk), (SELECT count(*) FROM leads)""",
        chunk=_targets(chunk),
        checked=_checked(chunk),
        allocated=_allocated(chunk.on),
        campaign_code=chunk.campaign.code,
        is_random=chunk.is_random,
        product=chunk.campaign.product.code,
        on=chunk.on,
        campaign=chunk.campaign.pk,
        push=chunk.push.pk,
        due_on=chunk.due_on,
    )


def _targets(chunk: Chunk) -> Piece:
    # What an interrupted push did has a lead or a reason already; only control comes by again, to no effect.
    return compose(
        """chunk AS MATERIALIZED (
    SELECT t.id, t.customer_id, t.is_control, t.arm_id, a.code AS arm_code, t.probability, t.decile, t.value
    FROM campaigns_target t LEFT JOIN campaigns_arm a ON a.id = t.arm_id
    WHERE t.selection_id = {selection} AND t.id > {after} AND t.withheld = ''
        AND NOT EXISTS (SELECT FROM campaigns_lead l WHERE l.target_id = t.id)
    ORDER BY t.id LIMIT {size}
)""",
        selection=chunk.campaign.selection_id,
        after=chunk.after,
        size=chunk.size,
    )


def _checked(chunk: Chunk) -> Piece:
    """Consent, suppression and caps as they are now; the control is not contacted and needs no check."""
    rules = policy(chunk.channels, chunk.campaign.product.code, chunk.on, chunk.rules, scope=_SCOPE)
    conditions = dict(rules.conditions)
    if chunk.excludes_holders:
        conditions["holds_product"] = compose(
            "EXISTS (SELECT FROM customers_holding h WHERE h.customer_id = c.id AND h.product_id = {product}"
            " AND h.opened_on <= {on} AND (h.closed_on IS NULL OR h.closed_on > {on}))",
            product=chunk.campaign.product_id,
            on=chunk.on,
        )
    return compose(
        """{tables},
checked AS (
    SELECT chunk.*, c.home_branch_id, c.primary_rm_id, c.backup_rm_id, {held} AS held
    FROM chunk JOIN customers_customer c ON c.id = chunk.customer_id
    {joins}
    WHERE NOT chunk.is_control
)""",
        tables=rules.tables,
        held=blocked_code(conditions),
        joins=rules.joins,
    )


def _allocated(on: dt.date) -> Piece:
    owners = compose(
        """away AS (
    SELECT DISTINCT ON (user_id) user_id, backup_id FROM bankcrm_leave
    WHERE {on} BETWEEN first_day AND last_day ORDER BY user_id, id
),
available AS MATERIALIZED (
    SELECT u.id, u.branch_id, u.daily_capacity FROM bankcrm_user u
    WHERE u.role = 'rm' AND u.is_active AND NOT EXISTS (SELECT FROM away WHERE away.user_id = u.id)
),
owned AS MATERIALIZED (
    SELECT checked.*, coalesce(own.id, stand_in.id, second.id) AS owner_id
    FROM checked
    LEFT JOIN available own ON own.id = checked.primary_rm_id
    LEFT JOIN away ON away.user_id = checked.primary_rm_id
    LEFT JOIN available stand_in ON stand_in.id = away.backup_id
    LEFT JOIN available second ON second.id = checked.backup_rm_id
    WHERE checked.held = ''
)""",
        on=on,
    )
    # The i-th customer without an owner takes the i-th free slot of the branch; a manager's k-th slot is reached at
    # (open leads + k) / daily capacity.
    balanced = Piece(
        """ownerless AS (
    SELECT id, home_branch_id, row_number() OVER (PARTITION BY home_branch_id ORDER BY value DESC, id) AS place
    FROM owned WHERE owner_id IS NULL AND home_branch_id IS NOT NULL
),
wanted AS (SELECT home_branch_id, count(*) AS leads FROM ownerless GROUP BY home_branch_id),
loads AS (
    SELECT rm_id, count(*) AS leads FROM (
        SELECT l.rm_id FROM campaigns_lead l JOIN available ON available.id = l.rm_id
        JOIN wanted ON wanted.home_branch_id = available.branch_id
        WHERE l.state IN ('new', 'working')
        UNION ALL
        SELECT owner_id FROM owned WHERE owner_id IS NOT NULL
    ) held_now GROUP BY rm_id
),
slots AS (
    SELECT a.branch_id, a.id AS rm_id, row_number() OVER (
        PARTITION BY a.branch_id ORDER BY (coalesce(loads.leads, 0) + slot)::float8 / a.daily_capacity, a.id
    ) AS place
    FROM available a JOIN wanted ON wanted.home_branch_id = a.branch_id
    LEFT JOIN loads ON loads.rm_id = a.id
    CROSS JOIN LATERAL generate_series(1, wanted.leads) slot
    WHERE a.daily_capacity > 0
),
allocated AS (
    SELECT owned.id, owned.customer_id, owned.arm_id, owned.value,
        coalesce(owned.owner_id, slots.rm_id) AS rm_id,
        coalesce(owned.home_branch_id, available.branch_id) AS branch_id,
        CASE WHEN coalesce(owned.owner_id, slots.rm_id) IS NOT NULL THEN ''
            WHEN owned.home_branch_id IS NULL THEN 'no_branch' ELSE 'nobody_in_branch' END AS unassigned_reason
    FROM owned
    LEFT JOIN ownerless ON ownerless.id = owned.id
    LEFT JOIN slots ON slots.branch_id = ownerless.home_branch_id AND slots.place = ownerless.place
    LEFT JOIN available ON available.id = owned.owner_id
)"""
    )
    return join(",\n", [owners, balanced])
