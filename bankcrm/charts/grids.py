"""Counts on a grid of two ordered scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.plots import framed
from bankcrm.charts.svg import canvas, el, text, x

ROW = 18  # pixels
FAINTEST = 0.14


def heat_map(
    cells: Sequence[Sequence[int]],
    row_labels: Sequence[Any],
    column_labels: Sequence[Any],
    *,
    axis_label: Any = "",
    label: Any = "",
    room: str = "l-m",
) -> SafeString:
    """One square per cell with a count, darker the higher it is; each says its count.

    ``cells`` has one sequence per row label with one count per column label.
    """
    largest = max((count for row in cells for count in row), default=0)
    if not largest:
        return format_html("{}", figures.NONE)
    slot = 1 / len(column_labels)
    marks = []
    for i, row in enumerate(cells):
        marks.append(text(0, i * ROW + 13, row_labels[i], cls="e tm", dx=-6))
        marks.append(
            el("rect", cls="f-ctl-l", x="0", y=i * ROW + 1, width=x(1 - slot * 0.06), height=ROW - 2, rx=2)
        )
        for j, count in enumerate(row):
            if count:
                said = _("%(row)s, %(column)s: %(count)s") % {
                    "row": row_labels[i],
                    "column": column_labels[j],
                    "count": figures.number(count),
                }
                marks.append(_square(said, j * slot, i, slot, FAINTEST + (1 - FAINTEST) * count / largest))
    height = len(cells) * ROW + 18
    marks += [
        text(j * slot, height - 4, name, cls="tm") for j, name in enumerate(column_labels) if j % 2 == 0
    ]
    return framed(
        canvas(height, label or _busiest(cells, row_labels, column_labels), marks),
        room,
        axis_label=axis_label,
    )


def _square(said: str, left: float, row: int, slot: float, strength: float) -> SafeString:
    return el(
        "rect",
        el("title", said),
        cls="f-act",
        x=x(left),
        y=row * ROW + 1,
        width=x(slot * 0.94),
        height=ROW - 2,
        rx=2,
        fill_opacity=strength,
    )


def _busiest(cells: Sequence[Sequence[int]], row_labels: Sequence[Any], column_labels: Sequence[Any]) -> str:
    count, i, j = max((count, i, j) for i, row in enumerate(cells) for j, count in enumerate(row))
    return _("most in %(row)s, %(column)s: %(count)s of %(total)s") % {
        "row": row_labels[i],
        "column": column_labels[j],
        "count": figures.number(count),
        "total": figures.number(sum(sum(row) for row in cells)),
    }
