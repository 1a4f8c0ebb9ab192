"""D01, D02: work whose worker or pool process is killed is finished by another, exactly once."""

from __future__ import annotations

import os
import signal

import pytest
from django.conf import settings

from tests.faults.world import World

pytestmark = pytest.mark.slow
ROWS = 10_000


def written(world: World, run_id: int) -> tuple[int, int, int]:
    """Rows, distinct rows, and the sum of what the chunks say they wrote."""
    return world.sql(
        """SELECT (SELECT count(*) FROM faults_row WHERE run_id = %(id)s),
                  (SELECT count(DISTINCT number) FROM faults_row WHERE run_id = %(id)s),
                  (SELECT sum(rows) FROM faults_written WHERE run_id = %(id)s)""",
        {"id": run_id},
    )[0]


def wait_until_done(world: World, run_id: int, share: float) -> None:
    world.wait(f"{share:.0%} done", lambda: world.run(run_id)["done"] >= share * ROWS)


def one_row_per_change(interruptions: int) -> list[tuple[str, str]]:
    again = [("running", "queued"), ("queued", "running")]
    return [("", "queued"), ("queued", "running"), *again * interruptions, ("running", "done")]


def through_the_queue(trail: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The trail as if the reaper had always come first: a worker may also take over what has lost its lease."""
    steps = []
    for step in trail:
        steps += [("running", "queued"), ("queued", "running")] if step == ("running", "running") else [step]
    return steps


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_worker_killed_half_way_is_followed_by_one_that_finishes_exactly(
    world: World, share: float
) -> None:
    world.beat()
    worker = world.worker()
    [run_id] = world.ask(("faults.rows", {}))
    wait_until_done(world, run_id, share)
    world.kill_group(worker)
    assert world.run(run_id)["state"] == "running"
    world.worker()

    world.wait_for_state(run_id, "done")

    assert written(world, run_id) == (ROWS, ROWS, ROWS)
    assert through_the_queue(world.trail(run_id)) == one_row_per_change(1)


def test_one_run_outlives_three_killed_workers(world: World) -> None:
    world.beat()
    [run_id] = world.ask(("faults.rows", {}))
    for share in (0.25, 0.5, 0.75):
        worker = world.worker()
        wait_until_done(world, run_id, share)
        world.kill_group(worker)
    world.worker()

    world.wait_for_state(run_id, "done")

    assert written(world, run_id) == (ROWS, ROWS, ROWS)
    assert through_the_queue(world.trail(run_id)) == one_row_per_change(3)


def test_a_killed_pool_process_is_noticed_though_its_message_is_gone(world: World) -> None:
    world.beat()
    worker = world.worker()
    [run_id] = world.ask(("faults.rows", {}))
    wait_until_done(world, run_id, 0.4)
    child = int(world.run(run_id)["note"].removeprefix("process "))
    assert child != worker.pid
    os.kill(child, signal.SIGKILL)

    world.wait_for_state(run_id, "done")

    assert worker.poll() is None, "the worker itself lived on"
    assert int(world.run(run_id)["note"].removeprefix("process ")) != child
    assert written(world, run_id) == (ROWS, ROWS, ROWS)
    assert through_the_queue(world.trail(run_id)) == one_row_per_change(1)


def test_a_worker_told_to_stop_hands_its_work_over(world: World) -> None:
    world.beat()
    worker = world.worker()
    [run_id] = world.ask(("faults.rows", {"pause": 0.1}))
    wait_until_done(world, run_id, 0.2)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    assert world.run(run_id)["state"] == "running", "it was cut short"
    world.worker()

    world.wait_for_state(run_id, "done")

    assert written(world, run_id) == (ROWS, ROWS, ROWS)
    # The stopped worker gave its message back: whoever gets it after the lease takes over without the reaper.
    assert through_the_queue(world.trail(run_id)) == one_row_per_change(1)


def test_the_default_lease_and_reaper_notice_a_vanished_worker_within_two_minutes() -> None:
    assert settings.RUN_LEASE_SECONDS + settings.RUN_REAPER_SECONDS <= 100


def test_work_that_kills_its_own_process_is_given_up_and_hurts_nobody_else(world: World) -> None:
    world.beat()
    world.worker()
    [deadly, harmless] = world.ask(("faults.suicide", {}), ("faults.quick", {}))

    world.wait_for_state(harmless, "done")
    told = world.wait_for_state(deadly, "dead")

    assert "vanished" in told["error"]
    # The first attempt got one row further than nothing, which is progress; the next three did not.
    assert through_the_queue(world.trail(deadly)).count(("queued", "running")) == 4
    assert world.trail(deadly)[-1] == ("running", "dead")
