"""What the model pages show: a version's card turned into rows for tables and charts. Reads, never writes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import card, predictive, targets
from analytics.modelling.limits import PSI_ACT, PSI_WATCH, WEIGHT_ACT
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm.figures import number, pct, short_day, signed
from bankcrm.models import User

State = ModelVersion.State
TONES = {
    State.CHAMPION: ("act", "check"),
    State.TRAINED: ("line", "git-compare"),
    State.RETIRED: ("", "history"),
}
# metric → (label, definition, decimals, whether more is better)
METRICS: dict[str, tuple[Any, str, int, bool]] = {
    "auc": (gettext_lazy("AUC"), "auc", 3, True),
    "ks": (gettext_lazy("KS"), "ks", 3, True),
    "gini": (gettext_lazy("Gini"), "gini", 3, True),
    "top_decile_lift": (gettext_lazy("Lift, decile 1"), "lift", 2, True),
    "gains_area": (gettext_lazy("Area under gains"), "gains_area", 3, True),
    "brier": (gettext_lazy("Brier score"), "brier", 4, False),
    "log_loss": (gettext_lazy("Log loss"), "log_loss", 4, False),
    "ece": (gettext_lazy("Calibration error, 10 bins"), "ece", 4, False),
}


def models() -> QuerySet[PredictiveModel]:
    """Models with what their pages read, in a fixed number of queries; artefacts stay in the database."""
    return PredictiveModel.objects.select_related(
        "product", "owner", "champion", "champion__promoted_by", "current_score_run__version"
    ).defer("champion__artefact", "current_score_run__version__artefact", "current_score_run__shares")


def summary(model: PredictiveModel, today: dt.date, waiting: ModelVersion | None = None) -> dict[str, Any]:
    """One row of the model list; ``waiting``: the version that waits for promotion, see ``waiting``."""
    champion = model.champion
    observed: dict[str, Any] = champion.card.get("observed_expected", {}) if champion else {}
    return {
        "model": model,
        "predicts": targets.sentence(model),
        "champion": champion,
        "waiting": waiting,
        "age": (today - champion.trained_at.date()).days if champion else None,
        "quality": quality(champion or waiting),
        "observed": observed,
        "calibrated": bool(observed) and not observed["alarm"],
        "scores": model.current_score_run,
        "light": light(model),
    }


def waiting(models: list[PredictiveModel]) -> dict[int, ModelVersion]:
    """Model → the version that waits for promotion, as ``predictive.challenger_of`` says. One query for all."""
    found: dict[int, list[ModelVersion]] = {}
    trained = ModelVersion.objects.filter(model__in=models, state=State.TRAINED)
    for version in trained.select_related("trained_by").defer("artefact").order_by("model", "-number"):
        found.setdefault(version.model_id, []).append(version)
    told = {model.pk: predictive.challenger_of(model, found.get(model.pk, [])) for model in models}
    return {key: version for key, version in told.items() if version is not None}


def quality(version: ModelVersion | None) -> dict[str, Any] | None:
    """The one figure that says how good a version is, in its kind's own measure, with its interval."""
    if version is None:
        return None
    if answered := version.card.get("preference"):
        right, base = answered["metrics"]["accuracy"], answered["metrics"]["base_accuracy"]
        beside = _("the commonest for everybody %(base)s") % {"base": pct(base["value"], 0)}
        shown = {key: pct(right[key], 0) for key in ("value", "low", "high")}
        return {"name": _("came true"), "term": "preference_accuracy", "beside": beside, **shown}
    if judged := version.card.get("uplift"):
        shown = {key: number(judged["evidence"]["qini"][key], 4) for key in ("value", "low", "high")}
        return {"name": _("Qini"), "term": "qini", "beside": "", **shown}
    auc = version.card.get("metrics", {}).get("auc")
    if auc is None:
        return None
    return {"name": _("AUC"), "term": "auc", "beside": "", **_formatted(auc, 3)}


