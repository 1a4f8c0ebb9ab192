"""Charts of rows: columns, predicted against actual, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.chart import (
    GREY,
    Chart,
    axes_option,
    axis_around,
    diagonal_of,
    height_of,
    interval_header,
    marked,
    name_axis,
    raw,
    reference,
    text,
    value_axis,
)
from bankcrm.charts.ticks import nice_bounds

SHORT = 3  # characters: as many labels as fit on a computer fit on a phone


def _more(row: dict[str, Any]) -> list[str]:
    return [text(cell) for cell in row.get("more", ())]


def columns(
    rows: Sequence[dict[str, Any]],
    *,
    format: str = "number",
    size: str = "",
    target: Any = None,
    target_label: Any = "",
    threshold: int | None = None,
    axis_label: Any = "",
    label: Any = "",
    value_label: Any = "",
    outline_label: Any = "",
    more: Sequence[Any] = (),
    values: bool | None = None,
) -> Chart | str:
    """Columns or a histogram. A row's ``outline`` is a second, hollow column; rows before ``threshold`` are grey.

    ``more`` heads further columns of the table, which a row gives as ``more`` too.
    """
    if not rows:
        return figures.NONE
    show = figures.FORMATS[format]
    paired = any(not figures.is_none(row.get("outline")) for row in rows)
    value_label = str(value_label or label or _("Value"))
    headers = [str(axis_label), value_label, *([str(outline_label)] if paired else []), *map(str, more)]
    table = [
        [text(r["label"]), show(r["value"]), *([show(r.get("outline"))] if paired else []), *_more(r)]
        for r in rows
    ]
    solid: dict[str, Any] = {"type": "bar", "name": value_label, "encode": {"x": 0, "y": 1}}
    solid |= {"barWidth": "36%" if paired else "60%", "barGap": "10%", "itemStyle": {"color": "--act"}}
    if threshold is not None:
        solid["inks"] = [GREY if i < threshold else "--act" for i in range(len(rows))]
    if (len(rows) <= 8 and not paired) if values is None else values:
        solid["label_column"] = 1
    series = [marked(solid, [] if figures.is_none(target) else [reference(target, target_label)])]
    if paired:
        hollow = {"color": "--card", "borderColor": "--ink", "borderWidth": 1.3}
        series.append(
            {"type": "bar", "name": str(outline_label), "encode": {"x": 0, "y": 2}, "itemStyle": hollow}
            | {"barWidth": "36%"}
        )
    known = [v for row in rows for v in (row["value"], row.get("outline"))]
    option = axes_option(
        [[i, raw(r["value"]), raw(r.get("outline"))] for i, r in enumerate(rows)],
        name_axis([row_text[0] for row_text in table]),
        axis_around([*known, target], format),
        series,
    )
    said = ", ".join(f"{row_text[0]} {row_text[1]}" for row_text in table)
    return Chart(str(label), said, headers, table, option, x_label=str(axis_label), size=size)


def dot_columns(
    rows: Sequence[dict[str, Any]],
    *,
    format: str = "pct",
    axis_label: Any = "",
    label: Any = "",
    predicted_label: Any = "",
    actual_label: Any = "",
    more: Sequence[Any] = (),
) -> Chart | str:
    """Predicted (hollow circle) beside actual (filled square with interval) per row; amber when outside it.

    Numbers of deciles stand along the foot; names, which need more room, down the side.
    """
    if not rows:
        return figures.NONE
    show = figures.FORMATS[format]
    names = [text(row["label"]) for row in rows]
    predicted_label, actual_label = str(predicted_label or _("Predicted")), str(actual_label or _("Actual"))
    headers = [str(axis_label), predicted_label, actual_label, interval_header(), *map(str, more)]
    table = [
        [
            name,
            show(row["predicted"]),
            show(row.get("actual")),
            figures.interval(row.get("low"), row.get("high"), format),
            *_more(row),
        ]
        for name, row in zip(names, rows, strict=True)
    ]
    keys = ("predicted", "actual", "low", "high")
    source = [[i, *(raw(row.get(key)) for key in keys)] for i, row in enumerate(rows)]
    down = max(map(len, names)) > SHORT
    named = name_axis(names, inverse=down)
    measured = axis_around([v for row in source for v in row[1:]], format)
    across, up = (measured, named) if down else (named, measured)
    option = axes_option(source, across, up, _dots(source, down, predicted_label, actual_label))
    said = "; ".join(
        _("%(label)s: actual %(actual)s, predicted %(predicted)s")
        % {"label": row_text[0], "actual": row_text[2], "predicted": row_text[1]}
        for row_text in table
    )
    size = height_of(len(rows)) if down else "high"
    return Chart(str(label), said, headers, table, option, x_label=str(axis_label), size=size)


def _dots(
    source: Sequence[Sequence[Any]], down: bool, predicted_label: str, actual_label: str
) -> list[dict[str, Any]]:
    place, figure = ("y", "x") if down else ("x", "y")
    outside = [row[3] is not None and row[4] is not None and not row[3] <= row[1] <= row[4] for row in source]
    return [
        {
            "type": "custom",
            "draw": "whisker",
            "columns": [0, 3, 4],
            "shift": -5,
            "down": down,
            "encode": {place: 0, figure: [3, 4]},
            "ink": "--act",
        },
        {
            "type": "scatter",
            "name": actual_label,
            "symbol": "rect",
            "symbolSize": 7,
            "symbolOffset": [0, -5] if down else [-5, 0],
            "encode": {place: 0, figure: 2},
            "itemStyle": {"color": "--act"},
        },
        {
            "type": "scatter",
            "name": predicted_label,
            "symbol": "circle",
            "symbolSize": 8,
            "symbolOffset": [0, 5] if down else [5, 0],
            "encode": {place: 0, figure: 1},
            "itemStyle": {"color": "--card", "borderWidth": 1.6},
            "edges": ["--warn-m" if out else "--ink" for out in outside],
        },
    ]


def scatter(
    rows: Sequence[dict[str, Any]],
    *,
    format: str = "pct",
    x_label: Any = "",
    y_label: Any = "",
    label: Any = "",
    row_label: Any = "",
    more: Sequence[Any] = (),
) -> Chart | str:
    """Calibration: actual over predicted with intervals, and the diagonal on which a perfect model lies.

    With ``row_label`` the table begins with a column so headed, which a row gives as ``label``.
    """
    if not rows:
        return figures.NONE
    show = figures.FORMATS[format]
    first = [str(row_label)] if row_label else []
    headers = [*first, str(x_label), str(y_label), interval_header(), *map(str, more)]
    table = [
        [
            *([text(row["label"])] if row_label else []),
            show(row["x"]),
            show(row["y"]),
            figures.interval(row.get("low"), row.get("high"), format),
            *_more(row),
        ]
        for row in rows
    ]
    source = [[raw(row.get(key)) for key in ("x", "y", "low", "high")] for row in rows]
    low, high = nice_bounds(
        [value for row in source for value in (row[0], row[1], row[3]) if value is not None], most=4
    )
    across, up = value_axis(low, high, format, grid=False), value_axis(low, high, format)
    option = axes_option(source, across, up, _calibrated(low, high))
    said = "; ".join(
        _("predicted %(x)s, actual %(y)s") % {"x": show(row["x"]), "y": show(row["y"])} for row in rows
    )
    return Chart(
        str(label), said, headers, table, option, x_label=str(x_label), y_label=str(y_label), size="high"
    )


def _calibrated(low: float, high: float) -> list[dict[str, Any]]:
    whisker = {"type": "custom", "draw": "whisker", "columns": [0, 2, 3], "ink": "--act"}
    square = {"type": "scatter", "symbol": "rect", "symbolSize": 7, "itemStyle": {"color": "--act"}}
    return [
        whisker | {"encode": {"x": 0, "y": [2, 3]}},
        marked(square | {"encode": {"x": 0, "y": 1}}, [diagonal_of((low, low), (high, high))]),
    ]
