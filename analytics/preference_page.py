"""What the page of a preference model shows: how often the likeliest answer came true, and what was taken for what.

Reads, never writes.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Avg, Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import card, model_charts, preference_verification, preferences
from analytics.models import ModelVersion, PredictiveModel, PreferenceAnswer, ScoreRun, Verification
from bankcrm.figures import number, pct, signed
from customers import fields as catalogue

PARTS = {
    "train": gettext_lazy("Learned from"),
    "validation": gettext_lazy("Calibrated on"),
    "out_of_time": gettext_lazy("Tested on"),
}
# metric → (label, whether it is a share)
METRICS: dict[str, tuple[Any, str, bool]] = {
    "accuracy": (gettext_lazy("The likeliest answer came true"), "preference_accuracy", True),
    "base_accuracy": (gettext_lazy("Naming the commonest for everybody"), "base_accuracy", True),
    "top_two": (gettext_lazy("One of the two likeliest came true"), "", True),
    "log_loss": (gettext_lazy("Log loss"), "log_loss", False),
    "base_log_loss": (gettext_lazy("Log loss of quoting how often each is chosen"), "", False),
    "gain": (gettext_lazy("Log loss lower by"), "", False),
    "ece": (gettext_lazy("Calibration error of the likeliest, 10 bins"), "ece", True),
}


def evidence(model: PredictiveModel, shown: ModelVersion | None) -> dict[str, Any] | None:
    """Figures, charts and tables of a version; None for a version of another kind."""
    found = shown.card.get("preference") if shown else None
    if found is None or shown is None:
        return None
    about = preferences.subject(model)
    kept = [about.label(code) for code in found["kept"]]
    return {
        "number": shown.number,
        "n": found["metrics"]["accuracy"]["n"],
        "to": dt.date.fromisoformat(found["parts"][-1]["from"]),
        "figures": _figures(found),
        "today": _today(found.get("today"), about),
        "chart": model_charts.beside_its_table(
            model_charts.answers([_dot(row, about) for row in found["by_class"]])
        ),
        "classes": [_of_class(row, about) for row in found["by_class"]],
        "names": kept,
        "confusion": _confusion(found["confusion"], kept),
        "calibration": model_charts.sureness(found["calibration"]),
        "parts": _parts(found, about),
        "importance": _importance(shown),
        "least_seen": found["least_seen"],
    }


def _figures(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, (label, term, is_share) in METRICS.items():
        interval = found["metrics"][name]
        write = pct if is_share else _four
        rows.append(
            {"label": label, "term": term, **{key: write(interval[key]) for key in ("value", "low", "high")}}
        )
    return rows


def _four(value: float) -> str:
    return number(value, 4)


def _today(found: dict[str, Any] | None, about: preferences.Subject) -> dict[str, Any] | None:
    """The model beside what facts of the past say, on customers of whom they say anything."""
    if found is None:
        return None
    difference = found["difference"]
    tone, word = (
        ("ok", _("the model knows more"))
        if difference["low"] > 0
        else ("warn", _("the fact knows more"))
        if difference["high"] < 0
        else ("", _("no difference proven"))
    )
    return {
        "field": catalogue.get(about.fact).label,
        "n": found["n"],
        "share": found["share"],
        "facts": found["facts"],
        "model": found["model"],
        "difference": difference,
        "tone": tone,
        "word": word,
    }


def _dot(row: dict[str, Any], about: preferences.Subject) -> dict[str, Any]:
    return {
        "label": about.label(row["name"]),
        "predicted": row["predicted"],
        "actual": row["actual"],
        "low": row["low"],
        "high": row["high"],
        "n": row["n"],
    }


def _of_class(row: dict[str, Any], about: preferences.Subject) -> dict[str, Any]:
    return {
        **row,
        "label": about.label(row["name"]),
        "inside": row["low"] <= row["predicted"] <= row["high"],
        "precision": row["right"] / row["named"] if row["named"] else None,
        "recall": row["right"] / row["n"] if row["n"] else None,
    }


def _confusion(counts: list[list[int]], names: list[str]) -> list[dict[str, Any]]:
    """What customers chose down, what was named likeliest across: counts and shares of the row."""
    return [
        {
            "label": names[chosen],
            "n": sum(row),
            "cells": [
                {"n": n, "share": n / sum(row) if sum(row) else None, "right": named == chosen}
                for named, n in enumerate(row)
            ],
        }
        for chosen, row in enumerate(counts)
    ]


def _parts(found: dict[str, Any], about: preferences.Subject) -> dict[str, Any]:
    """Customers per answer in the three parts of the split by time; answers that nobody chose are left out."""
    totals = [sum(counts) for counts in zip(*(part["counts"] for part in found["parts"]), strict=True)]
    shown = [position for position, total in enumerate(totals) if total]
    return {
        "heads": [
            {
                "label": PARTS[part["name"]],
                "from": dt.date.fromisoformat(part["from"]),
                "to": dt.date.fromisoformat(part["to"]),
                "n": part["n"],
            }
            for part in found["parts"]
        ],
        "rows": [
            {
                "label": about.label(found["classes"][position]),
                "learned": found["classes"][position] in found["kept"],
                "counts": [part["counts"][position] for part in found["parts"]],
            }
            for position in shown
        ],
    }


def _importance(version: ModelVersion, top: int = 8) -> list[dict[str, Any]]:
    """The features that matter most, as shares of what shuffling all of them would cost."""
    shares = list(card.importance(version).items())[:top]
    return [{"label": card.feature_label(code), "share": share} for code, share in shares]


def verdict(model: PredictiveModel, challenger: ModelVersion | None) -> dict[str, Any] | None:
    """The sentence on top about a version that waits; None for another kind of model, or where none waits."""
    found = challenger.card.get("preference") if challenger else None
    if found is None or challenger is None or challenger.card.get("objection"):
        return None
    named = {"number": challenger.number}
    method = _("A second person promotes; %(name)s trained v%(number)s and cannot.") % {
        **named,
        "name": challenger.trained_by.full_name,
    }
    against = found["against"]
    if not against or model.champion is None or against["version"] != model.champion.number:
        ours, base = found["metrics"]["accuracy"], found["metrics"]["base_accuracy"]
        sentence = _(
            "v%(number)s waits for promotion: its likeliest answer came true for %(ours)s (%(low)s to %(high)s);"
            " naming the commonest for everybody would have been right for %(base)s."
        ) % {
            **named,
            "ours": pct(ours["value"]),
            "low": pct(ours["low"]),
            "high": pct(ours["high"]),
            "base": pct(base["value"]),
        }
        return {"tone": "", "word": _("new"), "sentence": sentence, "method": method}
    return {**_compared(against, named), "method": method}


def _compared(against: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    gain, accuracy = against["gain"], against["accuracy"]
    tone, word = "", _("no difference proven")
    if gain["low"] > 0:
        tone, word = "ok", _("v%(number)s is better") % named
    elif gain["high"] < 0:
        tone, word = "bad", _("v%(number)s is worse") % named
    sentence = _(
        "The challenger's likeliest answer came true for %(ours)s, the champion's for %(theirs)s."
    ) % {
        "ours": pct(against["theirs"]["accuracy"] + accuracy["value"]),
        "theirs": pct(against["theirs"]["accuracy"]),
    }
    rest = _("Log loss lower by %(gain)s (%(low)s to %(high)s) on the same %(n)s later customers.") % {
        "gain": signed(gain["value"], 4),
        "low": signed(gain["low"], 4),
        "high": signed(gain["high"], 4),
        "n": number(against["n"]),
    }
    return {"tone": tone, "word": word, "sentence": sentence, "rest": rest}


def in_use(model: PredictiveModel) -> dict[str, Any] | None:
    """What the answers in use say: customers per likeliest answer with their mean chance, and those without one."""
    run = model.current_score_run
    if run is None or model.kind != PredictiveModel.Kind.PREFERENCE:
        return None
    about = preferences.subject(model)
    counted = (
        PreferenceAnswer.objects.filter(score_run=run)
        .values("answer")
        .annotate(customers=Count("customer_id"), mean=Avg("chance"))
    )
    by_answer = {row["answer"]: row for row in counted}
    total = sum(row["customers"] for row in by_answer.values()) or 1
    return {
        "as_of": run.as_of,
        "number": run.version.number,
        "rows": [
            {
                "label": about.label(code) if code else _("not enough behaviour"),
                "n": by_answer[code]["customers"],
                "share": by_answer[code]["customers"] / total,
                "mean": by_answer[code]["mean"],
            }
            for code in (*about.classes, "")
            if code in by_answer
        ],
    }


def verified(model: PredictiveModel, run: ScoreRun) -> dict[str, Any] | None:
    """What published answers came to, counted with the first scoring after their window; None before."""
    kept = Verification.objects.filter(score_run=run).first()
    found = kept.result.get("preference") if kept else None
    if kept is None or not found:
        return None
    about = preferences.subject(model)
    intervals = kept.result["intervals"]
    return {
        "n": found["n"],
        "chart": model_charts.deciles(
            kept.result["rows"],
            _("How often the likeliest answer was said to come true and did, by tenths of its chance"),
            axis=_("tenth by chance, 1 = surest"),
        ),
        "figures": [
            {
                "label": METRICS[name][0],
                "term": METRICS[name][1],
                **{
                    key: (pct if METRICS[name][2] else _four)(intervals[name][key])
                    for key in ("value", "low", "high")
                },
            }
            for name in ("accuracy", "base_accuracy", "gain", "ece")
            if name in intervals
        ],
        "answers": [
            {**group, "label": about.label(group["group"])}
            for group in kept.result["groups"]
            if group["kind"] == preference_verification.ANSWER
        ],
        "names": [about.label(row["name"]) for row in found["by_class"]],
        "confusion": _confusion(found["confusion"], [about.label(row["name"]) for row in found["by_class"]]),
    }
