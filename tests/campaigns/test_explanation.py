"""Pushed leads say why: the reasons of the score are written to their targets."""

from __future__ import annotations

import pytest

from analytics import reasons, scoring
from analytics.models import ModelVersion
from campaigns import explanation
from campaigns.models import Target
from tests.analytics import bank
from tests.campaigns import factories
from tests.cast import Cast


@pytest.fixture
def scored(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> object:
    """900 customers of Rita with published scores."""
    model = bank.in_use(cast, monkeypatch, 900)
    bank.run_sql(
        "UPDATE customers_customer SET home_branch_id = %s, primary_rm_id = %s, phone = '13800000000'",
        cast.tree.n1.pk,
        cast.rita.pk,
    )
    bank.run_sql("UPDATE customers_customerprofile SET age = 40")
    scoring.score(model, None, cast.ana)
    model.refresh_from_db()
    return model


def test_every_pushed_target_gets_reasons_and_no_other(cast: Cast, scored: object) -> None:
    campaign, _push = factories.pushed(cast, product=scored.product, model=scored, control_share="0.2")  # type: ignore[attr-defined]  # a model
    targets = Target.objects.filter(selection=campaign.selection)
    treated = targets.filter(is_control=False, withheld="")
    assert treated.count() > 10
    assert not treated.filter(reasons=[], decile__lte=4).exists()
    assert targets.exclude(pk__in=treated).exists()
    assert not targets.exclude(pk__in=treated).exclude(reasons=[]).exists()
    best = treated.order_by("rank").first()
    assert best.reasons[0]["field"] == "demand_deposit"
    assert best.reasons[0]["contribution"] > 0
    assert {"field", "value", "share", "text_code", "middle", "tier"} < set(best.reasons[0])
    assert "in the middle of those learned from" in reasons.sentence(best.reasons[0])
    assert explanation.explain(campaign.selection) == 0


def test_a_model_file_that_does_not_load_costs_the_reasons_not_the_leads(cast: Cast, scored: object) -> None:
    ModelVersion.objects.update(artefact=b"broken")
    campaign, push = factories.pushed(cast, product=scored.product, model=scored)  # type: ignore[attr-defined]  # a model
    assert push.reconciliation["pushed"] > 10
    assert not Target.objects.filter(selection=campaign.selection).exclude(reasons=[]).exists()


def test_a_campaign_without_a_score_has_no_reasons(cast: Cast) -> None:
    factories.make_customers(20, cast.tree.n1, cast.rita)
    campaign, _push = factories.pushed(cast)
    assert explanation.explain(campaign.selection) == 0
