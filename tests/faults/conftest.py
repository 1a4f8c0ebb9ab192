"""One private installation for all fault tests; each test starts and kills its own processes in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.world import World


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("faults") / "var")
    try:
        world.build()
        yield world
    finally:
        world.remove()


@pytest.fixture
def world(installation: World) -> Iterator[World]:
    """The installation with nothing running in it, and nothing running after the test."""
    yield installation
    installation.stop()
    installation.sql("UPDATE bankcrm_run SET state = 'cancelled' WHERE state IN ('queued', 'running')")
