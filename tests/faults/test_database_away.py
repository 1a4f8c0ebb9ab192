"""While the database restarts, pages and API say so and when to ask again; a fault of ours stays a fault of ours."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.faults.browser import Browser
from tests.faults.test_broker_away import alive, free_port
from tests.faults.world import World


@pytest.mark.slow
def test_a_database_that_was_killed_is_said_to_restart_and_the_page_comes_back(world: World) -> None:
    port = free_port()
    world.web(port)
    world.wait("the web server", lambda: alive(port))
    browser = Browser(f"http://127.0.0.1:{port}")
    browser.login("mei")
    assert browser.get("/work/") == 200

    os.kill(world.postmaster(), signal.SIGKILL)
    try:
        world.wait("the database gone", lambda: browser.get("/work/") != 200)
        assert browser.get("/work/") == 503
        assert browser.headers["Retry-After"] == "5"
        assert "The database is restarting" in browser.page
        assert '<meta http-equiv="refresh" content="5">' in browser.page
        assert browser.post("/password/") == 503
        assert "was not saved" in browser.page
        assert "http-equiv" not in browser.page, "a page that came back by itself would not send it again"
        assert browser.get("/api/v1/runs/") == 503
        assert json.loads(browser.page)["code"] == "database_away"
    finally:
        world.command("-m", "bankcrm.embedded", "start")

    world.wait("the page again", lambda: browser.get("/work/") == 200)
    assert browser.get("/api/v1/runs/") == 200
