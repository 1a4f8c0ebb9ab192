"""Plans, the contact policy and universal controls through the API."""

from __future__ import annotations

import datetime as dt

import pytest

from bankcrm.models import Run
from campaigns import universal
from campaigns.models import ContactRule, MarketingPlan, UniversalControl
from tests.api.callers import problem
from tests.campaigns import factories
from tests.campaigns.factories import TODAY

pytestmark = pytest.mark.django_db
PLAN = {"name": "Quarter", "starts_on": "2026-10-01", "ends_on": "2026-12-31", "budget": "1000.00"}


def test_a_plan_is_made_changed_and_gets_its_targets(cast, api):
    factories.make_product()
    mei = api(cast.mei)
    made = mei.post("plans/", PLAN)
    assert made.status_code == 201, made.json()
    pk, version = made.json()["id"], made.json()["version"]
    changed = mei.patch(f"plans/{pk}/", {"version": version, "budget": "2000"}).json()
    assert (changed["budget"], changed["name"]) == ("2000.00", "Quarter")
    told = problem(mei.patch(f"plans/{pk}/", {"version": version, "budget": "1"}), 409, "stale")
    assert told["current"]["budget"] == "2000.00"
    targets = [{"branch": "N1", "product": "fund", "month": "2026-10-01", "sales": 5, "volume": "7.00"}]
    at = {"version": changed["version"]}
    kept = mei.put(f"plans/{pk}/targets/", at | {"targets": targets}).json()
    assert kept["targets"] == targets
    assert mei.get(f"plans/{pk}/targets/").json() == kept
    wrong = targets[0] | {"month": "2027-10-01"}
    problem(mei.put(f"plans/{pk}/targets/", {"version": kept["version"], "targets": [wrong]}), 400, "invalid")
    assert mei.get(f"plans/{pk}/").json()["sales_target"] == 5
    assert api(cast.max).post("plans/", PLAN | {"name": "Mine"}).status_code == 403
    assert MarketingPlan.objects.count() == 1


def test_a_rule_is_added_and_retired(cast, api):
    factories.make_product()
    factories.make_product("loan")
    ada = api(cast.ada)
    rule = {"kind": "apart", "product": "fund", "other_product": "loan", "days": 14}
    made = ada.post("contact-rules/", rule)
    assert made.status_code == 201, made.json()
    assert made.json()["sentence"] == "Fund not within 14 days of a contact about Loan"
    told = problem(ada.post("contact-rules/", {"kind": "apart", "days": 14}), 400, "invalid")
    assert told["errors"].keys() == {"product", "other_product"}
    pk = made.json()["id"]
    assert ada.patch(f"contact-rules/{pk}/", {"is_active": False}).json()["is_active"] is False
    assert api(cast.mei).get("contact-rules/").json()["results"][0]["is_active"] is False
    assert api(cast.mei).patch(f"contact-rules/{pk}/", {"is_active": True}).status_code == 403
    assert not ContactRule.objects.filter(is_active=True).exists()


def test_a_universal_control_is_begun_drawn_read_and_ended(cast, api):
    factories.make_customers(200, cast.tree.n1, cast.rita)
    boss = api(cast.max)
    given = {
        "name": "2027",
        "share": "0.050",
        "starts_on": f"{TODAY}",
        "ends_on": f"{TODAY + dt.timedelta(364)}",
    }
    made = boss.post("universal-controls/", given)
    assert made.status_code == 201, made.json()
    assert Run.objects.get().kind == "campaigns.draw_universal"
    path = f"universal-controls/{made.json()['id']}/"
    assert boss.get(path).json()["members"] is None
    universal.draw()
    read = boss.get(path).json()
    assert (read["members"]["customers"], read["rest"]["customers"], read["state"]) == (10, 190, "In force")
    problem(boss.post("universal-controls/", given | {"name": "x", "share": "0.2"}), 400, "invalid")
    assert problem(boss.post("universal-controls/", given | {"name": "x"}), 400, "invalid")["errors"][
        "starts_on"
    ]
    assert api(cast.mei).post(f"{path}end/", {"reason": "sales"}).status_code == 403
    assert api(cast.rita).get("universal-controls/").status_code == 403
    assert boss.post(f"{path}end/", {"reason": "merger"}).status_code == 204
    assert UniversalControl.objects.get().ends_on == TODAY
