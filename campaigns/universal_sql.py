"""The statements of the universal control: who is drawn, whose leads end, and what the two groups did."""

from __future__ import annotations

import datetime as dt

from campaigns.control import control_fraction, control_fraction_sql
from campaigns.models import Lead, UniversalControl
from campaigns.statement import EMPTY, Piece, compose

# Whom campaigns could contact at all. {from} and {to} are ids: who joined after a draw is drawn by the next.
_POPULATION = """
FROM customers_customer c
LEFT JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = {month}
LEFT JOIN bankcrm_branch b ON b.id = c.home_branch_id
WHERE c.id > {after} AND c.id <= {upto} AND NOT c.is_employee AND (c.closed_on IS NULL OR c.closed_on > {day})
"""


def draw(control: UniversalControl, month: dt.date | None, after: int, upto: int, day: dt.date) -> Piece:
    """Insert the members among the customers with ids in (after, upto]; row count: how many.

    A systematic sample: customers in order of stratum (tier, branch) and within it of a salted hash, every
    1/share-th from a drawn start. Each stratum gives its share to within one customer, and who is in depends on
    nothing but the salt.
    """
    return compose(
        """INSERT INTO campaigns_universalmember (control_id, customer_id, stratum, since)
SELECT {control}, id, stratum, {day}
FROM (
    SELECT id, stratum,
        row_number() OVER (ORDER BY stratum, fraction, id) * {share}::numeric + {start}::numeric AS place
    FROM (SELECT c.id, concat_ws(' ', coalesce(nullif(p.tier, ''), '-'), coalesce(b.code, '-')) AS stratum,
        {fraction} AS fraction {population}) people
) placed
WHERE floor(place) > floor(place - {share}::numeric)
ON CONFLICT DO NOTHING""",
        control=control.pk,
        day=day,
        share=control.share,
        # Another start for every draw: small additions must not always begin with nobody.
        start=f"{control_fraction(f'{control.salt}:start', after):.12f}",
        fraction=Piece(control_fraction_sql("%s", "c.id"), (control.salt,)),
        population=compose(_POPULATION, month=month, after=after, upto=upto, day=day),
    )


def members_in_force(on: dt.date, scope: Piece = EMPTY) -> Piece:
    """CTE ``universal`` (customer_id): whom no campaign contacts on that day."""
    return compose(
        "universal AS (SELECT customer_id FROM campaigns_universalmember m JOIN campaigns_universalcontrol u"
        " ON u.id = m.control_id WHERE u.starts_on <= {on} AND u.ends_on >= {on} AND m.since <= {on} {scope})",
        on=on,
        scope=scope,
    )


def recall(control: UniversalControl) -> Piece:
    """Take back the members' leads nobody has touched; row count: how many."""
    return compose(
        """UPDATE campaigns_lead l SET state = {recalled}, closed_at = now(), version = l.version + 1
FROM campaigns_universalmember m
WHERE m.control_id = {control} AND m.customer_id = l.customer_id AND l.state = ANY({untouched})
    AND l.claimed_by_id IS NULL AND l.last_outcome = ''
    AND NOT EXISTS (SELECT FROM campaigns_followup f WHERE f.lead_id = l.id)""",
        recalled=Lead.State.RECALLED.value,
        control=control.pk,
        untouched=[Lead.State.NEW.value, Lead.State.UNASSIGNED.value],
    )


def outcomes(control: UniversalControl, until: dt.date) -> Piece:
    """Rows (is_member, customers, buyers, contacted, contacts) of the population of the first draw.

    Buyers opened a contract of any product after the first day and by ``until``; contacts are those of campaigns in
    the same days. Customers who have left since stay in, as drawn.
    """
    return compose(
        """WITH bought AS (
    SELECT DISTINCT customer_id FROM customers_holding WHERE opened_on > {first} AND opened_on <= {until}
), contacted AS (
    SELECT customer_id, count(*) AS contacts FROM customers_contact
    WHERE contacted_on >= {first} AND contacted_on <= {until} AND campaign_code <> ''
    GROUP BY customer_id
)
SELECT m.customer_id IS NOT NULL, count(*), count(bought.customer_id), count(contacted.customer_id),
    coalesce(sum(contacted.contacts), 0)::bigint
{sides} GROUP BY 1""",
        first=control.starts_on,
        until=until,
        sides=_sides(
            control,
            Piece(
                "LEFT JOIN bought ON bought.customer_id = c.id LEFT JOIN contacted ON contacted.customer_id = c.id"
            ),
        ),
    )


def balance(control: UniversalControl, month: dt.date | None) -> Piece:
    """Rows (tier, customers, members) of the first draw's population by tier now, to see that the two are alike."""
    profiles = compose(
        "LEFT JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = {month}", month=month
    )
    return compose(
        """SELECT coalesce(nullif(p.tier, ''), '-') AS tier, count(*), count(m.customer_id)
{sides} GROUP BY 1 ORDER BY 1""",
        sides=_sides(control, profiles),
    )


def _sides(control: UniversalControl, joins: Piece) -> Piece:
    """From and where of the first draw's population, members with a row of ``m``."""
    return compose(
        """FROM customers_customer c
LEFT JOIN campaigns_universalmember m ON m.control_id = {control} AND m.customer_id = c.id
{joins}
WHERE c.id <= {upto} AND NOT c.is_employee AND (c.closed_on IS NULL OR c.closed_on > {first})""",
        control=control.pk,
        joins=joins,
        upto=control.first_drawn_to,
        first=control.starts_on,
    )


def base_rate(first: dt.date, last: dt.date) -> Piece:
    """(customers, buyers): of those who were with the bank, how many opened a contract in [first, last]."""
    return compose(
        """SELECT count(*), count(bought.customer_id) FROM customers_customer c
LEFT JOIN (SELECT DISTINCT customer_id FROM customers_holding WHERE opened_on BETWEEN {first} AND {last}) bought
    ON bought.customer_id = c.id
WHERE NOT c.is_employee AND (c.closed_on IS NULL OR c.closed_on > {last})""",
        first=first,
        last=last,
    )
