"""What value rests on by API: read by whom it concerns, changed by administrators, each change from a day on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from bankcrm.models import AuditEvent
from customers import profile
from customers.models import AssetClassWeight, CostRate, Product, ProductMargin, TierRule
from tests import facts
from tests.api.callers import Caller, problem
from tests.cast import Cast
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
DAY = "2026-12-15"
TIERS = [
    {"code": "basic", "name": "Basic", "minimum_aum": "0"},
    {"code": "gold", "name": "Gold", "minimum_aum": "60000", "minimum_loan": "200000"},
    {"code": "private", "name": "Private", "minimum_aum": "1000000"},
]


@pytest.fixture
def products(cast: Cast) -> dict[str, Product]:
    facts.make_tiers()
    made = facts.make_products()
    facts.balance(facts.customer("Gao", home_branch=cast.tree.s1), made["current"], 70_000)
    profile.build(MONTH)
    return made


def test_thresholds_are_previewed_saved_with_the_token_told_and_taken_back(cast: Cast, products) -> None:
    ada = Caller(cast.ada)
    plan = {"valid_from": DAY, "tiers": TIERS}
    facts.customer("New", opened_on=dt.date(2026, 11, 3))
    shown = ada.post("tiers/preview/", plan).json()
    assert shown["changes"] == ["Gold: assets ¥100,000 → ¥60,000"]
    counted = shown["counted"]
    assert (counted["customers"], counted["not_rated"], counted["up"], counted["down"]) == (1, 1, 1, 0)
    assert counted["moves"] == [{"from_tier": "basic", "to_tier": "gold", "customers": 1, "is_up": True}]
    assert TierRule.objects.count() == 3
    other = [TIERS[0], TIERS[1] | {"minimum_aum": "50000"}, TIERS[2]]
    unseen = plan | {"tiers": other, "token": shown["token"], "reason": "Spring"}
    problem(ada.post("tiers/", unseen), 422, "refused")
    body = plan | {"token": shown["token"], "reason": "Spring"}
    for replayed in (False, True):
        saved = ada.post("tiers/", body, key="once")
        assert saved.status_code == 201
        assert ("Idempotency-Replayed" in saved.headers) is replayed
    assert [(row["code"], row["minimum_aum"]) for row in saved.json()] == [
        ("private", "1000000.00"),
        ("gold", "60000.00"),
        ("basic", "0.00"),
    ]
    assert TierRule.objects.count() == 6
    newest = Caller(cast.rita).get("tiers/versions/").json()[0]
    assert (newest["valid_from"], newest["by"], newest["reason"], newest["may_be_undone"]) == (
        DAY,
        "ada",
        "Spring",
        True,
    )
    assert ada.delete(f"tiers/versions/{DAY}/").status_code == 204
    assert TierRule.objects.count() == 3
    problem(ada.delete(f"tiers/versions/{DAY}/"), 400, "invalid")
    problem(ada.delete("tiers/versions/yesterday/"), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tiers": TIERS[1:]}, "customers below ¥60,000 would have no tier"),
        ({"tiers": [*TIERS, TIERS[0]]}, "stands twice"),
        ({"tiers": [TIERS[0] | {"code": "Très"}]}, "Use small letters"),
        ({"tiers": [TIERS[0] | {"color": "red"}]}, "cannot be set"),
        ({"valid_from": "2026-10-31"}, "Profiles are built up to"),
        ({"valid_from": "0001-01-01"}, "1900"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(
    cast: Cast, products, change: dict[str, Any], said: str
) -> None:
    answer = Caller(cast.ada).post("tiers/preview/", {"valid_from": DAY, "tiers": TIERS} | change)
    assert said in str(problem(answer, 400, "invalid"))


def test_weights_costs_and_margins_hold_from_their_day_and_only_what_is_sent_changes(
    cast: Cast, products
) -> None:
    ada, from_day = Caller(cast.ada), {"valid_from": DAY, "reason": "New year"}
    weights = ada.post(
        "asset-weights/",
        from_day | {"weights": [{"asset_class": "trust", "weight": "0.5", "is_counted": False}]},
    )
    assert weights.json() == [
        {"asset_class": "trust", "weight": "0.5000", "is_counted": False, "valid_from": DAY}
    ]
    costs = ada.post(
        "costs/", from_day | {"costs": [{"basis": "contact", "channel": "phone", "cost": "12.5"}]}
    )
    assert costs.json() == [{"basis": "contact", "channel": "phone", "cost": "12.5000", "valid_from": DAY}]
    margins = ada.post(
        "margins/", from_day | {"margins": [{"product": "fund-mixed", "annual_margin": "0.02"}]}
    )
    assert {row["product"]: row["annual_margin"] for row in margins.json()} == {
        "current": "0.0120",
        "deposit-12": "0.0060",
        "wealth-steady": "0.0080",
        "fund-mixed": "0.0200",
        "personal-loan": "0.0480",
        "card": "0.0900",
    }
    today = {row["product"]: row for row in Caller(cast.rita).get("margins/").json()}
    assert today["fund-mixed"] == {"product": "fund-mixed", "annual_margin": "0.0120", "valid_from": None}
    later = Caller(cast.rita).get("margins/", on=DAY).json()
    assert next(row for row in later if row["product"] == "fund-mixed")["valid_from"] == DAY
    for action in ("asset-classes.begun", "costs.begun", "margins.begun"):
        event = AuditEvent.objects.get(action=action)
        assert (event.actor, event.reason) == (cast.ada, "New year")
    for what, model in (("asset-weights", AssetClassWeight), ("costs", CostRate), ("margins", ProductMargin)):
        assert ada.get(f"{what}/versions/").json()[0]["may_be_undone"]
        assert ada.delete(f"{what}/versions/{DAY}/").status_code == 204
        assert not model.objects.exists()


@pytest.mark.parametrize(
    ("path", "rows", "said"),
    [
        ("asset-weights/", {"weights": [{"asset_class": "gold", "weight": "1"}]}, "not a valid choice"),
        ("asset-weights/", {"weights": [{"asset_class": "fund", "weight": "-1"}]}, "greater than or equal"),
        ("asset-weights/", {"weights": [{"asset_class": "fund", "weight": "1"}] * 2}, "stands twice"),
        ("asset-weights/", {"weights": [{"asset_class": "fund", "weight": "1"}]}, "Nothing was changed"),
        ("costs/", {"costs": [{"basis": "contact", "channel": "owl", "cost": "1"}]}, "owl is not known"),
        ("costs/", {"costs": []}, "may not be empty"),
        ("margins/", {"margins": [{"product": "owl", "annual_margin": "0.1"}]}, "owl is not known"),
        ("margins/", {"margins": [{"product": "current", "annual_margin": "2"}]}, "less than or equal"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_saved(cast: Cast, products, path, rows, said) -> None:
    answer = Caller(cast.ada).post(path, {"valid_from": DAY} | rows)
    assert said in str(problem(answer, 400, "invalid"))
    assert not AuditEvent.objects.filter(action__endswith=".begun").exists()


def test_margins_of_finished_months_stay(cast: Cast, products) -> None:
    body = {"valid_from": "2026-10-31", "margins": [{"product": "current", "annual_margin": "0.5"}]}
    assert "Profiles are built up to" in str(problem(Caller(cast.ada).post("margins/", body), 400, "invalid"))


def test_a_product_is_made_and_changed_on_its_version(cast: Cast, products) -> None:
    ada = Caller(cast.ada)
    new = {"code": "coin", "name": "Gold coin", "line": "retail", "annual_margin": "0.01"}
    made = ada.post("products/", new).json()
    assert (made["code"], made["annual_margin"], made["is_active"], made["version"]) == (
        "coin",
        "0.0100",
        True,
        1,
    )
    problem(ada.post("products/", new), 400, "invalid")
    path = f"products/{made['id']}/"
    assert ada.patch(path, {"version": 1, "name": "Panda"}).json()["name"] == "Panda"
    assert "Ada changed this" in str(problem(ada.patch(path, {"version": 1, "name": "Late"}), 400, "invalid"))
    for wrong, said in (
        ({"annual_margin": "0.2"}, "cannot be set"),
        ({"code": "other"}, "cannot be set"),
        ({"is_loan": True, "asset_class": "fund"}, "A loan is no asset"),
    ):
        assert said in str(problem(ada.patch(path, {"version": 2} | wrong), 400, "invalid"))
    ProductMargin.objects.create(
        product_id=made["id"], annual_margin=Decimal("0.03"), valid_from=dt.date(2026, 11, 1)
    )
    assert Caller(cast.rita).get(path).json()["annual_margin"] == "0.0300"
    assert len(Caller(cast.rita).get("products/", line="retail").json()["results"]) == 1


def test_who_moved_is_listed_by_month_way_and_branch_to_whom_it_concerns(cast: Cast, products) -> None:
    fang = facts.customer("Fang", home_branch=cast.tree.n1, primary_rm=cast.rita)
    facts.balance(fang, products["current"], 50_000, dt.date(2026, 9, 30))
    facts.balance(fang, products["current"], 150_000)
    profile.build(dt.date(2026, 9, 30))
    profile.build(MONTH)
    (row,) = Caller(cast.max).get("tier-changes/", way="up", branch="N").json()["results"]
    assert row == {
        "customer": fang.pk,
        "number": fang.number,
        "month": MONTH.isoformat(),
        "from_tier": "basic",
        "to_tier": "gold",
        "is_up": True,
        "reason": "aum",
        "amount": "150000.00",
        "threshold": "100000.00",
    }
    assert len(Caller(cast.rita).get("tier-changes/", month=MONTH.isoformat()).json()["results"]) == 1
    for person, asked in ((cast.raj, {}), (cast.max, {"way": "down"}), (cast.max, {"month": "2026-09-30"})):
        assert Caller(person).get("tier-changes/", **asked).json()["results"] == []
    problem(Caller(cast.max).get("tier-changes/", way="sideways"), 400, "invalid")
    problem(Caller(cast.ada).get("tier-changes/"), 403, "forbidden")


def test_only_administrators_change_and_managers_of_customers_read_no_costs(cast: Cast, products) -> None:
    for person in (cast.rita, cast.mei, cast.max, cast.ana, cast.aud):
        caller = Caller(person)
        for path in ("tiers/", "tiers/preview/", "asset-weights/", "costs/", "margins/", "products/"):
            problem(caller.post(path, {}), 403, "forbidden")
        problem(caller.delete(f"costs/versions/{DAY}/"), 403, "forbidden")
        problem(caller.patch(f"products/{products['card'].pk}/", {}), 403, "forbidden")
        for path in ("tiers/", "asset-weights/", "margins/", "products/", "margins/versions/"):
            assert caller.get(path).status_code == 200, path
    for path in ("costs/", "costs/versions/"):
        problem(Caller(cast.rita).get(path), 403, "forbidden")
        assert Caller(cast.max).get(path).status_code == 200
    assert Caller(cast.ada).get("tiers/").status_code == 200
