"""Prospects and raising by API: the same definitions, rows and rights as the pages."""

from __future__ import annotations

import pytest

from analytics.models import ModelVersion, PredictiveModel, ProspectRun, ProspectScore
from customers.models import Prospect
from tests.analytics import bank, test_raising
from tests.api.callers import Caller, problem
from tests.cast import Cast

pytestmark = pytest.mark.django_db
FAIR = {"kind": "prospect", "code": "fair", "name": "Fair", "product": "fund", "horizon_days": 60}


@pytest.fixture
def listed(cast: Cast) -> list[Prospect]:
    return Prospect.objects.bulk_create(
        Prospect(
            list_code="fair-2026", number=f"P{n}", phone=f"1391111{n:04}", has_agreed=n % 2, monthly_income=n
        )
        for n in range(10)
    )


def test_a_model_of_a_list_is_defined_with_its_fields_and_its_ranking_read_masked(
    cast: Cast, listed: list[Prospect]
) -> None:
    ana, mei = Caller(cast.ana), Caller(cast.mei)
    bank.make_product()
    problem(ana.post("models/", FAIR | {"prospect_list": "other"}), 400, "invalid")
    problem(
        ana.post("models/", FAIR | {"prospect_list": "fair-2026", "features": ["occupation"]}), 400, "invalid"
    )
    made = ana.post("models/", FAIR | {"prospect_list": "fair-2026"})
    assert made.status_code == 201
    assert (made.json()["features"], made.json()["prospect_list"]) == (["monthly_income"], "fair-2026")
    version = ModelVersion.objects.create(
        model=PredictiveModel.objects.get(code="fair"), number=1, algorithm="logistic", trained_by=cast.ana
    )
    run = ProspectRun.objects.create(version=version, list_code="fair-2026", as_of=bank.LATEST, rows=10)
    ProspectScore.objects.bulk_create(
        ProspectScore(prospect_run=run, prospect=each, raw=n, probability=n / 20, decile=10 - n)
        for n, each in enumerate(listed)
    )
    assert mei.get("prospect-lists/").json()[0]["models"] == ["fair"]
    told = mei.get("prospect-lists/fair-2026/").json()
    assert (told["size"], told["approachable"]) == (10, 5)
    assert [row["field"] for row in told["fields_said"] if row["is_used"]] == ["monthly_income"]
    assert told["scorings"][0]["id"] == run.pk
    ranking = mei.get(f"prospect-lists/fair-2026/ranking/?scoring={run.pk}&page_size=2").json()
    assert [row["number"] for row in ranking["results"]] == ["P9", "P7"]
    assert ranking["results"][0]["phone"] == "139****0009"
    assert ranking["next"]
    problem(mei.get("prospect-lists/fair-2026/ranking/?scoring=999999"), 404, "not_found")
    problem(mei.get("prospect-lists/nobody/"), 404, "not_found")
    problem(Caller(cast.rita).get("prospect-lists/fair-2026/"), 403, "forbidden")


def test_a_model_of_raising_asks_for_the_tiers(cast: Cast) -> None:
    ana = Caller(cast.ana)
    test_raising.make_tiers()
    body = {"kind": "raising", "code": "raise", "name": "Raise", "horizon_days": 90}
    problem(ana.post("models/", body), 400, "invalid")
    made = ana.post("models/", body | {"tiers": ["base", "gold"]})
    assert made.status_code == 201
    assert made.json()["population"] == {
        "all": [{"field": "tier", "op": "one_of", "value": ["base", "gold"]}]
    }
    assert made.json()["predicts"] == "Who moves up to a higher tier within 90 days"
