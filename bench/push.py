"""Push of a tenth of the bank: seconds beside a bare insert of as many leads, and statements beside a small push."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import selection
from bench.measure import Line, best_of, line
from bench.world import TODAY, World
from campaigns import lifecycle, push, targeting
from campaigns.models import Campaign

BARE = """
INSERT INTO campaigns_lead (campaign_id, push_id, target_id, customer_id, arm_id, branch_id, rm_id, value, due_on)
SELECT %(campaign)s, push_id, target_id, customer_id, arm_id, branch_id, rm_id, value, due_on
FROM bench_leads
"""


def measure(world: World) -> list[Line]:
    """Two lines: time, and statements of a push against those of one a tenth as large."""
    # A campaign is pushed once: a bank that is measured again gets campaigns of its own.
    turn = Campaign.objects.count()
    small, _few = _pushed(world, f"bench-push-small-{turn}", world.n // 100)
    large, many = _pushed(world, f"bench-push-{turn}", world.n // 10)
    with CaptureQueriesContext(connection):
        limit = _bare(world, f"bench-push-{turn}")
    return [
        line("push of leads, beside a bare insert of them", many.leads, many.seconds, limit, 10.0),
        line(
            "statements of a push, beside one a tenth as large", many.leads, large, small, 1.25, "statements"
        ),
    ]


class _Done:
    def __init__(self, leads: int, seconds: float) -> None:
        self.leads, self.seconds = leads, seconds


def _pushed(world: World, code: str, capacity: int) -> tuple[int, _Done]:
    """Select, approve and push; statements and time of the push."""
    planned = selection.campaign(world, code, capacity)
    targeting.select(planned, world.mei, on=TODAY)
    lifecycle.submit(Campaign.objects.get(pk=planned.pk), world.mei)
    lifecycle.approve(Campaign.objects.get(pk=planned.pk), world.omar, "Bench.")
    approved = Campaign.objects.get(pk=planned.pk)
    with CaptureQueriesContext(connection) as queries:
        seconds = best_of(1, lambda: push.push(approved, world.mei, on=TODAY))
    leads = planned.leads.count()
    return len(queries), _Done(leads, seconds)


def _bare(world: World, code: str) -> float:
    """Seconds of inserting the same leads again, under another campaign's id, with every constraint in force."""
    other = selection.campaign(world, "bench-bare", 1)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_leads")
        cursor.execute(
            "CREATE TABLE bench_leads AS SELECT lead.* FROM campaigns_lead lead JOIN campaigns_campaign c"
            " ON c.id = lead.campaign_id WHERE c.code = %s",
            [code],
        )
        cursor.execute("ALTER TABLE campaigns_lead DROP CONSTRAINT IF EXISTS campaigns_lead_target_id_key")

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(BARE, {"campaign": other.pk})

    seconds = best_of(1, insert)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_lead WHERE campaign_id = %s", [other.pk])
        cursor.execute("DROP TABLE bench_leads")
    return seconds
