"""Pages and API of preference models: defined by the form, judged on the page, and no score to rank anybody by."""

from __future__ import annotations

import pytest

from analytics import audience, scoring
from analytics.forms import PreferenceModelForm
from analytics.models import PredictiveModel
from campaigns import audience_page
from tests.analytics import bank, preference_bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
DEFINED = {
    "kind": "preference",
    "name": "Next product",
    "code": "next-product",
    "target": "product",
    "least_seen": 5,
    "horizon_days": 90,
    "fills": True,
}


def test_the_form_defines_a_model_that_fills_its_field_and_only_one_may(cast: Cast) -> None:
    client = login(cast.ana)
    page = client.get("/models/new/?kind=preference").content.decode()
    for said in ("Preference for", "Channel used most", "not enough behaviour"):
        assert said in page
    client.post("/models/new/?kind=preference", {**DEFINED, "fills": "on", "monthly": "on"})
    model = PredictiveModel.objects.get()
    assert (model.kind, model.target, model.feeds, model.least_seen) == (
        "preference", "product", "likely_product", 5,
    )  # fmt: skip
    again = PreferenceModelForm({**DEFINED, "code": "other"}, user=cast.ana)
    assert list(again.errors) == ["fills"]
    assert PreferenceModelForm({**DEFINED, "code": "other", "fills": ""}, user=cast.ana).is_valid()
    wrong = PreferenceModelForm({**DEFINED, "code": "third", "fills": "", "target": "opens"}, user=cast.ana)
    assert list(wrong.errors) == ["target"]


def test_the_page_holds_the_model_against_naming_the_commonest_and_shows_what_was_taken_for_what(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, version = preference_bank.trained(cast, monkeypatch)
    waiting = login(cast.max).get(f"/models/{model.pk}/").content.decode()
    for said in (
        "v1 waits for promotion",
        "naming the commonest",
        "What was taken for what",
        "too few to learn",
    ):
        assert said in waiting
    assert "an order of customers without measured quality" not in waiting
    login(cast.max).post(f"/models/{model.pk}/versions/{version.number}/promote/")
    model = PredictiveModel.objects.get(pk=model.pk)
    scoring.score(model, None, cast.ana)
    page = login(cast.mei).get(f"/models/{model.pk}/").content.decode()
    for said in (
        "Answers in use",
        "not enough behaviour",
        "What drives the answer",
        "2,000 customers scored",
    ):
        assert said in page
    assert "came true" in login(cast.mei).get("/models/").content.decode()
    # A likeliest answer is no order of customers: conditions ask the field, and no campaign ranks by the model.
    assert model not in PredictiveModel.objects.for_targeting()
    offered = [code for _label, rows in audience_page.catalogue(cast.mei).groups for code, _name in rows]
    assert "likely_product" in offered
    assert not [code for code in offered if model.code in code]
    score = {"all": [{"field": f"score:{model.code}", "op": "at_least", "value": 0.5}]}
    with pytest.raises(audience.InvalidCondition, match="answers, not scores"):
        audience.count(score, bank.LATEST, cast.mei)


def test_the_api_defines_one_and_refuses_fields_of_another_kind(cast: Cast) -> None:
    client = login(cast.ana)
    made = client.post(
        "/api/v1/models/", DEFINED, content_type="application/json", headers={"Idempotency-Key": "one"}
    )
    assert made.status_code == 201
    assert (made.json()["least_seen"], made.json()["feeds"]) == (5, "likely_product")
    refused = client.post(
        "/api/v1/models/",
        {**DEFINED, "share": 0.5},
        content_type="application/json",
        headers={"Idempotency-Key": "two"},
    )
    assert refused.status_code == 400
    assert "share" in refused.content.decode()
