"""Models and segmentations by API: the pages' rights, four eyes, and refusals in words."""

from __future__ import annotations

import pytest

from analytics import segment_fit
from analytics.models import ModelVersion, PredictiveModel, Segment
from bankcrm.models import Run
from tests.analytics import bank, test_segments
from tests.api.callers import Caller, problem
from tests.cast import Cast

pytestmark = pytest.mark.django_db
CHURN = {
    "kind": "churn",
    "code": "wealth-churn",
    "name": "Wealth churn",
    "target": "falls",
    "balance": "wealth_management",
    "share": 0.5,
    "least": "1000",
    "horizon_days": 90,
}


def test_a_model_is_defined_trained_promoted_by_a_second_person_and_taken_back(cast: Cast) -> None:
    ana, max_ = Caller(cast.ana), Caller(cast.max)
    bank.make_product()
    body = {"kind": "response", "code": "fund", "name": "Fund", "product": "fund", "horizon_days": 60}
    made = ana.post("models/", body)
    assert (made.status_code, made.json()["predicts"]) == (201, "Who opens Fund within 60 days")
    started = ana.post("models/fund/train/")
    assert (started.status_code, Run.objects.get().pk) == (202, started.json()["run"])
    model = PredictiveModel.objects.get()
    for number in (1, 2):
        bank.make_version(model, number)
    refused = problem(ana.post("models/fund/versions/1/promote/"), 422, "refused")
    assert "You trained this version" in refused["detail"]
    for number in (1, 2):
        assert max_.post(f"models/fund/versions/{number}/promote/").json()["state"] == "champion"
    assert max_.post("models/fund/roll-back/").json()["number"] == 1
    assert ModelVersion.objects.get(state="champion").number == 1
    listed = max_.get("models/fund/versions/").json()["results"]
    assert [(row["number"], row["state"]) for row in listed] == [(2, "retired"), (1, "champion")]
    problem(Caller(cast.mei).post("models/fund/train/"), 403, "forbidden")
    problem(max_.get("models/none/"), 404, "not_found")


def test_a_definition_that_cannot_be_is_refused_by_field(cast: Cast) -> None:
    ana = Caller(cast.ana)
    assert ana.post("models/", CHURN).status_code == 201
    for change, field in (
        ({"code": "w2", "share": 1.5}, "share"),
        ({"code": "w2", "balance": "aum"}, "balance"),
        ({"code": "w2", "product": "none"}, "product"),
        ({"code": "w2", "history_campaign": "x"}, "history_campaign"),
        ({}, "code"),
    ):
        answer = ana.post("models/", CHURN | change)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert PredictiveModel.objects.count() == 1


def test_segments_are_read_named_and_put_to_use(cast: Cast) -> None:
    test_segments.three_kinds()
    made = test_segments.used(cast)
    ana = Caller(cast.ana)
    listed = Caller(cast.max).get("segmentations/").json()["results"][0]
    assert (listed["code"], listed["version"], listed["customers"]) == ("who", 1, 900)
    sizes = ana.get("segmentations/who/sizes/").json()
    assert [row["customers"] for row in sizes] == [300, 300, 300]
    (month,) = ana.get("segmentations/who/months/").json()
    assert (month["as_of"], month["sizes"]) == ("2026-09-30", {"1": 300, "2": 300, "3": 300})
    problem(ana.get("segmentations/who/movement/"), 404, "not_found")
    segment_fit.assign(made, test_segments.OCTOBER, cast.ana)
    moved = ana.get("segmentations/who/movement/").json()
    assert (moved["since"], moved["until"], moved["stayed"]) == ("2026-09-30", "2026-10-31", 1)
    assert moved["moves"][0] == {"before": 1, "after": 1, "customers": 300}
    assert ana.get("segmentations/who/movement/?since=2026-09-30&until=2026-10-31").json() == moved
    problem(ana.get("segmentations/who/movement/?since=2020-01-31"), 404, "not_found")
    named = ana.patch("segmentations/who/segments/1/", {"name": "Savers"})
    assert (named.json()["name"], Segment.objects.get(number=1).name) == ("Savers", "Savers")
    problem(ana.patch("segmentations/who/segments/2/", {"name": "Savers"}), 422, "refused")
    problem(ana.post("segmentations/who/versions/1/use/"), 422, "refused")
    started = ana.post("segmentations/who/find/")
    assert started.status_code == 202
    assert Run.objects.get().key == f"segmentation:{made.pk}"
    problem(Caller(cast.mei).post("segmentations/who/assign/"), 403, "forbidden")
