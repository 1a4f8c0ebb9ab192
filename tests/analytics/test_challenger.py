"""The version that waits scores the same customers beside the champion, is compared on outcomes and chooses nobody."""

from __future__ import annotations

import pytest

from analytics import drift, predictive, scoring, verification, verifying, watch
from analytics.models import ModelAlert, ModelVersion, PredictiveModel, Score, ScoreRun, Verification
from bankcrm import runs
from bankcrm.models import Run
from tests.analytics import bank
from tests.cast import Cast, login


def scored(model: PredictiveModel, cast: Cast, **more: str) -> Run:
    run = runs.request("analytics.score", cast.ana, **(predictive.work_on(model) | more))
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


def test_every_scoring_scores_both_and_outcomes_compare_them(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    waiting = predictive.challenger(model)
    assert waiting is not None
    past = bank.MONTHS[-1].isoformat()
    run = scored(model, cast, month=past)
    assert run.state == Run.State.DONE
    assert run.result["challenger"] == f"v{waiting.number}"
    assert (run.done, run.total) == (run.result["customers"],) * 2
    champions, beside = ScoreRun.objects.filter(version__model=model).order_by("pk")
    model.refresh_from_db()
    assert (champions.challenger, beside.challenger) == (False, True)
    assert model.current_score_run == champions
    assert predictive.last_scores(waiting) is None
    ours, theirs = (
        set(Score.objects.filter(score_run=each).values_list("customer_id", flat=True))
        for each in (champions, beside)
    )
    assert ours == theirs
    # The window of that month is over: the same run counted both and held one against the other.
    against = verification.stored(Verification.objects.get(score_run=beside)).against
    assert against is not None
    assert (against["run"], against["n"]) == (champions.pk, len(ours))
    assert against["auc"]["low"] <= against["auc"]["value"] <= against["auc"]["high"]
    assert verification.stored(Verification.objects.get(score_run=champions)).against is None


def test_a_challenger_that_ranks_better_is_told_and_promoted_by_nobody(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    scored(model, cast, month=bank.MONTHS[-1].isoformat())
    champions = ScoreRun.objects.get(version__model=model, challenger=False)
    bank.run_sql("UPDATE analytics_score SET raw = -raw WHERE score_run_id = %s", champions.pk)
    verifying.count(model, cast.ana, again=True)
    found = {alert.rule: alert for alert in watch.review(model)}
    assert "A second person may promote it" in watch.told(found[ModelAlert.Rule.CHALLENGER])
    assert "ranked worse than at training" in watch.told(found[ModelAlert.Rule.RANKING])
    before = model.champion_id
    model.refresh_from_db()
    assert model.champion_id == before


def test_a_challenger_that_cannot_score_leaves_the_champion_s_scores_in_use(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    waiting = predictive.challenger(model)
    assert waiting is not None
    ModelVersion.objects.filter(pk=waiting.pk).update(artefact=b"no model")
    run = scored(model, cast)
    assert run.state == Run.State.DONE
    assert "sha256 differs" in run.result["challenger"]
    model.refresh_from_db()
    assert model.current_score_run == ScoreRun.objects.get(state=ScoreRun.State.PUBLISHED)


def test_scores_and_fields_that_moved_are_measured_against_training(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    still = scoring.score(model, None, cast.ana)
    assert still.psi is not None
    assert still.psi < 0.1
    assert max(still.drift["features"].values()) < 0.1
    assert not [alert for alert in watch.review(model) if alert.rule in ("scores", "features")]
    bank.run_sql(
        "UPDATE customers_customerprofile SET demand_deposit = demand_deposit + 900 WHERE month = %s",
        bank.LATEST,
    )
    moved = scoring.score(model, None, cast.ana)
    assert moved.psi is not None
    assert moved.psi > 0.25
    assert moved.drift["against"] == drift.TRAINING
    assert max(moved.drift["features"], key=moved.drift["features"].get) == "demand_deposit"
    page = login(cast.mei).get(f"/models/{model.pk}/proof/?run={moved.pk}").content.decode()
    assert "What had moved by 31 Oct" in page
    assert "Demand deposit" in page
    listed = login(cast.mei).get(f"/api/v1/models/{model.code}/score-runs/").json()["results"]
    assert (listed[0]["challenger"], listed[0]["drift"]["against"]) == (False, "training")
    found = {alert.rule: alert for alert in watch.review(model)}
    for rule in (ModelAlert.Rule.SCORES, ModelAlert.Rule.FEATURES):
        assert (found[rule].level, found[rule].proposes_training) == ("act", True)
    assert "Demand deposit" in watch.told(found[ModelAlert.Rule.FEATURES])


def test_who_learned_from_selected_customers_is_compared_with_the_version_s_first_scores(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    champion = ModelVersion.objects.get(pk=model.champion_id)
    ModelVersion.objects.filter(pk=champion.pk).update(card=champion.card | {"source": "assignments"})
    first = scoring.score(model, bank.MONTHS[-1], cast.ana)
    assert (first.psi, first.drift["against"]) == (None, drift.FIRST)
    second = scoring.score(model, None, cast.ana)
    assert second.psi is not None
    assert second.psi < 0.1
    assert second.drift["since"] == bank.MONTHS[-1].isoformat()
