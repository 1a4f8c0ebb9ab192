"""Input that cannot be scored or learned from is named and refused, nothing is published, the last good scores stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from analytics import card_page, features, labels, predictive, scoring, training
from analytics.features import Batch
from analytics.modelling import artefact
from analytics.models import ModelAlert, ModelVersion, PredictiveModel, Score, ScoreRun
from bankcrm import figures, runs
from bankcrm.models import Run
from tests.analytics import bank
from tests.cast import Cast, login


@pytest.fixture
def model(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> PredictiveModel:
    """A champion whose scores of the newest month are in use."""
    made = bank.in_use(cast, monkeypatch, 900)
    scoring.score(made, None, cast.ana)
    return PredictiveModel.objects.get(pk=made.pk)


def asked(model: PredictiveModel, cast: Cast, kind: str = "analytics.score", **more: Any) -> Run:
    """The work as a person asks for it, done by a worker, and the sentence on its page."""
    run = runs.request(kind, cast.ana, **(predictive.work_on(model) | more))
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


def refused(model: PredictiveModel, cast: Cast, sentence: str, **more: Any) -> None:
    """The run ends as refused in these words, its page shows them, the owner is told, and nothing else changed."""
    before = Score.objects.filter(score_run=model.current_score_run).count()
    run = asked(model, cast, **more)
    assert (run.state, run.attempts) == (Run.State.FAILED, 1)
    assert sentence in run.error
    page = login(cast.ana).get(f"/work/{run.pk}/").content.decode()
    assert "This could not be done" in page
    assert sentence in page.replace("&#x27;", "'")
    now = PredictiveModel.objects.get(pk=model.pk)
    assert now.current_score_run_id == model.current_score_run_id
    assert Score.objects.filter(score_run=model.current_score_run).count() == before > 0
    assert ScoreRun.objects.filter(version__model=model, state=ScoreRun.State.PUBLISHED).count() == 1
    assert not ScoreRun.objects.filter(version__model=model, state=ScoreRun.State.BUILDING).exists()
    assert ModelAlert.objects.open().get(model=model, rule=ModelAlert.Rule.REFUSED).level == "act"


def test_a_field_that_disappeared_stops_the_scoring_by_name(cast: Cast, model: PredictiveModel) -> None:
    bank.run_sql(
        "UPDATE customers_customerprofile SET last_transaction_on = NULL WHERE month = %s", bank.LATEST
    )
    refused(model, cast, "(last_transaction_on) has disappeared: it is missing in 100.0 % of the rows")
    bank.run_sql(
        "UPDATE customers_customerprofile SET last_transaction_on = month - 3 WHERE month = %s", bank.LATEST
    )
    assert asked(model, cast).state == Run.State.DONE
    assert not ModelAlert.objects.open().filter(rule=ModelAlert.Rule.REFUSED).exists()


def test_a_field_the_catalogue_lost_stops_the_scoring_by_name(
    cast: Cast, model: PredictiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = scoring.drift.catalogue.everything
    monkeypatch.setattr(
        scoring.drift.catalogue,
        "everything",
        lambda: {code: field for code, field in known().items() if code != "industry"},
    )
    refused(model, cast, "Fields the model needs are absent: industry.")


def test_an_infinite_value_stops_the_scoring_by_name(
    cast: Cast, model: PredictiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = features.chunks

    def infinite(*given: Any, **options: Any) -> Iterator[Batch]:
        for batch in read(*given, **options):
            batch.X[3, 1] = np.inf
            yield batch

    monkeypatch.setattr(features, "chunks", infinite)
    refused(model, cast, "last_transaction_on holds an infinite value.")


def test_a_month_without_a_profile_is_named(cast: Cast, model: PredictiveModel) -> None:
    refused(
        model,
        cast,
        f"no customer profile of Wed 31 Jan 2024; the newest is of {figures.day(bank.LATEST)}",
        month="2024-01-31",
    )


def test_a_file_that_is_no_model_of_this_kind_scores_nobody(cast: Cast, model: PredictiveModel) -> None:
    champion = ModelVersion.objects.get(pk=model.champion_id)
    good = bytes(champion.artefact)
    older = good.replace(b'"sklearn": "1.', b'"sklearn": "0.', 1)
    for data, sha256, sentence in (
        (good[:-1] + b"?", champion.sha256, "its sha256 differs"),
        (b"PK\x03\x04 a spreadsheet", None, "The file is not a model of this application."),
        (good.replace(b"response", b"uplift", 1), None, "The file is a model of another kind."),
        (older, None, "fit it again"),
        (good[: len(good) // 2], None, "damaged or incomplete"),
    ):
        ModelVersion.objects.filter(pk=champion.pk).update(
            artefact=data, sha256=sha256 or artefact.digest(data)
        )
        refused(model, cast, sentence)


def test_a_word_the_model_has_not_seen_is_named_and_scored_as_missing(
    cast: Cast, model: PredictiveModel
) -> None:
    bank.run_sql("UPDATE customers_customer SET industry = 'space' WHERE id % 10 = 0")
    assert asked(model, cast).state == Run.State.DONE
    made = ScoreRun.objects.filter(version__model=model, challenger=False).latest("pk")
    assert made.rows == 900
    (sentence,) = made.drift["unseen"]
    assert sentence["values"]["values"] == "space"
    assert (sentence["values"]["rows"], sentence["values"]["n"]) == (90, 900)


def test_fields_that_teach_nothing_are_named_on_the_card(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "RESAMPLES", 50)
    made = bank.make_model(cast, bank.make_history(900))
    bank.run_sql("UPDATE customers_customerprofile SET aum = 5")
    bank.run_sql("UPDATE customers_customer SET industry = ''")
    version = training.train(made, cast.ana)[0]
    told = [text for key, text in card_page.card_rows(made, version) if key == "Left alone"]
    assert len(told) == 2
    assert "(aum) is the same for everybody and teaches nothing." in told[1]
    assert "(industry) is missing for everybody and teaches nothing." in told[0]


def test_where_every_field_teaches_nothing_no_model_is_made(cast: Cast) -> None:
    made = bank.make_model(cast, bank.make_history(900), features=["aum"])
    bank.run_sql("UPDATE customers_customerprofile SET aum = 5")
    run = asked(made, cast, "analytics.train")
    assert (run.state, run.attempts) == (Run.State.FAILED, 1)
    assert "None of the 1 features differs between customers" in run.error
    assert not ModelVersion.objects.exists()


def test_without_a_single_buyer_or_with_buyers_alone_nothing_is_claimed(cast: Cast) -> None:
    made = bank.make_model(cast, bank.make_history(300, rate=0.0))
    with pytest.raises(runs.Refused, match="nobody did it"):
        training.train(made, cast.ana)
    assert not ModelVersion.objects.exists()
    assert labels.label_counts(made, bank.LATEST)["holdings"]["positives"] == 0
