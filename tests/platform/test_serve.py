"""``manage.py serve`` with the real web server, worker and beat, through ``kill -9`` of everything below it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bankcrm.embedded import claims
from bankcrm.embedded.paths import postgres_home, runs
from tests.platform.conftest import a_var_of_its_own

REPOSITORY = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


class Serving:
    """One ``manage.py serve`` on a free port and what can be seen of it from outside."""

    def __init__(self, var: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.var = var
        self.output = var / "serve.out"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port), *options],
                cwd=REPOSITORY, env=plain_environment(), stdout=output, stderr=output,
            )  # fmt: skip

    def log(self, name: str) -> str:
        path = self.var / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def answers(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/login/?q=Somebody")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def children(self) -> dict[str, int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        names = {"web": "gunicorn", "worker": "bankcrm.celery worker", "beat": "bankcrm.celery beat"}
        return {name: int(pid) for name, marker in names.items() for pid in listed if runs(int(pid), marker)}


def plain_environment() -> dict[str, str]:
    """The environment without pytest's marks; the reaper comes every second instead of every thirty."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "BANKCRM_RUN_REAPER_SECONDS": "1",
        "BANKCRM_WEB_PROCESSES": "1",
        "BANKCRM_WORKER_PROCESSES": "1",
    }


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with ``words`` in the installation, to its end."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=REPOSITORY, env=plain_environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Servers and a migrated database of this file's own."""
    with a_var_of_its_own(tmp_path_factory.mktemp("serve") / "var") as var:
        migrated = python("manage.py", "migrate", "--verbosity", "0")
        assert migrated.returncode == 0, migrated.stderr
        yield var


@pytest.fixture
def serving(installation: Path) -> Iterator[Serving]:
    # A test may have ended with the servers stopped.
    python("-m", "bankcrm.embedded", "start")
    for log in (installation / "log").glob("*.log"):
        log.unlink()
    started = Serving(installation)
    yield started
    if started.process.poll() is None:
        for pid in started.children().values():
            os.killpg(pid, signal.SIGKILL)
        started.process.kill()
    started.process.wait()


def test_it_serves_and_works_again_after_kill_9_of_everything_below_it(serving: Serving) -> None:
    def tasks_done() -> int:
        return serving.log("worker").count("succeeded in")

    until(serving.answers, 60, "the log-in page")
    # What somebody searches for is personal and does not stand in the access log.
    until(lambda: '"GET /login/ HTTP' in serving.log("web"), 10, "a line of the access log")
    assert "Somebody" not in serving.log("web")
    until(lambda: tasks_done() > 0, 60, "a task that beat sent and the worker did")
    children = serving.children()
    assert children.keys() == {"web", "worker", "beat"}

    os.kill(children["worker"], signal.SIGKILL)
    os.kill(children["web"], signal.SIGKILL)
    os.kill(children["beat"], signal.SIGKILL)
    os.kill(int((postgres_home() / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    os.kill(int((serving.var / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)
    before = tasks_done()

    until(serving.answers, 60, "the log-in page again")
    until(lambda: tasks_done() > before, 60, "another task done")
    assert not set(serving.children().values()) & set(children.values())

    pids = serving.children().values()
    started = time.monotonic()
    serving.process.terminate()
    assert serving.process.wait(timeout=40) == 0, serving.output.read_text()
    assert time.monotonic() - started < 35
    assert not any(runs(pid, "python") for pid in pids)


def test_a_server_stopped_under_it_is_named_with_the_way_on_and_said_to_be_back(serving: Serving) -> None:
    def said() -> str:
        return serving.output.read_text()

    def control(command: str) -> None:
        assert python("-m", "bankcrm.embedded", command).returncode == 0

    until(serving.answers, 60, "the log-in page")
    assert "was stopped" not in said()

    # One alone: in order, as its own administrator would.
    os.kill(int((serving.var / "valkey" / "valkey.pid").read_text()), signal.SIGTERM)
    until(lambda: "Valkey was stopped" in said(), 20, "word that Valkey was stopped")
    assert "PostgreSQL was stopped" not in said()
    control("stop")
    until(lambda: "PostgreSQL was stopped" in said(), 20, "word that PostgreSQL was stopped")
    time.sleep(2)
    assert said().count("Valkey was stopped") == said().count("PostgreSQL was stopped") == 1

    control("start")
    until(lambda: said().count("is there again") == 2, 30, "word that both are back")
    until(serving.answers, 60, "the log-in page again")


def test_a_second_one_says_where_the_first_serves_and_make_stop_ends_that_too(serving: Serving) -> None:
    until(serving.answers, 60, "the log-in page")
    before = serving.children()

    for command, more in (("serve", {}), ("demo", {}), ("demo", {"fresh": True})):
        said = StringIO()
        call_command(command, port=serving.port, stdout=said, **more)
        assert f"served already at http://127.0.0.1:{serving.port}/" in said.getvalue()
        assert said.getvalue().count("\n") == 1
    with pytest.raises(CommandError, match="served already"):
        call_command("loop", replace=True)
    assert serving.answers()
    assert serving.children() == before

    stopped = python("-m", "bankcrm.embedded", "stop", "--all")
    assert stopped.returncode == 0, stopped.stderr
    assert serving.process.wait(timeout=5) == 0, serving.output.read_text()
    assert f"http://127.0.0.1:{serving.port}/" in stopped.stdout
    assert not any(runs(pid, "python") for pid in before.values())


def test_nothing_is_served_while_a_bank_is_made(own_var: Path) -> None:
    # With the worker beside it, as a demo and a loop have one.
    with claims.claim(claims.MAKING), claims.claim(claims.SERVING):
        for command in ("serve", "demo", "loop"):
            with pytest.raises(CommandError, match="A bank is being made in this database"):
                call_command(command)


def test_a_second_demo_beside_one_that_still_makes_its_bank_says_where_it_will_be(own_var: Path) -> None:
    with claims.claim(claims.MAKING, 8123), claims.claim(claims.SERVING):
        for more in ({}, {"fresh": True}, {"port": 8124}):
            said = StringIO()
            call_command("demo", stdout=said, **more)
            assert "is being made by another command" in said.getvalue()
            assert "then served at http://127.0.0.1:8123/" in said.getvalue()
            assert said.getvalue().count("\n") == 1
        with pytest.raises(CommandError, match="is being made by another command"):
            call_command("loop", replace=True)


def test_a_taken_port_is_named(own_var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("serve", "demo"):
            with pytest.raises(CommandError, match=f"Port {port} is taken"):
                call_command(command, port=port)


def test_without_web_there_is_a_worker_and_a_clock(installation: Path) -> None:
    python("-m", "bankcrm.embedded", "start")
    serving = Serving(installation, "--worker-only")
    try:
        until(lambda: serving.children().keys() == {"worker", "beat"}, 60, "worker and beat")
        until(lambda: "ready." in serving.log("worker"), 60, "a ready worker")
        assert not serving.answers()
        serving.process.send_signal(signal.SIGINT)
        assert serving.process.wait(timeout=40) == 0, serving.output.read_text()
    finally:
        serving.process.kill()
        serving.process.wait()
