"""While the loop waits for a worker it says what is done: one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io

import pytest
from django.core.management.base import OutputWrapper

from bankcrm.models import Run
from campaigns.loop import Loop
from campaigns.loop_console import ERASE, Console, describe


class Tape(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


class Watch:
    """A clock that stands until it is moved."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def training(done: int = 2) -> Run:
    return Run(kind="analytics.train", state="running", note="Fitting and calibrating", done=done, total=5)


def console(*, terminal: bool) -> tuple[Console, Tape, Watch]:
    tape, watch = Tape(terminal), Watch()
    return Console(OutputWrapper(tape), watch), tape, watch


def wait(told: Console, watch: Watch, seconds: float) -> None:
    """The loop asks ten times a second."""
    for _tick in range(round(seconds * 10)):
        watch.seconds += 0.1
        told.waiting(training(), watch.seconds)


def test_a_run_is_named_with_its_step_and_how_much_is_done() -> None:
    assert describe(training()) == "Train a model: Fitting and calibrating, 2 of 5 steps"
    assert describe(Run(kind="campaigns.push", state="queued")) == "Push leads: waiting for a worker"
    assert describe(Run(kind="campaigns.push", state="running")) == "Push leads: running"


def test_a_terminal_has_one_line_that_is_written_over_and_gone_when_the_next_line_comes() -> None:
    told, tape, watch = console(terminal=True)
    told.say("round 1: training …")
    wait(told, watch, 12)
    told.say("round 1: training: 12 s")
    written = tape.getvalue()
    assert written.count("\n") == 2
    assert f"{ERASE}  Train a model: Fitting and calibrating, 2 of 5 steps, 7 s" in written
    assert written.count("Fitting") == 13  # once a second, not ten times
    assert written.endswith(f"{ERASE}round 1: training: 12 s\n")


def test_a_file_gets_a_plain_line_every_five_seconds_at_most() -> None:
    told, tape, watch = console(terminal=False)
    told.say("round 1: training …")
    wait(told, watch, 4.5)
    assert tape.getvalue() == "round 1: training …\n"
    wait(told, watch, 7)
    lines = tape.getvalue().splitlines()
    assert [line.rpartition(", ")[2] for line in lines[1:]] == ["5 s", "10 s"]
    assert "\r" not in tape.getvalue()
    assert "\x1b" not in tape.getvalue()


def test_a_line_longer_than_the_terminal_is_cut_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    told, tape, _watch = console(terminal=True)
    told.waiting(training(), 1)
    assert len(tape.getvalue().removeprefix(ERASE)) == 29


def test_a_stage_that_stops_says_so() -> None:
    said: list[str] = []
    with pytest.raises(LookupError), Loop(said.append).stage("round 1: push"):
        raise LookupError
    assert said[-1].startswith("round 1: push: stopped after")
