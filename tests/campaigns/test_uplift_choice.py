"""Which models a campaign may choose: uplift only where it proved itself, and a word about those that did not."""

from __future__ import annotations

import pytest
from django.forms import ModelChoiceField

from analytics.models import PredictiveModel, ScoreRun
from campaigns import targeting
from campaigns.campaign_forms import ExclusionForm
from campaigns.models import Campaign
from tests.analytics import bank
from tests.cast import Cast


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
        targeting._refuse_unproven(run)
    else:
        assert offered == []
        assert "not proven: Fund uplift" in told
        with pytest.raises(targeting.Refused, match="has not proved its uplift"):
            targeting._refuse_unproven(run)
