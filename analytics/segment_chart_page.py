"""The charts of the segmentation pages: profile against everybody, sizes over months, who moved. Reads only."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from analytics import segment_page
from analytics.models import Segment, Segmentation, SegmentationVersion, SegmentRun
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


def baselines(version: SegmentationVersion | None, known: dict[int, Segment]) -> Chart | str:
    """Tier and activity, the divisions a bank has anyway, within every segment: shares against everybody's."""
    beside = version.card.get("baseline") if version else None
    if version is None or not beside:
        return ""
    tiers = beside["tiers"] or [_("All customers")]
    by_group = [_by_group(cells, len(tiers)) for cells in beside["cells"]]
    all_of = [sum(counts) for counts in zip(*by_group, strict=True)]
    n = sum(sum(cells) for cells in beside["cells"]) or 1
    rows = []
    for at, label in enumerate([*tiers, *segment_page.activities()]):
        share = all_of[at] / n
        spread = (share * (1 - share)) ** 0.5
        cells = []
        for counts, whole in zip(by_group, beside["cells"], strict=True):
            own = counts[at] / (sum(whole) or 1)
            z = (own - share) / spread if spread else 0.0
            said = _("%(n)s customers; all customers %(everybody)s") % {
                "n": number(counts[at]),
                "everybody": pct(share, 0),
            }
            cells.append({"tone": segment_page.tone(z), "text": pct(own, 0), "said": said})
        rows.append({"label": label, "everybody": pct(share, 0), "cells": cells})
    columns = [segment_page.title(identity, known, version) for identity in version.card["identity"]]
    return profile(
        {"columns": columns, "rows": rows}, _("Tier and activity within segments"), _("Share of the segment")
    )


def _by_group(cells: list[int], tiers: int) -> list[int]:
    """Customers per tier, then per activity, of one segment's counts in order activity x tier."""
    rows = [cells[start : start + tiers] for start in range(0, len(cells), tiers)]
    return [*(sum(column) for column in zip(*rows, strict=True)), *(sum(row) for row in rows)]


def profile(heat: dict[str, Any] | None, label: Any = "", head: Any = "") -> Chart | str:
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
        [head or _("Mean of the segment"), *heat["columns"], _("All customers")],
        told=[[*(cell["said"] for cell in row["cells"]), ""] for row in heat["rows"]],
        label=label or _("Profile: trait by segment"),
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