def light(model: PredictiveModel) -> dict[str, str]:
    """The drift light: word, tone. By the rules of ``watch``: PSI of the scores in use, and how much the model leans on
    fields that moved, since training or, at training, towards its own later rows."""
    run, champion = model.current_score_run, model.champion
    if run is None or champion is None or (run.psi is None and not run.drift):
        return {"word": _("not known"), "tone": ""}
    psi = run.psi or 0.0
    fields = {entry["name"]: entry["psi"] for entry in champion.card.get("drift", [])}
    moved = {code for code, value in (fields | run.drift.get("features", {})).items() if value >= PSI_ACT}
    weights = card.importance(champion)
    if psi >= PSI_ACT or sum(weights.get(code, 0.0) for code in moved) >= WEIGHT_ACT:
        return {"word": _("act"), "tone": "bad"}
    if psi >= PSI_WATCH or moved:
        return {"word": _("watch"), "tone": "warn"}
    return {"word": _("steady"), "tone": "ok"}


def versions(model: PredictiveModel, user: User) -> list[dict[str, Any]]:
    """Every version, newest first, with what the user may do with it and why not."""
    found = model.versions.select_related("trained_by", "promoted_by").defer("artefact").order_by("-number")
    rows = []
    for version in found[:30]:
        tone, mark = TONES[State(version.state)]
        why_not = predictive.objection(version, user)
        better = better_of(version)
        rows.append(
            {
                "version": version,
                "tone": tone,
                "mark": mark,
                "auc": version.card.get("metrics", {}).get("auc"),
                "right": version.card.get("preference", {}).get("metrics"),
                "may_promote": not why_not,
                "warning": better,
                "why_not": why_not if user.may_act_as(predictive.PROMOTERS) else "",
            }
        )
    return rows


def better_of(version: ModelVersion) -> str:
    """What the version's own card says ranks better on the same later rows, as a sentence; "" for nothing."""
    ours = version.card.get("metrics", {}).get("auc")
    for entry in version.card.get("against", []):
        difference = entry["metrics"]["auc"]
        if ours and difference["high"] < 0:
            return _(
                "v%(number)s ranks better on the same later customers: AUC %(theirs)s against %(ours)s."
            ) % {
                "number": entry["version"],
                "theirs": number(difference["theirs"], 3),
                "ours": number(ours["value"], 3),
            }
    return ""


