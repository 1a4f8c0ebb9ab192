"""What calls for somebody's attention: stated rules on what published scores came to and how far they have moved.

After every scoring and every count of outcomes ``review`` asks each rule of a model in use. A broken rule is an alert,
open until it no longer holds or a person sets it aside with a reason; some propose to train anew. Nothing trains and
nothing is promoted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from analytics import card, predictive
from analytics.modelling.limits import AUC_DROP, OLD_DAYS, PSI_ACT, PSI_WATCH, WEIGHT_ACT
from analytics.models import ModelAlert, ModelVersion, PredictiveModel, ScoreRun, Verification
from bankcrm import audit, clock
from bankcrm.freshness import Bell, Notice
from bankcrm.models import Role, User

Rule: TypeAlias = ModelAlert.Rule
Level: TypeAlias = ModelAlert.Level
End: TypeAlias = ModelAlert.End
# Whoever works on models or answers for them may say why an alert is no reason to act.
DECIDERS = predictive.WRITERS | predictive.PROMOTERS


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at: the champion, its newest scores, and the newest count of each role's scores."""

    model: PredictiveModel
    champion: ModelVersion
    run: ScoreRun | None
    counted: Verification | None
    challenger: Verification | None

    @property
    def promised(self) -> Mapping[str, Any]:
        """The champion's figures of training on customers like those scored: everybody, where it learned from whom
        campaigns chose, of whom its out-of-time figures are."""
        kept = self.champion.card
        return kept.get("everybody") or kept.get("metrics", {})


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule: how urgent, in which words, found in what."""

    level: Level
    template: str
    values: dict[str, Any]
    evidence: str
    proposes: bool = False

    @property
    def sentence(self) -> dict[str, Any]:
        return {"template": self.template, "values": self.values}


def facts(model: PredictiveModel) -> Facts | None:
    """What is known of a model in use; None without a champion."""
    if model.champion_id is None:
        return None
    champion = ModelVersion.objects.defer("artefact").get(pk=model.champion_id)
    mine = ScoreRun.objects.filter(version=champion, challenger=False, published_at__isnull=False)
    counts = Verification.objects.filter(score_run__version__model=model).select_related("score_run__version")
    # Of several scorings of one month the last counts; months go by the day the scores are of.
    counts = counts.order_by("-score_run__as_of", "-score_run")
    return Facts(
        model,
        champion,
        mine.defer("shares").order_by("-as_of", "-pk").first(),
        counts.filter(score_run__version=champion, score_run__challenger=False).first(),
        counts.filter(score_run__challenger=True, score_run__version__number__gt=champion.number).first(),
    )


def _scores(known: Facts) -> Finding | None:
    run = known.run
    if run is None or run.psi is None or run.psi < PSI_WATCH:
        return None
    values = {"psi": run.psi, "day": run.as_of.isoformat(), "watch": PSI_WATCH, "act": PSI_ACT}
    if run.psi >= PSI_ACT:
        template = gettext_noop(
            "The scores of %(day)s have moved: PSI %(psi).2f, and %(act).2f calls for action."
        )
        return Finding(Level.ACT, template, values, f"run:{run.pk}", proposes=True)
    template = gettext_noop("The scores of %(day)s begin to move: PSI %(psi).2f, watched from %(watch).2f.")
    return Finding(Level.WATCH, template, values, f"run:{run.pk}")


def _fields(known: Facts) -> Finding | None:
    run = known.run
    moved = {
        code: psi for code, psi in (run.drift.get("features", {}) if run else {}).items() if psi >= PSI_ACT
    }
    if run is None or not moved:
        return None
    weights = card.importance(known.champion)
    weight = sum(weights.get(code, 0.0) for code in moved)
    worst = sorted(moved, key=lambda code: (-weights.get(code, 0.0), -moved[code]))
    values = {
        "names": ", ".join(card.feature_label(code) for code in worst[:3]),
        "n": len(moved),
        "psi": moved[worst[0]],
        "first": card.feature_label(worst[0]),
        "weight": 100 * weight,
        "act": PSI_ACT,
        "day": run.as_of.isoformat(),
    }
    template = gettext_noop(
        "%(n)s fields have moved beyond PSI %(act).2f by %(day)s (%(names)s): together %(weight).0f %% of what the "
        "model leans on; %(first)s has PSI %(psi).2f."
    )
    act = weight >= WEIGHT_ACT
    return Finding(Level.ACT if act else Level.WATCH, template, values, f"run:{run.pk}", proposes=act)


def _observed(known: Facts) -> Finding | None:
    counted = known.counted
    if counted is None or counted.alarm == Verification.Alarm.NONE:
        return None
    found = counted.result["ratio"]
    meant = counted.result.get("promised") or {"observed": counted.observed, "expected": counted.expected}
    values = {
        "observed": meant["observed"],
        "expected": meant["expected"],
        "day": counted.score_run.as_of.isoformat(),
        "ratio": found["value"],
        "low": found["low"],
        "high": found["high"],
    }
    if counted.alarm == Verification.Alarm.OVER:
        template = gettext_noop(
            "The scores of %(day)s promised too much: %(observed)s outcomes where %(expected).0f were expected, O/E "
            "%(ratio).2f (%(low).2f to %(high).2f)."
        )
    else:
        template = gettext_noop(
            "The scores of %(day)s promised too little: %(observed)s outcomes where %(expected).0f were expected, "
            "O/E %(ratio).2f (%(low).2f to %(high).2f)."
        )
    return Finding(Level.ACT, template, values, f"run:{counted.score_run_id}", proposes=True)


def _ranking(known: Facts) -> Finding | None:
    counted, promised = known.counted, known.promised.get("auc")
    found = counted.result.get("intervals", {}).get("auc") if counted else None
    if counted is None or found is None or promised is None:
        return None
    if promised["value"] - found["value"] <= AUC_DROP or found["high"] >= promised["value"]:
        return None
    values = {
        "day": counted.score_run.as_of.isoformat(),
        "promised": promised["value"],
        "auc": found["value"],
        "low": found["low"],
        "high": found["high"],
    }
    template = gettext_noop(
        "The scores of %(day)s ranked worse than at training: AUC %(auc).3f (%(low).3f to %(high).3f) where "
        "%(promised).3f was measured."
    )
    return Finding(Level.ACT, template, values, f"run:{counted.score_run_id}", proposes=True)


def _calibration(known: Facts) -> Finding | None:
    counted, promised = known.counted, known.promised.get("ece")
    found = counted.result.get("intervals", {}).get("ece") if counted else None
    if counted is None or found is None or promised is None or found["low"] <= promised["high"]:
        return None
    values = {
        "day": counted.score_run.as_of.isoformat(),
        "ece": found["value"],
        "low": found["low"],
        "high": found["high"],
        "promised": promised["value"],
    }
    template = gettext_noop(
        "The chances of %(day)s are off by %(ece).4f on average (%(low).4f to %(high).4f), at training by "
        "%(promised).4f: calibration has drifted."
    )
    return Finding(Level.WATCH, template, values, f"run:{counted.score_run_id}")


def _challenger(known: Facts) -> Finding | None:
    counted = known.challenger
    against = counted.result.get("against") if counted else None
    if counted is None or not against or against["auc"]["low"] <= 0:
        return None
    values = {
        "number": counted.score_run.version.number,
        "champion": against["version"],
        "day": counted.score_run.as_of.isoformat(),
        "n": against["n"],
        "difference": against["auc"]["value"],
        "low": against["auc"]["low"],
        "high": against["auc"]["high"],
    }
    template = gettext_noop(
        "Challenger v%(number)s ranked what then happened better than champion v%(champion)s: AUC %(difference)+.3f "
        "(%(low)+.3f to %(high)+.3f) on the same %(n)s customers of %(day)s. A second person may promote it."
    )
    return Finding(Level.WATCH, template, values, f"run:{counted.score_run_id}")


def _age(known: Facts) -> Finding | None:
    days = (clock.today() - known.champion.trained_at.date()).days
    if days < OLD_DAYS:
        return None
    template = gettext_noop(
        "Champion v%(number)s was trained %(days)s days ago; after %(old)s days it is trained anew."
    )
    values = {"number": known.champion.number, "days": days, "old": OLD_DAYS}
    return Finding(Level.WATCH, template, values, f"version:{known.champion.pk}", proposes=True)


RULES: dict[Rule, Callable[[Facts], Finding | None]] = {
    Rule.OBSERVED: _observed,
    Rule.RANKING: _ranking,
    Rule.SCORES: _scores,
    Rule.FEATURES: _fields,
    Rule.CALIBRATION: _calibration,
    Rule.CHALLENGER: _challenger,
    Rule.AGE: _age,
}
# Rule → (when it is broken, why so, whether it proposes training), for whoever reads the alerts.
STATED: dict[Rule, tuple[Any, Any, bool]] = {
    Rule.REFUSED: (
        gettext_lazy("A scoring ended with a refusal: a field disappeared, a file was changed."),
        gettext_lazy("The last good scores stay in use, so nobody is chosen by broken ones; but they age."),
        False,
    ),
    Rule.OBSERVED: (
        gettext_lazy("Observed over expected outside 0.80 to 1.25, and its 95 % interval excludes 1."),
        gettext_lazy("Budgets and expected values are sums of these chances."),
        True,
    ),
    Rule.RANKING: (
        gettext_lazy(
            "AUC more than 0.03 below that of training, and its 95 % interval excludes that of training."
        ),
        gettext_lazy("The best tenth no longer holds the best customers."),
        True,
    ),
    Rule.SCORES: (
        gettext_lazy("PSI of the scores from 0.10: watched; from 0.25: act."),
        gettext_lazy("The customers scored are no longer those the model learned from. Customs, not tests."),
        True,
    ),
    Rule.FEATURES: (
        gettext_lazy("A field's PSI from 0.25; act when such fields carry 10 % of what the model leans on."),
        gettext_lazy("What the model knows of customers has changed, or how it is recorded."),
        True,
    ),
    Rule.CALIBRATION: (
        gettext_lazy("Calibration error whose 95 % interval lies above that of training."),
        gettext_lazy("Ranks may still be right while the chances are not."),
        False,
    ),
    Rule.CHALLENGER: (
        gettext_lazy(
            "The challenger's AUC on outcomes is higher, and the interval of the difference excludes 0."
        ),
        gettext_lazy("Both scored the same customers, so the difference is theirs alone."),
        False,
    ),
    Rule.AGE: (
        gettext_lazy("The champion was trained 365 days ago or more."),
        gettext_lazy("Within a year products, rates and customers have changed."),
        True,
    ),
}


def review(model: PredictiveModel) -> list[ModelAlert]:
    """Ask every rule of a model anew: alerts open, change and close. Returns those open now, most urgent first.

    What a person set aside is not raised again by the same evidence.
    """
    known = facts(model)
    found = {rule: ask(known) if known else None for rule, ask in RULES.items()}
    with transaction.atomic():
        PredictiveModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        for rule, finding in found.items():
            _settle(model, rule, finding)
    return list(model.alerts.open())


def _settle(model: PredictiveModel, rule: Rule, finding: Finding | None) -> None:
    standing = model.alerts.open().filter(rule=rule).first()
    if finding is None:
        if standing:
            _end(standing, End.PASSED, None, "")
        return
    values = {
        "level": finding.level,
        "finding": finding.sentence,
        "proposes_training": finding.proposes,
        "evidence": finding.evidence,
    }
    if standing:
        ModelAlert.objects.filter(pk=standing.pk).update(**values)
        return
    aside = model.alerts.filter(rule=rule, ended_as=End.SET_ASIDE, evidence=finding.evidence)
    if not aside.exists():
        alert = ModelAlert.objects.create(model=model, rule=rule, **values)
        audit.record(None, "model.alert", model, rule=rule, level=finding.level, alert=alert.pk)


def _end(alert: ModelAlert, how: End, user: User | None, note: str) -> bool:
    ended = ModelAlert.objects.filter(pk=alert.pk, ended_at__isnull=True)
    if not ended.update(ended_at=Now(), ended_as=how, ended_by=user, note=note):
        return False
    audit.record(user, f"model.alert_{how}", alert.model, rule=alert.rule, alert=alert.pk, note=note)
    return True


@transaction.atomic
def scoring_refused(model: PredictiveModel, why: str, run: int) -> None:
    """The scores in use stay, and whoever owns the model is told why they are not renewed."""
    template = gettext_noop("Scoring was refused: %(why)s The scores in use stay.")
    _settle(model, Rule.REFUSED, Finding(Level.ACT, template, {"why": why}, f"work:{run}"))


@transaction.atomic
def scoring_succeeded(model: PredictiveModel) -> None:
    """What was refused before has been mended."""
    _settle(model, Rule.REFUSED, None)


@transaction.atomic
def set_aside(alert: ModelAlert, user: User, note: str) -> None:
    """Say why an alert is no reason to act. Raises PermissionDenied, Refused without a reason or when it has ended."""
    if not user.may_act_as(DECIDERS):
        raise PermissionDenied(_("Your role does not include this."))
    if not note.strip():
        raise predictive.Refused(_("Say why: whoever reads the alert later wants to know."))
    if not _end(alert, End.SET_ASIDE, user, note.strip()[:300]):
        raise predictive.Refused(_("This alert has ended already. Nothing was changed."))


def told(alert: ModelAlert) -> str:
    """The finding in the reader's language."""
    return card.told(alert.finding)


def notices(user: User) -> list[Notice]:
    """Open alerts of the models somebody owns, for the page of work."""
    return [
        Notice(
            text=f"{alert.model.name}: {told(alert)}",
            route="model-proof",
            pk=alert.model_id,
            urgent=alert.level == Level.ACT,
            since=alert.raised_at,
        )
        for alert in ModelAlert.objects.open().filter(model__owner=user).select_related("model")
    ]


def bell(user: User) -> Bell:
    """Alerts count as unread for the analyst who owns the model; others are spared the question."""
    if user.role != Role.ANALYST:
        return Bell(0, 0)
    return Bell(0, ModelAlert.objects.open().filter(model__owner=user).count())
