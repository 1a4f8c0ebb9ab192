"""SIGTERM to the supervised worker: what can end in time ends, the rest goes back to the queue."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from bankcrm import embedded
from bankcrm.embedded import valkey

REPOSITORY = Path(__file__).resolve().parents[2]
SUPERVISED = """
    from bankcrm import server
    worker = server.worker()
    worker.command[worker.command.index("bankcrm.celery")] = "tests.platform.slow_task"
    raise SystemExit(server.Supervisor([worker]).run())
"""
SEND = "import sys; from tests.platform.slow_task import slow; slow.delay(float(sys.argv[1]))"


class SupervisedWorker:
    """A worker under its supervisor, in processes of their own."""

    def __init__(self, var: Path) -> None:
        self.log_file = var / "log" / "worker.log"
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SUPERVISED)], cwd=REPOSITORY, env=worker_environment()
        )

    def waits_for(self, text: str) -> None:
        deadline = time.monotonic() + 60
        while not (self.log_file.exists() and text in self.log_file.read_text()):
            assert time.monotonic() < deadline, f"no {text!r} in the worker's log"
            time.sleep(0.1)

    def stop(self) -> float:
        """Send SIGTERM; return the seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        assert self.process.wait(timeout=36) == 0
        return time.monotonic() - started


def worker_environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "bankcrm.settings", "BANKCRM_WORKER_PROCESSES": "1"}


def send(seconds: float) -> None:
    subprocess.run(
        [sys.executable, "-c", SEND, str(seconds)], cwd=REPOSITORY, env=worker_environment(), check=True
    )


@pytest.fixture
def worker(own_var: Path) -> Iterator[Callable[[], SupervisedWorker]]:
    embedded.ensure_started()
    started: list[SupervisedWorker] = []

    def start() -> SupervisedWorker:
        started.append(SupervisedWorker(own_var))
        started[-1].waits_for("ready.")
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def waiting() -> int:
    """Messages in all queues; whatever they are called, they are the broker's only lists."""
    broker = redis.Redis(unix_socket_path=str(valkey.socket_path()))
    return sum(broker.llen(key) for key in broker.scan_iter() if broker.type(key) == b"list")


def test_a_task_that_can_end_in_time_ends(worker: Callable[[], SupervisedWorker]) -> None:
    one = worker()
    send(2.0)
    one.waits_for("Task tests.slow")
    one.stop()
    one.waits_for("succeeded in 2.")
    assert waiting() == 0


def test_a_task_that_cannot_goes_back_to_the_queue(worker: Callable[[], SupervisedWorker]) -> None:
    one = worker()
    send(60.0)
    one.waits_for("Task tests.slow")
    assert 3.5 < one.stop() < 30
    assert waiting() == 1
    assert "succeeded" not in one.log_file.read_text()
