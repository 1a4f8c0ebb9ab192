"""Learning from an imported campaign's own columns, along the file."""

from __future__ import annotations

import datetime as dt

import pytest

from analytics import history, predictive, scoring, training, verification
from analytics.models import PredictiveModel, Score
from bankcrm import runs
from customers.models import Customer
from tests.analytics import bank
from tests.cast import Cast

ROWS = 3000


@pytest.fixture
def model(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> PredictiveModel:
    """A file of 3,000 calls in which the balance decides; ``duration`` knows the outcome."""
    monkeypatch.setattr(training, "RESAMPLES", 50)
    product = bank.make_product("term-deposit")
    bank.make_people(ROWS)
    bank.run_sql(
        "INSERT INTO customers_assignment (campaign_code, customer_id, cell_code, assigned_on, is_random, facts)"
        " SELECT 'calls', i, 'called', DATE '2010-01-01', false, jsonb_build_object('balance',"
        " mod(abs(hashint8extended(i, 1)), 1000), 'job', (ARRAY['clerk', 'miner'])[1 + i %% 2], 'duration',"
        " CASE WHEN mod(abs(hashint8extended(i, 2)), 1000) < mod(abs(hashint8extended(i, 1)), 1000) / 3 THEN 400"
        " ELSE 20 END) FROM generate_series(1, %s) i",
        ROWS,
    )
    bank.run_sql(
        "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
        " SELECT customer_id, 'calls', 'conversion', 'imported', DATE '2010-01-01' FROM customers_assignment"
        " WHERE (facts->>'duration')::int = 400"
    )
    return bank.make_model(cast, product, "calls", features=[], history_campaign="calls")


def test_what_is_known_only_after_the_call_is_refused(model: PredictiveModel) -> None:
    past = history.read("calls")
    assert [(spec.name, spec.kind) for spec in past.specs] == [("balance", "numeric"), ("job", "categorical")]
    assert past.refused == ("duration",)
    assert past.ids.tolist() == list(range(1, ROWS + 1))


def test_the_last_fifth_is_scored_by_fits_on_the_rows_before(cast: Cast, model: PredictiveModel) -> None:
    versions = training.train(model, cast.ana)
    rolled = versions[0].card["rolling"]
    assert rolled["auc"] > 0.6
    assert (rolled["rows"], rolled["window"], rolled["step"], rolled["refits"]) == (600, 2400, 150, 4)
    assert rolled["gains_area"] > 0.55
    assert 0.6 < rolled["five_fold_auc"] < 0.9
    assert versions[0].card["refused"] == ["duration"]
    predictive.promote(versions[0], cast.max)
    Customer.objects.filter(pk=ROWS).update(closed_on=dt.date(2026, 1, 1))
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), bank.LATEST, cast.ana)
    scored = set(Score.objects.filter(score_run=run).values_list("customer_id", flat=True))
    assert scored == set(range(ROWS - 599, ROWS + 1))
    found = verification.verify(run)
    assert found is not None
    assert found.rows[0].actual > found.rows[-1].actual


def test_a_campaign_that_was_never_imported_is_refused(cast: Cast, model: PredictiveModel) -> None:
    model.history_campaign = "another"
    with pytest.raises(runs.Refused, match="“another” has no rows"):
        training.train(model, cast.ana)
