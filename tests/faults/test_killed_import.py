"""D04, D16, D01 on a real import of 100,000 rows: the database restarts, a deploy stops the worker, a worker is killed.

Whatever happens, the rows that are in are whole chunks, and at the end every row of the file is in once.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.faults.world import World

pytestmark = pytest.mark.slow
# Chunks this small take some seconds together, so that a fault a moment later still meets the import.
ROWS, CHUNK = 100_000, 200
# A file of its own for each fault, checked, and its merge asked for as an analyst does.
PREPARE = """
import sys
from pathlib import Path
from tests.faults.celery_app import app
from bankcrm import runs
from bankcrm.models import User
from customers import imports, tasks
name, rows, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
path = folder / f"{name}.csv"
with path.open("w") as out:
    out.write("number,name,city,children\\n")
    out.writelines(f"{name}{at},Name {at},Bern,{at % 3}\\n" for at in range(rows))
ana = User.objects.get(username="ana")
file = imports.check(imports.receive(path, "customers", ana, path.name))
assert (file.state, file.accepted) == ("checked", rows), (file.state, file.error)
print(file.pk, runs.start(tasks.KIND, ana, key=tasks.key(file), file=file.pk, step="merge").pk)
"""


class Merging:
    """One file on its way in."""

    def __init__(self, world: World, name: str, folder: Path) -> None:
        self.world, self.name = world, name
        told = world.command("-c", PREPARE, name, str(ROWS), str(folder)).split()
        self.file, self.run_id = int(told[0]), int(told[1])

    def rows(self) -> int:
        asked = "SELECT count(*) FROM customers_customer WHERE brought_by = %s"
        found: int = self.world.sql(asked, [self.file])[0][0]
        return found

    def wait_until_some(self) -> None:
        self.world.wait("an eighth of the rows", lambda: self.rows() >= ROWS // 8)

    def interrupted(self) -> int:
        """Rows that are in, which must be whole chunks and not all of them."""
        rows = self.rows()
        assert rows % CHUNK == 0, "half a chunk is in"
        assert ROWS // 8 <= rows < ROWS, "the fault came in the middle"
        return rows

    def finished(self) -> None:
        """Every row of the file once, counted once, and nothing left of the staging."""
        self.world.wait_for_state(self.run_id, "done")
        counts = self.world.sql(
            "SELECT count(*), count(DISTINCT number), count(*) FILTER (WHERE city = 'Bern')"
            " FROM customers_customer WHERE number LIKE %s",
            [f"{self.name}%"],
        )[0]
        assert counts == (ROWS, ROWS, ROWS)
        told = self.world.sql(
            "SELECT state, inserted, updated, rejected FROM customers_importfile WHERE id = %s", [self.file]
        )[0]
        assert told == ("merged", ROWS, 0, 0)
        left = self.world.sql(
            "SELECT count(*) FROM pg_class WHERE relname IN (%s, %s)",
            [f"import_raw_{self.file}", f"import_checked_{self.file}"],
        )
        assert left == [(0,)]


@pytest.fixture
def slow_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.environment, "BANKCRM_IMPORT_CHUNK", str(CHUNK))


def test_an_import_goes_on_after_the_database_restarted_at_once(
    world: World, slow_chunks: None, tmp_path: Path
) -> None:
    world.beat()
    merging = Merging(world, "restart", tmp_path)
    world.worker()
    merging.wait_until_some()
    # What pg_ctl restart -m immediate does: no checkpoint, and every UNLOGGED table is empty afterwards.
    os.kill(world.postmaster(), signal.SIGQUIT)
    world.command("-m", "bankcrm.embedded", "start")
    rows = merging.rows()
    assert rows % CHUNK == 0, "half a chunk is in"
    assert rows >= ROWS // 8, "a committed chunk is lost"

    merging.finished()


def test_a_deploy_stops_the_worker_and_the_next_one_finishes_the_import(
    world: World, slow_chunks: None, tmp_path: Path
) -> None:
    world.beat()
    merging = Merging(world, "deploy", tmp_path)
    worker = world.worker()
    merging.wait_until_some()
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(timeout=30)
    merging.interrupted()
    world.worker()

    merging.finished()


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_finishes_exactly(
    world: World, slow_chunks: None, tmp_path: Path
) -> None:
    world.beat()
    merging = Merging(world, "killed", tmp_path)
    worker = world.worker()
    merging.wait_until_some()
    world.kill_group(worker)
    merging.interrupted()
    world.worker()

    merging.finished()
