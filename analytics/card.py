"""The model card as JSON: figures as numbers, sentences as a template with its values, so that pages translate them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from bankcrm import figures
from customers import fields as catalogue

if TYPE_CHECKING:
    from analytics.modelling.response import FittedResponse
    from analytics.modelling.sentences import Sentence
    from analytics.models import ModelVersion


# The maths writes numbers with the keyboard's hyphen.
_HYPHEN_AS_SIGN = re.compile(r"(?<![\w.-])-(?=\d)")


def sentence(text: Sentence) -> dict[str, Any]:
    """A sentence as the card keeps it."""
    return {"template": text.template, "values": dict(text.values)}


def told(text: Sentence | Mapping[str, Any] | None) -> str:
    """A sentence, fresh or from a card, in the reader's language, days and signs as pages write them; "" for none."""
    if not text:
        return ""
    if isinstance(text, Mapping):
        template, values = text["template"], dict(text.get("values", {}))
    else:
        template, values = text.template, dict(text.values)
    if "day" in values:
        values["day"] = figures.day(dt.date.fromisoformat(values["day"]))
    return _HYPHEN_AS_SIGN.sub(figures.MINUS, _(template) % values)


def importance(version: ModelVersion) -> dict[str, float]:
    """Feature → its share of all that shuffling costs, as the card has it; features that help nothing are not in it."""
    drops = {row["feature"]: row["drop"] for row in version.card.get("importance", []) if row["drop"] > 0}
    total = sum(drops.values()) or 1.0
    return {name: drop / total for name, drop in drops.items()}


def feature_label(code: str) -> str:
    """A feature as people know it."""
    field = catalogue.find(code)
    return str(field.label) if field else code


def of_fit(fitted: FittedResponse) -> dict[str, Any]:
    """What a fit says about itself; ``metrics`` are intervals by name, the tables are lists of rows."""
    quality = asdict(fitted.quality)
    refusal, objection = fitted.calibration_refusal, fitted.objection
    return {
        "slices": fitted.slices,
        "metrics": quality["intervals"],
        "observed_expected": quality["observed_expected"],
        "lift": quality["lift"],
        "gains": quality["gains"],
        "calibration": quality["calibration"],
        "importance": quality["importance"],
        "score_psi": quality["score_psi"],
        "drift": [
            {"name": moved.name, "psi": moved.psi, "sentence": sentence(moved.sentence)}
            for moved in fitted.quality.drift
        ],
        "calibrated": refusal is None,
        "calibration_refusal": sentence(refusal) if refusal else None,
        "objection": sentence(objection) if objection else None,
        "ignored": [sentence(each) for each in fitted.ignored],
        "rate": fitted.positives / max(fitted.n, 1),
        "setting": fitted.setting,
    }
