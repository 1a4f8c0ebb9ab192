"""Round ticks and how they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bankcrm import figures

Show = Callable[[Any], str]


def nice_step(span: float, most: int = 5) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10^k that cuts ``span`` into at most ``most`` pieces."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    power = 10 ** math.floor(math.log10(span / most))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if span / (factor * power) <= most + 1e-9)


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values that lie inside [low, high]."""
    step = nice_step(high - low, most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def nice_bounds(values: Iterable[float], *, from_zero: bool = True, most: int = 5) -> tuple[float, float]:
    """Round ends around the finite values; zero is inside unless told otherwise."""
    known = [float(v) for v in values if v is not None and math.isfinite(float(v))]
    if from_zero:
        known.append(0.0)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low == high:
        low, high = (low - 0.5, high + 0.5) if low and not from_zero else (min(low, 0.0), max(high, 1.0))
    step = nice_step(high - low, most)
    return round(math.floor(low / step + 1e-9) * step, 12), round(math.ceil(high / step - 1e-9) * step, 12)


def tick_format(kind: str, ticks: Sequence[float]) -> Show:
    """The figures' format ``kind`` (``figures.FORMATS``) without decimals that no tick needs."""
    if kind.startswith(("pct", "points")):
        places = next(
            (d for d in (0, 1, 2) if all(abs(t * 100 - round(t * 100, d)) < 1e-9 for t in ticks)), 2
        )
        write = figures.pct if kind.startswith("pct") else figures.points
        return lambda v: write(v, places)
    if kind in ("number", "decimal", "decimal3"):
        places = next((d for d in (0, 1, 2, 3) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 3)
        return lambda v: figures.number(v, places)
    if kind == "money" and max((abs(t) for t in ticks), default=0) >= 1e6:
        return figures.money_short
    return figures.FORMATS[kind]
