"""A worker beside the loop: the same processes as ``manage.py serve --worker-only``, ended with it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bankcrm import server

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


@contextmanager
def worker_running(report: Callable[[str], None]) -> Iterator[None]:
    """Run worker and beat as separate processes for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "serve", "--worker-only"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=server.die_with_parent,  # noqa: PLW1509  (the loop has one thread)
    )
    report(f"worker and beat started beside the loop (process {process.pid})")
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        # Longer than the supervisor takes to stop whatever it runs.
        output, _ = process.communicate(timeout=120)
        if process.returncode:
            report(output)
