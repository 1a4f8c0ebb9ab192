"""Peers are averaged once with the profiles, in groups large enough to say something, and read by key."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import peers, product_gap, profile, relation
from customers.models import Consent, CustomerProfile, PeerGroup
from customers.relation import Relation
from tests import facts
from tests.facts import MONTH

FIFTY, EIGHTY = dt.date(1975, 1, 1), dt.date(1940, 1, 1)
NOTHING_SAID = Relation([], [], [], [], 0, [])


@pytest.fixture
def bank(cast, monkeypatch):
    """Thirty basic customers in their fifties with 1,000 to 30,000; one of 86; three gold ones of 51."""
    facts.make_tiers()
    products = facts.make_products()
    customers = {"fifty": [], "eighty": [], "gold": []}
    for name, born, number, unit in (
        ("fifty", FIFTY, 30, 1_000),
        ("eighty", EIGHTY, 1, 7_000),
        ("gold", FIFTY, 3, 200_000),
    ):
        for i in range(1, number + 1):
            who = facts.customer(f"{name} {i}", birth_date=born, home_branch=cast.tree.n1)
            facts.balance(who, products["current"], unit * i)
            facts.holding(who, products["current"])
            if i <= 12:
                facts.holding(who, products["fund-mixed"])
            customers[name].append(who)
    facts.transaction(customers["fifty"][0], -310, merchant_category="food", kind="card")
    profile.build(MONTH)
    return customers


def of(who):
    return peers.of(CustomerProfile.objects.get(customer=who, month=MONTH))


def test_the_same_tier_and_age_is_the_closest_group(bank):
    found = of(bank["fifty"][0])
    assert (found.level, found.count, found.tier, found.band) == ("tier_age", 30, "basic", (50, 59))
    assert found.averages["aum"] == 15_500  # the mean of 1,000 to 30,000
    assert found.averages["spend_food_3m"] == pytest.approx(310 / 30, abs=1e-3)
    assert found.shares["demand_deposit"] == 1


def test_a_group_of_fewer_than_thirty_is_not_kept_and_the_next_wider_one_stands_in(bank):
    assert of(bank["eighty"][0]).level == "tier"  # 31 basic customers of every age
    assert of(bank["eighty"][0]).count == 31
    assert of(bank["gold"][0]).level == "age"  # three gold ones, but 33 in their fifties
    assert of(bank["gold"][0]).count == 33
    assert not PeerGroup.objects.filter(customers__lt=peers.SMALLEST).exists()


def test_the_means_are_those_of_the_profiles_themselves(bank):
    rows = CustomerProfile.objects.filter(month=MONTH, tier="basic")
    found = PeerGroup.objects.get(month=MONTH, level="tier", tier="basic")
    for code in ("aum", "products_held", "demand_deposit"):
        mean = sum(float(getattr(row, code)) for row in rows) / len(rows)
        if code in found.averages:
            assert found.averages[code] == pytest.approx(mean, abs=1e-3)


def test_a_month_built_again_has_its_groups_once(bank):
    before = PeerGroup.objects.count()
    profile.build(MONTH)
    assert PeerGroup.objects.count() == before


def test_a_bank_with_too_few_customers_has_no_peers(cast):
    facts.make_tiers()
    who = facts.customer(home_branch=cast.tree.n1)
    profile.build(MONTH)
    assert of(who) is None


def test_reading_peers_is_one_query_that_reads_no_profile(bank):
    own = CustomerProfile.objects.get(customer=bank["fifty"][0], month=MONTH)
    with CaptureQueriesContext(connection) as queries:
        peers.of(own)
    assert len(queries) == 1
    assert "customerprofile" not in queries[0]["sql"]


def gap_of(who, said=NOTHING_SAID):
    own = CustomerProfile.objects.get(customer=who, month=MONTH)
    return product_gap.gap(own, peers.of(own), said)


def test_the_gap_is_what_many_peers_hold_and_the_customer_does_not(bank):
    (missing,) = gap_of(bank["fifty"][29])
    assert (missing.held.code, missing.held.holders, missing.held.share) == ("fund-mixed", 12, 0.4)
    assert missing.line_label == "Wealth management"
    assert missing.hindrance == ""
    assert gap_of(bank["fifty"][0]) == []  # holds it


def test_what_few_peers_hold_or_nobody_can_buy_is_no_gap(bank, monkeypatch):
    monkeypatch.setattr(product_gap, "FROM", 0.41)
    assert gap_of(bank["fifty"][29]) == []
    monkeypatch.setattr(product_gap, "FROM", 0.4)
    assert len(gap_of(bank["fifty"][29])) == 1
    facts.Product.objects.filter(code="fund-mixed").update(is_active=False)
    assert gap_of(bank["fifty"][29]) == []


@pytest.mark.parametrize(
    ("channel", "purpose", "hindrance"),
    [
        ("all", "all", "do_not_contact"),
        ("all", "marketing", "no_marketing"),
        ("all", "profiling", "no_profiling"),
        ("email", "marketing", ""),
        ("all", "survey", ""),
    ],
)
def test_an_objection_stands_beside_the_gap(bank, channel, purpose, hindrance):
    who = bank["fifty"][29]
    Consent.objects.create(
        customer=who, channel=channel, purpose=purpose, is_objection=True, since=dt.date(2026, 3, 1)
    )
    (missing,) = gap_of(who, relation.read(who.pk, dt.date(2026, 11, 25)))
    assert missing.hindrance == hindrance


def test_a_product_refused_lately_says_so(bank):
    who = bank["fifty"][29]
    facts.response(who, kind="refusal", product_code="fund-mixed")
    (missing,) = gap_of(who, relation.read(who.pk, dt.date(2026, 11, 25)))
    assert missing.hindrance == "refused"


def test_customers_of_whom_no_balance_ever_came_in_are_nobodys_peers(bank, cast):
    for i in range(40):
        facts.customer(f"imported {i}", birth_date=FIFTY, home_branch=cast.tree.n1)
    profile.build(MONTH)
    found = of(bank["fifty"][0])
    assert (found.count, found.averages["aum"]) == (30, 15_500)
    assert {one.code: one.share for one in found.held}["current"] == 1
