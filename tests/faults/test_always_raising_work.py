"""D12: work that always raises is tried three times with waits between, then given up; other work goes on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.faults.world import World

pytestmark = pytest.mark.slow


def test_three_attempts_with_growing_waits_then_given_up(world: World) -> None:
    world.beat()
    world.worker()
    [broken, *others] = world.ask(("faults.raise", {}), *[("faults.quick", {})] * 5)

    for other in others:
        assert world.wait_for_state(other, "done")["attempts"] == 1
    told = world.wait_for_state(broken, "dead")

    assert told["attempts"] == 3
    assert "ValueError" in told["error"]
    again = [("queued", "running"), ("running", "queued")]
    assert world.trail(broken) == [("", "queued"), *again, *again, ("queued", "running"), ("running", "dead")]
    starts = world.sql(
        "SELECT at FROM bankcrm_auditevent WHERE object_id = %s AND action = 'run.started' ORDER BY id",
        [str(broken)],
    )
    moments = [at for (at,) in starts]
    first, second = ((later - sooner).total_seconds() for sooner, later in pairwise(moments))
    assert first >= 0.5
    assert second >= 2.0
