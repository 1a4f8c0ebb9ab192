"""Scoring: published whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.db import connection

from analytics import labels, predictive, scoring, training
from analytics.modelling import response_quality
from analytics.modelling.matrix import FeatureSpec, encode
from analytics.models import ModelVersion, PredictiveModel, Score, ScoreRun
from bankcrm import figures, runs
from customers import fields as catalogue
from customers.fields import Type
from customers.models import Holding
from tests.analytics import bank
from tests.cast import Cast


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname ~ '^analytics_score_[0-9]+$' AND relkind = 'r'"
        )
        return {row[0] for row in cursor.fetchall()}


def again(model: PredictiveModel) -> PredictiveModel:
    return PredictiveModel.objects.get(pk=model.pk)


def test_everybody_without_the_product_gets_a_score_a_probability_and_a_tenth(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch)
    Holding.objects.create(
        number="holder", customer_id=7, product=model.product, opened_on=bank.LATEST, amount=1
    )
    monkeypatch.setattr(scoring.features, "CHUNK", 300)
    run = scoring.score(model, None, cast.ana)
    assert again(model).current_score_run == run
    assert (run.state, run.as_of, run.rows) == (ScoreRun.State.PUBLISHED, bank.LATEST, 1999)
    assert run.psi < 0.1
    scores = np.array(
        list(Score.objects.filter(score_run=run).values_list("raw", "probability", "decile", "customer_id"))
    )
    assert 7 not in scores[:, 3]
    order = np.argsort(-scores[:, 0])
    assert (np.diff(scores[order, 2]) >= 0).all()
    assert np.bincount(scores[:, 2].astype(int)).tolist() == [0, 200, *[200] * 8, 199]
    assert scores[:, 1].mean() == pytest.approx(model.champion.card["rate"], rel=0.5)
    assert ((scores[:, 1] > 0) & (scores[:, 1] < 1)).all()


def test_scores_are_those_of_a_plain_read_and_a_plain_predict(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    monkeypatch.setattr(scoring.features, "CHUNK", 300)
    monkeypatch.setattr(response_quality, "CHUNK", 70)
    run = scoring.score(model, None, cast.ana)
    fitted = scoring.load(again(model).champion)
    plain = encode(plain_columns(fitted.specs), fitted.specs)
    found = dict(Score.objects.filter(score_run=run).values_list("customer_id", "raw"))
    everybody = fitted.estimator.decision_function(plain).tolist()
    assert [found[pk] for pk in sorted(found)] == everybody


def plain_columns(specs: Sequence[FeatureSpec]) -> dict[str, list[object]]:
    """Words as words and numbers as the database says them, of everybody by number, row by row."""
    known, columns = catalogue.everything(), []
    for spec in specs:
        source = known[spec.name].source
        if known[spec.name].type == Type.DATE:
            source = f"{source} - p.month"
        columns.append(f"({source})::text" if spec.kind == "categorical" else f"({source})::float4")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM customers_customer c"
            " JOIN customers_customerprofile p ON p.customer_id = c.id WHERE p.month = %s ORDER BY c.id",
            [bank.LATEST],
        )
        return {
            spec.name: list(column) for spec, column in zip(specs, zip(*cursor, strict=True), strict=True)
        }


def test_a_run_that_dies_while_writing_leaves_the_old_scores_in_use(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    first = scoring.score(model, None, cast.ana)
    before = partitions()

    def dies(*_: Any, **__: Any) -> None:
        raise ConnectionError("the worker was killed")

    with monkeypatch.context() as broken:
        broken.setattr(scoring.audit, "record", dies)
        with pytest.raises(ConnectionError):
            scoring.score(again(model), None, cast.ana)
    assert again(model).current_score_run == first
    assert partitions() == before
    left = ScoreRun.objects.get(state=ScoreRun.State.BUILDING)
    second = scoring.score(again(model), None, cast.ana)
    left.refresh_from_db()
    assert left.state == ScoreRun.State.DROPPED
    assert again(model).current_score_run == second
    assert (
        Score.objects.filter(score_run=first).count() == Score.objects.filter(score_run=second).count() == 900
    )


def test_a_changed_artefact_scores_nobody(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    artefact = bytes(model.champion.artefact)
    ModelVersion.objects.filter(pk=model.champion_id).update(artefact=artefact[:-1] + b"?")
    with pytest.raises(runs.Refused, match="sha256 differs"):
        scoring.score(model, None, cast.ana)
    assert again(model).current_score_run is None
    assert not ScoreRun.objects.exists()


def test_without_a_champion_nothing_is_scored(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_product())
    with pytest.raises(runs.Refused, match="no champion"):
        scoring.score(model, None, cast.ana)


def test_a_month_without_customers_is_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    newest = figures.day(bank.LATEST)
    with pytest.raises(
        runs.Refused, match=f"no customer profile of Wed 31 Jan 2024; the newest is of {newest}"
    ):
        scoring.score(model, labels.dt.date(2024, 1, 31), cast.ana)
    assert again(model).current_score_run is None


def test_a_version_that_stopped_being_champion_while_scoring_is_not_published(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = partitions()
    model, versions = bank.trained(cast, monkeypatch)
    predictive.promote(versions[0], cast.max)
    computed = scoring._computed

    def promoted_meanwhile(*given: Any) -> Any:
        predictive.promote(versions[1], cast.max)
        return computed(*given)

    monkeypatch.setattr(scoring, "_computed", promoted_meanwhile)
    with pytest.raises(runs.Refused, match="Another version became champion"):
        scoring.score(model, None, cast.ana)
    assert again(model).current_score_run is None
    assert partitions() == before


def test_a_rule_ranks_by_recency_frequency_and_value_and_promises_the_base_rate(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    run = scoring.score(again(model), None, cast.ana)
    best = Score.objects.filter(score_run=run, decile=1)
    worst = Score.objects.filter(score_run=run, decile=10)
    assert run.psi is None
    assert {score.probability for score in best} == {score.probability for score in worst}
    assert min(score.raw for score in best) > max(score.raw for score in worst)


def test_a_repeated_run_finds_what_it_published(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    asked = runs.request("analytics.score", cast.ana, model=model.pk)
    job = SimpleNamespace(
        run=asked, run_id=asked.pk, fence=lambda: None, progress=lambda done, total=None, note="": None
    )
    first = scoring.score(again(model), None, cast.ana, job)
    assert scoring.score(again(model), None, cast.ana, job) == first
    assert ScoreRun.objects.count() == 1


def test_tenths_are_equal_and_ties_keep_their_order() -> None:
    assert scoring.deciles(np.array([3.0, 1.0, 2.0])).tolist() == [1, 7, 4]
    assert np.bincount(scoring.deciles(np.zeros(25)))[1:].tolist() == [3, 2, 3, 2, 3, 2, 3, 2, 3, 2]
    assert len(scoring.deciles(np.array([]))) == 0


@pytest.mark.django_db(transaction=True)
def test_the_run_scores_and_counts() -> None:
    from tests.cast import make_bank

    cast = make_bank()
    model = bank.make_model(cast, bank.make_history(120))
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    run = runs.request("analytics.score", cast.ana, model=model.pk)
    assert runs.execute(run.pk) == "done"
    run.refresh_from_db()
    assert run.result["customers"] == 120
    assert again(model).current_score_run_id == run.result["score_run"]
