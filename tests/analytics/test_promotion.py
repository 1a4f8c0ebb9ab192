"""Promotion by a second person, and the way back."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from analytics import predictive
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm.models import AuditEvent, User
from tests.analytics import bank
from tests.cast import Cast

State = ModelVersion.State


@pytest.fixture
def model(cast: Cast) -> PredictiveModel:
    made = bank.make_model(cast, bank.make_product())
    bank.make_version(made, 1)
    bank.make_version(made, 2)
    return made


def version(model: PredictiveModel, number: int) -> ModelVersion:
    return ModelVersion.objects.get(model=model, number=number)


def again(model: PredictiveModel) -> PredictiveModel:
    return PredictiveModel.objects.get(pk=model.pk)


def scored(model: PredictiveModel, number: int) -> ScoreRun:
    return ScoreRun.objects.create(
        version=version(model, number),
        as_of=bank.LATEST,
        state=ScoreRun.State.PUBLISHED,
        published_at=timezone.now(),
    )


def test_a_second_person_promotes_and_the_champion_before_retires(cast: Cast, model: PredictiveModel) -> None:
    predictive.promote(version(model, 1), cast.max)
    promoted = predictive.promote(version(model, 2), cast.max)
    assert (promoted.state, promoted.promoted_by) == (State.CHAMPION, cast.max)
    assert version(model, 1).state == State.RETIRED
    assert again(model).champion == promoted
    event = AuditEvent.objects.filter(action="model.promoted").last()
    assert (event.actor, event.from_state, event.to_state) == (cast.max, "trained", "champion")


def test_who_trained_it_does_not_promote_it(cast: Cast, model: PredictiveModel) -> None:
    with pytest.raises(predictive.Refused, match="A second person promotes it"):
        predictive.promote(version(model, 1), cast.ana)
    assert version(model, 1).state == State.TRAINED
    assert again(model).champion is None


def test_the_database_refuses_it_too(cast: Cast, model: PredictiveModel) -> None:
    with pytest.raises(IntegrityError, match="model_promoted_by_a_second_person"), transaction.atomic():
        ModelVersion.objects.filter(model=model, number=1).update(promoted_by=cast.ana)


def test_another_analyst_may_promote(cast: Cast, model: PredictiveModel) -> None:
    ModelVersion.objects.filter(model=model).update(trained_by=cast.max)
    assert predictive.promote(version(model, 1), cast.ana).state == State.CHAMPION


@pytest.mark.parametrize("name", ["mei", "omar", "rita", "ada", "aud"])
def test_other_roles_and_auditors_neither_promote_nor_roll_back(
    cast: Cast, model: PredictiveModel, name: str
) -> None:
    who: User = getattr(cast, name)
    with pytest.raises(PermissionDenied):
        predictive.promote(version(model, 1), who)
    with pytest.raises(PermissionDenied):
        predictive.roll_back(model, who)
    assert not AuditEvent.objects.filter(action__in=["model.promoted", "model.rolled_back"]).exists()


@pytest.mark.parametrize("name", ["mei", "max", "omar", "aud"])
def test_only_analysts_define_models(cast: Cast, name: str) -> None:
    with pytest.raises(PermissionDenied):
        predictive.define(getattr(cast, name), code="x", name="X", product=bank.make_product())
    assert not PredictiveModel.objects.exists()


def test_a_champion_is_not_promoted_again(cast: Cast, model: PredictiveModel) -> None:
    predictive.promote(version(model, 1), cast.max)
    with pytest.raises(predictive.Refused, match="champion already"):
        predictive.promote(version(model, 1), cast.max)


def test_a_version_no_better_than_chance_is_refused(cast: Cast, model: PredictiveModel) -> None:
    objection = {"template": "no better than chance: AUC %(auc).3f", "values": {"auc": 0.51}}
    ModelVersion.objects.filter(model=model, number=1).update(card={"objection": objection})
    with pytest.raises(predictive.Refused, match=r"no better than chance: AUC 0\.510"):
        predictive.promote(version(model, 1), cast.max)
    assert again(model).champion is None


def test_promotion_leaves_the_scores_in_use(cast: Cast, model: PredictiveModel) -> None:
    predictive.promote(version(model, 1), cast.max)
    run = scored(model, 1)
    PredictiveModel.objects.filter(pk=model.pk).update(current_score_run=run)
    predictive.promote(version(model, 2), cast.max)
    assert again(model).current_score_run == run


def test_rolling_back_restores_the_champion_and_its_scores(cast: Cast, model: PredictiveModel) -> None:
    predictive.promote(version(model, 1), cast.max)
    old = scored(model, 1)
    predictive.promote(version(model, 2), cast.max)
    PredictiveModel.objects.filter(pk=model.pk).update(current_score_run=scored(model, 2))
    assert predictive.previous_champion(again(model)) == version(model, 1)
    with pytest.raises(predictive.Refused, match="You trained v1"):
        predictive.roll_back(again(model), cast.ana)
    assert predictive.roll_back(again(model), cast.max) == version(model, 1)
    now = again(model)
    assert (now.champion, now.current_score_run) == (version(model, 1), old)
    assert (version(model, 1).state, version(model, 2).state) == (State.CHAMPION, State.RETIRED)
    assert AuditEvent.objects.get(action="model.rolled_back").details["instead_of"] == 2
    with pytest.raises(predictive.Refused, match="no earlier champion"):
        predictive.roll_back(again(model), cast.max)


def test_a_version_rolled_back_from_can_be_promoted_anew(cast: Cast, model: PredictiveModel) -> None:
    predictive.promote(version(model, 1), cast.max)
    predictive.promote(version(model, 2), cast.max)
    predictive.roll_back(again(model), cast.max)
    predictive.promote(version(model, 2), cast.max)
    assert again(model).champion == version(model, 2)
    assert predictive.previous_champion(again(model)) == version(model, 1)


def test_without_an_earlier_champion_there_is_no_way_back(cast: Cast, model: PredictiveModel) -> None:
    with pytest.raises(predictive.Refused, match="no earlier champion"):
        predictive.roll_back(model, cast.max)
    predictive.promote(version(model, 1), cast.max)
    with pytest.raises(predictive.Refused, match="no earlier champion"):
        predictive.roll_back(again(model), cast.max)
    assert again(model).champion == version(model, 1)
