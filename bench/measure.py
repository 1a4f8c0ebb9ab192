"""Timing a path beside its limit, and keeping the line."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

SECONDS = "s"


@dataclass(frozen=True)
class Line:
    """One measured path. ``ratio`` is seconds over limit_seconds; ``goal`` what it may be at most.

    Where something is counted and not timed, ``unit`` names what: the two fields then hold the counts.
    """

    path: str
    n: int
    seconds: float
    limit_seconds: float
    ratio: float
    goal: float
    peak_mb: int
    unit: str = SECONDS

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.goal


def best_of(times: int, act: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Seconds of the fastest of ``times`` tries; ``before`` runs untimed ahead of each."""
    seconds = []
    for _try in range(times):
        before()
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def line(path: str, n: int, seconds: float, limit: float, goal: float, unit: str = SECONDS) -> Line:
    """A line with this process's peak memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Line(path, n, round(seconds, 4), round(limit, 4), round(seconds / limit, 3), goal, peak, unit)


def as_json(each: Line) -> dict[str, object]:
    """The line's fields; the unit only where it is not seconds."""
    return {name: value for name, value in asdict(each).items() if (name, value) != ("unit", SECONDS)}


def keep(lines: list[Line], file: Path) -> None:
    """Append the lines to a JSON-lines file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.writelines(json.dumps(as_json(each)) + "\n" for each in lines)


def told(each: Line) -> str:
    """The line as the terminal shows it: seconds with their decimals, counts as whole numbers of what was counted."""
    mark = "ok  " if each.is_met else "OVER"
    shown = [
        f"{value:9.3f} s" if each.unit == SECONDS else f"{value:9,.0f} {each.unit}"
        for value in (each.seconds, each.limit_seconds)
    ]
    return (
        f"{mark} {each.path:<44} n={each.n:<10,} {shown[0]}  limit {shown[1]}"
        f"  ratio {each.ratio:6.2f}  goal {each.goal:5.2f}  peak {each.peak_mb} MB"
    )
