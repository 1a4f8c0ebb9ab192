"""D01 on the real push: 10,000 approved targets, the worker killed at a quarter, half and three quarters."""

from __future__ import annotations

import pytest

from tests.faults.world import World

pytestmark = pytest.mark.slow
TARGETS = 10_000
POPULATION = """
import sys
from tests.faults.celery_app import app
from bankcrm import clock
from bankcrm.models import User
from tests.campaigns import factories
clock.set_day(factories.TODAY)
rita = User.objects.select_related("branch").get(username="rita")
factories.make_customers(int(sys.argv[1]), rita.branch, rita)
"""
# An approved campaign over these customers, made by its own verbs, and its push asked for as a planner does.
PREPARE = """
import sys
from tests.faults.celery_app import app
from bankcrm import clock, runs
from bankcrm.models import User
from campaigns.models import Campaign
from tests.campaigns import factories
from types import SimpleNamespace
share = sys.argv[1]
clock.set_day(factories.TODAY)
people = {user.username: user for user in User.objects.select_related("branch")}
cast = SimpleNamespace(mei=people["mei"], omar=people["omar"])
product = factories.make_product(f"fund-{share}")
campaign = factories.approved(cast, f"wave-{share}", product=product, control_share="0.1")
print(campaign.pk, runs.start("campaigns.push", people["mei"], key=f"campaign:{campaign.pk}:wave:1",
                              campaign=campaign.pk, wave=1).pk)
"""


@pytest.fixture(scope="module")
def population(installation: World) -> None:
    """The installation holds these customers alone, whatever other fault tests left in it."""
    installation.sql("TRUNCATE customers_customer CASCADE")
    installation.command("-c", POPULATION, str(TARGETS))


@pytest.mark.usefixtures("population")
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_push_whose_worker_is_killed_makes_every_lead_once(
    world: World, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.environment, "BANKCRM_PUSH_CHUNK", "50")
    world.beat()
    campaign, run_id = (
        int(word) for word in world.command("-c", PREPARE, f"{share:g}".replace(".", "-")).split()
    )

    def leads() -> int:
        return world.sql("SELECT count(*) FROM campaigns_lead WHERE campaign_id = %s", [campaign])[0][0]

    treated = world.sql(
        "SELECT count(*) FROM campaigns_target t JOIN campaigns_campaign c ON c.selection_id = t.selection_id "
        "WHERE c.id = %s AND NOT t.is_control",
        [campaign],
    )[0][0]
    worker = world.worker()
    world.wait(f"{share:.0%} of the leads", lambda: leads() >= share * treated)
    world.kill_group(worker)
    half_way = leads()
    assert share * treated <= half_way < treated, "the worker was killed in the middle"
    world.worker()

    world.wait_for_state(run_id, "done")

    made, customers = world.sql(
        "SELECT count(*), count(DISTINCT customer_id) FROM campaigns_lead WHERE campaign_id = %s", [campaign]
    )[0]
    assert made == customers == treated
    history = world.sql(
        "SELECT count(*), count(DISTINCT customer_id), count(*) FILTER (WHERE is_control) FROM customers_assignment "
        "WHERE campaign_code = (SELECT code FROM campaigns_campaign WHERE id = %s)",
        [campaign],
    )[0]
    assert history == (TARGETS, TARGETS, TARGETS - treated)
    again = [("running", "queued"), ("queued", "running")]
    assert world.trail(run_id) == [("", "queued"), ("queued", "running"), *again, ("running", "done")]
    pushes = world.sql("SELECT count(*) FROM campaigns_push WHERE campaign_id = %s", [campaign])[0][0]
    assert pushes == 1
