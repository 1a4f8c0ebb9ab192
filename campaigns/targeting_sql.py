"""The one statement of target selection: who is in the audience, at which step each drops out, who is drawn as control.

Everything it depends on is in ``Inputs``, so that the same inputs give the same targets in any order of the rows.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from analytics import audience
from analytics.models import ScoreRun
from campaigns import arms, exploration
from campaigns.conflicts import Refused
from campaigns.contact_policy import BLOCKS, Policy, member, policy
from campaigns.control import control_fraction_sql
from campaigns.models import Arm, Campaign, ContactRule, Lead
from campaigns.statement import EMPTY, Piece, compose, join
from customers.models import ContactChannel

STEPS: dict[str, str | Promise] = {
    "audience": gettext_lazy("Audience"),
    "eligible": gettext_lazy("Eligible"),
    "consent": gettext_lazy("Consent"),
    "contact_policy": gettext_lazy("Contact policy"),
    "universal": gettext_lazy("Universal control"),
    "worth": gettext_lazy("Worth a contact"),
    "capacity": gettext_lazy("Capacity"),
    "control": gettext_lazy("Control group"),
    "final": gettext_lazy("Final list"),
}

# code → (step, what a person reads), in the order of the checks: the first that bites is the reason.
REASONS: dict[str, tuple[str, str | Promise]] = {
    "closed": BLOCKS["closed"],
    "employee": BLOCKS["employee"],
    "holds_product": ("eligible", gettext_lazy("Holds the product already")),
    "converted": ("eligible", gettext_lazy("Bought it lately")),
    "control_elsewhere": ("eligible", gettext_lazy("Control of another campaign for this product")),
    "open_lead": ("eligible", gettext_lazy("Has an open lead for this product")),
    "not_eligible": ("eligible", gettext_lazy("Does not meet the conditions of the offer")),
    **{code: block for code, block in BLOCKS.items() if block[0] != "eligible"},
    "no_score": ("worth", gettext_lazy("Has no score")),
    "not_worth": ("worth", gettext_lazy("Expected value below what is worth a contact")),
    "capacity": ("capacity", gettext_lazy("Ranked below the capacity")),
}
_CODES = tuple(REASONS)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a selection is computed from. ``rate``: the response rate assumed for everybody without a score."""

    campaign: Campaign
    arms: list[Arm]
    month: dt.date
    on: dt.date
    score_run: ScoreRun | None
    rules: list[ContactRule]
    rate: float | None = None
    rate_source: dict[str, Any] = field(default_factory=dict)

    @property
    def explores(self) -> bool:
        """Whether a share of the contacts is drawn beside the ranking; where the order is drawn, everybody is."""
        return self.ranking == "score" and bool(self.campaign.exploration_share)

    @property
    def channels(self) -> list[str]:
        return sorted({str(arm.channel) for arm in self.arms}) or [ContactChannel.PHONE.value]

    @property
    def ranking(self) -> str:
        """ "score", "history" (one rate for all, order drawn) or "draw" (no rate known either)."""
        if self.score_run is not None:
            return "score"
        return "history" if self.rate is not None else "draw"

    @property
    def margin(self) -> float:
        return arms.margin(self.arms)

    @property
    def contact_cost(self) -> float:
        return arms.contact_cost(self.arms)


