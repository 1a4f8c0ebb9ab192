"""The list of results: one line for each campaign, with what its figures are or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from campaigns import results, verdict_text
from campaigns.evaluation_page import PILLS
from campaigns.models import Campaign
from campaigns.models.campaign import CampaignQuerySet
from campaigns.results import Result

PAGE = 25
# What is ordered or filtered by its figures must be computed first: so many of the newest are.
MOST_COMPUTED = 100
STATES = [Campaign.State.RUNNING, Campaign.State.CLOSED, Campaign.State.IMPORTED]
NEWEST, NAME, EFFECT, RETURN = "", "name", "effect", "roi"


def needs_figures(chosen: Mapping[str, Any]) -> bool:
    """Whether filter or order ask for what must be computed first."""
    return "verdict" in chosen or chosen.get("order") in (EFFECT, RETURN)


def order(chosen: Mapping[str, Any]) -> tuple[str, str] | tuple[str]:
    """The order the database keeps."""
    return ("name", "pk") if chosen.get("order") == NAME else ("-pk",)


def computed(found: CampaignQuerySet, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The newest campaigns of ``found``, filtered and ordered by their figures; no pages."""
    newest = list(found.order_by("-pk")[: MOST_COMPUTED + 1])
    lines = _chosen(results.results(newest[:MOST_COMPUTED]), chosen)
    more = len(newest) > MOST_COMPUTED
    return {"rows": [_row(line) for line in lines], "more_than": MOST_COMPUTED if more else 0}


def listed(campaigns: list[Campaign]) -> dict[str, Any]:
    """The campaigns of one page: as many statements for a full page as for one line."""
    return {"rows": [_row(line) for line in results.results(campaigns)], "more_than": 0}


def _chosen(found: list[Result], chosen: Mapping[str, Any]) -> list[Result]:
    if verdict := chosen.get("verdict"):
        found = [one for one in found if one.verdict == verdict]
    value = {EFFECT: _effect, RETURN: _return}.get(chosen.get("order", ""))
    return sorted(found, key=_last_when_unknown(value)) if value else found


def _last_when_unknown(value: Callable[[Result], float | None]) -> Callable[[Result], tuple[bool, float]]:
    def key(one: Result) -> tuple[bool, float]:
        figure = value(one)
        return figure is None, -(figure or 0.0)

    return key


def _effect(one: Result) -> float | None:
    return one.arm.figures.effect.value if one.arm and one.arm.figures else None


def _return(one: Result) -> float | None:
    return one.roi.value if one.roi else None


def _row(one: Result) -> dict[str, Any]:
    word, tone = PILLS[one.verdict]
    known = one.arm.figures if one.arm else None
    effect = verdict_text.shown(known) if known else {"effect": "", "range": ""}
    refusals = one.readout.refusals if one.readout else ()
    return {
        "campaign": one.campaign,
        "word": word,
        "tone": tone,
        "is_frozen": one.is_frozen,
        "version": one.version,
        "as_of": one.as_of,
        "arm": one.arm.arm.code if one.arm and one.readout and len(one.readout.arms) > 1 else "",
        "others": len(one.readout.arms) - 1 if one.readout else 0,
        **effect,
        "roi": one.roi,
        "roi_refusal": one.roi_refusal,
        "refusal": refusals[0] if refusals else None,
    }
