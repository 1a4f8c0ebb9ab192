"""Which models a campaign may choose, and whom it then chooses: uplift only where it proved itself, else a fallback."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.forms import ModelChoiceField

from analytics import card, predictive, ranking, reasons, scoring, training, uplift_training
from analytics.modelling import uplift_gate
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from campaigns import exploration, push, targeting
from campaigns.campaign_forms import ExclusionForm
from campaigns.models import Campaign, Target
from customers.models import CustomerProfile
from tests.analytics import bank, test_uplift
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, login


@pytest.mark.parametrize("use", ["uplift", "response"])
def test_only_a_proven_uplift_is_offered_and_the_other_is_explained(cast: Cast, use: str) -> None:
    product = bank.make_product()
    model = bank.make_model(cast, product, "up", name="Fund uplift", kind=PredictiveModel.Kind.UPLIFT)
    version = bank.make_version(model, 1, card={"uplift": {"use": use}}, state="champion")
    run = ScoreRun.objects.create(version=version, as_of=bank.LATEST, state=ScoreRun.State.PUBLISHED)
    PredictiveModel.objects.filter(pk=model.pk).update(champion=version, current_score_run=run)
    form = ExclusionForm(instance=Campaign(product=product), user=cast.mei)
    choice = form.fields["model"]
    assert isinstance(choice, ModelChoiceField)
    offered = list(choice.queryset or ())
    told = str(form.fields["model"].help_text)
    if use == "uplift":
        assert offered == [model]
        assert "not proven" not in told
        targeting.read_inputs(Campaign(product=product), score_run=run, month=bank.LATEST)
    else:
        assert offered == []
        assert "not proven: Fund uplift" in told
        with pytest.raises(targeting.Refused, match="has not proved its uplift"):
            targeting.read_inputs(Campaign(product=product), score_run=run, month=bank.LATEST)


def put_to_use(model: PredictiveModel, version: ModelVersion, cast: Cast) -> PredictiveModel:
    predictive.promote(version, cast.max)
    scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    return PredictiveModel.objects.get(pk=model.pk)


def chosen(cast: Cast, model: PredictiveModel, **changes: Any) -> tuple[Campaign, list[int]]:
    """A campaign for 300 of 2,000 by the model, selected; with the customers contacted."""
    bank.run_sql("UPDATE customers_customer SET phone = '138' || lpad(id::text, 8, '0')")
    fields: dict[str, Any] = {"product": model.product, "model": model, "capacity": 300, "control_share": "0"}
    everybody = {"all": [{"field": "aum", "op": "at_least", "value": 0}]}
    campaign = factories.draft(cast, condition=everybody, **(fields | changes))
    targeting.select(campaign, cast.mei, on=TODAY)
    targets = Target.objects.filter(selection__campaign=campaign, is_control=False)
    return Campaign.objects.get(pk=campaign.pk), list(targets.values_list("customer_id", flat=True))


def told(campaign: Campaign) -> str:
    assert campaign.selection is not None
    kept = campaign.selection.definition
    return targeting.ranking_sentence(kept["ranking"], kept["rate_source"])


def test_a_proven_uplift_chooses_whom_a_contact_moves_not_who_buys_anyway(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = test_uplift.world(cast, monkeypatch, gain=0.3)
    (version,) = uplift_training.train(model, cast.ana)
    model = put_to_use(model, version, cast)
    assert ranking.ranking_for(model.sells) == model
    campaign, contacted = chosen(cast, model)
    deposits = CustomerProfile.objects.filter(month=bank.LATEST, customer__in=contacted)
    kept = np.array(deposits.values_list("demand_deposit", flat=True), dtype=float)
    # Of those with less than 500 a third buys anyway, and no contact moves them.
    assert (kept >= 500).mean() > 0.95
    assert exploration.proposed(model) == exploration.SHARE
    assert "(uplift) × margin" in told(campaign)
    assert "Uplift is used" in told(campaign)


def tiered(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> PredictiveModel:
    """Gold customers buy in 5 % of cases, and in 25 % when contacted; a third of the others buys, contacted or not.
    Controls are too few for uplift."""
    model = test_uplift.world(cast, monkeypatch, gain=0.0)
    PredictiveModel.objects.filter(pk=model.pk).update(features=["demand_deposit", "industry", "tier"])
    bank.run_sql(
        "UPDATE customers_customerprofile SET tier = CASE WHEN customer_id % 2 = 0 THEN 'gold' ELSE 'base' END"
    )
    bank.run_sql("DELETE FROM customers_response")
    bank.run_sql(
        "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
        " SELECT customer_id, campaign_code, 'conversion', 'matched', assigned_on + 9 FROM customers_assignment"
        " WHERE mod(abs(hashint8extended(customer_id, assigned_on - DATE '2000-01-01')), 1000) <"
        " CASE WHEN customer_id % 2 = 1 THEN 350 WHEN is_control THEN 50 ELSE 250 END"
    )
    monkeypatch.setattr(uplift_gate, "CONTROLS_NEEDED", 100_000)
    return PredictiveModel.objects.get(pk=model.pk)


def test_where_uplift_is_not_proven_the_effect_in_the_tier_times_the_response_chooses_and_says_why(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiered(cast, monkeypatch)
    (version,) = uplift_training.train(model, cast.ana)
    assert version.card["uplift"]["use"] == "response_by_segment"
    assert version.algorithm == ModelVersion.Algorithm.BY_TIER
    effects = {row["name"]: row["shrunk"] for row in version.card["uplift"]["groups"]}
    assert effects["gold"] == pytest.approx(0.2, abs=0.05)
    assert abs(effects["base"]) < 0.06
    model = put_to_use(model, version, cast)
    campaign, contacted = chosen(cast, model)
    # The response model would have taken the others: they buy more often.
    assert np.mean([pk % 2 == 0 for pk in contacted]) > 0.95
    assert "effect measured in the customer's tier" in told(campaign)
    assert "100000 with" in told(campaign)
    # So that uplift can be learned yet.
    assert exploration.proposed(model) == exploration.SHARE_TO_LEARN_UPLIFT
    page = login(cast.mei).get(f"/models/{model.pk}/").content.decode()
    for text in (
        "by its fallback",
        "Instead it ranks by chance to respond",
        "Effect by tier",
        "Used, shrunk",
    ):
        assert text in page


def test_a_rule_is_called_one_where_it_ranks_and_on_its_leads(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    version = training.train(model, cast.ana)[0]
    assert version.algorithm == ModelVersion.Algorithm.RULE
    model = put_to_use(model, version, cast)
    bank.run_sql("UPDATE customers_customer SET phone = '138' || lpad(id::text, 8, '0')")
    everybody = {"all": [{"field": "aum", "op": "at_least", "value": 0}]}
    campaign = factories.approved(
        cast, product=model.product, model=model, capacity=30, control_share="0.1", condition=everybody
    )
    assert "not by a model: too few have bought" in told(campaign)
    push.push(campaign, cast.mei, on=TODAY)
    kept = Target.objects.filter(selection=campaign.selection_id, is_control=False)
    assert {reasons.sentence(target.reasons[0]) for target in kept} == {
        "Chosen by a rule (recency, frequency, value), not by a model"
    }
    page = login(cast.mei).get(f"/models/{model.pk}/").content.decode()
    assert "a rule, not a model" in page
    assert "From 50 responders in the training period" in page
    assert "Rule score" in login(cast.mei).get("/models/").content.decode()


def test_a_response_model_says_why_uplift_does_not_rank(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = test_uplift.world(cast, monkeypatch, gain=0.0)
    (version,) = uplift_training.train(model, cast.ana)
    response = factories.make_scores(model.sells, cast.ana, {pk: pk / 2001 for pk in range(1, 2001)})
    assert ranking.ranking_for(model.sells) == response
    campaign, contacted = chosen(cast, response)
    assert sorted(contacted) == list(range(1701, 2001))
    assert "calibrated probability × margin" in told(campaign)
    assert "Uplift is not used" in told(campaign)
    assert version.card["uplift"]["use"] == "response"
    assert "no effect by tier was measured" in card.told(version.card["limits"][1])
    assert exploration.proposed(response) == exploration.SHARE_TO_LEARN_UPLIFT
    assert exploration.proposed(None) == exploration.SHARE
