"""SVG elements and scales of the small marks inside rows. Everything a caller passes as text is escaped.

Charts fill their cell: x positions are per cent of the width, y positions are pixels, so that text keeps its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString


def coordinate(value: float) -> str:
    """At most two decimals and no trailing zeros: 43.2."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def x(share: float) -> str:
    """A fraction of the width as an SVG percentage."""
    return f"{coordinate(100 * share)}%"


def el(name: str, *children: Any, cls: str = "", **attributes: Any) -> SafeString:
    """One element. Underscores in attribute names become hyphens; numbers are shortened; None is left out."""
    parts = [name]
    template = "<{}"
    for key, value in (("class", cls or None), *attributes.items()):
        if value is not None:
            template += ' {}="{}"'
            parts += [
                key.replace("_", "-"),
                coordinate(value) if isinstance(value, (int, float)) else value,
            ]
    # One call for the whole element: a page draws hundreds of them.
    return format_html(template + ">" + "{}" * len(children) + "</{}>", *parts, *children, name)


def canvas(
    height: float,
    label: Any,
    children: Iterable[Any],
    *,
    width: str = "100%",
    cls: str = "",
    hidden: bool = False,
) -> SafeString:
    """The outer svg, with an accessible name unless it is decoration beside the same figures in words."""
    named = {"aria_hidden": "true"} if hidden else {"role": "img", "aria_label": label}
    return el("svg", *children, cls=f"ch {cls}".strip(), width=width, height=height, **named)


def text(share: float, y: float, content: Any, *, cls: str = "tm", dx: float | None = None) -> SafeString:
    return el("text", content, cls=cls, x=x(share), y=y, dx=dx)


def line(x1: float, y1: float, x2: float, y2: float, cls: str) -> SafeString:
    return el("line", cls=cls, x1=x(x1), y1=y1, x2=x(x2), y2=y2)


def square(share: float, y: float, cls: str, size: float = 8) -> SafeString:
    """A mark of fixed size at a relative place."""
    half = coordinate(-size / 2)
    return el(
        "rect", cls=cls, x=x(share), y=y, width=size, height=size, transform=f"translate({half},{half})"
    )


def circle(share: float, y: float, cls: str, radius: float = 4.5) -> SafeString:
    return el("circle", cls=cls, cx=x(share), cy=y, r=radius)


def path(points: Sequence[tuple[float, float]], height: float, cls: str) -> SafeString:
    """A line through (share of the width, pixel) points; the inner svg stretches, the stroke does not."""
    steps = " ".join(
        f"{'M' if i == 0 else 'L'}{coordinate(1000 * px)} {coordinate(py)}"
        for i, (px, py) in enumerate(points)
    )
    drawn = el("path", cls=cls, d=steps, vector_effect="non-scaling-stroke")
    return el(
        "svg",
        drawn,
        width="100%",
        height=height,
        viewBox=f"0 0 1000 {coordinate(height)}",
        preserveAspectRatio="none",
        overflow="visible",
    )


@dataclass(frozen=True)
class Scale:
    """Linear map of [low, high] to [start, end]; values outside are held at the edge."""

    low: float
    high: float
    start: float = 0.0
    end: float = 1.0

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (float(value) - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)
