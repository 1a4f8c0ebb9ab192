"""The supervisor: brings back what dies, stops what it started, leaves nobody behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STEADY = "import time; print('at work', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STEADY
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print('offspring', child.pid, flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], object], seconds: float = 15.0) -> object:
    """Return the first true value of ``condition``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {condition}")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Running:
    """A supervisor in a process of its own, its children given as Python texts."""

    def __init__(self, var: Path, children: dict[str, str], kill_after: float = 3.0) -> None:
        self.var = var
        script = f"""
            import sys
            from bankcrm import server
            server.KILL_AFTER_SECONDS = {kill_after}
            children = [server.Child(name, [sys.executable, "-c", text]) for name, text in {children!r}.items()]
            sys.exit(server.Supervisor(children, lambda text: print(text, flush=True)).run())
        """
        self.output = var / "supervisor.log"
        var.mkdir()
        environment = {
            **os.environ,
            "BANKCRM_VAR": str(var),
            "DATABASE_URL": "unused",
            "BROKER_URL": "unused",
        }
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(script)],
                cwd=REPOSITORY, env=environment, stdout=output, stderr=output,
            )  # fmt: skip

    def log(self, name: str) -> str:
        path = self.var / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(word) for word in listed.split()]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(children: dict[str, str], **options: float) -> Running:
        started.append(Running(tmp_path / "var", children, **options))
        return started[-1]

    yield start
    for running in started:
        for pid in running.children() if alive(running.process.pid) else []:
            os.kill(pid, signal.SIGKILL)
        running.process.kill()
        running.process.wait()


def test_a_killed_child_comes_back(run: Callable[..., Running]) -> None:
    running = run({"worker": STEADY})
    until(lambda: running.log("worker").count("at work") == 1)
    first = running.children()
    os.kill(first[0], signal.SIGKILL)
    until(lambda: running.log("worker").count("at work") == 2)
    assert running.children() != first
    assert "worker ended with -9; starting it again in 1 s" in running.output.read_text()


def test_a_child_that_keeps_failing_is_started_ever_later(run: Callable[..., Running]) -> None:
    running = run({"worker": "print('tried', flush=True); raise SystemExit(3)"})
    time.sleep(6.0)
    assert 2 <= running.log("worker").count("tried") <= 4
    told = running.output.read_text()
    assert "starting it again in 1 s" in told
    assert "starting it again in 2 s" in told


def test_what_a_killed_child_leaves_behind_is_ended_before_it_comes_back(run: Callable[..., Running]) -> None:
    running = run({"worker": PARENT})
    offspring = int(str(until(lambda: running.log("worker"))).split()[1])
    os.kill(running.children()[0], signal.SIGKILL)
    until(lambda: not alive(offspring))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_child(run: Callable[..., Running], number: signal.Signals) -> None:
    running = run({"web": STEADY, "worker": STEADY, "beat": STEADY})
    until(lambda: all("at work" in running.log(name) for name in ("web", "worker", "beat")))
    pids = running.children()
    assert len(pids) == 3
    running.process.send_signal(number)
    assert running.process.wait(timeout=10) == 0
    assert not any(alive(pid) for pid in pids)


def test_a_child_that_ignores_the_signal_is_killed_and_named(run: Callable[..., Running]) -> None:
    running = run({"worker": STUBBORN, "beat": STEADY}, kill_after=1.0)
    until(lambda: "at work" in running.log("worker"))
    pids = running.children()
    running.process.terminate()
    assert running.process.wait(timeout=10) == 1
    assert not any(alive(pid) for pid in pids)
    assert "killed after 1 s: worker" in running.output.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_children_do_not_outlive_a_killed_supervisor(run: Callable[..., Running]) -> None:
    running = run({"web": STEADY, "worker": STEADY})
    until(lambda: all("at work" in running.log(name) for name in ("web", "worker")))
    pids = running.children()
    running.process.kill()
    running.process.wait()
    until(lambda: not any(alive(pid) for pid in pids))
