"""D03: while the broker is stopped or hangs, pages answer as before; once it is back, everything asked for is done."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

from tests.faults.browser import Browser
from tests.faults.world import World

pytestmark = pytest.mark.slow
ROUNDS = 40
INSERT = """
INSERT INTO bankcrm_run (kind, subject, arguments, key, requested_by_id, state, note, result, error)
SELECT 'faults.quick', '', '{}', '', (SELECT id FROM bankcrm_user WHERE username = 'mei'), 'failed', '', '{}', ''
FROM generate_series(1, %s) RETURNING id
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def failed_runs(world: World) -> list[int]:
    """Runs that can be tried again, each of which then has to be sent to a worker."""
    return [run_id for (run_id,) in world.sql(INSERT, [ROUNDS])]


def work_as_usual(browser: Browser, run_ids: list[int]) -> float:
    """Look at the list and start a run, over and over; returns the p95 in seconds."""
    browser.answers.clear()
    for run_id in run_ids:
        assert browser.get("/work/") == 200
        assert browser.post(f"/work/{run_id}/retry/") == 302
    return browser.p95()


@pytest.mark.parametrize("fault", ["stopped", "frozen"])
def test_pages_answer_as_before_and_nothing_asked_for_is_lost(world: World, fault: str) -> None:
    port = free_port()
    world.web(port)
    world.worker()
    world.beat()
    browser = Browser(f"http://127.0.0.1:{port}")
    world.wait("the web server", lambda: alive(port))
    browser.login("mei")
    before, during = failed_runs(world), failed_runs(world)
    usual = work_as_usual(browser, before)
    for run_id in before:
        world.wait_for_state(run_id, "done")

    broker = world.broker()
    os.kill(broker, signal.SIGTERM if fault == "stopped" else signal.SIGSTOP)
    try:
        if fault == "stopped":
            world.wait(
                "the broker gone", lambda: not os.path.exists(f"/proc/{broker}/cmdline") or zombie(broker)
            )
        away = work_as_usual(browser, during)
        time.sleep(3)
        undone = world.sql(
            "SELECT count(*) FROM bankcrm_run WHERE id = ANY(%s) AND state = 'queued'", [during]
        )[0][0]
    finally:
        if fault == "stopped":
            world.command("-m", "bankcrm.embedded", "start")
        else:
            os.kill(broker, signal.SIGCONT)
    back = time.monotonic()

    assert undone == ROUNDS, "the broker was really away"
    assert away <= 2 * usual + 0.1, f"p95 {away:.3f} s with the broker away, {usual:.3f} s with it"
    for run_id in during:
        world.wait_for_state(run_id, "done", seconds=max(1.0, 60 - (time.monotonic() - back)))


def alive(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def zombie(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"
