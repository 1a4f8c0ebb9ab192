"""Why a customer scored high: three reasons, kept as values and told as sentences."""

from __future__ import annotations

import datetime as dt
import math
import re
import subprocess
import sys

import pytest
from django.utils import translation

from analytics import predictive, reasons, scoring, training
from analytics.explaining import Explainer
from analytics.models import PredictiveModel, Score, ScoreRun
from tests.analytics import bank
from tests.cast import Cast


def test_reasons_name_what_raised_the_score_with_the_value_of_that_month(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch)
    run = scoring.score(model, None, cast.ana)
    best = list(
        Score.objects.filter(score_run=run).order_by("-raw").values_list("customer_id", flat=True)[:50]
    )
    told = reasons.for_customers(run, best)
    assert set(told) == set(best)
    for customer, why in told.items():
        assert 1 <= len(why) <= 3
        assert why[0]["field"] == "demand_deposit"
        assert why[0]["text_code"] == "high"
        assert [reason["share"] for reason in why] == sorted((r["share"] for r in why), reverse=True)
        assert sum(reason["share"] for reason in why) <= 1.002
        kept = PredictiveModel.objects.raw(
            "SELECT 1 AS id, demand_deposit AS kept FROM customers_customerprofile"
            " WHERE month = %s AND customer_id = %s",
            [bank.LATEST, customer],
        )[0].kept
        assert why[0]["value"] == pytest.approx(float(kept))
    assert reasons.sentence(told[best[0]][0]).startswith("Keeps ¥9")


def test_customers_of_no_profile_are_left_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    run = scoring.score(model, None, cast.ana)
    assert set(reasons.for_customers(run, [1, 999_999])) == {1}
    assert reasons.for_customers(run, []) == {}


def test_a_rule_score_says_that_it_is_one_instead_of_reasons(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    run: ScoreRun = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    told = reasons.for_customers(run, [1, 2])
    assert [[reasons.sentence(one) for one in why] for why in told.values()] == [
        ["Chosen by a rule (recency, frequency, value), not by a model"]
    ] * 2


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ({"field": "aum", "value": 412300, "text_code": "high"}, "Has ¥412,300 with us"),
        ({"field": "aum", "value": 412, "text_code": "low"}, "Has only ¥412 with us"),
        (
            {"field": "last_transaction_on", "value": "2026-10-12", "text_code": "high"},
            "Used the account on 12 Oct",
        ),
        ({"field": "industry", "value": "farming", "text_code": "high"}, "Works in farming"),
        ({"field": "aum", "value": None, "text_code": "high"}, "No balance known: AUM"),
        ({"field": "a field of the past", "value": 1, "text_code": "high"}, ""),
    ],
)
def test_a_reason_is_told_by_the_catalogues_sentence(reason: dict[str, object], sentence: str) -> None:
    with translation.override("en"):
        assert reasons.sentence(reason) == sentence


def test_dates_are_kept_as_days_a_reader_can_check(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bank.make_model(cast, bank.make_history(), features=["last_transaction_on", "demand_deposit"])
    monkeypatch.setattr(training, "RESAMPLES", 50)
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    values = [
        (customer, reason["value"])
        for customer, why in reasons.for_customers(run, list(range(1, 200))).items()
        for reason in why
        if reason["field"] == "last_transaction_on"
    ]
    assert values
    for customer, value in values:
        assert dt.date.fromisoformat(value) == bank.LATEST - dt.timedelta(days=customer % 40)


def test_pages_need_no_scikit_learn() -> None:
    """The routes, and with them views, forms and the doors to long work, load without the learner."""
    code = (
        "import django, sys; django.setup(); import bankcrm.urls, analytics.tasks;"
        " sys.exit('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_contributions_and_base_add_up_to_the_score_of_any_customer(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    run = scoring.score(model, None, cast.ana)
    explainer = Explainer(run)
    kept = dict(Score.objects.filter(score_run=run).values_list("customer_id", "probability"))
    for customer in (1, 450, 900):
        found = explainer.in_full(customer)
        assert found is not None
        assert found["base"] + sum(part for _field, part in found["parts"]) == pytest.approx(
            found["total"], abs=1e-4
        )
        assert 1 / (1 + math.exp(-found["total"])) == pytest.approx(kept[customer], abs=1e-5)
        assert all(reason["contribution"] > 0 for reason in found["raises"])
        assert all(reason["contribution"] < 0 for reason in found["lowers"])
    assert explainer.in_full(99_999) is None


def test_a_reason_is_held_against_three_months_ago_else_against_the_tier_else_against_all(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch, 900)
    run = scoring.score(model, None, cast.ana)
    best = Score.objects.filter(score_run=run).order_by("-raw").values_list("customer_id", flat=True)[0]

    def told() -> str:
        return reasons.sentence(reasons.for_customers(run, [best])[best][0]).replace("\u00a0", " ")

    assert "in the middle of those learned from" in told()
    bank.run_sql(
        "INSERT INTO customers_tierrule (code, name, rank, minimum_aum, valid_from)"
        " VALUES ('gold', 'Gold', 1, 0, DATE '2015-01-01') ON CONFLICT DO NOTHING"
    )
    bank.run_sql("UPDATE customers_customerprofile SET tier = 'gold'")
    assert "in the middle of tier" in told()
    july = dt.date(2026, 7, 31)
    bank.make_profiles([july])
    bank.run_sql("UPDATE customers_customerprofile SET demand_deposit = 500 WHERE month = %s", july)
    assert re.fullmatch(r"Demand deposit rose \d+ % in 3 months, to ¥9\d\d", told())
