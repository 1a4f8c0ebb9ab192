"""A value picker's histogram: who lies inside the chosen bounds is blue, the rest grey, the bounds are drawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics.distribution import Bin
from bankcrm.charts.svg import Scale, canvas, el, line, text, x
from customers.fields import Field

_HEIGHT = 56
_TOP = 14


def _place(value: Any) -> float:
    return float(value.toordinal()) if isinstance(value, dt.date) else float(value)


def histogram(entry: Field, bins: Sequence[Bin], low: Any = None, high: Any = None) -> SafeString:
    """Bars per bin of a number, an amount or a date (``low`` and ``high``: the bounds, None where there is none).

    A bin that a bound cuts is blue when at least half of its width lies inside.
    """
    starts = [_place(one.low) for one in bins]
    width = starts[1] - starts[0] if len(starts) > 1 else 1.0
    across = Scale(starts[0], starts[-1] + width)
    up = Scale(0, max(one.count for one in bins) or 1, _HEIGHT, _TOP)
    bounds = [None if bound is None else _place(bound) for bound in (low, high)]
    slot = 1 / len(bins)
    marks = []
    for number, one in enumerate(bins):
        middle = starts[number] + width / 2
        outside = (bounds[0] is not None and middle < bounds[0]) or (
            bounds[1] is not None and middle > bounds[1]
        )
        top = up(one.count)
        marks.append(
            el(
                "rect",
                cls="f-ctl-l" if outside else "f-act",
                x=x((number + 0.08) * slot),
                y=top,
                width=x(0.84 * slot),
                height=max(_HEIGHT - top, 1 if one.count else 0),
            )
        )
    marks.append(line(0, _HEIGHT, 1, _HEIGHT, "k-line"))
    for bound, sign in ((low, "≥"), (high, "≤")):
        if bound is not None:
            at = across(_place(bound))
            anchor = "tb6 e" if at > 0.6 else "tb6"
            marks.append(line(at, 2, at, _HEIGHT, "k-ink w2"))
            marks.append(text(at, 10, f"{sign} {entry.display(bound)}", cls=anchor, dx=-5 if at > 0.6 else 5))
    ends = [(0.0, "tm", starts[0]), (1.0, "tm e", starts[-1])]
    for share, cls, start in ends:
        bound = dt.date.fromordinal(int(start)) if isinstance(bins[0].low, dt.date) else start
        shown = entry.display(bound)
        marks.append(text(share, _HEIGHT + 14, shown if share == 0 else f"{shown} +", cls=cls))
    most = max(bins, key=lambda one: one.count)
    said = _("%(field)s: most customers at %(bin)s") % {"field": entry.label, "bin": most.label}
    return canvas(_HEIGHT + 16, said, marks, cls="hist")
