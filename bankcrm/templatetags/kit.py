"""The design kit's filters and tags; templates/kit/README.md is their catalogue."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bankcrm import figures, run_pace, runs
from bankcrm.charts import bars, grids, lines, plots
from bankcrm.definitions import DEFINITIONS
from bankcrm.models import Run
from bankcrm.units import ROWS, Unit

register = template.Library()

for name in (
    "number",
    "signed",
    "money",
    "signed_money",
    "money_short",
    "pct",
    "points",
    "dash",
    "day",
    "short_day",
    "clock",
    "stamp",
    "duration",
    "masked_phone",
    "masked_id",
):
    register.filter(name, getattr(figures, name))
register.simple_tag(figures.interval, name="interval")

for chart in (
    bars.share_bar,
    bars.capacity_bar,
    bars.interval_bar,
    bars.interval_axis,
    bars.forecast_bar,
    bars.spark,
    plots.columns,
    plots.dot_columns,
    lines.line_chart,
    plots.scatter,
    grids.heat_map,
):
    register.simple_tag(chart, name=chart.__name__)

TONE_ICONS = {"ok": "check", "warn": "alert-triangle", "bad": "ban", "act": "", "line": "", "": ""}


@register.simple_tag
def icon(name: str, label: Any = "", size: str = "") -> SafeString:
    """A mask in the colour of the text; decoration unless it has a label. Sizes: s, (16 px), l, xl."""
    if not label:
        return _decoration(name, size)
    return format_html(
        '<span class="{}" role="img" aria-label="{}"></span>', _icon_classes(name, size), label
    )


@cache
def _decoration(name: str, size: str) -> SafeString:
    # A page of leads shows a hundred of the same few.
    return format_html('<span class="{}" aria-hidden="true"></span>', _icon_classes(name, size))


def _icon_classes(name: str, size: str) -> str:
    return f"i i-{name}" + (f" i-{size}" if size else "")


@register.simple_tag
def pill(text: Any, tone: str = "", icon_name: str | None = None) -> SafeString:
    """Status: icon + word + tint. Raises KeyError for a tone that has no meaning."""
    shown = TONE_ICONS[tone] if icon_name is None else icon_name
    mark = icon(shown) if shown else ""
    return format_html('<span class="pill{}">{}{}</span>', f" p-{tone}" if tone else "", mark, text)


@register.simple_tag
def definition(term: str) -> SafeString:
    """A "?" that opens the term's definition: a popover, so it needs no script and closes with Esc.

    Raises KeyError for a term that bankcrm/definitions.py does not know.
    """
    title, text = DEFINITIONS[term]
    # Random, because fragments that arrive later must not repeat an id of the page.
    anchor = f"def-{term}-{secrets.token_hex(4)}"
    return format_html(
        '<button type="button" class="def-b no-print" popovertarget="{}" aria-label="{}">?</button>'
        '<span class="def" id="{}" popover><b>{}</b><br>{}</span>',
        anchor,
        _("What does %(term)s mean?") % {"term": title},
        anchor,
        title,
        text,
    )


@register.simple_tag
def stamp_line(as_of: Any = None, computed: Any = None, stale: Any = "") -> SafeString:
    """Freshness on a card: "data to 31 Oct, computed 06:12 today"; amber with the reason when stale."""
    parts = []
    if as_of:
        parts.append(_("data to %(day)s") % {"day": figures.short_day(as_of)})
    if computed:
        parts.append(_("computed %(moment)s") % {"moment": figures.stamp(computed)})
    said = ", ".join(parts) or _("not computed yet")
    if stale:
        return format_html(
            '<span class="fresh stale">{} {} · {}</span>', icon("alert-triangle", size="s"), said, stale
        )
    return format_html('<span class="fresh">{}</span>', said)


@register.inclusion_tag("kit/_empty.html")
def empty(title: Any, text: Any = "", url: str = "", label: Any = "", icon: str = "inbox") -> dict[str, Any]:
    """What would be here, and the one button that makes it so."""
    return {"title": title, "text": text, "url": url, "label": label, "icon": icon}


@register.inclusion_tag("kit/_progress.html")
def progress(
    done: int | None, total: int | None, eta_seconds: Any = None, label: Any = "", unit: Unit = ROWS
) -> dict[str, Any]:
    """How many of how many are done and the time left; without a total the bar only says that work goes on."""
    told = unit.of(done or 0, total) if total else unit.count(done) if done else _("starting")
    return {"done": done or 0, "total": total, "told": told, "eta": eta_seconds, "label": label}


@register.inclusion_tag("kit/_run_progress.html")
def run_progress(run: Run, with_step: bool = True) -> dict[str, Any]:
    """A run under way: its progress in the unit of its kind, time left or how long nothing was heard, and its step."""
    return {
        "run": run,
        "unit": runs.unit(run.kind),
        "eta": run_pace.seconds_left(run),
        "silent": run_pace.seconds_silent(run),
        "step": run.note if with_step else "",
    }


@register.inclusion_tag("kit/_chart_table.html")
def chart_table(caption: Any, headers: Sequence[Any], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The figures behind a chart, folded; cells are shown as given (format them in the view or row)."""
    return {"caption": caption, "headers": headers, "rows": rows}


@register.inclusion_tag("kit/_waterfall.html")
def waterfall(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Who remains after each step. Says whether audience = final + control + left out; a gap is shown, not hidden."""
    steps = [dict(row, dropped=row.get("dropped") or 0, kind=row.get("kind", "left_out")) for row in rows]
    if not steps:
        return {"steps": []}
    total = steps[0]["remaining"]
    for step in steps:
        step["bar"] = bars.waterfall_bar(
            total, step["remaining"], step["dropped"], step["kind"], str(step["label"])
        )
    control = sum(step["dropped"] for step in steps if step["kind"] == "control")
    left_out = sum(step["dropped"] for step in steps if step["kind"] != "control")
    final = steps[-1]["remaining"]
    gap = total - final - control - left_out
    return {
        "steps": steps,
        "total": total,
        "control": control,
        "left_out": left_out,
        "final": final,
        "gap": gap,
    }


@register.inclusion_tag("kit/_funnel.html")
def funnel(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Steps as shares of the first one, control beside them where there is any."""
    steps = [dict(row) for row in rows]
    first = steps[0]["count"] if steps else 0
    for step in steps:
        step["share"] = step["count"] / first if first else None
    return {"steps": steps, "has_control": any(step.get("control") is not None for step in steps)}
