"""Selection with control and insertion of a tenth of the bank, against the hand-written single statement."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from bench.measure import Line, best_of, line
from bench.world import MONTH, TODAY, World
from campaigns import lifecycle, targeting
from campaigns.models import Campaign, Selection

CONTROL = 0.1
# The same rules, written by hand for this one campaign: what a good analyst would send to the database.
HAND = """
WITH capped AS (
    SELECT customer_id FROM customers_contact
    WHERE contacted_on > %(today)s::date - 30 AND contacted_on <= %(today)s AND was_reached IS NOT FALSE
    GROUP BY customer_id HAVING count(*) >= 2
), cooling AS (
    SELECT customer_id FROM customers_response WHERE kind = 'refusal' AND responded_on > %(today)s::date - 14
    UNION SELECT customer_id FROM customers_response
    WHERE kind = 'refusal' AND responded_on > %(today)s::date - 90 AND product_code = 'fund'
), kept AS (
    SELECT c.id, s.probability, s.decile, s.probability * 1000 - 10 AS value,
        row_number() OVER (ORDER BY s.probability * 1000 - 10 DESC, s.raw DESC, c.id) AS rank
    FROM customers_customer c
    JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = %(month)s
    JOIN analytics_score s ON s.customer_id = c.id AND s.score_run_id = %(run)s
    WHERE p.age BETWEEN 25 AND 70 AND c.closed_on IS NULL AND NOT c.is_employee AND NOT c.phone_is_wrong
      AND s.probability * 1000 - 10 >= 0
      AND NOT EXISTS (SELECT FROM customers_holding h
                      WHERE h.customer_id = c.id AND h.product_id = %(product)s AND h.closed_on IS NULL)
      AND NOT EXISTS (SELECT FROM customers_consent o
                      WHERE o.customer_id = c.id AND o.is_objection AND o.channel IN ('all', 'phone')
                        AND o.purpose IN ('all', 'marketing', 'profiling'))
      AND NOT EXISTS (SELECT FROM customers_quietperiod q
                      WHERE q.customer_id = c.id AND q.lifted_at IS NULL
                        AND %(today)s BETWEEN q.first_day AND q.last_day)
      AND NOT EXISTS (SELECT FROM capped WHERE capped.customer_id = c.id)
      AND NOT EXISTS (SELECT FROM cooling WHERE cooling.customer_id = c.id)
    ORDER BY value DESC, s.raw DESC, c.id LIMIT %(places)s
)
INSERT INTO campaigns_target (selection_id, customer_id, is_control, arm_id, probability, decile, value, rank)
SELECT %(selection)s, id, drawn < %(share)s, CASE WHEN drawn < %(share)s THEN NULL ELSE %(arm)s END,
    probability, decile, value, rank
FROM (SELECT kept.*, (('x' || left(encode(sha256(convert_to(%(salt)s || ':' || id, 'UTF8')), 'hex'), 15))::bit(60)
    ::bigint
    / 1152921504606846976.0) AS drawn FROM kept) drawn_kept
"""


def campaign(world: World, code: str, capacity: int) -> Campaign:
    """A draft for customers of 25 to 70, ranked by score."""
    return Campaign.objects.filter(code=code).first() or lifecycle.create(
        world.mei,
        code=code,
        name=code,
        product=world.product,
        starts_on=TODAY,
        ends_on=TODAY + dt.timedelta(days=60),
        budget=10_000_000,
        condition={"all": [{"field": "age", "op": "between", "value": [25, 70]}]},
        profile_month=MONTH,
        model=world.model,
        capacity=capacity,
        control_share=str(CONTROL),
        salt=code,
        arms=[{"code": "A", "offer": world.offer, "channel": "phone", "share": 1}],
    )


def measure(world: World) -> list[Line]:
    """One line: select() with the targets written, best of three, each after the targets of the try before are gone."""
    capacity = world.n // 10
    planned = campaign(world, "bench-select", capacity)
    hand = Selection.objects.create(
        campaign=planned, campaign_version=0, profile_month=MONTH, requested_by=world.mei
    )
    values = {
        "today": TODAY,
        "month": MONTH,
        "run": world.model.current_score_run_id,
        "product": world.product.pk,
        "places": round(capacity / (1 - CONTROL)),
        "selection": hand.pk,
        "share": CONTROL,
        "arm": planned.arms.get().pk,
        "salt": planned.salt,
    }

    def by_hand() -> None:
        with connection.cursor() as cursor:
            cursor.execute(HAND, values)

    def clear() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE campaigns_campaign SET selection_id = NULL WHERE id = %s", [planned.pk])
            cursor.execute(
                "DELETE FROM campaigns_target WHERE selection_id IN"
                " (SELECT id FROM campaigns_selection WHERE campaign_id = %s)",
                [planned.pk],
            )
            cursor.execute("VACUUM ANALYZE campaigns_target")

    limit = best_of(3, by_hand, clear)
    seconds = best_of(
        3, lambda: targeting.select(Campaign.objects.get(pk=planned.pk), world.mei, on=TODAY), clear
    )
    chosen = Campaign.objects.select_related("selection").get(pk=planned.pk).selection
    count = chosen.targets_count + chosen.control_count if chosen else 0
    clear()
    return [line("selection with control, targets inserted", count, seconds, limit, 1.5)]
