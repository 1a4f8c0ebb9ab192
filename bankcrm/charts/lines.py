"""Lines over a common x, with bands where the figures are uncertain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.chart import (
    GREY,
    Chart,
    axes_option,
    axis_around,
    diagonal_of,
    interval_header,
    marked,
    name_axis,
    raw,
    reference,
    text,
    value_axis,
)

TONES = {"warn": "--warn-m", "bad": "--bad", "act": "--act"}


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
    size: str = "",
    label: Any = "",
    more: Sequence[tuple[Any, Mapping[Any, str]]] = (),
) -> Chart | str:
    """Lines over a common x (numbers, dates or words). A cut axis only when ``y_min`` says so; it is then labelled.

    A series: ``label``, ``points`` as (x, y), and as wanted ``low`` and ``high`` (a band, one end per point),
    ``dashed``, ``marked`` (a square on every point), ``quiet`` (grey until pointed at), ``end`` (a name at its end).
    ``more`` gives further columns of the table: a header, and the text of each x.
    """
    if not any(one["points"] for one in series):
        return figures.NONE
    places = _places([point[0] for one in series for point in one["points"]])
    numeric = not isinstance(places[0], (dt.date, str))
    found = [_columns_of(one, places) for one in series]
    show_x = figures.FORMATS[x_format] if numeric else text
    show = figures.FORMATS[y_format]
    headers, drawn, at = [str(x_label)], [], 1
    for one, known in zip(series, found, strict=True):
        headers += [str(one.get("label", "")), *([interval_header()] if len(known) == 3 else [])]
        drawn += _line(one, at, len(known) == 3, len(places))
        at += len(known)
    source = [
        [raw(x) if numeric else i, *(values[i] for known in found for values in known)]
        for i, x in enumerate(places)
    ]
    across = _across(places, x_format, numeric)
    lines: list[Any] = [_reference(mark) for mark in marks]
    up = axis_around([v for row in source for v in row[1:]] + [m["y"] for m in marks], y_format, y_min, y_max)
    if diagonal:
        lines.append(diagonal_of((across["min"], up["min"]), (across["max"], up["max"])))
    marked(drawn[-1], lines)
    headers += [str(header) for header, _texts in more]
    table = [
        [show_x(x), *_cells(found, i, show, y_format), *(texts.get(x, figures.NONE) for _head, texts in more)]
        for i, x in enumerate(places)
    ]
    option = axes_option(source, across, up, drawn)
    said = "; ".join(_summary(one, y_format) for one in series if one["points"])
    return Chart(str(label), said, headers, table, option, x_label=str(x_label), size=size)


def _reference(mark: dict[str, Any]) -> dict[str, Any]:
    return reference(mark["y"], mark.get("label", ""), TONES.get(mark.get("tone", ""), "--ink2"))


def _places(values: Sequence[Any]) -> list[Any]:
    """The x values once each: numbers and days in order, words as they come."""
    once = list(dict.fromkeys(values))
    return once if isinstance(once[0], str) else sorted(once)


def _columns_of(one: dict[str, Any], places: Sequence[Any]) -> list[list[Any]]:
    """The series' values at ``places``, and the ends of its band if it has one."""
    at = {x: i for i, (x, _y) in enumerate(one["points"])}
    wanted = [[y for _x, y in one["points"]]]
    if one.get("low") and one.get("high"):
        wanted += [one["low"], one["high"]]
    return [[raw(values[at[x]]) if x in at else None for x in places] for values in wanted]


def _across(places: Sequence[Any], x_format: str, numeric: bool) -> dict[str, Any]:
    if not numeric:
        return name_axis([text(x) for x in places], gap=len(places) == 1)
    low, high = float(min(places)), float(max(places))
    return value_axis(low, high if high > low else low + 1, x_format, most=5, grid=False)


def _line(one: dict[str, Any], at: int, banded: bool, n: int) -> list[dict[str, Any]]:
    """The series of one line whose values stand in column ``at``; its band, if any, is drawn first."""
    ink = "--ink" if one.get("dashed") else GREY if one.get("quiet") else "--act"
    width = 1.5 if one.get("quiet") else 2
    line: dict[str, Any] = {
        "type": "line",
        "name": str(one.get("label", "")),
        "encode": {"x": 0, "y": at},
        "symbol": "rect",
        "symbolSize": 5,
        "showSymbol": bool(one.get("marked")) or n == 1,
        "connectNulls": True,
        "itemStyle": {"color": ink},
        "lineStyle": {"color": ink, "width": width, "type": [5, 3] if one.get("dashed") else "solid"},
    }
    if one.get("quiet"):
        line["emphasis"] = {"focus": "series", "lineStyle": {"color": "--act", "width": 2.5}}
    if one.get("end"):
        line["endLabel"] = {"show": True, "formatter": str(one["end"]), "color": ink}
    if not banded:
        return [line]
    band = {"type": "custom", "draw": "band", "columns": [0, at + 1, at + 2], "ink": "--act", "silent": True}
    return [band | {"encode": {"x": 0, "y": [at + 1, at + 2]}}, line]


def _cells(found: Sequence[list[list[Any]]], i: int, show: Any, kind: str) -> list[str]:
    cells = []
    for known in found:
        cells.append(show(known[0][i]))
        if len(known) == 3:
            cells.append(figures.interval(known[1][i], known[2][i], kind))
    return cells


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
