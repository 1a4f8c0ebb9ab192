"""The effect by branch and the scores by decile as the evaluation report shows them: rows and sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import figures
from campaigns.effect import wilson
from campaigns.effect_tables import ShrunkCell
from campaigns.evaluation import Evaluation
from campaigns.refusal import MIN_PER_ARM


@dataclass(frozen=True)
class Axis:
    """A common axis in rate units that holds every interval and zero."""

    low: float
    high: float


def axis_of(ranges: list[tuple[float, float]]) -> Axis:
    """The smallest axis in half points around zero and all the given (low, high) pairs."""
    step = 0.005
    low = min([0.0, *(pair[0] for pair in ranges)])
    high = max([0.0, *(pair[1] for pair in ranges)])
    return Axis(math.floor(low / step - 0.2) * step, math.ceil(high / step + 0.2) * step)


def branches(evaluation: Evaluation) -> dict[str, Any]:
    """The effect by branch: rows, their axis where any has a figure, and in a sentence what can be said of them."""
    shown = evaluation.branches
    differ = bool(evaluation.branch_spread and evaluation.branch_spread.tau2 > 0)
    narrowest = min((cell.interval for cell in shown), key=lambda one: one.high - one.low, default=None)
    places = figures.places(narrowest.low, narrowest.high) if narrowest else 1
    return {
        "branches": _group_rows(shown, evaluation.sums["branches"]),
        "branch_axis": axis_of(_ranges(shown)) if shown else None,
        "branch_places": places,
        "branch_unit": f"points{places}",
        "branches_differ": differ,
        "branches_compared": len(shown) > 1,
        "branches_told": _branches_told(evaluation, differ),
    }


def _branches_told(evaluation: Evaluation, differ: bool) -> str:
    if differ:
        return _(
            "Filled: shrunk towards the overall effect, so that small branches do not shout. Hollow: raw."
        )
    compared = len(evaluation.branches)
    if compared > 1:
        return _(
            "Branches do not differ beyond chance: one figure holds for all, so they are not ranked. That figure"
            " weighs branches by how exactly each is measured and so can differ a little from the effect by arm."
        )
    told = (
        _("Only one branch has %(n)s customers in each arm, so branches could not be compared.")
        if compared
        else _("No branch has %(n)s customers in each arm, so nothing could be tested by branch.")
    ) % {"n": MIN_PER_ARM}
    return f"{told} {_enough_in_a_branch(evaluation)}".strip()


def _enough_in_a_branch(evaluation: Evaluation) -> str:
    """How many customers a branch would need at this campaign's split between treated and control."""
    control = sum(arm["assigned"] for arm in evaluation.arms if arm["is_control"])
    everybody = sum(arm["assigned"] for arm in evaluation.arms)
    smaller = min(control, everybody - control)
    if not smaller:
        return ""
    return _(
        "With this campaign's control share of %(share)s, %(n)s customers in a branch would be enough."
    ) % {
        "share": figures.pct(control / everybody, 0),
        "n": figures.number(math.ceil(MIN_PER_ARM * everybody / smaller)),
    }


def _ranges(cells: list[ShrunkCell]) -> list[tuple[float, float]]:
    """What an axis must hold: intervals and raw values."""
    return [(min(c.interval.low, c.raw.value), max(c.interval.high, c.raw.value)) for c in cells]


def _group_rows(shown: list[ShrunkCell], groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every group, those too small with what they have instead of a figure; best first when cells differ."""
    by_label = {cell.cell.label: cell for cell in shown}
    rows = [
        group
        | {"label": str(group["label"]), "cell": by_label.get(str(group["label"])), "needed": MIN_PER_ARM}
        for group in groups
    ]
    return sorted(rows, key=lambda row: row["cell"].rank if row["cell"] and row["cell"].rank else len(rows))


def deciles(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Predicted against actual success per decile among the treated, with Wilson intervals."""
    rows = []
    for group in evaluation.sums["deciles"]:
        n = group["treated_n"]
        if n < MIN_PER_ARM or group["expected"] is None:
            continue
        interval = wilson(group["treated_successes"], n)
        rows.append(
            {
                "label": str(group["label"]),
                "predicted": group["expected"] / n,
                "actual": group["treated_successes"] / n,
                "low": interval.low,
                "high": interval.high,
                "n": n,
            }
        )
    return rows
