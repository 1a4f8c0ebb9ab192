"""Exploration: a stated share of a campaign's contacts drawn among all who could be contacted, whatever their score.

A model that only meets whom it chose itself never learns of the others. The draw is by a salted hash: the same inputs
give the same customers, each with a known chance of being on the list. Who is drawn is split into treated and control
like everybody else.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from analytics import ranking
from bankcrm import figures
from campaigns.control import control_fraction_sql
from campaigns.statement import EMPTY, Piece, compose

if TYPE_CHECKING:
    from analytics.models import PredictiveModel
    from campaigns.models import Campaign, Selection

# The lower end of what methods.md section 4 asks for; what a new campaign begins with.
SHARE = Decimal("0.050")
# Methods.md section 6: where no uplift is proved, so much is drawn.
SHARE_TO_LEARN_UPLIFT = Decimal("0.200")


def proposed(model: PredictiveModel | None) -> Decimal:
    """The share a new campaign by this model begins with: more where a product's uplift was tried and not proven."""
    if model is None or model.current_score_run is None:
        return SHARE
    found = ranking.basis(model.current_score_run)
    stands_in = found["by"] == ranking.BY_TIER or (found["by"] == ranking.RESPONSE and found["why"])
    return SHARE_TO_LEARN_UPLIFT if stands_in else SHARE


def drawn(campaign: Campaign, not_worth: int) -> Piece:
    """CTEs ``sizes`` (one row: worth, pool, drawn) and ``explored`` (customer_id), over ``judged``.

    The pool is everybody whom no rule forbids to contact, the ones not worth a contact (reason number ``not_worth``)
    included; drawn is the share of the list that would have been, rounded down.
    """
    share = float(campaign.control_share)
    most = EMPTY
    if campaign.capacity is not None:
        most = compose(", {most}::bigint", most=math.ceil(campaign.capacity / (1 - share)))
    return compose(
        """,
pool AS MATERIALIZED (SELECT customer_id, dropped FROM judged WHERE dropped IS NULL OR dropped = {not_worth}),
sizes AS MATERIALIZED (
    SELECT worth, pool, floor({share}::float8 * least(worth{most}))::bigint AS drawn
    FROM (SELECT count(*) FILTER (WHERE dropped IS NULL) AS worth, count(*) AS pool FROM pool) counted
),
explored AS MATERIALIZED (
    SELECT customer_id FROM pool ORDER BY {fraction}, customer_id LIMIT (SELECT sizes.drawn FROM sizes)
)""",
        not_worth=not_worth,
        share=float(campaign.exploration_share),
        most=most,
        fraction=Piece(control_fraction_sql("%s", "customer_id"), (f"{campaign.salt}:explore",)),
    )


def kept(order: Piece, bound: int | None) -> Piece:
    """CTE ``kept``: who may be on the list, the explored first so that the capacity never cuts them."""
    return compose(
        """kept AS (
    SELECT customer_id, probability, raw, decile, value, dropped, is_exploration,
        row_number() OVER (ORDER BY is_exploration DESC, {order}) AS rank
    FROM (
        SELECT judged.*, explored.customer_id IS NOT NULL AS is_exploration
        FROM judged LEFT JOIN explored USING (customer_id)
        WHERE judged.dropped IS NULL OR explored.customer_id IS NOT NULL
        ORDER BY is_exploration DESC, {order} LIMIT {bound}
    ) best
)""",
        order=order,
        bound=bound,
    )


def ranked(order: Piece, listed: Piece) -> Piece:
    """The listed rows with their rank by value and their chance of having been listed.

    Whom the order alone would have listed was certain to be; of the rest only the draw decided.
    """
    return compose(
        """(
    SELECT placed.*, CASE
        WHEN NOT is_exploration THEN 1
        WHEN dropped IS NULL AND (place <= last_by_rank OR worth_listed = sizes.worth) THEN 1
        ELSE sizes.drawn::float8 / sizes.pool END AS selection_chance
    FROM (
        SELECT ordered.*, coalesce(max(place) FILTER (WHERE NOT is_exploration) OVER (), 0) AS last_by_rank,
            count(*) FILTER (WHERE dropped IS NULL) OVER () AS worth_listed
        FROM (
            SELECT customer_id, probability, decile, value, dropped, is_control, is_exploration,
                row_number() OVER (ORDER BY {order}) AS place
            FROM {listed}
        ) ordered
    ) placed CROSS JOIN sizes
) ranked""",
        order=order,
        listed=listed,
    )


# Rows of the statement, kinds "explored" (code 1: control; sum: how many of them were not worth a contact) and "pool".
COUNTED = Piece(
    """
UNION ALL
SELECT 'explored', is_control::int::bigint, count(*), count(dropped)::float8, NULL FROM cut WHERE is_exploration
GROUP BY is_control
UNION ALL
SELECT 'pool', NULL, pool, NULL, NULL FROM sizes"""
)


def found(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    """What the statement's rows say of the draw: {"pool", "contacts", "control", "below"}; {} where none was made.

    ``below``: how many of the drawn would not have been worth a contact.
    """
    pool = [n for kind, _code, n, _p, _v in rows if kind == "pool"]
    if not pool:
        return {}
    drawn = {code: n for kind, code, n, _p, _v in rows if kind == "explored"}
    below = sum(round(unworthy) for kind, _code, _n, unworthy, _v in rows if kind == "explored")
    return {"pool": pool[0], "contacts": drawn.get(0, 0), "control": drawn.get(1, 0), "below": below}


def sentence(counts: dict[str, int]) -> str:
    """The draw in words, for the waterfall, the brief and the approver; "" where none was made."""
    if not counts:
        return ""
    named = {name: figures.number(n) for name, n in counts.items()}
    return (
        _(
            "%(contacts)s of the contacts and %(control)s of the control were drawn at random among the %(pool)s who"
            " could be contacted, so that models learn of those they would pass over; %(below)s of them are below"
            " what is worth a contact."
        )
        % named
    )


def all_drawn(selection: Selection) -> bool:
    """Whether the whole list was drawn, because nothing ranked the customers."""
    return selection.definition.get("ranking", "score") != "score"
