"""What the page of an uplift model shows: the gate's decision and the evidence it rests on. Reads, never writes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from analytics import card, model_charts
from analytics.distribution import reference_names
from analytics.models import ModelVersion
from bankcrm.figures import number, pct, short_day
from customers.fields import Reference


def evidence(shown: ModelVersion | None) -> dict[str, Any] | None:
    """The gate, its figures, both charts and the campaigns of a version; None for a version of another kind."""
    found = shown.card.get("uplift") if shown else None
    if found is None:
        return None
    proof = found["evidence"]
    tiers = reference_names(Reference.TIER)
    order = {code: place for place, code in enumerate(tiers)}
    return {
        "used": found["use"] == "uplift",
        "stands_in": found["use"] == "response_by_segment",
        "sentence": card.told(found["sentence"]),
        "instead": _instead(found),
        "figures": _figures(proof),
        "curve": model_charts.uplift_curve(curve(proof["deciles"])),
        "deciles": model_charts.uplift_deciles(proof["deciles"]),
        "groups": [
            {**row, "name": str(tiers.get(row["name"], row["name"])) or _("not known")}
            for row in sorted(found.get("groups", []), key=lambda row: order.get(row["name"], len(order)))
        ],
        "campaigns": [
            {**row, "from": short_day(dt.date.fromisoformat(row["from"]))} for row in found["campaigns"]
        ],
    }


def _instead(found: dict[str, Any]) -> str:
    """What stands in where the gate did not pass."""
    if found["use"] == "uplift":
        return ""
    if found["use"] == "response_by_segment":
        return _(
            "Instead it ranks by %(label)s Keep %(share)s of the contacts for exploration, so that uplift can be"
            " learned."
        ) % {"label": _lower(card.told(found["label"])), "share": pct(found["exploration"], 0)}
    return _(
        "%(label)s Campaigns cannot choose this model; contact %(share)s of the customers at random."
    ) % {
        "label": card.told(found["label"]),
        "share": pct(found["exploration"], 0),
    }


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _figures(proof: dict[str, Any]) -> list[dict[str, str]]:
    named = (
        (_("Qini, uplift"), "qini", proof["qini"]),
        (_("Qini, response model"), "qini", proof["response_qini"]),
        (_("Ahead of the response model"), "uplift_gate", proof["ahead"]),
        (_("Area under the uplift curve"), "auuc", proof["auuc"]),
        (_("Qini, chance × effect in the tier"), "qini", proof["segment_qini"]),
    )
    return [
        {
            "label": label,
            "term": term,
            **{key: number(interval[key], 4) for key in ("value", "low", "high")},
        }
        for label, term, interval in named
        if interval is not None
    ]


def curve(deciles: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """Extra sales per treated customer when the best tenths are contacted: (share of customers, sum so far).

    Per tenth its treated share times its difference of the arms' rates, so that campaigns of different shares weigh as
    they do in the differences.
    """
    treated = sum(row["treated"] for row in deciles) or 1
    customers = sum(row["treated"] + row["control"] for row in deciles) or 1
    points, share, gained = [(0.0, 0.0)], 0.0, 0.0
    for row in deciles:
        share += (row["treated"] + row["control"]) / customers
        gained += row["treated"] / treated * (row["uplift"] or 0.0)
        points.append((round(share, 4), gained))
    return points
