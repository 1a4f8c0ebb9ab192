"""Exploration teaches without bias: models are tested apart on whom a draw chose; uplift pools by designed shares."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from analytics import card, explored, training, uplift_training
from analytics.modelling.metrics import auc
from analytics.models import PredictiveModel
from tests.analytics import bank, test_uplift
from tests.cast import Cast

pytestmark = pytest.mark.django_db
DAYS = [
    dt.date(2026, 3, 16),
    dt.date(2026, 4, 20),
    dt.date(2026, 5, 18),
    dt.date(2026, 6, 15),
    dt.date(2026, 7, 13),
]


def test_the_evidence_is_of_the_drawn_rows_alone() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=2000)
    chance = 1 / (1 + np.exp(-raw))
    drawn = np.arange(2000) % 4 == 0
    # Among the chosen the score is worthless, among the drawn it is right.
    y = np.where(drawn, rng.random(2000) < chance, rng.random(2000) < 0.5).astype(np.int8)
    found, told = explored.evidence(y, raw, chance, drawn, resamples=50, seed=1)
    assert (found["n"], found["positives"]) == (500, int(y[drawn].sum()))
    assert found["auc"]["value"] == pytest.approx(auc(y[drawn], raw[drawn])) != pytest.approx(auc(y, raw))
    assert found["auc"]["low"] > 0.6
    assert found["observed_expected"]["ratio"] == pytest.approx(1, abs=0.2)
    assert "500 later customers drawn at random" in str(told)
    few, told = explored.evidence(y, raw, chance, np.arange(2000) < 15, resamples=50, seed=1)
    assert "auc" not in few
    assert "from 20 of each outcome" in str(told)


def test_a_model_of_campaigns_is_tested_on_the_drawn_and_counts_contacts(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "RESAMPLES", 50)
    product = bank.make_product()
    bank.make_people(2500)
    bank.make_profiles([*(day.replace(day=1) - dt.timedelta(days=1) for day in DAYS), bank.LATEST])
    for number, day in enumerate(DAYS):
        month = day.replace(day=1) - dt.timedelta(days=1)
        bank.run_sql(
            "INSERT INTO customers_assignment (campaign_code, customer_id, cell_code, product_code, assigned_on,"
            " is_exploration) SELECT %s, customer_id, 'a', %s, %s, customer_id %% 3 = 0 FROM customers_customerprofile"
            " WHERE month = %s AND customer_id %% 5 = %s",
            f"c{number}", product.code, day, month, number,
        )  # fmt: skip
        bank.run_sql(
            "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
            " SELECT a.customer_id, a.campaign_code, 'conversion', 'matched', a.assigned_on + 9"
            " FROM customers_assignment a JOIN customers_customerprofile p ON p.customer_id = a.customer_id"
            " AND p.month = %s WHERE a.campaign_code = %s AND mod(abs(hashint8extended(a.customer_id, 3)), 1000)"
            " < p.demand_deposit * 0.6",
            month, f"c{number}",
        )  # fmt: skip
    version = training.train(bank.make_model(cast, product, features=["demand_deposit"]), cast.ana)[0]
    assert version.card["source"] == "assignments"
    told = [card.told(note) for note in version.card["notes"]]
    assert any(
        "of 2500 customers 0 were contacted in the window, and 833 had been drawn" in text for text in told
    )
    kept = version.card["explored"]
    assert 100 < kept["n"] < 200
    assert kept["auc"]["low"] > 0.6
    assert any("later customers drawn at random" in text and "AUC" in text for text in told)


def test_uplift_weighs_campaigns_by_their_designed_shares_and_leaves_out_what_differs_from_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: PredictiveModel = test_uplift.world(cast, monkeypatch, gain=0.3, people=900)
    bank.run_sql("UPDATE customers_assignment SET treated_share = 0.6 WHERE campaign_code <> 'c2'")
    pooled = uplift_training.read(model, bank.LATEST).pooled
    shares = {code: set(pooled.propensity[pooled.campaign == at]) for at, code in enumerate(pooled.codes)}
    assert (shares["c0"], shares["c1"]) == ({0.6}, {0.6})
    # Nobody designed the third: its share is what was found.
    inside = pooled.campaign == 2
    assert shares["c2"] == {float(pooled.treated[inside].mean())} != {0.6}
    assert pooled.weight is not None
    bank.run_sql("UPDATE customers_assignment SET treated_share = 0.8 WHERE campaign_code = 'c0'")
    again = uplift_training.read(model, bank.LATEST).pooled
    assert again.codes == ("c1", "c2")
    assert "where 80.0 % were designed" in card.told(again.left_out[0])
