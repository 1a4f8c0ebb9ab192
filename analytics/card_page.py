"""The model card as pages show it: what it predicts, of which data, by which method, within which limits."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import audience, card, targets
from analytics.models import ModelVersion, PredictiveModel
from bankcrm.figures import number, short_day
from customers import attitude
from customers import fields as catalogue

SOURCES = {
    "holdings": gettext_lazy("what customers opened or gave up"),
    "assignments": gettext_lazy("outcomes of campaigns"),
    "history": gettext_lazy("an imported campaign"),
    "own": gettext_lazy("a field of the bank's own"),
    "uplift": gettext_lazy("treated and control customers of past campaigns"),
    "preferences": gettext_lazy("what customers then did"),
}
# Of ``modelling.estimators.SETTINGS``.
SETTINGS = {
    "steady": gettext_lazy("80 trees of medium size"),
    "shallow": gettext_lazy("200 shallow trees, each split among a third of the fields"),
    "fine": gettext_lazy("120 fine trees, each split among a third of the fields"),
    "long": gettext_lazy("300 large trees"),
    "plain": gettext_lazy("weights held lightly"),
    "held": gettext_lazy("weights held towards zero"),
}


def definition_rows(model: PredictiveModel) -> list[tuple[Any, str]]:
    """Who is asked about and what the scores are used for, as the stored definition says."""
    rows: list[tuple[Any, str]] = []
    if asked := targets.asked(model):
        rows.append((_("Asked about"), asked))
    if model.population:
        rows.append((_("For whom"), audience.describe(model.population)))
    if model.exclusions:
        rows.append((_("Except"), audience.describe(model.exclusions)))
    if model.feeds:
        rows.append((_("Fills"), str(catalogue.get(model.feeds).label)))
    if model.feeds in attitude.CHURN:
        rows.append((_("Loyalty grade"), str(catalogue.get("loyalty_grade").meaning)))
    return rows


def card_rows(model: PredictiveModel, version: ModelVersion | None) -> list[tuple[Any, str]]:
    """The model card as key and text."""
    if version is None:
        return []
    document = version.card
    rows: list[tuple[Any, str]] = [
        (_("Predicts"), targets.sentence(model)),
        *definition_rows(model),
        (_("Learned from"), str(SOURCES.get(document.get("source", ""), ""))),
    ]
    for name, label in (
        ("train", _("Trained on")),
        ("validation", _("Calibrated on")),
        ("out_of_time", _("Tested on")),
    ):
        if part := document.get("slices", {}).get(name):
            rows.append((label, _slice(part, document.get("source") == "history")))
    rows.append((_("Method"), version.get_algorithm_display()))
    if setting := SETTINGS.get(document.get("setting", "")):
        rows.append((_("Setting, chosen on the training rows alone"), str(setting)))
    rows.append((_("Features"), number(len(version.features))))
    if rolled := document.get("rolling"):
        rows.append((_("Rolling test"), _rolling(rolled)))
    rows += [(_("Data"), card.told(note)) for note in document.get("notes", [])]
    if comparison := document.get("comparison"):
        rows.append((_("Learners"), card.told(comparison)))
    rows += [(_("Left alone"), card.told(feature)) for feature in document.get("ignored", [])]
    rows += [(_("Limits"), card.told(limit)) for limit in document.get("limits", [])]
    rows.append((_("Owner"), document.get("owner", "")))
    rows.append((_("Trained by"), version.trained_by.full_name))
    if version.promoted_by:
        rows.append((_("Promoted by"), version.promoted_by.full_name))
    return rows


def _slice(part: dict[str, Any], by_row: bool) -> str:
    if not by_row:
        part = {**part, "from": _day(part["from"]), "to": _day(part["to"])}
    if part["from"] == part["to"]:
        part = {**part, "n": number(part["n"]), "positives": number(part["positives"])}
        return _("%(from)s, n = %(n)s, positive %(positives)s") % part
    template = (
        _("rows %(from)s to %(to)s, n = %(n)s, positive %(positives)s")
        if by_row
        else _("%(from)s to %(to)s, n = %(n)s, positive %(positives)s")
    )
    return template % {**part, "n": number(part["n"]), "positives": number(part["positives"])}


def _day(iso: str) -> str:
    return short_day(dt.date.fromisoformat(iso))


def tested(version: ModelVersion | None) -> dict[str, Any] | None:
    """The later customers a version was measured on: last day (None for rows in file order), how many, positives."""
    part = version.card.get("slices", {}).get("out_of_time") if version else None
    if part is None or version is None:
        return None
    by_row = version.card.get("source") == "history"
    return {
        "to": None if by_row else dt.date.fromisoformat(part["to"]),
        **{k: part[k] for k in ("n", "positives")},
    }


def _rolling(rolled: dict[str, Any]) -> str:
    return _(
        "refitted %(refits)s times on the %(window)s rows before: AUC %(auc)s, gains area %(gains)s over the last"
        " %(rows)s rows; five random folds %(folds)s"
    ) % {
        "refits": rolled["refits"],
        "window": number(rolled["window"]),
        "auc": number(rolled["auc"], 3),
        "gains": number(rolled["gains_area"], 3),
        "rows": number(rolled["rows"]),
        "folds": number(rolled["five_fold_auc"], 3),
    }
