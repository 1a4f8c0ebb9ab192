"""A chart: what ECharts is to draw, and the table of the same figures behind it. charts.js draws, this says what.

The option holds shapes and raw values only. Words and formatted figures stand in the table, which is what tooltips,
labels on marks and the keyboard read out: row i of ``option["dataset"]["source"]`` is row i of the table. Ink is the
name of a token ("--act"), which charts.js looks up. What JSON cannot say, charts.js knows by name: ``draw`` ("whisker",
"band", "squares", "flows"), ``label_column`` (the column of the table written on each mark), ``inks`` and ``edges``
(one per row), ``labels`` of an axis (one per tick).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.ticks import nice_bounds, nice_ticks, tick_format

Raw = float | int | None
GREY = "--ctl"
# charts.css has a height for so many rows.
MOST_HEIGHT = 12


@dataclass(frozen=True)
class Chart:
    """``headers`` has one text per column; ``rows`` one formatted text per column of every row."""

    name: str
    said: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    option: Mapping[str, Any]
    x_label: str = ""
    y_label: str = ""
    size: str = ""
    """A height class of charts.css: "low", "" (150 px), "high", or "n1" to "n12" for so many rows of names."""
    is_open: bool = False
    """Whether the table is unfolded."""
    is_beside: bool = False
    """Whether the page shows the figures in a richer table of its own, so that this one need not be seen."""

    @property
    def json(self) -> str:
        """The option for ``data-chart``. A ``<script>`` would be dropped from fragments: htmx takes none in."""
        return json.dumps(self.option, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def render(self) -> SafeString:
        """The figure as markup."""
        return render_to_string("kit/_chart.html", {"chart": self})

    def beside_its_table(self) -> Chart:
        """The same for a page that shows the figures, and more, in a table of its own."""
        return replace(self, is_beside=True)

    # As Django's forms do: a template writes {{ chart }}.
    __str__ = __html__ = render


def raw(value: Any) -> Raw:
    """A figure as JSON can say it; None where there is none."""
    if figures.is_none(value):
        return None
    return value if isinstance(value, int) else float(value)


def text(value: Any) -> str:
    """A label as text; days in the form of the figures."""
    return figures.short_day(value) if isinstance(value, dt.date) else str(value)


def height_of(rows: int) -> str:
    """The height class of charts.css for so many rows of names."""
    return f"n{min(rows, MOST_HEIGHT)}"


def value_axis(low: float, high: float, kind: str, *, most: int = 4, grid: bool = True) -> dict[str, Any]:
    """An axis of numbers from ``low`` to ``high``; ticks are round and written by the server."""
    ticks = nice_ticks(low, high, most)
    show = tick_format(kind, ticks)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else (high - low) or 1.0
    return {
        "type": "value",
        "min": low,
        "max": high,
        "interval": round(step, 12),
        "first": ticks[0] if ticks else low,
        "labels": [show(tick) for tick in ticks],
        "splitLine": {"show": grid},
    }


def axis_around(values: Iterable[Any], kind: str, low: Any = None, high: Any = None) -> dict[str, Any]:
    """An axis of numbers round ``values``, from zero; cut only when ``low`` or ``high`` says so."""
    known = [v for v in values if not figures.is_none(v)]
    least, most = nice_bounds(known, from_zero=figures.is_none(low), most=4)
    return value_axis(
        least if figures.is_none(low) else float(low), most if figures.is_none(high) else float(high), kind
    )


def name_axis(names: Sequence[str], *, gap: bool = True, inverse: bool = False) -> dict[str, Any]:
    """An axis of words, one slot each (``gap``) or from edge to edge. ECharts leaves out what would overlap."""
    return {"type": "category", "data": list(names), "boundaryGap": gap, "inverse": inverse}


def axes_option(
    source: Sequence[Sequence[Any]],
    across: Mapping[str, Any],
    up: Mapping[str, Any],
    series: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The option of a chart with two axes. Row i of ``source`` is row i of the table; a place on an axis of words is
    its number."""
    data = {"source": source, "sourceHeader": False}
    return {"dataset": data, "xAxis": across, "yAxis": up, "series": series}


def reference(value: Any, label: Any, ink: str = "--ink2") -> dict[str, Any]:
    """A dashed line across at ``value``, labelled at the line."""
    return {
        "yAxis": float(value),
        "lineStyle": {"color": ink, "type": [4, 3], "width": 1},
        "label": {"formatter": str(label), "position": "insideEndTop"},
    }


def diagonal_of(start: tuple[float, float], end: tuple[float, float]) -> list[dict[str, Any]]:
    """A thin line from corner to corner: what chance, or a perfect model, would give."""
    ink = {"color": "--edge", "type": "solid", "width": 1}
    return [{"coord": list(start), "lineStyle": ink, "label": {"show": False}}, {"coord": list(end)}]


def marked(series: dict[str, Any], lines: Sequence[Any]) -> dict[str, Any]:
    """The series with lines across: references, or pairs of coordinates."""
    if lines:
        series["markLine"] = {"symbol": "none", "silent": True, "data": list(lines)}
    return series


def interval_header() -> str:
    return _("95 % interval")
