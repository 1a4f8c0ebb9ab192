"""The queue page of a manager with 500 open leads, against a signed-in page that shows nothing."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from bench import selection
from bench.measure import Line, best_of, line
from bench.world import TODAY, World
from campaigns.models import Campaign, Lead, Push, Selection

OPEN = 500
_TARGETS = """
INSERT INTO campaigns_target (selection_id, customer_id, is_control, arm_id, probability, decile, value, rank)
SELECT %(selection)s, i, false, %(arm)s, 0.05, 1, 40, i FROM generate_series(1, %(rows)s::bigint) i
"""
_LEADS = """
INSERT INTO campaigns_lead
    (campaign_id, push_id, target_id, customer_id, arm_id, branch_id, rm_id, state, value, due_on)
SELECT %(campaign)s, %(push)s, t.id, t.customer_id, t.arm_id, c.home_branch_id,
    CASE WHEN t.rank <= %(mine)s THEN %(rm)s ELSE coalesce(nullif(c.primary_rm_id, %(rm)s), %(other)s) END,
    CASE WHEN t.rank <= %(mine)s OR t.rank %% 10 = 0 THEN 'new' ELSE 'closed' END, t.rank %% 997, %(due)s
FROM campaigns_target t JOIN customers_customer c ON c.id = t.customer_id WHERE t.selection_id = %(selection)s
"""


def measure(world: World) -> list[Line]:
    """Three lines: the page against nothing with N/10 and 10 N leads in the bank, and the two against each other."""
    _clear()
    _add(world, "bench-queue-0", world.n // 10, OPEN)
    few, nothing = _times(world)
    for number in range(1, 11):
        _add(world, f"bench-queue-{number}", world.n, 0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE campaigns_lead")
    many, nothing_again = _times(world)
    total = Lead.objects.count()
    return [
        line("queue page, 500 open leads, few in the bank", world.n // 10, few, nothing, 4.0),
        line("queue page, 500 open leads, many in the bank", total, many, nothing_again, 4.0),
        line("queue page, many leads beside few", total, many, few, 1.3),
    ]


def _times(world: World) -> tuple[float, float]:
    """Seconds of the queue page and of a page with nothing on it, fastest of forty."""
    with override_settings(
        ROOT_URLCONF="bench.urls", ALLOWED_HOSTS=["testserver"], SECURE_SSL_REDIRECT=False
    ):
        client = Client(raise_request_exception=True)
        client.force_login(world.rm)

        def get(url: str) -> None:
            answer = client.get(url)
            if answer.status_code != 200:
                raise SystemExit(f"{url} answered {answer.status_code}")

        get("/leads/")
        get("/bench/nothing/")
        return best_of(40, lambda: get("/leads/")), best_of(40, lambda: get("/bench/nothing/"))


def _clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE campaigns_lead, campaigns_followup, campaigns_target, campaigns_push CASCADE"
        )
        # Ten million rows are loaded as a restore would: their foreign keys hold by construction.
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid IN ('campaigns_lead'::regclass, 'campaigns_target'::regclass)"
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


def _add(world: World, code: str, rows: int, mine: int) -> None:
    """One running campaign with ``rows`` leads, the first ``mine`` of them open and Rita's stand-in's own."""
    planned = selection.campaign(world, code, rows)
    chosen = Selection.objects.create(
        campaign=planned, campaign_version=1, profile_month=TODAY, requested_by=world.mei
    )
    pushed = Push.objects.create(campaign=planned, wave=1, requested_by=world.mei)
    Campaign.objects.filter(pk=planned.pk).update(state=Campaign.State.RUNNING, assigned_on=TODAY)
    values: dict[str, Any] = {
        "selection": chosen.pk,
        "arm": planned.arms.get().pk,
        "rows": rows,
        "campaign": planned.pk,
        "push": pushed.pk,
        "mine": mine,
        "rm": world.rm.pk,
        "other": world.rm.pk + 1,
        "due": TODAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TARGETS, values)
        cursor.execute(_LEADS, values)
