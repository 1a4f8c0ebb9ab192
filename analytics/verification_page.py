"""What pages tell of published scores against outcomes: one run, the trend over months, alerts, all models at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import card, model_charts, preference_page, watch
from analytics.modelling.limits import PSI_ACT, PSI_WATCH
from analytics.models import ModelAlert, PredictiveModel, ScoreRun, Segment, Segmentation, Verification
from analytics.verification import ARM, BRANCH, SEGMENT, Verified, complete_on, data_through, is_over, stored
from bankcrm.charts.chart import Chart
from bankcrm.models import Branch

TREND_RUNS = 24
DRIFT_ROWS = 10
# What a version that learned from selected customers is compared with, as ``analytics.drift`` keeps it.
FIRST = "first"
ARM_WORDS = {
    "contacted": gettext_lazy("Contacted by a campaign"),
    "not_contacted": gettext_lazy("Selected, not contacted"),
    "exploration": gettext_lazy("Drawn to explore"),
    "control": gettext_lazy("Control"),
    "other": gettext_lazy("In no campaign"),
}
ALARM_WORDS = {
    "over": gettext_lazy("promised too much"),
    "under": gettext_lazy("promised too little"),
}


def shown_run(published: list[ScoreRun]) -> ScoreRun | None:
    """The newest run that was counted, else the newest whose window is over, else the newest."""
    counted = set(Verification.objects.filter(score_run__in=published).values_list("score_run", flat=True))
    through = data_through()
    for holds in (lambda run: run.pk in counted, lambda run: is_over(run, through)):
        if found := next((run for run in published if holds(run)), None):
            return found
    return published[0] if published else None


def of_run(model: PredictiveModel, run: ScoreRun | None) -> dict[str, Any]:
    """One run: predicted and actual as kept; before that, when it can be known and whether it waits to be counted."""
    told: dict[str, Any] = {"model": model, "run": run}
    if run is None:
        return told
    if model.kind == PredictiveModel.Kind.PREFERENCE:
        told["answered"] = preference_page.verified(model, run)
    kept = Verification.objects.filter(score_run=run).first()
    found = stored(kept) if kept and kept.n else None
    if found and not told.get("answered"):
        told |= {
            "found": found,
            "chart": model_charts.beside_its_table(
                model_charts.deciles(
                    [asdict(row) for row in found.rows], _("Predicted and actual rate by decile")
                )
            ),
            "groups": groups(found),
            "sentence": card.told(found.sentence) if found.sentence else "",
        }
    told |= {
        "drift": drift(run),
        "kept": kept,
        "complete_on": complete_on(run),
        "waits": kept is None and is_over(run, data_through()),
    }
    return told


def groups(found: Verified) -> list[dict[str, Any]]:
    """Tables of groups: by what campaigns did, by branch, by every segmentation; each with rows that have a name."""
    kinds = list(dict.fromkeys(group["kind"] for group in found.groups))
    tables = []
    for kind in kinds:
        rows = [group for group in found.groups if group["kind"] == kind]
        names, title = _names(kind, [row["group"] for row in rows])
        told = [
            {
                **row,
                "label": names.get(row["group"], row["group"]),
                "word": ALARM_WORDS.get(row["alarm"], ""),
            }
            for row in rows
        ]
        if kind == ARM:
            told.sort(key=lambda row: list(ARM_WORDS).index(row["group"]))
        else:
            told.sort(key=lambda row: (row["alarm"] == "none", str(row["label"])))
        tables.append({"title": title, "rows": told, "alarms": sum(row["alarm"] != "none" for row in told)})
    return tables


def _names(kind: str, found: list[str]) -> tuple[dict[str, Any], Any]:
    if kind == ARM:
        return dict(ARM_WORDS), _("By what campaigns did")
    if kind == BRANCH:
        branches = Branch.objects.filter(pk__in=[int(pk) for pk in found])
        return {str(pk): name for pk, name in branches.values_list("pk", "name")}, _("By branch")
    code = kind.removeprefix(SEGMENT)
    made = Segmentation.objects.filter(code=code).first()
    named = Segment.objects.filter(segmentation=made).values_list("number", "name")
    names = {str(number): name or _("Segment %(n)s") % {"n": number} for number, name in named}
    return names, _("By segment: %(name)s") % {"name": made.name if made else code}


def drift(run: ScoreRun | None) -> dict[str, Any] | None:
    """How far scores and fields of a run had moved, the most moved first; None where nothing was measured."""
    if run is None or not (run.drift.get("features") or run.drift.get("against")):
        return None
    moved = sorted(run.drift.get("features", {}).items(), key=lambda pair: -pair[1])
    since = run.drift.get("since")
    return {
        "psi": run.psi,
        "first": run.drift["against"] == FIRST and not since,
        "since": dt.date.fromisoformat(since) if since else None,
        "rows": [
            {"label": card.feature_label(code), "psi": psi, **_moved(psi)} for code, psi in moved[:DRIFT_ROWS]
        ],
        "rest": len(moved) - DRIFT_ROWS,
        "unseen": [card.told(sentence) for sentence in run.drift.get("unseen", [])],
    }


def _moved(psi: float) -> dict[str, Any]:
    if psi >= PSI_ACT:
        return {"word": _("act"), "tone": "bad"}
    return {"word": _("watch"), "tone": "warn"} if psi >= PSI_WATCH else {"word": _("steady"), "tone": "ok"}


def trend(model: PredictiveModel) -> dict[str, Any]:
    """Month by month of the champions' scores: O/E and AUC with intervals, drift, alarm; challengers apart."""
    kept = list(
        Verification.objects.filter(score_run__version__model=model, n__gt=0)
        .select_related("score_run__version")
        .defer("score_run__version__artefact", "score_run__shares")
        .order_by("-score_run__as_of", "-score_run")[: 2 * TREND_RUNS]
    )
    rows = _last_of_month(each for each in kept if not each.score_run.challenger)
    return {
        "rows": rows,
        "challengers": _last_of_month(each for each in kept if each.score_run.challenger),
        "charts": [
            {"title": title, "term": term, "chart": model_charts.beside_its_table(chart)}
            for title, term, chart in _trend_charts(rows)
            if chart
        ],
    }


