"""Timing a path beside its limit, and keeping the line."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One measured path. ``ratio`` is seconds over limit_seconds; ``goal`` what it may be at most."""

    path: str
    n: int
    seconds: float
    limit_seconds: float
    ratio: float
    goal: float
    peak_mb: int

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


def line(path: str, n: int, seconds: float, limit: float, goal: float) -> Line:
    """A line with this process's peak memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Line(path, n, round(seconds, 4), round(limit, 4), round(seconds / limit, 3), goal, peak)


def keep(lines: list[Line], file: Path) -> None:
    """Append the lines to a JSON-lines file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.writelines(json.dumps(asdict(each)) + "\n" for each in lines)


def told(each: Line) -> str:
    mark = "ok  " if each.is_met else "OVER"
    return (
        f"{mark} {each.path:<44} n={each.n:<10,} {each.seconds:9.3f} s  limit {each.limit_seconds:9.3f} s"
        f"  ratio {each.ratio:6.2f}  goal {each.goal:5.2f}  peak {each.peak_mb} MB"
    )
