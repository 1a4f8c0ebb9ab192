"""Charts with two axes: columns, predicted against actual, lines, calibration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.svg import Scale, canvas, circle, el, line, nice_bounds, nice_ticks, path, square, text, x

Show = Callable[[Any], str]


def tick_format(kind: str, ticks: Sequence[float]) -> Show:
    """The figures' format without decimals that no tick needs."""
    if kind in ("pct", "points"):
        places = next(
            (d for d in (0, 1, 2) if all(abs(t * 100 - round(t * 100, d)) < 1e-9 for t in ticks)), 2
        )
        return (lambda v: figures.pct(v, places)) if kind == "pct" else (lambda v: figures.points(v, places))
    if kind in ("number", "decimal", "decimal3"):
        places = next((d for d in (0, 1, 2, 3) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 3)
        return lambda v: figures.number(v, places)
    if kind == "money" and max((abs(t) for t in ticks), default=0) >= 1e6:
        return figures.money_short
    return figures.FORMATS[kind]


def _y_axis(scale: Scale, kind: str, height: float) -> tuple[list[SafeString], str]:
    """Grid lines with labels to their left, and the class that makes room for the labels."""
    ticks = nice_ticks(scale.low, scale.high, 4 if height >= 100 else 2)
    show = tick_format(kind, ticks)
    marks = []
    for tick in ticks:
        marks.append(line(0, scale(tick), 1, scale(tick), "k-mid" if tick == 0 else "k-line"))
        marks.append(text(0, scale(tick) + 4, show(tick), cls="e tm", dx=-6))
    longest = max((len(show(tick)) for tick in ticks), default=1)
    return marks, "l-s" if longest <= 3 else "l-m" if longest <= 6 else "l-l"


def framed(drawing: SafeString, room: str, *, right: bool = False, axis_label: Any = "") -> SafeString:
    """The drawing with room for its labels, and the name of the x axis beneath."""
    under = format_html('<p class="m axis">{}</p>', axis_label) if axis_label else ""
    return format_html('<div class="plot {}{}">{}{}</div>', room, " r" if right else "", drawing, under)


LINE = 14  # pixels
SHORT = 3  # characters: as many labels as fit on a computer fit on a phone


def _thinned(labels: Sequence[str], most: int = 12) -> list[tuple[str, str]]:
    """(label, class) of ``most`` at most, "" for the others; a narrow drawing hides every second one, class ``alt``."""
    step = -(-len(labels) // most) or 1
    hides = max((len(label) for label in labels), default=0) > SHORT
    return [
        (label if i % step == 0 else "", "c tm alt" if hides and i // step % 2 else "c tm")
        for i, label in enumerate(labels)
    ]


def columns(
    rows: Sequence[dict[str, Any]],
    *,
    format: str = "number",
    height: int = 150,
    target: Any = None,
    target_label: str = "",
    threshold: int | None = None,
    axis_label: Any = "",
    label: Any = "",
    values: bool | None = None,
) -> SafeString:
    """Columns or a histogram. A row's ``outline`` is a second, hollow column; rows before ``threshold`` are grey."""
    if not rows:
        return format_html("{}", figures.NONE)
    numbers = [row["value"] for row in rows] + [row.get("outline") for row in rows] + [target]
    low, high = nice_bounds([v for v in numbers if not figures.is_none(v)], most=4)
    up = Scale(low, high, height - 20, 16)
    marks, room = _y_axis(up, format, height)
    show, slot = figures.FORMATS[format], 1 / len(rows)
    paired = any(row.get("outline") is not None for row in rows)
    named = (len(rows) <= 8 and not paired) if values is None else values
    for i, row in enumerate(rows):
        ink = "f-ctl" if threshold is not None and i < threshold else "f-act"
        for value, cls, left, wide in _column_pair(row, ink, slot, paired):
            top, base = sorted((up(value), up(0)))
            marks.append(
                el("rect", cls=cls, x=x(i * slot + left), y=top, width=x(wide), height=max(base - top, 0.5))
            )
        if named and not figures.is_none(row["value"]):
            marks.append(
                text((i + 0.5) * slot, min(up(row["value"]), up(0)) - 4, show(row["value"]), cls="c tb6")
            )
    marks += [
        text((i + 0.5) * slot, height - 4, shown, cls=cls)
        for i, (shown, cls) in enumerate(_thinned([str(r["label"]) for r in rows]))
    ]
    if not figures.is_none(target):
        marks.append(line(0, up(target), 1, up(target), "k-ink dash"))
        marks.append(text(1, up(target) - 4, target_label, cls="e"))
    said = label or ", ".join(f"{row['label']} {show(row['value'])}" for row in rows)
    return framed(canvas(height, said, marks), room, axis_label=axis_label)


def _column_pair(
    row: dict[str, Any], ink: str, slot: float, paired: bool
) -> list[tuple[float, str, float, float]]:
    drawn = []
    if not figures.is_none(row["value"]):
        drawn.append((row["value"], ink, slot * (0.12 if paired else 0.2), slot * (0.36 if paired else 0.6)))
    if not figures.is_none(row.get("outline")):
        drawn.append((row["outline"], "f-none k-ink", slot * 0.52, slot * 0.36))
    return drawn


def dot_columns(
    rows: Sequence[dict[str, Any]],
    *,
    format: str = "pct",
    height: int = 160,
    axis_label: Any = "",
    label: Any = "",
) -> SafeString:
    """Predicted (hollow circle) beside actual (filled square with interval) per decile; amber when outside it."""
    if not rows:
        return format_html("{}", figures.NONE)
    keys = ("predicted", "actual", "low", "high")
    low, high = nice_bounds([row[k] for row in rows for k in keys if not figures.is_none(row.get(k))], most=4)
    up = Scale(low, high, height - 20, 10)
    marks, room = _y_axis(up, format, height)
    slot, show = 1 / len(rows), figures.FORMATS[format]
    # Names, unlike numbers of deciles, need the room of two columns: every second one stands lower.
    lower = LINE if max(len(str(row["label"])) for row in rows) > SHORT else 0
    for i, row in enumerate(rows):
        centre = (i + 0.5) * slot
        known = not figures.is_none(row.get("low")) and not figures.is_none(row.get("high"))
        outside = known and not float(row["low"]) <= float(row["predicted"]) <= float(row["high"])
        if known:
            marks.append(
                line(centre - slot * 0.08, up(row["low"]), centre - slot * 0.08, up(row["high"]), "k-act w2")
            )
        if not figures.is_none(row.get("actual")):
            marks.append(square(centre - slot * 0.08, up(row["actual"]), "f-act", 7))
        marks.append(
            circle(
                centre + slot * 0.14, up(row["predicted"]), f"f-none {'k-warn' if outside else 'k-ink'}", 4
            )
        )
        marks.append(text(centre, height - 4 + lower * (i % 2), row["label"], cls="c tm"))
    said = label or "; ".join(
        _("%(label)s: actual %(actual)s, predicted %(predicted)s")
        % {"label": r["label"], "actual": show(r.get("actual")), "predicted": show(r["predicted"])}
        for r in rows
    )
    return framed(canvas(height + lower, said, marks), room, axis_label=axis_label)


def scatter(
    rows: Sequence[dict[str, Any]],
    *,
    format: str = "pct",
    height: int = 180,
    x_label: Any = "",
    y_label: Any = "",
    label: Any = "",
) -> SafeString:
    """Calibration: actual over predicted with intervals, and the diagonal on which a perfect model lies."""
    if not rows:
        return format_html("{}", figures.NONE)
    low, high = nice_bounds(
        [row[k] for row in rows for k in ("x", "y", "high") if not figures.is_none(row.get(k))]
    )
    up, across = Scale(low, high, height - 20, 10), Scale(low, high)
    marks, room = _y_axis(up, format, height)
    ticks = nice_ticks(low, high, 5)
    show = tick_format(format, ticks)
    marks += [text(across(t), height - 4, show(t), cls="c tm") for t in ticks]
    marks.append(line(0, up(low), 1, up(high), "k-mid"))
    for row in rows:
        at = across(row["x"])
        if not figures.is_none(row.get("low")) and not figures.is_none(row.get("high")):
            marks.append(line(at, up(row["low"]), at, up(row["high"]), "k-act w2"))
        marks.append(square(at, up(row["y"]), "f-act", 7))
    form = figures.FORMATS[format]
    said = label or "; ".join(
        _("predicted %(x)s, actual %(y)s") % {"x": form(row["x"]), "y": form(row["y"])} for row in rows
    )
    above = format_html('<p class="m">{}</p>', y_label) if y_label else ""
    return format_html("{}{}", above, framed(canvas(height, said, marks), room, axis_label=x_label))


def line_chart(
    series: Sequence[dict[str, Any]],
    *,
    x_label: Any = "",
    x_format: str = "number",
    y_format: str = "number",
    y_min: Any = None,
    y_max: Any = None,
    marks: Sequence[dict[str, Any]] = (),
    diagonal: bool = False,
    height: int = 150,
    label: Any = "",
) -> SafeString:
    """Lines over a common x (numbers, dates or words). A cut axis only when ``y_min`` says so; it is then labelled."""
    if not any(one["points"] for one in series):
        return format_html("{}", figures.NONE)
    across, x_ticks = _x_axis([p[0] for one in series for p in one["points"]], x_format)
    values = [p[1] for one in series for p in one["points"]] + [m["y"] for m in marks]
    values += [v for one in series for k in ("low", "high") for v in one.get(k) or ()]
    low, high = nice_bounds(
        [v for v in values if not figures.is_none(v)], from_zero=figures.is_none(y_min), most=4
    )
    up = Scale(
        low if figures.is_none(y_min) else float(y_min),
        high if figures.is_none(y_max) else float(y_max),
        height - 20,
        10,
    )
    drawn, room = _y_axis(up, y_format, height)
    drawn += [text(across(value), height - 4, shown, cls=cls) for value, shown, cls in x_ticks]
    if diagonal:
        drawn.append(line(0, up(up.low), 1, up(up.high), "k-mid"))
    for mark in marks:
        drawn += _reference(mark, up)
    for one in series:
        drawn += _one_line(one, across, up, height)
    named_end = any(one.get("end") for one in series) or bool(marks)
    said = label or "; ".join(_summary(one, y_format) for one in series if one["points"])
    return framed(canvas(height, said, drawn), room, right=named_end, axis_label=x_label)


def _x_axis(values: Sequence[Any], kind: str) -> tuple[Callable[[Any], float], list[tuple[Any, str, str]]]:
    """(map of an x value to a share of the width, ticks as (value, text, class))."""
    if isinstance(values[0], (int, float)) and not isinstance(values[0], bool):
        scale = Scale(min(values), max(values))
        ticks = nice_ticks(scale.low, scale.high, 5)
        show = tick_format(kind, ticks)
        return scale, [(tick, show(tick), "c tm") for tick in ticks]
    order = sorted(set(values)) if isinstance(values[0], dt.date) else list(dict.fromkeys(values))
    places = {value: i for i, value in enumerate(order)}
    spread = Scale(0, len(order) - 1)
    shown = [figures.short_day(v) if isinstance(v, dt.date) else str(v) for v in order]
    return (lambda v: spread(places[v])), [
        (value, name, cls) for value, (name, cls) in zip(order, _thinned(shown, 7), strict=True) if name
    ]


def _one_line(
    one: dict[str, Any], across: Callable[[Any], float], up: Scale, height: float
) -> list[SafeString]:
    placed = [(across(px), up(py)) for px, py in one["points"] if not figures.is_none(py)]
    drawn = []
    if one.get("low") and one.get("high"):
        xs = [across(px) for px, _py in one["points"]]
        upper = list(zip(xs, (up(v) for v in one["high"]), strict=True))
        lower = list(zip(xs, (up(v) for v in one["low"]), strict=True))
        drawn.append(path(upper + lower[::-1], height, "f-band", closed=True))
    ink = "k-ink w2 dash k-none" if one.get("dashed") else "k-act w2 k-none"
    drawn.append(path(placed, height, ink))
    if placed and (one.get("marked") or len(placed) == 1):
        drawn += [square(px, py, "f-act", 5) for px, py in placed]
    if placed and one.get("end"):
        drawn.append(text(placed[-1][0], placed[-1][1] + 4, one["end"], cls="t-act", dx=8))
    return drawn


def _reference(mark: dict[str, Any], up: Scale) -> list[SafeString]:
    tone = mark.get("tone", "")
    ink = {"warn": "k-warn", "bad": "k-bad", "act": "k-act"}.get(tone, "k-ink")
    at = up(mark["y"])
    return [line(0, at, 1, at, f"{ink} dash"), text(1, at + 4, mark.get("label", ""), cls="", dx=6)]


def _summary(one: dict[str, Any], kind: str) -> str:
    show, known = figures.FORMATS[kind], [p[1] for p in one["points"] if not figures.is_none(p[1])]
    if not known:
        return str(one.get("label", ""))
    return _("%(label)s from %(first)s to %(last)s, lowest %(low)s, highest %(high)s") % {
        "label": one.get("label", ""),
        "first": show(known[0]),
        "last": show(known[-1]),
        "low": show(min(known)),
        "high": show(max(known)),
    }