def judged(inputs: Inputs, *, customer_id: int | None = None) -> Piece:
    """CTEs up to ``judged``: one row per customer of the audience with value and the number of the reason to drop out.

    ``customer_id`` judges one customer only, by indexed look-ups.
    """
    scope = EMPTY if customer_id is None else compose("AND customer_id = {id}", id=customer_id)
    one = EMPTY if customer_id is None else compose("AND c.id = {id}", id=customer_id)
    rules = policy(
        inputs.channels,
        inputs.campaign.product.code,
        inputs.on,
        inputs.rules,
        scope=scope,
        profiled=inputs.ranking == "score",
    )
    tables, joins, conditions = _eligibility(inputs, scope)
    source, where = audience_pieces(inputs.campaign.condition, inputs.month, inputs.on)
    probability, value, raw, decile, score_join = _worth(inputs)
    return compose(
        """{tables},
judged AS MATERIALIZED (
    SELECT c.id AS customer_id, {probability} AS probability, {raw} AS raw, {decile} AS decile,
        {value} AS value, {dropped} AS dropped
    FROM {source}
    {joins}
    {score_join}
    WHERE {where} {one}
)""",
        tables=join(",\n", [rules.tables, *tables]),
        probability=probability,
        raw=raw,
        decile=decile,
        value=value,
        dropped=_dropped(inputs, rules, conditions, probability, value),
        source=source,
        joins=join("\n", [rules.joins, *joins]),
        score_join=score_join,
        where=where,
        one=one,
    )


def selection_statement(inputs: Inputs, selection_id: int | None) -> Piece:
    """The whole statement. With ``selection_id`` it inserts the targets, without it only counts.

    Rows: (kind, code, n, sum of probabilities, sum of p(1 − p)), kind "dropped" (code: number of the reason, NULL for
    who passed every step), "arm" (code: arm id) or "control"; with exploration also those of ``exploration.COUNTED``.
    """
    campaign = inputs.campaign
    capacity, order = campaign.capacity, _order(inputs)
    share = float(campaign.control_share)
    bound = None if capacity is None else _prefix(capacity, share)
    explores = inputs.explores
    return compose(
        """WITH {judged}{explored},
{kept},
drawn AS (SELECT kept.*, {fraction} < {share} AS is_control FROM kept),
cut AS MATERIALIZED (
    SELECT customer_id, probability, decile, value, place AS rank, is_control, dropped, is_exploration,
        selection_chance, CASE WHEN is_control THEN NULL ELSE {arm} END AS arm_id
    FROM {listed}
){inserted}
SELECT 'dropped', dropped::bigint, count(*), NULL::float8, NULL::float8 FROM judged GROUP BY dropped
UNION ALL
SELECT CASE WHEN is_control THEN 'control' ELSE 'arm' END, arm_id, count(*), sum(probability),
    sum(probability * (1 - probability))
FROM cut GROUP BY is_control, arm_id{counted}""",
        judged=judged(inputs),
        explored=exploration.drawn(campaign, _CODES.index("not_worth")) if explores else EMPTY,
        kept=exploration.kept(order, bound) if explores else _kept(order, bound),
        fraction=Piece(control_fraction_sql("%s", "customer_id"), (campaign.salt,)),
        share=share,
        arm=_arm(inputs),
        listed=exploration.ranked(order, _within(capacity)) if explores else _plainly(_within(capacity)),
        inserted=EMPTY if selection_id is None else _insert(selection_id),
        counted=exploration.COUNTED if explores else EMPTY,
    )


def _kept(order: Piece, bound: int | None) -> Piece:
    return compose(
        """kept AS (
    SELECT customer_id, probability, decile, value, row_number() OVER (ORDER BY {order}) AS rank
    FROM (SELECT * FROM judged WHERE dropped IS NULL ORDER BY {order} LIMIT {bound}) best
)""",
        order=order,
        bound=bound,
    )


def _plainly(listed: Piece) -> Piece:
    """Without exploration everybody is listed by rank."""
    return compose(
        "(SELECT *, rank AS place, NULL::smallint AS dropped, false AS is_exploration,"
        " 1::float8 AS selection_chance FROM {listed}) listed",
        listed=listed,
    )


def audience_pieces(condition: dict[str, Any], month: dt.date, on: dt.date) -> tuple[Piece, Piece]:
    """From-clause with aliases ``c`` and ``p``, and where-clause, of a condition over the field catalogue.

    Raises Refused with what is wrong with the condition.
    """
    try:
        compiled = audience.compile_condition(condition, month, on)
    except audience.InvalidCondition as invalid:
        raise Refused(str(invalid)) from invalid
    source = Piece(compiled.from_sql, compiled.from_params)
    return source, Piece(compiled.where_sql, compiled.where_params)


