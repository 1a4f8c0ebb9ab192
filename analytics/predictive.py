"""Verbs on predictive models: define one, promote a version (four eyes), roll back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Min, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analytics import card
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm import audit, figures, runs
from bankcrm.freshness import Freshness
from bankcrm.models import Role, User
from customers import attitude, preferences

State = ModelVersion.State
WRITERS = frozenset({Role.ANALYST})
PROMOTERS = frozenset({Role.ANALYST, Role.MANAGER})


class Refused(runs.Refused):
    """What was asked is against a rule; the sentence says which, and nothing was changed."""


def _require(user: User, roles: frozenset[Role]) -> None:
    if not user.may_act_as(roles):
        raise PermissionDenied(_("Your role does not include this."))


def freshness() -> Freshness | None:
    """What the top bar says about the scores in use: the day the oldest of them are of, whenever they were computed."""
    oldest = (
        PredictiveModel.objects.filter(current_score_run__isnull=False)
        .aggregate(oldest=Min("current_score_run__as_of"))
        .get("oldest")
    )
    return Freshness(_("scores of %(day)s") % {"day": figures.short_day(oldest)}) if oldest else None


def work_on(model: PredictiveModel) -> dict[str, Any]:
    """What ``runs.start`` is told of work on a model: by its key one training or scoring of a model runs at a time."""
    return {"subject": model.name, "key": work_key(model), "model": model.pk}


def work_key(model: PredictiveModel) -> str:
    return f"model:{model.pk}"


def churn_chances(month: dt.date) -> list[tuple[str, str, tuple[Any, ...]]]:
    """For every chance of leaving that a model fills: the field, and its scores of ``month`` as SQL with parameters."""
    sql = "SELECT customer_id, probability FROM analytics_score WHERE score_run_id = %s"
    return [(column, sql, (run,)) for column, run in _filling(attitude.CHURN, month)]


def preference_answers(month: dt.date) -> list[tuple[str, str, tuple[Any, ...]]]:
    """For every preference that a model fills: the field, and the answers of ``month`` as SQL with parameters."""
    sql = "SELECT customer_id, answer, chance FROM analytics_preferenceanswer WHERE score_run_id = %s"
    return [(column, sql, (run,)) for column, run in _filling(preferences.FIELDS, month)]


def refill(model: PredictiveModel, month: dt.date) -> None:
    """Write what the models that fill such fields say of ``month`` into its profile."""
    (preferences if model.feeds in preferences.FIELDS else attitude).fill(month)


def _filling(columns: Sequence[str], month: dt.date) -> list[tuple[str, int]]:
    """Of these profile fields those that a model fills, each with its score run of ``month``.

    The scores in use where they are of that month, else the newest published for it.
    """
    found = []
    for model in PredictiveModel.objects.filter(feeds__in=columns).order_by("pk"):
        runs_of_month = ScoreRun.objects.filter(
            version__model=model, as_of=month, state=ScoreRun.State.PUBLISHED, challenger=False
        )
        run = max(runs_of_month, key=lambda run: (run.pk == model.current_score_run_id, run.pk), default=None)
        if run:
            found.append((model.feeds, run.pk))
    return found


@transaction.atomic
def define(user: User, **values: Any) -> PredictiveModel:
    """A new model owned by ``user``; ``values`` are the table's columns, already validated by the form."""
    _require(user, WRITERS)
    model = PredictiveModel.objects.create(owner=user, **values)
    audit.record(user, "model.defined", model, code=model.code)
    return model


def objection(version: ModelVersion, user: User) -> str:
    """Why ``user`` cannot promote the version, as a sentence; "" when nothing stands against it."""
    if not user.may_act_as(PROMOTERS):
        return _("Your role does not include this.")
    if version.trained_by_id == user.pk:
        return _("You trained this version. A second person promotes it.")
    if version.state == State.CHAMPION:
        return _("This version is the champion already.")
    return card.told(version.card.get("objection"))


