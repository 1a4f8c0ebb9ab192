"""Where the loop says how far it is: lines that stay, and one about the work that is running."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Protocol

from bankcrm import runs
from bankcrm.models import Run

# Where lines cannot be written over (a file, a pipe, a CI log), running work is told of no more often than this.
EVERY_SECONDS = 5.0
ERASE = "\r\x1b[K"


class Stream(Protocol):
    """What ``sys.stdout`` and a management command's ``stdout`` have in common."""

    def write(self, text: str, *, ending: str) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Console:
    """Writes to a management command's ``stdout``. On a terminal running work has one line that is written over."""

    def __init__(self, stream: Stream, now: Callable[[], float] = time.monotonic) -> None:
        self.stream, self.now = stream, now
        self.shown = ""
        self.told_at = now()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._write((ERASE if self.shown else "") + text, "\n")
        self.shown, self.told_at = "", self.now()

    def waiting(self, run: Run, seconds: float) -> None:
        """Tell of a run that has been waited for so many seconds; called as often as one likes."""
        text = f"  {describe(run)}, {seconds:.0f} s"
        if not self.stream.isatty():
            if self.now() - self.told_at >= EVERY_SECONDS:
                self.say(text)
        elif text != self.shown:
            width = shutil.get_terminal_size().columns - 1
            self._write(ERASE + text[:width], "")
            self.shown = text

    def _write(self, text: str, ending: str) -> None:
        self.stream.write(text, ending=ending)
        self.stream.flush()


def describe(run: Run) -> str:
    """The run in words: what it is, the step it is at, how much of how much."""
    if run.state == Run.State.QUEUED:
        return f"{runs.title(run.kind)}: waiting for a worker"
    words = [run.note] if run.note else []
    if run.total:
        words.append(runs.unit(run.kind).of(run.done, run.total))
    return f"{runs.title(run.kind)}: {', '.join(words) or 'running'}"
