"""Training: labels, a split by time, two learners, calibration, evidence, and two versions with their model cards.

Nothing here puts a model to use. A version becomes champion when a second person promotes it (``predictive``).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import card, explored, features, history, labels, own_target, targets
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
    fit_champion,
)
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.modelling.splits import CannotSplit, Slices, time_split
from analytics.models import ModelVersion, PredictiveModel
from bankcrm import audit, runs
from bankcrm.models import User

Algorithm = ModelVersion.Algorithm
RESAMPLES = 500
STEPS = 5
TODAYS_ROW = gettext_noop(
    "Fields of the customer's own row, such as occupation or credit limit, are as known today, not as of the month-end."
)
NOT_UPLIFT = gettext_noop("Ranks who will buy, not who is moved by being contacted.")
ONLY_SELECTED = gettext_noop("Learned from customers earlier campaigns selected; others it knows less well.")
RULE_SCORE = gettext_noop(
    "Rule score (recency, frequency, value): an order of customers, not a probability. From %(logistic)s responders in"
    " the training period a logistic regression is fitted, from %(trees)s gradient boosting too."
)
FILE_ORDER = gettext_noop("Rows of the imported campaign %(campaign)s in file order, %(n)s of them.")
REFUSED_COLUMNS = gettext_noop("Columns refused as known only after the contact: %(names)s.")
FROM_CUSTOMERS = gettext_noop(
    "Learned from customers, and only from the fields the list %(list)s has. People who are no customers differ from"
    " them: read the order, and take the chance for a guess."
)
RAISED_ANYWAY = gettext_noop("Ranks who moves up, not who is moved by being contacted.")
TOO_FEW_FOR_TREES = gettext_noop(
    "Only the logistic regression was fitted: gradient boosting needs at least %(trees)s responders in its training"
    " period."
)
# Those whose customers have no bookings or balances, or whose outcome they say nothing of.
WITHOUT_RULE = frozenset({PredictiveModel.Kind.OWN, PredictiveModel.Kind.PROSPECT})
NEEDED = {"logistic": POSITIVES_NEEDED["logistic"], "trees": POSITIVES_NEEDED["hist_gradient_boosting"]}
RULE_FIELDS = ("last_transaction_on", "transactions_12m", "aum")


@dataclass(frozen=True, slots=True)
class Material:
    """What a fit needs, whichever source it came from."""

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    dates: NDArray[Any]
    specs: tuple[FeatureSpec, ...]
    embargo: Any
    facts: dict[str, Any]
    data: labels.Dataset | None = None
    past: history.History | None = None


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
    material = _material(model, as_of, job)
    try:
        slices, choice = _fitted(model, material, job)
        if choice.chosen.objection and material.facts["source"] == labels.ASSIGNMENTS:
            # Few responders of few campaigns may teach nothing, where all customers' own purchases do.
            material = _material(model, as_of, job, assigned_failed=True)
            slices, choice = _fitted(model, material, job)
    except (LeakageFound, NothingToLearnFrom, InfiniteValue) as unfit:
        raise runs.Refused(card.told(unfit.sentence)) from unfit
    except (InsufficientData, CannotSplit) as lack:
        # A rule of recency and value says something of buying and leaving, nothing of a bank's own field.
        if material.past is not None or model.kind in WITHOUT_RULE:
            raise runs.Refused(card.told(lack.sentence)) from lack
        return [store(model, user, job, [_rule(model, material, lack.sentence)])[0]]
    _step(job, 3, _("Comparing with the champion"))
    drafts = _drafts(model, material, slices, choice, job)
    for draft in drafts:
        draft.card["seconds"] = round(time.monotonic() - began, 1)
    return store(model, user, job, drafts)


def _fitted(model: PredictiveModel, material: Material, job: runs.Job | None) -> tuple[Slices, Choice]:
    slices = _slices(material, model.pk)
    _step(job, 2, _("Fitting and calibrating"))
    choice = fit_champion(
        material.X, material.y, material.dates, material.specs, slices, seed=model.pk, resamples=RESAMPLES
    )
    return slices, choice


def _step(job: runs.Job | None, done: int, note: str) -> None:
    if job:
        job.progress(done, STEPS, note)


def _material(
    model: PredictiveModel, as_of: dt.date | None, job: runs.Job | None, *, assigned_failed: bool = False
) -> Material:
    if model.history_campaign:
        return _from_history(model)
    day = features.month_to_read(as_of)

    def step(done: int, total: int) -> None:
        if job:
            job.progress(
                0,
                STEPS,
                _("Profiles of month-end %(done)s of %(total)s") % {"done": done + 1, "total": total},
            )

    data = _dataset(model, day, step, assigned_failed=assigned_failed)
    facts = {
        "source": data.source,
        "as_of": day.isoformat(),
        "notes": [card.sentence(note) for note in data.notes],
        "limits": [card.sentence(limit) for limit in _limits(model, data)],
        "labels": labels.label_counts(model, day) if data.source != own_target.SOURCE else {},
        "snapshots": sorted({str(date) for date in np.unique(data.dates)}),
        "share_of_customers": data.share,
        "n": len(data.y),
        "positives": int(data.y.sum()),
    }
    embargo = None
    if data.source != labels.ASSIGNMENTS and data.by_time:
        # The month-ends were chosen so that no two windows overlap; months differ in length, so the shortest gap.
        embargo = np.timedelta64(min(targets.window_end(model, month) - month for month, _ in data.batches))
    return Material(data.X, data.y, data.dates, data.specs, embargo, facts, data=data)


def _dataset(
    model: PredictiveModel, day: dt.date, step: labels.Step, *, assigned_failed: bool
) -> labels.Dataset:
    with refusing(model, day):
        try:
            if model.kind == PredictiveModel.Kind.OWN:
                return own_target.dataset(model, day, step)
            return labels.dataset(model, day, step, assigned_failed=assigned_failed)
        except own_target.NoValues as nobody:
            raise runs.Refused(str(nobody)) from nobody


@contextmanager
def refusing(model: PredictiveModel, day: dt.date) -> Iterator[None]:
    """What reading labels raises, as refusals: LookupError for want of a complete window, ValueError as it says."""
    try:
        yield
    except LookupError as nothing:
        raise runs.Refused(
            _("No month-end has a complete window of %(days)s days before %(day)s yet.")
            % {"days": model.horizon_days, "day": day.isoformat()}
        ) from nothing
    except ValueError as unusable:
        raise runs.Refused(str(unusable)) from unusable


def _limits(model: PredictiveModel, data: labels.Dataset) -> list[Sentence]:
    limits = [Sentence(TODAYS_ROW)]
    if model.kind == PredictiveModel.Kind.RESPONSE:
        limits.insert(0, Sentence(NOT_UPLIFT))
    if model.kind == PredictiveModel.Kind.RAISING:
        limits.insert(0, Sentence(RAISED_ANYWAY))
    if model.kind == PredictiveModel.Kind.PROSPECT:
        limits = [Sentence(FROM_CUSTOMERS, {"list": model.prospect_list}), *limits]
    if not data.by_time:
        limits.append(Sentence(own_target.SAME_DAY))
    if data.source == labels.ASSIGNMENTS:
        limits.append(Sentence(ONLY_SELECTED))
    return limits


def _from_history(model: PredictiveModel) -> Material:
    try:
        past = history.read(model.history_campaign)
    except LookupError as nothing:
        raise runs.Refused(
            _("The imported campaign “%(campaign)s” has no rows with columns to learn from.")
            % {"campaign": model.history_campaign}
        ) from nothing
    notes = [Sentence(FILE_ORDER, {"campaign": model.history_campaign, "n": len(past.y)})]
    if past.refused:
        notes.append(Sentence(REFUSED_COLUMNS, {"names": ", ".join(past.refused)}))
    facts = {
        "source": "history",
        "notes": [card.sentence(note) for note in notes],
        "limits": [card.sentence(Sentence(NOT_UPLIFT))],
        "n": len(past.y),
        "positives": int(past.y.sum()),
        "refused": list(past.refused),
    }
    return Material(past.X, past.y, np.arange(len(past.y)), past.specs, None, facts, past=past)


def _slices(material: Material, seed: int) -> Slices:
    if material.data is not None and not material.data.by_time:
        return own_target.split_at_random(material.y, material.dates[0], seed)
    return time_split(material.dates, material.y, embargo=material.embargo)


@dataclass(slots=True)
class Draft:
    """A version before it has a number."""

    algorithm: str
    specs: tuple[FeatureSpec, ...]
    card: dict[str, Any]
    artefact: bytes | None = None


def _drafts(
    model: PredictiveModel, material: Material, slices: Slices, choice: Choice, job: runs.Job | None
) -> list[Draft]:
    champion = _champion_answers(model, material, slices)
    answers = {
        fitted.kind: _answers(fitted, material.X[slices.out_of_time])
        for fitted in (choice.chosen, choice.other)
        if fitted
    }
    drafts = []
    for fitted in (choice.chosen, choice.other):
        if fitted is None:
            continue
        document = {**material.facts, **card.of_fit(fitted), "owner": model.owner.full_name}
        document["horizon_days"] = model.horizon_days
        if choice.comparison:
            document["comparison"] = card.sentence(choice.comparison.sentence)
        else:
            document["comparison"] = card.sentence(Sentence(TOO_FEW_FOR_TREES, NEEDED))
        y = material.y[slices.out_of_time]
        others = {kind: theirs for kind, theirs in answers.items() if kind != fitted.kind}
        document["against"] = [
            {"version": kind, **_against(theirs, answers[fitted.kind], y, model.pk)}
            for kind, theirs in others.items()
        ]
        if champion is not None and model.champion is not None:
            compared = _against(champion, answers[fitted.kind], y, model.pk)
            document["against"].append({"version": model.champion.number, **compared})
        if material.past is not None:
            document["rolling"] = _rolling(model, material.past, fitted.kind, job)
        if material.data is not None and material.data.explored is not None:
            drawn = material.data.explored[slices.out_of_time]
            document["explored"], told = explored.evidence(
                y, *answers[fitted.kind], drawn, resamples=RESAMPLES, seed=model.pk
            )
            document["notes"] = [*document["notes"], card.sentence(told)]
        document["chosen"] = fitted is choice.chosen
        drafts.append(Draft(fitted.kind, fitted.specs, document, artefact.dump(fitted)))
    return drafts


def _rolling(
    model: PredictiveModel, past: history.History, kind: EstimatorKind, job: runs.Job | None
) -> dict[str, Any]:
    _step(job, 4, _("Refitting along the file"))
    rolled = history.roll(model, past, kind)
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


def _answers(fitted: FittedResponse, rows: NDArray[np.float32]) -> Answers:
    raw = fitted.raw(rows)
    return raw, fitted.calibrator.predict(raw)


def _champion_answers(model: PredictiveModel, material: Material, slices: Slices) -> Answers | None:
    """The champion's answers on the new out-of-time rows, None where it cannot give any."""
    version = model.champion
    if version is None or version.artefact is None:
        return None
    try:
        fitted = artefact.load(bytes(version.artefact), version.sha256)
    except artefact.ArtefactRefused:
        return None  # the card then has no comparison; scoring with it says why
    rows = slices.out_of_time
    if material.data is not None:
        return _answers(fitted, material.data.again(fitted.specs, rows))
    return _answers(fitted, history.read(model.history_campaign, fitted.specs).X[rows])


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


def _rule(model: PredictiveModel, material: Material, why: Sentence) -> Draft:
    """The rule score for a product with too little history; the base rate stands in for every probability."""
    known = [field for field in features.usable() if field.code in RULE_FIELDS]
    document = {
        **material.facts,
        "owner": model.owner.full_name,
        "horizon_days": model.horizon_days,
        "rate": material.facts["positives"] / max(material.facts["n"], 1),
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