def _trend_charts(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str, Chart | str]]:
    """(title, definition, chart) of every figure that is known for two months or more."""
    ratio, auc, psi = _("Observed ÷ expected"), _("AUC"), _("PSI")
    promised = [{"y": 1, "label": _("as promised")}]
    levels = [
        {"y": PSI_WATCH, "label": _("watch"), "tone": "warn"},
        {"y": PSI_ACT, "label": _("act"), "tone": "bad"},
    ]
    yield (
        _("Observed ÷ expected, 1 = as promised, with 95 % interval"),
        "observed_expected",
        model_charts.months(rows, "ratio", ratio, format="decimal", marks=promised),
    )
    yield (
        _("AUC on what then happened, with 95 % interval"),
        "auc",
        model_charts.months(rows, "auc", auc, format="decimal3", y_min=0.4),
    )
    yield (
        _("PSI of the scores against training"),
        "psi",
        model_charts.months(rows, "psi", psi, format="decimal3", marks=levels, size="low"),
    )


def _last_of_month(kept: Iterable[Verification]) -> list[dict[str, Any]]:
    """One row a month, newest first: of several scorings of one day the last was in use."""
    newest: dict[dt.date, Verification] = {}
    for each in kept:
        newest.setdefault(each.score_run.as_of, each)
    return [_trend_row(each) for each in newest.values()][:TREND_RUNS]


def _trend_row(kept: Verification) -> dict[str, Any]:
    run = kept.score_run
    return {
        "run": run,
        "kept": kept,
        "ratio": kept.result.get("ratio"),
        "auc": kept.result.get("intervals", {}).get("auc"),
        "ece": kept.result.get("intervals", {}).get("ece"),
        "psi": {"value": run.psi} if run.psi is not None else None,
        "against": kept.result.get("against"),
        "word": ALARM_WORDS.get(kept.alarm, ""),
    }


def alerts(model: PredictiveModel) -> list[dict[str, Any]]:
    """Open alerts of a model, the most urgent first, each with its finding and why the rule exists."""
    return [_alert(alert) for alert in ModelAlert.objects.open().filter(model=model)]


def past_alerts(model: PredictiveModel) -> list[dict[str, Any]]:
    """Alerts that ended, newest first."""
    ended = ModelAlert.objects.filter(model=model, ended_at__isnull=False).select_related("ended_by")
    return [_alert(alert) for alert in ended.order_by("-ended_at")[:20]]


def _alert(alert: ModelAlert) -> dict[str, Any]:
    stated = watch.STATED[ModelAlert.Rule(alert.rule)]
    return {"alert": alert, "text": watch.told(alert), "rule": stated[0], "why": stated[1]}


def rules() -> list[dict[str, Any]]:
    """Every rule as stated: when it is broken, why it matters, whether it proposes training."""
    return [
        {"label": rule.label, "when": when, "why": why, "proposes": proposes}
        for rule, (when, why, proposes) in watch.STATED.items()
    ]


def attention(models: list[PredictiveModel]) -> dict[int, dict[str, Any]]:
    """Model → how many alerts are open, the most urgent level, whether training is proposed. One query."""
    found: dict[int, dict[str, Any]] = {}
    for alert in ModelAlert.objects.open().filter(model__in=models):
        entry = found.setdefault(alert.model_id, {"n": 0, "level": alert.level, "proposes": False})
        entry["n"] += 1
        entry["proposes"] |= alert.proposes_training
        if alert.level == ModelAlert.Level.ACT:
            entry["level"] = alert.level
    return found


def newest(models: list[PredictiveModel]) -> dict[int, dict[str, Any]]:
    """Model → the newest count of its champion's scores: observed over expected with its interval, alarm, day."""
    champions = [model.champion_id for model in models if model.champion_id]
    kept = (
        Verification.objects.filter(score_run__version__in=champions, score_run__challenger=False, n__gt=0)
        .order_by("score_run__version_id", "-score_run__as_of", "-score_run")
        .distinct("score_run__version_id")
        .values_list("score_run__version__model_id", "result__ratio", "alarm", "score_run__as_of")
    )
    return {model: {**ratio, "alarm": alarm, "as_of": as_of} for model, ratio, alarm, as_of in kept if ratio}
