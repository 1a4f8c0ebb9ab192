"""Training: labels, a split by time, two learners, calibration, evidence, and two versions with their model cards.

Nothing here puts a model to use. A version becomes champion when a second person promotes it (``predictive``).
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import card, explored, features, history, label_choice, labels, material
from analytics.label_choice import Fit
from analytics.material import Material
from analytics.modelling import artefact, bootstrap, metrics, rolling
from analytics.modelling.estimators import EstimatorKind
from analytics.modelling.inputs import NothingToLearnFrom
from analytics.modelling.leakage import LeakageFound
from analytics.modelling.matrix import FeatureSpec, InfiniteValue
from analytics.modelling.response import (
    POSITIVES_NEEDED,
    Choice,
    FittedResponse,
    InsufficientData,
    chosen_by,
    fit_champion,
)
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.modelling.splits import CannotSplit
from analytics.models import ModelVersion, PredictiveModel
from bankcrm import audit, figures, runs
from bankcrm.models import User

Algorithm = ModelVersion.Algorithm
RESAMPLES = 500
RULE_SCORE = gettext_noop(
    "Rule score (recency, frequency, value): an order of customers, not a probability. From %(logistic)s responders in"
    " the training period a logistic regression is fitted, from %(trees)s gradient boosting too."
)
TOO_FEW_FOR_TREES = gettext_noop(
    "Only the logistic regression was fitted: gradient boosting needs at least %(trees)s responders in its training"
    " period."
)
# Those whose customers have no bookings or balances, or whose outcome they say nothing of.
WITHOUT_RULE = frozenset({PredictiveModel.Kind.OWN, PredictiveModel.Kind.PROSPECT})
NEEDED = {"logistic": POSITIVES_NEEDED["logistic"], "trees": POSITIVES_NEEDED["hist_gradient_boosting"]}


def train(
    model: PredictiveModel, user: User, as_of: dt.date | None = None, job: runs.Job | None = None
) -> list[ModelVersion]:
    """New versions of the model from outcomes known at ``as_of`` (the newest profile's date): the better learner first.

    Gradient boosting and logistic regression where there are responders enough, else a rule score labelled as such. A
    run that is repeated finds its versions. Raises runs.Refused with the sentence when a feature knows the outcome, or
    there is nothing to learn from.
    """
    if job and (made := list(ModelVersion.objects.filter(run=job.run_id).order_by("number"))):
        return made
    began = time.monotonic()
    _step(job, 0, _("Reading outcomes and features"))
    found = material.read(model, as_of, job)
    try:
        fit = _learned(model, found, as_of, job)
    except (LeakageFound, NothingToLearnFrom, InfiniteValue) as unfit:
        raise runs.Refused(card.told(unfit.sentence)) from unfit
    except (InsufficientData, CannotSplit) as lack:
        # A rule of recency and value says something of buying and leaving, nothing of a bank's own field.
        if found.past is not None or model.kind in WITHOUT_RULE:
            raise runs.Refused(card.told(lack.sentence)) from lack
        if not found.facts["positives"]:
            raise runs.Refused(_nobody(model, found)) from lack
        return [store(model, user, job, [_rule(model, found, lack.sentence)])[0]]
    _step(job, 4, _("Comparing with the champion"))
    drafts = _drafts(model, fit, job)
    for draft in drafts:
        draft.card["seconds"] = round(time.monotonic() - began, 1)
    return store(model, user, job, drafts)


def _nobody(model: PredictiveModel, found: Material) -> str:
    """An order by recency and value of what nobody has ever done would be believed to be a chance."""
    return _(
        "“%(model)s” has nothing to learn from: of %(n)s customers asked about at %(months)s month-ends nobody did it."
        " Nothing was published; train it once somebody has."
    ) % {
        "model": model.name,
        "n": figures.number(found.facts["n"]),
        "months": figures.number(len(np.unique(found.dates))),
    }


def _learned(model: PredictiveModel, found: Material, as_of: dt.date | None, job: runs.Job | None) -> Fit:
    """Fitted on what was read, or on what campaigns gave where there is enough of it and it is the better teacher."""
    if found.data is None or found.facts["source"] != labels.HOLDINGS:
        return _fitted(model, found, job)
    offered = labels.enough_assigned(model, features.month_to_read(as_of))
    try:
        purchases = _fitted(model, found, job)
    except (InsufficientData, CannotSplit) as lack:
        if not offered:
            raise
        given = _fitted(model, material.read(model, as_of, job, source=labels.ASSIGNMENTS), job)
        return given.noting(Sentence(label_choice.NO_PURCHASES, {"why": str(lack)}))
    if not offered:
        return purchases
    try:
        given = _fitted(model, material.read(model, as_of, job, source=labels.ASSIGNMENTS), job)
    except (InsufficientData, CannotSplit) as lack:
        return purchases.noting(Sentence(label_choice.NOT_LEARNED, {"why": str(lack)}))
    return label_choice.choose(purchases, given, model.horizon_days, resamples=RESAMPLES, seed=model.pk)


def _fitted(model: PredictiveModel, found: Material, job: runs.Job | None) -> Fit:
    slices = material.slices(found, model.pk)
    _step(job, 2, _("Fitting and calibrating"))
    choice = fit_champion(
        found.X,
        found.y,
        found.dates,
        found.specs,
        slices,
        seed=model.pk,
        resamples=RESAMPLES,
        weight=found.weight,
    )
    if found.past is None:
        return label_choice.of(found, slices, choice)
    rolled = _rolled(model, found.past, choice, job)
    return replace(label_choice.of(found, slices, _by_use(choice, rolled, model.pk)), rolled=rolled)


def _rolled(
    model: PredictiveModel, past: history.History, choice: Choice, job: runs.Job | None
) -> dict[str, rolling.Rolling]:
    _step(job, 3, _("Refitting along the file"))
    kinds = [fitted.kind for fitted in (choice.chosen, choice.other) if fitted]
    return {kind: history.roll(model, past, kind) for kind in kinds}


def _by_use(choice: Choice, rolled: dict[str, rolling.Rolling], seed: int) -> Choice:
    """A history is used refitted along the file, so that is how its learners are compared: on one slice of it a drift
    of the base rate may hide which one keeps up."""
    if len(rolled) < 2:
        return choice
    trees, logit = rolled["hist_gradient_boosting"], rolled["logistic"]
    difference = bootstrap.paired_difference(
        metrics.auc, trees.outcomes, trees.scores, logit.scores, n=RESAMPLES, seed=seed
    )
    return chosen_by(choice, difference)


def _step(job: runs.Job | None, done: int, note: str) -> None:
    if job:
        job.progress(done, material.STEPS, note)


@dataclass(slots=True)
class Draft:
    """A version before it has a number."""

    algorithm: str
    specs: tuple[FeatureSpec, ...]
    card: dict[str, Any]
    artefact: bytes | None = None


def _drafts(model: PredictiveModel, fit: Fit, job: runs.Job | None) -> list[Draft]:
    both = [fitted for fitted in (fit.choice.chosen, fit.choice.other) if fitted]
    answers = {fitted.kind: fit.answers(fitted) for fitted in both}
    champion = _champion_answers(model, fit)
    y = fit.outcomes()
    comparison = fit.choice.comparison
    learners = comparison.sentence if comparison else Sentence(TOO_FEW_FOR_TREES, NEEDED)
    drafts = []
    for fitted in both:
        document = {
            **fit.material.facts,
            **card.of_fit(fitted),
            "owner": model.owner.full_name,
            "horizon_days": model.horizon_days,
            "comparison": card.sentence(learners),
            "chosen": fitted is fit.choice.chosen,
        }
        document["against"] = [
            {"version": kind, **_against(theirs, answers[fitted.kind], y, model.pk)}
            for kind, theirs in answers.items()
            if kind != fitted.kind
        ]
        if champion is not None and model.champion is not None:
            compared = _against(champion, answers[fitted.kind], y, model.pk)
            document["against"].append({"version": model.champion.number, **compared})
        if fit.material.past is not None:
            document["rolling"] = _rolling(model, fit.material.past, fitted.kind, fit.rolled[fitted.kind])
        document |= _explored(model, fit, fitted, document["notes"])
        drafts.append(Draft(fitted.kind, fitted.specs, document, artefact.dump(fitted)))
    return drafts


def _explored(
    model: PredictiveModel, fit: Fit, fitted: FittedResponse, notes: list[dict[str, Any]]
) -> dict[str, Any]:
    """What a model of campaigns' rows is worth among those drawn at random: its figures and the notes with them."""
    data, rows = fit.material.data, fit.slices.out_of_time
    if data is None or data.explored is None:
        return {}
    raw = fitted.raw(data.X[rows])
    figures, told = explored.evidence(
        data.y[rows],
        raw,
        fitted.calibrator.predict(raw),
        data.explored[rows],
        resamples=RESAMPLES,
        seed=model.pk,
    )
    return {"explored": figures, "notes": [*notes, card.sentence(told)]}


def _rolling(
    model: PredictiveModel, past: history.History, kind: EstimatorKind, rolled: rolling.Rolling
) -> dict[str, Any]:
    window, step = history.window(len(past.y))
    folds = rolling.five_fold_auc(past.X, past.y, past.specs, kind=kind, seed=model.pk)
    return {
        "auc": rolled.auc,
        "gains_area": rolled.gains_area,
        "refits": rolled.refits,
        "rows": len(rolled.outcomes),
        "window": window,
        "step": step,
        "five_fold_auc": folds,
    }


# Raw scores and probabilities of one fit on the out-of-time rows.
Answers = tuple[NDArray[np.float64], NDArray[Any]]


def _champion_answers(model: PredictiveModel, fit: Fit) -> Answers | None:
    """The champion's answers on the same later rows, None where it cannot give any."""
    version = model.champion
    if version is None or version.artefact is None:
        return None
    try:
        return fit.answers(artefact.load(bytes(version.artefact), version.sha256))
    except artefact.ArtefactRefused:
        return None  # the card then has no comparison; scoring with it says why


def _against(theirs: Answers, ours: Answers, y: NDArray[np.int8], seed: int) -> dict[str, Any]:
    """Ours minus theirs on the same out-of-time rows, per metric with its paired interval, and their own figure."""
    pairs = {
        "auc": (metrics.auc, 0),
        "ks": (metrics.ks, 0),
        "top_decile_lift": (metrics.top_decile_lift, 0),
        "brier": (metrics.brier, 1),
        "ece": (metrics.ece, 1),
    }
    differences = {}
    for name, (metric, which) in pairs.items():
        known = bootstrap.bootstrap_interval(metric, y, theirs[which], n=RESAMPLES, seed=seed)
        difference = bootstrap.paired_difference(
            metric, y, ours[which], theirs[which], n=RESAMPLES, seed=seed
        )
        differences[name] = {
            "theirs": known.value,
            "theirs_low": known.low,
            "theirs_high": known.high,
            **asdict(difference),
        }
    return {"n": len(y), "positives": int(y.sum()), "metrics": differences}


def _rule(model: PredictiveModel, found: Material, why: Sentence) -> Draft:
    """The rule score for a product with too little history; the base rate stands in for every probability."""
    known = [field for field in features.usable() if field.code in features.RULE_FIELDS]
    document = {
        **found.facts,
        "owner": model.owner.full_name,
        "horizon_days": model.horizon_days,
        "rate": found.facts["positives"] / max(found.facts["n"], 1),
    }
    document["notes"] = [*document["notes"], card.sentence(why), card.sentence(Sentence(RULE_SCORE, NEEDED))]
    return Draft(Algorithm.RULE, features.learn_specs(known, ()), document)


@transaction.atomic
def store(
    model: PredictiveModel, user: User, job: runs.Job | None, drafts: list[Draft]
) -> list[ModelVersion]:
    if job:
        job.fence()
    # Two trainings at once take their numbers in turn.
    PredictiveModel.objects.select_for_update(no_key=True).get(pk=model.pk)
    last = ModelVersion.objects.filter(model=model).aggregate(last=Max("number"))["last"] or 0
    versions = []
    numbers = {draft.algorithm: number for number, draft in enumerate(drafts, start=last + 1)}
    for draft in drafts:
        number = numbers[draft.algorithm]
        for compared in draft.card.get("against", []):
            compared["version"] = numbers.get(compared["version"], compared["version"])
        version = ModelVersion.objects.create(
            model=model,
            number=number,
            algorithm=draft.algorithm,
            features=[spec.name for spec in draft.specs],
            artefact=draft.artefact,
            sha256=artefact.digest(draft.artefact) if draft.artefact else "",
            card=draft.card,
            trained_by=user,
            run=job.run if job else None,
        )
        version.refresh_from_db(fields=["trained_at"])
        audit.record(user, "model.trained", version, to_state=version.state, number=number)
        versions.append(version)
    return versions