def metric_rows(shown: ModelVersion | None, against: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Metrics of the version on show; with ``against``, the champion beside it and the paired difference."""
    if shown is None:
        return []
    rows = []
    for name, (label, term, decimals, more_is_better) in METRICS.items():
        interval = shown.card.get("metrics", {}).get(name)
        if interval is None:
            continue
        if against and name not in against["metrics"]:
            continue  # not measured of both on the same rows
        row = {"label": label, "term": term, **_formatted(interval, decimals)}
        if against:
            row["difference"] = _difference(against["metrics"].get(name), decimals, more_is_better)
        rows.append(row)
    return rows


def _formatted(interval: dict[str, Any], decimals: int) -> dict[str, str]:
    return {key: number(interval[key], decimals) for key in ("value", "low", "high")}


def _difference(found: dict[str, Any] | None, decimals: int, more_is_better: bool) -> dict[str, Any] | None:
    if found is None:
        return None
    low, high = found["low"], found["high"]
    better, worse = (low > 0, high < 0) if more_is_better else (high < 0, low > 0)
    tone, word = ("ok", _("better")) if better else ("bad", _("worse")) if worse else ("", _("no difference"))
    return {
        "champion": {
            key: number(found[name], decimals)
            for key, name in (("value", "theirs"), ("low", "theirs_low"), ("high", "theirs_high"))
        },
        "value": signed(found["value"], decimals),
        "low": signed(low, decimals),
        "high": signed(high, decimals),
        "tone": tone,
        "word": word,
    }


def comparison(challenger: ModelVersion | None, champion: ModelVersion | None) -> dict[str, Any] | None:
    """What the challenger's card says about itself beside the present champion, on the same later rows."""
    if challenger is None or champion is None:
        return None
    kept = challenger.card.get("against", [])
    return next((entry for entry in kept if entry["version"] == champion.number), None)


def verdict(challenger: ModelVersion | None, against: dict[str, Any] | None) -> dict[str, Any] | None:
    """The sentence on top: is the newest version better than the champion?"""
    if challenger is None:
        return None
    named = {"number": challenger.number}
    if challenger.card.get("objection"):
        return {
            "tone": "bad",
            "word": _("v%(number)s is no use") % named,
            "sentence": card.told(challenger.card["objection"]),
        }
    method = _("A second person promotes; %(name)s trained v%(number)s and cannot.") % {
        **named,
        "name": challenger.trained_by.full_name,
    }
    if not against:
        auc = challenger.card.get("metrics", {}).get("auc")
        if auc is None:
            return None
        text = _("v%(number)s waits for promotion: AUC %(auc)s (%(low)s to %(high)s).") % {
            **named,
            "auc": number(auc["value"], 3),
            "low": number(auc["low"], 3),
            "high": number(auc["high"], 3),
        }
        return {"tone": "", "word": _("new"), "sentence": text, "method": method}
    return {**_compared(against, named), "method": method}


def _compared(against: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    auc, lift = against["metrics"]["auc"], against["metrics"]["top_decile_lift"]
    tone, word = ("", _("no difference proven"))
    if auc["low"] > 0:
        tone, word = "ok", _("v%(number)s is better") % named
    elif auc["high"] < 0:
        tone, word = "bad", _("v%(number)s is worse") % named
    sentence = _(
        "The challenger finds %(ours)s of those who did it in the best tenth, the champion %(theirs)s."
    ) % {
        "ours": pct((lift["theirs"] + lift["value"]) / 10),
        "theirs": pct(lift["theirs"] / 10),
    }
    rest = _("AUC %(difference)s (%(low)s to %(high)s) on the same %(n)s later rows.") % {
        "difference": signed(auc["value"], 3),
        "low": signed(auc["low"], 3),
        "high": signed(auc["high"], 3),
        "n": number(against["n"]),
    }
    return {"tone": tone, "word": word, "sentence": sentence, "rest": rest}


def importance(version: ModelVersion, top: int = 10) -> list[dict[str, Any]]:
    """The features that matter most, as shares of all that shuffling costs; what helps nothing is left out.

    ``loss``: what the AUC loses, with the standard deviation of the shuffles.
    """
    rows = list(card.importance(version).items())
    losses = {row["feature"]: row for row in version.card.get("importance", [])}
    shown: list[dict[str, Any]] = [
        {"label": card.feature_label(code), "share": share, "loss": _loss(losses[code])}
        for code, share in rows[:top]
    ]
    if rest := rows[top:]:
        others = _("%(n)s others") % {"n": len(rest)}
        shown.append({"label": others, "share": sum(share for _code, share in rest), "tone": "ctl"})
    return shown


def _loss(row: dict[str, Any]) -> str:
    return f"{number(row['drop'], 3)} ± {number(row.get('deviation'), 3)}"


def watch(model: PredictiveModel) -> list[dict[str, Any]]:
    """Checks of what is in use: score drift, calibration at training, features that moved."""
    checks = []
    run, champion = model.current_score_run, model.champion
    if run and run.psi is not None:
        level = "ok" if run.psi < PSI_WATCH else "warn" if run.psi < PSI_ACT else "block"
        text = _("PSI %(psi)s of the scores of %(day)s") % {
            "psi": number(run.psi, 3),
            "day": short_day(run.as_of),
        }
        checks.append({"level": level, "text": text, "detail": _("watch from 0.10, act from 0.25")})
    if champion is None:
        return checks
    observed = champion.card.get("observed_expected")
    if observed:
        text = _("O/E %(ratio)s (%(low)s to %(high)s)") % {
            "ratio": number(observed["ratio"], 2),
            "low": number(observed["low"], 2),
            "high": number(observed["high"], 2),
        }
        level = "warn" if observed["alarm"] else "ok"
        checks.append({"level": level, "text": text, "detail": _("observed over expected, out of time")})
    for moved in champion.card.get("drift", [])[:3]:
        text = _("%(feature)s moved") % {"feature": card.feature_label(moved["name"])}
        checks.append({"level": "warn", "text": text, "detail": f"PSI {number(moved['psi'], 2)}"})
    if refusal := champion.card.get("calibration_refusal"):
        checks.append({"level": "warn", "text": card.told(refusal), "detail": ""})
    return checks


def score_runs(model: PredictiveModel) -> QuerySet[ScoreRun]:
    """Published score runs of the model, newest first."""
    return (
        ScoreRun.objects.filter(version__model=model, state=ScoreRun.State.PUBLISHED)
        .select_related("version__model__product")
        .defer("version__artefact", "shares")
        .order_by("-pk")
    )
