"""One chunk of a push as one statement: history for everybody, a reason for who is withheld, a lead for the rest.

A lead goes to the customer's relationship manager; on leave, to who stands in for them, else the customer's backup;
without either, to whoever in the home branch has most room: the next lead goes where open leads per unit of capacity
are fewest. Nobody there: the lead waits unassigned and says why.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from bankcrm import absence
from campaigns.contact_policy import blocked_code, policy
from campaigns.models import Campaign, ContactRule, Lead, Push
from campaigns.statement import Piece, compose, join


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the statement of one chunk needs: targets of the selection with ids above ``after``, at most ``size``."""

    campaign: Campaign
    push: Push
    channels: list[str]
    excludes_holders: bool
    is_random: bool
    # The designed chance of being contacted; None without a control group.
    treated_share: float | None
    # Nothing ranked the customers: the whole list was drawn.
    all_drawn: bool
    profiled: bool
    rules: list[ContactRule]
    on: dt.date
    due_on: dt.date
    # Branch → its own due day, where its calendar is not the bank's.
    exceptional_due_days: dict[int, dt.date]
    after: int
    size: int


_SCOPE = Piece("AND customer_id = ANY(ARRAY(SELECT customer_id FROM chunk))")


def chunk_statement(chunk: Chunk) -> Piece:
    """Returns one row: last target id of the chunk (NULL: none left), targets in it, leads made."""
    return compose(
        """WITH {chunk},
due AS MATERIALIZED (
    SELECT branch_id, day FROM unnest({due_branches}::bigint[], {due_days}::date[]) AS given (branch_id, day)
),
{checked},
assigned AS (
    INSERT INTO customers_assignment
        (campaign_code, customer_id, cell_code, is_control, is_random, product_code, assigned_on, score, decile, source,
        treated_share, is_exploration, selection_chance)
    SELECT {campaign_code}, customer_id, CASE WHEN is_control THEN 'control' ELSE arm_code END, is_control,
        {is_random}, {product}, {on}, probability, decile, 'push', {treated_share}, {all_drawn} OR is_exploration,
        selection_chance
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
        CASE WHEN rm_id IS NULL THEN 'unassigned' ELSE 'new' END, unassigned_reason, value,
        coalesce((SELECT due.day FROM due WHERE due.branch_id = allocated.branch_id), {due_on})
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
        treated_share=chunk.treated_share,
        all_drawn=chunk.all_drawn,
        product=chunk.campaign.product.code,
        on=chunk.on,
        campaign=chunk.campaign.pk,
        push=chunk.push.pk,
        due_on=chunk.due_on,
        due_branches=list(chunk.exceptional_due_days),
        due_days=list(chunk.exceptional_due_days.values()),
    )


def _targets(chunk: Chunk) -> Piece:
    # What an interrupted push did has a lead or a reason already; only control comes by again, to no effect.
    return compose(
        """chunk AS MATERIALIZED (
    SELECT t.id, t.customer_id, t.is_control, t.arm_id, a.code AS arm_code, t.probability, t.decile, t.value,
        t.is_exploration, t.selection_chance
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
    rules = policy(
        chunk.channels,
        chunk.campaign.product.code,
        chunk.on,
        chunk.rules,
        scope=_SCOPE,
        profiled=chunk.profiled,
    )
    conditions = dict(rules.conditions)
    if chunk.excludes_holders:
        conditions["holds_product"] = compose(
            "EXISTS (SELECT FROM customers_holding h WHERE h.customer_id = c.id AND h.product_id = {product}"
            " AND h.opened_on <= {on} AND (h.closed_on IS NULL OR h.closed_on > {on}))",
            product=chunk.campaign.product_id,
            on=chunk.on,
        )
    conditions["open_lead"] = compose(
        "EXISTS (SELECT FROM campaigns_lead l JOIN campaigns_campaign o ON o.id = l.campaign_id"
        " WHERE l.customer_id = c.id AND l.state = ANY({open})"
        " AND o.product_id = {product} AND o.id <> {campaign})",
        open=[str(state) for state in Lead.OPEN],
        product=chunk.campaign.product_id,
        campaign=chunk.campaign.pk,
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
    """Every lead of the chunk with its manager, branch, and the reason when there is nobody."""
    return join(",\n", [_owned(on), _shared(), _GIVEN])


def _owned(on: dt.date) -> Piece:
    # Staff is looked up by key: a join with a table of the statement would be gone through once per lead.
    away = absence.on(on)
    return compose(
        """away AS MATERIALIZED (
    SELECT user_id, backup_id FROM unnest({away}::bigint[], {stand_ins}::bigint[]) AS given (user_id, backup_id)
),
owned AS MATERIALIZED (
    SELECT found.*, row_number() OVER (
        PARTITION BY home_branch_id, owner_id IS NULL ORDER BY value DESC, id
    ) AS place
    FROM (
        SELECT checked.id, checked.customer_id, checked.arm_id, checked.value, checked.home_branch_id,
            coalesce(own.id, stand_in.id, second.id) AS owner_id,
            coalesce(own.branch_id, stand_in.branch_id, second.branch_id) AS owner_branch_id
        FROM checked
        LEFT JOIN bankcrm_user own ON own.id = checked.primary_rm_id AND {own}
        LEFT JOIN away ON away.user_id = checked.primary_rm_id
        LEFT JOIN bankcrm_user stand_in ON stand_in.id = away.backup_id AND {stand_in}
        LEFT JOIN bankcrm_user second ON second.id = checked.backup_rm_id AND {second}
        WHERE checked.held = ''
    ) found
)""",
        away=list(away),
        stand_ins=[absent.stand_in for absent in away.values()],
        own=_available("own"),
        stand_in=_available("stand_in"),
        second=_available("second"),
    )


def _shared() -> Piece:
    # The i-th customer without an owner takes the i-th free slot of the branch; a manager's k-th slot is reached at
    # (open leads + k) / daily capacity.
    return compose(
        """wanted AS MATERIALIZED (
    SELECT home_branch_id AS branch_id, count(*) AS leads FROM owned
    WHERE owner_id IS NULL AND home_branch_id IS NOT NULL GROUP BY home_branch_id
),
helpers AS MATERIALIZED (
    SELECT u.id, u.branch_id, u.daily_capacity * half_days.n / 10.0 AS daily_capacity, wanted.leads AS wanted,
        (SELECT count(*) FROM campaigns_lead l WHERE l.rm_id = u.id AND l.state IN ('new', 'working'))
        + (SELECT count(*) FROM owned WHERE owned.owner_id = u.id) AS leads
    FROM wanted JOIN bankcrm_user u ON u.branch_id = wanted.branch_id
    CROSS JOIN LATERAL (SELECT sum(half) AS n FROM unnest(u.working_week) half) half_days
    WHERE u.daily_capacity * half_days.n > 0 AND {helper}
),
shared AS MATERIALIZED (
    SELECT branch_id, array_agg(id ORDER BY place) AS helper_ids
    FROM (
        SELECT branch_id, helpers.id, wanted, row_number() OVER (
            PARTITION BY branch_id ORDER BY (leads + slot)::float8 / daily_capacity, helpers.id
        ) AS place
        FROM helpers CROSS JOIN LATERAL generate_series(1, wanted) slot
    ) slots
    WHERE place <= wanted GROUP BY branch_id
)""",
        helper=_available("u"),
    )


_GIVEN = Piece(
    """allocated AS (
    SELECT id, customer_id, arm_id, value, rm_id, coalesce(home_branch_id, owner_branch_id) AS branch_id,
        CASE WHEN rm_id IS NOT NULL THEN '' WHEN home_branch_id IS NULL THEN 'no_branch'
            ELSE 'nobody_in_branch' END AS unassigned_reason
    FROM (
        SELECT owned.*, coalesce(owner_id, shared.helper_ids[place]) AS rm_id
        FROM owned LEFT JOIN shared ON owned.owner_id IS NULL AND shared.branch_id = owned.home_branch_id
    ) given
)"""
)


def _available(alias: str) -> Piece:
    """Whether a member of staff can take leads on the day."""
    able = "{u}.role = 'rm' AND {u}.is_active AND {u}.id NOT IN (SELECT user_id FROM away)"
    return compose(able, u=Piece(alias))
