"""A private installation for fault tests: its own servers, its own worker, beat and web processes, all killable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from bankcrm import server

REPOSITORY = Path(__file__).resolve().parents[2]
FOREIGN = ("DATABASE_URL", "TRUTH_DATABASE_URL", "BROKER_URL", "BANKCRM_DATABASE", "BANKCRM_TEST_DATABASE")
TABLES = """
CREATE TABLE IF NOT EXISTS faults_row (run_id bigint, number int, PRIMARY KEY (run_id, number));
CREATE TABLE IF NOT EXISTS faults_written (run_id bigint, rows int);
"""
# Runs are asked for through the product's own door, in a process of the private installation.
ASK = """
import json, sys
from tests.faults.celery_app import app
from bankcrm import runs
from bankcrm.models import User
user = User.objects.get(username="mei")
ids = [runs.start(kind, user, **more).pk for kind, more in json.loads(sys.argv[1])]
print(json.dumps(ids))
"""
BANK = """
from tests.faults.celery_app import app
from bankcrm.models import User
from tests.cast import make_bank
if not User.objects.exists():
    make_bank()
"""


class World:
    """One private installation under ``var``; ``stop`` ends every process it started."""

    def __init__(self, var: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self.environment = {
            **kept,
            "BANKCRM_VAR": str(var),
            "BANKCRM_PG_SHARED_BUFFERS": "32MB",
            "BANKCRM_FAULT_TESTS": "1",
            "BANKCRM_RUN_LEASE_SECONDS": "3",
            "BANKCRM_RUN_REAPER_SECONDS": "1",
            "BANKCRM_RUN_BACK_OFF_SECONDS": "1",
            "BANKCRM_SOFT_SHUTDOWN_SECONDS": "1",
            "BANKCRM_WORKER_PROCESSES": "1",
            "BANKCRM_WEB_PROCESSES": "2",
            "DJANGO_SETTINGS_MODULE": "bankcrm.settings",
            "OMP_NUM_THREADS": "1",
        }
        self.var = var
        self.processes: list[subprocess.Popen[bytes]] = []

    def build(self) -> None:
        """Servers, schema, the cast and the tables that the fault works write."""
        self.command("-m", "bankcrm.embedded", "start")
        self.command("manage.py", "migrate", "-v", "0", "--skip-checks")
        self.command("manage.py", "collectstatic", "--noinput", "-v", "0", "--skip-checks")
        self.url = self.command("-c", "from bankcrm import embedded; print(embedded.database_url())").strip()
        self.command("-c", BANK)
        self.sql(TABLES)

    def command(self, *words: str) -> str:
        """Run Python with ``words`` inside the installation and return what it printed."""
        ended = subprocess.run(
            [sys.executable, *words],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def sql(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Rows of one statement, committed."""
        with psycopg.connect(self.url) as database:
            found = database.execute(statement, parameters)
            return found.fetchall() if found.description else []

    def ask(self, *works: tuple[str, dict[str, Any]]) -> list[int]:
        """Start runs as Mei; returns their ids."""
        return json.loads(self.command("-c", ASK, json.dumps(works)).splitlines()[-1])

    def _launch(self, child: server.Child) -> subprocess.Popen[bytes]:
        self.var.mkdir(exist_ok=True)
        command = ["tests.faults.celery_app" if word == "bankcrm.celery" else word for word in child.command]
        with (self.var / f"{child.name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**self.environment, **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        """The product's worker command, with the fault works."""
        child = server.worker()
        at = child.command.index("--concurrency") + 1
        child.command[at] = self.environment["BANKCRM_WORKER_PROCESSES"]
        return self._launch(child)

    def beat(self) -> subprocess.Popen[bytes]:
        """The product's clock."""
        child = server.beat()
        child.command[child.command.index("--schedule") + 1] = str(self.var / f"beat-{time.monotonic_ns()}")
        return self._launch(child)

    def web(self, port: int) -> subprocess.Popen[bytes]:
        """The product's web server on the loopback."""
        return self._launch(server.web(port))

    def kill_group(self, process: subprocess.Popen[bytes]) -> None:
        """``kill -9`` of a process and everything it started."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End every process this world started."""
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.wait()
        self.processes.clear()

    def remove(self) -> None:
        """The servers and their data too."""
        self.stop()
        self.command("-m", "bankcrm.embedded", "remove")

    def run(self, run_id: int) -> dict[str, Any]:
        """State, attempts, done, note and error of a run."""
        names = ("state", "attempts", "done", "note", "error")
        row = self.sql(f"SELECT {', '.join(names)} FROM bankcrm_run WHERE id = %s", [run_id])[0]
        return dict(zip(names, row, strict=True))

    def trail(self, run_id: int) -> list[tuple[str, str]]:
        """From and to of the run's audit rows, in order."""
        return self.sql(
            "SELECT from_state, to_state FROM bankcrm_auditevent "
            "WHERE object_type = 'bankcrm.run' AND object_id = %s ORDER BY id",
            [str(run_id)],
        )

    def broker(self) -> int:
        """The process id of the private Valkey."""
        asked = "from bankcrm import embedded; print(embedded.status()['valkey']['pid'])"
        return int(self.command("-c", asked).strip())

    def postmaster(self) -> int:
        """The process id of the private PostgreSQL."""
        asked = "from bankcrm import embedded; print(embedded.status()['postgres']['pid'])"
        return int(self.command("-c", asked).strip())

    def log(self, name: str) -> str:
        """The end of a process's log, for a failing assertion."""
        path = self.var / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-40:]) if path.exists() else ""

    def wait(self, what: str, met: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Poll until ``met`` is true; fails with the worker's log when it never is. Returns what ``met`` returned."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := met():
                return found
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.log('worker')}\n{self.log('beat')}")

    def wait_for_state(self, run_id: int, state: str, seconds: float = 60.0) -> dict[str, Any]:
        """Poll until the run is in ``state``."""
        self.wait(f"run {run_id} {state}", lambda: self.run(run_id)["state"] == state, seconds)
        return self.run(run_id)
