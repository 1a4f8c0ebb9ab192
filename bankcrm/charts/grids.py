"""Two scales against each other: counts or differences on a grid, and who moved from where to where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.charts.chart import Chart, height_of, name_axis

FAINTEST = 0.14
FULL = 3  # steps of a difference from none to the strongest ink


def heat_map(
    cells: Sequence[Sequence[int]],
    row_labels: Sequence[Any],
    column_labels: Sequence[Any],
    *,
    axis_label: Any = "",
    label: Any = "",
) -> Chart | str:
    """One square per count, darker the higher it is. ``cells``: a sequence per row label, a count per column label."""
    largest = max((count for row in cells for count in row), default=0)
    if not largest:
        return figures.NONE
    squares = [
        {
            "value": [j, i],
            "cell": [i, j + 1],
            "ink": "--act" if count else "--ctl-l",
            "opacity": round(FAINTEST + (1 - FAINTEST) * count / largest, 3) if count else 0.5,
        }
        for i, row in enumerate(cells)
        for j, count in enumerate(row)
    ]
    rows = [[str(name), *map(figures.number, row)] for name, row in zip(row_labels, cells, strict=True)]
    count, i, j = max((count, i, j) for i, row in enumerate(cells) for j, count in enumerate(row))
    said = _("most in %(row)s, %(column)s: %(count)s of %(total)s") % {
        "row": row_labels[i],
        "column": column_labels[j],
        "count": figures.number(count),
        "total": figures.number(sum(sum(row) for row in cells)),
    }
    headers = ["", *map(str, column_labels)]
    option = _grid(headers[1:], [row[0] for row in rows], squares, written=False)
    return Chart(str(label), said, headers, rows, option, x_label=str(axis_label), size=height_of(len(rows)))


def difference_map(
    rows: Sequence[Sequence[str]],
    tones: Sequence[Sequence[int]],
    headers: Sequence[Any],
    *,
    told: Sequence[Sequence[Any]] = (),
    label: Any = "",
    said: Any = "",
) -> Chart | str:
    """Texts on a grid: blue for more, amber for less, the stronger the further from everybody's.

    ``rows``: label, then one text per column; ``tones``: −3 to 3 per cell of ``rows`` without its label; ``told``: what
    more a cell has to say.
    """
    if not rows:
        return figures.NONE
    squares = [
        {
            "value": [j, i],
            "cell": [i, j + 1],
            "ink": "--act" if tone > 0 else "--warn-m" if tone < 0 else "--soft",
            "opacity": round(abs(tone) / FULL * 0.55, 3) if tone else 1,
            "told": str(told[i][j]) if told else "",
        }
        for i, row in enumerate(tones)
        for j, tone in enumerate(row)
    ]
    table = [[str(cell) for cell in row] for row in rows]
    option = _grid([str(h) for h in headers[1:]], [row[0] for row in table], squares, written=True)
    return Chart(str(label), str(said), list(map(str, headers)), table, option, size=height_of(len(table)))


def _grid(
    across: Sequence[str], down: Sequence[str], squares: Sequence[dict[str, Any]], *, written: bool
) -> dict[str, Any]:
    return {
        "xAxis": name_axis(across),
        "yAxis": name_axis(down, inverse=True),
        "series": [{"type": "custom", "draw": "squares", "data": list(squares), "written": written}],
    }


def movement(
    moves: Sequence[Sequence[int]],
    froms: Sequence[Any],
    tos: Sequence[Any],
    headers: Sequence[Any],
    rows: Sequence[Sequence[str]],
    *,
    label: Any = "",
    said: Any = "",
    stays: Sequence[tuple[int, int]] = (),
) -> Chart | str:
    """Who moved from where to where, as a Sankey; ``moves[i][j]`` went from ``froms[i]`` to ``tos[j]``.

    The table is the matrix: ``rows`` begin with a label and a total, so move (i, j) is told by cell j + 2. ``stays``
    names the pairs that are no move; they are grey, moves are blue.
    """
    links = [
        {
            "source": f"from {i}",
            "target": f"to {j}",
            "value": n,
            "cell": [i, j + 2],
            "lineStyle": {
                "color": "--ctl" if (i, j) in stays else "--act",
                "opacity": 0.25 if (i, j) in stays else 0.45,
            },
        }
        for i, row in enumerate(moves)
        for j, n in enumerate(row)
        if n
    ]
    if not links:
        return figures.NONE
    received = [sum(row[j] for row in moves) for j in range(len(tos))]
    nodes = [
        {"name": f"from {i}", "text": str(name), "cell": [i, 1], "depth": 0}
        for i, name in enumerate(froms)
        if any(moves[i])
    ] + [
        {"name": f"to {j}", "text": str(name), "told": f"{name}: {figures.number(received[j])}", "depth": 1}
        for j, name in enumerate(tos)
        if received[j]
    ]
    option = {"series": [{"type": "sankey", "draw": "flows", "data": nodes, "links": links}]}
    return Chart(
        str(label),
        str(said),
        list(map(str, headers)),
        [list(map(str, row)) for row in rows],
        option,
        size=height_of(max(len(froms), len(tos)) + 2),
        is_open=True,
    )
