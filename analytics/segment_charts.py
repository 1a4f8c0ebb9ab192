"""The charts of the segmentation pages: profile against everybody, sizes over months, who moved. Reads only."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from analytics import segment_page
from analytics.models import Segmentation, SegmentRun
from bankcrm.charts import grids, lines
from bankcrm.charts.chart import Chart
from bankcrm.figures import number, pct, short_day

MONTHS = 24
ARROWS = {1: "▲ ", 0: "", -1: "▼ "}


def runs(made: Segmentation) -> list[SegmentRun]:
    """The run in use of every month, newest month first: of several of one day the last."""
    found = (
        SegmentRun.objects.filter(version__segmentation=made, state=SegmentRun.State.PUBLISHED)
        .select_related("version")
        .defer("version__artefact")
        .order_by("-as_of", "-pk")[: 2 * MONTHS]
    )
    newest: dict[Any, SegmentRun] = {}
    for run in found:
        newest.setdefault(run.as_of, run)
    return list(newest.values())[:MONTHS]


def profile(heat: dict[str, Any] | None) -> Chart | str:
    """Trait by segment against everybody, ``heat`` of ``segment_page``; everybody's mean stands in the last column."""
    if heat is None:
        return ""
    rows = [
        [
            str(row["label"]),
            *(f"{ARROWS[(cell['tone'] > 0) - (cell['tone'] < 0)]}{cell['text']}" for cell in row["cells"]),
            row["everybody"],
        ]
        for row in heat["rows"]
    ]
    strongest = max(
        (abs(cell["tone"]), cell["said"], row["label"], name)
        for row in heat["rows"]
        for cell, name in zip(row["cells"], heat["columns"], strict=True)
    )
    return grids.difference_map(
        rows,
        [[*(cell["tone"] for cell in row["cells"]), 0] for row in heat["rows"]],
        [_("Mean of the segment"), *heat["columns"], _("All customers")],
        told=[[*(cell["said"] for cell in row["cells"]), ""] for row in heat["rows"]],
        label=_("Profile: trait by segment"),
        said=_("furthest from all customers: %(segment)s by %(trait)s, %(said)s")
        % {"segment": strongest[3], "trait": strongest[2], "said": strongest[1]},
    )


def months(made: Segmentation, found: list[SegmentRun]) -> Chart | str:
    """The share of customers in every segment month by month; "" below two months.

    Of more than ``MOVES_SHOWN`` segments the largest now are drawn.
    """
    counted = [run for run in reversed(found) if run.sizes]
    if len(counted) < 2:
        return ""
    now = {int(key): n for key, n in counted[-1].sizes.items()}
    known = segment_page.names(made)
    shown = sorted(now, key=lambda key: (-now[key], key))[: segment_page.MOVES_SHOWN]
    series = []
    for key in shown:
        name = segment_page.title(key, known, counted[-1].version)
        points = [(run.as_of, run.sizes.get(str(key), 0) / run.rows) for run in counted if run.rows]
        series.append({"label": name, "points": points, "end": name, "quiet": True, "marked": True})
    return lines.line_chart(
        series,
        x_label=_("As of"),
        y_format="pct",
        label=_("Share of customers by segment and month"),
        more=[(_("Customers"), {run.as_of: number(run.rows) for run in counted})],
        size="tall",
    )


def movement(
    moves: dict[str, Any] | None, before: SegmentRun | None, after: SegmentRun | None
) -> Chart | str:
    """Who moved between two runs, ``moves`` of ``segment_page``; the table is the matrix, each row adding up."""
    if moves is None or before is None or after is None:
        return ""
    rows = [
        [
            str(row["label"]),
            number(row["total"]),
            *(
                f"{number(cell['n'])} ({pct(cell['share'], 0)})" if cell["n"] else "0"
                for cell in row["cells"]
            ),
        ]
        for row in moves["rows"]
    ]
    stays = [
        (i, j) for i, row in enumerate(moves["rows"]) for j, cell in enumerate(row["cells"]) if cell["stays"]
    ]
    said = _("of %(n)s customers %(stayed)s kept their segment") % {
        "n": number(moves["both"]),
        "stayed": pct(moves["stayed"], 0),
    }
    return grids.movement(
        [[cell["n"] for cell in row["cells"]] for row in moves["rows"]],
        [row["label"] for row in moves["rows"]],
        moves["columns"],
        [_("From ↓ to →"), _("Customers"), *moves["columns"]],
        rows,
        label=_("Segments of %(before)s (left) and of %(after)s (right)")
        % {"before": short_day(before.as_of), "after": short_day(after.as_of)},
        said=said,
        stays=stays,
    )
