"""Uplift models: what they learn from, what the gate decides, and who may be chosen by them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from analytics import card, predictive, reasons, scoring, uplift_training, verification
from analytics.modelling import uplift_gate
from analytics.models import PredictiveModel, Score, ScoreRun
from bankcrm import runs
from customers.models import Product
from tests.analytics import bank
from tests.cast import Cast, login

DAYS = [dt.date(2026, 3, 16), dt.date(2026, 5, 18), dt.date(2026, 7, 13)]


def campaigns(product: Product, people: int, gain: float, *, control: int = 40) -> None:
    """Three campaigns over everybody, ``control`` % held out by a hash. Of those with less than 500 on
    demand 35 % buy anyway, of the others 5 %, and ``gain`` more of these when contacted."""
    for number, day in enumerate(DAYS):
        month = day.replace(day=1) - dt.timedelta(days=1)
        bank.run_sql(
            "INSERT INTO customers_assignment"
            " (campaign_code, customer_id, cell_code, product_code, assigned_on, is_control)"
            " SELECT %s, i, 'a', %s, %s, mod(abs(hashint8extended(i, %s)), 100) < %s FROM generate_series(1, %s) i",
            f"c{number}", product.code, day, 7 + number, control, people,
        )  # fmt: skip
        bank.run_sql(
            "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
            " SELECT a.customer_id, a.campaign_code, 'conversion', 'matched', a.assigned_on + 9"
            " FROM customers_assignment a JOIN customers_customerprofile p ON p.customer_id = a.customer_id"
            " AND p.month = %s WHERE a.campaign_code = %s AND mod(abs(hashint8extended(a.customer_id, %s)), 1000) <"
            " CASE WHEN p.demand_deposit < 500 THEN 350 WHEN a.is_control THEN 50 ELSE 50 + 1000 * %s END",
            month, f"c{number}", 90 + number, gain,
        )  # fmt: skip


def world(cast: Cast, monkeypatch: pytest.MonkeyPatch, gain: float, people: int = 2000) -> PredictiveModel:
    monkeypatch.setattr(uplift_training, "RESAMPLES", 60)
    monkeypatch.setattr(uplift_gate, "CONTROLS_NEEDED", 700)
    monkeypatch.setattr(uplift_gate, "CONTROL_RESPONDERS_NEEDED", 50)
    product = bank.make_product()
    bank.make_people(people)
    months = [day.replace(day=1) - dt.timedelta(days=1) for day in DAYS]
    bank.make_profiles([*months, bank.LATEST])
    campaigns(product, people, gain)
    return bank.make_model(
        cast, product, "fund-uplift", name="Fund uplift", kind=PredictiveModel.Kind.UPLIFT,
        features=["demand_deposit", "industry"],
    )  # fmt: skip


def test_an_uplift_that_is_there_is_found_promoted_by_a_second_person_and_offered_for_targeting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world(cast, monkeypatch, gain=0.3)
    (version,) = uplift_training.train(model, cast.ana)
    kept = version.card["uplift"]
    assert (kept["use"], version.card["objection"]) == ("uplift", None)
    assert kept["evidence"]["qini"]["low"] > 0
    assert kept["evidence"]["ahead"]["low"] > 0
    assert [row["code"] for row in kept["campaigns"]] == ["c0", "c1", "c2"]
    assert all(row["low"] < 0.15 < row["high"] for row in kept["campaigns"])
    assert not PredictiveModel.objects.for_targeting().exists()
    with pytest.raises(predictive.Refused):
        predictive.promote(version, cast.ana)
    predictive.promote(version, cast.max)
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    assert list(PredictiveModel.objects.for_targeting()) == [model]
    gains = dict(Score.objects.filter(score_run=run).values_list("customer_id", "probability"))
    rich = set(Score.objects.filter(score_run=run, decile__lte=3).values_list("customer_id", flat=True))
    assert sum(gains[one] for one in rich) / len(rich) == pytest.approx(0.3, abs=0.1)
    assert reasons.for_customers(run, [1]) == {}
    page = login(cast.mei).get(f"/models/{model.pk}/").content.decode()
    for text in ("Who buys because of being contacted", "Uplift is used", "Uplift by decile", "c2"):
        assert text in page


def test_scores_of_uplift_are_verified_by_treated_minus_control_of_later_campaigns(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world(cast, monkeypatch, gain=0.3)
    month = DAYS[-1].replace(day=1) - dt.timedelta(days=1)
    run = ScoreRun.objects.create(
        version=bank.make_version(model, 1), as_of=month, state=ScoreRun.State.PUBLISHED
    )
    ids = np.arange(1, 2001)
    with transaction.atomic():
        scoring.write_back(run, ids, -ids.astype(float), np.full(2000, 0.2, dtype=np.float32))
    bank.run_sql(
        "INSERT INTO customers_holding (number, customer_id, product_id, opened_on) SELECT 'V' || customer_id,"
        " customer_id, %s, assigned_on + 9 FROM customers_assignment"
        " WHERE campaign_code = 'c2' AND customer_id %% 10 < CASE WHEN is_control THEN 1 ELSE 3 END",
        model.product_id,
    )
    found = verification.verify(run)
    assert found is not None
    assert len(found.rows) == 10
    assert sum(row.actual for row in found.rows) / 10 == pytest.approx(0.2, abs=0.05)
    assert all(row.low < row.actual < row.high for row in found.rows)
    assert found.ratio is None
    assert found.intervals["qini"]["low"] < found.intervals["qini"]["high"]


def test_without_an_uplift_the_gate_refuses_and_nobody_can_put_the_version_to_use(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world(cast, monkeypatch, gain=0.0)
    (version,) = uplift_training.train(model, cast.ana)
    assert version.card["uplift"]["use"] == "response"
    assert version.card["uplift"]["exploration"] == 0.2
    assert "Uplift is not used" in card.told(version.card["objection"])
    with pytest.raises(predictive.Refused, match="Uplift is not used"):
        predictive.promote(version, cast.max)
    with pytest.raises(PermissionDenied):
        predictive.promote(version, cast.rita)
    page = login(cast.mei).get(f"/models/{model.pk}/").content.decode()
    assert "Uplift is not used" in page
    assert "of the customers at random" in page


@pytest.mark.parametrize(
    ("control", "said"), [(0, "held out no control group"), (5, "500 with 30 are needed")]
)
def test_too_few_controls_are_refused_with_what_is_there(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, control: int, said: str
) -> None:
    model = world(cast, monkeypatch, gain=0.0, people=300)
    bank.run_sql(
        "UPDATE customers_assignment SET is_control = is_control AND customer_id %% 100 < %s", control
    )
    with pytest.raises(runs.Refused, match=said):
        uplift_training.train(model, cast.ana)


def test_lists_not_drawn_at_random_teach_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = world(cast, monkeypatch, gain=0.3, people=300)
    bank.run_sql("UPDATE customers_assignment SET is_random = false")
    with pytest.raises(runs.Refused, match="No past campaign"):
        uplift_training.train(model, cast.ana)


def test_the_form_defines_an_uplift_model_of_a_product(cast: Cast) -> None:
    product = bank.make_product()
    values: dict[str, Any] = {"name": "Up", "code": "up", "product": product.pk, "horizon_days": 60}
    client = login(cast.ana)
    assert client.post("/models/new/?kind=uplift", {**values, "product": ""}).status_code == 422
    assert client.post("/models/new/?kind=uplift", values).status_code == 302
    assert PredictiveModel.objects.get(code="up").kind == PredictiveModel.Kind.UPLIFT