def _eligibility(inputs: Inputs, scope: Piece) -> tuple[list[Piece], list[Piece], dict[str, Piece]]:
    """Tables, joins and conditions of who may receive the offer at all."""
    campaign, on = inputs.campaign, inputs.on
    # Code of the reason → the table of whom it holds for, and its name.
    left_out = {
        "converted": ("buyers", _buyers(campaign, on, scope)),
        "control_elsewhere": ("withheld", _withheld(campaign, on, scope)),
        "open_lead": ("offered", _offered(campaign, on, scope)),
    }
    if any(arm.offer and arm.offer.excludes_holders for arm in inputs.arms):
        left_out["holds_product"] = ("holders", _holders(campaign, on, scope))
    tables = [table for _name, table in left_out.values()]
    joins = [Piece(f"LEFT JOIN {name} ON {name}.customer_id = c.id") for name, _table in left_out.values()]
    conditions = {code: member(name, joined=True) for code, (name, _table) in left_out.items()}
    offer_conditions = [arm.offer.eligibility for arm in inputs.arms if arm.offer and arm.offer.eligibility]
    if offer_conditions:
        source, where = audience_pieces({"all": offer_conditions}, inputs.month, inputs.on)
        tables.append(
            compose("meets AS (SELECT c.id FROM {source} WHERE {where})", source=source, where=where)
        )
        joins.append(Piece("LEFT JOIN meets ON meets.id = c.id"))
        conditions["not_eligible"] = Piece("meets.id IS NULL")
    return tables, joins, conditions


def _buyers(campaign: Campaign, on: dt.date, scope: Piece) -> Piece:
    return compose(
        "buyers AS (SELECT DISTINCT customer_id FROM customers_response WHERE kind = 'conversion'"
        " AND product_code = {product} AND responded_on > {since} AND responded_on <= {on} {scope})",
        product=campaign.product.code,
        since=on - dt.timedelta(days=campaign.attribution_days),
        on=on,
        scope=scope,
    )


def _withheld(campaign: Campaign, on: dt.date, scope: Piece) -> Piece:
    # Contacting another campaign's control would spoil what that campaign is to show.
    return compose(
        "withheld AS (SELECT DISTINCT customer_id FROM customers_assignment a JOIN campaigns_campaign o"
        " ON o.code = a.campaign_code WHERE a.is_control AND a.product_code = {product} AND o.id <> {campaign}"
        " AND a.assigned_on + o.attribution_days > {on} {scope})",
        product=campaign.product.code,
        campaign=campaign.pk,
        on=on,
        scope=scope,
    )


def _holders(campaign: Campaign, on: dt.date, scope: Piece) -> Piece:
    return compose(
        "holders AS (SELECT DISTINCT customer_id FROM customers_holding WHERE product_id = {product}"
        " AND opened_on <= {on} AND (closed_on IS NULL OR closed_on > {on}) {scope})",
        product=campaign.product_id,
        on=on,
        scope=scope,
    )


def _offered(campaign: Campaign, on: dt.date, scope: Piece) -> Piece:
    # A second offer says nothing new, and as control they would be contacted all the same.
    return compose(
        "offered AS (SELECT DISTINCT customer_id FROM campaigns_lead l JOIN campaigns_campaign o"
        " ON o.id = l.campaign_id WHERE l.state = ANY({open}) AND o.product_id = {product}"
        " AND o.id <> {campaign} AND o.assigned_on <= {on} {scope})",
        open=[str(state) for state in Lead.OPEN],
        product=campaign.product_id,
        campaign=campaign.pk,
        on=on,
        scope=scope,
    )