@transaction.atomic
def promote(version: ModelVersion, user: User) -> ModelVersion:
    """Make the version champion; the champion before it retires. Scores in use stay until the next score run.

    Raises PermissionDenied for another role, Refused for the person who trained it, a version in use already, or one
    that ranks no better than chance.
    """
    _require(user, PROMOTERS)
    model = _locked(version.model_id)
    current = ModelVersion.objects.get(pk=version.pk)
    if why := objection(current, user):
        raise Refused(why)
    _retire_champion(model)
    changed = (
        ModelVersion.objects.filter(pk=current.pk, state=current.state)
        .exclude(trained_by=user)
        .update(state=State.CHAMPION, promoted_by=user, promoted_at=Now())
    )
    if not changed:
        raise Refused(_("Somebody else changed this version first. Nothing was changed."))
    PredictiveModel.objects.filter(pk=model.pk).update(champion=current)
    audit.record(
        user,
        "model.promoted",
        current,
        from_state=current.state,
        to_state=State.CHAMPION,
        number=current.number,
        trained_by=current.trained_by_id,
    )
    current.refresh_from_db()
    return current


def previous_champion(model: PredictiveModel) -> ModelVersion | None:
    """The version that was champion before the present one."""
    if model.champion is None:
        return None
    return _once_champions(model).filter(promoted_at__lt=model.champion.promoted_at).first()


def last_scores(version: ModelVersion) -> ScoreRun | None:
    """What the version published last."""
    published = ScoreRun.objects.filter(version=version, state=ScoreRun.State.PUBLISHED, challenger=False)
    return published.order_by("-pk").first()


def challenger(model: PredictiveModel) -> ModelVersion | None:
    """The version that waits for promotion, without its artefact."""
    newest = model.versions.defer("artefact").select_related("trained_by").order_by("-number")
    return challenger_of(model, list(newest[:30]))


def challenger_of(model: PredictiveModel, versions: list[ModelVersion]) -> ModelVersion | None:
    """The version that waits: newer than the champion, of the newest training the learner that was chosen.

    One that ranks no better than chance waits for nothing once there is a champion.
    """
    newer = [
        version
        for version in versions
        if version.state == State.TRAINED
        and (
            not model.champion
            or (version.number > model.champion.number and not version.card.get("objection"))
        )
    ]
    newest = [version for version in newer if version.run_id == newer[0].run_id]
    return next((version for version in newest if version.card.get("chosen")), newest[0] if newest else None)


def _once_champions(model: PredictiveModel) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(model=model, state=State.RETIRED, promoted_at__isnull=False).order_by(
        "-promoted_at"
    )


@transaction.atomic
def roll_back(model: PredictiveModel, user: User) -> ModelVersion:
    """Back to the champion before, and to the last scores it published, in one step; nothing is computed.

    As with a promotion, whoever trained the version does not decide it. Raises PermissionDenied, or Refused for that
    person and without an earlier champion.
    """
    _require(user, PROMOTERS)
    locked = _locked(model.pk)
    earlier = previous_champion(locked)
    if earlier is not None and earlier.trained_by_id == user.pk:
        raise Refused(
            _("You trained v%(number)s. A second person goes back to it.") % {"number": earlier.number}
        )
    if earlier is None or locked.champion is None:
        raise Refused(_("There is no earlier champion to go back to."))
    left = locked.champion
    _retire_champion(locked)
    ModelVersion.objects.filter(pk=earlier.pk).update(state=State.CHAMPION)
    scores = last_scores(earlier)
    PredictiveModel.objects.filter(pk=locked.pk).update(
        champion=earlier, current_score_run=scores or locked.current_score_run
    )
    if locked.feeds and scores:
        refill(locked, scores.as_of)
    audit.record(
        user,
        "model.rolled_back",
        earlier,
        from_state=State.RETIRED,
        to_state=State.CHAMPION,
        number=earlier.number,
        instead_of=left.number,
        score_run=scores.pk if scores else None,
    )
    earlier.refresh_from_db()
    return earlier


def _locked(model_id: int) -> PredictiveModel:
    """The model, others who would change its champion waiting."""
    PredictiveModel.objects.select_for_update(no_key=True).get(pk=model_id)
    return PredictiveModel.objects.select_related("champion").get(pk=model_id)


def _retire_champion(model: PredictiveModel) -> None:
    ModelVersion.objects.filter(model=model, state=State.CHAMPION).update(state=State.RETIRED)
