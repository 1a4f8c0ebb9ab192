"""The pages of what value rests on: who reads, who changes, what is refused, and what they show."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from bankcrm.models import AuditEvent
from customers import profile, value_settings
from customers.models import AssetClassWeight, CostRate, CustomerProfile, Product, ProductMargin, TierRule
from tests import facts
from tests.cast import Cast, login
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
SEPTEMBER = dt.date(2026, 9, 30)


@pytest.fixture
def products(cast: Cast) -> dict[str, Product]:
    facts.make_tiers()
    made = facts.make_products()
    for name, branch, rm, before, now in [
        ("Fang", cast.tree.n1, cast.rita, 50_000, 150_000),
        ("Gao", cast.tree.s1, cast.raj, 70_000, 70_000),
        ("Hua", cast.tree.s1, cast.raj, 90_000, 120_000),
    ]:
        who = facts.customer(name, home_branch=branch, primary_rm=rm)
        facts.balance(who, made["current"], before, SEPTEMBER)
        facts.balance(who, made["current"], now)
    profile.build(SEPTEMBER)
    profile.build(MONTH)
    return made


def planned(**more: str) -> dict[str, str]:
    """The tier form as the page fills it, Gold from 60,000."""
    rows = [
        ("private", "Private", "1,000,000", ""),
        ("gold", "Gold", "60,000", "200,000"),
        ("basic", "Basic", "0", ""),
    ]
    data = {
        "tier-TOTAL_FORMS": "4",
        "tier-INITIAL_FORMS": "3",
        "valid_from": "2026-12-01",
        "reason": "Spring",
    }
    for number, (code, name, aum, loan) in enumerate(rows):
        data |= {
            f"tier-{number}-code": code,
            f"tier-{number}-name": name,
            f"tier-{number}-aum": aum,
            f"tier-{number}-loan": loan,
        }
    return data | more


def test_thresholds_are_saved_only_after_a_preview_of_just_these(cast: Cast, products) -> None:
    client, url = login(cast.ada), reverse("tier-change")
    assert "100,000" in client.get(url).content.decode()
    facts.customer("New", opened_on=dt.date(2026, 11, 3))
    facts.customer("Gone", opened_on=dt.date(2026, 11, 3), closed_on=dt.date(2026, 11, 9))
    unseen = client.post(url, planned(save="1"))
    assert "3 customers counted at" in unseen.content.decode()
    assert "1 not rated: no profile of that month yet" in unseen.content.decode()
    assert "1 customers move up, 0 down; 2 stay." in unseen.content.decode()
    assert TierRule.objects.count() == 3
    seen = client.post(url, planned(preview="1")).context["seen"]
    other = client.post(url, planned(save="1", seen=seen, **{"tier-1-aum": "50,000"}))
    assert other.status_code == 200
    assert TierRule.objects.count() == 3
    saved = client.post(url, planned(save="1", seen=seen), follow=True)
    text = saved.content.decode()
    assert saved.redirect_chain[-1][0] == reverse("tier-list")
    assert "Gold: assets ¥100,000 → ¥60,000" in text
    assert "Spring" in text
    assert TierRule.objects.filter(valid_from=dt.date(2026, 12, 1)).count() == 3
    undone = client.post(reverse("value-undo", args=["tiers", "2026-12-01"]), follow=True)
    assert "was taken back" in undone.content.decode()
    assert TierRule.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tier-1-aum": "2,000,000"}, "Gold begins at ¥2,000,000 of assets, but Private"),
        ({"tier-2-aum": "10"}, "customers below ¥10 would have no tier"),
        ({"tier-1-aum": "many"}, "Enter a number"),
        ({"tier-1-loan": "-5"}, "cannot be negative"),
        ({"valid_from": "2026-10-31"}, "Profiles are built up to"),
        ({"valid_from": "1 Dec"}, "YYYY-MM-DD"),
        ({"tier-3-code": "gold", "tier-3-name": "Gold again", "tier-3-aum": "5"}, "stands twice"),
        ({"tier-3-code": "Très", "tier-3-name": "New", "tier-3-aum": "5"}, "Use small letters"),
        ({"tier-2-give_up": "on"}, "The lowest tier, Gold, must begin at"),
    ],
)
def test_bad_thresholds_are_said_and_nothing_is_previewed(cast: Cast, products, change, said) -> None:
    answer = login(cast.ada).post(reverse("tier-change"), planned(preview="1", **change))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "preview" not in answer.context


def test_a_new_tier_stands_where_its_threshold_puts_it(cast: Cast, products) -> None:
    new = {"tier-3-code": "silver", "tier-3-name": "Silver", "tier-3-aum": "30,000", "tier-1-aum": "100,000"}
    client, url = login(cast.ada), reverse("tier-change")
    page = client.post(url, planned(preview="1", **new))
    assert page.context["preview"]["columns"] == ["Private", "Gold", "Silver", "Basic"]
    client.post(url, planned(save="1", seen=page.context["seen"], **new))
    ranks = (
        TierRule.objects.filter(valid_from=dt.date(2026, 12, 1))
        .order_by("rank")
        .values_list("code", flat=True)
    )
    assert list(ranks) == ["private", "gold", "silver", "basic"]


def test_only_an_administrator_changes_what_value_rests_on(cast: Cast, products) -> None:
    product = products["current"]
    for person in (cast.rita, cast.mei, cast.max, cast.ana, cast.aud):
        client = login(person)
        for name in ("tier-list", "product-list", "asset-class-list"):
            page = client.get(reverse(name))
            assert page.status_code == 200
            assert "Take back" not in page.content.decode()
        assert client.post(reverse("tier-change"), planned(preview="1")).status_code == 403
        assert client.post(reverse("product-edit", args=[product.pk]), {}).status_code == 403
        assert client.post(reverse("asset-class-list"), {}).status_code == 403
        assert client.post(reverse("value-undo", args=["tiers", "2026-12-01"])).status_code == 403
    assert login(cast.rita).get(reverse("cost-list")).status_code == 403
    assert login(cast.ada).get(reverse("tier-change-list")).status_code == 403


def test_everybody_sees_the_tier_changes_of_their_own_customers(cast: Cast, products) -> None:
    def shown(person, **filters) -> str:
        return login(person).get(reverse("tier-change-list"), filters).content.decode()

    text = shown(cast.max)
    assert "Fang" in text
    assert "Hua" in text
    assert "Gao" not in text
    assert "Assets of ¥150,000 reached ¥100,000" in text
    assert "Hua" not in shown(cast.rita)
    assert "Fang" not in shown(cast.raj)
    assert "Fang" not in shown(cast.max, branch="S1")
    assert "No change matches" in shown(cast.max, way="down")
    assert "was not understood" in shown(cast.max, month="yesterday")


def test_the_list_leaves_as_a_file_and_the_audit_trail_knows(cast: Cast, products) -> None:
    answer = login(cast.max).get(reverse("tier-change-csv"), {"way": "up"})
    rows = answer.content.decode("utf-8-sig").splitlines()
    assert len(rows) == 3
    assert rows[1].split(",")[2:8] == ["Basic", "Gold", "up", "Assets", "150000.00", "100000.00"]
    event = AuditEvent.objects.get(action="tier-changes.exported")
    assert (event.actor, event.details["rows"], event.details["way"]) == (cast.max, 2, "up")
    own = login(cast.rita).get(reverse("tier-change-csv")).content.decode("utf-8-sig").splitlines()
    assert len(own) == 2
    assert login(cast.ada).get(reverse("tier-change-csv")).status_code == 403


def test_a_class_is_weighed_and_switched_off_from_a_day(cast: Cast, products) -> None:
    client, url = login(cast.ada), reverse("asset-class-list")
    form = {"valid_from": "2026-11-15", "reason": "New rule"}
    for state in value_settings.classes_at(MONTH):
        form |= {f"weight_{state.asset_class.value}": "1", f"on_{state.asset_class.value}": "on"}
    form["weight_demand_deposit"] = "0.25"
    del form["on_trust"]
    page = client.post(url, form, follow=True).content.decode()
    assert "Trust: off" in page
    assert "Demand deposit: 25" in page
    assert AssetClassWeight.objects.count() == 2
    profile.build(dt.date(2026, 11, 30))
    assert AuditEvent.objects.get(action="asset-classes.begun").details["changed"] == {
        "demand_deposit": ["0.25", True],
        "trust": ["1", False],
    }
    again = client.post(url, form | {"valid_from": "2026-12-15"})
    assert "Nothing was changed" in again.content.decode()
    negative = client.post(url, form | {"weight_fund": "-1", "valid_from": "2026-12-16"})
    assert negative.status_code == 422
    refused = client.post(reverse("value-undo", args=["asset-classes", "2026-11-15"]), follow=True)
    assert "Profiles were built" in refused.content.decode()
    assert AssetClassWeight.objects.count() == 2


def test_a_cost_holds_from_its_day_and_is_taken_back(cast: Cast, products) -> None:
    client, url = login(cast.ada), reverse("cost-list")
    form = {f"{basis}_{channel}": "0" for basis, channel in value_settings.COSTS}
    form |= {"contact_phone": "12.5", "valid_from": "2026-11-15"}
    assert "12.5" in client.post(url, form, follow=True).content.decode()
    rate = CostRate.objects.get()
    assert (rate.basis, rate.channel, rate.cost) == ("contact", "phone", Decimal("12.5"))
    assert "12.50" in login(cast.max).get(url).content.decode()
    client.post(reverse("value-undo", args=["costs", "2026-11-15"]))
    assert not CostRate.objects.exists()


def margins(valid_from: str, **changed: str) -> dict[str, str]:
    form = {f"margin_{code}": margin for code, (*_rest, margin) in facts.PRODUCTS.items()}
    form |= {f"margin_{code.replace('_', '-')}": margin for code, margin in changed.items()}
    return form | {"valid_from": valid_from, "reason": "Base rate"}


def test_a_margin_holds_from_its_day_and_no_finished_month_changes(cast: Cast, products) -> None:
    client, url = login(cast.ada), reverse("margin-list")
    finished = client.post(url, margins("2026-10-15", fund_mixed="0.02"))
    assert finished.status_code == 422
    assert "Profiles are built up to" in finished.content.decode()
    assert "Nothing was changed" in client.post(url, margins("2026-12-15")).content.decode()
    assert client.post(url, margins("2026-12-15", fund_mixed="1.5")).status_code == 422
    assert not ProductMargin.objects.exists()
    page = client.post(url, margins("2026-12-15", fund_mixed="0.02"), follow=True).content.decode()
    assert "fund-mixed: 2.00" in page
    assert "Base rate" in page
    event = AuditEvent.objects.get(action="margins.begun")
    assert event.details["changed"] == {"fund-mixed": ["0.0120", "0.02"]}
    assert event.reason == "Base rate"
    listed = {
        row.product.code: row.margin for row in login(cast.rita).get(reverse("product-list")).context["rows"]
    }
    assert listed["fund-mixed"] == Decimal("0.0120")  # today is before that day
    assert login(cast.mei).post(url, margins("2026-11-16")).status_code == 403
    client.post(reverse("value-undo", args=["margins", "2026-12-15"]))
    assert not ProductMargin.objects.exists()


def test_a_margin_that_a_profile_counted_with_is_not_taken_back(cast: Cast, products) -> None:
    client = login(cast.ada)
    client.post(reverse("margin-list"), margins("2026-11-30", current="0.02"))
    profile.build(dt.date(2026, 11, 30))
    refused = client.post(reverse("value-undo", args=["margins", "2026-11-30"]), follow=True)
    assert "Profiles were built" in refused.content.decode()
    assert ProductMargin.objects.count() == 1


def test_a_product_is_changed_by_one_at_a_time(cast: Cast, products) -> None:
    client, product = login(cast.ada), products["fund-mixed"]
    url = reverse("product-edit", args=[product.pk])
    form = {
        "name": "Mixed fund",
        "line": "wealth",
        "asset_class": "fund",
        "annual_margin": "0.5",
        "is_active": "on",
        "version": "1",
        "code": "another",
    }
    assert client.post(url, form).status_code == 302
    product.refresh_from_db()
    assert (product.name, product.code, product.version) == ("Mixed fund", "fund-mixed", 2)
    assert product.annual_margin == Decimal("0.0120")  # what finished months counted with
    late = client.post(url, form | {"name": "Late"})
    assert late.status_code == 422
    assert "Ada changed this" in late.content.decode()
    page = client.get(url).content.decode()
    assert "Name: fund-mixed → Mixed fund" in page
    form = form | {"version": "2", "asset_class": "time_deposit"}
    assert client.post(url, form).status_code == 302
    assert "Asset class: Fund → Time deposit" in client.get(url).content.decode()
    owed = client.post(url, form | {"version": "3", "is_loan": "on"})
    assert "A loan is no asset" in owed.content.decode()


def test_a_new_product_needs_a_code_of_its_own(cast: Cast, products) -> None:
    client, url = login(cast.ada), reverse("product-create")
    form = {"name": "Gold coin", "code": "coin", "line": "retail", "annual_margin": "0.01", "is_active": "on"}
    much = client.post(url, form | {"annual_margin": "2"})
    assert "0.0125 for 1.25 %" in much.content.decode()
    assert client.post(url, form).status_code == 302
    assert Product.objects.get(code="coin").annual_margin == Decimal("0.01")
    assert client.post(url, form).status_code == 422


def test_the_pages_say_where_daily_averages_come_from(cast: Cast, products) -> None:
    CustomerProfile.objects.filter(month=MONTH).exists()
    page = login(cast.max).get(reverse("asset-class-list"))
    row = next(one for one in page.context["rows"] if one["state"].asset_class == "demand_deposit")
    assert (row["given"], row["bookings"], row["closings"]) == (1.0, 0.0, 0.0)
    assert "half-way between the two month-end balances" in page.content.decode()


def test_the_dictionary_is_searched_and_narrowed(cast: Cast) -> None:
    client, url = login(cast.ada), reverse("data-dictionary")

    def codes(**asked: str) -> set[str]:
        page = client.get(url, asked)
        return {field.code for _area, rows in page.context["areas"] for field in rows}

    assert len(codes()) > 100
    assert "contribution_12m" in codes(q="margin fees")
    assert codes(area="need", origin="rule") == {
        "preferred_product",
        "preferred_channel",
        "risk_preference",
        "financial_preference",
    }
    assert {"churn_wealth", "loyalty_grade", "likely_risk"} <= codes(origin="model")
    assert not codes(origin="model") & codes(origin="rule")
    assert codes(personal="sensitive", area="portrait") == {"spend_health_3m"}
    assert codes(q="no such thing") == set()
    assert codes(area="nowhere") == codes()
    text = client.get(url, {"q": "life stage"}).content.decode()
    assert "Family with small children" in text
    assert "under 40 with children" in text
    fragment = client.get(url, {"q": "aum"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
