"""Web server, Celery worker and beat as separate processes under one supervisor.

For a laptop, a demo and tests; a bank runs the same three commands under its own service manager (``deploy/``).
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from bankcrm import embedded
from bankcrm.embedded import claims
from bankcrm.embedded.paths import log_dir

# Celery gives running tasks CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25 s; the rest is for closing down.
KILL_AFTER_SECONDS = 34.0
LONGEST_BACK_OFF = 30.0
STEADY_SECONDS = 60.0
LOG_BYTES = 10_000_000
PR_SET_PDEATHSIG = 1
# Neither the query string nor the Referer: both quote what people search for, which is often a customer's name.
ACCESS_LOG_FORMAT = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)s ms'


@dataclass
class Child:
    """One process to keep alive. ``environment`` is added to the supervisor's own."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0

    @property
    def log(self) -> Path:
        return log_dir() / f"{self.name}.log"

    def start(self) -> None:
        """Start the process in a session of its own, so that a Ctrl-C reaches the supervisor alone."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509  (the supervisor has one thread)
            )
        self.started = time.monotonic()

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def signal(self, number: int) -> None:
        """Send ``number`` to the process alone; it tells its own children."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """End the process and whatever it left behind, such as the pool of a killed worker."""
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.process.wait()

    def restart_when_due(self, report: Callable[[str], None]) -> None:
        """Bring a died process back: at once, then ever later, at most every 30 seconds."""
        if not self.has_ended():
            return
        now = time.monotonic()
        if self.process:
            code = self.process.returncode
            self.kill_group()
            self.process = None
            self.failures = 0 if now - self.started > STEADY_SECONDS else self.failures + 1
            wait = min(LONGEST_BACK_OFF, 0.5 * 2**self.failures)
            self.due = now + wait
            report(f"{self.name} ended with {code}; starting it again in {wait:.0f} s (log: {self.log})")
        if now >= self.due:
            self.start()


class Supervisor:
    """Keeps ``children`` running until SIGTERM or SIGINT arrives, then stops them all within 35 seconds."""

    def __init__(self, children: list[Child], report: Callable[[str], None] = print) -> None:
        self.children = children
        self.report = report
        self.stopping = False
        self.hurried = False
        self.missed: list[str] = []

    def run(self) -> int:
        """Run until told to stop. Returns 0 when every child ended by itself, 1 when one had to be killed."""
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            for child in self.children:
                child.start()
                self.report(
                    f"{child.name}: process {child.process.pid if child.process else '?'}, log {child.log}"
                )
            while not self.stopping:
                self._revive_servers()
                for child in self.children:
                    child.restart_when_due(self.report)
                time.sleep(0.2)
        finally:
            killed = self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 1 if killed else 0

    def _revive_servers(self) -> None:
        try:
            for name in embedded.revive():
                self.report(f"{name} had crashed and was started again")
        except embedded.EmbeddedError as error:
            self.report(str(error))
            time.sleep(2.0)
        self._tell_stopped()

    def _tell_stopped(self) -> None:
        """Say once that a server was stopped and how to go on, and once that it is back. It stays stopped till then."""
        gone = embedded.stopped()
        for name in (name for name in gone if name not in self.missed):
            self.report(
                f"{name} was stopped: nothing is answered or worked on until it is back. Start it with "
                "`.venv/bin/python -m bankcrm.embedded start` beside this, or end this with Ctrl-C and serve again."
            )
        for name in (name for name in self.missed if name not in gone):
            self.report(f"{name} is there again")
        self.missed = gone

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # The second Ctrl-C means now.
        self.hurried = self.stopping
        self.stopping = True

    def _stop(self) -> list[str]:
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_SECONDS
        while time.monotonic() < deadline and not self.hurried:
            if all(child.has_ended() for child in self.children):
                break
            time.sleep(0.1)
        late = [child.name for child in self.children if not child.has_ended()]
        for child in self.children:
            child.kill_group()
        if late:
            self.report(f"killed after {KILL_AFTER_SECONDS:.0f} s: {', '.join(late)}")
        return late


def web(port: int) -> Child:
    """The web server on the loopback: two synchronous processes, database connections kept."""
    return Child(
        "web",
        [
            sys.executable, "-m", "gunicorn", "bankcrm.wsgi:application", "--bind", f"127.0.0.1:{port}",
            "--workers", os.environ.get("BANKCRM_WEB_PROCESSES", "2"), "--worker-class", "sync", "--timeout", "60",
            "--graceful-timeout", "20", "--max-requests", "5000", "--max-requests-jitter", "500",
            "--access-logfile", "-", "--access-logformat", ACCESS_LOG_FORMAT, "--error-logfile", "-",
            "--no-control-socket",
        ],
        {"OMP_NUM_THREADS": "1", "DJANGO_SETTINGS_MODULE": "bankcrm.settings"},
    )  # fmt: skip


def worker() -> Child:
    """The Celery worker with two pool processes."""
    return Child(
        "worker",
        [
            sys.executable, "-m", "celery", "-A", "bankcrm.celery", "worker", "--loglevel", "INFO",
            "--concurrency", os.environ.get("BANKCRM_WORKER_PROCESSES", "2"), "--without-gossip", "--without-mingle",
        ],
        # OpenMP threads spin when neighbours hold a core. SIGTERM means the soft shutdown: 25 s for running tasks,
        # then they go back to the queue; Celery's own meaning of it waits for ever.
        # Long statements are normal here, so the web's statement timeout is lifted to five minutes.
        {
            "OMP_NUM_THREADS": "1",
            "REMAP_SIGTERM": "SIGQUIT",
            "BANKCRM_STATEMENT_TIMEOUT_MS": os.environ.get("BANKCRM_WORKER_STATEMENT_TIMEOUT_MS", "300000"),
        },
    )  # fmt: skip


def beat() -> Child:
    """The clock that wakes the reaper and the schedules."""
    return Child(
        "beat",
        [
            sys.executable, "-m", "celery", "-A", "bankcrm.celery", "beat", "--loglevel", "INFO", "--pidfile=",
            "--schedule", str(embedded.var_dir() / "beat-schedule"),
        ],
        {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def serve(port: int | None = 8000, report: Callable[[str], None] = print) -> int:
    """Run the worker, beat and, unless ``port`` is None, the web server until SIGTERM or SIGINT.

    Returns 0, or 1 when a process had to be killed. Revives the embedded servers when they crash, and says
    so when somebody stopped one. Raises ``claims.Taken`` where the database is served already: two clocks would ask for
    everything twice.
    """
    children = [worker(), beat()]
    if port is not None:
        children.insert(0, web(port))
    with claims.claim(claims.SERVING, port):
        return Supervisor(children, report).run()


def die_with_parent() -> None:
    """Ask Linux to end this process when its supervisor is killed; elsewhere a killed supervisor leaves children."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
