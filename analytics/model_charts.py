"""The charts of the model pages: cards and counts turned into what ``bankcrm.charts`` draws. Reads, never writes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from analytics.models import ModelVersion
from bankcrm.charts import lines, plots
from bankcrm.charts.chart import Chart
from bankcrm.figures import NONE, interval, number, pct
from bankcrm.proportions import wilson

Charts = dict[str, Chart | str]


def beside_its_table(chart: Chart | str) -> Chart | str:
    """The chart for a page that shows the figures in a richer table of its own."""
    return chart.beside_its_table() if isinstance(chart, Chart) else chart


def of_version(shown: ModelVersion | None, challenger: ModelVersion | None) -> Charts:
    """Lift, gains and calibration of a version on later customers, a challenger's beside them where there is one."""
    if shown is None or "lift" not in shown.card:
        return {}
    rival = challenger if challenger and challenger.pk != shown.pk else None
    return {
        "lift": lift(shown, rival),
        "gains": gains(shown, rival),
        "calibration": calibration(shown.card["calibration"]),
    }


def lift(shown: ModelVersion, rival: ModelVersion | None) -> Chart | str:
    """Lift by decile; hollow: the challenger's."""
    outline = {row["decile"]: row["lift"] for row in rival.card.get("lift", [])} if rival else {}
    rows = [
        {
            "label": str(row["decile"]),
            "value": row["lift"],
            "outline": outline.get(row["decile"]),
            "more": [
                number(row["n"]),
                number(row["responders"]),
                pct(row["rate"]),
                interval(*wilson(row["responders"], row["n"]), "pct") if row["n"] else NONE,
            ],
        }
        for row in shown.card["lift"]
    ]
    return plots.columns(
        rows,
        format="decimal",
        target=1,
        target_label=_("average = 1"),
        axis_label=_("decile, 1 = highest score"),
        label=_("Lift by decile"),
        value_label=_("Lift, v%(number)s") % {"number": shown.number},
        outline_label=_("Lift, v%(number)s") % {"number": rival.number} if rival else "",
        more=[_("Customers"), _("Positive"), _("Rate"), _("Rate, 95 % interval")],
    )


def gains(shown: ModelVersion, rival: ModelVersion | None) -> Chart | str:
    """Share of the positive found over the share of customers taken; the straight line is chance."""
    series = [{"label": f"v{shown.number}", "points": shown.card["gains"]}]
    if rival and rival.card.get("gains"):
        series.append({"label": f"v{rival.number}", "points": rival.card["gains"], "dashed": True})
    return lines.line_chart(
        series,
        x_label=_("share of customers, best score first"),
        x_format="pct",
        y_format="pct",
        y_min=0,
        y_max=1,
        diagonal=True,
        label=_("Share of the positive found over share of customers taken"),
        size="high",
    )


def calibration(rows: list[dict[str, Any]]) -> Chart | str:
    """Actual over predicted by decile."""
    return plots.scatter(
        [
            {
                "label": row["decile"],
                "x": row["predicted"],
                "y": row["actual"],
                "low": row["low"],
                "high": row["high"],
                "more": [number(row["n"])],
            }
            for row in rows
        ],
        format="pct",
        row_label=_("Decile"),
        x_label=_("predicted"),
        y_label=_("actual"),
        label=_("Actual over predicted by decile with 95 % intervals"),
        more=[_("Customers")],
    )


def deciles(rows: list[dict[str, Any]], name: str, *, axis: str = "") -> Chart | str:
    """Predicted and actual of each tenth: ``decile, predicted, actual, low, high`` and how many customers, ``n``."""
    return plots.dot_columns(
        [{"label": str(row["decile"]), **row, "more": [number(row["n"])]} for row in rows],
        axis_label=axis or _("decile, 1 = highest score"),
        label=name,
        more=[_("Customers")],
    )


def uplift_curve(points: list[tuple[float, float]]) -> Chart | str:
    """Extra sales per treated customer when the best are contacted first."""
    return lines.line_chart(
        [{"label": _("best uplift first"), "points": points, "marked": True}],
        x_label=_("share of customers, best score first"),
        x_format="pct",
        y_format="pct",
        label=_("Extra sales per treated customer over the share of customers contacted"),
        size="high",
    )


def uplift_deciles(rows: list[dict[str, Any]]) -> Chart | str:
    """Predicted and actual uplift of each tenth in which both arms have customers."""
    return plots.dot_columns(
        [
            {
                "label": str(row["decile"]),
                "predicted": row["predicted"],
                "actual": row["uplift"],
                "low": row["low"],
                "high": row["high"],
                "more": [number(row["treated"]), number(row["control"])],
            }
            for row in rows
            if row["uplift"] is not None
        ],
        axis_label=_("decile, 1 = highest score"),
        label=_("Predicted and actual uplift by decile with 95 % intervals"),
        more=[_("Treated"), _("Control")],
    )


def answers(rows: list[dict[str, Any]]) -> Chart | str:
    """Mean chance and share of every answer; rows: ``label, predicted, actual, low, high, n``."""
    return plots.dot_columns(
        [{**row, "more": [number(row["n"])]} for row in rows],
        label=_("Mean chance and actual share of every answer with 95 % intervals"),
        predicted_label=_("Mean chance"),
        actual_label=_("Share"),
        more=[_("Chose it")],
    )


def sureness(rows: list[dict[str, Any]]) -> Chart | str:
    """How often the likeliest answer came true over its chance, by tenths of the chance."""
    return plots.scatter(
        [
            {"label": row["decile"], "x": row["predicted"], "y": row["actual"], "low": row["low"]}
            | {"high": row["high"], "more": [number(row["n"])]}
            for row in rows
        ],
        row_label=_("Tenth"),
        x_label=_("chance of the likeliest answer"),
        y_label=_("came true"),
        label=_("How often the likeliest answer came true, over its chance, by tenths with 95 % intervals"),
        more=[_("Customers")],
    )


def months(
    rows: list[dict[str, Any]], name: str, label: str, *, format: str, y_min: float = 0, **drawn: Any
) -> Chart | str:
    """A figure of score runs by the day they are of, with its band where there are intervals; "" below two points.

    Rows, newest first: ``run`` and under ``name`` None or ``value`` with ``low`` and ``high`` or without.
    """
    found: dict[dt.date, dict[str, float]] = {
        row["run"].as_of: row[name] for row in reversed(rows) if row[name]
    }
    if len(found) < 2:
        return ""
    line: dict[str, Any] = {"label": label, "marked": True}
    line["points"] = [(day, one["value"]) for day, one in found.items()]
    if all("low" in one for one in found.values()):
        line |= {end: [one[end] for one in found.values()] for end in ("low", "high")}
    if y_min > min(one.get("low", one["value"]) for one in found.values()):
        y_min = 0  # what lies below a cut would not be seen
    cut = y_min or None
    return lines.line_chart([line], x_label=_("Scores of"), y_format=format, y_min=cut, label=label, **drawn)
