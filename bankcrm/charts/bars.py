"""Bars, intervals and small lines inside the rows of tables and cards: SVG, so that a row is whole when it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.svg import Scale, canvas, circle, coordinate, el, line, path, square, text, x
from bankcrm.charts.ticks import nice_ticks, tick_format


def share_bar(
    value: Any, *, peer: Any = None, width: int = 56, label: str = "", tone: str = "act"
) -> SafeString:
    """A share of 0–1 as a bar, with an optional dark tick where the peers are."""
    if figures.is_none(value):
        return format_html("{}", figures.NONE)
    share = Scale(0, 1, 0, width)
    said = label or figures.pct(value, 0)
    if not figures.is_none(peer):
        said = _("%(value)s, peers %(peer)s") % {"value": said, "peer": figures.pct(peer, 0)}
    marks = [
        el("rect", cls="f-ctl-l", width=width, height=8, rx=1),
        el("rect", cls=f"f-{tone}", width=share(value), height=8, rx=1),
    ]
    if not figures.is_none(peer):
        at = share(peer)
        marks.append(el("line", cls="k-ink w2", x1=at, x2=at, y1=-2, y2=10))
    return canvas(8, said, marks, width=str(width))


def capacity_bar(used: Any, *, after: Any = None, width: int = 168) -> SafeString:
    """Use of capacity: the tick is 100 %, amber lies beyond it, ``after`` is the paler piece a preview would add."""
    if figures.is_none(used):
        return format_html("{}", figures.NONE)
    top = max(1.25, float(used), float(after or 0))
    share = Scale(0, top, 0, width)
    full, now = share(1), share(used)
    marks = [el("rect", cls="f-ctl-l", width=full, height=8, rx=1)]
    if not figures.is_none(after):
        marks.append(el("rect", cls="f-act-l", x=now, width=max(0.0, share(after) - now), height=8))
    marks.append(el("rect", cls="f-act", width=min(now, full), height=8, rx=1))
    if float(used) > 1:
        marks.append(el("rect", cls="f-warn", x=full, width=now - full, height=8))
    marks.append(el("line", cls="k-ink w2", x1=full, x2=full, y1=-3, y2=11))
    said = _("%(used)s of capacity") % {"used": figures.pct(used, 0)}
    if not figures.is_none(after):
        said = _("%(used)s of capacity, %(after)s after") % {
            "used": figures.pct(used, 0),
            "after": figures.pct(after, 0),
        }
    return canvas(8, said, marks, width=str(width))


def interval_bar(
    low: Any,
    point: Any,
    high: Any,
    axis_min: Any,
    axis_max: Any,
    *,
    raw: Any = None,
    mean: Any = None,
    zero: float = 0.0,
    unit: str = "points",
) -> SafeString:
    """An estimate with its interval on a shared axis. Filled blue square only when the interval excludes ``zero``."""
    if figures.is_none(low) or figures.is_none(high) or figures.is_none(point):
        return format_html("{}", figures.NONE)
    share, middle, height = Scale(float(axis_min), float(axis_max)), 10, 20
    proved = float(low) > zero or float(high) < zero
    ink = "k-act" if proved else "k-ctl"
    marks = []
    if float(axis_min) <= zero <= float(axis_max):
        marks.append(line(share(zero), -6, share(zero), height + 6, "k-mid"))
    if not figures.is_none(mean):
        marks.append(line(share(mean), -6, share(mean), height + 6, "k-ctl dash"))
    marks.append(line(share(low), middle, share(high), middle, f"{ink} w2"))
    marks += [
        line(share(end), middle - 4, share(end), middle + 4, f"{ink} w2")
        for end in (low, high)
        # A cap at the edge would claim that the interval ends there.
        if float(axis_min) <= float(end) <= float(axis_max)
    ]
    if not figures.is_none(raw):
        marks.append(circle(share(raw), middle, "f-none k-ctl", 4))
    marks.append(
        square(share(point), middle, "f-act") if proved else circle(share(point), middle, "f-none k-ctl")
    )
    show = figures.FORMATS[unit]
    said = _("%(point)s, interval %(interval)s") % {
        "point": show(point),
        "interval": figures.interval(low, high, unit),
    }
    return canvas(height, said, marks)


def interval_axis(axis_min: Any, axis_max: Any, *, unit: str = "points") -> SafeString:
    """The axis of ``interval_bar`` for the head of its column."""
    share = Scale(float(axis_min), float(axis_max))
    ticks = nice_ticks(share.low, share.high, 4) if share.high > share.low else []
    # As many places as the ticks need: −0.25 must not be written −0.2.
    show = tick_format(unit, ticks) if unit == "points" else figures.FORMATS[unit]
    return canvas(16, "", [text(share(t), 12, show(t), cls="c tm") for t in ticks], hidden=True)


def forecast_bar(low: Any, high: Any, forecast: Any, actual: Any, *, unit: str = "number") -> SafeString:
    """The forecast interval as a grey band with a tick, the result as a square: amber when it lies outside."""
    if figures.is_none(low) or figures.is_none(high):
        return format_html("{}", figures.NONE)
    known = [float(v) for v in (low, high, forecast, actual) if not figures.is_none(v)]
    pad = (max(known) - min(known)) * 0.1 or 1.0
    share = Scale(min(known) - pad, max(known) + pad)
    marks = [el("rect", cls="f-ctl-l", x=x(share(low)), y=4, width=x(share(high) - share(low)), height=12)]
    if not figures.is_none(forecast):
        marks.append(line(share(forecast), 2, share(forecast), 18, "k-ink w2"))
    show = figures.FORMATS[unit]
    said = _("forecast %(interval)s") % {"interval": figures.interval(low, high, unit)}
    if not figures.is_none(actual):
        inside = float(low) <= float(actual) <= float(high)
        marks.append(square(share(actual), 10, "f-act" if inside else "f-warn"))
        verdict = _("inside") if inside else _("outside")
        said = f"{said}, {_('actual %(value)s') % {'value': show(actual)}}, {verdict}"
    return canvas(20, said, marks)


def waterfall_bar(total: float, remaining: float, dropped: float, kind: str, label: str) -> SafeString:
    """One step: who remains in blue, who is left out hatched, control dotted (kept, not lost)."""
    share = Scale(0, float(total) or 1.0)
    rest, gone = share(remaining), share(remaining + dropped) - share(remaining)
    marks = [
        el("rect", cls="f-ctl-l", width="100%", height=10, rx=1),
        el("rect", cls="f-act", width=x(rest), height=10, rx=1),
    ]
    if dropped:
        pattern = "url(#kit-control)" if kind == "control" else "url(#kit-left-out)"
        marks.append(el("rect", cls="k-ctl", x=x(rest), width=x(gone), height=10, fill=pattern))
    said = _("%(label)s: %(remaining)s remain, %(dropped)s left out") % {
        "label": label,
        "remaining": figures.number(remaining),
        "dropped": figures.number(dropped),
    }
    return canvas(10, said, marks)


def spark(
    values: Sequence[Any], *, width: int = 96, height: int = 24, label: str = "", show: str = "number"
) -> SafeString:
    """A small line without an axis; the last value is marked. Missing values break nothing: they are skipped."""
    known = [(i, float(v)) for i, v in enumerate(values) if not figures.is_none(v)]
    if len(known) < 2:
        return format_html("{}", figures.NONE)
    numbers = [v for _i, v in known]
    across = Scale(0, len(values) - 1, 3 / width, 1 - 4 / width)
    up = Scale(min(numbers), max(numbers), height - 4, 4)
    line_points = [(across(i), up(v)) for i, v in known]
    form = figures.FORMATS[show]
    said = label or _("from %(first)s to %(last)s, lowest %(low)s, highest %(high)s") % {
        "first": form(numbers[0]),
        "last": form(numbers[-1]),
        "low": form(min(numbers)),
        "high": form(max(numbers)),
    }
    marks = [path(line_points, height, "k-act w2 k-none"), square(*line_points[-1], "f-act", 5)]
    return canvas(height, said, marks, width=coordinate(width))
