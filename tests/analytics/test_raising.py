"""Raising low-value customers: who of the lower tiers moves up, learned from the tiers of past month-ends."""

from __future__ import annotations

import datetime as dt

import pytest

from analytics import labels, predictive, scoring, targets, training
from analytics.forms import RaisingModelForm
from analytics.models import PredictiveModel, Score
from customers.models import CustomerProfile, TierRule
from tests.analytics import bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
MONTHS = [dt.date(2025, 10, 31), dt.date(2025, 12, 31), dt.date(2026, 2, 28), dt.date(2026, 4, 30),
          dt.date(2026, 6, 30), dt.date(2026, 8, 31), dt.date(2026, 10, 31)]  # fmt: skip


def make_tiers() -> None:
    for rank, code in enumerate(("private", "gold", "base"), start=1):
        TierRule.objects.create(
            code=code,
            name=code.title(),
            rank=rank,
            minimum_aum=(3 - rank) * 1000,
            valid_from=dt.date(2020, 1, 1),
        )


def world(cast: Cast) -> PredictiveModel:
    """Base customers with much on demand are gold two months later more often; every fifth is private and stays."""
    make_tiers()
    bank.make_people(1500)
    bank.make_profiles(MONTHS)
    bank.run_sql(
        "UPDATE customers_customerprofile p SET tier = CASE WHEN p.customer_id % 5 = 0 THEN 'private'"
        " WHEN EXISTS (SELECT FROM customers_customerprofile b WHERE b.customer_id = p.customer_id"
        " AND b.month = (date_trunc('month', p.month) - interval '1 month')::date - 1"
        " AND mod(abs(hashint8extended(b.customer_id, 9)), 1000) < b.demand_deposit / 2)"
        " THEN 'gold' ELSE 'base' END"
    )
    told = {
        "name": "Raise",
        "code": "raise",
        "tiers": ["base"],
        "horizon_days": 60,
        "features": ["demand_deposit"],
    }
    form = RaisingModelForm(told, user=cast.ana)
    assert form.is_valid(), form.errors
    return predictive.define(cast.ana, **form.definition())


def test_the_model_asks_about_the_chosen_tiers_and_counts_who_is_higher_later(cast: Cast) -> None:
    model = world(cast)
    month, later = MONTHS[-3], MONTHS[-2]
    found = labels.read(model, labels.HOLDINGS, labels._profile_batches(model, [month]), (), None)
    base = CustomerProfile.objects.filter(month=month, tier="base").values_list("customer_id", flat=True)
    assert sorted(found.ids) == sorted(base)
    risen = CustomerProfile.objects.filter(month=later, tier="gold").values_list("customer_id", flat=True)
    assert {int(pk) for pk, y in zip(found.ids, found.y, strict=True) if y} == set(base) & set(risen)
    assert targets.sentence(model) == "Who moves up to a higher tier within 60 days"


def test_nobody_above_can_rise_and_who_left_has_not(cast: Cast) -> None:
    model = world(cast)
    PredictiveModel.objects.filter(pk=model.pk).update(population={})
    everybody = PredictiveModel.objects.get(pk=model.pk)
    month, later = MONTHS[-3], MONTHS[-2]
    CustomerProfile.objects.filter(month=later).delete()
    CustomerProfile.objects.create(month=later, customer_id=1, tier="private")
    found = labels.read(everybody, labels.HOLDINGS, labels._profile_batches(everybody, [month]), (), None)
    assert 5 not in found.ids
    assert {int(pk) for pk, y in zip(found.ids, found.y, strict=True) if y} == {1}


def test_it_is_trained_scored_and_may_rank_a_campaign(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "RESAMPLES", 50)
    model = world(cast)
    version = training.train(model, cast.ana)[0]
    assert version.card["metrics"]["auc"]["low"] > 0.6
    predictive.promote(version, cast.max)
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    scored = set(Score.objects.filter(score_run=run).values_list("customer_id", flat=True))
    assert scored == set(
        CustomerProfile.objects.filter(month=bank.LATEST, tier="base").values_list("customer_id", flat=True)
    )
    assert PredictiveModel.objects.for_targeting().filter(pk=model.pk).exists()
    page = login(cast.mei).get(f"/models/{model.pk}/").content.decode()
    assert "Who moves up to a higher tier" in page
    assert "not who is moved by being contacted" in page