def _worth(inputs: Inputs) -> tuple[Piece, Piece, Piece, Piece, Piece]:
    """Probability, value, raw score, decile and the join they need."""
    raw, decile, score_join = Piece("NULL::float8"), Piece("NULL::smallint"), EMPTY
    if inputs.score_run is not None:
        probability, raw = Piece("chosen.probability"), Piece("chosen.raw")
        decile = Piece("chosen.decile")
        score_join = compose(
            "LEFT JOIN analytics_score chosen ON chosen.score_run_id = {run} AND chosen.customer_id = c.id",
            run=inputs.score_run.pk,
        )
    elif inputs.ranking == "history":
        probability = compose("{rate}::float8", rate=inputs.rate)
    else:
        return Piece("NULL::float8"), Piece("0::float8"), raw, decile, score_join
    value = compose(
        "coalesce({probability} * {margin}::float8 - {cost}::float8, 0)",
        probability=probability,
        margin=inputs.margin,
        cost=inputs.contact_cost,
    )
    return probability, value, raw, decile, score_join


def _dropped(
    inputs: Inputs, rules: Policy, conditions: dict[str, Piece], probability: Piece, value: Piece
) -> Piece:
    found = rules.conditions | conditions
    if inputs.ranking == "score":
        found["no_score"] = compose("{probability} IS NULL", probability=probability)
    if inputs.ranking != "draw":
        found["not_worth"] = compose(
            "{value} < {minimum}::float8", value=value, minimum=float(inputs.campaign.minimum_value)
        )
    whens = (
        compose(f"WHEN {{condition}} THEN {number}", condition=found[code])
        for number, code in enumerate(_CODES)
        if code in found
    )
    return compose("(CASE {whens} END)::smallint", whens=join(" ", whens))


def _order(inputs: Inputs) -> Piece:
    if inputs.ranking == "score":
        return Piece("value DESC, raw DESC, customer_id")
    # Everybody is worth the same: a draw of its own, or the customers of longest standing would always come first.
    drawn = Piece(control_fraction_sql("%s", "customer_id"), (f"{inputs.campaign.salt}:rank",))
    return compose("{drawn}, customer_id", drawn=drawn)


def _prefix(capacity: int, share: float) -> int:
    """Ranks that are certain to hold ``capacity`` treated: the expectation and eight standard deviations."""
    return math.ceil((capacity + 8 * math.sqrt(capacity * share)) / (1 - share)) + 50


def _within(capacity: int | None) -> Piece:
    """The ranked customers down to the one whose contact uses up the capacity, controls on the way included."""
    if capacity is None:
        return Piece("drawn")
    return compose(
        "(SELECT drawn.*, count(*) FILTER (WHERE NOT is_control) OVER (ORDER BY rank ROWS UNBOUNDED PRECEDING)"
        " - (NOT is_control)::int AS treated_before FROM drawn) counted WHERE treated_before < {capacity}",
        capacity=capacity,
    )


def _arm(inputs: Inputs) -> Piece:
    """The treated customer's arm by a second hash with a salt of its own."""
    if not inputs.arms:
        return Piece("NULL::bigint")
    fraction = Piece(control_fraction_sql("%s", "customer_id"), (f"{inputs.campaign.salt}:arm",))
    whens, upto = [], Decimal(0)
    for arm in inputs.arms[:-1]:
        upto += arm.share
        whens.append(
            compose(
                "WHEN {fraction} < {upto}::float8 THEN {arm}", fraction=fraction, upto=float(upto), arm=arm.pk
            )
        )
    if not whens:
        return compose("{arm}::bigint", arm=inputs.arms[-1].pk)
    return compose("CASE {whens} ELSE {last} END::bigint", whens=join(" ", whens), last=inputs.arms[-1].pk)


def _insert(selection_id: int) -> Piece:
    return compose(
        """,
inserted AS (
    INSERT INTO campaigns_target
        (selection_id, customer_id, is_control, arm_id, probability, decile, value, rank, is_exploration,
        selection_chance)
    SELECT {selection}, customer_id, is_control, arm_id, probability, decile, value, rank, is_exploration,
        selection_chance
    FROM cut ORDER BY rank
)""",
        selection=selection_id,
    )
