"""How a forecast is shown: its rows, its axis and in words what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import figures
from campaigns.models import Campaign
from campaigns.verdict_text import COUNTED

SMALL = 10


def context(forecast: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates of a forecast take beside ``forecast`` itself."""
    return {
        "forecast_rows": rows(forecast),
        "forecast_basis": basis(forecast),
        "responses_label": responses_label(forecast),
        "axis": axis(forecast),
    }


def line(campaign: Campaign) -> dict[str, Any]:
    """The forecast of a campaign in one line of a list: what it counts, how many, of which day, resting on what.

    Needs ``selection`` selected with the campaign. Without a figure ``why_not`` says what is missing.
    """
    selection = campaign.selection
    forecast = (selection.definition.get("forecast") or {}) if selection else {}
    found = forecast.get("incremental")
    kind = unit(found["high"]) if found else "number"
    counted = COUNTED.get(campaign.success, COUNTED["conversion"])[0]
    return {
        "cost": forecast.get("cost"),
        "counted": counted,
        "expected": figures.FORMATS[kind](found["expected"]) if found else None,
        "interval": figures.interval(found["low"], found["high"], kind) if found else "",
        "basis": _resting_on(forecast) if found else "",
        "why_not": "" if found else next(iter(forecast.get("sentences", [])), _("Nothing to forecast yet.")),
        "as_of": selection.profile_month if selection else None,
        "made_at": selection.created_at if selection else None,
    }


def _resting_on(forecast: Mapping[str, Any]) -> str:
    n = forecast.get("past_campaigns") or 0
    return ngettext("by %(n)s past campaign", "by %(n)s past campaigns", n) % {"n": figures.number(n)}


def rows(forecast: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Expected values with their intervals. What is not forecast is left out and its sentence says why; a value that
    only the offer's margin is missing for stands as a dash."""
    wanted = [
        ("responses", responses_label(forecast), "number"),
        ("incremental", _("Of these incremental"), "number"),
        ("incremental_value", _("Incremental value after contact cost"), "money_short"),
        ("roi", _("ROI"), "decimal"),
    ]
    of_value = ("incremental_value", "roi") if forecast.get("incremental") else ()
    return [
        _row(label, forecast.get(name), kind)
        for name, label, kind in wanted
        if forecast.get(name) or name in of_value
    ]


def _row(label: str, found: Mapping[str, float] | None, kind: str) -> dict[str, Any]:
    if not found:
        return {"label": label, "expected": figures.NONE, "interval": ""}
    shown = unit(found["high"]) if kind == "number" else kind
    return {
        "label": label,
        "expected": figures.FORMATS[shown](found["expected"]),
        "interval": figures.interval(found["low"], found["high"], shown),
    }


def responses_label(forecast: Mapping[str, Any]) -> str:
    """Of whom the conversions are forecast: without a known effect a model of what comes anyway says nothing more."""
    if forecast.get("basis") == "anyway" and not forecast.get("incremental"):
        return _("Conversions that come anyway")
    return _("Conversions among the contacted")


def basis(forecast: Mapping[str, Any]) -> str:
    """Where conversions and the incremental among them come from; one basis for both."""
    n = forecast.get("past_campaigns") or 0
    past = ngettext(
        "%(n)s past campaign of this product with a control group",
        "%(n)s past campaigns of this product with a control group, combined",
        n,
    ) % {"n": figures.number(n)}
    share = forecast.get("incremental_share")
    known = {
        ("contacted", False): _("Conversions: the chances the model learned from contacted customers."),
        ("contacted", True): _(
            "Conversions: the chances the model learned from contacted customers. The incremental among them by"
            " %(past)s."
        )
        if share is None
        else _(
            "Conversions: the chances the model learned from contacted customers. Of these %(share)s are incremental by"
            " %(past)s."
        ),
        ("anyway", False): _(
            "Conversions: the chances of what customers open anyway; no effect of the contact is counted."
        ),
        ("anyway", True): _(
            "Conversions: what customers open anyway by their chances, and in addition the effect by %(past)s."
        ),
        ("past", True): _("Conversions and the incremental among them by %(past)s."),
    }
    sentence = known.get((forecast.get("basis", ""), n > 0), "")
    return sentence % {"past": past, "share": figures.pct(share, 0)}


def axis(forecast: Mapping[str, Any]) -> dict[str, Any] | None:
    """The incremental forecast on an axis that includes zero."""
    found = forecast.get("incremental")
    if not found:
        return None
    low, high = min(0.0, found["low"]), max(0.0, found["high"])
    pad = (high - low) * 0.08 or 1.0
    ends = {"axis_min": low - pad if low < 0 else 0.0, "axis_max": high + pad}
    kind = unit(found["high"])
    return {**found, **ends, "unit": kind, "shown": figures.FORMATS[kind](found["expected"])}


def unit(most: float) -> str:
    """Customers are whole, unless so few are expected that rounding would leave nothing to read."""
    return ("number", "decimal1", "decimal")[decimals(most)]


def decimals(most: float) -> int:
    """Decimals of customers where ``most`` is the most that is expected."""
    return 0 if most >= SMALL else 1 if most >= 1 else 2
