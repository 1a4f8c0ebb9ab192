"""Scoring: the champion over everybody it is about, published whole or not at all.

Scores go by binary COPY into a table of their own, which becomes a partition in the same transaction that moves the
model's pointer. Whatever dies before leaves readers where they were; the next run marks the remains as dropped.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Avg
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import (
    card,
    drift,
    features,
    history,
    pieces,
    predictive,
    preference_scoring,
    published,
    targets,
)
from analytics.drift import Drift
from analytics.features import Batch, Population
from analytics.modelling import artefact
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.preference import FittedPreference
from analytics.modelling.response import FittedResponse
from analytics.modelling.rules import RuleScore, rule_score
from analytics.modelling.sentences import ModellingRefusal
from analytics.modelling.uplift_model import FittedUplift
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm import audit, bulk, figures, runs
from bankcrm.models import User
from customers import profile
from customers.models import CustomerProfile

TABLE = "analytics_score"
Scores = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Computed:
    """What one run came to: how many customers, how their rows are written, and how far scores and fields have moved
    since the version learned."""

    rows: int
    write: Callable[[ScoreRun], int]
    drift: Drift


def _of_scores(scores: Scores, moved: Drift) -> Computed:
    return Computed(len(scores[0]), lambda run: write_back(run, *scores), moved)


def score(model: PredictiveModel, month: dt.date | None, user: User, job: runs.Job | None = None) -> ScoreRun:
    """Score the customers of ``month`` (the newest profile) with the champion and put the scores to use.

    A repeated run finds what it published. Raises runs.Refused without a champion, for an artefact that is not the one
    stored, for a field that disappeared, or when there is nobody to score; nothing is then visible.
    """
    if job and (made := _made(job, challenger=False)):
        return made
    return _scored(champion(model), _existing(model, month), user, job, challenger=False)


def champion(model: PredictiveModel) -> ModelVersion:
    """The version in use. Raises runs.Refused where none is."""
    version = (
        ModelVersion.objects.filter(model=model, state=ModelVersion.State.CHAMPION)
        .select_related("model__product")
        .first()
    )
    if version is None:
        raise runs.Refused(_("The model has no champion. A second person promotes a version first."))
    return version


def score_challenger(
    model: PredictiveModel, month: dt.date | None, user: User, job: runs.Job | None = None
) -> ScoreRun | None:
    """The same customers by the version that waits for promotion, to be compared on outcomes; None without one.

    Nobody is chosen by these scores: no pointer moves. Raises runs.Refused as ``score`` does.
    """
    if job and (made := _made(job, challenger=True)):
        return made
    waiting = predictive.challenger(model)
    if waiting is None or model.history_campaign:
        return None
    version = ModelVersion.objects.select_related("model__product").get(pk=waiting.pk)
    return _scored(version, _existing(model, month), user, job, challenger=True)


def _made(job: runs.Job, *, challenger: bool) -> ScoreRun | None:
    return ScoreRun.objects.filter(
        run=job.run_id, state=ScoreRun.State.PUBLISHED, challenger=challenger
    ).first()


def _existing(model: PredictiveModel, month: dt.date | None) -> dt.date:
    """The month-end to score. Raises runs.Refused naming the newest where there is none of that day."""
    day = features.month_to_read(month)
    if not model.history_campaign and not CustomerProfile.objects.filter(month=day).exists():
        newest = profile.latest_month()
        raise runs.Refused(
            _("There is no customer profile of %(day)s; the newest is of %(newest)s.")
            % {"day": figures.day(day), "newest": figures.day(newest) if newest else _("no day")}
        )
    return day


def _scored(
    version: ModelVersion, day: dt.date, user: User, job: runs.Job | None, *, challenger: bool
) -> ScoreRun:
    published.drop_remains(ScoreRun.objects.filter(version__model=version.model, challenger=challenger))
    fitted = load(version)
    if fitted is not None and not version.model.history_campaign:
        drift.refuse_lost(fitted)
    run = ScoreRun.objects.create(
        version=version, as_of=day, run=job.run if job else None, challenger=challenger
    )
    try:
        computed = _computed(version, fitted, day, job)
    except ModellingRefusal as refused:
        ScoreRun.objects.filter(pk=run.pk).update(state=ScoreRun.State.DROPPED)
        raise runs.Refused(card.told(refused.sentence)) from refused
    except runs.Refused:
        ScoreRun.objects.filter(pk=run.pk).update(state=ScoreRun.State.DROPPED)
        raise
    if job:
        job.progress(computed.rows, computed.rows, _("Publishing"))
    _publish(version, run, computed, user, job)
    run.refresh_from_db()
    return run


def load(version: ModelVersion) -> FittedResponse | FittedUplift | FittedPreference | None:
    """The fitted model behind a version, its digest checked; None for a rule. Raises runs.Refused."""
    if version.algorithm == ModelVersion.Algorithm.RULE:
        return None
    try:
        data = bytes(version.artefact or b"")
        if version.model.kind == PredictiveModel.Kind.UPLIFT:
            return artefact.load_as(FittedUplift, data, version.sha256)
        if version.model.kind == PredictiveModel.Kind.PREFERENCE:
            return artefact.load_as(FittedPreference, data, version.sha256)
        return artefact.load(data, version.sha256)
    except artefact.ArtefactRefused as refused:
        raise runs.Refused(card.told(refused.sentence)) from refused


def _computed(
    version: ModelVersion,
    fitted: FittedResponse | FittedUplift | FittedPreference | None,
    day: dt.date,
    job: runs.Job | None,
) -> Computed:
    if isinstance(fitted, FittedPreference):
        found = preference_scoring.answers(version, fitted, day, job)
        return Computed(len(found), lambda run: preference_scoring.write(run, found), found.drift)
    who = targets.population(version.model, day)
    if version.model.history_campaign and not isinstance(fitted, FittedUplift):
        scores = _along_the_file(version, fitted, job)
        psi = fitted.score_reference.psi(scores[2]) if isinstance(fitted, FittedResponse) else None
        return _of_scores(scores, Drift(psi))
    nobody = _("There is no customer to score in the profile of %(day)s.") % {"day": figures.day(day)}
    if fitted is None:
        scores = _by_rule(version, day, who)
        if not len(scores[0]):
            raise runs.Refused(nobody)
        return _of_scores(scores, Drift(None))
    total = features.count(day, who)
    watch = drift.Watch(fitted.specs, fitted.feature_references, total)
    batches = features.chunks(day, fitted.specs, who)
    ids, raw, probability = pieces.put_together(batches, _of(fitted, watch), total, nobody, job)
    moved = drift.measure(version, fitted, watch, probability, day, who)
    return _of_scores((ids, raw, probability), moved)


def _of(fitted: FittedResponse | FittedUplift, watch: drift.Watch) -> Callable[[Batch], pieces.Columns]:
    """What a piece comes to: raw scores and chances."""

    def of(batch: Batch) -> pieces.Columns:
        watch.add(batch)
        if isinstance(fitted, FittedUplift):
            gained = fitted.predict(batch.X)
            return gained.astype(np.float64), gained
        raw = fitted.raw(batch.X)
        return raw, fitted.calibrator.predict(raw).astype(np.float32)

    return of


def _by_rule(version: ModelVersion, day: dt.date, who: Population) -> Scores:
    _specs, batch, ranked = ranked_by_rule(version, day, who)
    rate = np.full(len(batch.ids), version.card.get("rate", 0.0), dtype=np.float32)
    # The score puts the best customers first; those who leave are sought at its other end.
    best_first = -1.0 if version.model.kind == PredictiveModel.Kind.CHURN else 1.0
    return batch.ids, best_first * ranked.score.astype(np.float64), rate


def ranked_by_rule(
    version: ModelVersion, day: dt.date, who: Population
) -> tuple[tuple[FeatureSpec, ...], Batch, RuleScore]:
    """The three columns of a rule and what they come to: it ranks everybody against everybody, so it reads them at
    once."""
    specs = features.learn_specs(features.usable(version.features), ())
    batch = features.matrix(day, specs, who)
    column = {spec.name: batch.X[:, position] for position, spec in enumerate(specs)}
    ranked = rule_score(-column["last_transaction_on"], column["transactions_12m"], column["aum"])
    return specs, batch, ranked


def _along_the_file(version: ModelVersion, fitted: FittedResponse | None, job: runs.Job | None) -> Scores:
    """An imported campaign: its last fifth, every row scored by a fit on the rows before it."""
    if fitted is None:
        raise runs.Refused(_("A rule cannot score an imported campaign."))
    past = history.read(version.model.history_campaign, fitted.specs)
    if job:
        job.progress(0, len(past.ids), _("Refitting along the file"))
    rolled = history.roll(version.model, past, fitted.kind)
    # Each refit sees the rate of the rows just before; the version's calibration is of a far earlier stretch.
    probability = (1 / (1 + np.exp(-rolled.scores))).astype(np.float32)
    return past.ids[rolled.start :], rolled.scores, probability


def _publish(
    version: ModelVersion, run: ScoreRun, computed: Computed, user: User, job: runs.Job | None
) -> None:
    model, moved = version.model, computed.drift
    with bulk.without_time_limit(), transaction.atomic():
        if job:
            job.fence()
        if not run.challenger:
            put = PredictiveModel.objects.filter(pk=model.pk, champion=version)
            if not put.update(current_score_run=run):
                raise runs.Refused(
                    _("Another version became champion while this one was scoring. Score again.")
                )
        rows = computed.write(run)
        ScoreRun.objects.filter(pk=run.pk, state=ScoreRun.State.BUILDING).update(
            state=ScoreRun.State.PUBLISHED,
            rows=rows,
            average=run.scores.aggregate(mean=Avg("probability"))["mean"] if model.feeds else None,
            psi=moved.psi,
            drift=moved.kept,
            shares=moved.shares,
            published_at=Now(),
        )
        if model.feeds and not run.challenger:
            predictive.refill(model, run.as_of)
        audit.record(
            user,
            "model.challenger_scored" if run.challenger else "model.scored",
            model,
            to_state=ScoreRun.State.PUBLISHED,
            score_run=run.pk,
            rows=rows,
        )


def write_back(
    run: ScoreRun, ids: NDArray[np.int64], raw: NDArray[np.float64], probability: NDArray[np.float32]
) -> int:
    """Write the scores (n,) of one run as a partition of ``analytics_score``, in a transaction; returns the rows."""
    columns: dict[str, bulk.Column] = {
        "score_run_id": np.full(len(ids), run.pk, dtype=np.int64),
        "customer_id": ids,
        "raw": raw,
        "probability": probability.astype(np.float64),
        "decile": deciles(raw),
    }
    with published.new_partition(TABLE, run.pk) as part:
        bulk.copy_columns(part, columns)
    return len(ids)


def deciles(raw: NDArray[np.float64]) -> NDArray[np.int16]:
    """Tenth by rank of the raw score, 1 = highest (n,) int16; equal scores in their order, so tenths stay equal."""
    decile = np.empty(len(raw), dtype=np.int16)
    decile[np.argsort(-raw, kind="stable")] = np.arange(len(raw)) * 10 // max(len(raw), 1) + 1
    return decile
