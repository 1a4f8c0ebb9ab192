"""The portfolio list and the API show the customers one may see, filtered and page by page."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import clock
from customers import profile
from customers.models import Product
from tests import facts
from tests.cast import login
from tests.facts import MONTH


@pytest.fixture
def bank(cast):
    clock.set_day(dt.date(2026, 11, 10))
    facts.make_tiers()
    products = facts.make_products()
    rich = facts.customer("Rich", home_branch=cast.tree.n1, primary_rm=cast.rita, phone="13812342291")
    poor = facts.customer("Poor", home_branch=cast.tree.n1, primary_rm=cast.rita)
    far = facts.customer("Far", home_branch=cast.tree.s1, primary_rm=cast.raj, backup_rm=cast.rita)
    facts.customer("Other", home_branch=cast.tree.n1)
    facts.customer("Left", home_branch=cast.tree.n1, primary_rm=cast.rita, closed_on=dt.date(2026, 11, 1))
    facts.balance(rich, products["fund-mixed"], 150_000)
    facts.balance(poor, products["current"], 900, dt.date(2026, 7, 31))
    facts.balance(poor, products["current"], 400)
    facts.holding(poor, products["deposit-12"], amount=77, matures_on=dt.date(2026, 11, 20))
    facts.holding(rich, products["deposit-12"], amount=88, matures_on=dt.date(2026, 11, 6))
    facts.contact(far)
    profile.build(MONTH)
    facts.customer("New", home_branch=cast.tree.n1, primary_rm=cast.rita, opened_on=dt.date(2026, 11, 3))
    return {"rich": rich, "poor": poor, "far": far}


def shown(user, **query):
    response = login(user).get("/customers/", query)
    assert response.status_code == 200
    return [customer.name for customer in response.context["page"].rows]


def test_a_relationship_manager_sees_the_portfolio_richest_first_with_new_customers(bank, cast):
    assert shown(cast.rita) == ["Rich", "Poor", "New", "Far"]
    assert shown(cast.raj) == ["Far"]
    assert set(shown(cast.bao)) == {"Rich", "Poor", "New", "Other"}
    assert len(shown(cast.ana)) == len(shown(cast.aud)) == 5
    assert login(cast.ada).get("/customers/").status_code == 403


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tier": "gold"}, ["Rich"]),
        ({"maturing": "on"}, ["Poor"]),
        ({"falling": "on"}, ["Poor"]),
        ({"idle": "on", "tier": "basic"}, ["Poor"]),
        ({"order": "fall"}, ["Poor", "Far", "New", "Rich"]),
        ({"order": "maturity"}, ["Poor", "Rich", "Far", "New"]),
        ({"order": "number"}, ["Rich", "Poor", "Far", "New"]),
        ({"tier": "gold", "loyalty": "A"}, []),
    ],
)
def test_filters_and_orders_in_the_url_narrow_the_list(bank, cast, query, expected):
    assert shown(cast.rita, **query) == expected


def test_what_matures_is_counted_from_the_business_day_not_from_the_newest_data(bank, cast):
    rows = {row.name: row for row in login(cast.rita).get("/customers/").context["page"].rows}
    assert (rows["Poor"].maturing_30d, rows["Poor"].next_maturity_on) == (77, dt.date(2026, 11, 20))
    # 6 November lies after the month-end and before today: no longer ahead.
    assert (rows["Rich"].maturing_30d, rows["Rich"].next_maturity_on) == (0, None)
    page = login(cast.rita).get("/customers/").content.decode()
    assert "Matures by 10 Dec" in page
    assert "6 Nov" not in page
    found = login(cast.rita).get("/api/v1/customers/", {"maturing": "true"}).json()["results"]
    assert [(row["name"], row["maturing_30d"]) for row in found] == [("Poor", "77.00")]
    clock.set_day(dt.date(2026, 11, 21))
    assert shown(cast.rita, maturing="on") == []


def test_a_tier_that_only_a_loan_gives_says_so(bank, cast):
    owes = facts.customer("Owes", home_branch=cast.tree.n1, primary_rm=cast.rita)
    facts.balance(owes, Product.objects.get(code="personal-loan"), 250_000)
    profile.build(MONTH)
    page = login(cast.rita).get("/customers/").content.decode()
    assert page.count("by loan") == 1
    row = page[page.index(">Owes<") :]
    assert "Gold" in row[: row.index("by loan")]


def test_a_branch_stands_for_its_subtree_and_only_one_in_sight(bank, cast):
    assert set(shown(cast.ana, branch="N")) == {"Rich", "Poor", "New", "Other"}
    assert shown(cast.ana, branch="S", rm="E-raj") == ["Far"]
    assert len(shown(cast.bao, branch="S")) == 4  # not a choice of his: left out, and said so
    page = login(cast.bao).get("/customers/", {"branch": "S"}).content.decode()
    assert "A filter was not understood" in page


def test_pages_follow_one_another_without_loss_or_doubles(bank, cast):
    for number in range(120):
        facts.customer(f"More {number}", home_branch=cast.tree.n1, primary_rm=cast.rita)
    client, address, seen = login(cast.rita), "/customers/?order=aum", []
    while address:
        response = client.get(address)
        seen += [customer.pk for customer in response.context["page"].rows]
        address = response.context["pager"]["next_url"]
    assert len(seen) == len(set(seen)) == 124


def test_the_list_never_shows_a_number_and_needs_a_fixed_number_of_queries(bank, cast):
    client = login(cast.rita)
    client.get("/customers/")
    with CaptureQueriesContext(connection) as few:
        page = client.get("/customers/").content.decode()
    for number in range(40):
        facts.customer(f"More {number}", home_branch=cast.tree.n1, primary_rm=cast.rita)
    with CaptureQueriesContext(connection) as many:
        client.get("/customers/")
    assert len(few) == len(many) <= 13  # three of them for the freshness line
    assert "13812342291" not in page


def test_an_empty_portfolio_says_what_would_be_here(cast):
    assert "No customers yet" in login(cast.raj).get("/customers/").content.decode()


def test_the_api_lists_masked_customers_in_sight(bank, cast):
    found = login(cast.rita).get("/api/v1/customers/", {"order": "-aum", "page_size": 2}).json()
    found_names = [row["name"] for row in found["results"]]
    assert len(found_names) == 2
    assert found["next"]
    everybody = login(cast.rita).get("/api/v1/customers/").json()["results"]
    rich = next(row for row in everybody if row["name"] == "Rich")
    assert (rich["phone"], rich["tier"], rich["aum"]) == ("138****2291", "gold", "150000.00")
    assert {row["name"] for row in login(cast.raj).get("/api/v1/customers/").json()["results"]} == {"Far"}
    gold = login(cast.ana).get("/api/v1/customers/", {"tier": "gold", "falling": "false"}).json()["results"]
    assert [row["name"] for row in gold] == ["Rich"]
    ask = login(cast.ana).get
    by_word = {
        word: {row["name"] for row in ask("/api/v1/customers/", {"idle": word}).json()["results"]}
        for word in ("true", "false")
    }
    assert by_word["true"].isdisjoint(by_word["false"]), "who is not idle is not among the idle"
    assert by_word["true"] | by_word["false"] == {
        row["name"] for row in ask("/api/v1/customers/").json()["results"]
    }


def test_the_api_refuses_what_it_does_not_know(bank, cast):
    assert login(cast.rita).get("/api/v1/customers/", {"maturing": "maybe"}).status_code == 400
    assert login(cast.rita).get("/api/v1/customers/", {"order": "phone"}).status_code == 400
    assert login(cast.ada).get("/api/v1/customers/").status_code == 403
    assert login(cast.rita).post("/api/v1/customers/", {}).status_code in (403, 405)


def test_the_api_shows_one_customer_with_the_exportable_profile(bank, cast):
    address = f"/api/v1/customers/{bank['rich'].pk}/"
    found = login(cast.rita).get(address).json()
    assert found["profile"]["month"] == "2026-10-31"
    assert found["profile"]["fund"] == "150000.00"
    assert "top_counterparty" not in found["profile"]
    assert "13812342291" not in str(found)
    assert login(cast.raj).get(address).status_code == 404
    assert login(cast.ada).get(address).status_code == 403
